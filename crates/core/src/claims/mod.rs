//! What tokens and `/userinfo` say: payloads as JSON bytes, ready to be signed (fact sheet 1.7, 5).
//!
//! Written straight into a buffer: the token hot path builds no tree.

mod access_token;
mod custom;
mod id_token;
mod json;
mod logout_token;
mod pairwise;
mod profile;
mod profile_defaults;
mod requested;

pub use access_token::{AccessToken, GrantKind, machine_subject};
pub use custom::{Place, admitted, is_restricted};
pub use id_token::IdToken;
pub use logout_token::LogoutToken;
pub use pairwise::{pairwise_message, pairwise_subject, sector_of};
pub use profile::{Disclosed, is_standard_claim, userinfo, userinfo_object};
pub use profile_defaults::{default_name, default_nickname, default_picture, fill_profile_defaults};
pub use requested::RequestedClaims;

/// The organization a token speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganizationClaims<'a> {
    /// `org_id`.
    pub id: &'a str,
    /// `org_name`, where the tenant shows names.
    pub name: Option<&'a str>,
}
