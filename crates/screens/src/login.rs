//! Sign-in with a password.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::interaction::{PasskeyOffer, Progress};
use chancery_core::logout::Initiator;
use chancery_core::model::{Connection, OrganizationPrompt, User};
use chancery_core::records::{LogEvent, Session};
use chancery_db::Batch;
use chancery_login::csp::PageKind;
use chancery_login::pages::{Identifier, Login, Presented, Problem};
use chancery_web::{Ctx, Failure, PasswordCheck, cookies};
use http::{HeaderMap, StatusCode};

use crate::consent::{logo_of, page_of};
use crate::form::Posted;
use crate::passkey;
use crate::passwordless;
use crate::screen::Screen;

/// The page.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let screen = match Screen::show(ctx, &headers, query).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    if screen.wants_code() {
        return Ok(passwordless::first_page(&screen));
    }
    let hint = screen.address_hint().to_owned();
    page(&screen, StatusCode::OK, hint, None).await
}

/// What was typed.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let username = params.get("username").unwrap_or_default().to_owned();
    let again = |status, problem| page(&screen, status, username.clone(), Some(problem));
    if params.repeated().is_some() || username.trim().is_empty() {
        return again(StatusCode::BAD_REQUEST, Problem::IdentifierMissing).await;
    }
    let Some(password) = params.get("password") else {
        return again(StatusCode::BAD_REQUEST, Problem::PasswordMissing).await;
    };
    let Some(connection) = screen.connection() else {
        return Ok(screen.back());
    };
    match screen.ctx.check_password(&connection, &username, password.into()).await {
        Ok(PasswordCheck::Good(user)) if user.is_blocked() => {
            log_blocked(&screen, &user);
            again(StatusCode::BAD_REQUEST, Problem::Blocked).await
        }
        Ok(PasswordCheck::Good(user)) => {
            open_session(&screen, &headers, &user, &connection, By::Password).await
        }
        Ok(PasswordCheck::Wrong) => again(StatusCode::BAD_REQUEST, Problem::WrongCredentials).await,
        Ok(PasswordCheck::Leaked) => again(StatusCode::BAD_REQUEST, Problem::PasswordLeakedAtLogin).await,
        Ok(PasswordCheck::TooMany) => again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts).await,
        Err(failure) if failure.error.status() == 503 => {
            again(StatusCode::SERVICE_UNAVAILABLE, Problem::ServerBusy).await
        }
        Err(failure) => Err(failure),
    }
}

/// How somebody signed in.
pub(crate) enum By {
    /// With their password.
    Password,
    /// By making an account.
    SignUp,
    /// With a code that was mailed.
    MailedCode,
    /// With a passkey; the write goes with the session. `is_roaming`: on another machine than the browser.
    Passkey { proof: Batch, is_roaming: bool },
}

/// A new session for this browser: always a new id and secret, whatever the browser held before (security case 12).
pub(crate) async fn open_session(
    screen: &Screen,
    headers: &HeaderMap,
    user: &User,
    connection: &Connection,
    by: By,
) -> Result<Response, Failure> {
    let ctx = &screen.ctx;
    let settings = &ctx.tenant.settings;
    let now = ctx.now();
    let expires_at = now.saturating_add(settings.session_seconds());
    let handle = Handle::generate(&*ctx.app.rng, ctx.now_ms);
    let session = Session {
        id: handle.id.clone(),
        user_id: user.user_id.clone(),
        created_at: now,
        authenticated_at: now,
        last_active_at: now,
        expires_at,
        idle_expires_at: now.saturating_add(settings.idle_session_seconds()).min(expires_at),
        connection: connection.name.clone(),
        clients: Vec::new(),
        initial_ip: Some(ctx.ip.to_string()),
        initial_user_agent: ctx.user_agent.clone(),
        // A passkey is two factors: the authenticator, and what it made sure of.
        second_factor_at: matches!(by, By::Passkey { .. }).then_some(now),
        is_remembered: is_remembered(screen, headers, user).await?,
        issuer: Some(ctx.origin.issuer.clone()),
    };
    let tenant = &ctx.tenant.tenant;
    let store = &ctx.app.store;
    if let Some(before) = cookies::session(headers).and_then(Handle::parse)
        && let Some(before) = store.session(tenant, &before, now).await?
    {
        match before.user_id == user.user_id {
            // The same person again: what they hold goes on, only the session is replaced.
            true => {
                let passed_on = ctx.pass_on_notices(&before.id, &session.id);
                store.commit(passed_on.and(store.delete_session_batch(tenant, &before.id))).await?;
            }
            false => ctx.end_session(&before, Initiator::SessionRevoked).await?,
        }
    }
    let write = store.insert_session_batch(tenant, &session, &handle.digest()).and(store.record_login_batch(
        tenant,
        &user.user_id,
        &ctx.ip.to_string(),
        now,
    ));
    let offer = offer(connection, headers, &by);
    let write = match by {
        By::Passkey { proof, .. } => write.and(proof),
        By::Password | By::SignUp | By::MailedCode => write,
    };
    // An organization chosen after the login was another person's; one named before it is where this login takes place.
    let chose_before = screen.client.organization_prompt() == OrganizationPrompt::PreLoginPrompt;
    let progress = Progress {
        session_id: Some(session.id.clone()),
        shown: true,
        // Whatever was agreed to before was agreed to by whoever was signed in before.
        wanted: None,
        asked_user: None,
        consented: None,
        code_email: None,
        mailed_code: None,
        factor_session: session.second_factor_at.map(|_| session.id.clone()),
        second_factor_shown: session.second_factor_at.is_some(),
        enrolling: None,
        recovery_code: None,
        challenge: None,
        mailed_factor: None,
        offer,
        organization: screen.transaction.progress.organization.clone().filter(|_| chose_before),
        as_individual: screen.transaction.progress.as_individual && chose_before,
        ..screen.transaction.progress.clone()
    };
    let mut response = screen.done(progress, write).await?;
    let max_age = settings.has_persistent_cookie().then(|| settings.session_seconds());
    ctx.set_session_cookie(response.headers_mut(), &handle.expose(), max_age);
    Ok(response)
}

