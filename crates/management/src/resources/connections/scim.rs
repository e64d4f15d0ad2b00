//! `/connections/{id}/scim-configuration`: how a company's system writes users here (RFC 7643, RFC 7644), and the tokens
//! it does so with (`crate::scim`). Of a token, its digest alone is stored.

use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::model::Connection;
use chancery_core::problem::{Missing, Problem};
use chancery_jose::{base64url, sha256};
use chancery_store::Kind;
use serde_json::{Value, json};

use super::Connections;
use crate::call::{Answer, Call, stored};
use crate::document::{find, rewrite};
use crate::ops::Table;
use crate::page::by_checkpoint;
use crate::resource::load;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /connections-scim-configurations", list);
    table.bind("GET /connections/{id}/scim-configuration", show);
    table.bind("POST /connections/{id}/scim-configuration", create);
    table.bind("PATCH /connections/{id}/scim-configuration", update);
    table.bind("DELETE /connections/{id}/scim-configuration", delete);
    table.bind("GET /connections/{id}/scim-configuration/default-mapping", default_mapping);
    table.bind("GET /connections/{id}/scim-configuration/tokens", tokens);
    table.bind("POST /connections/{id}/scim-configuration/tokens", add_token);
    table.bind("DELETE /connections/{id}/scim-configuration/tokens/{tokenId}", remove_token);
}

const KIND: Kind = Kind::ScimConfiguration;
const MISSING: Missing = Missing { message: "Not Found", code: None };
const UNSUPPORTED: Missing = Missing {
    message: "This connection type does not support SCIM. Please see our documentation for the currently supported \
              connection types: https://auth0.com/docs/authenticate/protocols/scim/configure-inbound-scim.",
    code: None,
};
/// Where the tokens lie in the stored document; never shown with it.
const TOKENS: &str = "tokens";

/// The connection, where its strategy takes users by SCIM.
async fn connection(call: &Call) -> Result<Connection, Problem> {
    let (connection, _) = load::<Connections>(call).await?;
    match connection.strategy.as_str() {
        "oidc" | "okta" | "samlp" | "waad" => Ok(connection),
        _ => Err(Problem::NotFound(UNSUPPORTED)),
    }
}

fn shown(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.shift_remove(TOKENS);
    }
    value
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let page = by_checkpoint(&call.query)?;
    let all = call.store().docs_all(call.tenant(), KIND).await.map_err(stored)?;
    let show = |doc: chancery_store::Stored| shown(serde_json::from_str(&doc.json).unwrap_or_default());
    let slice = page.cut(all, |doc| doc.id.clone(), show);
    Ok(Answer::ok(page.body("scim_configurations", slice)))
}

async fn stored_for(call: &Call) -> Result<Value, Problem> {
    let connection = connection(call).await?;
    find(call, KIND, &connection.id).await?.ok_or(Problem::NotFound(MISSING))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(shown(stored_for(&call).await?)))
}

