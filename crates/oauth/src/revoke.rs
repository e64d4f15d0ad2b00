//! `POST /oauth/revoke` (RFC 7009, fact sheet 7): refresh tokens, and opaque access tokens with them.

use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::oauth::{ClientProof, OAuthError};
use chancery_core::params::Params;
use chancery_core::records::Authorization;
use chancery_db::Batch;
use chancery_store::PreparedClient;
use chancery_web::{Ctx, Failure, Form, no_store};
use http::HeaderMap;

use crate::client_auth::authenticate;
use crate::{described, events, issue};

/// 200 with an empty body, for unknown tokens too (RFC 7009 section 2.2).
pub(crate) async fn revoke(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    let is_strict = ctx.tenant.settings.is_oidc_strict();
    answered(ctx, headers, params).await.map_err(|failure| failure.as_specified(is_strict))
}

async fn answered(ctx: Ctx, headers: HeaderMap, params: Params) -> Result<Response, Failure> {
    if let Some(name) = params.repeated() {
        return Err(OAuthError::Repeated(name.to_owned()).into());
    }
    let proof = ClientProof::parse(&params)?;
    let ctx = described::calling(ctx, &proof).await?;
    let client = authenticate(&ctx, &headers, &proof).await?;
    let token = params.get("token").ok_or(OAuthError::Missing("token"))?;
    if let Some(write) = found(&ctx, &client, token).await? {
        // An error of the database surfaces: a token that lives on must not look revoked (security case 11).
        ctx.app.store.commit(write).await?;
        events::record(&ctx, events::of_client("srrt", &client));
    }
    Ok(no_store(Response::default()))
}

/// What there is to revoke. A JWT access token cannot be: that is said rather than pretended (security case 19).
async fn found(ctx: &Ctx, client: &PreparedClient, token: &str) -> Result<Option<Batch>, Failure> {
    // Signed ones have three parts, encrypted ones five.
    if matches!(token.split('.').count(), 3 | 5) && !token.starts_with("v1.M") {
        return Err(OAuthError::Denied {
            code: "unsupported_token_type",
            status: 400,
            text: "JWT access tokens cannot be revoked; they end by themselves".to_owned(),
        }
        .into());
    }
    let tenant = &ctx.tenant.tenant;
    let store = &ctx.app.store;
    if let Some(handle) = issue::refresh_token_handle(token)
        && let Some(token) = store.refresh_token(tenant, &handle).await?
    {
        return Ok(Some(family(ctx, client, &token.record.authorization).await?));
    }
    let Some(handle) = Handle::parse(token) else { return Ok(None) };
    let Some(record) = store.opaque_token(tenant, &handle, ctx.now()).await? else { return Ok(None) };
    Ok(Some(family(ctx, client, &record.authorization).await?))
}

/// Everything that came from the same sign-in; with the tenant's switch the consent and all that hangs on it.
async fn family(ctx: &Ctx, client: &PreparedClient, authorization: &Authorization) -> Result<Batch, Failure> {
    if authorization.client_id != client.client_id {
        return Err(OAuthError::NotYourToken.into());
    }
    let tenant = &ctx.tenant.tenant;
    let store = &ctx.app.store;
    let write = store.revoke_family(tenant, &authorization.id);
    if !ctx.tenant.settings.flags.revoke_refresh_token_grant.unwrap_or(false) {
        return Ok(write);
    }
    let audience = authorization.audience.as_deref().unwrap_or_default();
    let organization = authorization.organization_id.as_deref().unwrap_or_default();
    let consent =
        store.consent(tenant, &authorization.user_id, &client.client_id, audience, organization).await?;
    let everything =
        write.and(store.revoke_by_consent(tenant, &authorization.user_id, &client.client_id, audience));
    Ok(match consent {
        Some(consent) => everything.and(store.delete_consent_batch(tenant, &consent)),
        None => everything,
    })
}
