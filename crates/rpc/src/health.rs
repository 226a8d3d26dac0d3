//! What an instance says of itself, asked with gRPC's own health service.

use proto::{Request, Step};
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::client::Connection;
use crate::server::full_name;

/// `SERVING`, `NOT_SERVING`, or why it does not say.
pub(crate) async fn ask(there: Connection, service: &str) -> Result<String, String> {
    let there = std::sync::Arc::new(there);
    let step = Step::new(move |request: Request| {
        let there = there.clone();
        async move { there.send(request.map(Body::new)).await }
    });
    let mut request = tonic::Request::new(HealthCheckRequest { service: full_name(service) });
    request.set_timeout(std::time::Duration::from_secs(2));
    let answer = HealthClient::new(step).check(request).await;
    let answer = answer.map_err(|status| status.message().to_owned())?.into_inner();
    Ok(answer.status().as_str_name().to_owned())
}
