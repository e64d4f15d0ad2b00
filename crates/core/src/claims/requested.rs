//! Claims that a request names one by one (`claims`, OpenID Connect Core 5.5), and what of them was allowed.

use serde::{Deserialize, Serialize};

use super::profile::scope_of;

/// Names of standard claims, apart from those of the scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestedClaims {
    /// For the ID token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<String>,
    /// For `/userinfo`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<String>,
}

impl RequestedClaims {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.id_token.is_empty() && self.userinfo.is_empty()
    }

    /// The scopes that would give these claims: what has to be allowed before any of them is told. Each once, in the order of
    /// the claims.
    pub fn scopes(&self) -> Vec<&'static str> {
        let mut scopes = Vec::new();
        for scope in self.id_token.iter().chain(&self.userinfo).filter_map(|claim| scope_of(claim)) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// What remains of them within these scopes; `None` where nothing does.
    #[must_use]
    pub fn within<S: AsRef<str>>(&self, granted: &[S]) -> Option<Self> {
        let is_allowed = |claim: &&String| {
            scope_of(claim).is_some_and(|scope| granted.iter().any(|granted| granted.as_ref() == scope))
        };
        let kept = |claims: &[String]| claims.iter().filter(is_allowed).cloned().collect();
        let kept = Self { id_token: kept(&self.id_token), userinfo: kept(&self.userinfo) };
        (!kept.is_empty()).then_some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(id_token: &[&str], userinfo: &[&str]) -> RequestedClaims {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        RequestedClaims { id_token: owned(id_token), userinfo: owned(userinfo) }
    }

    #[test]
    fn each_needs_the_scope_that_would_give_it() {
        let asked = claims(&["email", "nickname"], &["name", "email_verified", "phone_number"]);
        assert_eq!(asked.scopes(), ["email", "profile", "phone"]);
        let left = asked.within(&["openid", "email"]).unwrap();
        assert_eq!(left, claims(&["email"], &["email_verified"]));
        assert_eq!(asked.within(&["openid"]), None);
        assert_eq!(asked.within::<&str>(&[]), None);
    }

    #[test]
    fn what_belongs_to_no_scope_is_never_told() {
        let asked = claims(&["identities", "user_metadata", "sub"], &["created_at"]);
        assert!(asked.scopes().is_empty());
        assert_eq!(asked.within(&["openid", "profile", "email", "identities", "created_at", ""]), None);
    }
}
