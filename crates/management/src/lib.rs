//! Management API v2: everything under `/api/v2`.
//!
//! One table of operations ([`operations`]) says what there is; one path through [`routes`] checks the caller, the scope
//! and the shape of the request; the files of `resources` say what happens. A resource kept as documents is a
//! [`resource`] description of some fifty lines.
//!
//! Two things stand beside the wire, under `/api/chancery/v1`: many operations in one go ([`changes`]), and why scopes are
//! granted or not ([`explain`]).

mod accounts;
mod call;
mod changes;
mod coverage;
mod directory;
mod dispatch;
mod document;
mod explain;
mod kept;
mod openapi;
mod ops;
mod page;
mod query;
mod resource;
mod resources;
mod scim;
mod search;
mod secrets;
pub mod shape;
mod user_token;

pub use coverage::compatibility;
pub use directory::{keep_directories, synchronize_due};
pub use dispatch::routes;
pub use kept::{KeptOnly, kept_only};
pub use openapi::{answer_shapes, document as openapi_document};
pub use ops::{OWN, Operation, WIRE, operations, own_operations, scopes};
