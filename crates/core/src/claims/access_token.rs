//! Access tokens in the four dialects (fact sheet 1.7, 5.3).

use serde_json::{Map, Value};

use super::json::Object;
use super::{OrganizationClaims, Place, admitted};
use crate::model::Dialect;

/// What goes into a JWT access token.
#[derive(Clone, Copy, Debug)]
pub struct AccessToken<'a> {
    /// With its trailing slash; the host that was called.
    pub issuer: &'a str,
    /// The user's id, or [`machine_subject`].
    pub subject: &'a str,
    /// Identifier of the API.
    pub audience: &'a str,
    /// `aud` also names `/userinfo` ([`crate::scope::Decision::with_userinfo`]).
    pub with_userinfo: bool,
    /// Seconds.
    pub issued_at: i64,
    /// Seconds the token lives.
    pub lifetime: i64,
    /// Whom it is issued to.
    pub client_id: &'a str,
    /// Left out when empty.
    pub scope: &'a [&'a str],
    /// Left out when `None`, and `[]` when there are none.
    pub permissions: Option<&'a [&'a str]>,
    /// The API's.
    pub dialect: Dialect,
    /// 22 characters; only RFC 9068 dialects carry it.
    pub jti: &'a str,
    /// How it was obtained; only for some grants, and never in RFC 9068 dialects.
    pub grant_kind: Option<GrantKind>,
    /// The organization, if one takes part.
    pub organization: Option<OrganizationClaims<'a>>,
    /// Thumbprint of the key that the token is bound to (RFC 9449, section 6.1).
    pub jkt: Option<&'a str>,
    /// SHA-256 of the certificate that the token is bound to, base64url (RFC 8705, section 3.1).
    pub x5t: Option<&'a str>,
    /// What exactly the user allowed (RFC 9396, section 9.1).
    pub details: Option<&'a Value>,
    /// Who acts for the subject ([`crate::oauth::delegated`]).
    pub act: Option<&'a Value>,
    /// The user showed a second factor for it, and the API looks for that.
    pub second_factor: bool,
    /// When the user's password was last set (Unix time in milliseconds), where the API looks for that.
    pub password_set_at: Option<i64>,
    /// The API is one of the server's own.
    pub is_system_api: bool,
    /// Claims of the tenant's making; names that are not theirs to set are dropped.
    pub custom: Option<&'a Map<String, Value>>,
}

/// The `gty` claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// `client-credentials`
    ClientCredentials,
    /// `password`
    Password,
    /// `refresh_token`
    RefreshToken,
    /// `["refresh_token","password"]`: a token that goes back to a password grant.
    RefreshedPassword,
}

impl AccessToken<'_> {
    /// The claims as JSON.
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Object::with_capacity(512);
        if let Some(custom) = self.custom {
            let place = Place::AccessToken { of_system_api: self.is_system_api };
            for (name, value) in admitted(custom, place, self.scope) {
                out.value(name, value);
            }
        }
        out.string("iss", self.issuer);
        out.string("sub", self.subject);
        if self.with_userinfo {
            out.string_and_concatenated("aud", self.audience, self.issuer, "userinfo");
        } else {
            out.string("aud", self.audience);
        }
        out.number("iat", self.issued_at);
        out.number("exp", self.issued_at.saturating_add(self.lifetime));
        if !self.scope.is_empty() {
            out.joined("scope", self.scope);
        }
        if let Some(organization) = self.organization {
            out.string("org_id", organization.id);
            out.optional_string("org_name", organization.name);
        }
        if self.dialect.is_rfc9068() {
            out.string("jti", self.jti);
            out.string("client_id", self.client_id);
        } else {
            match self.grant_kind {
                Some(GrantKind::ClientCredentials) => out.string("gty", "client-credentials"),
                Some(GrantKind::Password) => out.string("gty", "password"),
                Some(GrantKind::RefreshToken) => out.string("gty", "refresh_token"),
                Some(GrantKind::RefreshedPassword) => out.strings("gty", &["refresh_token", "password"]),
                None => {}
            }
            out.string("azp", self.client_id);
        }
        if let Some(permissions) = self.permissions {
            out.strings("permissions", permissions);
        }
        if let Some(jkt) = self.jkt {
            out.object_of_string("cnf", "jkt", jkt);
        } else if let Some(x5t) = self.x5t {
            out.object_of_string("cnf", "x5t#S256", x5t);
        }
        if let Some(details) = self.details {
            out.value("authorization_details", details);
        }
        if let Some(act) = self.act {
            out.value("act", act);
        }
        if self.second_factor {
            out.strings("amr", &["mfa"]);
        }
        if let Some(set_at) = self.password_set_at {
            out.number("password_set_at", set_at);
        }
        out.finish()
    }
}

