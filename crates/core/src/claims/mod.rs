//! What tokens and `/userinfo` say: payloads as JSON bytes, ready to be signed (fact sheet 1.7, 5).
//!
//! Written straight into a buffer: the token hot path builds no tree.

mod access_token;
mod custom;
mod id_token;
mod json;
mod logout_token;
mod profile;
mod profile_defaults;

pub use access_token::{AccessToken, GrantKind, machine_subject};
pub use custom::{Place, admitted, is_restricted};
pub use id_token::IdToken;
pub use logout_token::LogoutToken;
pub use profile::{userinfo, userinfo_with};
pub use profile_defaults::{default_name, default_nickname, default_picture, fill_profile_defaults};

/// The organization a token speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganizationClaims<'a> {
    /// `org_id`.
    pub id: &'a str,
    /// `org_name`, where the tenant shows names.
    pub name: Option<&'a str>,
}
