//! `/users/{id}/authentication-methods`: what a user has beside the password. Time-based codes, keys, passkeys and recovery codes
//! are asked for at sign-in; the others are kept. The secret of a method is sealed, and shown to nobody but whoever sent it.

use chancery_core::iso::format_ms;
use chancery_core::problem::{Missing, Problem};
use chancery_core::{ids, second_factor, webauthn};
use chancery_jose::{CredentialKey, base64, base64_decode, base64url, base64url_decode};
use chancery_store::{Batch, Error};
use serde_json::{Map, Value, json};

use super::users;
use crate::call::{Answer, Call, missing, read_stored, stored};
use crate::ops::Table;
use crate::page::Page;
use crate::resource::{Lost, merged};
use crate::shape::Format;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /users/{id}/authentication-methods", list);
    table.bind("POST /users/{id}/authentication-methods", add);
    table.bind("PUT /users/{id}/authentication-methods", replace);
    table.bind("DELETE /users/{id}/authentication-methods", remove_all);
    table.bind("GET /users/{id}/authentication-methods/{authentication_method_id}", show);
    table.bind("PATCH /users/{id}/authentication-methods/{authentication_method_id}", update);
    table.bind("DELETE /users/{id}/authentication-methods/{authentication_method_id}", remove);
    table.bind("DELETE /users/{id}/authenticators", remove_all);
    table.bind("POST /users/{id}/recovery-code-regeneration", regenerate);
    table.bind("DELETE /users/{id}/multifactor/{provider}", remove_provider);
    table.bind("POST /users/{id}/multifactor/actions/invalidate-remember-browser", forget_browsers);
    table.bind("POST /users/{id}/risk-assessments/clear", nothing_assessed);
}

const MISSING: Missing =
    missing("The authentication method does not exist.", "inexistent_authentication_method");
const RECOVERY: &str = second_factor::RECOVERY_CODE;
/// What a document has beside what is shown.
const HIDDEN: [&str; 5] = ["sealed", "digest", "last_period", SIGN_COUNT, UNPROVEN];
/// Where the counter of a key stands, as far as anybody here has seen it.
const SIGN_COUNT: &str = "sign_count";
const UNPROVEN: &str = "made_before_proof";
/// The most methods of one type.
const MOST: usize = 20;

/// A method as stored, with the text it was read from.
struct Method {
    doc: String,
    value: Value,
}

impl Method {
    fn id(&self) -> &str {
        self.value.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    fn is(&self, kind: &str) -> bool {
        self.value.get("type").and_then(Value::as_str) == Some(kind)
    }

    fn shown(mut self) -> Value {
        if let Some(members) = self.value.as_object_mut() {
            members.retain(|name, _| !HIDDEN.contains(&name.as_str()));
        }
        self.value
    }
}

async fn all_of(call: &Call, user_id: &str) -> Result<Vec<Method>, Problem> {
    let found = call.store().authentication_methods(call.tenant(), user_id).await.map_err(stored)?;
    found.into_iter().map(|doc| Ok(Method { value: read_stored(&doc)?, doc })).collect()
}

async fn wanted(call: &Call) -> Result<Method, Problem> {
    let user = users::load(call, "id").await?;
    let id = call.at("authentication_method_id");
    let found = all_of(call, &user.user_id).await?.into_iter().find(|method| method.id() == id);
    found.ok_or(Problem::NotFound(MISSING))
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let all = all_of(&call, &user.user_id).await?;
    let page = Page::offset(&call.query)?;
    let slice = page.cut(all, |method| method.id().to_owned(), Method::shown);
    Ok(Answer::ok(page.body("authenticators", slice)))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(wanted(&call).await?.shown()))
}

async fn add(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let held = all_of(&call, &user.user_id).await?;
    let new = New::of(&call, &user.user_id, call.members())?;
    // What somebody began and did not end is in nobody's way.
    let ended = held.iter().map(|method| &method.value).filter(|value| value["confirmed"] != json!(false));
    new.fits_beside(ended)?;
    new.is_nobodys(&call, |_| false).await?;
    commit(&call, new.insert(&call, &user.user_id)).await?;
    Ok(Answer::created(new.answer))
}

