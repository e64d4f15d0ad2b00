//! `/connections/{id}/keys`: the keys with which a connection proves to the other side who it is (`private_key_jwt`, RFC
//! 7523). One signs, one waits so that the other side knows it in time, and one before is remembered. Nobody can sign in
//! with such a connection yet, so nothing signs with them.

use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::model::Connection;
use chancery_core::problem::{Missing, Problem};
use chancery_jose::{
    Algorithm, SigningKey, base64url, certificate_envelope, generate_rsa, pem, self_signed_certificate, sha1,
};
use chancery_store::{Change, Kind};
use serde_json::{Map, Value, json};

use super::Connections;
use crate::call::{Answer, Call, internal};
use crate::document::{find, rewrite};
use crate::ops::Table;
use crate::resource::load;
use crate::secrets::{opened, seal};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /connections/{id}/keys", list);
    table.bind("POST /connections/{id}/keys", create);
    table.bind("POST /connections/{id}/keys/rotate", rotate);
}

const KIND: Kind = Kind::ConnectionKey;
const UNSUPPORTED: Missing =
    Missing { message: "This connection type does not have keys of its own.", code: None };
const NONE: Missing = Missing { message: "There are no keys for this connection.", code: None };

/// The connection, where its strategy signs.
async fn connection(call: &Call) -> Result<Connection, Problem> {
    let (connection, _) = load::<Connections>(call).await?;
    match connection.strategy.as_str() {
        "oidc" | "okta" => Ok(connection),
        _ => Err(Problem::NotFound(UNSUPPORTED)),
    }
}

/// Adds keys to a connection that is about to need them, unless it has some.
pub(super) async fn ensure(call: &Call, connection: &Connection, change: Change) -> Result<Change, Problem> {
    let option = |name: &str| connection.options.get(name).and_then(Value::as_str);
    if option("token_endpoint_auth_method") != Some("private_key_jwt")
        || find(call, KIND, &connection.id).await?.is_some()
    {
        return Ok(change);
    }
    let algorithm = algorithm(option("token_endpoint_auth_signing_alg"))?;
    if let Some(part) = &call.staged {
        part.count_keyed()?;
    }
    // What a plan makes is thrown away, so nobody works for it.
    let is_meant = call.staged.as_ref().is_none_or(|part| part.is_meant);
    let document = if is_meant { first(call, connection, algorithm).await? } else { json!({"keys": []}) };
    let json = serde_json::to_string(&document).map_err(internal)?;
    Ok(change.insert(KIND, &connection.id, None, json))
}

/// RSA is what there are certificates of here.
fn algorithm(name: Option<&str>) -> Result<&str, Problem> {
    match name.unwrap_or("RS256") {
        name if name.starts_with("ES") => Err(Problem::RefusedAs(
            "operation_not_supported",
            "Keys of connections are RSA keys on this server: RS256, RS384, RS512, PS256 or PS384.".into(),
        )),
        name => Ok(name),
    }
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let found = find(&call, KIND, &connection.id).await?.ok_or(Problem::NotFound(NONE))?;
    Ok(Answer::ok(shown(&found)))
}

async fn create(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let document = first(&call, &connection, algorithm(wanted(&call))?).await?;
    let (value, rev) = rewrite(&call, KIND, &connection.id, |found| match found {
        Some(_) => Err(Problem::conflict("Keys have already been created for this connection.")),
        None => Ok(Some(document.clone())),
    })
    .await?;
    Ok(Answer::created(shown(&value.unwrap_or_default())).at(rev))
}

fn wanted(call: &Call) -> Option<&str> {
    call.body.get("signing_alg").and_then(Value::as_str)
}

