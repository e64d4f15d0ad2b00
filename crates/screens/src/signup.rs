//! Making an account.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_connect::password_policy;
use chancery_core::model::Connection;
use chancery_login::csp::PageKind;
use chancery_login::pages::{Problem, RuleLine, Signup};
use chancery_web::{Ctx, Failure, Profile, SignUp, SignUpForm};
use http::{HeaderMap, StatusCode};

use crate::form::Posted;
use crate::login::{By, open_session};
use crate::rules::{broken, lines, problem};
use crate::screen::{Screen, expired};

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
    // `screen_hint=signup` leads here whoever may sign up. Where nobody may, there is the page for those who have an account.
    let Some(connection) = screen.connection().filter(|c| screen.lets_sign_up(c)) else {
        return Ok(screen.on_to_login());
    };
    let typed = Typed { email: screen.address_hint(), username: "" };
    Ok(page(&screen, &connection, StatusCode::OK, &typed, Outcome::default()))
}

/// What was typed.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    // Closed sign-up is closed, not hidden (security case 13).
    let Some(connection) = screen.connection().filter(|c| screen.lets_sign_up(c)) else {
        return Ok(expired(&screen.ctx, &headers));
    };
    let typed = Typed {
        email: params.get("email").unwrap_or_default(),
        username: params.get("username").unwrap_or_default(),
    };
    let again = |status, problem, rules| {
        let outcome = Outcome { problems: vec![problem], rules };
        Ok(page(&screen, &connection, status, &typed, outcome))
    };
    let refused = StatusCode::BAD_REQUEST;
    // An invitation is good for its address alone.
    let invited =
        screen.invitation.as_ref().is_none_or(|invitation| invitation.is_for(Some(typed.email.trim())));
    if typed.email.is_empty() || !invited || params.repeated().is_some() {
        return again(refused, Problem::EmailInvalid, None);
    }
    let Some(password) = params.get("password") else {
        return again(refused, Problem::PasswordMissing, None);
    };
    let form = SignUpForm {
        email: typed.email,
        username: Some(typed.username),
        password: password.into(),
        profile: Profile::default(),
    };
    let tells = screen.ctx.tenant.settings.flags.enable_public_signup_user_exists_error.unwrap_or(false);
    match screen.ctx.sign_up(&connection, form).await? {
        SignUp::Created(user) => open_session(&screen, &headers, &user, &connection, By::SignUp).await,
        SignUp::Exists if tells => again(refused, Problem::UserExists, None),
        SignUp::Exists | SignUp::Closed => again(refused, Problem::SignupFailed, None),
        SignUp::TooMany(_) => again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts, None),
        SignUp::Unfit(unfit) => again(refused, problem(&unfit), broken(&unfit, &connection)),
        SignUp::BadEmail => again(refused, Problem::EmailInvalid, None),
        SignUp::BadUsername => {
            let (min, max) = connection.settings().username_length();
            let [min, max] = [min, max].map(|length| u32::try_from(length).unwrap_or(u32::MAX));
            again(refused, Problem::UsernameInvalid { min, max }, None)
        }
    }
}

struct Typed<'a> {
    email: &'a str,
    username: &'a str,
}

#[derive(Default)]
struct Outcome {
    problems: Vec<Problem>,
    rules: Option<Vec<RuleLine>>,
}

fn page(
    screen: &Screen,
    connection: &Connection,
    status: StatusCode,
    typed: &Typed<'_>,
    outcome: Outcome,
) -> Response {
    let options = connection.settings();
    let untouched = || lines(&password_policy::check("", &options.strength()), false);
    let view = Signup {
        frame: screen.frame(),
        form: screen.form("/u/signup"),
        client_name: screen.client.name.clone(),
        email: typed.email.to_owned(),
        username: options.requires_username.then(|| typed.username.to_owned()),
        problems: outcome.problems,
        rules: outcome.rules.unwrap_or_else(untouched),
        login: screen.link("/u/login"),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Password)
}
