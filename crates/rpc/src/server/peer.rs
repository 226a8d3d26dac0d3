//! Lets a service call only what its row in the rules allows. Before the bearer: whose certificate is not
//! welcome need not say for whom it acts.

use proto::Step;
use tonic::Code;

use crate::rules::rule;
use crate::status;

pub(crate) fn layer(next: Step) -> Step {
    Step::new(move |request| {
        let next = next.clone();
        async move {
            let path = request.uri().path();
            let caller = request.extensions().get::<tls::Peer>().map(|peer| peer.service.as_str());
            let admitted = match (caller, rule(path)) {
                (Some(caller), Some(rule)) => rule.admits(caller),
                (_, _) => false,
            };
            if admitted {
                return next.take(request).await;
            }
            metrics::counter!("dytt_rpc_refused_total", "why" => "rule").increment(1);
            tracing::warn!(caller, path, "a service called what it may not");
            // A service's mistake, not a person's: no error of the catalogue.
            status::failed(Code::PermissionDenied, "this service may not call that")
        }
    })
}