/// Whatever there was goes, whether or not the new ones take its place.
async fn replace(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let mut all = Vec::<New>::new();
    for body in call.body.as_array().into_iter().flatten() {
        let new = New::of(&call, &user.user_id, body.as_object().cloned().unwrap_or_default())?;
        new.fits_beside(all.iter().map(|other| &other.value))?;
        new.is_nobodys(&call, |owner| owner == user.user_id).await?;
        all.push(new);
    }
    let gone = call.store().delete_authentication_methods(call.tenant(), &user.user_id, None);
    let batch = all.iter().fold(gone, |batch, new| batch.and(new.insert(&call, &user.user_id)));
    commit(&call, batch).await?;
    Ok(Answer::ok(all.into_iter().map(|new| new.answer).collect()))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    let method = wanted(&call).await?;
    let body = call.members();
    if body.contains_key("preferred_authentication_method") && !method.is("phone") {
        return Err(Problem::refused("Only a phone has a preferred_authentication_method."));
    }
    let id = method.id().to_owned();
    let after = Method { value: merged(method.value, body), doc: String::new() };
    let batch = call.store().update_authentication_method(
        call.tenant(),
        call.at("id"),
        &id,
        &method.doc,
        &after.value.to_string(),
    );
    match call.store().commit(batch).await {
        Ok(()) => Ok(Answer::ok(after.shown())),
        Err(Error::Guard) => Err(Lost::Race.into()),
        Err(other) => Err(stored(other)),
    }
}

async fn remove(call: Call) -> Result<Answer, Problem> {
    let method = wanted(&call).await?;
    gone(&call, Some(method.id())).await
}

/// No user, no methods.
async fn remove_all(call: Call) -> Result<Answer, Problem> {
    gone(&call, None).await
}

async fn gone(call: &Call, id: Option<&str>) -> Result<Answer, Problem> {
    let batch = call.store().delete_authentication_methods(call.tenant(), call.at("id"), id);
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}

/// A new code in the place of the one before, if there was one. Only its digest is kept.
async fn regenerate(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let rng = &*call.ctx.app.rng;
    let code = second_factor::recovery_code(rng);
    let id = format!("{RECOVERY}|{}", ids::prefixed(rng, "dev_"));
    let value = json!({
        "id": id,
        "type": RECOVERY,
        "confirmed": true,
        "created_at": format_ms(call.ctx.now_ms),
        "digest": base64url(&second_factor::recovery_digest(&code)),
    });
    let (tenant, store, user_id) = (call.tenant(), call.store(), user.user_id.as_str());
    let held = all_of(&call, user_id).await?;
    let gone = held.iter().filter(|method| method.is(RECOVERY)).fold(Batch::default(), |batch, method| {
        batch.and(store.delete_authentication_methods(tenant, user_id, Some(method.id())))
    });
    commit(&call, gone.and(store.insert_authentication_method(tenant, user_id, &id, &value.to_string())))
        .await?;
    Ok(Answer::ok(json!({"recovery_code": code})))
}

/// The two providers there were before all others: one is none of ours, the other is a time-based code.
async fn remove_provider(call: Call) -> Result<Answer, Problem> {
    if !["duo", "google-authenticator"].contains(&call.at("provider")) {
        let reason = format!("'No enum match for: {}' on property provider.", call.at("provider"));
        return Err(Problem::Path(reason));
    }
    let user = users::load(&call, "id").await?;
    let (tenant, store) = (call.tenant(), call.store());
    let kind = if call.at("provider") == "duo" { "duo" } else { "totp" };
    let held = all_of(&call, &user.user_id).await?;
    let batch = held.iter().filter(|method| method.is(kind)).fold(Batch::default(), |batch, method| {
        batch.and(store.delete_authentication_methods(tenant, &user.user_id, Some(method.id())))
    });
    store.commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}

/// Wherever the user signs in the next time, they show a second factor.
async fn forget_browsers(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let write = call.store().forget_browsers(call.tenant(), &user.user_id);
    call.store().commit(write).await.map_err(stored)?;
    Ok(Answer::no_content())
}

