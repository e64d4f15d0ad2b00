//! What the screens of a login have in common: the transaction of this browser, and the way back.

use std::sync::Arc;

use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::interaction::{Progress, Transaction};
use chancery_core::model::{Client, Connection, Organization, User};
use chancery_core::params::Params;
use chancery_core::records::{Invitation, Session};
use chancery_core::webauthn::{Challenge, Purpose};
use chancery_login::Texts;
use chancery_login::csp::{PageKind, form_target};
use chancery_login::pages::{ErrorKind, Form, Frame, Link};
use chancery_store::{PreparedClient, StoredTransaction};
use chancery_web::{Binding, Ctx, EMAIL, Failure, cookies, hosted, is_enabled, see_other};
use http::StatusCode;
use http::header::{HeaderMap, ORIGIN};

/// A login under way in this browser.
pub(crate) struct Screen {
    pub(crate) ctx: Ctx,
    pub(crate) transaction: Transaction,
    pub(crate) stored: StoredTransaction,
    pub(crate) client: Arc<PreparedClient>,
    /// Where it takes place.
    pub(crate) organization: Option<Organization>,
    /// By whose word, if by somebody's.
    pub(crate) invitation: Option<Invitation>,
    pub(crate) texts: Arc<Texts>,
}

/// What a handler ends with: either way a page or a redirect.
pub(crate) type Answered<T> = Result<T, Box<Response>>;

impl Screen {
    /// As [`Screen::open`], for a page that is asked for by its address.
    pub(crate) async fn show(
        ctx: Ctx,
        headers: &HeaderMap,
        query: Option<String>,
    ) -> Result<Answered<Self>, Failure> {
        let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
        Self::open(ctx, headers, &params).await
    }

    /// The transaction that `state` names, if this browser began it; else the page that says it is over. A form that
    /// another site posted is refused.
    pub(crate) async fn open(
        ctx: Ctx,
        headers: &HeaderMap,
        params: &Params,
    ) -> Result<Answered<Self>, Failure> {
        if !is_same_origin(&ctx, headers) {
            return Ok(Err(Box::new(refused(&ctx, headers))));
        }
        let stored = Binding::transaction(&ctx, headers, params.get("state")).await?;
        let read = stored.and_then(|stored| {
            let transaction: Transaction = serde_json::from_str(&stored.doc).ok()?;
            Some((stored, transaction))
        });
        let named = read.as_ref().map(|(_, transaction)| transaction.request.client_id.as_str());
        // What describes itself no more is gone, as an application is that was deleted.
        let ctx = ctx.with_described(named).await.ok().flatten().unwrap_or(ctx);
        let opened = read.and_then(|(stored, transaction)| {
            let client = match transaction.is_for_own_page() {
                true => Arc::new(nobody(&ctx)),
                false => Arc::clone(ctx.tenant.client(&transaction.request.client_id)?),
            };
            Some((stored, transaction, client))
        });
        let Some((stored, transaction, client)) = opened else {
            return Ok(Err(Box::new(expired(&ctx, headers))));
        };
        let organization = match transaction.organization(&client) {
            None => None,
            Some(named) => match ctx.organization(named).await? {
                None => return Ok(Err(Box::new(expired(&ctx, headers)))),
                found => found,
            },
        };
        let invitation = match (&organization, &transaction.request.invitation) {
            (Some(organization), Some(ticket)) => {
                ctx.invitation(ticket, organization, &transaction.request.client_id).await?
            }
            _ => None,
        };
        let texts = hosted::texts(&ctx, headers, transaction.request.ui_locales.as_deref());
        Ok(Ok(Self { ctx, transaction, stored, client, organization, invitation, texts }))
    }

    /// The database connection this login uses: the one asked for, or the first that serves the application.
    pub(crate) fn connection(&self) -> Option<Arc<Connection>> {
        let serves = |c: &&Arc<Connection>| {
            let is_open = match self.transaction.is_for_own_page() {
                true => serves_somebody(c),
                false => c.strategy == "auth0" && c.admits(&self.client),
            };
            is_open
                && self.organization.as_ref().is_none_or(|organization| is_enabled(organization, c))
                && self.invited_by().is_none_or(|id| c.id == id)
        };
        let asked = self.transaction.request.connection.as_deref();
        let asked = asked.and_then(|name| self.ctx.tenant.connection_by_name(name)).filter(serves);
        let default = self.ctx.tenant.settings.default_directory();
        let default = || default.and_then(|name| self.ctx.tenant.connection_by_name(name)).filter(serves);
        let any = || {
            let all = self.ctx.tenant.connections().filter(serves);
            // In the order of their names: the choice must not change from one request to the next.
            all.min_by(|a, b| a.name.cmp(&b.name))
        };
        asked.or_else(default).or_else(any).cloned()
    }

