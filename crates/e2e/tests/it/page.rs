//! What a browser and an operator see: the first page, the API's description, health and metrics.

use e2e::{Platform, shape};
use serde_json::Value;

use crate::route::ROUTES;

async fn page(platform: &Platform, path: &str) -> (reqwest::header::HeaderMap, String) {
    let answer = platform.fetch(&platform.url(path)).await;
    assert_eq!(answer.status(), 200, "{path}");
    (answer.headers().clone(), answer.text().await.expect("a page"))
}

fn header<'a>(headers: &'a reqwest::header::HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn the_first_page_runs_nothing_but_what_was_built() {
    let platform = Platform::start().await;
    let (_, empty) = page(&platform, "/").await;
    assert!(empty.contains("</html>"));
    let is_built = empty.contains("<div id=\"app\">");
    let ann = platform.register("<b onclick=x>").await;
    let video = platform.video(&ann, "<script>alert('1')</script>\" onload=\"x").await;
    let seen = platform.watch(&ann, video).await;
    let address = if is_built { format!("/video/{video}") } else { "/".into() };
    let (headers, html) = page(&platform, &address).await;
    let policy = header(&headers, "content-security-policy");
    let default = if is_built { "default-src 'self'" } else { "default-src 'none'" };
    assert!(policy.contains(default) && !policy.contains("unsafe"), "{policy}");
    assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
    assert_eq!(header(&headers, "referrer-policy"), "no-referrer");
    assert!(header(&headers, "content-type").starts_with("text/html"));
    assert!(
        !html.contains("<script>") && !html.contains("<b onclick") && !html.contains(" onload=\"x"),
        "{html}"
    );
    assert!(html.contains("&lt;script&gt;"), "{html}");
    let path = |field: &str| {
        shape::text(&seen, field).split_once(platform.http()).expect("our address").1.to_owned()
    };
    assert!(html.contains(&path("play_url")) && html.contains(&path("cover_url")), "{html}");
    for own in ["/assets/page.css", "/qr.svg", "/assets/avatar.png"] {
        assert!(is_built || html.contains(own), "{own}");
        page(&platform, own).await;
    }
    assert_eq!(platform.fetch(&platform.url("/app/of-yesterday.js")).await.status(), 404);
    platform.finish().await;
}

#[tokio::test]
async fn the_description_is_openapi_3_1_and_names_every_route() {
    let platform = Platform::start().await;
    let (headers, text) = page(&platform, "/openapi.json").await;
    assert!(header(&headers, "content-type").starts_with("application/json"));
    let description: Value = serde_json::from_str(&text).expect("JSON");
    assert!(shape::text(&description, "openapi").starts_with("3.1"));
    let paths = description["paths"].as_object().expect("paths");
    for (method, path, _) in ROUTES {
        let route = &paths[&format!("/douyin/{path}/")][method.to_lowercase()];
        assert!(
            route["responses"]["200"]["content"]["application/json"].is_object(),
            "{method} {path}: {route}"
        );
        assert!(!shape::text(route, "summary").is_empty() || !shape::text(route, "description").is_empty());
    }
    let described: Vec<&String> = paths.keys().filter(|path| path.starts_with("/douyin/")).collect();
    assert_eq!(described.len(), ROUTES.len(), "{described:?}");
    platform.finish().await;
}

#[tokio::test]
async fn the_documentation_loads_nothing_from_anywhere_else() {
    let platform = Platform::start().await;
    let (headers, html) = page(&platform, "/docs/").await;
    let policy = header(&headers, "content-security-policy");
    assert!(policy.starts_with("default-src 'self'") && !policy.contains("http"), "{policy}");
    let mut loaded = 0;
    for attribute in ["src=\"", "href=\""] {
        for rest in html.split(attribute).skip(1) {
            let address = rest.split('"').next().expect("an address");
            assert!(!address.contains("//"), "{address}");
            page(&platform, &format!("/docs/{}", address.trim_start_matches("./"))).await;
            loaded += 1;
        }
    }
    assert!(loaded >= 3, "{html}");
    let (_, start) = page(&platform, "/docs/swagger-initializer.js").await;
    assert!(
        start.contains("/openapi.json") && !start.contains("http://") && !start.contains("https://"),
        "{start}"
    );
    platform.finish().await;
}

#[tokio::test]
async fn health_and_metrics_are_on_the_operators_port_alone() {
    let platform = Platform::start().await;
    platform.get("/douyin/feed/", &[]).await.ok();
    platform.get("/nothing-here?token=x", &[]).await;
    let admin = async |path: &str| {
        let answer = platform.fetch(&format!("http://{}{path}", platform.admin())).await;
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    };
    assert_eq!(admin("/livez").await.0, 200);
    assert_eq!(admin("/readyz").await.0, 200);
    let (status, metrics) = admin("/metrics").await;
    assert_eq!(status, 200);
    assert!(
        metrics.contains("dytt_http_requests_total{route=\"/douyin/feed/\",status=\"200\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("dytt_http_request_seconds_bucket"), "{metrics}");
    assert!(!metrics.contains("nothing-here"), "routes by their template, not by what was asked");
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(platform.get(path, &[]).await.http, 404, "{path}");
    }
    platform.finish().await;
}
