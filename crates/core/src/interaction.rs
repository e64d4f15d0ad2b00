//! What happens next on the way from `/authorize` to its answer. Ask [`next`], do it, come back, ask again: that is the
//! whole login engine.

use serde::{Deserialize, Serialize};

use crate::model::{Client, OrganizationPrompt, TenantSettings};
use crate::oauth::{
    AuthorizeError, AuthorizeRequest, Device, Prompts, RedirectUri, ResponseMode, ResponseType, ScreenHint,
};
use crate::records::{DeviceRecord, ResourceGrant, Session};
use crate::second_factor::{MailedCode, NewFactor, SecondFactors};
use crate::webauthn::Challenge;

/// A request on its way, kept while the user is on our pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// What was asked.
    pub request: AuthorizeRequest,
    /// What happened so far.
    pub progress: Progress,
    /// Seconds.
    pub created_at: i64,
}

impl Transaction {
    /// Somebody opens a page of their own account and has to sign in first; no application takes part.
    pub fn for_own_page(address: RedirectUri, now: i64) -> Self {
        Self { request: at_home(address), progress: Progress::default(), created_at: now }
    }

    /// Somebody typed the code that a device shows; `address` is the page where they did.
    pub fn for_device(id: &str, record: &DeviceRecord, address: RedirectUri, now: i64) -> Self {
        let asked = record.backchannel.as_ref();
        let request = AuthorizeRequest {
            client_id: record.client_id.clone(),
            scope: record.scope.clone(),
            audience: record.audience.clone(),
            organization: record.organization.clone(),
            authorization_details: record.authorization_details.clone(),
            device: Some(Device {
                id: id.to_owned(),
                user_code: asked.map_or_else(|| record.user_code.clone(), |asked| asked.message.clone()),
                is_backchannel: asked.is_some(),
            }),
            hinted_user: asked.map(|asked| asked.user_id.clone()),
            // Whoever answers elsewhere sees what they answer, whatever they allowed before.
            prompts: Prompts { consent: asked.is_some(), ..Prompts::default() },
            ..at_home(address)
        };
        Self { request, progress: Progress::default(), created_at: now }
    }

    /// Whether [`Transaction::for_own_page`] made it: applications have ids.
    pub fn is_for_own_page(&self) -> bool {
        self.request.client_id.is_empty()
    }

    /// The organization it takes place in: the one asked for, else the one the user chose, while the application leaves the
    /// choice to its users.
    pub fn organization(&self, client: &Client) -> Option<&str> {
        let leaves_choice = client.organization_prompt() != OrganizationPrompt::NoPrompt;
        let chosen = self.progress.organization.as_deref().filter(|_| leaves_choice);
        self.request.organization.as_deref().or(chosen)
    }
}

/// A request that ends on a page of ours.
fn at_home(address: RedirectUri) -> AuthorizeRequest {
    AuthorizeRequest {
        client_id: String::new(),
        redirect_uri: address,
        redirect_uri_sent: false,
        response_type: ResponseType { code: true, token: false, id_token: false },
        response_mode: ResponseMode::Query,
        state: None,
        nonce: None,
        scope: String::new(),
        audience: None,
        further: Vec::new(),
        challenge: None,
        prompts: Prompts::default(),
        max_age: None,
        wants_second_factor: false,
        wants_auth_time: false,
        claims: None,
        login_hint: None,
        screen_hint: None,
        ui_locales: None,
        connection: None,
        organization: None,
        invitation: None,
        dpop_jkt: None,
        authorization_details: Vec::new(),
        hinted_user: None,
        device: None,
    }
}

