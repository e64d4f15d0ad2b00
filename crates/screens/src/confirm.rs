//! "You are signing in to X": asked before an answer goes to a callback that anybody on this machine could listen at
//! (fact sheet 2.9).

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::interaction::Progress;
use chancery_core::model::User;
use chancery_db::Batch;
use chancery_login::csp::PageKind;
use chancery_login::pages::ConfirmLogin;
use chancery_web::{Ctx, Failure};
use http::{HeaderMap, StatusCode};

use crate::consent::account;
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
    match screen.proven_session(&headers).await? {
        Some((_, user)) => Ok(page(&screen, StatusCode::OK, &user)),
        None => Ok(screen.back()),
    }
}

/// The answer.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let Some((_, user)) = screen.proven_session(&headers).await? else {
        return Ok(expired(&screen.ctx, &headers));
    };
    let progress = screen.transaction.progress.clone();
    match pressed(&params) {
        Some("accept") => screen.done(Progress { confirmed: true, ..progress }, Batch::default()).await,
        Some("decline") => screen.done(Progress { declined: true, ..progress }, Batch::default()).await,
        _ => Ok(page(&screen, StatusCode::BAD_REQUEST, &user)),
    }
}

fn page(screen: &Screen, status: StatusCode, user: &User) -> Response {
    let view = ConfirmLogin {
        frame: screen.frame(),
        form: screen.form("/u/confirm"),
        client_name: screen.client.name.clone(),
        account: account(user),
        not_you: Some(screen.link("/u/login")),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}
