//! A second factor at login, as an authenticator of any kind makes it.

use std::time::{Duration, SystemTime};

use data_encoding::BASE32_NOPAD;
use e2e::{PASSWORD, Pairs, Platform, Told, User, eventually};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha1::Sha1;

/// What a device shows (RFC 6238).
struct Device {
    secret: Vec<u8>,
    used: u64,
}

impl Device {
    /// The next code that was not used yet: one for each half minute.
    async fn code(&mut self) -> String {
        let used = self.used;
        let step = eventually("the next code", Duration::from_secs(60), async || {
            let now =
                SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_secs() / 30;
            // A device that is a little early.
            (now + 1 > used).then_some((used + 1).max(now))
        })
        .await;
        self.used = step;
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.secret).expect("a key");
        mac.update(&step.to_be_bytes());
        let mac = mac.finalize().into_bytes();
        let offset = usize::from(mac[19] & 15);
        let number = u32::from_be_bytes(mac[offset..offset + 4].try_into().expect("four"));
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
    }
}

async fn login(platform: &Platform, name: &str, code: Option<&str>) -> Told {
    let body = json!({ "username": name, "password": PASSWORD, "code": code });
    platform.api(None, Method::POST, "/sessions", body).await
}

async fn ask(platform: &Platform, by: &User, method: Method, path: &str, body: Value) -> Told {
    platform.api(Some(by), method, &format!("/account/two-factor{path}"), body).await
}

/// Turns the second factor on; the device and the recovery codes.
async fn turn_on(platform: &Platform, by: &User) -> (Device, Vec<String>) {
    let made = ask(platform, by, Method::POST, "", json!({ "password": PASSWORD })).await.ok(201).json;
    let secret = made["secret"].as_str().expect("a secret");
    let uri = format!("otpauth://totp/dytt:{}?secret={secret}&issuer=dytt", by.name);
    assert_eq!(made["uri"], uri);
    assert!(made["qr_svg"].as_str().is_some_and(|svg| svg.contains("<svg")));
    let mut device = Device { secret: BASE32_NOPAD.decode(secret.as_bytes()).expect("Base32"), used: 0 };
    let code = device.code().await;
    let told = ask(platform, by, Method::PUT, "", json!({ "code": code })).await.ok(200).json;
    let codes = told["recovery_codes"].as_array().expect("codes").iter();
    (device, codes.map(|code| code.as_str().expect("a code").to_owned()).collect())
}

#[tokio::test]
async fn a_login_takes_the_device_or_a_code_that_was_written_down_each_once() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    ask(&platform, &ann, Method::POST, "", json!({ "password": "wrong" }))
        .await
        .failed(401, "wrong_password");
    ask(&platform, &ann, Method::PUT, "", json!({ "code": "000000" })).await.failed(401, "code_wrong");
    login(&platform, "ann", None).await.ok(201);
    let (mut device, codes) = turn_on(&platform, &ann).await;
    assert_eq!(codes.len(), 10);
    let state = ask(&platform, &ann, Method::GET, "", Value::Null).await.ok(200).json;
    assert_eq!(state, json!({ "is_on": true, "recovery_codes_left": 10 }));
    ask(&platform, &ann, Method::POST, "", json!({ "password": PASSWORD }))
        .await
        .failed(409, "two_factor_on");
    login(&platform, "ann", None).await.failed(401, "code_needed");
    login(&platform, "ann", Some("000000")).await.failed(401, "code_wrong");
    let code = device.code().await;
    login(&platform, "ann", Some(&code)).await.ok(201);
    login(&platform, "ann", Some(&code)).await.failed(401, "code_wrong");
    let written = codes[3].to_uppercase();
    login(&platform, "ann", Some(&written)).await.ok(201);
    login(&platform, "ann", Some(&written)).await.failed(401, "code_wrong");
    // Clients of the other face cannot ask for a code.
    let pairs: Pairs = &[("username", &"ann"), ("password", &PASSWORD)];
    platform.post("/douyin/user/login/", pairs).await.refused(100_210);
    let end = json!({ "password": PASSWORD, "code": codes[0] });
    ask(&platform, &ann, Method::POST, "/end", json!({ "password": PASSWORD, "code": "000000" }))
        .await
        .failed(401, "code_wrong");
    ask(&platform, &ann, Method::POST, "/end", end).await.ok(204);
    login(&platform, "ann", None).await.ok(201);
    for secret in [codes[1].as_str(), &BASE32_NOPAD.encode(&device.secret)] {
        assert!(!platform.log().contains(secret));
    }
    platform.finish().await;
}

#[tokio::test]
async fn administrators_need_one_where_it_is_asked_of_them() {
    let platform = Platform::with(&[("DYTT_USERS__ADMIN_TWO_FACTOR", "true")]).await;
    let root = platform.register("root").await;
    let audit = async || platform.api(Some(&root), Method::GET, "/admin/audit", Value::Null).await;
    audit().await.failed(403, "permission_denied");
    assert_eq!(platform.command(&["user", "admin", "root"]).await.code, Some(0));
    audit().await.failed(403, "two_factor_needed");
    turn_on(&platform, &root).await;
    audit().await.ok(200);
    platform.finish().await;
}
