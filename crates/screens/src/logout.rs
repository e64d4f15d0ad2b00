//! "Are you sure you want to log out?", where nothing proves that the user asked for it (fact sheet 8.4).

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::interaction::LogoutTransaction;
use chancery_core::logout::Initiator;
use chancery_core::oauth::origin_of;
use chancery_core::params::Params;
use chancery_core::records::LogEvent;
use chancery_login::csp::{PageKind, form_target};
use chancery_login::pages::{ConfirmLogout, Form as PageForm};
use chancery_store::StoredTransaction;
use chancery_web::{Binding, Ctx, Failure, cookies, hosted, see_other};
use http::{HeaderMap, StatusCode};

use crate::form::Posted;
use crate::screen::{expired, is_same_origin, path_link, pressed, refused};

/// The page.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    match open(&ctx, &headers, &params).await? {
        Some((stored, asked)) => Ok(page(&ctx, &headers, &stored, &asked)),
        None => Ok(expired(&ctx, &headers)),
    }
}

/// The answer.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    if !is_same_origin(&ctx, &headers) {
        return Ok(refused(&ctx, &headers));
    }
    let Some((stored, asked)) = open(&ctx, &headers, &params).await? else {
        return Ok(expired(&ctx, &headers));
    };
    let tenant = &ctx.tenant.tenant;
    match pressed(&params) {
        Some("accept") => {
            let session = match cookies::session(&headers).and_then(Handle::parse) {
                Some(handle) => ctx.app.store.session(tenant, &handle, ctx.now()).await?,
                None => None,
            };
            let session = session.filter(|session| session.id == asked.session_id);
            if let Some(session) = &session {
                ctx.end_session(session, Initiator::RpLogout).await?;
                let user_id = Some(session.user_id.clone());
                ctx.log(LogEvent { kind: "slo".to_owned(), user_id, ..LogEvent::default() });
            }
            ctx.app.store.delete_transaction(tenant, &stored.id).await?;
            Ok(ctx.logged_out(
                &headers,
                session.as_ref(),
                (asked.target.as_deref(), see_other),
                asked.ui_locales.as_deref(),
            ))
        }
        Some("decline") => {
            ctx.app.store.delete_transaction(tenant, &stored.id).await?;
            // Back where they came from, if that is known; they stay signed in.
            let home = asked.target.as_deref().and_then(origin_of);
            Ok(match home {
                Some(origin) => see_other(&origin),
                None => expired(&ctx, &headers),
            })
        }
        _ => Ok(page(&ctx, &headers, &stored, &asked)),
    }
}

async fn open(
    ctx: &Ctx,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Option<(StoredTransaction, LogoutTransaction)>, Failure> {
    let stored = Binding::transaction(ctx, headers, params.get("state")).await?;
    Ok(stored.and_then(|stored| {
        let asked = serde_json::from_str(&stored.doc).ok()?;
        Some((stored, asked))
    }))
}

fn page(ctx: &Ctx, headers: &HeaderMap, stored: &StoredTransaction, asked: &LogoutTransaction) -> Response {
    let texts = hosted::texts(ctx, headers, asked.ui_locales.as_deref());
    let view = ConfirmLogout {
        frame: hosted::frame(ctx),
        form: PageForm { action: path_link("/u/logout"), state: stored.id.clone(), csrf: None },
        client_name: asked.client_name.clone().unwrap_or_else(|| hosted::tenant_name(ctx).to_owned()),
    };
    let targets: Vec<String> = asked.target.as_deref().and_then(form_target).into_iter().collect();
    hosted::localized(hosted::page(StatusCode::OK, view.render(&texts), PageKind::Plain, &targets), &texts)
}