/// Nothing is assessed, so nothing has to be cleared.
async fn nothing_assessed(call: Call) -> Result<Answer, Problem> {
    users::load(&call, "id").await?;
    Ok(Answer::no_content())
}

async fn commit(call: &Call, batch: Batch) -> Result<(), Problem> {
    call.store().commit(batch).await.map_err(|error| match error {
        Error::Guard => Problem::NotFound(users::MISSING),
        Error::Conflict => Problem::conflict("Authentication method already exists."),
        other => stored(other),
    })
}

/// A method that is not stored yet.
struct New {
    id: String,
    /// As it will be stored.
    value: Value,
    /// As whoever makes it sees it.
    answer: Value,
}

impl New {
    fn of(call: &Call, user_id: &str, mut body: Map<String, Value>) -> Result<Self, Problem> {
        let kind = body.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        check(&kind, &body)?;
        let rng = &*call.ctx.app.rng;
        let device = ids::prefixed(rng, "dev_");
        let id = match credential_id(&body) {
            Some(credential) => webauthn::method_id(&kind, &credential),
            None => format!("{kind}|{device}"),
        };
        let ways: &[&str] = match kind.as_str() {
            "phone" => &["sms", "voice"],
            "totp" => &["totp"],
            _ => &[],
        };
        if !ways.is_empty() {
            let ways = ways.iter().map(|way| json!({"type": way, "id": format!("{way}|{device}")}));
            body.insert("authentication_methods".to_owned(), ways.collect());
        }
        if kind == "phone" {
            body.entry("preferred_authentication_method").or_insert_with(|| "sms".into());
        }
        body.insert("id".to_owned(), id.as_str().into());
        body.insert("created_at".to_owned(), format_ms(call.ctx.now_ms).into());
        let answer = Value::Object(body.clone());
        body.insert("confirmed".to_owned(), true.into());
        if webauthn::KINDS.contains(&kind.as_str()) {
            body.insert(SIGN_COUNT.to_owned(), 0.into());
            // In the one form that they are compared in.
            if let Some(id) = credential_id(&body) {
                body.insert("key_id".to_owned(), base64url(&id).into());
            }
            if let Some(key) = body.get("public_key").and_then(Value::as_str).and_then(public_key) {
                body.insert("public_key".to_owned(), base64(&key).into());
            }
        }
        if let Some(Value::String(secret)) = body.shift_remove("totp_secret") {
            let sealed = call.store().seal_authentication_method(call.tenant(), user_id, &secret);
            body.insert("sealed".to_owned(), sealed.map_err(stored)?.into());
        }
        Ok(Self { id, value: Value::Object(body), answer })
    }

    /// No user has the same thing twice, nor too many.
    fn fits_beside<'a>(&self, held: impl Iterator<Item = &'a Value>) -> Result<(), Problem> {
        let same_type: Vec<&Value> =
            held.filter(|other| other.get("type") == self.value.get("type")).collect();
        let told_apart =
            ["phone_number", "email", "key_id"].into_iter().find(|name| self.value.get(*name).is_some());
        let is_same = |other: &&Value| told_apart.is_none_or(|name| other.get(name) == self.value.get(name));
        if same_type.iter().any(is_same) {
            return Err(Problem::conflict("Authentication method already exists."));
        }
        if same_type.len() >= MOST {
            return Err(Problem::Forbidden(
                "too_many_entities",
                "You reached the limit of entities of this type for this user.".into(),
            ));
        }
        Ok(())
    }

    /// A credential is one user's, under one kind.
    async fn is_nobodys(&self, call: &Call, may_own: impl Fn(&str) -> bool) -> Result<(), Problem> {
        let Some(credential) = self.value.as_object().and_then(credential_id) else { return Ok(()) };
        for kind in webauthn::KINDS {
            let id = webauthn::method_id(kind, &credential);
            let found = call.store().authentication_method(call.tenant(), &id).await.map_err(stored)?;
            if found.is_some_and(|(owner, _)| !may_own(&owner)) {
                return Err(Problem::conflict("Authentication method already exists."));
            }
        }
        Ok(())
    }

    fn insert(&self, call: &Call, user_id: &str) -> Batch {
        let doc = self.value.to_string();
        let added = call.store().insert_authentication_method(call.tenant(), user_id, &self.id, &doc);
        let Some(credential) = self.value.as_object().and_then(credential_id) else { return added };
        let ids = webauthn::KINDS.map(|kind| webauthn::method_id(kind, &credential));
        let until = call.ctx.now() + KEPT_FOR;
        call.store().require_new_credential(call.tenant(), user_id, &ids, until).and(added)
    }
}

