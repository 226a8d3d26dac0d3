//! Grants each hop a little less than the caller has, and at most the method's cap. Outside of retries: all
//! tries share one deadline.

use std::time::Instant;

use domain::Call;
use proto::Step;
use tonic::Status;

use crate::rules::rule;
use crate::server::{Deadline, MARGIN, late};
use crate::{body, rules};

pub(crate) fn layer(next: Step) -> Step {
    Step::new(move |mut request| {
        let next = next.clone();
        async move {
            let now = Instant::now();
            let rule = rule(request.uri().path());
            let most = now + rule.map_or(rules::HOP, |rule| rule.cap);
            let granted = request.extensions().get::<Call>().map(|call| call.deadline - MARGIN);
            let deadline = granted.map_or(most, |granted| granted.min(most));
            if deadline <= now {
                return late();
            }
            request.extensions_mut().insert(Deadline(deadline));
            let streaming = crate::rules::streams(request.uri().path());
            match tokio::time::timeout_at(deadline.into(), next.take(request)).await {
                Ok(response) if streaming => body::until(response, async move {
                    tokio::time::sleep_until(deadline.into()).await;
                    Status::deadline_exceeded("the stream is over, ask again")
                }),
                Ok(response) => response,
                Err(_late) => late(),
            }
        }
    })
}
