//! Passkeys: logging in with one, and the offer to make one after a login.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::interaction::{PasskeyOffer, Progress};
use chancery_core::model::{PasskeyOptions, User};
use chancery_core::records::Session;
use chancery_core::webauthn::{KeyKind, Purpose};
use chancery_db::Batch;
use chancery_login::csp::PageKind;
use chancery_login::pages::{KeyPage, PasskeyForm, Problem, UseKey};
use chancery_web::{Ctx, Failure, PasskeyCheck, Proof, SecondFactorsOf, cookies, see_other};
use http::{HeaderMap, StatusCode};

use crate::consent::account;
use crate::form::Posted;
use crate::login::{By, log_blocked, open_session, page};
use crate::screen::{Screen, pressed};
use crate::security_key::answer;

/// Where what a passkey signed is posted.
pub(crate) const LOG_IN: &str = "/u/login/passkey";
/// The page that offers one.
pub(crate) const OFFER: &str = "/u/passkey-enrollment";
/// The cookie of a browser whose user did not want one.
pub(crate) const LATER: &str = "passkey_later";
/// For how long they are not asked again, in seconds: thirty days.
const NOT_AGAIN: i64 = 30 * 24 * 3600;

/// The form on the login page; `None` where somebody else moved the login meanwhile. It names nobody, whatever was typed: who
/// has a passkey here is not told (security case 14).
pub(crate) async fn form(
    screen: &Screen,
    options: PasskeyOptions,
    problem: Option<&Problem>,
) -> Result<Option<PasskeyForm>, Failure> {
    let anew = problem == Some(&Problem::PasskeyRefused);
    let challenge = screen.challenge(Purpose::SignIn, None, anew).await?;
    Ok(challenge.map(|challenge| PasskeyForm {
        form: screen.form(LOG_IN),
        options: screen.ctx.passkey_request(&challenge).to_string(),
        fills_in: options.challenge_ui.fills_in(),
        has_button: options.challenge_ui.has_button(),
    }))
}

/// What a passkey signed.
pub(crate) async fn log_in(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    // Switched off is off, not hidden (security case 13).
    let Some(connection) = screen.connection().filter(|connection| connection.passkeys().is_some()) else {
        return Ok(see_other(&format!("/u/login?state={}", screen.stored.id)));
    };
    let again = |status, problem| page(&screen, status, screen.address_hint().to_owned(), Some(problem));
    let (Some(answer), Some(challenge)) = (answer(&params), screen.answered(Purpose::SignIn, None)) else {
        return again(StatusCode::BAD_REQUEST, Problem::PasskeyRefused).await;
    };
    match screen.ctx.check_passkey(&connection, answer, challenge, None).await? {
        PasskeyCheck::Good(holder) if holder.user.is_blocked() => {
            log_blocked(&screen, &holder.user);
            again(StatusCode::BAD_REQUEST, Problem::Blocked).await
        }
        PasskeyCheck::Good(holder) => {
            let by = By::Passkey { proof: holder.proof, is_roaming: holder.is_roaming };
            open_session(&screen, &headers, &holder.user, &connection, by).await
        }
        PasskeyCheck::Wrong => again(StatusCode::BAD_REQUEST, Problem::PasskeyRefused).await,
        PasskeyCheck::TooMany => again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts).await,
    }
}

/// A user who is still to be offered a passkey.
struct Offered {
    screen: Screen,
    session: Session,
    user: User,
    offer: PasskeyOffer,
}

impl Offered {
    /// Only in the session that was opened on the way, with its second factor where one is due.
    async fn of(screen: Screen, headers: &HeaderMap) -> Result<Result<Self, Response>, Failure> {
        let progress = &screen.transaction.progress;
        let (Some(offer), true) = (progress.offer, progress.session_id.is_some()) else {
            return Ok(Err(screen.back()));
        };
        Ok(match screen.proven_session(headers).await? {
            Some((session, user)) => Ok(Self { screen, session, user, offer }),
            None => Err(screen.back()),
        })
    }

