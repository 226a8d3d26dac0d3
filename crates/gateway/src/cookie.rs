//! The two tokens of a session as cookies, for pages of our own: out of the reach of their scripts, and worth nothing
//! in a request that another site's page makes. Over https their names say that nobody else can have set them
//! (RFC 6265bis, 4.1.3).

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use domain::limits::SESSION_TIME;

use crate::address::Base;
use crate::token::ACCESS;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Where the renewal is sent, and nowhere else.
const RENEWAL_PATH: &str = "/api/v1/sessions";
/// Where what a browser has asked the identity provider is sent, and nowhere else.
const QUESTION_PATH: &str = "/api/v1/sessions/oidc";
/// How long somebody may take to tell the provider who they are.
const QUESTION_TIME: Duration = Duration::from_secs(900);

/// Cookies of pages under this address.
pub(crate) struct Cookies<'b> {
    base: &'b Base,
}

impl<'b> Cookies<'b> {
    pub(crate) const fn of(base: &'b Base) -> Self {
        Self { base }
    }

    /// The token that goes with requests.
    pub(crate) fn access<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        read(headers, self.access_name())
    }

    /// The token that renews.
    pub(crate) fn renewal<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        read(headers, self.renewal_name())
    }

    /// Has a browser keep both tokens, or forget them when they are empty.
    pub(crate) fn set(&self, response: &mut Response, access: &str, renewal: &str) {
        self.add(response, self.access_name(), (access, "/"), ACCESS);
        self.add(response, self.renewal_name(), (renewal, RENEWAL_PATH), SESSION_TIME);
    }

    fn add(&self, response: &mut Response, name: &str, (value, path): (&str, &str), lasts: Duration) {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let seconds = if value.is_empty() { 0 } else { lasts.as_secs() };
        let cookie =
            format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// What proves that a browser has asked the identity provider.
    pub(crate) fn question<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        read(headers, self.question_name())
    }

    /// Has a browser keep that, or forget it when it is empty.
    pub(crate) fn set_question(&self, response: &mut Response, secret: &str) {
        self.add(response, self.question_name(), (secret, QUESTION_PATH), QUESTION_TIME);
    }

    /// Whether a page of ours made a request, by its browser's word.
    pub(crate) fn is_same_origin(&self, parts: &Parts) -> bool {
        let said = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        match said(header::ORIGIN) {
            Some(origin) => origin.eq_ignore_ascii_case(self.base.origin()),
            None => said(FETCH_SITE) == Some("same-origin"),
        }
    }

    fn is_secure(&self) -> bool {
        self.base.as_str().starts_with("https://")
    }

    fn access_name(&self) -> &'static str {
        if self.is_secure() { "__Host-dytt" } else { "dytt" }
    }

    fn question_name(&self) -> &'static str {
        if self.is_secure() { "__Secure-dytt-oidc" } else { "dytt-oidc" }
    }

    fn renewal_name(&self) -> &'static str {
        if self.is_secure() { "__Secure-dytt-renewal" } else { "dytt-renewal" }
    }
}

fn read<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request =
            headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn over_https_only_a_cookie_that_nobody_else_can_set_counts() {
        let (plain, secure) = (Base::at("http://192.168.1.5:8080"), Base::at("https://v.example"));
        let headers = parts(&[("cookie", "a=b; dytt=one; __Host-dytt=two")]).headers;
        assert_eq!(Cookies::of(&plain).access(&headers), Some("one"));
        assert_eq!(Cookies::of(&secure).access(&headers), Some("two"));
        assert_eq!(Cookies::of(&secure).renewal(&headers), None);
        let mut response = Response::default();
        Cookies::of(&secure).set(&mut response, "x", "y");
        let set: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(set[0], "__Host-dytt=x; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(
            set[1],
            "__Secure-dytt-renewal=y; Path=/api/v1/sessions; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure"
        );
    }

    #[test]
    fn another_sites_page_is_told_by_its_browser() {
        let base = Base::at("https://v.example/app");
        for (headers, is_ours) in [
            (&[("origin", "https://v.example")][..], true),
            (&[("origin", "http://v.example")], false),
            (&[("origin", "https://v.example.evil.example")], false),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[], false),
        ] {
            assert_eq!(Cookies::of(&base).is_same_origin(&parts(headers)), is_ours, "{headers:?}");
        }
    }
}
