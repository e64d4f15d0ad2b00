//! Names with a meaning of their own, and sets of names that answer fast whatever their size.

use std::collections::HashSet;

use crate::model::ScopeDefinition;

/// The scope that makes a request one of OpenID Connect.
pub const OPENID: &str = "openid";
/// Asks for a refresh token.
pub const OFFLINE_ACCESS: &str = "offline_access";
/// Asks for a refresh token bound to the session.
pub const ONLINE_ACCESS: &str = "online_access";
/// The standard scopes of OpenID Connect, in the order they are implied.
pub const STANDARD: [&str; 5] = [OPENID, "profile", "email", "address", "phone"];
/// What any user's token for the Management API can carry (fact sheet 1.3).
pub const CURRENT_USER: [&str; 7] = [
    "read:current_user",
    "update:current_user_identities",
    "update:current_user_metadata",
    "create:current_user_metadata",
    "delete:current_user_metadata",
    "create:current_user_device_credentials",
    "delete:current_user_device_credentials",
];

/// Claim names that are scopes for applications of the old pipeline (fact sheet 3.1, `LEGACY`).
const LEGACY: [&str; 8] = [
    "name",
    "given_name",
    "family_name",
    "nickname",
    "email_verified",
    "picture",
    "created_at",
    "identities",
];

/// Whether an API may not define this scope (fact sheet 1.2; `online_access` is our addition).
pub fn is_reserved(scope: &str) -> bool {
    !matches!(Kind::of(scope), Kind::Api)
}

/// Whether the scope is the name of a claim, as applications of the old pipeline use.
pub(crate) fn is_legacy(scope: &str) -> bool {
    LEGACY.contains(&scope)
}

/// What sort of name a scope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Standard,
    Legacy,
    Offline,
    Online,
    Api,
}

impl Kind {
    pub(super) fn of(scope: &str) -> Self {
        match scope {
            OFFLINE_ACCESS => Self::Offline,
            ONLINE_ACCESS => Self::Online,
            _ if STANDARD.contains(&scope) => Self::Standard,
            _ if is_legacy(scope) => Self::Legacy,
            _ => Self::Api,
        }
    }
}

/// A set of names that borrows. A list is searched as it is while that is cheap, and hashed otherwise: an API has up to
/// 1000 scopes and a hostile request thousands.
#[derive(Clone, Debug)]
pub(super) enum Names<'a> {
    Strings(&'a [String]),
    Definitions(&'a [ScopeDefinition]),
    Fixed(&'a [&'a str]),
    Hashed(HashSet<&'a str>),
}

impl<'a> Names<'a> {
    pub(super) const EMPTY: Names<'static> = Names::Fixed(&[]);

    /// The same names, ready for so many lookups.
    pub(super) fn ready_for(self, lookups: usize) -> Self {
        let length = match &self {
            Self::Strings(list) => list.len(),
            Self::Definitions(list) => list.len(),
            Self::Fixed(list) => list.len(),
            Self::Hashed(_) => return self,
        };
        if length <= FEW || lookups <= FEW {
            return self;
        }
        Self::Hashed(match self {
            Self::Strings(list) => list.iter().map(String::as_str).collect(),
            Self::Definitions(list) => list.iter().map(|d| d.value.as_str()).collect(),
            Self::Fixed(list) => list.iter().copied().collect(),
            Self::Hashed(set) => set,
        })
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        match self {
            Self::Strings(list) => list.iter().any(|s| s == name),
            Self::Definitions(list) => list.iter().any(|d| d.value == name),
            Self::Fixed(list) => list.contains(&name),
            Self::Hashed(set) => set.contains(name),
        }
    }
}

const FEW: usize = 16;
