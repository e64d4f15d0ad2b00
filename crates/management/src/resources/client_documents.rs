//! `/clients/cimd/*`: applications that describe themselves at a URL (`core::oauth::ClientDocument`). An administrator who
//! registers one keeps a copy of what stands there; registering again renews it. They are third-party applications, always.

use chancery_core::model::Client;
use chancery_core::oauth::{ClientDocument, LARGEST_CLIENT_DOCUMENT, check_client_id_url};
use chancery_core::problem::Problem;
use chancery_jose::{Algorithm, Jwk, VerifyingKey, base64url};
use chancery_store::{Change, Error, Kind};
use chancery_web::FetchError;
use serde_json::{Map, Value, json};

use super::clients::{Clients, new_client};
use super::credentials;
use crate::call::{Answer, Call, internal, print, read, read_stored, stored};
use crate::ops::Table;
use crate::resource::{Lost, merged, put};

pub(super) fn bind(table: &mut Table) {
    table.bind("POST /clients/cimd/preview", preview);
    table.bind("POST /clients/cimd/register", register);
}

/// What stands at the URL, judged. Nothing is written.
async fn preview(call: Call) -> Result<Answer, Problem> {
    let url = url(&call)?;
    let known = known(&call, url).await?.map(|(client, _)| client);
    let mut answer = match fetched(&call, url).await {
        Ok(found) => found.shown(),
        Err(error) => json!({"errors": [error.to_string()]}),
    };
    if let Some(client) = known {
        answer["client_id"] = client.client_id.into();
        if let Some(by) = client.rest.get("external_metadata_created_by") {
            answer["external_metadata_created_by"] = by.clone();
        }
    }
    Ok(Answer::ok(answer))
}

/// Makes the application, or renews it where there is one for the URL.
async fn register(call: Call) -> Result<Answer, Problem> {
    let url = url(&call)?;
    let found = fetched(&call, url).await.map_err(|error| {
        Problem::refused(format!("The Client Metadata at {url} could not be retrieved: {error}."))
    })?;
    if !found.document.is_valid() {
        let why = found.document.violations.join("; ");
        return Err(Problem::refused(format!(
            "The Client Metadata document at {url} cannot be applied: {why}."
        )));
    }
    // Somebody else may register or change it at the same time.
    for _ in 0..TRIES {
        let change = Change::new(call.tenant());
        let (client, change, is_new) = match known(&call, url).await? {
            Some((before, seen)) => {
                let after = renewed(&call, &before, &found)?;
                if after == before {
                    return Ok(Answer::ok(answer(&found, &before)));
                }
                let change = put::<Clients>(change, &after, seen)?;
                (after, change, false)
            }
            None => {
                let client = made(&call, &found)?;
                let json = serde_json::to_string(&client).map_err(internal)?;
                let change = change.insert(Kind::Client, &client.client_id, Some(url), json);
                (client, change, true)
            }
        };
        match call.apply(change).await {
            Ok(rev) => {
                let body = answer(&found, &client);
                let answer = if is_new { Answer::created(body) } else { Answer::ok(body) };
                return Ok(answer.at(rev));
            }
            Err(Error::Guard | Error::Conflict) => {}
            Err(other) => return Err(stored(other)),
        }
    }
    Err(Lost::Race.into())
}

fn answer(found: &Found, client: &Client) -> Value {
    let mut body = found.shown();
    body["client_id"] = client.client_id.as_str().into();
    body
}

fn url(call: &Call) -> Result<&str, Problem> {
    let url = call.body.get("external_client_id").and_then(Value::as_str).unwrap_or_default();
    check_client_id_url(url).map_err(|reason| Problem::payload(reason, "external_client_id"))?;
    Ok(url)
}

/// The application of a URL.
async fn known(call: &Call, url: &str) -> Result<Option<(Client, i64)>, Problem> {
    let found = call.store().doc_by_uniq(call.tenant(), Kind::Client, url).await.map_err(stored)?;
    found.map(|found| Ok((read_stored(&found.json)?, found.rev))).transpose()
}

/// A document, and the keys it stands for.
struct Found {
    document: ClientDocument,
    /// As `/clients` takes credentials.
    keys: Vec<Value>,
}

async fn fetched(call: &Call, url: &str) -> Result<Found, FetchError> {
    let fetcher = &call.ctx.app.fetcher;
    let content = fetcher.json(url, LARGEST_CLIENT_DOCUMENT).await?;
    let mut document = ClientDocument::read(url, &content);
    let set = match (&document.jwks_uri, document.jwks.take()) {
        (Some(uri), _) => match fetcher.json(uri, LARGEST_KEY_SET).await {
            Ok(set) => Some(set),
            Err(error) => {
                document.violations.push(format!("jwks_uri: {error}"));
                None
            }
        },
        (None, set) => set,
    };
    let keys = set.map(|set| keys(&set, &mut document)).unwrap_or_default();
    Ok(Found { document, keys })
}

