//! `/userinfo` (OpenID Connect Core 5.3, fact sheet 5.5): opaque tokens, and JWTs whose `aud` names it.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chancery_core::claims::{self, Disclosed, RequestedClaims};
use chancery_core::ids::{self, Handle};
use chancery_core::model::{User, is_self_described};
use chancery_core::oauth::{EncryptedResponse, OAuthError};
use chancery_core::params::Params;
use chancery_core::rate_limit::Limited;
use chancery_core::records::Authorization;
use chancery_core::scope::OPENID;
use chancery_jose::Typ;
use chancery_store::PreparedClient;
use chancery_web::{
    Bound, Ctx, Failure, PROTECTED_RESOURCE, Scheme, Sent, TokenScheme, TooManyRequests, access_token,
    no_store, point_to_description, read_bytes, verify_access_token,
};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, HeaderName, Method, Uri};

use crate::issue;

/// Claims of the user, as they are now, for the scopes of the token.
pub(crate) async fn by_get(ctx: Ctx, headers: HeaderMap, uri: Uri) -> Response {
    let answered = match in_query(&uri) {
        Ok(token) => {
            let elsewhere = token.as_deref().map(|token| Elsewhere { token, is_query: true });
            told(&ctx, Method::GET, &headers, elsewhere).await
        }
        Err(error) => Err(Failure::from(error).with_scheme(Scheme::Bearer)),
    };
    described(&ctx, answered)
}

/// A token that is in no header.
#[derive(Clone, Copy)]
struct Elsewhere<'a> {
    token: &'a str,
    /// In the address, where it is read by more than those it is for (RFC 6750, section 2.3).
    is_query: bool,
}

/// The same; the token may stand in the form (RFC 6750, section 2.2).
pub(crate) async fn by_post(ctx: Ctx, headers: HeaderMap, body: Body) -> Response {
    let answered = match in_form(&ctx, &headers, body).await {
        Ok(token) => {
            let elsewhere = token.as_deref().map(|token| Elsewhere { token, is_query: false });
            told(&ctx, Method::POST, &headers, elsewhere).await
        }
        Err(error) => Err(Failure::from(error).with_scheme(Scheme::Bearer)),
    };
    described(&ctx, answered)
}

/// A refusal says where this resource is described (RFC 9728, section 5.1).
fn described(ctx: &Ctx, answered: Result<Response, Failure>) -> Response {
    answered.unwrap_or_else(|failure| {
        let mut response = failure.into_response();
        let description = format!("{}{PROTECTED_RESOURCE}/userinfo", ctx.origin.issuer);
        point_to_description(&mut response, &description);
        response
    })
}

async fn told(
    ctx: &Ctx,
    method: Method,
    headers: &HeaderMap,
    elsewhere: Option<Elsewhere<'_>>,
) -> Result<Response, Failure> {
    let scheme = match access_token(headers) {
        Ok(Some((TokenScheme::Dpop, _))) => Scheme::Dpop,
        _ => Scheme::Bearer,
    };
    let sent = Sent { method: &method, path: "/userinfo", headers };
    answer(ctx, &sent, elsewhere).await.map_err(|failure| failure.with_scheme(scheme))
}

/// The token of a query, of which nothing else means anything here.
fn in_query(uri: &Uri) -> Result<Option<String>, OAuthError> {
    let params = uri.query().and_then(|query| Params::from_form(query.as_bytes()).ok()).unwrap_or_default();
    let mut tokens = params.all("access_token");
    match (tokens.next(), tokens.next()) {
        (_, Some(_)) => Err(OAuthError::Repeated("access_token".to_owned())),
        (token, None) => Ok(token.map(str::to_owned)),
    }
}

/// The token of a form; bodies of other kinds mean nothing here.
async fn in_form(ctx: &Ctx, headers: &HeaderMap, body: Body) -> Result<Option<String>, OAuthError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(None);
    }
    let params = Params::from_form(&read_bytes(&ctx.app.config, headers, body).await?)?;
    if let Some(name) = params.repeated() {
        return Err(OAuthError::Repeated(name.to_owned()));
    }
    Ok(params.get("access_token").map(str::to_owned))
}

async fn answer(ctx: &Ctx, sent: &Sent<'_>, elsewhere: Option<Elsewhere<'_>>) -> Result<Response, Failure> {
    let (scheme, token) = match (access_token(sent.headers)?, elsewhere) {
        (Some(_), Some(_)) => {
            // RFC 6750, section 2.
            return Err(
                OAuthError::Invalid("The access token was sent in more than one way".to_owned()).into()
            );
        }
        (Some(sent), None) => sent,
        (None, Some(elsewhere)) => (TokenScheme::Bearer, elsewhere.token),
        (None, None) => return Err(OAuthError::TokenMissing.into()),
    };
    let Told { user_id, client_id, granted, claims, jkt, x5t } = match token.contains('.') {
        true => by_jwt(ctx, token)?,
        false => by_handle(ctx, token).await?,
    };
    let bound = Bound { jkt: jkt.as_deref(), x5t: x5t.as_deref() };
    ctx.check_possession(sent, (scheme, token), bound).await?;
    let left = ctx.take_overall(Limited::UserInfo, &user_id);
    if let Some(left) = left.filter(|left| left.is_spent) {
        return Err(TooManyRequests::from(left).into());
    }
    if !granted.iter().any(|scope| scope == OPENID) {
        return Err(OAuthError::TokenScope(OPENID).into());
    }
    let client = ctx.tenant.client(&client_id);
    let is_financial = client.is_some_and(|client| client.fapi().is_some());
    // FAPI 2.0, section 5.3.4, and FAPI 1.0 Part 1, section 6.2.1.
    if is_financial && elsewhere.is_some_and(|elsewhere| elsewhere.is_query) {
        let text = "The compliance level of the client takes no access token in the query";
        return Err(OAuthError::Invalid(text.to_owned()).into());
    }
    // Whoever describes itself is registered nowhere.
    let describes_itself =
        ctx.tenant.agents.client_id_metadata_documents.enabled && is_self_described(&client_id);
    if client.is_none() && !describes_itself {
        return Err(INVALID.into());
    }
    let user = user(ctx, &user_id).await?;
    let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
    let disclosed = Disclosed {
        granted: &granted,
        named: claims.as_ref().map(|claims| claims.userinfo.as_slice()).unwrap_or_default(),
        in_seconds: ctx.tenant.settings.is_oidc_strict(),
    };
    let mut response = said(ctx, client, &user, &disclosed).await?;
    if let Some(left) = left {
        left.say(response.headers_mut());
    }
    if is_financial {
        response.headers_mut().insert(INTERACTION, interaction(ctx, sent.headers));
    }
    Ok(response)
}

