//! The second factor of a sign-in: its code, making one where the user has none, and recovery codes. When one is due is the
//! login engine's to say; a page that is not due leads back to it.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::interaction::Progress;
use chancery_core::model::User;
use chancery_core::params::Params;
use chancery_core::records::Session;
use chancery_db::Batch;
use chancery_login::csp::PageKind;
use chancery_login::pages::{CodeKind, EnrolOtp, EnterCode, KeepRecoveryCode, Problem};
use chancery_web::{Ctx, Failure, Proof, SecondFactorsOf};
use http::{HeaderMap, StatusCode};

use crate::consent::account;
use crate::form::Posted;
use crate::screen::{Answered, Screen};

pub(crate) const CHALLENGE: &str = "/u/mfa-otp-challenge";
pub(crate) const ENROLMENT: &str = "/u/mfa-otp-enrollment-qr";
pub(crate) const RECOVERY: &str = "/u/mfa-recovery-code-challenge";
pub(crate) const KEEP: &str = "/u/mfa-recovery-code-enrollment";

/// A user who still has to show a second factor, on the page they are on.
struct Due {
    screen: Screen,
    session: Session,
    user: User,
}

impl Due {
    async fn show(ctx: Ctx, headers: &HeaderMap, query: Option<String>) -> Result<Answered<Self>, Failure> {
        Self::of(Screen::show(ctx, headers, query).await?, headers).await
    }

    async fn open(ctx: Ctx, headers: &HeaderMap, params: &Params) -> Result<Answered<Self>, Failure> {
        Self::of(Screen::open(ctx, headers, params).await?, headers).await
    }

    async fn of(screen: Answered<Screen>, headers: &HeaderMap) -> Result<Answered<Self>, Failure> {
        let mut screen = match screen {
            Ok(screen) => screen,
            Err(page) => return Ok(Err(page)),
        };
        let Some((session, user)) = screen.session(headers).await? else {
            return Ok(Err(Box::new(screen.back())));
        };
        screen.transaction.progress.keep_factor_of(&session.id);
        let wanted = screen.transaction.request.wants_second_factor;
        match screen.ctx.tenant.second_factors.are_due(wanted, &session) {
            true => Ok(Ok(Self { screen, session, user })),
            false => Ok(Err(Box::new(screen.back()))),
        }
    }

    /// The factor was shown: the session has it from now on, and nothing of this is done twice.
    async fn passed(&self, proof: Batch, recovery_code: Option<String>) -> Result<Response, Failure> {
        let ctx = &self.screen.ctx;
        let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
        let progress = Progress {
            factor_session: Some(self.session.id.clone()),
            second_factor_shown: true,
            shown: true,
            enrolling: None,
            recovery_code: recovery_code.map(|code| self.sealed(&code)).transpose()?,
            ..self.screen.transaction.progress.clone()
        };
        let note = store.note_second_factor(tenant, &self.session.id, ctx.now());
        self.screen.done(progress, note.and(proof)).await
    }

    fn sealed(&self, secret: &str) -> Result<String, Failure> {
        let (store, tenant) = (&self.screen.ctx.app.store, &self.screen.ctx.tenant.tenant);
        Ok(store.seal_authentication_method(tenant, &self.user.user_id, secret)?)
    }
}

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
    let due = match Due::show(ctx, &headers, query).await? {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    match factors.are_enrolled() {
        true => Ok(challenge(&due, &factors, StatusCode::OK, None)),
        false => Ok(due.screen.back()),
    }
}

/// The code that was typed.
pub(crate) async fn submit_challenge(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let due = match Due::open(ctx, &headers, &params).await? {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !factors.are_enrolled() {
        return Ok(due.screen.back());
    }
    let again = |status, problem| Ok(challenge(&due, &factors, status, Some(problem)));
    let Some(code) = typed(&params) else { return again(StatusCode::BAD_REQUEST, Problem::CodeMissing) };
    match factors.try_otp(code, false).await? {
        Proof::Good(proof) => {
            factors.log("gd_auth_succeed", "Second factor shown");
            due.passed(proof, None).await
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
    let other = factors.have_recovery_code().then_some(RECOVERY);
    ask(due, CodeKind::OneTime, (CHALLENGE, other), (status, problem))
}

/// The page that asks for a code, at its own address and with the other kind's.
fn ask(
    due: &Due,
    kind: CodeKind,
    (own, other): (&str, Option<&str>),
    (status, problem): (StatusCode, Option<Problem>),
) -> Response {
    let screen = &due.screen;
    let view = EnterCode {
        frame: screen.frame(),
        form: screen.form(own),
        kind,
        account: account(&due.user),
        not_you: screen.link("/u/login"),
        other: other.map(|path| screen.link(path)),
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
    let due = match Due::show(ctx, &headers, query).await? {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if factors.are_enrolled() {
        return Ok(due.screen.back());
    }
    if let Some(sealed) = &due.screen.transaction.progress.enrolling {
        let secret = opened(&due.screen, &due.user, sealed)?;
        return Ok(enrolment(&due, &factors, &secret, StatusCode::OK, None));
    }
    let sealed = due.sealed(&factors.new_secret())?;
    let progress = Progress {
        factor_session: Some(due.session.id.clone()),
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
    let due = match Due::open(ctx, &headers, &params).await? {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    let Some(sealed) = due.screen.transaction.progress.enrolling.as_ref().filter(|_| !factors.are_enrolled())
    else {
        return Ok(due.screen.back());
    };
    let secret = opened(&due.screen, &due.user, sealed)?;
    let again = |problem| Ok(enrolment(&due, &factors, &secret, StatusCode::BAD_REQUEST, Some(problem)));
    let Some(code) = typed(&params) else { return again(Problem::CodeMissing) };
    match factors.enrol(&secret, code)? {
        (Proof::Good(proof), code) => {
            factors.log("gd_enrollment_complete", "Second factor made");
            due.passed(proof, code).await
        }
        (Proof::Wrong | Proof::TooMany, _) => again(Problem::CodeWrong),
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
        form: screen.form(ENROLMENT),
        account: account(&due.user),
        not_you: screen.link("/u/login"),
        uri: factors.otpauth_uri(secret),
        secret: secret.to_owned(),
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
    let due = match Due::show(ctx, &headers, query).await? {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    match factors.have_recovery_code() {
        true => Ok(recovery(&due, StatusCode::OK, None)),
        false => Ok(due.screen.back()),
    }
}

/// The recovery code that was typed; another one takes its place.
pub(crate) async fn submit_recovery(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let due = match Due::open(ctx, &headers, &params).await? {
        Ok(due) => due,
        Err(page) => return Ok(*page),
    };
    let factors = SecondFactorsOf::load(&due.screen.ctx, &due.user).await?;
    if !factors.have_recovery_code() {
        return Ok(due.screen.back());
    }
    let again = |status, problem| Ok(recovery(&due, status, Some(problem)));
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

fn recovery(due: &Due, status: StatusCode, problem: Option<Problem>) -> Response {
    ask(due, CodeKind::Recovery, (RECOVERY, Some(CHALLENGE)), (status, problem))
}

/// The page with a new recovery code, until the user put it away.
pub(crate) async fn show_kept(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    match Screen::show(ctx, &headers, query).await? {
        Ok(screen) => Ok(kept(&screen, &headers, None).await?.unwrap_or_else(|| screen.back())),
        Err(page) => Ok(*page),
    }
}

/// They did.
pub(crate) async fn submit_kept(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
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
    let Some((session, user)) = screen.proven_session(headers).await? else { return Ok(None) };
    if screen.transaction.progress.factor_session.as_deref() != Some(session.id.as_str()) {
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
