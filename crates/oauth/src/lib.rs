//! The Authentication API: `/authorize`, `/oauth/*`, `/userinfo`, `/.well-known/*`, logout and `/dbconnections/*`.
//!
//! Handlers parse, load, decide (in `chancery-core`), commit and answer. What a user sees on the way is the business of
//! the login crate: the two meet in a stored transaction.

mod app_links;
mod authenticators;
mod authorize;
mod backchannel;
mod ciba;
mod client_auth;
mod dbconnections;
mod decision;
mod described;
mod details;
mod device;
mod discovery;
mod events;
mod initiate;
mod introspect;
mod issue;
mod logout;
mod mfa;
mod pages;
mod passkey;
mod passwordless;
mod ping;
mod profile;
mod protected_resource;
mod pushed;
mod register;
mod revoke;
mod telling;
mod token;
mod userinfo;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};
use chancery_web::{App, Ctx, Frequent};
use http::Method;

pub use backchannel::{tell_due, tell_of_logouts};
pub use ping::ping_due;

/// What is asked more often than all else together: by machines for tokens, and by those who verify them.
pub fn frequent() -> Frequent {
    let documents = discovery::Documents::default();
    Frequent::default()
        .route(Method::POST, "/oauth/token", token::shortly)
        .route(Method::GET, "/userinfo", |ctx, parts, _| userinfo::by_get(ctx, parts.headers, parts.uri))
        .route(Method::GET, "/.well-known/jwks.json", |ctx, _, _| discovery::jwks(ctx))
        .route(Method::GET, "/.well-known/openid-configuration", move |ctx, _, _| {
            std::future::ready(documents.answer(&ctx))
        })
}

/// Every route of the Authentication API.
pub fn routes() -> Router<Arc<App>> {
    let documents = discovery::Documents::default();
    let same = documents.clone();
    Router::new()
        .route("/authorize", get(authorize::by_get).post(authorize::by_post))
        .route("/authorize/resume", get(authorize::resume))
        .route("/oauth/token", post(token::token))
        .route("/oauth/device/code", post(device::begin))
        .route("/oauth/par", post(pushed::push))
        .route("/oauth/introspect", post(introspect::introspect))
        .route("/oauth/revoke", post(revoke::revoke))
        .route("/mfa/associate", post(authenticators::associate))
        .route("/mfa/challenge", post(mfa::challenge))
        .route("/mfa/authenticators", get(authenticators::list))
        .route("/mfa/authenticators/{id}", delete(authenticators::remove))
        .route("/userinfo", get(userinfo::by_get).post(userinfo::by_post))
        .route("/oidc/initiate", get(initiate::initiate))
        .route("/oidc/register", post(register::register))
        .route(
            "/oidc/register/{client_id}",
            get(register::show).put(register::update).delete(register::remove),
        )
        .route(
            "/.well-known/openid-configuration",
            get(move |ctx: Ctx| async move { documents.answer(&ctx) }),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(move |ctx: Ctx| async move { same.answer(&ctx) }),
        )
        .route("/.well-known/jwks.json", get(discovery::jwks))
        .route("/.well-known/oauth-protected-resource", get(protected_resource::named))
        .route("/.well-known/oauth-protected-resource/{*path}", get(protected_resource::own))
        .route("/oidc/check_session", get(logout::check_session))
        .route("/v2/logout", get(logout::v2))
        .route("/oidc/logout", get(logout::oidc_by_get).post(logout::oidc_by_post))
        .route("/bc-authorize", post(ciba::begin))
        .route("/passkey/register", post(passkey::register))
        .route("/passkey/challenge", post(passkey::challenge))
        .route("/.well-known/assetlinks.json", get(app_links::android))
        .route("/.well-known/apple-app-site-association", get(app_links::apple))
        .route("/.well-known/webauthn", get(app_links::pages))
        .route("/passwordless/start", post(passwordless::start))
        .route("/passwordless/verify_redirect", get(passwordless::verify_redirect))
        .route("/dbconnections/signup", post(dbconnections::signup))
        .route("/dbconnections/change_password", post(dbconnections::change_password))
}
