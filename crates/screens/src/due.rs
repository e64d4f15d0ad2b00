//! Whoever a page about factors is for: somebody whose sign-in wants one, somebody who makes one on their own page, and
//! somebody with a ticket of an administrator's. A page that is not due leads back to the login engine.

use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::interaction::{Enrolment, EnrolmentTicket, Progress};
use chancery_core::model::User;
use chancery_core::params::Params;
use chancery_core::records::Session;
use chancery_core::second_factor::{NewFactor, REMEMBERED_FOR};
use chancery_db::Batch;
use chancery_login::pages::{ErrorKind, Link, OtherWay, Way};
use chancery_web::{
    Ctx, Failure, MAKE_OTP, MAKE_PLATFORM, MAKE_ROAMING, SHOW_KEY, SHOW_MAILED, SHOW_OTP, SecondFactorsOf,
    cookies, hosted, see_other,
};
use http::{HeaderMap, StatusCode};

use crate::account_keys::KEYS;
use crate::screen::{Answered, Screen, path_link};
use crate::second_factor::RECOVERY;

/// Opens a page, or answers with what takes its place.
macro_rules! or_answer {
    ($opened:expr) => {
        match $opened {
            Ok(opened) => opened,
            Err(answer) => return Ok(*answer),
        }
    };
}
pub(crate) use or_answer;

/// A user who shows or makes a factor, on the page they are on.
pub(crate) struct Due {
    pub(crate) screen: Screen,
    pub(crate) user: User,
    pub(crate) reason: Reason,
}

