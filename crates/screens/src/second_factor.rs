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
use chancery_login::pages::{CodeKind, EnrolOtp, EnterCode, KeepRecoveryCode, OtherWay, Problem, Way};
use chancery_web::{
    Ctx, Failure, MAKE_OTP, MAKE_PLATFORM, MAKE_ROAMING, Proof, SHOW_KEY, SHOW_OTP, SecondFactorsOf,
};
use http::{HeaderMap, StatusCode};

use crate::consent::account;
use crate::form::Posted;
use crate::screen::{Answered, Screen};

pub(crate) const RECOVERY: &str = "/u/mfa-recovery-code-challenge";
pub(crate) const KEEP: &str = "/u/mfa-recovery-code-enrollment";

/// A user who still has to show a second factor, on the page they are on.
pub(crate) struct Due {
    pub(crate) screen: Screen,
    pub(crate) session: Session,
    pub(crate) user: User,
}

impl Due {
    pub(crate) async fn show(
        ctx: Ctx,
        headers: &HeaderMap,
        query: Option<String>,
    ) -> Result<Answered<Self>, Failure> {
        Self::of(Screen::show(ctx, headers, query).await?, headers).await
    }

    pub(crate) async fn open(
        ctx: Ctx,
        headers: &HeaderMap,
        params: &Params,
    ) -> Result<Answered<Self>, Failure> {
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
    pub(crate) async fn passed(
        &self,
        proof: Batch,
        recovery_code: Option<String>,
    ) -> Result<Response, Failure> {
        let ctx = &self.screen.ctx;
        let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
        let progress = Progress {
            factor_session: Some(self.session.id.clone()),
            second_factor_shown: true,
            shown: true,
            enrolling: None,
            challenge: None,
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
    match factors.have_otp() {
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
    if !factors.have_otp() {
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
    ask(due, CodeKind::OneTime, (SHOW_OTP, factors), (status, problem))
}

/// The other ways of showing one, seen from the page at `own`.
pub(crate) fn other_ways(screen: &Screen, factors: &SecondFactorsOf<'_>, own: &str) -> Vec<OtherWay> {
    let all = [
        (Way::Key, SHOW_KEY, factors.have_keys()),
        (Way::Otp, SHOW_OTP, factors.have_otp()),
        (Way::RecoveryCode, RECOVERY, factors.have_recovery_code()),
    ];
    ways(screen, own, all)
}

/// What else could be made a factor, seen from the page at `own`.
pub(crate) fn other_factors(screen: &Screen, own: &str) -> Vec<OtherWay> {
    let there = screen.ctx.tenant.second_factors;
    let all = [
        (Way::MakeOtp, MAKE_OTP, there.otp),
        (Way::MakeRoaming, MAKE_ROAMING, there.webauthn_roaming),
        (Way::MakePlatform, MAKE_PLATFORM, there.webauthn_platform),
    ];
    ways(screen, own, all)
}

fn ways<const N: usize>(screen: &Screen, own: &str, all: [(Way, &str, bool); N]) -> Vec<OtherWay> {
    let others = all.into_iter().filter(|(_, path, is_there)| *is_there && *path != own);
    others.map(|(way, path, _)| OtherWay { way, link: screen.link(path) }).collect()
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
        account: account(&due.user),
        not_you: screen.link("/u/login"),
        others: other_ways(screen, factors, own),
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
    if factors.are_enrolled() || !due.screen.ctx.tenant.second_factors.otp {
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
        form: screen.form(MAKE_OTP),
        account: account(&due.user),
        not_you: screen.link("/u/login"),
        uri: factors.otpauth_uri(secret),
        secret: secret.to_owned(),
        others: other_factors(screen, MAKE_OTP),
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
        true => Ok(recovery(&due, &factors, StatusCode::OK, None)),
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
