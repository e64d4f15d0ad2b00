//! Dev mode's pages: where to begin, and where the demo applications come back to.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use chancery_core::ids;
use chancery_web::{Ctx, Failure, found, html, read_bytes};
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};

use super::{Dev, welcome::authorize_request};
use crate::seed::{ADMIN, API_IDENTIFIER, API_SCOPES, JANE, Person, SAM};

/// `/` leads to where one can begin.
pub(super) async fn root() -> Response {
    found("/dev")
}

#[derive(Template)]
#[template(path = "index.html")]
struct Index<'a> {
    issuer: &'a str,
    audience: &'a str,
    scopes: &'a [(&'a str, &'a str)],
    clients: [(&'a str, &'a str, &'a str); 4],
    people: [(Person, &'a str); 3],
    implicit: &'a str,
    spa: &'a str,
}

/// `/dev`.
pub(super) async fn index(ctx: Ctx, Extension(dev): Extension<Arc<Dev>>) -> Response {
    let rng = &*ctx.app.rng;
    let values = (&*ids::url_safe(rng, 22), &*ids::url_safe(rng, 22));
    let implicit = authorize_request(&ctx.origin.base, &dev.clients.spa.client_id, values);
    let clients = &dev.clients;
    page(&Index {
        issuer: &ctx.origin.issuer,
        audience: API_IDENTIFIER,
        scopes: &API_SCOPES,
        clients: [
            ("Demo SPA", &clients.spa.client_id, "public: implicit, code with PKCE, refresh"),
            ("Demo Web", &clients.web.client_id, "confidential: code, password"),
            ("Demo M2M", &clients.m2m.client_id, "client credentials, read:contacts"),
            ("Management", &clients.management.client_id, "client credentials, Management API"),
        ],
        people: [(JANE, "read"), (SAM, "read and delete"), (ADMIN, "administer, in the dashboard")],
        implicit: &implicit,
        spa: &clients.spa.client_id,
    })
}

#[derive(Template)]
#[template(path = "callback.html")]
struct Callback<'a> {
    issuer: &'a str,
    audience: &'a str,
    spa: &'a str,
    posted: &'a str,
}

/// `/dev/callback`: shows what came in the address.
pub(super) async fn callback(ctx: Ctx, Extension(dev): Extension<Arc<Dev>>) -> Response {
    callback_page(&ctx, &dev, "")
}

/// `response_mode=form_post`: the answer comes in the body, which scripts cannot see.
pub(super) async fn callback_by_form(
    ctx: Ctx,
    Extension(dev): Extension<Arc<Dev>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    match read_bytes(&ctx.app.config, &parts.headers, body).await {
        Ok(bytes) => callback_page(&ctx, &dev, &String::from_utf8_lossy(&bytes)),
        Err(error) => Failure::from(error).into_response(),
    }
}

fn callback_page(ctx: &Ctx, dev: &Dev, posted: &str) -> Response {
    page(&Callback {
        issuer: &ctx.origin.issuer,
        audience: API_IDENTIFIER,
        spa: &dev.clients.spa.client_id,
        posted,
    })
}

/// A page with the policy that all of them have: nothing inline, nothing from elsewhere, no frames.
pub(super) fn page(template: &impl Template) -> Response {
    with_policy(template, POLICY)
}

/// As [`page`], for mail in frames: they have this page's policy, and a mail has its styles within. The frames run no
/// scripts, whatever the policy says.
pub(super) fn letters(template: &impl Template) -> Response {
    with_policy(template, LETTERS)
}

fn with_policy(template: &impl Template, policy: &'static str) -> Response {
    let text = match template.render() {
        Ok(text) => text,
        Err(error) => return Failure::server(error).into_response(),
    };
    let mut response = html(StatusCode::OK, text);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

const POLICY: &str = "default-src 'none'; base-uri 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'";
const LETTERS: &str = "default-src 'none'; base-uri 'none'; script-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' \
    https: data:; form-action 'none'; frame-ancestors 'none'";
