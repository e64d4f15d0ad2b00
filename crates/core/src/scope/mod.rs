//! The scope decision: who gets which scopes of which API, and why (fact sheet 3).
//!
//! One set of rules serves three purposes. [`decide`] issues tokens, [`decide_with_reasons`] does with what the log keeps of it, and
//! [`explain`] answers "why was this scope not granted?". All ask the same per-scope judge, so they cannot disagree.
//!
//! ```text
//! user flows     granted = asked ∩ API ∩ client grant (where one is needed) ∩ permissions (RBAC) ∩ consent; the rest is dropped
//! machine flow   asked must lie within the client grant, or the whole request is refused
//! refresh        as user flows, and ∩ (original grant ∪ policy)
//! on behalf      as user flows, and ∩ the token sent; for another API a client grant is always needed
//! ```

mod asked;
mod chain;
mod decide;
mod denied;
mod details;
mod explain;
mod grants;
mod judge;
mod names;
mod permissions;
mod reason;
mod reasons;
mod request;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod vectors;

pub use asked::AskedScopes;
pub use decide::{Decision, decide};
pub use denied::{Denied, Party};
pub use details::admits_detail;
pub use explain::{Explanation, ScopeOutcome, explain, explain_asked};
pub use grants::{client_grant, machine_organization};
pub(crate) use names::is_legacy;
pub use names::{CURRENT_USER, OFFLINE_ACCESS, ONLINE_ACCESS, OPENID, STANDARD, is_reserved};
pub use permissions::{GroupRole, PermissionSource, UserPermissions};
pub use reason::{Grounds, Reason, Step};
pub use reasons::{Reasoned, decide_with_reasons};
pub use request::{ExchangeKind, Flow, MachineOrganization, Original, Request, Target};