/// The `sub` of an application that acts for itself.
pub fn machine_subject(client_id: &str) -> String {
    format!("{client_id}@clients")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn token<'a>(scope: &'a [&'a str]) -> AccessToken<'a> {
        AccessToken {
            issuer: "https://t.example/",
            subject: "auth0|1",
            audience: "https://api.x/",
            with_userinfo: false,
            issued_at: 1_000,
            lifetime: 86_400,
            client_id: "W",
            scope,
            permissions: None,
            dialect: Dialect::AccessToken,
            jti: "73WakrfVbNJBaAmhQtEeDv",
            grant_kind: None,
            organization: None,
            jkt: None,
            x5t: None,
            details: None,
            act: None,
            second_factor: false,
            password_set_at: None,
            is_system_api: false,
            custom: None,
        }
    }

    fn read(token: &AccessToken<'_>) -> Value {
        serde_json::from_slice(&token.payload()).unwrap()
    }

    #[test]
    fn four_dialects() {
        let scope = ["openid", "read:a"];
        let permissions = ["read:a", "write:a"];
        let base = json!({
            "iss": "https://t.example/", "sub": "auth0|1", "aud": ["https://api.x/", "https://t.example/userinfo"],
            "iat": 1000, "exp": 87400, "scope": "openid read:a"
        });
        for dialect in [
            Dialect::AccessToken,
            Dialect::AccessTokenAuthz,
            Dialect::Rfc9068Profile,
            Dialect::Rfc9068ProfileAuthz,
        ] {
            let mut expected = base.clone();
            if dialect.is_rfc9068() {
                expected["jti"] = json!("73WakrfVbNJBaAmhQtEeDv");
                expected["client_id"] = json!("W");
            } else {
                expected["gty"] = json!("password");
                expected["azp"] = json!("W");
            }
            let mut token = AccessToken { dialect, with_userinfo: true, ..token(&scope) };
            token.grant_kind = Some(GrantKind::Password);
            if dialect.shows_permissions() {
                token.permissions = Some(&permissions);
                expected["permissions"] = json!(permissions);
            }
            assert_eq!(read(&token), expected, "{dialect:?}");
        }
    }

    #[test]
    fn a_machine_token() {
        let subject = machine_subject("W");
        let token = AccessToken {
            subject: &subject,
            grant_kind: Some(GrantKind::ClientCredentials),
            organization: Some(OrganizationClaims { id: "org_1", name: None }),
            ..token(&[])
        };
        let expected = json!({
            "iss": "https://t.example/", "sub": "W@clients", "aud": "https://api.x/", "iat": 1000, "exp": 87400,
            "org_id": "org_1", "gty": "client-credentials", "azp": "W"
        });
        assert_eq!(read(&token), expected, "an empty scope is left out");
        let token =
            AccessToken { permissions: Some(&[]), grant_kind: Some(GrantKind::RefreshedPassword), ..token };
        assert_eq!(read(&token)["permissions"], json!([]), "no permission is still a list");
        assert_eq!(read(&token)["gty"], json!(["refresh_token", "password"]));
    }

    proptest! {
        /// Whatever the strings, the payload is JSON and says what was put in; reserved claims never change hands.
        #[test]
        fn equals_a_reference(
            text in prop::collection::vec(any::<String>(), 7), scope in prop::collection::vec("\\PC{1,6}", 1..4),
            names in prop::collection::vec(prop_oneof![any::<String>(), Just("sub".to_owned()), Just("aud".to_owned()),
                Just("scope".to_owned()), Just("permissions".to_owned()), Just("https://x.example/role".to_owned())], 0..6),
            issued_at in any::<i64>(),
        ) {
            let custom: Map<String, Value> = names.into_iter().map(|n| (n, json!("mine"))).collect();
            let scope: Vec<&str> = scope.iter().map(String::as_str).collect();
            let act = json!({ "sub": text[5], "act": { "sub": text[6] } });
            let details = json!([{ "type": text[5] }]);
            let token = AccessToken {
                issuer: &text[0], subject: &text[1], audience: &text[2], with_userinfo: true, issued_at, lifetime: 1,
                client_id: &text[3], scope: &scope, permissions: Some(&scope), dialect: Dialect::Rfc9068ProfileAuthz,
                jti: &text[4], grant_kind: None, jkt: Some(&text[6]), x5t: None,
                details: Some(&details), act: Some(&act), second_factor: true,
                password_set_at: Some(issued_at), is_system_api: false, custom: Some(&custom),
                organization: Some(OrganizationClaims { id: &text[5], name: Some(&text[6]) }),
            };
            let mut expected = json!({
                "iss": text[0], "sub": text[1], "aud": [text[2], format!("{}userinfo", text[0])], "iat": issued_at,
                "exp": issued_at.saturating_add(1), "client_id": text[3], "scope": scope.join(" "),
                "permissions": scope, "jti": text[4], "org_id": text[5], "org_name": text[6],
                "cnf": { "jkt": text[6] }, "authorization_details": details, "act": act, "amr": ["mfa"],
                "password_set_at": issued_at,
            });
            let own: Vec<String> = expected.as_object().unwrap().keys().cloned().collect();
            for (name, value) in admitted(&custom, Place::AccessToken { of_system_api: false }, &scope) {
                prop_assert!(!own.iter().any(|o| o == name), "{} is ours", name);
                expected[name] = value.clone();
            }
            prop_assert_eq!(read(&token), expected);
        }
    }
}
