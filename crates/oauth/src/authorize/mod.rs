//! `/authorize` (RFC 6749 section 3.1, OpenID Connect Core 3.1.2, fact sheet 2).
//!
//! A request is checked, then the login engine is asked what comes next until it says "answer": see
//! `chancery_core::interaction`. While pages are shown the request rests in a stored transaction, bound to the browser
//! that began it.

mod flight;
mod load;
mod organization;
mod place;
mod respond;
pub(crate) mod signed;

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::interaction::{Enrolment, EnrolmentTicket, Progress, Transaction};
use chancery_core::oauth::{self, AuthorizeError, AuthorizeRequest, CheckFailure, Surroundings};
use chancery_core::params::Params;
use chancery_store::PreparedClient;
use chancery_web::{Binding, Ctx, Failure, Form, first_factor, found, hosted, making_page};
use http::HeaderMap;

use crate::authorize::flight::Flight;
use crate::{described, pages, pushed};

/// The request in the query.
pub(crate) async fn by_get(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let encoded = query.unwrap_or_default();
    match Params::from_form(encoded.as_bytes()) {
        Ok(params) => Box::pin(begin(&ctx, &headers, &params)).await,
        Err(e) => Ok(pages::error(&ctx, &headers, 400, &AuthorizeError::invalid(e.to_string()))),
    }
}

/// The request in a form (OpenID Connect Core 3.1.2.1).
pub(crate) async fn by_post(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    Box::pin(begin(&ctx, &headers, &params)).await
}

/// The browser comes back from our pages: ask again what is next.
pub(crate) async fn resume(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    // Another browser than the one that began it gets nothing (security case 12).
    let stored = Binding::transaction(&ctx, &headers, params.get("state")).await?;
    let Some(stored) = stored else { return Ok(pages::expired(&ctx, &headers)) };
    let transaction: Transaction =
        serde_json::from_str(&stored.doc).map_err(|_| Failure::server("a transaction cannot be read"))?;
    if transaction.is_for_own_page() {
        return to_own_page(&ctx, &headers, &transaction, &stored.id).await;
    }
    let described = match described::load(&ctx, Some(&transaction.request.client_id)).await {
        Ok(described) => described,
        Err((status, error)) => return Ok(pages::error(&ctx, &headers, status, &error)),
    };
    let ctx = described.unwrap_or(ctx);
    match Flight::load(&ctx, &headers, transaction, Some(stored)).await? {
        Some(flight) => Box::pin(flight.go_on()).await,
        None => Ok(pages::expired(&ctx, &headers)),
    }
}

/// A page of the user's own account waits for the session that was opened on the way, and for nothing else.
async fn to_own_page(
    ctx: &Ctx,
    headers: &HeaderMap,
    transaction: &Transaction,
    id: &str,
) -> Result<Response, Failure> {
    if let Some(enrolment) = &transaction.progress.enrolment
        && let Some(ticket) = &enrolment.ticket
    {
        return by_ticket(ctx, headers, (transaction, id), (enrolment, ticket)).await;
    }
    let session = load::live_session(ctx, headers).await?;
    let opened = transaction.progress.session_id.as_deref();
    let Some((session, user)) = session.filter(|(session, _)| Some(session.id.as_str()) == opened) else {
        return Ok(found(&format!("/u/login?state={id}")));
    };
    let wanted = transaction.request.wants_second_factor;
    if ctx.tenant.second_factors.are_due(wanted, &session) {
        let page = flight::second_factor_page(ctx, &user).await?;
        return Ok(found(&format!("{page}?state={id}")));
    }
    let is_its_own = transaction.progress.factor_session.as_deref() == Some(session.id.as_str());
    if is_its_own && transaction.progress.recovery_code.is_some() {
        return Ok(found(&format!("/u/mfa-recovery-code-enrollment?state={id}")));
    }
    if let Some(Enrolment { factor: Some(factor), done: false, .. }) = transaction.progress.enrolment {
        return Ok(found(&format!("{}?state={id}", making_page(factor))));
    }
    ctx.app.store.delete_transaction(&ctx.tenant.tenant, id).await?;
    Ok(found(transaction.request.redirect_uri.as_str()))
}

/// Somebody makes a factor by a ticket, and has no session.
async fn by_ticket(
    ctx: &Ctx,
    headers: &HeaderMap,
    (transaction, id): (&Transaction, &str),
    (enrolment, ticket): (&Enrolment, &EnrolmentTicket),
) -> Result<Response, Failure> {
    let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
    if !enrolment.done {
        let user = store.user(tenant, &ticket.user_id).await?;
        let is_there = user.is_some_and(|user| !user.is_blocked());
        let is_good = is_there && store.is_ticket_good(tenant, &ticket.id, ctx.now()).await?;
        let factor = enrolment.factor.unwrap_or_else(|| first_factor(ctx.tenant.second_factors));
        return Ok(match is_good {
            true => found(&format!("{}?state={id}", making_page(factor))),
            false => pages::expired(ctx, headers),
        });
    }
    if transaction.progress.recovery_code.is_some() {
        return Ok(found(&format!("/u/mfa-recovery-code-enrollment?state={id}")));
    }
    store.delete_transaction(tenant, id).await?;
    Ok(found(transaction.request.redirect_uri.as_str()))
}

