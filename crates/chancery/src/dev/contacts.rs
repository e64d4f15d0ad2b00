//! The demo API: it takes an access token, looks at audience and scope, and says yes or no (RFC 6750).

use std::sync::Arc;

use axum::Extension;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use chancery_core::oauth::OAuthError;
use chancery_web::{Ctx, Failure, Scheme, bearer_token, json, verify_access_token};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::Dev;
use crate::seed::API_IDENTIFIER;

/// Needs `read:contacts`.
pub(super) async fn list(ctx: Ctx, Extension(dev): Extension<Arc<Dev>>, headers: HeaderMap) -> Response {
    if let Err(error) = require(&ctx, &headers, "read:contacts") {
        return Failure::new(error).with_scheme(Scheme::Bearer).into_response();
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
    headers: HeaderMap,
) -> Response {
    if let Err(error) = require(&ctx, &headers, "delete:contacts") {
        return Failure::new(error).with_scheme(Scheme::Bearer).into_response();
    }
    dev.deleted().insert(id);
    json(StatusCode::OK, &json!({ "deleted": id }))
}

fn require(ctx: &Ctx, headers: &HeaderMap, scope: &'static str) -> Result<(), OAuthError> {
    let token = bearer_token(headers)?.ok_or(OAuthError::TokenMissing)?;
    let claims = verify_access_token(&ctx.tenant, &ctx.origin, token, API_IDENTIFIER, ctx.now())?;
    if claims.has_scope(scope) { Ok(()) } else { Err(OAuthError::TokenScope(scope)) }
}

const CONTACTS: [(&str, &str); 4] = [
    ("Ada Marten", "ada@contacts.example"),
    ("Bram Oduya", "bram@contacts.example"),
    ("Chiara Lindqvist", "chiara@contacts.example"),
    ("Dev Raman", "dev@contacts.example"),
];
