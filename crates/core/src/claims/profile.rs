//! Standard claims about a user, by scope (fact sheet 5.1, 5.5).

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::json::Object;
use super::profile_defaults::{default_name, default_nickname, default_picture};
use super::{Place, admitted};
use crate::iso::parse_ms;
use crate::model::User;
use crate::scope::is_legacy;

/// Which claims about a user are told, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disclosed<'a> {
    /// By scope.
    pub granted: &'a [&'a str],
    /// By name, whatever the scopes: see [`RequestedClaims`](super::RequestedClaims).
    pub named: &'a [String],
    /// Moments are seconds, as OpenID Connect Core 5.1 has them, instead of the text that the wire has.
    pub in_seconds: bool,
}

/// The answer of `/userinfo`: `sub` and the claims of the granted scopes, as they are now.
pub fn userinfo(subject: &str, user: &User, told: &Disclosed<'_>) -> Vec<u8> {
    userinfo_with(subject, user, told, None)
}

/// The same to be signed: said by `issuer`, for the application alone (OpenID Connect Core 5.3.2). Without `exp` it passes for
/// no other token.
pub fn userinfo_object(subject: &str, user: &User, told: &Disclosed<'_>, between: (&str, &str)) -> Vec<u8> {
    let (issuer, client_id) = between;
    let mut out = Object::with_capacity(640);
    out.string("iss", issuer);
    out.string("aud", client_id);
    out.string("sub", subject);
    write_claims(&mut out, user, told, None);
    out.finish()
}

/// With the custom claims of ID tokens.
fn userinfo_with(
    subject: &str,
    user: &User,
    told: &Disclosed<'_>,
    custom: Option<&Map<String, Value>>,
) -> Vec<u8> {
    let mut out = Object::with_capacity(512);
    out.string("sub", subject);
    write_claims(&mut out, user, told, custom);
    out.finish()
}

/// Standard claims of the granted scopes, and custom claims. A custom claim takes the place of the standard one of its
/// name, within the same scopes.
pub(super) fn write_claims(
    out: &mut Object,
    user: &User,
    told: &Disclosed<'_>,
    custom: Option<&Map<String, Value>>,
) {
    let granted = told.granted;
    let custom: Vec<_> = custom.into_iter().flat_map(|c| admitted(c, Place::IdToken, granted)).collect();
    for (claim, scope) in CLAIMS {
        // Scopes of the old pipeline are names of claims. An API's scope of the same name as a claim is no such thing.
        let by_name = is_legacy(claim) && granted.contains(&claim);
        let is_named = scope != LEGACY_ONLY && told.named.iter().any(|named| named == claim);
        if !granted.contains(&scope) && !by_name && !is_named {
            continue;
        }
        if custom.iter().any(|(name, _)| *name == claim) {
            continue;
        }
        match claim_of(user, claim) {
            Some(Claim::Text(text)) if told.in_seconds && MOMENTS.contains(&claim) => {
                if let Some(ms) = parse_ms(&text) {
                    out.number(claim, ms.div_euclid(1000));
                }
            }
            Some(Claim::Text(text)) => out.string(claim, &text),
            Some(Claim::Flag(flag)) => out.boolean(claim, flag),
            Some(Claim::Json(value)) => out.value(claim, &value),
            None => {}
        }
    }
    for (name, value) in custom {
        out.value(name, value);
    }
}

/// Whether a request may name the claim (OpenID Connect Core 5.1): it belongs to a scope.
pub fn is_standard_claim(claim: &str) -> bool {
    scope_of(claim).is_some()
}

/// The scope that a standard claim needs; `None` for other names.
pub(super) fn scope_of(claim: &str) -> Option<&'static str> {
    CLAIMS.iter().find(|(name, scope)| *name == claim && *scope != LEGACY_ONLY).map(|(_, scope)| *scope)
}

/// Granted to nobody: the claim is reached by its own name only.
const LEGACY_ONLY: &str = "";

/// Claims that say when.
const MOMENTS: [&str; 2] = ["updated_at", "created_at"];

