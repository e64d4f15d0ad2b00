//! Waiting for what is bound to happen.

use std::time::Duration;

use tokio::time::Instant;

/// Asks until the answer is yes, and says how long that took.
///
/// # Panics
/// Where it is not within the bound.
#[track_caller]
pub(crate) fn until<F: Future<Output = bool>>(
    bound: Duration,
    holds: impl Fn() -> F,
) -> impl Future<Output = Duration> {
    let caller = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        loop {
            let asked = began.elapsed();
            if holds().await {
                return asked;
            }
            assert!(asked < bound, "not within {bound:?} at {caller}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
