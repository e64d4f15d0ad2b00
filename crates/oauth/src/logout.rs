//! Ending the session: `/v2/logout` and `/oidc/logout` (OpenID Connect RP-Initiated Logout, fact sheet 8.3 and 8.4).

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::interaction::LogoutTransaction;
use chancery_core::logout::Initiator;
use chancery_core::oauth::{AuthorizeError, allowed_logout_url};
use chancery_core::params::Params;
use chancery_core::records::Session;
use chancery_login::csp::PageKind;
use chancery_login::pages::CheckSession;
use chancery_store::PreparedClient;
use chancery_web::{Binding, Ctx, Failure, Form, IdTokenClaims, cookies, found, hosted};
use http::{HeaderMap, StatusCode};

use crate::{events, pages};

/// `GET /v2/logout`: ends the session whatever the parameters, then looks where to go.
pub(crate) async fn v2(ctx: Ctx, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    if is_for_a_part_of_a_page(&headers) {
        return Ok(not_as_a_part(&ctx, &headers));
    }
    let params = Params::from_form(query.unwrap_or_default().as_bytes())?;
    let client = params.get("client_id").and_then(|id| ctx.tenant.client(id));
    let listed = logout_urls(&ctx, client.map(AsRef::as_ref));
    let to = match params.get("returnTo") {
        Some(url) => match allowed_logout_url(url, listed.iter().map(String::as_str), true) {
            Some(url) => Some(url),
            None => {
                let text = format!(
                    "The \"returnTo\" querystring parameter \"{url}\" is not defined as a valid URL in \"Allowed \
                     Logout URLs\"."
                );
                return Ok(pages::error(&ctx, &headers, 400, &AuthorizeError::invalid(text)));
            }
        },
        None => client.and(listed.first()).and_then(|url| allowed_logout_url(url, [url.as_str()], false)),
    };
    let session = session(&ctx, &headers).await?;
    let asked = Asked { target: to.map(|url| url.as_str().to_owned()), ..Asked::default() };
    finish(&ctx, &headers, session.as_ref(), &asked).await
}

/// `GET /oidc/logout`.
pub(crate) async fn oidc_by_get(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes())?;
    oidc(&ctx, &headers, &params).await
}

