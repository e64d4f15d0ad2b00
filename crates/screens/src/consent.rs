//! Consent: the user lets an application have what it asks for, or does not (fact sheet 4).

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::ids;
use chancery_core::interaction::Progress;
use chancery_core::model::User;
use chancery_core::oauth::origin_of;
use chancery_core::records::Consent as Record;
use chancery_db::Batch;
use chancery_login::consent_lines::{AskedScope, consent_lines};
use chancery_login::csp::PageKind;
use chancery_login::pages::{Consent, ConsentGroup, Link};
use chancery_store::PreparedApi;
use chancery_web::{Ctx, Failure};
use http::{HeaderMap, StatusCode};

use crate::form::Posted;
use crate::screen::{Screen, expired, pressed};

/// The page.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let screen = match Screen::show(ctx, &headers, query).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    match due(&screen, &headers).await? {
        Some((user, wanted)) => Ok(page(&screen, StatusCode::OK, &user, &wanted)),
        // Nobody to ask, or nothing to ask for: the engine knows what is due instead.
        None => Ok(screen.back()),
    }
}

/// The answer. Anything but "accept" and "decline" shows the page again.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let Some((user, wanted)) = due(&screen, &headers).await? else {
        return Ok(expired(&screen.ctx, &headers));
    };
    let progress = screen.transaction.progress.clone();
    match pressed(&params) {
        Some("accept") => {
            let write = screen
                .ctx
                .app
                .store
                .upsert_consent(&screen.ctx.tenant.tenant, &record(&screen, &user, &wanted));
            let progress = Progress { consented: Some(wanted), shown: true, ..progress };
            screen.done(progress, write).await
        }
        Some("decline") => screen.done(Progress { declined: true, ..progress }, Batch::default()).await,
        _ => Ok(page(&screen, StatusCode::BAD_REQUEST, &user, &wanted)),
    }
}

/// Who is asked for what. The scopes are those the engine decided on, never any that the form sends.
async fn due(screen: &Screen, headers: &HeaderMap) -> Result<Option<(User, Vec<String>)>, Failure> {
    let Some(wanted) = screen.transaction.progress.wanted.clone() else { return Ok(None) };
    let asked = screen.transaction.progress.asked_user.as_deref();
    let session = screen.session(headers).await?.filter(|(_, user)| asked == Some(user.user_id.as_str()));
    Ok(session.map(|(_, user)| (user, wanted)))
}

fn record(screen: &Screen, user: &User, wanted: &[String]) -> Record {
    let ctx = &screen.ctx;
    Record {
        id: ids::object_id(&*ctx.app.rng, ctx.now()),
        user_id: user.user_id.clone(),
        client_id: screen.client.client_id.clone(),
        audience: api(screen).map(|api| api.identifier.clone()).unwrap_or_default(),
        organization_id: screen.organization.as_ref().map(|o| o.id.clone()).unwrap_or_default(),
        scope: wanted.to_vec(),
        implicit: false,
    }
}

fn api(screen: &Screen) -> Option<&PreparedApi> {
    let named = screen.transaction.request.audience.as_deref()?;
    screen.ctx.tenant.resolve_api(&screen.ctx.origin, named).map(AsRef::as_ref)
}

fn page(screen: &Screen, status: StatusCode, user: &User, wanted: &[String]) -> Response {
    let settings = &screen.ctx.tenant.settings;
    let api = api(screen);
    let description = |scope: &str| {
        let defined = api.and_then(|api| api.scopes.as_ref()).into_iter().flatten();
        defined.filter(|s| s.value == scope).find_map(|s| s.description.clone()).filter(|d| !d.is_empty())
    };
    let asked: Vec<AskedScope> =
        wanted.iter().map(|s| AskedScope { value: s.clone(), description: description(s) }).collect();
    let uses_descriptions = settings.flags.use_scope_descriptions_for_consent.unwrap_or(false);
    let lines = consent_lines(&asked, uses_descriptions, &screen.texts);
    let api_name = api.map(|api| api.name.as_deref().unwrap_or(&api.identifier));
    let redirect_uri = screen.transaction.request.redirect_uri.as_str();
    let host = origin_of(redirect_uri);
    let view = Consent {
        frame: screen.frame(),
        form: screen.form("/u/consent"),
        client_name: screen.client.name.clone(),
        client_logo: screen.client.logo_uri.as_deref().and_then(Link::new),
        account: account(user),
        not_you: Some(screen.link("/u/login")),
        groups: ConsentGroup::of(lines, api_name, &screen.texts),
        callback_host: host.and_then(|o| o.split_once("://").map(|(_, host)| host.to_owned())),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}

/// The name of the account, as its owner knows it.
pub(crate) fn account(user: &User) -> String {
    let names = [&user.email, &user.username, &user.name];
    names.into_iter().flatten().next().cloned().unwrap_or_else(|| user.user_id.clone())
}