/// The id of the credential of a key; `None` for other methods.
fn credential_id(body: &Map<String, Value>) -> Option<Vec<u8>> {
    let kind = body.get("type").and_then(Value::as_str)?;
    let id = body.get("key_id").and_then(Value::as_str)?;
    webauthn::KINDS.contains(&kind).then(|| base64url_decode(id.trim_end_matches('=')).ok()).flatten()
}

/// Seconds for which nobody else may add the same credential, were it not to be seen yet.
const KEPT_FOR: i64 = 120;

/// Bytes (WebAuthn, section 5.1).
const LONGEST_ID: usize = 1023;

/// The bytes of a key that can be read, in either alphabet.
fn public_key(text: &str) -> Option<Vec<u8>> {
    let bytes = base64_decode(text).or_else(|_| base64url_decode(text.trim_end_matches('='))).ok()?;
    CredentialKey::from_cose(&bytes).ok().map(|_| bytes)
}

/// What the shape cannot say: each type needs what it is made of.
fn check(kind: &str, body: &Map<String, Value>) -> Result<(), Problem> {
    let needed: &[&str] = match kind {
        "phone" => &["phone_number"],
        "email" => &["email"],
        "totp" => &["totp_secret"],
        "webauthn-roaming" => &["key_id", "public_key", "relying_party_identifier"],
        _ => &["key_id", "public_key"],
    };
    if let Some(absent) = needed.iter().find(|name| !body.contains_key(**name)) {
        return Err(Problem::payload(&format!("Missing required property: {absent}"), ""));
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    if webauthn::KINDS.contains(&kind) {
        if credential_id(body).is_none_or(|id| id.is_empty() || id.len() > LONGEST_ID) {
            return Err(Problem::payload(
                "The id of the credential must be base64url, at most 1023 bytes",
                "key_id",
            ));
        }
        if text("public_key").and_then(public_key).is_none() {
            let said = "The public key must be a COSE_Key of EdDSA, ES256 or RS256 in base64";
            return Err(Problem::payload(said, "public_key"));
        }
    }
    for (name, format) in [("phone_number", Format::Phone), ("email", Format::Email)] {
        if let Some(value) = text(name).filter(|value| !format.fits(value)) {
            let reason = format!("Object didn't pass validation for format {}: {value}", format.name());
            return Err(Problem::payload(&reason, name));
        }
    }
    let is_base32 = |secret: &str| {
        let letters = secret.trim_end_matches('=');
        (1..=128).contains(&letters.len())
            && letters.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'a'..=b'z' | b'2'..=b'7'))
    };
    if text("totp_secret").is_some_and(|secret| !is_base32(secret)) {
        return Err(Problem::payload("The secret must be base32, at most 128 characters", "totp_secret"));
    }
    if body.contains_key("preferred_authentication_method") && kind != "phone" {
        return Err(Problem::payload("Only a phone has one", "preferred_authentication_method"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_type_needs() {
        let said = |value: Value| {
            let body = value.as_object().cloned().unwrap_or_default();
            check(value["type"].as_str().unwrap(), &body).is_ok()
        };
        assert!(said(json!({"type": "phone", "phone_number": "+4915112345678"})));
        assert!(!said(json!({"type": "phone", "phone_number": "0151"})));
        assert!(!said(json!({"type": "phone"})));
        assert!(said(json!({"type": "totp", "totp_secret": "GEZDGNBVGY3TQOJQ"})));
        assert!(!said(json!({"type": "totp", "totp_secret": "no!"})));
        assert!(!said(
            json!({"type": "email", "email": "a@b.example", "preferred_authentication_method": "sms"})
        ));
        assert!(!said(json!({"type": "passkey", "key_id": "k"})));
    }
}