async fn create(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    check_mapping(&call)?;
    let now = format_ms(call.ctx.now_ms);
    let given = |name: &str| call.body.get(name).filter(|value| !value.is_null()).cloned();
    let value = json!({
        "tenant_name": call.tenant(),
        "connection_id": connection.id,
        "connection_name": connection.name,
        "strategy": connection.strategy,
        "mapping": given("mapping").unwrap_or_else(|| mapping().into()),
        "updated_on": now,
        "created_at": now,
        "user_id_attribute": given("user_id_attribute").unwrap_or_else(|| "externalId".into()),
    });
    let (value, rev) = rewrite(&call, KIND, &connection.id, |found| match found {
        Some(_) => Err(Problem::conflict("SCIM is already configured for this connection.")),
        None => Ok(Some(value.clone())),
    })
    .await?;
    Ok(Answer::created(shown(value.unwrap_or_default())).at(rev))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    check_mapping(&call)?;
    let (value, rev) = rewrite(&call, KIND, &connection.id, |found| {
        let mut value = found.ok_or(Problem::NotFound(MISSING))?;
        for (name, member) in call.members() {
            value[name] = member;
        }
        value["updated_on"] = format_ms(call.ctx.now_ms).into();
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::ok(shown(value.unwrap_or_default())).at(rev))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let (_, rev) = rewrite(&call, KIND, &connection.id, |_| Ok(None)).await?;
    Ok(Answer::no_content().at(rev))
}

async fn default_mapping(call: Call) -> Result<Answer, Problem> {
    connection(&call).await?;
    Ok(Answer::ok(json!({"mapping": mapping()})))
}

async fn tokens(call: Call) -> Result<Answer, Problem> {
    let value = stored_for(&call).await?;
    let tokens = value.get(TOKENS).and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(Answer::ok(tokens.into_iter().map(without_digest).collect()))
}

fn without_digest(mut token: Value) -> Value {
    if let Some(members) = token.as_object_mut() {
        members.shift_remove("sha256");
    }
    token
}

/// What a SCIM client may do with a token that says nothing of it.
const SCOPES: [&str; 5] = ["get:users", "post:users", "put:users", "patch:users", "delete:users"];
const MOST_TOKENS: usize = 2;
/// A hundred years of seconds.
const LONGEST: i64 = 100 * 365 * 86_400;
/// Lines of a mapping: each is looked at for every user that is written or shown.
const MOST_LINES: usize = 200;

fn check_mapping(call: &Call) -> Result<(), Problem> {
    match call.body.get("mapping").and_then(Value::as_array) {
        Some(lines) if lines.len() > MOST_LINES => {
            Err(Problem::payload(&format!("mapping must have at most {MOST_LINES} lines"), "mapping"))
        }
        _ => Ok(()),
    }
}

async fn add_token(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let rng = &*call.ctx.app.rng;
    let id = ids::prefixed(rng, "tok_");
    let secret = format!("{id}.{}", ids::url_safe(rng, 43));
    let scopes = call.body.get("scopes").filter(|scopes| !scopes.is_null()).cloned();
    let mut token = json!({
        "token_id": id,
        "created_at": format_ms(call.ctx.now_ms),
        "scopes": scopes.unwrap_or_else(|| json!(SCOPES)),
    });
    if let Some(lifetime) = call.body.get("token_lifetime").filter(|value| !value.is_null()) {
        // Whole numbers that are larger than any count of seconds are numbers too.
        let seconds = lifetime.as_i64().filter(|seconds| (900..=LONGEST).contains(seconds));
        let seconds = seconds.ok_or_else(|| {
            Problem::payload(
                &format!("token_lifetime must be at least 900 seconds and at most {LONGEST}"),
                "token_lifetime",
            )
        })?;
        token["valid_until"] = format_ms(call.ctx.now_ms.saturating_add(seconds * 1000)).into();
    }
    let mut kept = token.clone();
    kept["sha256"] = base64url(&sha256(secret.as_bytes())).into();
    let (_, rev) = rewrite(&call, KIND, &connection.id, |found| {
        let mut value = found.ok_or(Problem::NotFound(MISSING))?;
        let mut tokens = value.get(TOKENS).and_then(Value::as_array).cloned().unwrap_or_default();
        if tokens.len() >= MOST_TOKENS {
            return Err(Problem::conflict(
                "A connection has at most 2 SCIM tokens: delete one of them first.",
            ));
        }
        tokens.push(kept.clone());
        value[TOKENS] = tokens.into();
        Ok(Some(value))
    })
    .await?;
    token["token"] = secret.into();
    Ok(Answer::created(token).at(rev))
}

async fn remove_token(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let (_, rev) = rewrite(&call, KIND, &connection.id, |found| {
        let mut value = found.ok_or(Problem::NotFound(MISSING))?;
        if let Some(tokens) = value.get_mut(TOKENS).and_then(Value::as_array_mut) {
            tokens.retain(|token| token.get("token_id").and_then(Value::as_str) != Some(call.at("tokenId")));
        }
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::no_content().at(rev))
}

fn mapping() -> Vec<Value> {
    MAPPING.iter().map(|(scim, auth0)| json!({"scim": scim, "auth0": auth0})).collect()
}

/// Attributes of SCIM users (RFC 7643, section 4) and what they become here.
const MAPPING: &[(&str, &str)] = &[
    ("userName", "preferred_username"),
    ("emails[primary eq true].value", "email"),
    ("externalId", "app_metadata.external_id"),
    ("active", "blocked"),
    ("displayName", "name"),
    ("name.givenName", "given_name"),
    ("name.familyName", "family_name"),
    ("name.middleName", "app_metadata.middle_name"),
    ("name.honorificPrefix", "app_metadata.honorific_prefix"),
    ("name.honorificSuffix", "app_metadata.honorific_suffix"),
    ("nickName", "nickname"),
    ("photos[type eq \"photo\"].value", "picture"),
    ("phoneNumbers[primary eq true].value", "app_metadata.primary_phone_number"),
    ("phoneNumbers[type eq \"mobile\"].value", "app_metadata.mobile_phone_number"),
    ("addresses[type eq \"work\"].streetAddress", "app_metadata.street_address"),
    ("addresses[type eq \"work\"].locality", "app_metadata.city"),
    ("addresses[type eq \"work\"].region", "app_metadata.state"),
    ("addresses[type eq \"work\"].postalCode", "app_metadata.postal_code"),
    ("addresses[type eq \"work\"].formatted", "app_metadata.postal_address"),
    ("addresses[type eq \"work\"].country", "app_metadata.country"),
    ("profileUrl", "app_metadata.profile_url"),
    ("userType", "app_metadata.user_type"),
    ("title", "app_metadata.title"),
    ("preferredLanguage", "app_metadata.language"),
    ("locale", "app_metadata.locale"),
    ("timezone", "app_metadata.timezone"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.employeeNumber", "app_metadata.employee_id"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.costCenter", "app_metadata.cost_center"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.organization", "app_metadata.organization"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.division", "app_metadata.division"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department", "app_metadata.department"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager", "app_metadata.manager"),
];
