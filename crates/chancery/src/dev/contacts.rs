//! The demo API: it takes an access token, looks at audience and scope, and says yes or no (RFC 6750).

use std::sync::Arc;

use axum::Extension;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use chancery_core::oauth::OAuthError;
use chancery_web::{Ctx, Failure, Scheme, Sent, TokenScheme, access_token, json, verify_access_token};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::json;

use super::Dev;
use crate::seed::API_IDENTIFIER;

/// Needs `read:contacts`.
pub(super) async fn list(
    ctx: Ctx,
    Extension(dev): Extension<Arc<Dev>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let sent = Sent { method: &Method::GET, path: uri.path(), headers: &headers };
    if let Err(failure) = require(&ctx, &sent, "read:contacts").await {
        return failure.into_response();
    }
    let deleted = dev.deleted();
    let left = CONTACTS.iter().zip(1_u32..).filter(|(_, id)| !deleted.contains(id));
    let contacts: Vec<_> =
        left.map(|((name, email), id)| json!({ "id": id, "name": name, "email": email })).collect();
    json(StatusCode::OK, &json!({ "contacts": contacts }))
}

/// Needs `delete:contacts`.
pub(super) async fn delete(
    ctx: Ctx,
    Extension(dev): Extension<Arc<Dev>>,
    Path(id): Path<u32>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let sent = Sent { method: &Method::DELETE, path: uri.path(), headers: &headers };
    if let Err(failure) = require(&ctx, &sent, "delete:contacts").await {
        return failure.into_response();
    }
    dev.deleted().insert(id);
    json(StatusCode::OK, &json!({ "deleted": id }))
}

async fn require(ctx: &Ctx, sent: &Sent<'_>, scope: &'static str) -> Result<(), Failure> {
    let told = |error| Failure::new(error).with_scheme(Scheme::Bearer);
    let (scheme, token) = access_token(sent.headers).map_err(told)?.ok_or(told(OAuthError::TokenMissing))?;
    let claims =
        verify_access_token(&ctx.tenant, &ctx.origin, token, API_IDENTIFIER, ctx.now()).map_err(told)?;
    let possession = ctx.check_possession(sent, (scheme, token), claims.bound()).await;
    let challenge = if scheme == TokenScheme::Dpop { Scheme::Dpop } else { Scheme::Bearer };
    possession.map_err(|failure| failure.with_scheme(challenge))?;
    if claims.has_scope(scope) { Ok(()) } else { Err(told(OAuthError::TokenScope(scope))) }
}

const CONTACTS: [(&str, &str); 4] = [
    ("Ada Marten", "ada@contacts.example"),
    ("Bram Oduya", "bram@contacts.example"),
    ("Chiara Lindqvist", "chiara@contacts.example"),
    ("Dev Raman", "dev@contacts.example"),
];
