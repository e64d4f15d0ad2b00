//! `/userinfo` (OpenID Connect Core 5.3, fact sheet 5.5): opaque tokens, and JWTs whose `aud` names it.

use axum::body::Body;
use axum::response::Response;
use chancery_core::claims;
use chancery_core::ids::Handle;
use chancery_core::model::User;
use chancery_core::oauth::OAuthError;
use chancery_core::scope::OPENID;
use chancery_web::{Ctx, Failure, Scheme, bearer_token, no_store, verify_access_token};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};

/// Claims of the user, as they are now, for the scopes of the token.
pub(crate) async fn userinfo(ctx: Ctx, headers: HeaderMap) -> Result<Response, Failure> {
    answer(&ctx, &headers).await.map_err(|failure| failure.with_scheme(Scheme::Bearer))
}

async fn answer(ctx: &Ctx, headers: &HeaderMap) -> Result<Response, Failure> {
    let token = bearer_token(headers)?.ok_or(OAuthError::TokenMissing)?;
    let (user_id, granted) = match token.contains('.') {
        true => by_jwt(ctx, token)?,
        false => by_handle(ctx, token).await?,
    };
    if !granted.iter().any(|scope| scope == OPENID) {
        return Err(OAuthError::TokenScope(OPENID).into());
    }
    let user = user(ctx, &user_id).await?;
    let mut response = no_store(Response::new(Body::from(claims::userinfo(&user, &granted))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn by_jwt(ctx: &Ctx, token: &str) -> Result<(String, Vec<String>), OAuthError> {
    let audience = &ctx.origin.userinfo_audience;
    let claims = verify_access_token(&ctx.tenant, &ctx.origin, token, audience, ctx.now())?;
    Ok((claims.sub, claims.scope.into_iter().collect()))
}

async fn by_handle(ctx: &Ctx, token: &str) -> Result<(String, Vec<String>), Failure> {
    let invalid = || OAuthError::TokenInvalid("The access token is not valid here");
    let handle = Handle::parse(token).ok_or_else(invalid)?;
    let record =
        ctx.app.store.opaque_token(&ctx.tenant.tenant, &handle, ctx.now()).await?.ok_or_else(invalid)?;
    Ok((record.authorization.user_id, record.authorization.scope))
}

/// Deleted and blocked users are told nothing apart from that the token is no longer good.
async fn user(ctx: &Ctx, user_id: &str) -> Result<User, Failure> {
    let user = ctx.app.store.user(&ctx.tenant.tenant, user_id).await?;
    let user = user.filter(|u| !u.is_blocked());
    Ok(user.ok_or(OAuthError::TokenInvalid("The access token is not valid here"))?)
}