/// Whether the user showed a second factor in this browser of late, and had it remembered.
async fn is_remembered(screen: &Screen, headers: &HeaderMap, user: &User) -> Result<bool, Failure> {
    let ctx = &screen.ctx;
    let held = cookies::remembered(headers).and_then(Handle::parse);
    let Some(held) = held.filter(|_| ctx.tenant.second_factors.may_remember()) else { return Ok(false) };
    let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
    Ok(store.is_browser_remembered(tenant, &held, &user.user_id, ctx.now()).await?)
}

/// The passkey that whoever just signed in is offered, where the connection has them; not for a while after they said no.
fn offer(connection: &Connection, headers: &HeaderMap, by: &By) -> Option<PasskeyOffer> {
    let options = connection.passkeys().filter(|_| cookies::read(headers, passkey::LATER).is_none())?;
    let (offer, is_on) = match by {
        By::Password => (PasskeyOffer::First, options.progressive_enrollment_enabled),
        By::SignUp => (PasskeyOffer::First, true),
        // Connections with mailed codes have no passkeys.
        By::MailedCode => return None,
        By::Passkey { is_roaming, .. } => {
            (PasskeyOffer::Local, *is_roaming && options.local_enrollment_enabled)
        }
    };
    is_on.then_some(offer)
}

pub(crate) async fn page(
    screen: &Screen,
    status: StatusCode,
    username: String,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let connection = screen.connection();
    let options = connection.as_ref().map(|c| c.settings()).unwrap_or_default();
    let passkey = match connection.as_ref().and_then(|connection| connection.passkeys()) {
        None => None,
        Some(passkeys) => match passkey::form(screen, passkeys, problem.as_ref()).await? {
            None => return Ok(screen.back()),
            form => form,
        },
    };
    let view = Login {
        frame: screen.frame(),
        form: screen.form("/u/login"),
        client_name: screen.client.name.clone(),
        identifier: if options.requires_username { Identifier::UsernameOrEmail } else { Identifier::Email },
        username,
        problems: problem.into_iter().collect(),
        forgot_password: Some(screen.link("/u/reset-password")),
        mailed_code: screen.code_connection().map(|_| screen.link(passwordless::ADDRESS)),
        signup: connection.is_some_and(|c| screen.lets_sign_up(&c)).then(|| screen.link("/u/signup")),
        passkey,
        presented: presented(screen),
    };
    Ok(screen.page(status, view.render(&screen.texts), PageKind::Password))
}

/// By the specification what an application of somebody else's registered is shown where people log in (`oidcc-registration-logo-uri`
/// and its neighbours); on the wire it is the consent page alone that shows it.
fn presented(screen: &Screen) -> Presented {
    let client = &screen.client;
    if client.is_first_party || !screen.ctx.tenant.settings.is_oidc_strict() {
        return Presented::default();
    }
    Presented {
        logo: logo_of(&screen.ctx, client),
        policy: page_of(client, |own| own.policy_uri.as_deref()),
        terms: page_of(client, |own| own.tos_uri.as_deref()),
    }
}

pub(crate) fn log_blocked(screen: &Screen, user: &User) {
    screen.ctx.log(LogEvent {
        kind: "f".to_owned(),
        description: Some("user is blocked".to_owned()),
        client_id: Some(screen.client.client_id.clone()),
        client_name: Some(screen.client.name.clone()),
        user_id: Some(user.user_id.clone()),
        user_name: user.email.clone(),
        ..LogEvent::default()
    });
}