/// `POST /oidc/logout`.
pub(crate) async fn oidc_by_post(
    ctx: Ctx,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, Failure> {
    oidc(&ctx, &headers, &params).await
}

/// `GET /oidc/check_session`: the frame of OpenID Connect Session Management 1.0, section 3.3, where the tenant has it.
pub(crate) async fn check_session(ctx: Ctx, headers: HeaderMap) -> Response {
    if !ctx.tenant.settings.flags.has_session_management() {
        let error = AuthorizeError::invalid("Session management is not enabled for this tenant");
        return pages::error(&ctx, &headers, 404, &error);
    }
    let body = CheckSession.render(&hosted::texts(&ctx, &headers, None));
    hosted::page(StatusCode::OK, body, PageKind::CheckSession, &[])
}

/// Whether a browser fetches it as a picture, a script or the like, or before anybody asked for it: one in a forum, or behind the logo of an
/// application, would log out whoever looks at it (Fetch Metadata Request Headers, section 2.1; `Sec-Purpose` of the Fetch standard). Frames
/// and requests by scripts are how applications do it.
fn is_for_a_part_of_a_page(headers: &HeaderMap) -> bool {
    const PARTS: [&str; 9] =
        ["audio", "embed", "font", "image", "object", "script", "style", "track", "video"];
    let is_part = headers.get("sec-fetch-dest").is_some_and(|dest| PARTS.iter().any(|part| dest == part));
    let purpose = headers.get("sec-purpose").and_then(|purpose| purpose.to_str().ok());
    is_part || purpose.is_some_and(|purpose| purpose.starts_with("prefetch"))
}

fn not_as_a_part(ctx: &Ctx, headers: &HeaderMap) -> Response {
    let error = AuthorizeError::invalid(
        "Nobody is logged out by a picture, a script or another part of a page, nor ahead of time",
    );
    pages::error(ctx, headers, 400, &error)
}

async fn oidc(ctx: &Ctx, headers: &HeaderMap, params: &Params) -> Result<Response, Failure> {
    let headers = &*hosted::in_languages(headers, params.get("ui_locales"));
    if is_for_a_part_of_a_page(headers) {
        return Ok(not_as_a_part(ctx, headers));
    }
    let asked = match Asked::read(ctx, params) {
        Ok(asked) => asked,
        Err(error) => return Ok(pages::error(ctx, headers, 400, &error)),
    };
    let session = session(ctx, headers).await?;
    let Some(live) = &session else { return finish(ctx, headers, None, &asked).await };
    if asked.is_about(ctx, live) || !asks_for_confirmation(ctx) {
        return finish(ctx, headers, session.as_ref(), &asked).await;
    }
    // Nothing proves that the user wants this: ask.
    let doc = LogoutTransaction {
        target: asked.target,
        client_name: asked.client_name,
        session_id: live.id.clone(),
        ui_locales: asked.ui_locales,
    };
    let binding = Binding::of(ctx, headers);
    let doc = serde_json::to_string(&doc).map_err(Failure::server)?;
    let id = match binding.begin(ctx, doc).await {
        Ok(id) => id,
        Err(Failure { rate: Some(wait), .. }) => return Ok(pages::too_many(ctx, headers, &wait)),
        Err(failure) => return Err(failure),
    };
    Ok(binding.bind(ctx, found(&format!("/u/logout?state={id}"))))
}

/// A logout request, checked.
#[derive(Default)]
struct Asked {
    hint: Option<IdTokenClaims>,
    /// Whose ID token it is.
    client: Option<Arc<PreparedClient>>,
    logout_hint: Option<String>,
    target: Option<String>,
    client_name: Option<String>,
    ui_locales: Option<String>,
}

impl Asked {
    fn read(ctx: &Ctx, params: &Params) -> Result<Self, AuthorizeError> {
        if let Some(name) = params.repeated() {
            return Err(AuthorizeError::invalid(format!("Parameter sent more than once: {name}")));
        }
        let hint = match params.get("id_token_hint") {
            None => None,
            Some(token) => match chancery_web::verify_id_token(ctx, token) {
                Some(hint) => Some(hint),
                None => {
                    return Err(AuthorizeError::invalid("id_token_hint is not an ID token of this issuer"));
                }
            },
        };
        let named = params.get("client_id");
        if let (Some(hint), Some(named)) = (&hint, named)
            && hint.client_id != named
        {
            return Err(AuthorizeError::invalid("client_id is not the application of id_token_hint"));
        }
        let logout_hint = params.get("logout_hint").map(str::to_owned);
        if let (Some(sid), Some(wanted)) = (hint.as_ref().and_then(|h| h.session_id.as_ref()), &logout_hint)
            && sid != wanted
        {
            return Err(AuthorizeError::invalid("logout_hint is not the session of id_token_hint"));
        }
        let client_id = hint.as_ref().map(|h| h.client_id.as_str()).or(named);
        let client = match client_id {
            None => None,
            Some(id) => match ctx.tenant.client(id) {
                Some(client) => Some(client),
                None => return Err(AuthorizeError::invalid(format!("Unknown client: {id}"))),
            },
        };
        let target = target(ctx, client.map(AsRef::as_ref), params)?;
        let client_name = client.map(|c| c.name.clone());
        let ui_locales = params.get("ui_locales").map(|said| said.chars().take(200).collect());
        Ok(Self { hint, client: client.cloned(), logout_hint, target, client_name, ui_locales })
    }

    /// Whether the hints name this very session.
    fn is_about(&self, ctx: &Ctx, session: &Session) -> bool {
        let client = self.client.as_ref();
        let is_theirs =
            |subject: &str| client.is_some_and(|client| ctx.subject_for(client, &session.user_id) == subject);
        // As the application knows it.
        let session_id =
            client.map_or(Cow::Borrowed(session.id.as_str()), |client| ctx.session_for(client, &session.id));
        let by_hint = self.hint.as_ref().is_some_and(|h| match &h.session_id {
            Some(sid) => *sid == *session_id,
            None => is_theirs(&h.subject),
        });
        by_hint || self.logout_hint.as_deref() == Some(&*session_id)
    }
}

/// Exact match, `state` added (RP-Initiated Logout section 3).
fn target(
    ctx: &Ctx,
    client: Option<&PreparedClient>,
    params: &Params,
) -> Result<Option<String>, AuthorizeError> {
    let Some(url) = params.get("post_logout_redirect_uri") else { return Ok(None) };
    let listed = logout_urls(ctx, client);
    let Some(allowed) = allowed_logout_url(url, listed.iter().map(String::as_str), false) else {
        let text = format!(
            "The \"post_logout_redirect_uri\" parameter \"{url}\" is not defined as a valid URL in \"Allowed Logout URLs\"."
        );
        return Err(AuthorizeError::invalid(text));
    };
    Ok(Some(match params.get("state") {
        Some(state) => {
            let mut added = Params::default();
            added.push("state", state);
            allowed.with_query(&added.encode())
        }
        None => allowed.as_str().to_owned(),
    }))
}

fn logout_urls(ctx: &Ctx, client: Option<&PreparedClient>) -> Vec<String> {
    match client {
        Some(client) => client.allowed_logout_urls.clone().unwrap_or_default(),
        None => ctx.tenant.settings.allowed_logout_urls.clone().unwrap_or_default(),
    }
}

/// The tenant may switch the question off (`sessions.oidc_logout_prompt_enabled`).
fn asks_for_confirmation(ctx: &Ctx) -> bool {
    let said = |object: &str, name: &str| ctx.tenant.settings.rest.get(object)?.get(name)?.as_bool();
    let is_off = said("sessions", "oidc_logout_prompt_enabled") == Some(false)
        || said("oidc_logout", "skip_rp_logout_confirmation") == Some(true);
    !is_off
}

async fn session(ctx: &Ctx, headers: &HeaderMap) -> Result<Option<Session>, Failure> {
    match cookies::session(headers).and_then(Handle::parse) {
        Some(handle) => Ok(ctx.app.store.session(&ctx.tenant.tenant, &handle, ctx.now()).await?),
        None => Ok(None),
    }
}

async fn finish(
    ctx: &Ctx,
    headers: &HeaderMap,
    session: Option<&Session>,
    asked: &Asked,
) -> Result<Response, Failure> {
    if let Some(session) = session {
        ctx.end_session(session, Initiator::RpLogout).await?;
        let mut event = events::event("slo");
        event.user_id = Some(session.user_id.clone());
        events::record(ctx, event);
    }
    Ok(ctx.logged_out(headers, session, (asked.target.as_deref(), found), asked.ui_locales.as_deref()))
}
