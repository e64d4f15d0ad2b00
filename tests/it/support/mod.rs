//! What every test stands on: a server in process, a small browser, and the words of OAuth.

mod agent;
mod app;
mod ask;
mod authenticator;
mod browser;
mod call;
mod described;
mod flows;
mod fuel;
mod gate;
mod keyed;
pub(crate) mod kolmogorov;
mod middle;
mod page;
mod prover;
mod published;
mod registered;
mod service;
mod tokens;
mod until;

pub(crate) use agent::Agent;
pub(crate) use app::{CALLBACK, ISSUER, TestApp, engines};
pub(crate) use ask::{Ask, Landing};
pub(crate) use authenticator::{Authenticator, options};
pub(crate) use browser::Browser;
pub(crate) use call::{Answer, Call, encode};
pub(crate) use chancery::DEMO_TENANT as TENANT;
pub(crate) use flows::{API, CONNECTION, JANE, SAM, segment};
pub(crate) use fuel::{TestClock, TestRng};
pub(crate) use gate::Gate;
pub(crate) use keyed::{KID, KeyedClient, pem};
pub(crate) use middle::{ACCESS_TOKEN, EXCHANGE, INVOICES, Middle};
pub(crate) use page::{Form, unescape};
pub(crate) use prover::Prover;
pub(crate) use published::Publisher;
pub(crate) use registered::Registered;
pub(crate) use service::{Heard, Service};
pub(crate) use tokens::decode;
pub(crate) use until::until;

/// `name=value` pairs as tests write them.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];
