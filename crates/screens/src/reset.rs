//! A forgotten password: asking for a link, and choosing a new password with it.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_connect::password_policy;
use chancery_core::ids::Handle;
use chancery_core::params::Params;
use chancery_core::records::Ticket;
use chancery_login::csp::{PageKind, form_target};
use chancery_login::pages::{
    CheckMail, ErrorKind, ForgotPassword, Form as PageForm, Link, Problem, ResetDone, ResetPassword, RuleLine,
};
use chancery_web::{Ctx, Failure, Reset, ResetLink, hosted, see_other};
use http::{HeaderMap, StatusCode};

use crate::form::Posted;
use crate::rules::{broken, lines, problem};
use crate::screen::{Screen, is_same_origin, path_link, refused};

/// The page that asks for the address.
pub(crate) async fn show_request(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let screen = match Screen::show(ctx, &headers, query).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    // As with sign-up: where nobody has a password there is none to forget.
    if screen.connection().is_none() {
        return Ok(screen.on_to_login());
    }
    let hint = screen.transaction.request.login_hint.clone().unwrap_or_default();
    Ok(request_page(&screen, StatusCode::OK, hint, Vec::new()))
}

/// Sends the link, if there is such an account, and says the same either way (security case 14).
pub(crate) async fn submit_request(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let Some(email) = params.get("email").filter(|e| e.len() <= 254 && e.contains('@')) else {
        let typed = params.get("email").unwrap_or_default().to_owned();
        return Ok(request_page(&screen, StatusCode::BAD_REQUEST, typed, vec![Problem::EmailInvalid]));
    };
    if let Some(connection) = screen.connection() {
        let asked = screen.ctx.mail_reset_link(&connection, email, Some(&screen.client.client_id)).await?;
        if let ResetLink::TooMany(_) = asked {
            let problems = vec![Problem::TooManyAttempts];
            return Ok(request_page(&screen, StatusCode::TOO_MANY_REQUESTS, email.to_owned(), problems));
        }
    }
    let view = CheckMail {
        frame: screen.frame(),
        form: screen.form("/u/reset-password"),
        email: email.to_owned(),
        login: Some(screen.link("/u/login")),
    };
    Ok(screen.page(StatusCode::OK, view.render(&screen.texts), PageKind::Plain))
}

/// The page a mailed link leads to. Showing it does not use the link: mail scanners open links too.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    match ticket(&ctx, params.get("ticket")).await? {
        Some((handle, ticket)) => {
            Ok(choose_page(&ctx, &headers, StatusCode::OK, &Choice::new(&handle, &ticket)))
        }
        None => Ok(bad_link(&ctx, &headers)),
    }
}

/// The new password, twice.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    if !is_same_origin(&ctx, &headers) {
        return Ok(refused(&ctx, &headers));
    }
    let Some((handle, ticket)) = ticket(&ctx, params.get("state")).await? else {
        return Ok(bad_link(&ctx, &headers));
    };
    let again = |problem, rules| {
        let choice = Choice { problems: vec![problem], rules, ..Choice::new(&handle, &ticket) };
        Ok(choose_page(&ctx, &headers, StatusCode::BAD_REQUEST, &choice))
    };
    let Some(password) = params.get("password") else { return again(Problem::PasswordMissing, None) };
    if params.repeated().is_some() || params.get("password-repeat") != Some(password) {
        return again(Problem::PasswordsDiffer, None);
    }
    match ctx.reset_password(&handle, password.into()).await? {
        Reset::Done(_) => {
            let message = "You can now login to the application with the new password.";
            Ok(match ticket.landing(message) {
                Some(landing) => see_other(&landing),
                None => done_page(&ctx, &headers, &ticket),
            })
        }
        Reset::Unfit(unfit) => {
            let connection = ctx.tenant.connection_by_name(&ticket.connection);
            again(problem(&unfit), connection.and_then(|connection| broken(&unfit, connection)))
        }
        Reset::TooMany(_) => {
            let problems = vec![Problem::TooManyAttempts];
            let choice = Choice { problems, ..Choice::new(&handle, &ticket) };
            Ok(choose_page(&ctx, &headers, StatusCode::TOO_MANY_REQUESTS, &choice))
        }
        Reset::BadLink => Ok(bad_link(&ctx, &headers)),
    }
}

async fn ticket(ctx: &Ctx, text: Option<&str>) -> Result<Option<(Handle, Ticket)>, Failure> {
    let Some(handle) = text.and_then(Handle::parse) else { return Ok(None) };
    Ok(ctx.reset_ticket(&handle).await?.map(|ticket| (handle, ticket)))
}

/// A new password being chosen.
struct Choice<'a> {
    handle: &'a Handle,
    ticket: &'a Ticket,
    problems: Vec<Problem>,
    rules: Option<Vec<RuleLine>>,
}

impl<'a> Choice<'a> {
    fn new(handle: &'a Handle, ticket: &'a Ticket) -> Self {
        Self { handle, ticket, problems: Vec::new(), rules: None }
    }
}

fn request_page(screen: &Screen, status: StatusCode, email: String, problems: Vec<Problem>) -> Response {
    let view = ForgotPassword {
        frame: screen.frame(),
        form: screen.form("/u/reset-password"),
        email,
        problems,
        login: Some(screen.link("/u/login")),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}

fn choose_page(ctx: &Ctx, headers: &HeaderMap, status: StatusCode, choice: &Choice<'_>) -> Response {
    let settings = ctx.tenant.connection_by_name(&choice.ticket.connection).map(|c| c.settings());
    let strength = settings.unwrap_or_default().strength();
    let untouched = || lines(&password_policy::check("", &strength), false);
    let texts = hosted::texts(ctx, headers, None);
    let view = ResetPassword {
        frame: hosted::frame(ctx),
        form: PageForm { action: path_link("/u/reset-verify"), state: choice.handle.expose(), csrf: None },
        email: choice.ticket.email.clone(),
        problems: choice.problems.clone(),
        rules: choice.rules.clone().unwrap_or_else(untouched),
    };
    let targets: Vec<String> =
        choice.ticket.result_url.as_deref().and_then(form_target).into_iter().collect();
    hosted::localized(hosted::page(status, view.render(&texts), PageKind::Password, &targets), &texts)
}

fn done_page(ctx: &Ctx, headers: &HeaderMap, ticket: &Ticket) -> Response {
    let client = ticket.client_id.as_deref().and_then(|id| ctx.tenant.client(id));
    let application = client.and_then(|c| {
        let start = c.initiate_login_uri.as_deref().and_then(Link::new)?;
        Some((c.name.clone(), start))
    });
    let texts = hosted::texts(ctx, headers, None);
    let view = ResetDone { frame: hosted::frame(ctx), application };
    hosted::localized(hosted::page(StatusCode::OK, view.render(&texts), PageKind::Plain, &[]), &texts)
}

fn bad_link(ctx: &Ctx, headers: &HeaderMap) -> Response {
    let said = hosted::Said { kind: ErrorKind::UsedLink, code: None, text: None };
    hosted::error(ctx, headers, StatusCode::BAD_REQUEST, said)
}
