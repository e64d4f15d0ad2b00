//! `/userinfo` (OpenID Connect Core 5.3, fact sheet 5.5): opaque tokens, and JWTs whose `aud` names it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chancery_core::claims;
use chancery_core::ids::Handle;
use chancery_core::model::User;
use chancery_core::oauth::OAuthError;
use chancery_core::records::Authorization;
use chancery_core::scope::OPENID;
use chancery_web::{
    Bound, Ctx, Failure, PROTECTED_RESOURCE, Scheme, Sent, TokenScheme, access_token, no_store,
    point_to_description, verify_access_token,
};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};

/// Claims of the user, as they are now, for the scopes of the token.
pub(crate) async fn userinfo(ctx: Ctx, method: Method, headers: HeaderMap) -> Response {
    let scheme = match access_token(&headers) {
        Ok(Some((TokenScheme::Dpop, _))) => Scheme::Dpop,
        _ => Scheme::Bearer,
    };
    let sent = Sent { method: &method, path: "/userinfo", headers: &headers };
    match answer(&ctx, &sent).await {
        Ok(response) => response,
        Err(failure) => {
            let mut response = failure.with_scheme(scheme).into_response();
            let description = format!("{}{PROTECTED_RESOURCE}/userinfo", ctx.origin.issuer);
            point_to_description(&mut response, &description);
            response
        }
    }
}

async fn answer(ctx: &Ctx, sent: &Sent<'_>) -> Result<Response, Failure> {
    let (scheme, token) = access_token(sent.headers)?.ok_or(OAuthError::TokenMissing)?;
    let Told { user_id, granted, jkt, x5t } = match token.contains('.') {
        true => by_jwt(ctx, token)?,
        false => by_handle(ctx, token).await?,
    };
    let bound = Bound { jkt: jkt.as_deref(), x5t: x5t.as_deref() };
    ctx.check_possession(sent, (scheme, token), bound).await?;
    if !granted.iter().any(|scope| scope == OPENID) {
        return Err(OAuthError::TokenScope(OPENID).into());
    }
    let user = user(ctx, &user_id).await?;
    let mut response = no_store(Response::new(Body::from(claims::userinfo(&user, &granted))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// What a token says.
struct Told {
    user_id: String,
    granted: Vec<String>,
    /// The key that it is bound to.
    jkt: Option<String>,
    /// The certificate that it is bound to.
    x5t: Option<String>,
}

fn by_jwt(ctx: &Ctx, token: &str) -> Result<Told, OAuthError> {
    let audience = &ctx.origin.userinfo_audience;
    let claims = verify_access_token(&ctx.tenant, &ctx.origin, token, audience, ctx.now())?;
    let granted = claims.scope.into_iter().collect();
    Ok(Told { user_id: claims.sub, granted, jkt: claims.jkt, x5t: claims.x5t })
}

async fn by_handle(ctx: &Ctx, token: &str) -> Result<Told, Failure> {
    let invalid = || OAuthError::TokenInvalid("The access token is not valid here");
    let handle = Handle::parse(token).ok_or_else(invalid)?;
    let record =
        ctx.app.store.opaque_token(&ctx.tenant.tenant, &handle, ctx.now()).await?.ok_or_else(invalid)?;
    let Authorization { user_id, scope, .. } = record.authorization;
    Ok(Told { user_id, granted: scope, jkt: record.jkt, x5t: record.x5t })
}

/// Deleted and blocked users are told nothing apart from that the token is no longer good.
async fn user(ctx: &Ctx, user_id: &str) -> Result<User, Failure> {
    let user = ctx.app.store.user(&ctx.tenant.tenant, user_id).await?;
    let user = user.filter(|u| !u.is_blocked());
    Ok(user.ok_or(OAuthError::TokenInvalid("The access token is not valid here"))?)
}
