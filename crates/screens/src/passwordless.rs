//! Sign-in with a code that is mailed: the address, then the code.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::interaction::Progress;
use chancery_core::model::Connection;
use chancery_db::Batch;
use chancery_login::csp::PageKind;
use chancery_login::pages::{AskForCode, EnterMailedCode, Problem};
use chancery_store::Error;
use chancery_web::{CodeCheck, CodeFor, CodeSent, Ctx, Failure, see_other};
use http::{HeaderMap, StatusCode};

use crate::form::Posted;
use crate::login::{By, log_blocked, open_session};
use crate::screen::Screen;

pub(crate) const ADDRESS: &str = "/u/login-passwordless-email";
pub(crate) const CODE: &str = "/u/passwordless-email-challenge";

/// Where somebody begins: at the code, where a link brought it along.
pub(crate) fn first_page(screen: &Screen) -> Response {
    let page = if address(screen).is_some() { CODE } else { ADDRESS };
    see_other(&format!("{page}?state={}", screen.stored.id))
}

/// The page that asks for the address.
pub(crate) async fn show_address(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let screen = match Screen::show(ctx, &headers, query).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    if screen.code_connection().is_none() {
        return Ok(screen.back());
    }
    let hint = screen.address_hint().to_owned();
    Ok(address_page(&screen, StatusCode::OK, hint, None))
}

/// Mails the code, if the address may sign in, and says the same either way (security case 14).
pub(crate) async fn submit_address(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let Some(connection) = screen.code_connection() else { return Ok(screen.back()) };
    let typed = params.get("email").filter(|_| params.repeated().is_none()).unwrap_or_default().to_owned();
    match mail(&screen, &connection, &typed).await? {
        CodeSent::Taken => {
            let progress = Progress {
                code_email: Some(typed.trim().to_owned()),
                mailed_code: None,
                ..screen.transaction.progress.clone()
            };
            screen.done(progress, Batch::default()).await?;
            Ok(see_other(&format!("{CODE}?state={}", screen.stored.id)))
        }
        CodeSent::BadEmail => {
            let problem = Some(Problem::EmailInvalid);
            Ok(address_page(&screen, StatusCode::BAD_REQUEST, typed.chars().take(320).collect(), problem))
        }
        CodeSent::TooMany(_) => {
            let problem = Some(Problem::TooManyAttempts);
            Ok(address_page(&screen, StatusCode::TOO_MANY_REQUESTS, typed, problem))
        }
    }
}

/// The page that asks for the code.
pub(crate) async fn show_code(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let screen = match Screen::show(ctx, &headers, query).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    match address(&screen).filter(|_| screen.code_connection().is_some()) {
        Some(email) => Ok(code_page(&screen, StatusCode::OK, &email, None)),
        None => Ok(screen.back()),
    }
}

/// The code that was typed, or the wish for another one.
pub(crate) async fn submit_code(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let Some((connection, email)) = screen.code_connection().zip(address(&screen)) else {
        return Ok(screen.back());
    };
    let again = |status, problem| Ok(code_page(&screen, status, &email, Some(problem)));
    if params.repeated().is_some() {
        return again(StatusCode::BAD_REQUEST, Problem::CodeMissing);
    }
    if params.get("action") == Some("resend") {
        return match mail(&screen, &connection, &email).await? {
            CodeSent::TooMany(_) => again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts),
            CodeSent::Taken | CodeSent::BadEmail => Ok(code_page(&screen, StatusCode::OK, &email, None)),
        };
    }
    let Some(code) = params.get("code").filter(|code| !code.trim().is_empty()) else {
        return again(StatusCode::BAD_REQUEST, Problem::CodeMissing);
    };
    let what = code_for(&screen, &connection, &email);
    let (user, used) = match screen.ctx.check_code(&connection, &what, code).await? {
        CodeCheck::Good(user, used) => (user, used),
        CodeCheck::Wrong => return again(StatusCode::BAD_REQUEST, Problem::MailedCodeWrong),
        CodeCheck::TooMany => return again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts),
    };
    if user.is_blocked() {
        log_blocked(&screen, &user);
        return again(StatusCode::BAD_REQUEST, Problem::Blocked);
    }
    match screen.ctx.app.store.commit(used).await {
        Ok(()) => open_session(&screen, &headers, &user, &connection, By::MailedCode).await,
        Err(Error::Guard | Error::Conflict) => again(StatusCode::BAD_REQUEST, Problem::MailedCodeWrong),
        Err(other) => Err(other.into()),
    }
}

/// Where the code went: what was typed here, or where the link of a mail says.
fn address(screen: &Screen) -> Option<String> {
    let progress = &screen.transaction.progress;
    let linked = || progress.mailed_code.as_ref().map(|_| screen.address_hint().to_owned());
    progress.code_email.clone().or_else(linked)
}

fn code_for<'a>(screen: &'a Screen, connection: &Connection, email: &'a str) -> CodeFor<'a> {
    let may_sign_up = screen.lets_sign_up(connection);
    CodeFor { client_id: &screen.client.client_id, email, may_sign_up, link: None }
}

async fn mail(screen: &Screen, connection: &Connection, email: &str) -> Result<CodeSent, Failure> {
    screen.ctx.mail_code(connection, code_for(screen, connection, email)).await
}

fn address_page(screen: &Screen, status: StatusCode, email: String, problem: Option<Problem>) -> Response {
    let password = screen.connection().filter(|_| !screen.wants_code());
    let view = AskForCode {
        frame: screen.frame(),
        form: screen.form(ADDRESS),
        client_name: screen.client.name.clone(),
        email,
        problems: problem.into_iter().collect(),
        password: password.map(|_| screen.link("/u/login")),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}

fn code_page(screen: &Screen, status: StatusCode, email: &str, problem: Option<Problem>) -> Response {
    let brought = screen.transaction.progress.mailed_code.clone().filter(|_| problem.is_none());
    let view = EnterMailedCode {
        frame: screen.frame(),
        form: screen.form(CODE),
        email: email.to_owned(),
        code: brought.unwrap_or_default(),
        problems: problem.into_iter().collect(),
        other: screen.link(ADDRESS),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}
