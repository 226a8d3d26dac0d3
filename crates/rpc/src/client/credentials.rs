//! Says for whom the call is made: a bearer assertion for this one service, where this process may mint one.
//! Outside of retries: a try is the same call.

use std::sync::Arc;

use domain::Call;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use proto::{Request, Step};

use crate::assertion;
use crate::server::IDEMPOTENCY_KEY;

pub(crate) fn layer(to: &'static str, keys: Arc<tls::keys::RpcKeys>, next: Step) -> Step {
    Step::new(move |mut request| {
        add(to, &keys, &mut request);
        next.take(request)
    })
}

fn add(to: &str, keys: &tls::keys::RpcKeys, request: &mut Request) {
    let Some(call) = request.extensions().get::<Call>().copied() else { return };
    if let Some(key) = call.key
        && let Ok(value) = HeaderValue::try_from(format!("{:032x}", key.0))
    {
        request.headers_mut().insert(IDEMPOTENCY_KEY, value);
    }
    // A service without the key calls for itself: the other side then sees nobody.
    let token =
        call.viewer.zip(keys.for_service(to)).and_then(|(viewer, key)| assertion::mint(&key, to, viewer));
    let value = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
    if let Some(mut value) = value {
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}