    /// Whoever knows the password alone adds nothing beside a factor that is there already.
    fn may_be_made(&self, factors: &SecondFactorsOf<'_>) -> bool {
        let connection = self.screen.ctx.tenant.connection_by_name(&self.session.connection);
        let is_on = connection.is_some_and(|connection| connection.passkeys().is_some());
        let has_shown_one = self.session.second_factor_at.is_some();
        let is_wanted = match self.offer {
            PasskeyOffer::First => !factors.have(KeyKind::Passkey),
            PasskeyOffer::Local => factors.may_have_more(KeyKind::Passkey),
        };
        is_on && is_wanted && (has_shown_one || !factors.are_enrolled())
    }

    async fn over(&self, also: Batch) -> Result<Response, Failure> {
        let progress = Progress { offer: None, challenge: None, ..self.screen.transaction.progress.clone() };
        self.screen.done(progress, also).await
    }

    async fn page(
        &self,
        factors: &SecondFactorsOf<'_>,
        problem: Option<Problem>,
    ) -> Result<Response, Failure> {
        let screen = &self.screen;
        let purpose = KeyKind::Passkey.making();
        let challenge = screen.challenge(purpose, Some(&self.session.id), problem.is_some()).await?;
        let Some(challenge) = challenge else { return Ok(screen.back()) };
        let (page, attachment) = match self.offer {
            PasskeyOffer::First => (KeyPage::MakePasskey, None),
            PasskeyOffer::Local => (KeyPage::MakeLocalPasskey, Some("platform")),
        };
        let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let options = factors.key_creation(KeyKind::Passkey, &challenge, attachment).await?;
        let view = UseKey {
            frame: screen.frame(),
            form: screen.form(OFFER),
            page,
            account: account(&self.user),
            not_you: None,
            options: Some(options.to_string()),
            may_skip: true,
            may_remember: false,
            others: Vec::new(),
            problems: problem.into_iter().collect(),
        };
        Ok(screen.page(status, view.render(&screen.texts), PageKind::SecurityKey))
    }
}

/// The page that offers a passkey; whoever cannot have one goes on.
pub(crate) async fn show_offer(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let screen = match Screen::show(ctx, &headers, query).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let offered = match Offered::of(screen, &headers).await? {
        Ok(offered) => offered,
        Err(answer) => return Ok(answer),
    };
    let factors = SecondFactorsOf::load(&offered.screen.ctx, &offered.user).await?;
    match offered.may_be_made(&factors) {
        true => offered.page(&factors, None).await,
        false => offered.over(Batch::default()).await,
    }
}

/// The passkey that was made, or the user's no.
pub(crate) async fn submit_offer(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let offered = match Offered::of(screen, &headers).await? {
        Ok(offered) => offered,
        Err(answer) => return Ok(answer),
    };
    if pressed(&params) == Some("skip") {
        let mut response = offered.over(Batch::default()).await?;
        cookies::set(response.headers_mut(), later(offered.screen.ctx.origin.secure));
        return Ok(response);
    }
    let factors = SecondFactorsOf::load(&offered.screen.ctx, &offered.user).await?;
    if !offered.may_be_made(&factors) {
        return offered.over(Batch::default()).await;
    }
    let challenge = offered.screen.answered(KeyKind::Passkey.making(), Some(&offered.session.id));
    let (Some(answer), Some(challenge)) = (answer(&params), challenge) else {
        return offered.page(&factors, Some(Problem::KeyRefused)).await;
    };
    match factors.enrol_key(KeyKind::Passkey, answer, challenge, None).await? {
        (Proof::Good(write), _) => {
            factors.log("gd_enrollment_complete", "Passkey made");
            offered.over(write).await
        }
        (Proof::Wrong | Proof::TooMany, _) => offered.page(&factors, Some(Problem::KeyRefused)).await,
    }
}

fn later<'a>(secure: bool) -> cookies::Cookie<'a> {
    let same_site = cookies::SameSite::Lax;
    cookies::Cookie { name: LATER, value: "1", max_age: Some(NOT_AGAIN), path: "/u/", same_site, secure }
}