async fn begin(ctx: &Ctx, headers: &HeaderMap, sent: &Params) -> Result<Response, Failure> {
    begin_with_code(ctx, headers, sent, None).await
}

/// The same, with the code that the link of a mail brought along.
pub(crate) async fn begin_with_code(
    ctx: &Ctx,
    headers: &HeaderMap,
    sent: &Params,
    mailed_code: Option<String>,
) -> Result<Response, Failure> {
    let client_id = sent.get("client_id");
    let headers = &*hosted::in_languages(headers, sent.get("ui_locales"));
    let described = match described::load(ctx, client_id).await {
        Ok(described) => described,
        Err((status, error)) => {
            respond::log_failure(ctx, None, &error, None);
            return Ok(pages::error(ctx, headers, status, &error));
        }
    };
    let ctx = described.as_ref().unwrap_or(ctx);
    let asked = match pushed::named(sent) {
        Some(id) => pushed::take(ctx, id, client_id).await?.ok_or_else(|| {
            let text = "The request_uri is unknown, was used, or has expired";
            AuthorizeError::new("invalid_request_uri", text)
        }),
        None => sent_now(ctx, sent).await,
    };
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => {
            respond::log_failure(ctx, client_id, &error, None);
            return Ok(pages::error(ctx, headers, 400, &error));
        }
    };
    let params = &*asked.params;
    let headers = &*hosted::in_languages(headers, params.get("ui_locales"));
    let client = params.get("client_id").and_then(|id| ctx.tenant.client(id));
    let checked = checked(ctx, client, &asked);
    let request = match checked {
        Ok(request) => request,
        Err(CheckFailure::Page { status, error }) => {
            respond::log_failure(ctx, params.get("client_id"), &error, None);
            return Ok(pages::error(ctx, headers, status, &error));
        }
        Err(CheckFailure::Redirect { redirect_uri, mode, state, error }) => {
            respond::log_failure(ctx, params.get("client_id"), &error, None);
            let name = client.map(|c| c.name.as_str()).unwrap_or_default();
            let to = respond::Recipient {
                redirect_uri: &redirect_uri,
                mode,
                state: state.as_deref(),
                client_id: client.map(|c| c.client_id.as_str()).unwrap_or_default(),
                client_name: name,
            };
            return respond::error(ctx, headers, &to, &error).await;
        }
    };
    // Whoever describes themselves may be somebody else by now: nobody agrees once and for all.
    let mut request = request;
    request.prompts.consent |= client.is_some_and(|client| client.describes_itself());
    let progress = Progress { mailed_code, ..Progress::default() };
    let transaction = Transaction { request, progress, created_at: ctx.now() };
    match Flight::load(ctx, headers, transaction, None).await? {
        Some(flight) => Box::pin(flight.go_on()).await,
        None => Ok(pages::expired(ctx, headers)),
    }
}

/// A request, and by which way it came.
pub(crate) struct Asked<'a> {
    pub(crate) params: Cow<'a, Params>,
    /// The application's server sent it ahead.
    pub(crate) is_pushed: bool,
    /// The application signed it.
    pub(crate) is_signed: bool,
}

/// What the browser brought, or what lies where it says.
async fn sent_now<'a>(ctx: &Ctx, sent: &'a Params) -> Result<Asked<'a>, AuthorizeError> {
    let client = sent.get("client_id").and_then(|id| ctx.tenant.client(id));
    let opened = match client {
        Some(client) => Box::pin(signed::opened(ctx, sent, client)).await?,
        None => None,
    };
    let is_signed = opened.as_ref().is_some_and(|opened| opened.is_signed);
    let params = opened.map_or(Cow::Borrowed(sent), |opened| Cow::Owned(opened.params));
    Ok(Asked { params, is_pushed: false, is_signed })
}

/// Every check of a request.
pub(crate) fn checked(
    ctx: &Ctx,
    client: Option<&Arc<PreparedClient>>,
    asked: &Asked<'_>,
) -> Result<AuthorizeRequest, CheckFailure> {
    let around = Surroundings {
        settings: &ctx.tenant.settings,
        client: client.map(|c| &c.client),
        is_api: &|audience| ctx.tenant.resolve_api(&ctx.origin, audience).is_some(),
        userinfo_audience: &ctx.origin.userinfo_audience,
        is_pushed: asked.is_pushed,
        is_signed: asked.is_signed,
        has_second_factors: ctx.tenant.second_factors.are_there(),
        hint_subject: &|hint| {
            let claims = chancery_web::verify_id_token(ctx, hint)?;
            client.is_some_and(|c| c.client_id == claims.client_id).then_some(claims.subject)
        },
    };
    oauth::check(&asked.params, &around)
}
