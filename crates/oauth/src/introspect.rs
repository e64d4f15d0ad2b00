//! `POST /oauth/introspect` (RFC 7662), and the same signed (RFC 9701): what there is to say of a token, to those whom it
//! concerns.

use axum::body::Body;
use axum::response::Response;
use chancery_core::claims::machine_subject;
use chancery_core::ids::Handle;
use chancery_core::oauth::{ClientProof, OAuthError};
use chancery_core::params::Params;
use chancery_core::records::Authorization;
use chancery_jose::{Algorithm, Typ};
use chancery_store::PreparedClient;
use chancery_web::{AccessTokenClaims, Ctx, Failure, Form, admits, json, no_store, verify_any_access_token};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::client_auth::authenticate;
use crate::decision::organization_of;
use crate::issue;
use crate::token::refresh_token::{end, is_unspent};

const SIGNED: &str = "application/token-introspection+jwt";

/// 200 with `active`: a token that is unknown, over, or no business of the caller's is not active, and nothing else is said
/// of it (RFC 7662, section 2.2).
pub(crate) async fn introspect(
    ctx: Ctx,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, Failure> {
    let is_strict = ctx.tenant.settings.is_oidc_strict();
    answered(ctx, headers, params).await.map_err(|failure| failure.as_specified(is_strict))
}

async fn answered(ctx: Ctx, headers: HeaderMap, params: Params) -> Result<Response, Failure> {
    if let Some(name) = params.repeated() {
        return Err(OAuthError::Repeated(name.to_owned()).into());
    }
    let proof = ClientProof::parse(&params)?;
    let client = authenticate(&ctx, &headers, &proof).await?;
    if client.is_public() {
        let text = "Only applications that authenticate may introspect tokens";
        return Err(OAuthError::UnauthorizedClient(text.to_owned()).into());
    }
    let token = params.get("token").ok_or(OAuthError::Missing("token"))?;
    let said = match said(&ctx, &client, token).await? {
        Some(mut members) => {
            members.insert("active".to_owned(), true.into());
            members
        }
        None => Map::from_iter([("active".to_owned(), false.into())]),
    };
    match wants_signature(&headers) {
        true => signed(&ctx, &client, &said).await,
        false => Ok(json(StatusCode::OK, &said)),
    }
}

fn wants_signature(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut types = accepted.flat_map(|line| line.split(','));
    types.any(|one| one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(SIGNED))
}

/// Its audience is who asked, and what it says lies in one claim: it is no token of the kinds that it speaks of (RFC 9701,
/// section 8.1).
async fn signed(ctx: &Ctx, client: &PreparedClient, said: &Map<String, Value>) -> Result<Response, Failure> {
    let key = ctx.tenant.keys.current(Algorithm::RS256);
    let key = key.ok_or_else(|| Failure::server("the tenant has no signing key"))?;
    let payload = json!({
        "iss": ctx.origin.issuer, "aud": client.client_id, "iat": ctx.now(), "token_introspection": said,
    });
    let token = ctx.app.signer.sign(key, Typ::Introspection, payload.to_string().into_bytes()).await?;
    let mut response = no_store(Response::new(Body::from(token)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(SIGNED));
    Ok(response)
}

/// What there is to say of a token that is good now.
async fn said(
    ctx: &Ctx,
    client: &PreparedClient,
    token: &str,
) -> Result<Option<Map<String, Value>>, Failure> {
    let members = match token.contains('.') && !token.starts_with("v1.M") {
        true => of_jwt(ctx, client, token).await?,
        false => match of_refresh_token(ctx, client, token).await? {
            Some(members) => Some(members),
            None => of_opaque_token(ctx, client, token).await?,
        },
    };
    Ok(members.map(|members| {
        let there = members.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        there.map(|(name, value)| (name.clone(), value.clone())).collect()
    }))
}

/// An access token of an API. What others could have signed with the secret of an API is none.
async fn of_jwt(ctx: &Ctx, client: &PreparedClient, token: &str) -> Result<Option<Value>, Failure> {
    let Ok(claims) = verify_any_access_token(&ctx.tenant, &ctx.origin, token, ctx.now()) else {
        return Ok(None);
    };
    if !concerns(ctx, client, &claims) || !ctx.tenant.knows_client(&claims.client_id) {
        return Ok(None);
    }
    let is_machine = claims.sub == machine_subject(&claims.client_id);
    if !is_machine && !is_live(ctx, &claims.sub).await? {
        return Ok(None);
    }
    let scope: Vec<&str> = claims.scope.iter().map(String::as_str).collect();
    let audience = match claims.audiences.as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
    Ok(Some(json!({
        "iss": ctx.origin.issuer, "sub": claims.sub, "aud": audience, "client_id": claims.client_id,
        "scope": joined(&scope), "exp": claims.exp, "iat": claims.iat, "jti": claims.jti,
        "token_type": issue::token_type(claims.jkt.as_deref()), "cnf": confirmation(&claims.jkt, &claims.x5t),
        "org_id": claims.organization_id, "act": claims.act, "authorization_details": claims.authorization_details,
        "permissions": (!claims.permissions.is_empty()).then_some(&claims.permissions),
    })))
}

/// Whoever it was issued to may ask, and the API that it is for.
fn concerns(ctx: &Ctx, client: &PreparedClient, claims: &AccessTokenClaims) -> bool {
    let mut apis = claims.audiences.iter().filter_map(|named| ctx.tenant.resolve_api(&ctx.origin, named));
    claims.client_id == client.client_id || apis.any(|api| client.stands_for(api))
}

/// An access token for `/userinfo`.
async fn of_opaque_token(ctx: &Ctx, client: &PreparedClient, token: &str) -> Result<Option<Value>, Failure> {
    let Some(handle) = Handle::parse(token) else { return Ok(None) };
    let found = ctx.app.store.opaque_token(&ctx.tenant.tenant, &handle, ctx.now()).await?;
    let Some(record) = found.filter(|record| record.authorization.client_id == client.client_id) else {
        return Ok(None);
    };
    if !is_live(ctx, &record.authorization.user_id).await? {
        return Ok(None);
    }
    let mut members = of_authorization(ctx, client, &record.authorization);
    members["aud"] = ctx.origin.userinfo_audience.as_str().into();
    members["exp"] = record.expires_at.into();
    members["token_type"] = issue::token_type(record.jkt.as_deref()).into();
    members["cnf"] = confirmation(&record.jkt, &record.x5t);
    Ok(Some(members))
}

/// A refresh token. To ask is not to use it: one that was spent is not active, and nothing is revoked by it.
async fn of_refresh_token(ctx: &Ctx, client: &PreparedClient, token: &str) -> Result<Option<Value>, Failure> {
    let Some(handle) = issue::refresh_token_handle(token) else { return Ok(None) };
    let found = ctx.app.store.refresh_token(&ctx.tenant.tenant, &handle).await?;
    let Some(presented) = found else { return Ok(None) };
    let record = &presented.record;
    let ends = end(client, record);
    let is_good = record.authorization.client_id == client.client_id
        && is_unspent(ctx, client, &presented)
        && ends.is_none_or(|end| end > ctx.now())
        && presented.user.as_ref().is_some_and(|user| !user.is_blocked());
    if !is_good || !admits_its_user(ctx, client, &record.authorization).await? {
        return Ok(None);
    }
    let mut members = of_authorization(ctx, client, &record.authorization);
    members["iat"] = record.created_at.into();
    members["exp"] = ends.into();
    members["cnf"] = confirmation(&record.jkt, &record.x5t);
    Ok(Some(members))
}

/// What an exchange looks at besides: the connection, and the membership in the organization.
async fn admits_its_user(
    ctx: &Ctx,
    client: &PreparedClient,
    authorization: &Authorization,
) -> Result<bool, Failure> {
    if authorization.connection.as_deref().is_some_and(|name| !admits(&ctx.tenant, client, name)) {
        return Ok(false);
    }
    match organization_of(ctx, authorization, OAuthError::InvalidRefreshToken).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.error == OAuthError::InvalidRefreshToken => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// To the application that it was given to, which knows the user by its own `sub`.
fn of_authorization(ctx: &Ctx, client: &PreparedClient, authorization: &Authorization) -> Value {
    let scope: Vec<&str> = authorization.scope.iter().map(String::as_str).collect();
    json!({
        "iss": ctx.origin.issuer, "sub": ctx.subject_for(client, &authorization.user_id), "client_id": authorization.client_id,
        "scope": joined(&scope), "org_id": authorization.organization_id,
        "authorization_details":
            (!authorization.authorization_details.is_empty()).then_some(&authorization.authorization_details),
    })
}

fn joined(scope: &[&str]) -> Option<String> {
    (!scope.is_empty()).then(|| scope.join(" "))
}

fn confirmation(jkt: &Option<String>, x5t: &Option<String>) -> Value {
    match (jkt, x5t) {
        (Some(jkt), _) => json!({ "jkt": jkt }),
        (None, Some(x5t)) => json!({ "x5t#S256": x5t }),
        (None, None) => Value::Null,
    }
}

async fn is_live(ctx: &Ctx, user_id: &str) -> Result<bool, Failure> {
    let user = ctx.app.store.user(&ctx.tenant.tenant, user_id).await?;
    Ok(user.is_some_and(|user| !user.is_blocked()))
}
