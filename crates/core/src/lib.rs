//! The pure domain of Chancery: requests, the scope decision, claims, the login steps, errors and ids.
//!
//! Synchronous and without side effects: time comes from a [`Clock`], randomness from an [`Rng`], everything else as an
//! argument. Nothing here knows HTTP, SQL or the environment.

pub mod attack;
pub mod chain;
pub mod claims;
pub mod consent;
pub mod dashboard;
pub mod explanation;
pub mod ids;
pub mod interaction;
pub mod iso;
pub mod json;
pub mod liquid;
pub mod logout;
pub mod markup;
pub mod model;
pub mod nesting;
pub mod network;
pub mod numeric_date;
pub mod oauth;
pub mod params;
pub mod phone;
mod ports;
pub mod problem;
pub mod rate_limit;
pub mod records;
pub mod saml;
pub mod scope;
pub mod search;
pub mod second_factor;
pub mod webauthn;

pub use ports::{Clock, Delivery, Rng, Telephone};
