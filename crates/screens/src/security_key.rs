//! Security keys as second factors: showing one, and making a first one. What the browser asked the key for comes back with a
//! form; a challenge is answered once.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::params::Params;
use chancery_core::webauthn::{KeyKind, Purpose};
use chancery_login::csp::PageKind;
use chancery_login::pages::{KeyPage, Problem, UseKey};
use chancery_web::{Ctx, Failure, MAKE_PLATFORM, MAKE_ROAMING, Proof, SHOW_KEY, SecondFactorsOf};
use http::{HeaderMap, StatusCode};

use crate::consent::account;
use crate::form::Posted;
use crate::second_factor::{Due, other_factors, other_ways};

/// What the browser answered, if anything; a form that names something twice was not filled in on our page.
pub(crate) fn answer(params: &Params) -> Option<&str> {
    params.get("response").filter(|_| params.repeated().is_none())
}

/// The page that asks for a key.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let due = match Due::show(ctx, &headers, query).await? {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    match factors.have_keys() {
        true => ask(&due, &factors, StatusCode::OK, None).await,
        false => Ok(due.screen.back()),
    }
}

/// What the key signed.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let due = match Due::open(ctx, &headers, &params).await? {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !factors.have_keys() {
        return Ok(due.screen.back());
    }
    let challenge = due.screen.answered(Purpose::SecondFactor, Some(&due.session.id));
    let (Some(answer), Some(challenge)) = (answer(&params), challenge) else {
        return ask(&due, &factors, StatusCode::BAD_REQUEST, Some(Problem::KeyRefused)).await;
    };
    match factors.try_key(answer, challenge).await? {
        Proof::Good(proof) => {
            factors.log("gd_auth_succeed", "Second factor shown");
            due.passed(proof, None).await
        }
        Proof::Wrong => ask(&due, &factors, StatusCode::BAD_REQUEST, Some(Problem::KeyRefused)).await,
        Proof::TooMany => {
            ask(&due, &factors, StatusCode::TOO_MANY_REQUESTS, Some(Problem::TooManyAttempts)).await
        }
    }
}

async fn ask(
    due: &Due,
    factors: &SecondFactorsOf<'_>,
    status: StatusCode,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let screen = &due.screen;
    let challenge = screen.challenge(Purpose::SecondFactor, Some(&due.session.id), problem.is_some()).await?;
    let Some(challenge) = challenge else { return Ok(screen.back()) };
    let view = UseKey {
        frame: screen.frame(),
        form: screen.form(SHOW_KEY),
        page: KeyPage::Show,
        account: account(&due.user),
        not_you: Some(screen.link("/u/login")),
        options: factors.key_request(&challenge).await?.map(|options| options.to_string()),
        may_skip: false,
        others: other_ways(screen, factors, SHOW_KEY),
        problems: problem.into_iter().collect(),
    };
    Ok(screen.page(status, view.render(&screen.texts), PageKind::SecurityKey))
}

/// The page on which somebody without a second factor makes a security key.
pub(crate) async fn show_roaming(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    show_enrolment(Due::show(ctx, &headers, query).await?, KeyKind::Roaming).await
}

/// The same with what is built into the machine.
pub(crate) async fn show_platform(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    show_enrolment(Due::show(ctx, &headers, query).await?, KeyKind::Platform).await
}

/// The security key that was made.
pub(crate) async fn submit_roaming(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    submit_enrolment(Due::open(ctx, &headers, &params).await?, &params, KeyKind::Roaming).await
}

/// The same of what is built into the machine.
pub(crate) async fn submit_platform(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    submit_enrolment(Due::open(ctx, &headers, &params).await?, &params, KeyKind::Platform).await
}

async fn show_enrolment(due: Result<Due, Box<Response>>, kind: KeyKind) -> Result<Response, Failure> {
    let due = match due {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    match may_make(&due, &factors, kind) {
        true => enrolment(&due, &factors, kind, None).await,
        false => Ok(due.screen.back()),
    }
}

async fn submit_enrolment(
    due: Result<Due, Box<Response>>,
    params: &Params,
    kind: KeyKind,
) -> Result<Response, Failure> {
    let due = match due {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !may_make(&due, &factors, kind) {
        return Ok(due.screen.back());
    }
    let challenge = due.screen.answered(kind.making(), Some(&due.session.id));
    let (Some(answer), Some(challenge)) = (answer(params), challenge) else {
        return enrolment(&due, &factors, kind, Some(Problem::KeyRefused)).await;
    };
    match factors.enrol_key(kind, answer, challenge).await? {
        (Proof::Good(proof), code) => {
            factors.log("gd_enrollment_complete", "Second factor made");
            due.passed(proof, code).await
        }
        (Proof::Wrong | Proof::TooMany, _) => {
            enrolment(&due, &factors, kind, Some(Problem::KeyRefused)).await
        }
    }
}

/// A first factor alone: whoever has one shows it, and whoever knows the password alone adds none beside it.
fn may_make(due: &Due, factors: &SecondFactorsOf<'_>, kind: KeyKind) -> bool {
    let there = due.screen.ctx.tenant.second_factors;
    let is_there = match kind {
        KeyKind::Roaming => there.webauthn_roaming,
        KeyKind::Platform => there.webauthn_platform,
        KeyKind::Passkey => false,
    };
    is_there && !factors.are_enrolled()
}

async fn enrolment(
    due: &Due,
    factors: &SecondFactorsOf<'_>,
    kind: KeyKind,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let screen = &due.screen;
    let (path, page) = match kind {
        KeyKind::Platform => (MAKE_PLATFORM, KeyPage::MakePlatform),
        _ => (MAKE_ROAMING, KeyPage::MakeRoaming),
    };
    let challenge = screen.challenge(kind.making(), Some(&due.session.id), problem.is_some()).await?;
    let Some(challenge) = challenge else { return Ok(screen.back()) };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let view = UseKey {
        frame: screen.frame(),
        form: screen.form(path),
        page,
        account: account(&due.user),
        not_you: Some(screen.link("/u/login")),
        options: Some(factors.key_creation(kind, &challenge, None).await?.to_string()),
        may_skip: false,
        others: other_factors(screen, path),
        problems: problem.into_iter().collect(),
    };
    Ok(screen.page(status, view.render(&screen.texts), PageKind::SecurityKey))
}
