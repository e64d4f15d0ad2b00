//! `/passwordless/*`: codes and links by mail, for applications with a login of their own (fact sheet 9.6).

use std::sync::Arc;

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::ids;
use chancery_core::model::Connection;
use chancery_core::oauth::{AuthorizeError, ClientProof, OAuthError};
use chancery_core::params::Params;
use chancery_store::PreparedClient;
use chancery_web::{CodeFor, CodeSent, Ctx, EMAIL, Failure, Form, json};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::authorize;
use crate::client_auth::authenticate;
use crate::pages;

/// Parameters that a link carries, at most, and how long each is.
const MOST_PARAMS: usize = 20;
const LONGEST_PARAM: usize = 2000;

/// `POST /passwordless/start`. Known and unknown addresses are answered alike, in time too (security case 14).
pub(crate) async fn start(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    if let Some(name) = params.repeated() {
        return Err(OAuthError::Repeated(name.to_owned()).into());
    }
    let client = client(&ctx, &headers, &params).await?;
    if !client.is_first_party {
        return Err(OAuthError::UnauthorizedClient("Third-party applications get no codes".to_owned()).into());
    }
    let connection = connection(&ctx, &client, params.get("connection"))?;
    let email = params.get("email").ok_or_else(|| bad("bad.email", "email is required"))?;
    let link = match params.get("send") {
        None | Some("link") => Some(link_params(params.get("authParams"))?),
        Some("code") => None,
        Some(_) => return Err(OAuthError::Invalid("send must be link or code".to_owned()).into()),
    };
    let may_sign_up = !connection.settings().disable_signup;
    let what = CodeFor { client_id: &client.client_id, email, may_sign_up, link };
    match ctx.mail_code(connection, what).await? {
        CodeSent::Taken => {
            let id = ids::object_id(&*ctx.app.rng, ctx.now());
            let email = email.trim().to_lowercase();
            Ok(json(StatusCode::OK, &json!({"_id": id, "email": email, "email_verified": false})))
        }
        CodeSent::BadEmail => Err(bad("bad.email", "error in email - email format validation failed").into()),
        CodeSent::TooMany(wait) => Err(wait.into()),
    }
}

/// `GET /passwordless/verify_redirect`: what the link of a mail leads to. It begins a login as `/authorize` would, in which the
/// code is filled in already. Nothing is used up before a button is pressed: scanners of mail open links too.
pub(crate) async fn verify_redirect(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let encoded = query.unwrap_or_default();
    let sent = match Params::from_form(encoded.as_bytes()) {
        Ok(sent) => sent,
        Err(e) => return Ok(pages::error(&ctx, &headers, 400, &AuthorizeError::invalid(e.to_string()))),
    };
    let own = ["email", "verification_code", "login_hint", "prompt", "protocol"];
    let mut params = Params::default();
    for (name, value) in sent.pairs().filter(|(name, _)| !own.contains(name)) {
        params.push(name.to_owned(), value);
    }
    if let Some(email) = sent.get("email") {
        params.push("login_hint", email);
    }
    // Whoever is signed in already is not who asked.
    params.push("prompt", "login");
    if !params.has("response_type") {
        params.push("response_type", "code");
    }
    let code = sent.get("verification_code").map(|code| code.chars().take(20).collect());
    Box::pin(authorize::begin_with_code(&ctx, &headers, &params, code)).await
}

/// An application that has a secret shows it, unless the tenant does without.
async fn client(ctx: &Ctx, headers: &HeaderMap, params: &Params) -> Result<Arc<PreparedClient>, Failure> {
    let proof = ClientProof::parse(params)?;
    let flags = &ctx.tenant.settings.flags.rest;
    let enforced = flags.get("enforce_client_authentication_on_passwordless_start").and_then(Value::as_bool);
    let is_bare =
        proof.client_secret.is_none() && proof.assertion.is_none() && !headers.contains_key("authorization");
    if enforced == Some(false) && is_bare {
        let found = proof.client_id.as_deref().and_then(|id| ctx.tenant.client(id));
        return found.cloned().ok_or_else(|| OAuthError::Unauthorized.into());
    }
    authenticate(ctx, headers, &proof).await
}

/// The connection, if the application uses it.
pub(crate) fn connection<'a>(
    ctx: &'a Ctx,
    client: &PreparedClient,
    name: Option<&str>,
) -> Result<&'a Connection, OAuthError> {
    let name = name.ok_or_else(|| bad("bad.connection", "connection is required"))?;
    let found = ctx.tenant.connection_by_name(name);
    let found = found.filter(|found| found.strategy == EMAIL && found.serves(&client.client_id));
    found
        .map(AsRef::as_ref)
        .ok_or_else(|| bad("bad.connection", "Connection does not exist or is not enabled"))
}

fn bad(code: &'static str, text: &str) -> OAuthError {
    OAuthError::Denied { code, status: 400, text: text.to_owned() }
}

/// `authParams`: what goes on to `/authorize`, which checks it when the link is followed.
fn link_params(json: Option<&str>) -> Result<Params, OAuthError> {
    let wrong = || OAuthError::Invalid("authParams must be an object of a few short texts".to_owned());
    let members: Map<String, Value> =
        json.map_or_else(|| Ok(Map::new()), |json| serde_json::from_str(json).map_err(|_| wrong()))?;
    let mut params = Params::default();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if text.len() > LONGEST_PARAM || name.len() > 100 || members.len() > MOST_PARAMS {
            return Err(wrong());
        }
        params.push(name.clone(), text);
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_carries() {
        let read = |json: &str| link_params(Some(json));
        let params = read(r#"{"scope":"openid","n":1,"nothing":null}"#).unwrap();
        assert_eq!(
            (params.get("scope"), params.get("n"), params.has("nothing")),
            (Some("openid"), Some("1"), false)
        );
        for bad in ["[]", "x", "1", &format!("{{\"a\":\"{}\"}}", "x".repeat(3000))] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let many: Vec<String> = (0..30).map(|n| format!("\"p{n}\":\"\"")).collect();
        assert!(read(&format!("{{{}}}", many.join(","))).is_err());
        assert!(link_params(None).unwrap().pairs().next().is_none());
    }
}