/// What happened so far in a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The session that was opened in this transaction: only it counts from then on (security case 12).
    pub session_id: Option<String>,
    /// The scopes the consent page shows; `None` until it is due.
    pub wanted: Option<Vec<String>>,
    /// Id of the user whom the consent page asks. Nobody else's answer counts, though they sign in in the same browser.
    pub asked_user: Option<String>,
    /// The scopes the user agreed to in this transaction.
    pub consented: Option<Vec<String>>,
    /// What was decided about APIs before the one that is decided about now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Settled>,
    /// Id of the user whom that is about.
    pub settled_for: Option<String>,
    /// Id of the organization that the user chose, where the request names none.
    pub organization: Option<String>,
    /// The user chose to go on without one; counts only where the application lets them.
    pub as_individual: bool,
    /// The address that a code was mailed to, where somebody signs in with one.
    pub code_email: Option<String>,
    /// The code that the link of a mail brought along.
    pub mailed_code: Option<String>,
    /// The session whose second factor the next three are about.
    pub factor_session: Option<String>,
    /// The second factor was shown in this transaction.
    pub second_factor_shown: bool,
    /// The secret that the enrolment page shows, sealed.
    pub enrolling: Option<String>,
    /// A recovery code that the user has not put away yet, sealed.
    pub recovery_code: Option<String>,
    /// What the authenticator has to sign that a page asks for.
    pub challenge: Option<Challenge>,
    /// A code that was mailed as a second factor.
    pub mailed_factor: Option<MailedCode>,
    /// A factor that is made outside of a sign-in.
    pub enrolment: Option<Enrolment>,
    /// A passkey that the user is still to be offered, after this sign-in.
    pub offer: Option<PasskeyOffer>,
    /// The user confirmed a callback that nobody can verify.
    pub confirmed: bool,
    /// The user confirmed that the device whose code was typed is theirs.
    pub device_confirmed: bool,
    /// Some page was shown, so a further confirmation is not needed.
    pub shown: bool,
    /// The user said no.
    pub declined: bool,
}

/// What one of several APIs may be called with (RFC 8707).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settled {
    /// The API and its scopes.
    pub grant: ResourceGrant,
    /// Nobody was asked, and no answer is kept yet.
    pub is_implicit: bool,
}

impl Progress {
    /// What is known of a second factor is forgotten where another session, and so maybe another user, takes its place.
    pub fn keep_factor_of(&mut self, session_id: &str) {
        if self.factor_session.as_deref() != Some(session_id) {
            self.factor_session = None;
            (self.second_factor_shown, self.enrolling, self.recovery_code) = (false, None, None);
            self.mailed_factor = None;
        }
    }
}

/// A factor that somebody makes outside of a sign-in: on their own page, or by a ticket that an administrator gave them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Which, unless it is the user's to choose.
    pub factor: Option<NewFactor>,
    /// The ticket that stands for a sign-in.
    pub ticket: Option<EnrolmentTicket>,
    /// It is made.
    pub done: bool,
}

/// What is known of the ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentTicket {
    /// Its id, without its secret: it was shown when the pages were opened.
    pub id: String,
    /// Whose factor it will be.
    pub user_id: String,
    /// Whether they may have another one already.
    pub makes_another: bool,
}

/// Which passkey a user is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasskeyOffer {
    /// A first one, after a sign-in with a password.
    First,
    /// One of this machine, after a sign-in with another machine's.
    Local,
}

/// A logout that waits for the user's word, kept like a [`Transaction`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutTransaction {
    /// Where to go afterwards; checked.
    pub target: Option<String>,
    /// The application that asks, by name.
    pub client_name: Option<String>,
    /// The session that would end.
    pub session_id: String,
    /// Languages wanted, best first, space separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ui_locales: Option<String>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Let the user confirm that the device is theirs: before anything else, so that nobody signs somebody else's device in
    /// (RFC 8628, section 5.4).
    ConfirmDevice,
    /// Let the user show a second factor, or make one.
    SecondFactor,
    /// Let the user put their recovery code away.
    KeepRecoveryCode,
    /// Offer the user a passkey; they may say no.
    OfferPasskey(PasskeyOffer),
    /// Show the login page, or one of its neighbours.
    Login(Option<ScreenHint>),
    /// Let the user name their organization: before the login, which may look different there.
    NameOrganization,
    /// Let the user choose one of their organizations.
    ChooseOrganization,
    /// Show the consent page.
    Consent,
    /// Let the user confirm that they began this on their own machine (fact sheet 2.9).
    Confirm,
    /// Answer with what was asked for.
    Issue,
    /// Answer with an error.
    Refuse(AuthorizeError),
}

/// All that the decision looks at.
pub struct Situation<'a> {
    /// The request.
    pub request: &'a AuthorizeRequest,
    /// Its application.
    pub client: &'a Client,
    /// Settings of its tenant.
    pub settings: &'a TenantSettings,
    /// The same for second factors.
    pub second_factors: SecondFactors,
    /// The browser's session, if it has a live one.
    pub session: Option<&'a Session>,
    /// Its user, as the application knows them (`sub`).
    pub subject: Option<&'a str>,
    /// What happened so far.
    pub progress: &'a Progress,
    /// Whether consent is wanting; asked only when a session is there.
    pub needs_consent: &'a dyn Fn() -> bool,
    /// Seconds.
    pub now: i64,
}

