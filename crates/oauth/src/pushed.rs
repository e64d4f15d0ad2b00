//! `POST /oauth/par`: the application's server sends the request ahead, and the browser carries its name alone (RFC 9126,
//! fact sheet 2.10).

use std::borrow::Cow;

use axum::response::Response;
use chancery_core::ids;
use chancery_core::oauth::{
    AuthorizeError, CheckFailure, ClientProof, OAuthError, PUSHED_LIFETIME, REQUEST_URI, pushed,
};
use chancery_core::params::Params;
use chancery_store::{PreparedClient, StoredTransaction};
use chancery_web::{Ctx, Failure, Form, Sent, TooManyRequests, json};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::authorize::{Asked, checked, signed};
use crate::client_auth::authenticate;
use crate::described;
use crate::events;

/// Requests a second from one address (fact sheet 13.2).
const MOST_A_SECOND: u32 = 100;

/// A request that waits. It stands among the transactions, and belongs to no browser.
#[derive(Serialize, Deserialize)]
struct Waiting {
    pushed: String,
    /// The application signed it besides.
    #[serde(default)]
    signed: bool,
}

/// Checks all that `/authorize` checks, which checks it again when the browser comes.
pub(crate) async fn push(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    let is_strict = ctx.tenant.settings.is_oidc_strict();
    answered(ctx, headers, params).await.map_err(|failure| failure.as_specified(is_strict))
}

async fn answered(ctx: Ctx, headers: HeaderMap, params: Params) -> Result<Response, Failure> {
    let whom = ("par", &ctx.tenant.tenant, ctx.ip);
    let left = ctx.app.management_calls.take(MOST_A_SECOND, whom, ctx.now());
    if left.is_spent {
        return Err(TooManyRequests::from(left).into());
    }
    if !ctx.tenant.settings.pushed_authorization_requests_supported.unwrap_or(false) {
        return Err(denied("Pushed authorization requests are not enabled for this tenant").into());
    }
    let proof = ClientProof::parse(&params)?;
    let ctx = described::calling(ctx, &proof).await?;
    let client = authenticate(&ctx, &headers, &proof).await?;
    let waiting = match read(&ctx, params, &client).await {
        Ok((params, signed)) => {
            let params = with_key(&ctx, &headers, params).await?;
            accepted(&ctx, &params, &client, signed).map(|kept| (kept, signed))
        }
        Err(error) => Err(error),
    };
    let (kept, signed) = waiting.inspect_err(|error| {
        let mut event = events::of_client("fpar", &client);
        event.description = Some(error.description().chars().take(500).collect());
        events::record(&ctx, event);
    })?;
    let id = ids::url_safe(&*ctx.app.rng, 43);
    let doc = serde_json::to_string(&Waiting { pushed: kept.encode(), signed }).map_err(Failure::server)?;
    let expires_at = ctx.now() + PUSHED_LIFETIME;
    // No cookie has the digest of nothing.
    let stored = StoredTransaction { id: id.clone(), digest: Vec::new(), doc, expires_at, rev: 1 };
    ctx.app.store.insert_transaction(&ctx.tenant.tenant, &stored).await?;
    let body = json!({"request_uri": format!("{REQUEST_URI}{id}"), "expires_in": PUSHED_LIFETIME});
    let mut response = json(StatusCode::CREATED, &body);
    left.say(response.headers_mut());
    Ok(response)
}

/// A proof of possession says the same as `dpop_jkt`, and more (RFC 9449, section 10.1).
async fn with_key(ctx: &Ctx, headers: &HeaderMap, mut params: Params) -> Result<Params, Failure> {
    let sent = Sent { method: &Method::POST, path: "/oauth/par", headers };
    let Some(jkt) = ctx.shown_key(&sent, false).await? else { return Ok(params) };
    match params.get("dpop_jkt") {
        None => params.push("dpop_jkt", jkt),
        Some(said) if *said == jkt => {}
        Some(_) => return Err(OAuthError::Proof("dpop_jkt is not the key of the DPoP proof").into()),
    }
    Ok(params)
}

/// The request, and whether it was signed: then nothing counts that stands beside it (RFC 9126, section 3).
async fn read(ctx: &Ctx, params: Params, client: &PreparedClient) -> Result<(Params, bool), OAuthError> {
    if client.is_public() {
        return Err(denied("Only applications that authenticate may push authorization requests"));
    }
    if params.has("request_uri") {
        return Ok((params, false));
    }
    match Box::pin(signed::opened(ctx, &params, client)).await.map_err(|error| told(error, 400))? {
        Some(opened) => Ok((opened.params, opened.is_signed)),
        None => Ok((params, false)),
    }
}

fn accepted(
    ctx: &Ctx,
    params: &Params,
    client: &PreparedClient,
    is_signed: bool,
) -> Result<Params, OAuthError> {
    let kept = pushed(params, &client.client_id)?;
    let asked = Asked { params: Cow::Borrowed(&kept), is_pushed: true, is_signed };
    match checked(ctx, ctx.tenant.client(&client.client_id), &asked) {
        Ok(_) => Ok(kept),
        // A callback that is not registered: `/authorize` has no code for its page, but this is an answer to an application
        // (RFC 9126, section 2.3).
        Err(CheckFailure::Page { status: 403, error }) if ctx.tenant.settings.is_oidc_strict() => {
            Err(told(AuthorizeError::invalid(error.text), 400))
        }
        Err(CheckFailure::Page { status, error }) => Err(told(error, status)),
        Err(CheckFailure::Redirect { error, .. }) => Err(told(error, 400)),
    }
}

fn told(error: AuthorizeError, status: u16) -> OAuthError {
    OAuthError::Denied { code: error.code, status, text: error.text }
}

fn denied(text: &str) -> OAuthError {
    OAuthError::Denied { code: "unauthorized_client", status: 403, text: text.to_owned() }
}

/// The name of a request that was pushed here, in a request of `/authorize`.
pub(crate) fn named(params: &Params) -> Option<&str> {
    params.get("request_uri")?.strip_prefix(REQUEST_URI)
}

/// The request of that name, once, for the application that pushed it: nothing else of the browser's request counts
/// (RFC 9126, section 4). `None` where there is no such request, or it was used, or its time is over.
///
/// # Errors
/// When the database is away.
pub(crate) async fn take(
    ctx: &Ctx,
    id: &str,
    client_id: Option<&str>,
) -> Result<Option<Asked<'static>>, Failure> {
    let (tenant, store) = (&ctx.tenant.tenant, &ctx.app.store);
    let Some(stored) = store.transaction(tenant, id, ctx.now()).await? else { return Ok(None) };
    let Ok(Waiting { pushed, signed }) = serde_json::from_str(&stored.doc) else { return Ok(None) };
    let params = Params::from_form(pushed.as_bytes()).map_err(Failure::server)?;
    // Whoever knows the name but is not meant must not use it up either.
    if client_id.is_none() || params.get("client_id") != client_id {
        return Ok(None);
    }
    match store.commit(store.finish_transaction(tenant, id, stored.rev)).await {
        Ok(()) => Ok(Some(Asked { params: Cow::Owned(params), is_pushed: true, is_signed: signed })),
        Err(chancery_store::Error::Guard) => Ok(None),
        Err(other) => Err(other.into()),
    }
}
