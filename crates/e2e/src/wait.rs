//! Waiting for something to become true, with a deadline and without guessing how long it takes.

use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until `found` gives something.
///
/// # Panics
/// When it has not after `deadline`; the text names `what` was waited for.
pub async fn eventually<T>(what: &str, deadline: Duration, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = found().await {
            return value;
        }
        assert!(began.elapsed() < deadline, "{what}: not after {} s", deadline.as_secs_f32());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The outcome of something that has to end in time.
///
/// # Panics
/// When it has not after `deadline`; the text names `what` was waited for.
pub async fn within<T>(what: &str, deadline: Duration, ending: impl Future<Output = T>) -> T {
    match tokio::time::timeout(deadline, ending).await {
        Ok(value) => value,
        Err(_late) => panic!("{what}: not after {} s", deadline.as_secs_f32()),
    }
}
