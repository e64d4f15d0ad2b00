//! The sign-in that waits for a second factor behind an `mfa_token`, and `/mfa/challenge` (fact sheet 6.3 and 9.7).

use axum::response::Response;
use chancery_core::ids::{self, Handle};
use chancery_core::model::{Api, User};
use chancery_core::oauth::{ClientProof, OAuthError};
use chancery_core::second_factor::{EMAIL, MailedCode, TOTP};
use chancery_core::webauthn::{PLATFORM, ROAMING};
use chancery_db::Batch;
use chancery_store::{PreparedClient, StoredTransaction};
use chancery_web::{Audience, Ctx, Failure, Form, SecondFactorsOf, json};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::client_auth::authenticate;
use crate::events;

/// Seconds that an `mfa_token` lives.
const LIFETIME: i64 = 600;

/// A sign-in whose password was right. It stands among the transactions, and belongs to no browser.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) user_id: String,
    /// Nobody else goes on with it.
    pub(crate) client_id: String,
    pub(crate) connection_id: String,
    /// As asked for.
    pub(crate) audience: Option<String>,
    pub(crate) scope: Option<String>,
    /// By the realm grant.
    pub(crate) is_realm: bool,
    /// By a code that was mailed.
    #[serde(default)]
    pub(crate) is_mailed: bool,
    /// When the password was set that was shown: a new one ends what the old one began.
    #[serde(default)]
    pub(crate) set_at: Option<String>,
}

/// One that was found.
pub(crate) struct Waiting {
    pub(crate) pending: Pending,
    id: String,
    rev: i64,
}

impl Waiting {
    /// Ends it, once; to be committed with what it becomes.
    pub(crate) fn spend(&self, ctx: &Ctx) -> Batch {
        ctx.app.store.finish_transaction(&ctx.tenant.tenant, &self.id, self.rev)
    }
}

/// Whether a sign-in without pages needs a second factor: where the policy says so, and for tokens by which the user's own are
/// seen to, wherever there are some. A password alone takes none away.
///
/// # Errors
/// [`OAuthError::NoSuchApi`]; when the database is away.
pub(crate) async fn is_due(ctx: &Ctx, user: &User, audience: Option<&str>) -> Result<bool, Failure> {
    let settings = ctx.tenant.second_factors;
    if settings.guard_passwords() {
        return Ok(true);
    }
    let audience = Audience::resolve(&ctx.tenant, &ctx.origin, audience)?;
    let is_about_factors = audience.plain_api().is_some_and(Api::is_about_factors);
    Ok(is_about_factors && settings.are_there() && SecondFactorsOf::load(ctx, user).await?.are_enrolled())
}

/// Keeps the sign-in and tells the application what is due.
///
/// # Errors
/// When the database is away.
pub(crate) async fn required(
    ctx: &Ctx,
    client: &PreparedClient,
    user: &User,
    pending: &Pending,
) -> Result<Failure, Failure> {
    let factors = SecondFactorsOf::load(ctx, user).await?;
    let handle = Handle::generate(&*ctx.app.rng, ctx.now_ms);
    let stored = StoredTransaction {
        id: handle.id.clone(),
        digest: handle.digest(),
        doc: serde_json::to_string(pending).map_err(Failure::server)?,
        expires_at: ctx.now() + LIFETIME,
        rev: 1,
    };
    ctx.app.store.insert_transaction(&ctx.tenant.tenant, &stored).await?;
    let mut event = events::with_user(events::of_client("mfar", client), user);
    event.description = Some(OAuthError::SecondFactorRequired.description());
    events::record(ctx, event);
    let mut extra = Map::new();
    extra.insert("mfa_token".to_owned(), handle.expose().into());
    extra.insert("mfa_requirements".to_owned(), requirements(ctx, &factors));
    Ok(Failure { extra: Some(Box::new(extra)), ..OAuthError::SecondFactorRequired.into() })
}

/// What the user may show, or could make. Keys are shown on our pages alone; that there are some is told, so that an application
/// can lead there.
fn requirements(ctx: &Ctx, factors: &SecondFactorsOf<'_>) -> Value {
    let otp = || json!({"type": "otp"});
    if !factors.are_enrolled() {
        let all: Vec<Value> = ctx.tenant.second_factors.otp.then(otp).into_iter().collect();
        return json!({ "enroll": all });
    }
    let keys = factors.confirmed().filter(|(_, kind)| [ROAMING, PLATFORM].contains(kind));
    let mut kinds: Vec<&str> = keys.map(|(_, kind)| kind).collect();
    kinds.dedup();
    let keys = kinds.into_iter().map(|kind| json!({ "type": kind }));
    let mailed = factors.mailed_to().map(|_| json!({ "type": EMAIL }));
    let all: Vec<Value> = factors.have_otp().then(otp).into_iter().chain(mailed).chain(keys).collect();
    json!({ "challenge": all })
}

/// The sign-in behind an `mfa_token`.
///
/// # Errors
/// [`OAuthError::MfaTokenMalformed`] where there is none, [`OAuthError::MfaTokenExpired`] where its time is over.
pub(crate) async fn waiting(ctx: &Ctx, mfa_token: &str) -> Result<Waiting, Failure> {
    let handle = Handle::parse(mfa_token).ok_or(OAuthError::MfaTokenMalformed)?;
    if ids::time_of(&handle.id).is_some_and(|made| ctx.now_ms - made >= LIFETIME * 1000) {
        return Err(OAuthError::MfaTokenExpired.into());
    }
    let stored = ctx.app.store.transaction(&ctx.tenant.tenant, &handle.id, ctx.now()).await?;
    let stored = stored.filter(|stored| stored.belongs_to(&handle.digest()));
    let stored = stored.ok_or(OAuthError::MfaTokenMalformed)?;
    let pending = serde_json::from_str(&stored.doc).map_err(|_| OAuthError::MfaTokenMalformed)?;
    Ok(Waiting { pending, id: stored.id, rev: stored.rev })
}