const TRIES: usize = 8;
const LARGEST_KEY_SET: usize = 64 << 10;
/// Keys of a set that are looked at, and those of them that are used.
const MOST_LOOKED_AT: usize = 50;
const MOST_KEYS: usize = 10;

/// The keys that verify assertions; others are left out with a warning, and without any the document is worthless.
fn keys(set: &Value, document: &mut ClientDocument) -> Vec<Value> {
    let Some(set) = set.get("keys").and_then(Value::as_array) else {
        document.violations.push("the keys are no JSON Web Key Set".to_owned());
        return Vec::new();
    };
    let mut keys = Vec::new();
    for (place, jwk) in set.iter().enumerate().take(MOST_LOOKED_AT) {
        match credential(jwk) {
            Some(key) if keys.len() < MOST_KEYS => keys.push(key),
            Some(_) => {
                document.warnings.push(format!("keys: only the first {MOST_KEYS} are used"));
                break;
            }
            None => {
                document.warnings.push(format!("keys: number {place} is left out: it verifies no assertion"));
            }
        }
    }
    if keys.is_empty() {
        document
            .violations
            .push("the key set has no key for RS256, RS384, PS256, PS384, ES256 or ES384".to_owned());
    }
    keys
}

fn credential(jwk: &Value) -> Option<Value> {
    let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    let key = VerifyingKey::from_jwk(&jwk).ok()?;
    let algorithm = ASSERTIONS.into_iter().find(|algorithm| key.supports(*algorithm))?;
    let thumbprint = || key.to_jwk()?.thumbprint().ok().map(|digest| base64url(&digest));
    let kid = jwk.kid.or_else(thumbprint)?;
    Some(
        json!({"credential_type": "public_key", "kid": kid, "alg": algorithm.as_str(), "pem": key.to_pem()?}),
    )
}

/// What assertions may be signed with (discovery, `token_endpoint_auth_signing_alg_values_supported`).
const ASSERTIONS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::ES256,
    Algorithm::ES384,
];

impl Found {
    fn shown(&self) -> Value {
        let document = &self.document;
        let mut mapped = document.mapped.clone();
        if !self.keys.is_empty() {
            let listed = self.keys.iter().map(|key| {
                json!({"credential_type": key["credential_type"], "kid": key["kid"], "alg": key["alg"]})
            });
            let listed: Vec<Value> = listed.collect();
            mapped.insert(METHODS.to_owned(), json!({"private_key_jwt": {"credentials": listed}}));
        }
        json!({
            "mapped_fields": mapped,
            "validation": {
                "valid": document.is_valid(),
                "violations": document.violations,
                "warnings": document.warnings,
            },
        })
    }

    /// Members of an application. Those that the document does not have are null.
    fn members(&self) -> Map<String, Value> {
        let mut members = self.document.mapped.clone();
        members.shift_remove("jwks_uri");
        members.entry("logo_uri").or_insert(Value::Null);
        members.insert("is_first_party".to_owned(), json!(false));
        members.insert("third_party_security_mode".to_owned(), json!("strict"));
        let methods = match self.keys.is_empty() {
            true => Value::Null,
            false => {
                members.insert("token_endpoint_auth_method".to_owned(), Value::Null);
                json!({"private_key_jwt": {"credentials": self.keys}})
            }
        };
        members.insert(METHODS.to_owned(), methods);
        members
    }
}

const METHODS: &str = "client_authentication_methods";

fn made(call: &Call, found: &Found) -> Result<Client, Problem> {
    let mut body = found.members();
    for (name, value) in [
        ("oidc_conformant", json!(true)),
        ("external_metadata_type", json!("cimd")),
        ("external_metadata_created_by", json!("admin")),
        (
            "refresh_token",
            json!({
                "rotation_type": "rotating",
                "expiration_type": "expiring",
                "leeway": 0,
                "token_lifetime": 2_592_000,
                "infinite_token_lifetime": false,
                "infinite_idle_token_lifetime": false,
                "idle_token_lifetime": 1_296_000,
            }),
        ),
    ] {
        body.insert(name.to_owned(), value);
    }
    new_client(call, body)
}

fn renewed(call: &Call, before: &Client, found: &Found) -> Result<Client, Problem> {
    let mut body = found.members();
    // Its keys are those of the document, no others.
    credentials::adopt(&mut body, Vec::new(), &*call.ctx.app.rng, call.ctx.now_ms)?;
    read(merged(print(before)?, body))
}