/// What the financial profiles find a call again by, on both sides.
const INTERACTION: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

/// That of the call where it has one, else a new one (FAPI 1.0 Part 1, section 6.2.1; FAPI 2.0 Implementation Advice, section 2.1.1).
fn interaction(ctx: &Ctx, headers: &HeaderMap) -> HeaderValue {
    let is_uuid = |sent: &&HeaderValue| {
        sent.len() == 36 && sent.as_bytes().iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
    };
    let sent = headers.get(INTERACTION).filter(is_uuid).cloned();
    let made = || HeaderValue::try_from(ids::uuid(&*ctx.app.rng));
    sent.or_else(|| made().ok()).unwrap_or(HeaderValue::from_static(""))
}

/// As JSON, or signed, or encrypted, or first the one and then the other, as the application registered (OpenID Connect Core 5.3.2).
/// `sub` is that of its ID tokens.
async fn said(
    ctx: &Ctx,
    client: Option<&Arc<PreparedClient>>,
    user: &User,
    disclosed: &Disclosed<'_>,
) -> Result<Response, Failure> {
    let own = Cow::Borrowed(user.user_id.as_str());
    let subject = client.map_or(own, |client| ctx.subject_for(client, &user.user_id));
    let (kind, body) = match client.filter(|client| client.openid.is_some()) {
        Some(client) => match protected(ctx, client, (&subject, user), disclosed).await? {
            Some(token) => ("application/jwt", Body::from(token)),
            None => ("application/json", Body::from(claims::userinfo(&subject, user, disclosed))),
        },
        None => ("application/json", Body::from(claims::userinfo(&subject, user, disclosed))),
    };
    let mut response = no_store(Response::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// The answer as a token; `None` where the application wants it plain.
async fn protected(
    ctx: &Ctx,
    client: &PreparedClient,
    (subject, user): (&str, &User),
    disclosed: &Disclosed<'_>,
) -> Result<Option<String>, Failure> {
    let signed_by = client.openid.as_ref().and_then(|own| own.userinfo_signed_response_alg.as_deref());
    let reader = ctx.encryption_key(client, EncryptedResponse::Userinfo).await?;
    if signed_by.is_none() && reader.is_none() {
        return Ok(None);
    }
    let between = (ctx.origin.issuer.as_str(), client.client_id.as_str());
    let payload = claims::userinfo_object(subject, user, disclosed, between);
    let Some(alg) = signed_by else {
        return reader.map(|reader| reader.encrypt(&payload, None).map_err(Failure::server)).transpose();
    };
    let key = issue::tenant_key(ctx, alg)?;
    let token = ctx.app.signer.sign(&key, Typ::Jwt, payload).await?;
    match reader {
        Some(reader) => reader.encrypt(token.as_bytes(), Some("JWT")).map(Some).map_err(Failure::server),
        None => Ok(Some(token)),
    }
}

/// What a token says.
struct Told {
    user_id: String,
    client_id: String,
    granted: Vec<String>,
    claims: Option<RequestedClaims>,
    /// The key that it is bound to.
    jkt: Option<String>,
    /// The certificate that it is bound to.
    x5t: Option<String>,
}

const INVALID: OAuthError = OAuthError::TokenInvalid("The access token is not valid here");

fn by_jwt(ctx: &Ctx, token: &str) -> Result<Told, OAuthError> {
    let audience = &ctx.origin.userinfo_audience;
    let told = verify_access_token(&ctx.tenant, &ctx.origin, token, audience, ctx.now())?;
    Ok(Told {
        user_id: told.sub,
        client_id: told.client_id,
        granted: told.scope.into_iter().collect(),
        claims: None,
        jkt: told.jkt,
        x5t: told.x5t,
    })
}

async fn by_handle(ctx: &Ctx, token: &str) -> Result<Told, Failure> {
    let handle = Handle::parse(token).ok_or(INVALID)?;
    let record = ctx.app.store.opaque_token(&ctx.tenant.tenant, &handle, ctx.now()).await?.ok_or(INVALID)?;
    let Authorization { user_id, client_id, scope, claims, .. } = record.authorization;
    Ok(Told { user_id, client_id, granted: scope, claims, jkt: record.jkt, x5t: record.x5t })
}

/// Deleted and blocked users are told nothing apart from that the token is no longer good.
async fn user(ctx: &Ctx, user_id: &str) -> Result<User, Failure> {
    let user = ctx.app.store.user(&ctx.tenant.tenant, user_id).await?;
    let user = user.filter(|u| !u.is_blocked());
    Ok(user.ok_or(INVALID)?)
}
