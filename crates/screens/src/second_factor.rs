//! The second factor of a sign-in: its code, making one where the user has none, and recovery codes. When one is due is the
//! login engine's to say; a page that is not due leads back to it.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::interaction::Progress;
use chancery_core::model::User;
use chancery_core::params::Params;
use chancery_core::second_factor::{NewFactor, masked};
use chancery_db::Batch;
use chancery_login::csp::PageKind;
use chancery_login::pages::{CodeKind, EnrolOtp, EnterCode, KeepRecoveryCode, Problem};
use chancery_web::{Ctx, Failure, MAKE_OTP, Proof, SHOW_MAILED, SHOW_OTP, SecondFactorsOf};
use http::{HeaderMap, StatusCode};

use crate::consent::account;
use crate::due::{Due, Reason, or_answer};
use crate::form::Posted;
use crate::screen::{Screen, pressed};

pub(crate) const RECOVERY: &str = "/u/mfa-recovery-code-challenge";
pub(crate) const KEEP: &str = "/u/mfa-recovery-code-enrollment";

fn opened(screen: &Screen, user: &User, sealed: &str) -> Result<String, Failure> {
    let (store, tenant) = (&screen.ctx.app.store, &screen.ctx.tenant.tenant);
    let secret = store.open_authentication_method(tenant, &user.user_id, sealed)?;
    String::from_utf8(secret.to_vec()).map_err(|_| Failure::server("a sealed secret that is no text"))
}

/// What was typed, if anything was; a form that names something twice was not filled in on our page.
fn typed(params: &Params) -> Option<&str> {
    params.get("code").filter(|code| params.repeated().is_none() && !code.trim().is_empty())
}

