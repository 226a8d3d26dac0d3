//! Tokens that prove nothing, wherever they stand.

use e2e::{Answer, Platform, User, raw};
use reqwest::Method;

/// A token's three parts, each as text.
fn parts(user: &User) -> [String; 3] {
    let mut parts = user.token.split('.').map(str::to_owned);
    std::array::from_fn(|_| parts.next().expect("a part"))
}

/// Tokens nobody may act with.
fn forged(ann: &User, bob: &User, foreign: &User) -> Vec<String> {
    let ([head, claims, signature], [_, other, _]) = (parts(ann), parts(bob));
    let flip = |text: &str| {
        let first = if text.starts_with('A') { 'B' } else { 'A' };
        format!("{first}{}", &text[1..])
    };
    // {"alg":"none","typ":"JWT"}, {"alg":"nOnE"}, {"alg":"HS512"}, {"alg":"RS256","jku":"http://127.0.0.1/"}
    let heads = [
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0",
        "eyJhbGciOiJuT25FIn0",
        "eyJhbGciOiJIUzUxMiJ9",
        "eyJhbGciOiJSUzI1NiIsImprdSI6Imh0dHA6Ly8xMjcuMC4wLjEvIn0",
    ];
    let mut tokens: Vec<String> = heads.iter().map(|head| format!("{head}.{claims}.{signature}")).collect();
    tokens.extend(heads.iter().map(|head| format!("{head}.{claims}.")));
    tokens.extend([
        foreign.token.clone(),
        format!("{head}.{other}.{signature}"),
        format!("{head}.{claims}.{}", flip(&signature)),
        format!("{}.{claims}.{signature}", flip(&head)),
        format!("{head}.{}.{signature}", flip(&claims)),
        format!("{head}.{claims}"),
        format!("{head}.{claims}."),
        format!("{head}..{signature}"),
        format!("{}.x", ann.token),
        ann.token[..ann.token.len() - 1].to_owned(),
        format!("{}=", ann.token),
        format!("{}{}", ann.token, "A".repeat(10_240)),
        "A".repeat(10_240),
        "...".into(),
        "annpassword".into(),
        "' OR 1=1 --".into(),
        "../../keys/jwt.key".into(),
        "null".into(),
        "0".into(),
        "令牌".into(),
    ]);
    tokens
}

#[tokio::test]
async fn a_forged_token_proves_nothing_in_query_form_multipart_or_header() {
    let (platform, elsewhere) = (Platform::start().await, Platform::start().await);
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let foreign = elsewhere.register("ann").await;
    platform.video(&ann, "clip").await;
    let path = "/douyin/favorite/action/";
    for token in forged(&ann, &bob, &foreign) {
        let pairs: e2e::Pairs = &[("video_id", &1), ("action_type", &1), ("token", &token)];
        let mut answers = vec![
            platform.post(path, pairs).await,
            platform.post_form(path, pairs).await,
            platform.post_multipart(path, pairs).await,
        ];
        if token.is_ascii() {
            let request = platform.request(Method::POST, "/douyin/favorite/action/?video_id=1&action_type=1");
            let request = request.header("authorization", format!("Bearer {token}"));
            answers.push(Answer::read(request.send().await.expect("an answer")).await);
        }
        for answer in answers {
            let answer = answer.refused(100_004);
            assert!(token.len() < 4 || !answer.json.to_string().contains(&token), "{token} is echoed");
        }
    }
    assert_eq!(platform.watch(&ann, 1).await["favorite_count"], 0);
    platform.finish().await;
    elsewhere.finish().await;
}

#[tokio::test]
async fn a_token_of_another_platform_is_nobodys_here() {
    let (one, other) = (Platform::start().await, Platform::start().await);
    let (here, there) = (one.register("ann").await, other.register("ann").await);
    one.see(&there, "/douyin/user/", &[]).await.refused(100_004);
    other.see(&here, "/douyin/user/", &[]).await.refused(100_004);
    one.finish().await;
    other.finish().await;
}

/// The token outlives a restart.
#[tokio::test]
async fn a_token_is_good_after_a_restart() {
    let mut platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.stop().await;
    platform.restart().await;
    platform.profile(&ann, &ann).await;
    platform.finish().await;
}

#[tokio::test]
async fn a_value_that_is_no_utf8_is_a_bad_token_not_a_crash() {
    let platform = Platform::start().await;
    for request in [
        "GET /douyin/user/?token=%ff%fe HTTP/1.1\r\nHost: dytt.test\r\nConnection: close\r\n\r\n".as_bytes(),
        b"GET /douyin/user/ HTTP/1.1\r\nHost: dytt.test\r\nConnection: close\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
    ] {
        let (status, json) = raw::parsed(&raw::exchange(&platform, request).await);
        assert_eq!((status, &json["status_code"]), (200, &100_004.into()));
    }
    platform.finish().await;
}

#[tokio::test]
async fn credentials_in_a_query_can_be_forbidden() {
    let platform = Platform::with(&[("DYTT_COMPAT__QUERY_CREDENTIALS", "false")]).await;
    let pairs: e2e::Pairs = &[("username", &"ann"), ("password", &"a password")];
    platform.post("/douyin/user/register/", pairs).await.refused(100_002);
    let json = platform.post_form("/douyin/user/register/", pairs).await.ok();
    let token = json["token"].as_str().expect("a token");
    platform.get("/douyin/user/", &[("token", &token)]).await.refused(100_004);
    let request =
        platform.request(Method::GET, "/douyin/user/").header("authorization", format!("Bearer {token}"));
    Answer::read(request.send().await.expect("an answer")).await.ok();
    platform.finish().await;
}
