//! What an operator needs: logs, metrics, health, and an end without loss.

pub mod health;
pub mod logging;
pub mod metrics;
pub mod signals;
