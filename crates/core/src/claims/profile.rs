//! Standard claims about a user, by scope (fact sheet 5.1, 5.5).

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::json::Object;
use super::profile_defaults::{default_name, default_nickname, default_picture};
use super::{Place, admitted};
use crate::model::User;
use crate::scope::is_legacy;

/// The answer of `/userinfo`: `sub` and the claims of the granted scopes, as they are now.
pub fn userinfo<S: AsRef<str>>(user: &User, granted: &[S]) -> Vec<u8> {
    userinfo_with(user, granted, None)
}

/// The same with the custom claims of ID tokens.
pub fn userinfo_with<S: AsRef<str>>(
    user: &User,
    granted: &[S],
    custom: Option<&Map<String, Value>>,
) -> Vec<u8> {
    let granted: Vec<&str> = granted.iter().map(AsRef::as_ref).collect();
    let mut out = Object::with_capacity(512);
    out.string("sub", &user.user_id);
    write_claims(&mut out, user, &granted, custom);
    out.finish()
}

/// Standard claims of the granted scopes, and custom claims. A custom claim takes the place of the standard one of its
/// name, within the same scopes.
pub(super) fn write_claims(
    out: &mut Object,
    user: &User,
    granted: &[&str],
    custom: Option<&Map<String, Value>>,
) {
    let custom: Vec<_> = custom.into_iter().flat_map(|c| admitted(c, Place::IdToken, granted)).collect();
    for (claim, scope) in CLAIMS {
        // Scopes of the old pipeline are names of claims. An API's scope of the same name as a claim is no such thing.
        let by_name = is_legacy(claim) && granted.contains(&claim);
        if !granted.contains(&scope) && !by_name {
            continue;
        }
        if custom.iter().any(|(name, _)| *name == claim) {
            continue;
        }
        match claim_of(user, claim) {
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

/// The scope that a standard claim needs; `None` for other names.
pub(super) fn scope_of(claim: &str) -> Option<&'static str> {
    CLAIMS.iter().find(|(name, scope)| *name == claim && *scope != LEGACY_ONLY).map(|(_, scope)| *scope)
}

/// Granted to nobody: the claim is reached by its own name only.
const LEGACY_ONLY: &str = "";

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
        serde_json::from_slice(&userinfo(&jane(), granted)).unwrap()
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
        let bytes = userinfo_with(&jane(), &["email"], custom.as_object());
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            r#"{"sub":"auth0|1","email_verified":false,"email":"other@example.com","hobby":"chess"}"#
        );
    }
}