/// Whose it is, while the password is still the one that was shown.
pub(crate) async fn user(ctx: &Ctx, waiting: &Waiting) -> Result<User, Failure> {
    let user = ctx.app.store.user(&ctx.tenant.tenant, &waiting.pending.user_id).await?;
    let user = user.filter(|user| {
        let set_at = user.last_password_reset.as_deref();
        set_at == waiting.pending.set_at.as_deref()
    });
    let user = user.ok_or(OAuthError::MfaTokenMalformed)?;
    if user.is_blocked() {
        return Err(OAuthError::UserBlocked.into());
    }
    // Whoever guesses at the password meanwhile closes what began before, too (security case 14).
    if ctx.is_locked(&user).await? { Err(OAuthError::TooManyAttempts.into()) } else { Ok(user) }
}

/// `POST /mfa/challenge`: which factor the application is to ask for.
pub(crate) async fn challenge(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    if let Some(name) = params.repeated() {
        return Err(OAuthError::Repeated(name.to_owned()).into());
    }
    let client = authenticate(&ctx, &headers, &ClientProof::parse(&params)?).await?;
    let token = params.get("mfa_token").ok_or(OAuthError::Missing("mfa_token"))?;
    let waiting = waiting(&ctx, token).await?;
    if waiting.pending.client_id != client.client_id {
        return Err(OAuthError::MfaTokenOfOther.into());
    }
    let user = user(&ctx, &waiting).await?;
    let factors = SecondFactorsOf::load(&ctx, &user).await?;
    if !factors.are_enrolled() {
        return Err(OAuthError::NotEnrolled.into());
    }
    let takes = |kind| params.get("challenge_type").is_none_or(|kinds| names(kinds, kind));
    let named = params.get("authenticator_id");
    let mail_id = factors.mail_method_id();
    let is_otp = |id: &str| factors.confirmed().any(|(of, kind)| of == id && kind == TOTP);
    if factors.have_otp() && takes("otp") && named.is_none_or(is_otp) {
        return Ok(json(StatusCode::OK, &json!({"challenge_type": "otp"})));
    }
    let by_mail = params.get("oob_channel").is_none_or(|channel| channel == EMAIL);
    if factors.mailed_to().is_some() && takes("oob") && by_mail && named.is_none_or(|id| id == mail_id) {
        let oob_code = mail(&ctx, &waiting, &factors).await?;
        let answer = json!({"challenge_type": "oob", "oob_code": oob_code, "binding_method": "prompt"});
        return Ok(json(StatusCode::OK, &answer));
    }
    Err(OAuthError::UnsupportedChallenge.into())
}

/// A code is on its way: the `oob_code` that the application comes back with, beside what the user types.
pub(crate) async fn mail(
    ctx: &Ctx,
    waiting: &Waiting,
    factors: &SecondFactorsOf<'_>,
) -> Result<String, Failure> {
    let code = factors.mail_factor(&waiting.id).ok_or(OAuthError::TooManyAttempts)?;
    let handle = Handle::generate(&*ctx.app.rng, ctx.now_ms);
    let stored = StoredTransaction {
        id: handle.id.clone(),
        digest: handle.digest(),
        doc: serde_json::to_string(&OutOfBand { mailed_code: code }).map_err(Failure::server)?,
        expires_at: ctx.now() + LIFETIME,
        rev: 1,
    };
    ctx.app.store.insert_transaction(&ctx.tenant.tenant, &stored).await?;
    Ok(handle.expose())
}

/// What stands behind an `oob_code`.
#[derive(Serialize, Deserialize)]
struct OutOfBand {
    mailed_code: MailedCode,
}

impl Waiting {
    /// The code behind an `oob_code`, and the write that uses it up.
    ///
    /// # Errors
    /// [`OAuthError::OobCodeOfOther`] where there is none.
    pub(crate) async fn mailed_code(
        &self,
        ctx: &Ctx,
        oob_code: &str,
    ) -> Result<(MailedCode, Batch), Failure> {
        let handle = Handle::parse(oob_code).ok_or(OAuthError::OobCodeOfOther)?;
        let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
        let stored = store.transaction(tenant, &handle.id, ctx.now()).await?;
        let stored = stored.filter(|stored| stored.belongs_to(&handle.digest()));
        let stored = stored.ok_or(OAuthError::OobCodeOfOther)?;
        let read = serde_json::from_str::<OutOfBand>(&stored.doc).map_err(|_| OAuthError::OobCodeOfOther)?;
        if !read.mailed_code.is_of(&self.id) {
            return Err(OAuthError::OobCodeOfOther.into());
        }
        Ok((read.mailed_code, store.finish_transaction(tenant, &stored.id, stored.rev)))
    }

    /// What its mailed codes are for.
    pub(crate) fn key(&self) -> &str {
        &self.id
    }
}

/// Whether a list of words, however it came, names one.
pub(crate) fn names(list: &str, word: &str) -> bool {
    list.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|name| name == word)
}
