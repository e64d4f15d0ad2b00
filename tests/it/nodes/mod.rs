//! Several nodes on one database: which of them a request reaches makes no difference, and what becomes of them when the
//! database is away.

mod configuration;
mod flows;
mod once;
mod outage;
mod stopped;

use crate::support::TestApp;

/// The first and two neighbours.
async fn three(first: TestApp) -> [TestApp; 3] {
    let (second, third) = (first.neighbour(1).await, first.neighbour(2).await);
    [first, second, third]
}
