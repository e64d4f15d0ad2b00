//! One request under way: everything loaded that the decisions look at, then the step that comes next.

use std::sync::Arc;

use axum::response::Response;
use chancery_core::consent::{Need, Question, needs_consent, unless_declined};
use chancery_core::dashboard::asks_itself;
use chancery_core::explanation::Record;
use chancery_core::interaction::{Settled, Situation, Step, Transaction, next};
use chancery_core::model::{Api, SubjectType, User};
use chancery_core::oauth::{AuthorizeError, Device, EncryptedResponse, ScreenHint, detail_kind, plain};
use chancery_core::records::{Consent, Invitation, ResourceGrant, Session};
use chancery_core::scope::{
    AskedScopes, Denied, Flow, Request, Target, admits_detail, decide, decide_with_reasons,
};
use chancery_store::{PreparedClient, StoredTransaction};
use chancery_web::{
    Audience, Binding, Ctx, Decided, EMAIL, Failure, Held, SecondFactorsOf, client_grant, cookies, found,
    is_enabled,
};
use http::HeaderMap;

use super::place::{Joining, Place};
use super::respond::{self, Grantee, Recipient};
use crate::decision::refused_front;
use crate::issue::{Shown, binding};
use crate::pages;

/// A request with all that it needs.
pub(super) struct Flight<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) headers: &'a HeaderMap,
    pub(super) transaction: Transaction,
    /// As loaded; `None` for a request that comes straight from the application.
    pub(super) stored: Option<StoredTransaction>,
    pub(super) client: Arc<PreparedClient>,
    pub(super) audience: Audience,
    pub(super) session: Option<(Session, User)>,
    pub(super) place: Place,
    /// The invitation of the request.
    pub(super) invitation: Option<Invitation>,
    pub(super) held: Held,
    pub(super) consent: Option<Consent>,
}