/// The page that asks for a code.
pub(crate) async fn show_challenge(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let due = or_answer!(Due::show(ctx, &headers, query).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    match due.is_sign_in() && factors.have_otp() {
        true => Ok(challenge(&due, &factors, StatusCode::OK, None)),
        false => Ok(due.back(&headers)),
    }
}

/// The code that was typed.
pub(crate) async fn submit_challenge(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let due = or_answer!(Due::open(ctx, &headers, &params).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !due.is_sign_in() || !factors.have_otp() {
        return Ok(due.back(&headers));
    }
    let again = |status, problem| Ok(challenge(&due, &factors, status, Some(problem)));
    let Some(code) = typed(&params) else { return again(StatusCode::BAD_REQUEST, Problem::CodeMissing) };
    match factors.try_otp(code, false).await? {
        Proof::Good(proof) => {
            factors.log("gd_auth_succeed", "Second factor shown");
            due.shown(&headers, &params, proof, None).await
        }
        Proof::Wrong => again(StatusCode::BAD_REQUEST, Problem::CodeWrong),
        Proof::TooMany => again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts),
    }
}

fn challenge(
    due: &Due,
    factors: &SecondFactorsOf<'_>,
    status: StatusCode,
    problem: Option<Problem>,
) -> Response {
    ask(due, CodeKind::OneTime, (SHOW_OTP, factors), (status, problem))
}

/// The page that asks for a code that is mailed. One that is on its way is not mailed again.
pub(crate) async fn show_mailed(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let due = or_answer!(Due::show(ctx, &headers, query).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    let Some(email) = factors.mailed_to().filter(|_| due.is_sign_in()) else {
        return Ok(due.back(&headers));
    };
    let before = due.screen.transaction.progress.mailed_factor.as_ref();
    match before.is_some_and(|before| before.is_young(email, due.key(), due.screen.ctx.now())) {
        true => Ok(mailed(&due, &factors, StatusCode::OK, None)),
        false => mail(&due, &factors).await,
    }
}

/// The code that was typed, or the wish for another one.
pub(crate) async fn submit_mailed(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let due = or_answer!(Due::open(ctx, &headers, &params).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !due.is_sign_in() || factors.mailed_to().is_none() {
        return Ok(due.back(&headers));
    }
    if pressed(&params) == Some("resend") {
        return mail(&due, &factors).await;
    }
    let again = |status, problem| Ok(mailed(&due, &factors, status, Some(problem)));
    let Some(code) = typed(&params) else { return again(StatusCode::BAD_REQUEST, Problem::CodeMissing) };
    let kept = due.screen.transaction.progress.mailed_factor.as_ref();
    match factors.try_mailed(kept, code, due.key()).await? {
        Proof::Good(proof) => {
            factors.log("gd_auth_succeed", "Second factor shown");
            due.shown(&headers, &params, proof, None).await
        }
        Proof::Wrong => again(StatusCode::BAD_REQUEST, Problem::CodeWrong),
        Proof::TooMany => again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts),
    }
}

/// Mails a code, which takes the place of the one before.
async fn mail(due: &Due, factors: &SecondFactorsOf<'_>) -> Result<Response, Failure> {
    let Some(code) = factors.mail_factor(due.key()) else {
        return Ok(mailed(due, factors, StatusCode::TOO_MANY_REQUESTS, Some(Problem::TooManyAttempts)));
    };
    let before = due.screen.transaction.progress.clone();
    let factor_session = Some(due.key().to_owned());
    match due.screen.note(Progress { factor_session, mailed_factor: Some(code), ..before }).await? {
        true => Ok(mailed(due, factors, StatusCode::OK, None)),
        false => Ok(due.screen.back()),
    }
}

fn mailed(
    due: &Due,
    factors: &SecondFactorsOf<'_>,
    status: StatusCode,
    problem: Option<Problem>,
) -> Response {
    ask(due, CodeKind::Mailed, (SHOW_MAILED, factors), (status, problem))
}

/// The page that asks for a code, at its own address.
fn ask(
    due: &Due,
    kind: CodeKind,
    (own, factors): (&str, &SecondFactorsOf<'_>),
    (status, problem): (StatusCode, Option<Problem>),
) -> Response {
    let screen = &due.screen;
    let view = EnterCode {
        frame: screen.frame(),
        form: screen.form(own),
        kind,
        mailed_to: factors.mailed_to().filter(|_| kind == CodeKind::Mailed).map(masked),
        account: account(&due.user),
        not_you: screen.link("/u/login"),
        // Whoever lost what they showed there is asked again.
        may_remember: kind != CodeKind::Recovery && due.may_remember(),
        others: due.other_ways(factors, own),
        problems: problem.into_iter().collect(),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}

/// The page on which somebody without a second factor makes one. Its secret stays the same until it is confirmed or the login
/// is over, so that the page may be loaded again.
pub(crate) async fn show_enrolment(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let due = or_answer!(Due::show(ctx, &headers, query).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !due.may_make(&factors, NewFactor::Otp) {
        return Ok(due.back(&headers));
    }
    if let Some(sealed) = &due.screen.transaction.progress.enrolling {
        let secret = opened(&due.screen, &due.user, sealed)?;
        return Ok(enrolment(&due, &factors, &secret, StatusCode::OK, None));
    }
    let sealed = due.sealed(&factors.new_secret())?;
    let progress = Progress {
        factor_session: Some(due.key().to_owned()),
        enrolling: Some(sealed),
        ..due.screen.transaction.progress.clone()
    };
    due.screen.done(progress, Batch::default()).await
}

/// The first code of the new factor.
pub(crate) async fn submit_enrolment(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let due = or_answer!(Due::open(ctx, &headers, &params).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    let may = due.may_make(&factors, NewFactor::Otp);
    let Some(sealed) = due.screen.transaction.progress.enrolling.as_ref().filter(|_| may) else {
        return Ok(due.back(&headers));
    };
    let secret = opened(&due.screen, &due.user, sealed)?;
    let again = |status, problem| Ok(enrolment(&due, &factors, &secret, status, Some(problem)));
    let Some(code) = typed(&params) else { return again(StatusCode::BAD_REQUEST, Problem::CodeMissing) };
    if due.is_locked().await? {
        return again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts);
    }
    match factors.enrol(&secret, code)? {
        (Proof::Good(proof), code) => {
            factors.log("gd_enrollment_complete", "Second factor made");
            due.passed(proof, code).await
        }
        (Proof::Wrong | Proof::TooMany, _) => again(StatusCode::BAD_REQUEST, Problem::CodeWrong),
    }
}

fn enrolment(
    due: &Due,
    factors: &SecondFactorsOf<'_>,
    secret: &str,
    status: StatusCode,
    problem: Option<Problem>,
) -> Response {
    let screen = &due.screen;
    let view = EnrolOtp {
        frame: screen.frame(),
        form: screen.form(MAKE_OTP),
        account: account(&due.user),
        not_you: due.not_you(),
        is_own: matches!(due.reason, Reason::Own(_)),
        uri: factors.otpauth_uri(secret),
        secret: secret.to_owned(),
        others: due.other_factors(MAKE_OTP),
        problems: problem.into_iter().collect(),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}

/// The page that asks for a recovery code.
pub(crate) async fn show_recovery(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let due = or_answer!(Due::show(ctx, &headers, query).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    match due.is_sign_in() && factors.have_recovery_code() {
        true => Ok(recovery(&due, &factors, StatusCode::OK, None)),
        false => Ok(due.back(&headers)),
    }
}

/// The recovery code that was typed; another one takes its place.
pub(crate) async fn submit_recovery(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let due = or_answer!(Due::open(ctx, &headers, &params).await?);
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !due.is_sign_in() || !factors.have_recovery_code() {
        return Ok(due.back(&headers));
    }
    let again = |status, problem| Ok(recovery(&due, &factors, status, Some(problem)));
    let Some(code) = typed(&params) else { return again(StatusCode::BAD_REQUEST, Problem::CodeMissing) };
    match factors.try_recovery_code(code).await? {
        (Proof::Good(proof), next) => {
            factors.log("gd_recovery_succeed", "Recovery code used");
            due.passed(proof, next).await
        }
        (Proof::Wrong, _) => again(StatusCode::BAD_REQUEST, Problem::RecoveryCodeWrong),
        (Proof::TooMany, _) => again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts),
    }
}

fn recovery(
    due: &Due,
    factors: &SecondFactorsOf<'_>,
    status: StatusCode,
    problem: Option<Problem>,
) -> Response {
    ask(due, CodeKind::Recovery, (RECOVERY, factors), (status, problem))
}

/// The page with a new recovery code, until the user put it away.
pub(crate) async fn show_kept(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let screen = or_answer!(Screen::show(ctx, &headers, query).await?);
    Ok(kept(&screen, &headers, None).await?.unwrap_or_else(|| screen.back()))
}

/// They did.
pub(crate) async fn submit_kept(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = or_answer!(Screen::open(ctx, &headers, &params).await?);
    if params.repeated().is_some() || params.get("saved") != Some("yes") {
        let again = kept(&screen, &headers, Some(Problem::NotSaved)).await?;
        return Ok(again.unwrap_or_else(|| screen.back()));
    }
    let progress = Progress { recovery_code: None, ..screen.transaction.progress.clone() };
    screen.done(progress, Batch::default()).await
}

/// `None` where there is none to be shown, or nobody to show it to.
async fn kept(
    screen: &Screen,
    headers: &HeaderMap,
    problem: Option<Problem>,
) -> Result<Option<Response>, Failure> {
    let Some(sealed) = &screen.transaction.progress.recovery_code else { return Ok(None) };
    let progress = &screen.transaction.progress;
    let ticket = progress.enrolment.as_ref().and_then(|enrolment| enrolment.ticket.as_ref());
    let (key, user) = match ticket {
        // Spent by now; this browser spent it.
        Some(ticket) => {
            let (store, tenant) = (&screen.ctx.app.store, &screen.ctx.tenant.tenant);
            let user = store.user(tenant, &ticket.user_id).await?.filter(|user| !user.is_blocked());
            let Some(user) = user else { return Ok(None) };
            (ticket.id.clone(), user)
        }
        None => {
            let Some((session, user)) = screen.proven_session(headers).await? else { return Ok(None) };
            (session.id, user)
        }
    };
    if progress.factor_session.as_deref() != Some(key.as_str()) {
        return Ok(None);
    }
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let view = KeepRecoveryCode {
        frame: screen.frame(),
        form: screen.form(KEEP),
        code: opened(screen, &user, sealed)?,
        problems: problem.into_iter().collect(),
    };
    Ok(Some(screen.page(status, view.render(&screen.texts), PageKind::Plain)))
}
