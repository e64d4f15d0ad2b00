//! ID tokens (OpenID Connect Core 1.0, section 2; fact sheet 5.2).

use chancery_jose::{Algorithm, half_hash};
use serde_json::{Map, Value};

use super::json::Object;
use super::{Disclosed, OrganizationClaims, profile};
use crate::model::User;
use crate::second_factor::MULTI_FACTOR;

/// What goes into an ID token.
#[derive(Clone, Copy, Debug)]
pub struct IdToken<'a> {
    /// With its trailing slash; the host that was called.
    pub issuer: &'a str,
    /// Whom it is issued to: the only audience.
    pub client_id: &'a str,
    /// Whom it speaks of.
    pub user: &'a User,
    /// `sub`: the user's id, or who they are in the application's sector.
    pub subject: &'a str,
    /// Which claims it may hold.
    pub told: Disclosed<'a>,
    /// Seconds.
    pub issued_at: i64,
    /// Seconds the token lives.
    pub lifetime: i64,
    /// The algorithm it will be signed with, which half hashes follow.
    pub algorithm: Algorithm,
    /// Of the authorization request.
    pub nonce: Option<&'a str>,
    /// `sid`: the session.
    pub session_id: Option<&'a str>,
    /// When the user proved who they are, seconds. Only for requests with `max_age` or `prompt=login`.
    pub auth_time: Option<i64>,
    /// A second factor was shown: `amr` and `acr` say so.
    pub second_factor: bool,
    /// The access token issued beside it, for `at_hash`.
    pub access_token: Option<&'a str>,
    /// The code issued beside it, for `c_hash`.
    pub code: Option<&'a str>,
    /// The `state` of the answer, for `s_hash`, where the token proves that nobody changed the answer (FAPI 1.0 Part 2, section
    /// 5.2.2.1).
    pub state: Option<&'a str>,
    /// The organization, if one takes part.
    pub organization: Option<OrganizationClaims<'a>>,
    /// Claims of the tenant's making; names that are not theirs to set are dropped.
    pub custom: Option<&'a Map<String, Value>>,
}

impl IdToken<'_> {
    /// The claims as JSON.
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Object::with_capacity(1024);
        profile::write_claims(&mut out, self.user, &self.told, self.custom);
        out.string("iss", self.issuer);
        out.string("sub", self.subject);
        out.string("aud", self.client_id);
        out.number("iat", self.issued_at);
        out.number("exp", self.issued_at.saturating_add(self.lifetime));
        out.optional_string("sid", self.session_id);
        out.optional_string("nonce", self.nonce);
        if let Some(auth_time) = self.auth_time {
            out.number("auth_time", auth_time);
        }
        if self.second_factor {
            out.string("acr", MULTI_FACTOR);
            out.strings("amr", &["mfa"]);
        }
        if let Some(access_token) = self.access_token {
            out.string("at_hash", &half_hash(self.algorithm, access_token));
        }
        if let Some(code) = self.code {
            out.string("c_hash", &half_hash(self.algorithm, code));
        }
        if let Some(state) = self.state {
            out.string("s_hash", &half_hash(self.algorithm, state));
        }
        if let Some(organization) = self.organization {
            out.string("org_id", organization.id);
            out.optional_string("org_name", organization.name);
        }
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(token: &IdToken<'_>) -> Value {
        serde_json::from_slice(&token.payload()).unwrap()
    }

    fn token<'a>(user: &'a User, granted: &'a [&'a str]) -> IdToken<'a> {
        IdToken {
            issuer: "https://t.example/",
            client_id: "W",
            user,
            subject: &user.user_id,
            told: Disclosed { granted, ..Disclosed::default() },
            issued_at: 1_000,
            lifetime: 36_000,
            algorithm: Algorithm::RS256,
            nonce: None,
            session_id: None,
            auth_time: None,
            second_factor: false,
            access_token: None,
            code: None,
            state: None,
            organization: None,
            custom: None,
        }
    }

    #[test]
    fn least_and_most() {
        let user = User { user_id: "auth0|1".into(), email: Some("j@x.example".into()), ..User::default() };
        let least =
            json!({"iss": "https://t.example/", "sub": "auth0|1", "aud": "W", "iat": 1000, "exp": 37000});
        assert_eq!(read(&token(&user, &["openid"])), least);
        let most = IdToken {
            nonce: Some("n-\"1\""),
            session_id: Some("s"),
            auth_time: Some(999),
            second_factor: true,
            access_token: Some("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            code: Some("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            state: Some("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            organization: Some(OrganizationClaims { id: "org_1", name: Some("acme") }),
            ..token(&user, &["openid", "email"])
        };
        let mut expected = least;
        let more = json!({
            "email": "j@x.example", "email_verified": false, "nonce": "n-\"1\"", "sid": "s", "auth_time": 999,
            "acr": "http://schemas.openid.net/pape/policies/2007/06/multi-factor", "amr": ["mfa"], "at_hash": "77QmUPtjPfzWtF2AnpK9RQ", "c_hash": "LDktKdoQak3Pk0cnXxCltA", "s_hash": "LDktKdoQak3Pk0cnXxCltA", "org_id": "org_1", "org_name": "acme"
        });
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(read(&most), expected);
    }

    /// Security case 15: a mapping of claims must not overwrite the token's own.
    #[test]
    fn custom_claims_never_touch_the_tokens_own() {
        let user = User { user_id: "auth0|1".into(), ..User::default() };
        let own = [
            "iss",
            "sub",
            "aud",
            "iat",
            "exp",
            "sid",
            "nonce",
            "auth_time",
            "at_hash",
            "c_hash",
            "org_id",
            "acr",
            "amr",
        ];
        let mut custom: Map<String, Value> = own.iter().map(|n| ((*n).to_owned(), json!("evil"))).collect();
        custom.insert("https://x.example/role".to_owned(), json!("clerk"));
        let with = IdToken { custom: Some(&custom), nonce: Some("n"), ..token(&user, &["openid"]) };
        let text = String::from_utf8(with.payload()).unwrap();
        assert!(!text.contains("evil"), "{text}");
        assert_eq!(read(&with)["https://x.example/role"], json!("clerk"));
        assert_eq!(read(&with)["nonce"], json!("n"));
    }
}