    /// The connection by which people sign in here with codes that are mailed, if there is one: the one asked for, else the
    /// first.
    pub(crate) fn code_connection(&self) -> Option<Arc<Connection>> {
        let serves = |c: &&Arc<Connection>| {
            let is_used = c.enabled_for_all == Some(true) || !c.enabled_clients.is_empty();
            c.strategy == EMAIL
                && (c.admits(&self.client) || (self.transaction.is_for_own_page() && is_used))
                && self.organization.as_ref().is_none_or(|organization| is_enabled(organization, c))
                && self.invited_by().is_none_or(|id| c.id == id)
        };
        let asked = self.transaction.request.connection.as_deref();
        let asked = asked.and_then(|name| self.ctx.tenant.connection_by_name(name)).filter(serves);
        let any = || self.ctx.tenant.connections().filter(serves).min_by(|a, b| a.name.cmp(&b.name));
        asked.or_else(any).cloned()
    }

    /// Whether the request wants this one, or there is no other way to sign in here.
    pub(crate) fn wants_code(&self) -> bool {
        let Some(connection) = self.code_connection() else { return false };
        let asked = self.transaction.request.connection.as_deref();
        asked == Some(connection.name.as_str()) || self.connection().is_none()
    }

    /// Whether people may make accounts in this connection here; an organization has a word in it.
    pub(crate) fn lets_sign_up(&self, connection: &Connection) -> bool {
        let here = |organization: &Organization| {
            organization.connection(&connection.id).is_some_and(|own| own.is_signup_enabled)
        };
        !connection.settings().disable_signup
            // An account is made on the way to an application.
            && !self.transaction.is_for_own_page()
            // Only the user who is asked counts, and they have one.
            && !self.transaction.request.device.as_ref().is_some_and(|device| device.is_backchannel)
            && (self.invitation.is_some() || self.organization.as_ref().is_none_or(here))
    }

    /// The connection that an invitation is for, if for one alone.
    fn invited_by(&self) -> Option<&str> {
        self.invitation.as_ref().and_then(|invitation| invitation.connection_id.as_deref())
    }

    /// What the field for the address holds at first.
    pub(crate) fn address_hint(&self) -> &str {
        let hint = self.transaction.request.login_hint.as_deref().unwrap_or_default();
        self.invitation.as_ref().map_or(hint, |invitation| &invitation.email)
    }

    /// What every page shows: the organization stands for the tenant.
    pub(crate) fn frame(&self) -> Frame {
        let mut frame = hosted::frame(&self.ctx);
        if let Some(organization) = &self.organization {
            organization.title().clone_into(&mut frame.tenant_name);
        }
        frame
    }

    /// A form that posts to this page's own address.
    pub(crate) fn form(&self, path: &str) -> Form {
        Form { action: path_link(path), state: self.stored.id.clone(), csrf: None }
    }

    /// Another page of this login.
    pub(crate) fn link(&self, path: &str) -> Link {
        path_link(&format!("{path}?state={}", self.stored.id))
    }

    /// The page; its form may lead on to the application.
    pub(crate) fn page(&self, status: StatusCode, body: String, kind: PageKind) -> Response {
        // Chromium holds every redirect after the form against the policy, the application's own onward ones too.
        let client = &self.client;
        let listed = client.callbacks.iter().chain(&client.web_origins).flatten().map(String::as_str);
        let all = std::iter::once(self.transaction.request.redirect_uri.as_str()).chain(listed);
        let mut targets: Vec<String> = all.filter_map(form_target).take(MOST_TARGETS).collect();
        targets.sort_unstable();
        targets.dedup();
        hosted::localized(hosted::page(status, body, kind, &targets), &self.texts)
    }

    /// The user signed in to this transaction's session, where there is one. After a login on the way only that very
    /// session counts (security case 12).
    pub(crate) async fn session(&self, headers: &HeaderMap) -> Result<Option<(Session, User)>, Failure> {
        let Some(handle) = cookies::session(headers).and_then(Handle::parse) else { return Ok(None) };
        let tenant = &self.ctx.tenant.tenant;
        let store = &self.ctx.app.store;
        let Some(session) = store.session(tenant, &handle, self.ctx.now()).await? else { return Ok(None) };
        if self.transaction.progress.session_id.as_ref().is_some_and(|id| *id != session.id) {
            return Ok(None);
        }
        let user = store.user(tenant, &session.user_id).await?.filter(|u| !u.is_blocked());
        Ok(user.map(|user| (session, user)))
    }

