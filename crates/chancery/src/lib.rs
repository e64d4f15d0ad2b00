//! The server put together: configuration, command line, dev mode and operations. [`assemble()`] is what the binary and
//! the integration tests share.
//!
//! This crate alone reads the wall clock and the environment, and draws randomness from the system.

mod assemble;
mod authorities;
pub mod certificates;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
mod dashboard;
mod deploy;
pub mod dev;
mod files;
mod keys;
pub mod listen;
mod management;
pub mod master_key;
pub mod ops;
pub mod output;
pub mod rate_limits;
pub mod rng;
mod routes;
pub mod seed;
mod terminal;
pub mod threads;

pub use assemble::{Assembled, DEMO_TENANT, Setup, TenantSetup, assemble, connect, open};
pub use keys::{FirstKeys, KeysInTheMaking};
pub use routes::routes;