const CLAIMS: [(&str, &str); 21] = [
    ("name", "profile"),
    ("family_name", "profile"),
    ("given_name", "profile"),
    ("middle_name", "profile"),
    ("nickname", "profile"),
    ("preferred_username", "profile"),
    ("profile", "profile"),
    ("picture", "profile"),
    ("website", "profile"),
    ("gender", "profile"),
    ("birthdate", "profile"),
    ("zoneinfo", "profile"),
    ("locale", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("email_verified", "email"),
    ("address", "address"),
    ("phone_number", "phone"),
    ("phone_number_verified", "phone"),
    ("created_at", LEGACY_ONLY),
    ("identities", LEGACY_ONLY),
];

enum Claim<'a> {
    Text(Cow<'a, str>),
    Flag(bool),
    Json(Cow<'a, Value>),
}

/// What the record says; only what it says.
fn claim_of<'a>(user: &'a User, claim: &str) -> Option<Claim<'a>> {
    let text = |text: &'a str| (!text.is_empty()).then_some(Claim::Text(Cow::Borrowed(text)));
    match claim {
        "name" => default_name(user).map(Claim::Text),
        "nickname" => default_nickname(user).map(Claim::Text),
        "picture" => default_picture(user).map(Claim::Text),
        "given_name" => text(user.given_name.as_deref()?),
        "family_name" => text(user.family_name.as_deref()?),
        "updated_at" => text(&user.updated_at),
        "created_at" => text(&user.created_at),
        "identities" => serde_json::to_value(&user.identities).ok().map(|v| Claim::Json(Cow::Owned(v))),
        "email" => text(user.email.as_deref()?),
        "email_verified" => {
            user.email.as_ref()?;
            Some(Claim::Flag(user.email_verified.unwrap_or(false)))
        }
        "phone_number" => text(user.phone_number.as_deref()?),
        "phone_number_verified" => {
            user.phone_number.as_ref()?;
            Some(Claim::Flag(user.phone_verified.unwrap_or(false)))
        }
        other => user.claims.get(other).filter(|v| !v.is_null()).map(|v| Claim::Json(Cow::Borrowed(v))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn jane() -> User {
        serde_json::from_value(json!({
            "created_at": "2023-06-14T21:36:26.399Z", "updated_at": "2024-06-14T21:36:26.399Z", "user_id": "auth0|1",
            "email": "Jane@example.com", "identities": [], "given_name": "Jane", "phone_number": "+15551234",
            "claims": {"locale": "en", "address": {"country": "CH"}, "sub": "evil", "hobby": "chess"}
        }))
        .unwrap()
    }

    fn read(granted: &[&str]) -> Value {
        let told = Disclosed { granted, ..Disclosed::default() };
        serde_json::from_slice(&userinfo("auth0|1", &jane(), &told)).unwrap()
    }

    #[test]
    fn claims_by_name() {
        let named = ["email".to_owned(), "updated_at".to_owned(), "identities".to_owned(), "sub".to_owned()];
        let told = Disclosed { granted: &["openid"], named: &named, in_seconds: true };
        let read: Value = serde_json::from_slice(&userinfo("other", &jane(), &told)).unwrap();
        assert_eq!(
            read,
            json!({"sub": "other", "updated_at": 1_718_400_986, "email": "Jane@example.com"}),
            "neither what belongs to no scope nor another subject"
        );
    }

    #[test]
    fn to_be_signed() {
        let told = Disclosed { granted: &["openid"], ..Disclosed::default() };
        let said = userinfo_object("s", &jane(), &told, ("https://t.example/", "app"));
        assert_eq!(said, br#"{"iss":"https://t.example/","aud":"app","sub":"s"}"#);
    }

    #[test]
    fn claims_follow_scopes() {
        assert_eq!(read(&["openid"]), json!({"sub": "auth0|1"}));
        assert_eq!(
            read(&["openid", "email"]),
            json!({"sub": "auth0|1", "email": "Jane@example.com", "email_verified": false})
        );
        assert_eq!(read(&["phone"])["phone_number_verified"], json!(false));
        assert_eq!(read(&["address"])["address"], json!({"country": "CH"}));
        let profile = read(&["openid", "profile"]);
        let names: Vec<_> = profile.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["sub", "name", "given_name", "nickname", "picture", "locale", "updated_at"]);
        assert_eq!(profile["updated_at"], json!("2024-06-14T21:36:26.399Z"));
        assert_eq!(profile["name"], json!("Jane@example.com"));
    }

    #[test]
    fn claim_names_as_scopes() {
        assert_eq!(read(&["openid", "nickname"]), json!({"sub": "auth0|1", "nickname": "Jane"}));
        assert_eq!(read(&["created_at"])["created_at"], json!("2023-06-14T21:36:26.399Z"));
    }

    #[test]
    fn an_api_scope_with_the_name_of_a_claim_reveals_nothing() {
        assert_eq!(read(&["openid", "locale", "updated_at", "phone_number"]), json!({"sub": "auth0|1"}));
    }

    #[test]
    fn a_custom_claim_takes_the_place_of_a_standard_one_and_of_no_other() {
        let custom = json!({"name": "Janet", "email": "other@example.com", "sub": "evil", "hobby": "chess"});
        let told = Disclosed { granted: &["email"], ..Disclosed::default() };
        let bytes = userinfo_with("auth0|1", &jane(), &told, custom.as_object());
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            r#"{"sub":"auth0|1","email_verified":false,"email":"other@example.com","hobby":"chess"}"#
        );
    }
}