/// Decides.
pub fn next(at: &Situation<'_>) -> Step {
    let prompts = at.request.prompts;
    if at.progress.declined {
        return Step::Refuse(AuthorizeError::declined());
    }
    if at.request.device.is_some() && !at.progress.device_confirmed {
        return Step::ConfirmDevice;
    }
    let asked_for_organization = organization_prompt(at);
    if asked_for_organization == OrganizationPrompt::PreLoginPrompt {
        return match prompts.none {
            true => Step::Refuse(AuthorizeError::organization_required()),
            false => Step::NameOrganization,
        };
    }
    if needs_login(at) {
        return match prompts.none {
            true => Step::Refuse(AuthorizeError::login_required()),
            false => Step::Login(at.request.screen_hint.filter(|_| at.session.is_none() || prompts.login)),
        };
    }
    // Before anything is told of the user: whoever knows the password alone learns nothing.
    if at.session.is_some_and(|session| at.second_factors.are_due(at.request.wants_second_factor, session)) {
        return match prompts.none {
            true => Step::Refuse(AuthorizeError::second_factor_required()),
            false => Step::SecondFactor,
        };
    }
    if at.progress.recovery_code.is_some() {
        return Step::KeepRecoveryCode;
    }
    if let Some(offer) = at.progress.offer.filter(|_| !prompts.none) {
        return Step::OfferPasskey(offer);
    }
    if asked_for_organization == OrganizationPrompt::PostLoginPrompt {
        return match prompts.none {
            true => Step::Refuse(AuthorizeError::organization_required()),
            false => Step::ChooseOrganization,
        };
    }
    if consent_is_forced(at) || (at.needs_consent)() {
        return match prompts.none {
            true => Step::Refuse(AuthorizeError::consent_required()),
            false => Step::Consent,
        };
    }
    if needs_confirmation(at) {
        return match prompts.none {
            true => Step::Refuse(AuthorizeError::new("interaction_required", "Confirmation required")),
            false => Step::Confirm,
        };
    }
    Step::Issue
}

/// Details of this one request are nothing that could have been answered before, or by anybody else (RFC 9396, section 7).
fn consent_is_forced(at: &Situation<'_>) -> bool {
    let is_answered = at.progress.consented.is_some();
    let is_theirs = || {
        let asked = at.progress.asked_user.as_deref();
        at.session.is_some_and(|session| asked == Some(session.user_id.as_str()))
    };
    let asks_for_details = !at.request.authorization_details.is_empty();
    (at.request.prompts.consent && !is_answered) || (asks_for_details && !(is_answered && is_theirs()))
}

/// What is still to be asked. An application that takes individuals too, and wants no page shown, gets the individual.
fn organization_prompt(at: &Situation<'_>) -> OrganizationPrompt {
    let is_settled = at.request.organization.is_some() || at.progress.organization.is_some();
    let goes_without =
        at.client.serves_individuals() && (at.progress.as_individual || at.request.prompts.none);
    if is_settled || goes_without { OrganizationPrompt::NoPrompt } else { at.client.organization_prompt() }
}

fn needs_login(at: &Situation<'_>) -> bool {
    let Some(session) = at.session else { return true };
    let fresh = match &at.progress.session_id {
        // Signed in on the way: that very session and no other one.
        Some(id) if *id != session.id => return true,
        Some(_) => true,
        None => false,
    };
    let other_user = at.request.hinted_user.as_deref().is_some_and(|user| Some(user) != at.subject);
    let asked = at.request.prompts.login || at.request.prompts.select_account;
    let too_old = at.request.max_age.is_some_and(|age| at.now - session.authenticated_at > age || age == 0);
    other_user || (!fresh && (asked || too_old))
}

fn needs_confirmation(at: &Situation<'_>) -> bool {
    let switched_off = at
        .client
        .skip_non_verifiable_callback_uri_confirmation_prompt
        .or(at.settings.skip_non_verifiable_callback_uri_confirmation_prompt)
        .unwrap_or(false);
    let by_message = at.request.response_mode == ResponseMode::WebMessage;
    !switched_off
        && at.request.device.is_none()
        && !by_message
        && !at.progress.confirmed
        && !at.progress.shown
        && !at.request.redirect_uri.is_verifiable()
}