impl Flight<'_> {
    /// Asks what is next and does it.
    pub(super) async fn go_on(mut self) -> Result<Response, Failure> {
        Box::pin(self.guard_factors()).await?;
        let request = &self.transaction.request;
        if matches!(self.place, Place::Nowhere) {
            let named: String =
                self.transaction.organization(&self.client).unwrap_or_default().chars().take(200).collect();
            let error = AuthorizeError::invalid(format!("parameter organization is invalid: {named}"));
            return self.refuse(&error).await;
        }
        if matches!(self.place, Place::NotInvited) {
            let error = AuthorizeError::invalid("invitation not found or already used");
            return self.refuse(&error).await;
        }
        if let Some((_, user)) = &self.session
            && user.is_blocked()
        {
            return self.refuse(&AuthorizeError::new("unauthorized", "user is blocked")).await;
        }
        // What travels through the browser is bound to nothing.
        if request.response_type.token
            && let Err(error) = binding(&self.client, &self.audience, Shown::default())
        {
            let error = AuthorizeError::new(error.code(), error.description());
            return self.refuse(&error).await;
        }
        // What would be granted; without a user this still says whether the application may ask at all.
        let want = match self.granted(None) {
            Ok(want) => want,
            Err(denied) => {
                let error = refused_front(&denied, self.ctx, self.audience.target(), &self.client);
                let decided = self.decided();
                return self.refuse_as_decided(&error, Some(&decided)).await;
            }
        };
        if let Some(kind) = self.unknown_detail() {
            let named: String = plain(kind).chars().take(200).collect();
            let text =
                format!("The application may not ask the API for authorization_details of type {named}");
            return self.refuse(&AuthorizeError::details(text)).await;
        }
        let question = |want: &[&str]| {
            needs_consent(&Question {
                flow: self.flow(),
                client: &self.client,
                target: self.audience.target(),
                want,
                stored: self.consent.as_ref(),
                is_forced: false,
                redirect_uri: request.device.is_none().then_some(request.redirect_uri.as_str()),
                skips_on_loopback: self.ctx.tenant.settings.flags.skip_consent_on_loopback.unwrap_or(false),
                is_dashboard: matches!(self.audience.target(), Target::Management(_))
                    && asks_itself(&self.client, request.redirect_uri.as_str(), &self.ctx.origin.base),
                others_follow: !request.further.is_empty(),
            })
        };
        let words: Vec<&str> = want.iter().map(String::as_str).collect();
        let need = question(&words);
        let subject =
            self.session.as_ref().map(|(_, user)| self.ctx.subject_for(&self.client, &user.user_id));
        let step = next(&Situation {
            request,
            client: &self.client,
            settings: &self.ctx.tenant.settings,
            second_factors: self.ctx.tenant.second_factors,
            session: self.session.as_ref().map(|(session, _)| session),
            subject: subject.as_deref(),
            progress: &self.transaction.progress,
            needs_consent: &|| need.is_needed(),
            now: self.ctx.now(),
        });
        if let (Some((_, user)), Place::Organization(organization, None)) = (&self.session, &self.place)
            && !is_before_login(&step)
        {
            let text = match self.invitation {
                Some(_) => "the specified account is not allowed to accept the current invitation".to_owned(),
                None => {
                    let subject = self.ctx.subject_for(&self.client, &user.user_id);
                    format!("user {subject} is not part of the {} organization", organization.id)
                }
            };
            return self.refuse(&AuthorizeError::new("access_denied", text)).await;
        }
        match step {
            Step::ConfirmDevice => self.pause("/u/device", None).await,
            Step::Login(_) if !self.has_connection() => {
                let error = AuthorizeError::invalid("no connections enabled for the client");
                self.refuse(&error).await
            }
            Step::Login(None) if self.invites_a_newcomer().await? => self.pause("/u/signup", None).await,
            Step::Login(hint) => {
                let page = match hint {
                    Some(ScreenHint::Signup) => "/u/signup",
                    Some(ScreenHint::ResetPassword) => "/u/reset-password",
                    None => "/u/login",
                };
                self.pause(page, None).await
            }
            Step::SecondFactor => self.second_factor().await,
            Step::KeepRecoveryCode => self.pause("/u/mfa-recovery-code-enrollment", None).await,
            Step::OfferPasskey(_) => self.pause("/u/passkey-enrollment", None).await,
            Step::NameOrganization => self.pause("/u/organization", None).await,
            Step::ChooseOrganization => Box::pin(self.choose_organization()).await,
            Step::Consent => {
                let wanted = want.clone();
                self.pause("/u/consent", Some(wanted)).await
            }
            Step::Confirm => self.pause("/u/confirm", None).await,
            Step::Refuse(error) => self.refuse(&error).await,
            Step::Issue => {
                let api = self.audience.plain_api();
                let allowed = match need.is_implicit() {
                    true => Some(unless_declined(&want, api, self.consent.as_ref())),
                    false => self.consent.as_ref().map(|consent| consent.scope.clone()),
                };
                match request.further.is_empty() {
                    true => Box::pin(self.issue(need, allowed.as_deref())).await,
                    false => Box::pin(self.settle(need, allowed.as_deref())).await,
                }
            }
        }
    }

    /// Tokens by which factors are taken away are for whoever shows one, if there is one: the password alone takes nothing away.
    async fn guard_factors(&mut self) -> Result<(), Failure> {
        let is_about_factors = self.audience.plain_api().is_some_and(Api::is_about_factors);
        if let Some((_, user)) = self.session.as_ref().filter(|_| is_about_factors)
            && SecondFactorsOf::load(self.ctx, user).await?.are_enrolled()
        {
            self.transaction.request.wants_second_factor = true;
        }
        Ok(())
    }

    /// The type of a detail that the application cannot ask for (RFC 9396, section 5).
    fn unknown_detail(&self) -> Option<&str> {
        let grant = client_grant(&self.ctx.tenant, &self.client, &self.audience, SubjectType::User);
        let api = self.audience.plain_api();
        let mut kinds = self.transaction.request.authorization_details.iter().map(detail_kind);
        kinds.find(|kind| !api.is_some_and(|api| admits_detail(&self.client, api, grant, kind)))
    }

    /// The ID token says so where it was shown for this request, or the request asked for one (fact sheet 5.2).
    fn says_second_factor(&self, session: &Session) -> bool {
        let asked = self.transaction.request.wants_second_factor;
        session.second_factor_at.is_some() && (asked || self.transaction.progress.second_factor_shown)
    }

    /// The page that asks for a second factor, or the one that makes one.
    async fn second_factor(self) -> Result<Response, Failure> {
        let Some((_, user)) = &self.session else {
            return Err(Failure::server("a second factor without a session"));
        };
        let page = second_factor_page(self.ctx, user).await?;
        self.pause(page, None).await
    }

    /// Whether the request is an invitation to somebody without an account: the page to begin with is then another one.
    async fn invites_a_newcomer(&self) -> Result<bool, Failure> {
        let Some(invitation) = &self.invitation else { return Ok(false) };
        let known = self.ctx.app.store.users_by_email(&self.ctx.tenant.tenant, &invitation.email).await?;
        Ok(known.is_empty())
    }

    /// Whether anybody could sign in: the page would be a dead end otherwise.
    fn has_connection(&self) -> bool {
        let organization = self.place.organization();
        self.ctx.tenant.connections().any(|connection| {
            matches!(connection.strategy.as_str(), "auth0" | EMAIL)
                && connection.admits(&self.client)
                && organization.is_none_or(|organization| is_enabled(organization, connection))
        })
    }

    /// The flow, as the scope decision names it.
    pub(super) fn flow(&self) -> Flow<'static> {
        let request = &self.transaction.request;
        if let Some(device) = &request.device {
            return if device.is_backchannel { Flow::Backchannel } else { Flow::DeviceCode };
        }
        let response_type = request.response_type;
        match (response_type.code, response_type.is_front_channel()) {
            (true, false) => Flow::Code,
            (true, true) => Flow::Hybrid,
            (false, _) => Flow::Implicit,
        }
    }

    /// What would be granted, with the scopes that stand for claims asked for by name: the user is asked about them as about
    /// scopes of their own.
    fn granted(&self, consented: Option<&[String]>) -> Result<Vec<String>, Denied> {
        let wanted = self.transaction.request.scope_with_claims();
        let asked = AskedScopes::parse(&wanted);
        let permissions = self.held.permissions();
        let request = self.scope_request(&asked, &permissions, consented);
        decide(&request).map(|decision| decision.to_owned_scopes())
    }

    /// The refusal of the scopes, for the log.
    fn decided(&self) -> Decided {
        let asked = AskedScopes::parse(&self.transaction.request.scope);
        let permissions = self.held.permissions();
        let request = self.scope_request(&asked, &permissions, None);
        let audience = self.audience.identifier();
        Decided {
            audience: audience.map(|identifier| self.ctx.origin.absolute(identifier).into_owned()),
            record: Record::of(&request, &decide_with_reasons(&request), flow_name(request.flow)),
        }
    }

    fn scope_request<'b>(
        &'b self,
        asked: &'b AskedScopes<'b>,
        permissions: &'b chancery_core::scope::UserPermissions<'b>,
        consented: Option<&'b [String]>,
    ) -> Request<'b> {
        Request {
            flow: self.flow(),
            client: &self.client,
            target: self.audience.target(),
            asked,
            grant: client_grant(&self.ctx.tenant, &self.client, &self.audience, SubjectType::User),
            permissions,
            consented,
            organization: None,
        }
    }

    /// Puts the request aside and shows a page of ours; `wanted` is what the consent page asks for.
    pub(super) async fn pause(
        mut self,
        page: &str,
        wanted: Option<Vec<String>>,
    ) -> Result<Response, Failure> {
        let ctx = self.ctx;
        let asked_user = self.session.as_ref().map(|(_, user)| user.user_id.clone());
        let progress = &mut self.transaction.progress;
        if wanted.is_some() && (wanted != progress.wanted || asked_user != progress.asked_user) {
            progress.wanted = wanted;
            progress.asked_user = asked_user;
        }
        let doc = serde_json::to_string(&self.transaction).map_err(Failure::server)?;
        if let Some(stored) = &self.stored {
            if doc != stored.doc {
                ctx.app.store.update_transaction(&ctx.tenant.tenant, &stored.id, &doc, stored.rev).await?;
            }
            return Ok(found(&format!("{page}?state={}", stored.id)));
        }
        let binding = Binding::of(ctx, self.headers);
        let id = match binding.begin(ctx, doc).await {
            Ok(id) => id,
            Err(Failure { rate: Some(wait), .. }) => return Ok(pages::too_many(ctx, self.headers, &wait)),
            Err(failure) => return Err(failure),
        };
        Ok(binding.bind(ctx, found(&format!("{page}?state={id}"))))
    }

    /// Answers the application with an error; the transaction is over.
    pub(super) async fn refuse(self, error: &AuthorizeError) -> Result<Response, Failure> {
        self.refuse_as_decided(error, None).await
    }

    async fn refuse_as_decided(
        self,
        error: &AuthorizeError,
        decided: Option<&Decided>,
    ) -> Result<Response, Failure> {
        if let Some(device) = &self.transaction.request.device {
            return self.refuse_device(device, error, decided).await;
        }
        respond::log_failure(self.ctx, Some(&self.client.client_id), error, decided);
        if let Some(stored) = &self.stored {
            self.ctx.app.store.delete_transaction(&self.ctx.tenant.tenant, &stored.id).await?;
        }
        if self.client.shows_errors_on_page() {
            return Ok(crate::pages::error(self.ctx, self.headers, 400, error));
        }
        respond::error(self.ctx, self.headers, &self.recipient(), error).await
    }

    /// The same for a device: it learns of it when it comes back, and its user from a page of ours.
    async fn refuse_device(
        &self,
        device: &Device,
        error: &AuthorizeError,
        decided: Option<&Decided>,
    ) -> Result<Response, Failure> {
        let (tenant, store) = (&self.ctx.tenant.tenant, &self.ctx.app.store);
        let is_declined = self.transaction.progress.declined;
        let reason = if is_declined { DECLINED } else { &error.text };
        let mut write = store.deny_device(tenant, &device.id, reason);
        if let Some(stored) = &self.stored {
            write = write.and(store.finish_transaction(tenant, &stored.id, stored.rev));
        }
        match store.commit(write).await {
            Ok(()) => {}
            Err(chancery_store::Error::Guard) => return Ok(pages::expired(self.ctx, self.headers)),
            Err(other) => return Err(other.into()),
        }
        match is_declined {
            true => {
                let declined = AuthorizeError::new("access_denied", DECLINED);
                respond::log_failure_as("fdecc", self.ctx, Some(&self.client.client_id), &declined, decided);
                Ok(found(if device.is_backchannel { "/u/approve/denied" } else { "/activate/denied" }))
            }
            false => {
                respond::log_failure(self.ctx, Some(&self.client.client_id), error, decided);
                Ok(pages::error(self.ctx, self.headers, 403, error))
            }
        }
    }

    fn recipient(&self) -> Recipient<'_> {
        let request = &self.transaction.request;
        Recipient {
            redirect_uri: &request.redirect_uri,
            mode: request.response_mode,
            state: request.state.as_deref(),
            client_id: &self.client.client_id,
            client_name: &self.client.name,
        }
    }

    /// Writes down what this API may be called with, and goes on with the next one that the request names (RFC 8707). Nothing is given
    /// out before all of them are decided about.
    async fn settle(mut self, need: Need, consented: Option<&[String]>) -> Result<Response, Failure> {
        let Some((_, user)) = &self.session else {
            return Err(Failure::server("deciding without a session"));
        };
        let user_id = user.user_id.clone();
        let asked = AskedScopes::parse(&self.transaction.request.scope);
        let permissions = self.held.permissions();
        let decided = decide(&self.scope_request(&asked, &permissions, consented))
            .map(|decision| decision.to_owned_scopes())
            .map_err(|denied| refused_front(&denied, self.ctx, self.audience.target(), &self.client));
        let scope = match decided {
            Ok(scope) => scope,
            Err(error) => return self.refuse(&error).await,
        };
        let audience = self.audience.identifier().unwrap_or_default().to_owned();
        let is_implicit = need.is_implicit() && self.consent.is_none();
        let Transaction { request, progress, .. } = &mut self.transaction;
        progress.settled.push(Settled { grant: ResourceGrant { audience, scope }, is_implicit });
        progress.settled_for = Some(user_id);
        (progress.wanted, progress.asked_user, progress.consented) = (None, None, None);
        request.audience = request.further.pop();
        self.pause("/authorize/resume", None).await
    }

    /// Answers with what was asked for, as far as the user let it.
    async fn issue(self, need: Need, consented: Option<&[String]>) -> Result<Response, Failure> {
        let Some((session, user)) = &self.session else {
            return Err(Failure::server("issuing without a session"));
        };
        let request = &self.transaction.request;
        let asked = AskedScopes::parse(&request.scope);
        let permissions = self.held.permissions();
        let scope_request = self.scope_request(&asked, &permissions, consented);
        let decision = decide(&scope_request)
            .map_err(|denied| refused_front(&denied, self.ctx, self.audience.target(), &self.client));
        let decision = match decision {
            Ok(decision) => decision,
            Err(error) if request.device.is_some() => return self.refuse(&error).await,
            Err(error) => return respond::error(self.ctx, self.headers, &self.recipient(), &error).await,
        };
        if request.response_type.id_token
            && decision.has_openid()
            && let Err(error) = self.ctx.encryption_key(&self.client, EncryptedResponse::IdToken).await
        {
            // What the application alone should read is not sent in the open instead.
            return self.refuse(&AuthorizeError::new("invalid_client_metadata", error.description())).await;
        }
        // Claims are told as far as the scopes that would give them are allowed, and give nothing else.
        let claims = match (&request.claims, decision.has_openid()) {
            (Some(claims), true) => self.granted(consented).ok().and_then(|granted| claims.within(&granted)),
            _ => None,
        };
        let record = Record {
            consent: Some(need.code().to_owned()),
            ..Record::of(&scope_request, &decide_with_reasons(&scope_request), flow_name(scope_request.flow))
        };
        let grantee = Grantee {
            ctx: self.ctx,
            request,
            client: &self.client,
            audience: &self.audience,
            session,
            user,
            organization: self.place.organization(),
            second_factor: self.says_second_factor(session),
            joins: matches!(
                self.place,
                Place::Organization(_, Some(Joining::ByLogin | Joining::ByInvitation))
            ),
            invitation: self.invitation.as_ref(),
            decision: &decision,
            settled: &self.transaction.progress.settled,
            claims,
            record: &record,
        };
        let relied_on = self.consent.as_ref().filter(|_| need == Need::Stored);
        let Some(mut answer) = grantee.answer(self.stored.as_ref(), (need.is_implicit(), relied_on)).await?
        else {
            return Ok(crate::pages::expired(self.ctx, self.headers));
        };
        if decision.has_openid()
            && self.ctx.tenant.settings.flags.has_session_management()
            && let Some(origin) = request.redirect_uri.origin()
            && let Some(cookie) = cookies::session(self.headers)
        {
            let state = self.ctx.session_state(&self.client.client_id, &origin, cookie);
            answer.push("session_state", state);
        }
        let mut response = match &request.device {
            Some(device) if device.is_backchannel => found("/u/approve/success"),
            Some(_) => found("/activate/success"),
            None => respond::success(self.ctx, self.headers, &self.recipient(), answer).await?,
        };
        if self.ctx.tenant.settings.has_persistent_cookie()
            && let Some(cookie) = cookies::session(self.headers)
        {
            // The cookie lives as long as the session does now.
            let left = session.expires_at - self.ctx.now();
            self.ctx.set_session_cookie(response.headers_mut(), cookie, Some(left));
        }
        Ok(response)
    }
}

/// What a device is told whose user said no.
const DECLINED: &str = "User cancelled the confirmation prompt.";

/// The flow, as explanations name it.
fn flow_name(flow: Flow<'_>) -> &'static str {
    match flow {
        Flow::Implicit => "implicit",
        Flow::Hybrid => "hybrid",
        Flow::DeviceCode => "device_code",
        Flow::Backchannel => "ciba",
        _ => "authorization_code",
    }
}

/// Where the user shows a second factor, or makes one.
pub(super) async fn second_factor_page(ctx: &Ctx, user: &User) -> Result<&'static str, Failure> {
    Ok(SecondFactorsOf::load(ctx, user).await?.page())
}

/// Whether the user of the session is not the one to go on with yet.
fn is_before_login(step: &Step) -> bool {
    match step {
        Step::Login(_) | Step::NameOrganization | Step::ConfirmDevice => true,
        // Whoever knows the password alone learns nothing of the user's memberships.
        Step::SecondFactor | Step::KeepRecoveryCode => true,
        Step::Refuse(error) => {
            error.code == "login_required" || *error == AuthorizeError::second_factor_required()
        }
        _ => false,
    }
}