/// Why they are there.
pub(crate) enum Reason {
    /// Their sign-in wants one.
    SignIn(Session),
    /// They want one more, and signed in just now.
    Own(Session),
    /// An administrator let them.
    Ticket(EnrolmentTicket),
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
        let enrolment = screen.transaction.progress.enrolment.clone();
        let (reason, user) = match &enrolment {
            Some(Enrolment { ticket: Some(ticket), done, .. }) => match holder(&screen, ticket).await? {
                Some(user) if !done => (Reason::Ticket(ticket.clone()), user),
                _ => return Ok(Err(Box::new(screen.back()))),
            },
            other => {
                let Some((session, user)) = screen.session(headers).await? else {
                    return Ok(Err(Box::new(screen.back())));
                };
                let wanted = screen.transaction.request.wants_second_factor;
                let is_due = screen.ctx.tenant.second_factors.are_due(wanted, &session);
                let is_own = other.as_ref().is_some_and(|enrolment| !enrolment.done)
                    && screen.transaction.progress.session_id.as_ref() == Some(&session.id);
                match (is_due, is_own) {
                    (true, _) => (Reason::SignIn(session), user),
                    (false, true) => (Reason::Own(session), user),
                    (false, false) => return Ok(Err(Box::new(screen.back()))),
                }
            }
        };
        screen.transaction.progress.keep_factor_of(reason.key());
        Ok(Ok(Self { screen, user, reason }))
    }

    /// Where somebody goes who cannot do this here (any more). Not to the login engine, which would send them back, unless this is a
    /// sign-in.
    pub(crate) fn back(&self, headers: &HeaderMap) -> Response {
        match self.reason {
            Reason::SignIn(_) => self.screen.back(),
            Reason::Own(_) => see_other(KEYS),
            Reason::Ticket(_) => {
                let said = hosted::Said { kind: ErrorKind::UsedLink, code: None, text: None };
                hosted::error(&self.screen.ctx, headers, StatusCode::BAD_REQUEST, said)
            }
        }
    }

    /// What challenges and secrets of this page are bound to.
    pub(crate) fn key(&self) -> &str {
        self.reason.key()
    }

    /// Whether this is the sign-in itself, in which factors are shown.
    pub(crate) const fn is_sign_in(&self) -> bool {
        matches!(self.reason, Reason::SignIn(_))
    }

    /// Whether a factor that is made here would end a sign-in which wrong passwords have locked since it began. One that is shown is
    /// asked about where it is tried.
    pub(crate) async fn is_locked(&self) -> Result<bool, Failure> {
        Ok(self.is_sign_in() && self.screen.ctx.is_locked(&self.user).await?)
    }

    /// Whether the user may make this one. At a sign-in a first one alone: whoever has one shows it. Nobody who knows the
    /// password alone adds one beside it.
    pub(crate) fn may_make(&self, factors: &SecondFactorsOf<'_>, factor: NewFactor) -> bool {
        let has_none = !factors.are_enrolled();
        let may = match &self.reason {
            Reason::SignIn(_) => has_none,
            Reason::Own(session) => has_none || session.second_factor_at.is_some(),
            Reason::Ticket(ticket) => has_none || ticket.makes_another,
        };
        self.is_there(factor) && may && factors.may_have_more(factor)
    }

    /// Whether this one can be made here at all.
    fn is_there(&self, factor: NewFactor) -> bool {
        let wish = self.screen.transaction.progress.enrolment.as_ref().and_then(|wish| wish.factor);
        let is_wished = wish.is_none_or(|wish| wish == factor);
        let there = self.screen.ctx.tenant.second_factors;
        match &self.reason {
            Reason::SignIn(_) => there.has(factor),
            Reason::Own(session) => is_wished && offers(&self.screen.ctx, session, factor),
            Reason::Ticket(_) => is_wished && there.has(factor),
        }
    }

    /// Where "Not you?" leads.
    pub(crate) fn not_you(&self) -> Option<Link> {
        self.is_sign_in().then(|| self.screen.link("/u/login"))
    }

    /// Where else somebody may go who makes one, seen from the page at `own`.
    pub(crate) fn other_factors(&self, own: &str) -> Vec<OtherWay> {
        if let Reason::Own(_) = self.reason {
            return vec![OtherWay { way: Way::OwnKeys, link: path_link(KEYS) }];
        }
        let all = [
            (Way::MakeOtp, MAKE_OTP, self.is_there(NewFactor::Otp)),
            (Way::MakeRoaming, MAKE_ROAMING, self.is_there(NewFactor::WebauthnRoaming)),
            (Way::MakePlatform, MAKE_PLATFORM, self.is_there(NewFactor::WebauthnPlatform)),
        ];
        self.ways(own, all)
    }

    /// The other ways of showing one.
    pub(crate) fn other_ways(&self, factors: &SecondFactorsOf<'_>, own: &str) -> Vec<OtherWay> {
        let all = [
            (Way::Key, SHOW_KEY, factors.have_keys()),
            (Way::Otp, SHOW_OTP, factors.have_otp()),
            (Way::Mailed, SHOW_MAILED, factors.mailed_to().is_some()),
            (Way::RecoveryCode, RECOVERY, factors.have_recovery_code()),
        ];
        self.ways(own, all)
    }

    fn ways<const N: usize>(&self, own: &str, all: [(Way, &str, bool); N]) -> Vec<OtherWay> {
        let others = all.into_iter().filter(|(_, path, is_there)| *is_there && *path != own);
        others.map(|(way, path, _)| OtherWay { way, link: self.screen.link(path) }).collect()
    }

    /// Whether the user may have this browser remembered.
    pub(crate) fn may_remember(&self) -> bool {
        self.is_sign_in() && self.screen.ctx.tenant.second_factors.may_remember()
    }

    /// The factor was shown, and the browser is remembered if the user wants that.
    pub(crate) async fn shown(
        &self,
        headers: &HeaderMap,
        params: &Params,
        proof: Batch,
        recovery_code: Option<String>,
    ) -> Result<Response, Failure> {
        if !self.may_remember() || params.get("remember") != Some("yes") {
            return self.passed(proof, recovery_code).await;
        }
        let ctx = &self.screen.ctx;
        let held = cookies::remembered(headers).and_then(Handle::parse);
        let until = ctx.now() + REMEMBERED_FOR;
        let (handle, write) = ctx.remember_browser(held.as_ref(), &self.user.user_id, until);
        let mut response = self.passed(proof.and(write), recovery_code).await?;
        let secure = ctx.origin.secure;
        cookies::set_remembered(response.headers_mut(), &handle.expose(), REMEMBERED_FOR, secure);
        Ok(response)
    }

    /// The factor was shown or made: the session has it from now on, and nothing of this is done twice.
    pub(crate) async fn passed(
        &self,
        proof: Batch,
        recovery_code: Option<String>,
    ) -> Result<Response, Failure> {
        let ctx = &self.screen.ctx;
        let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
        let before = self.screen.transaction.progress.clone();
        let done = before.enrolment.clone().filter(|_| !self.is_sign_in());
        let progress = Progress {
            factor_session: Some(self.key().to_owned()),
            second_factor_shown: true,
            shown: true,
            enrolling: None,
            challenge: None,
            mailed_factor: None,
            recovery_code: recovery_code.map(|code| self.sealed(&code)).transpose()?,
            enrolment: done
                .map(|enrolment| Enrolment { done: true, ..enrolment })
                .or(before.enrolment.clone()),
            ..before
        };
        let note = match &self.reason {
            Reason::SignIn(session) | Reason::Own(session) => {
                store.note_second_factor(tenant, &session.id, ctx.now())
            }
            Reason::Ticket(ticket) => store.spend_ticket(tenant, &ticket.id),
        };
        self.screen.done(progress, note.and(proof)).await
    }

    pub(crate) fn sealed(&self, secret: &str) -> Result<String, Failure> {
        let (store, tenant) = (&self.screen.ctx.app.store, &self.screen.ctx.tenant.tenant);
        Ok(store.seal_authentication_method(tenant, &self.user.user_id, secret)?)
    }
}

impl Reason {
    fn key(&self) -> &str {
        match self {
            Self::SignIn(session) | Self::Own(session) => &session.id,
            Self::Ticket(ticket) => &ticket.id,
        }
    }
}

/// Whose ticket it is, while it is good and they are not blocked.
pub(crate) async fn holder(screen: &Screen, ticket: &EnrolmentTicket) -> Result<Option<User>, Failure> {
    let (store, tenant) = (&screen.ctx.app.store, &screen.ctx.tenant.tenant);
    if !store.is_ticket_good(tenant, &ticket.id, screen.ctx.now()).await? {
        return Ok(None);
    }
    Ok(store.user(tenant, &ticket.user_id).await?.filter(|user| !user.is_blocked()))
}

/// Whether somebody who signed in like this can make this one on their own page.
pub(crate) fn offers(ctx: &Ctx, session: &Session, factor: NewFactor) -> bool {
    match factor {
        NewFactor::Passkey => {
            let connection = ctx.tenant.connection_by_name(&session.connection);
            connection.is_some_and(|connection| connection.passkeys().is_some())
        }
        other => ctx.tenant.second_factors.has(other),
    }
}