    /// The same, where nothing is wanting of the sign-in: whoever knows the password alone sees nothing of the user's.
    pub(crate) async fn proven_session(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<(Session, User)>, Failure> {
        let wanted = self.transaction.request.wants_second_factor;
        let factors = self.ctx.tenant.second_factors;
        let session = self.session(headers).await?;
        Ok(session.filter(|(session, _)| !factors.are_due(wanted, session)))
    }

    /// Writes down what happened together with `also`, and goes back to the login engine. Somebody else who moved the
    /// transaction meanwhile (a second click) is let be: the engine looks at what is there.
    pub(crate) async fn done(
        &self,
        progress: Progress,
        also: chancery_db::Batch,
    ) -> Result<Response, Failure> {
        let transaction = Transaction { progress, ..self.transaction.clone() };
        let doc = serde_json::to_string(&transaction).map_err(Failure::server)?;
        let tenant = &self.ctx.tenant.tenant;
        let store = &self.ctx.app.store;
        let write = store.update_transaction_batch(tenant, &self.stored.id, &doc, self.stored.rev).and(also);
        match store.commit(write).await {
            Ok(()) | Err(chancery_store::Error::Guard | chancery_store::Error::Conflict) => Ok(self.back()),
            Err(other) => Err(other.into()),
        }
    }

    /// The challenge that a page shows: the one before where it is young enough, so that a page may be loaded again; else, and
    /// where the one before was answered (`anew`), a new one. `None` where somebody else moved the transaction meanwhile.
    pub(crate) async fn challenge(
        &self,
        purpose: Purpose,
        session_id: Option<&str>,
        anew: bool,
    ) -> Result<Option<Challenge>, Failure> {
        let now = self.ctx.now();
        if let Some(before) = self.answered(purpose, session_id)
            && before.is_young(now)
            && !anew
        {
            return Ok(Some(before.clone()));
        }
        let challenge = Challenge::new(&*self.ctx.app.rng, purpose, session_id, now);
        let progress = Progress { challenge: Some(challenge.clone()), ..self.transaction.progress.clone() };
        Ok(self.note(progress).await?.then_some(challenge))
    }

    /// Writes down what happened, and stays on the page. False where somebody else moved the transaction meanwhile.
    pub(crate) async fn note(&self, progress: Progress) -> Result<bool, Failure> {
        let transaction = Transaction { progress, ..self.transaction.clone() };
        let doc = serde_json::to_string(&transaction).map_err(Failure::server)?;
        let (store, tenant) = (&self.ctx.app.store, &self.ctx.tenant.tenant);
        match store.update_transaction(tenant, &self.stored.id, &doc, self.stored.rev).await {
            Ok(()) => Ok(true),
            Err(chancery_store::Error::Guard) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The challenge that an answer of now may be for.
    pub(crate) fn answered(&self, purpose: Purpose, session_id: Option<&str>) -> Option<&Challenge> {
        let challenge = self.transaction.progress.challenge.as_ref();
        challenge.filter(|challenge| challenge.is_for(purpose, session_id, self.ctx.now()))
    }

    /// To the page for those who have an account.
    pub(crate) fn on_to_login(&self) -> Response {
        see_other(&format!("/u/login?state={}", self.stored.id))
    }

    /// Back to the login engine.
    pub(crate) fn back(&self) -> Response {
        see_other(&format!("/authorize/resume?state={}", self.stored.id))
    }
}

/// Whether it is a database of users by which people sign in to any application at all.
pub(crate) fn serves_somebody(connection: &Connection) -> bool {
    let is_used = connection.enabled_for_all == Some(true)
        || connection.is_domain_connection == Some(true)
        || !connection.enabled_clients.is_empty();
    connection.strategy == "auth0" && is_used
}

/// Who asks where a page of ours does: the tenant, by its name.
fn nobody(ctx: &Ctx) -> PreparedClient {
    let client =
        Client { name: hosted::tenant_name(ctx).to_owned(), is_first_party: true, ..Client::default() };
    PreparedClient {
        client,
        secret_digest: None,
        assertion_keys: Vec::new(),
        request_keys: Vec::new(),
        certificates: Vec::new(),
        id_token_signer: None,
        longest_token: None,
    }
}

/// Browsers name the origin of a form they post; one of another site was not filled in on our page, nor one of a sandboxed
/// page (`null`).
pub(crate) fn is_same_origin(ctx: &Ctx, headers: &HeaderMap) -> bool {
    match headers.get(ORIGIN).and_then(|o| o.to_str().ok()) {
        // Old browsers send none; the transaction's binding to the browser is what protects there.
        None => true,
        Some(origin) => origin.eq_ignore_ascii_case(&ctx.origin.base),
    }
}

/// The button that was pressed, `accept` or `decline`. A form that names something twice was not filled in on our page, and
/// says nothing (security case 13).
pub(crate) fn pressed(params: &Params) -> Option<&str> {
    params.get("action").filter(|_| params.repeated().is_none())
}

/// The transaction is over, or was never this browser's.
pub(crate) fn expired(ctx: &Ctx, headers: &HeaderMap) -> Response {
    if let Some(url) =
        ctx.tenant.settings.default_redirection_uri.as_deref().filter(|u| u.starts_with("https://"))
    {
        return see_other(url);
    }
    let said = hosted::Said { kind: ErrorKind::SessionExpired, code: None, text: None };
    hosted::error(ctx, headers, StatusCode::BAD_REQUEST, said)
}

pub(crate) fn refused(ctx: &Ctx, headers: &HeaderMap) -> Response {
    let said = hosted::Said {
        kind: ErrorKind::Forbidden,
        code: Some("invalid_request"),
        text: Some("The form was sent by another site"),
    };
    hosted::error(ctx, headers, StatusCode::FORBIDDEN, said)
}

#[expect(clippy::expect_used, reason = "paths of ours begin with a slash and hold URL-safe characters")]
pub(crate) fn path_link(path: &str) -> Link {
    Link::new(path).expect("a path of ours")
}

/// A header of kilobytes helps nobody.
const MOST_TARGETS: usize = 40;
