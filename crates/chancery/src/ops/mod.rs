//! What an operator needs: logs, metrics, health, and an end without loss.

pub mod health;
pub mod logging;
pub mod metrics;
mod process;
pub mod signals;