/// The one that waits begins to sign, and a new one waits.
async fn rotate(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let found = find(&call, KIND, &connection.id).await?.ok_or(Problem::NotFound(NONE))?;
    let used = found.pointer("/keys/0/algorithm").and_then(Value::as_str).unwrap_or_default();
    let algorithm = algorithm(Some(wanted(&call).unwrap_or(used)))?.to_owned();
    let pair = generate(&call, &connection, &algorithm).await?;
    let now = format_ms(call.ctx.now_ms);
    let (_, rev) = rewrite(&call, KIND, &connection.id, |found| {
        let before = found.ok_or(Problem::NotFound(NONE))?;
        let mut secrets = opened(&call, KIND, &connection.id, Some(&before))?;
        let mut keys: Vec<Value> = Vec::new();
        for key in before.get("keys").and_then(Value::as_array).into_iter().flatten() {
            let mut key = key.clone();
            match key.get("state").and_then(Value::as_str) {
                Some("next") => {
                    key["state"] = "current".into();
                    key["current_since"] = now.clone().into();
                }
                Some("current") => key["state"] = "previous".into(),
                // It signs no more, and nothing that it signed is still good.
                _ => {
                    secrets.shift_remove(kid(&key));
                    continue;
                }
            }
            keys.push(key);
        }
        keys.push(pair.document("next", None));
        // The one that waits stands last.
        keys.sort_by_key(|key| {
            ["current", "previous", "next"].iter().position(|state| key["state"] == *state)
        });
        secrets.insert(pair.kid.clone(), pair.secret.clone().into());
        let mut document = json!({"keys": keys});
        seal(&call, KIND, &connection.id, &mut document, secrets)?;
        Ok(Some(document))
    })
    .await?;
    Ok(Answer::created(one(&pair.document("next", None))).at(rev))
}

/// Two new keys: one signs, one waits.
async fn first(call: &Call, connection: &Connection, algorithm: &str) -> Result<Value, Problem> {
    let (current, next) =
        (generate(call, connection, algorithm).await?, generate(call, connection, algorithm).await?);
    let since = format_ms(call.ctx.now_ms);
    let mut document =
        json!({"keys": [current.document("current", Some(&since)), next.document("next", None)]});
    let secrets = [current, next].map(|pair| (pair.kid, Value::String(pair.secret)));
    seal(call, KIND, &connection.id, &mut document, Map::from_iter(secrets))?;
    Ok(document)
}

/// A new key pair.
struct Pair {
    kid: String,
    algorithm: String,
    subject: String,
    /// DER.
    certificate: Vec<u8>,
    /// PKCS #8, base64url: sealed before it rests anywhere.
    secret: String,
}

impl Pair {
    fn document(&self, state: &str, since: Option<&str>) -> Value {
        json!({
            "kid": self.kid,
            "algorithm": self.algorithm,
            "subject_dn": self.subject,
            "certificate": base64url(&self.certificate),
            "state": state,
            "current_since": since,
        })
    }
}

const TEN_YEARS: i64 = 10 * 365 * 86_400;

/// An RSA key takes up to a second of CPU, so it is made on a thread of its own.
async fn generate(call: &Call, connection: &Connection, algorithm: &str) -> Result<Pair, Problem> {
    let rng = &*call.ctx.app.rng;
    let kid = ids::url_safe(rng, 43);
    let mut serial = [0; 16];
    rng.fill(&mut serial);
    let pkcs8 =
        tokio::task::spawn_blocking(|| generate_rsa(2048)).await.map_err(internal)?.map_err(internal)?;
    let key = SigningKey::from_pkcs8(Algorithm::RS256, kid.as_str(), &pkcs8).map_err(internal)?;
    let now = call.ctx.now();
    let certificate =
        self_signed_certificate(&key, &connection.name, now, now.saturating_add(TEN_YEARS), &serial)
            .map_err(internal)?;
    Ok(Pair {
        kid,
        algorithm: algorithm.to_owned(),
        subject: format!("/CN={}", connection.name),
        certificate,
        secret: base64url(&pkcs8),
    })
}

fn kid(key: &Value) -> &str {
    key.get("kid").and_then(Value::as_str).unwrap_or_default()
}

fn shown(document: &Value) -> Value {
    document.get("keys").and_then(Value::as_array).into_iter().flatten().map(one).collect()
}

/// As the wire shows it.
fn one(key: &Value) -> Value {
    let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
    let der = chancery_jose::base64url_decode(text("certificate")).unwrap_or_default();
    let digest = sha1(&der).map(|byte| format!("{byte:02X}"));
    let mut value = json!({
        "kid": kid(key),
        "algorithm": text("algorithm"),
        "key_use": "signing",
        "subject_dn": text("subject_dn"),
        "cert": pem("CERTIFICATE", &der).replace('\n', "\r\n"),
        "pkcs": pem("PKCS7", &certificate_envelope(&der)).replace('\n', "\r\n"),
        "fingerprint": digest.join(":"),
        "thumbprint": digest.concat(),
    });
    value[text("state")] = true.into();
    if let Some(since) = key.get("current_since").filter(|since| !since.is_null()) {
        value["current_since"] = since.clone();
    }
    value
}
