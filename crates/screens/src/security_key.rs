//! Security keys as second factors: showing one, and making a first one. What the browser asked the key for comes back with a
//! form; a challenge is answered once.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::params::Params;
use chancery_core::webauthn::{KeyKind, Purpose};
use chancery_login::csp::PageKind;
use chancery_login::pages::{KeyPage, Problem, UseKey};
use chancery_web::{
    Ctx, Failure, MAKE_PASSKEY, MAKE_PLATFORM, MAKE_ROAMING, Proof, SHOW_KEY, SecondFactorsOf,
};
use http::{HeaderMap, StatusCode};

use crate::consent::account;
use crate::due::{Due, Reason, or_answer};
use crate::form::Posted;

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
    let due = or_answer!(Due::show(ctx, &headers, query).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    match due.is_sign_in() && factors.have_keys() {
        true => ask(&due, &factors, StatusCode::OK, None).await,
        false => Ok(due.back(&headers)),
    }
}

/// What the key signed.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let due = or_answer!(Due::open(ctx, &headers, &params).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !due.is_sign_in() || !factors.have_keys() {
        return Ok(due.back(&headers));
    }
    let challenge = due.screen.answered(Purpose::SecondFactor, Some(due.key()));
    let (Some(answer), Some(challenge)) = (answer(&params), challenge) else {
        return ask(&due, &factors, StatusCode::BAD_REQUEST, Some(Problem::KeyRefused)).await;
    };
    match factors.try_key(answer, challenge).await? {
        Proof::Good(proof) => {
            factors.log("gd_auth_succeed", "Second factor shown");
            due.shown(&headers, &params, proof, None).await
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
    let challenge = screen.challenge(Purpose::SecondFactor, Some(due.key()), problem.is_some()).await?;
    let Some(challenge) = challenge else { return Ok(screen.back()) };
    let view = UseKey {
        frame: screen.frame(),
        form: screen.form(SHOW_KEY),
        page: KeyPage::Show,
        account: account(&due.user),
        not_you: due.not_you(),
        options: factors.key_request(&challenge).await?.map(|options| options.to_string()),
        may_skip: false,
        may_remember: due.may_remember(),
        others: due.other_ways(factors, SHOW_KEY),
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
    show_enrolment(Due::show(ctx, &headers, query).await?, &headers, KeyKind::Roaming).await
}

/// The same with what is built into the machine.
pub(crate) async fn show_platform(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    show_enrolment(Due::show(ctx, &headers, query).await?, &headers, KeyKind::Platform).await
}

/// The page that adds a passkey, from the user's own.
pub(crate) async fn show_passkey(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    show_enrolment(Due::show(ctx, &headers, query).await?, &headers, KeyKind::Passkey).await
}

/// The passkey that was made there.
pub(crate) async fn submit_passkey(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    submit_enrolment(Due::open(ctx, &headers, &params).await?, (&headers, &params), KeyKind::Passkey).await
}

/// The security key that was made.
pub(crate) async fn submit_roaming(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    submit_enrolment(Due::open(ctx, &headers, &params).await?, (&headers, &params), KeyKind::Roaming).await
}

/// The same of what is built into the machine.
pub(crate) async fn submit_platform(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    submit_enrolment(Due::open(ctx, &headers, &params).await?, (&headers, &params), KeyKind::Platform).await
}

async fn show_enrolment(
    due: Result<Due, Box<Response>>,
    headers: &HeaderMap,
    kind: KeyKind,
) -> Result<Response, Failure> {
    let due = or_answer!(due);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    match due.may_make(&factors, kind.into()) {
        true => enrolment(&due, &factors, kind, (StatusCode::OK, None)).await,
        false => Ok(due.back(headers)),
    }
}

async fn submit_enrolment(
    due: Result<Due, Box<Response>>,
    (headers, params): (&HeaderMap, &Params),
    kind: KeyKind,
) -> Result<Response, Failure> {
    let due = or_answer!(due);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !due.may_make(&factors, kind.into()) {
        return Ok(due.back(headers));
    }
    let refused = (StatusCode::BAD_REQUEST, Some(Problem::KeyRefused));
    let challenge = due.screen.answered(kind.making(), Some(due.key()));
    let (Some(answer), Some(challenge)) = (answer(params), challenge) else {
        return enrolment(&due, &factors, kind, refused).await;
    };
    if due.is_locked().await? {
        let locked = (StatusCode::TOO_MANY_REQUESTS, Some(Problem::TooManyAttempts));
        return enrolment(&due, &factors, kind, locked).await;
    }
    match factors.enrol_key(kind, answer, challenge, None).await? {
        (Proof::Good(proof), code) => {
            factors.log("gd_enrollment_complete", "Second factor made");
            due.passed(proof, code).await
        }
        (Proof::Wrong | Proof::TooMany, _) => enrolment(&due, &factors, kind, refused).await,
    }
}

async fn enrolment(
    due: &Due,
    factors: &SecondFactorsOf<'_>,
    kind: KeyKind,
    (status, problem): (StatusCode, Option<Problem>),
) -> Result<Response, Failure> {
    let screen = &due.screen;
    let is_own = matches!(due.reason, Reason::Own(_));
    let (path, page) = match (kind, is_own) {
        (KeyKind::Platform, false) => (MAKE_PLATFORM, KeyPage::MakePlatform),
        (KeyKind::Platform, true) => (MAKE_PLATFORM, KeyPage::AddPlatform),
        (KeyKind::Roaming, false) => (MAKE_ROAMING, KeyPage::MakeRoaming),
        (KeyKind::Roaming, true) => (MAKE_ROAMING, KeyPage::AddRoaming),
        (KeyKind::Passkey, _) => (MAKE_PASSKEY, KeyPage::AddPasskey),
    };
    let challenge = screen.challenge(kind.making(), Some(due.key()), problem.is_some()).await?;
    let Some(challenge) = challenge else { return Ok(screen.back()) };
    let view = UseKey {
        frame: screen.frame(),
        form: screen.form(path),
        page,
        account: account(&due.user),
        not_you: due.not_you(),
        options: Some(factors.key_creation(kind, &challenge, None).await?.to_string()),
        may_skip: false,
        may_remember: false,
        others: due.other_factors(path),
        problems: problem.into_iter().collect(),
    };
    Ok(screen.page(status, view.render(&screen.texts), PageKind::SecurityKey))
}
