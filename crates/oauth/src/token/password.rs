//! Resource owner password, with and without realm (RFC 6749 section 4.3, fact sheet 3.4 and 6.3).

use chancery_core::claims::GrantKind;
use chancery_core::explanation::Record;
use chancery_core::ids;
use chancery_core::model::{Connection, ENROL_FACTORS, FACTORS_API, SubjectType, User};
use chancery_core::oauth::{FactorCode, OAuthError};
use chancery_core::records::Authorization;
use chancery_core::scope::{AskedScopes, Flow, Request, decide_with_reasons};
use chancery_db::Batch;
use chancery_store::PreparedClient;
use chancery_web::{Audience, Ctx, Failure, Held, PasswordCheck, Proof, SecondFactorsOf, client_grant};
use secrecy::{ExposeSecret, SecretString};

use super::user_tokens::{self, UserTokensFor};
use crate::authenticators;
use crate::decision::refused;
use crate::events;
use crate::issue::{self, TokenAnswer};
use crate::mfa::{self, Pending};

/// By which grant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Password,
    Realm,
    MailedCode,
    Passkey,
}

impl By {
    fn of(pending: &Pending) -> Self {
        match (pending.is_mailed, pending.is_realm) {
            (true, _) => Self::MailedCode,
            (_, true) => Self::Realm,
            _ => Self::Password,
        }
    }

    /// As the scope decision and explanations name it, and what tokens say of it.
    fn names(self) -> (Flow<'static>, &'static str, Option<GrantKind>) {
        match self {
            Self::Password => (Flow::Password, "password", Some(GrantKind::Password)),
            Self::Realm => (Flow::PasswordRealm, "password_realm", Some(GrantKind::Password)),
            Self::MailedCode => (Flow::Passwordless, "passwordless", None),
            Self::Passkey => (Flow::Passkey, "passkey", None),
        }
    }
}

/// A sign-in whose password or code is right: what it is for.
pub(super) struct SignIn<'a> {
    pub(super) user: &'a User,
    pub(super) connection: &'a Connection,
    pub(super) audience: Option<&'a str>,
    pub(super) scope: Option<&'a str>,
    pub(super) by: By,
    /// Whether a second factor was shown, or what stands for both.
    pub(super) second_factor: bool,
    /// The event of success.
    pub(super) event: &'static str,
    /// The key that the tokens are bound to (RFC 9449).
    pub(super) jkt: Option<&'a str>,
    /// When the access token is over at the latest, in seconds.
    pub(super) ends_at: Option<i64>,
    /// What has to come true with it.
    pub(super) also: Batch,
    /// What is said where somebody else was faster.
    pub(super) gone: OAuthError,
}

/// The second factor, as the application got it from the user.
pub(super) struct Shown {
    pub(super) mfa_token: SecretString,
    pub(super) code: SecretString,
    pub(super) kind: FactorCode,
}

/// What the user typed at the application.
pub(super) struct Typed {
    pub(super) username: String,
    pub(super) password: SecretString,
    pub(super) realm: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) scope: Option<String>,
}

/// Verifies the password, decides, signs.
pub(super) async fn sign_in(
    ctx: &Ctx,
    client: &PreparedClient,
    typed: Typed,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    if !client.is_first_party {
        return Err(OAuthError::GrantNotAllowed("password".to_owned()).into());
    }
    let connection = connection(ctx, client, typed.realm.as_deref())?;
    // Before the password, so that a wrong audience costs no hash.
    Audience::resolve(&ctx.tenant, &ctx.origin, typed.audience.as_deref())?;
    let user = verified_user(ctx, connection, &typed).await?;
    if mfa::is_due(ctx, &user, typed.audience.as_deref()).await? {
        let pending = Pending {
            user_id: user.user_id.clone(),
            client_id: client.client_id.clone(),
            connection_id: connection.id.clone(),
            audience: typed.audience,
            scope: typed.scope,
            is_realm: typed.realm.is_some(),
            is_mailed: false,
            set_at: user.last_password_reset.clone(),
        };
        return Err(mfa::required(ctx, client, &user, &pending).await?);
    }
    let sign_in = SignIn {
        user: &user,
        connection,
        audience: typed.audience.as_deref(),
        scope: typed.scope.as_deref(),
        by: if typed.realm.is_some() { By::Realm } else { By::Password },
        second_factor: false,
        event: "sepft",
        jkt,
        ends_at: None,
        also: Batch::default(),
        gone: OAuthError::MfaTokenMalformed,
    };
    tokens(ctx, client, sign_in).await
}

/// Goes on with a sign-in that asked for a second factor. A code that is wrong leaves it as it was.
pub(super) async fn with_second_factor(
    ctx: &Ctx,
    client: &PreparedClient,
    shown: &Shown,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    let Shown { code, kind, .. } = shown;
    if authenticators::is_access_token(shown.mfa_token.expose_secret()) {
        return Box::pin(with_new_factor(ctx, client, shown, jkt)).await;
    }
    let waiting = mfa::waiting(ctx, shown.mfa_token.expose_secret()).await?;
    let pending = &waiting.pending;
    if pending.client_id != client.client_id {
        return Err(OAuthError::MfaTokenOfOther.into());
    }
    let connection = ctx.tenant.connection(&pending.connection_id);
    let connection = connection.filter(|connection| connection.serves(&client.client_id));
    let connection = connection.ok_or(OAuthError::MfaTokenMalformed)?;
    let user = mfa::user(ctx, &waiting).await?;
    let factors = SecondFactorsOf::load(ctx, &user).await?;
    let typed = code.expose_secret();
    let (wrong, event) = match kind {
        FactorCode::Otp => (OAuthError::WrongOtp, "seotpft"),
        FactorCode::Recovery => (OAuthError::WrongRecoveryCode, "sercft"),
        FactorCode::Mailed(_) => (OAuthError::WrongBindingCode, "seoobft"),
    };
    let (proof, recovery_code) = match kind {
        FactorCode::Recovery if !factors.are_enrolled() => return Err(wrong.into()),
        FactorCode::Recovery => factors.try_recovery_code(typed).await?,
        // The first code of a factor that was made by `/mfa/associate` confirms it.
        FactorCode::Otp => (factors.try_otp(typed, !factors.are_enrolled()).await?, None),
        FactorCode::Mailed(oob_code) => {
            let (kept, used) = waiting.mailed_code(ctx, oob_code.expose_secret()).await?;
            let proof = factors.try_mailed(Some(&kept), typed, waiting.key()).await?;
            let proof = match proof {
                Proof::Good(proof) => Proof::Good(used.and(proof)),
                other => other,
            };
            (proof, None)
        }
    };
    let proof = match proof {
        Proof::Good(proof) => proof,
        Proof::Wrong => return Err(wrong.into()),
        Proof::TooMany => return Err(OAuthError::TooManyAttempts.into()),
    };
    let sign_in = SignIn {
        user: &user,
        connection,
        audience: pending.audience.as_deref(),
        scope: pending.scope.as_deref(),
        by: By::of(pending),
        second_factor: true,
        event,
        jkt,
        ends_at: None,
        also: waiting.spend(ctx).and(proof),
        gone: OAuthError::MfaTokenMalformed,
    };
    let answer = tokens(ctx, client, sign_in).await?;
    Ok(TokenAnswer { recovery_code, ..answer })
}

/// The first code of a factor that was begun with an access token, which stands in the place of the `mfa_token`: tokens as that one,
/// which say that a second factor was shown,
/// and are over when that one is.
async fn with_new_factor(
    ctx: &Ctx,
    client: &PreparedClient,
    shown: &Shown,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    let given = shown.mfa_token.expose_secret();
    let began = authenticators::signed_in(ctx, given, ENROL_FACTORS).await;
    let (claims, user) = began.map_err(|failure| match failure.error {
        OAuthError::TokenInvalid(_) | OAuthError::TokenScope(_) => OAuthError::MfaTokenMalformed.into(),
        _ => failure,
    })?;
    if claims.client_id != client.client_id {
        return Err(OAuthError::MfaTokenOfOther.into());
    }
    let certificate = ctx.certificate.as_ref().map(|certificate| certificate.thumbprint.as_str());
    let is_theirs = claims.jkt.as_deref().is_none_or(|bound| jkt == Some(bound))
        && claims.x5t.as_deref().is_none_or(|bound| certificate == Some(bound));
    let connection = user.identities.first().and_then(|own| ctx.tenant.connection_by_name(&own.connection));
    let connection = connection.filter(|connection| connection.serves(&client.client_id));
    let connection = connection.filter(|_| is_theirs && client.is_first_party);
    let connection = connection.ok_or(OAuthError::MfaTokenMalformed)?;
    if !matches!(shown.kind, FactorCode::Otp) {
        return Err(OAuthError::UnsupportedChallenge.into());
    }
    let factors = SecondFactorsOf::load(ctx, &user).await?;
    authenticators::guard(claims.second_factor, &factors)?;
    let proof = match factors.try_otp(shown.code.expose_secret(), true).await? {
        Proof::Good(proof) => proof,
        Proof::Wrong => return Err(OAuthError::WrongOtp.into()),
        Proof::TooMany => return Err(OAuthError::TooManyAttempts.into()),
    };
    factors.log("gd_enrollment_complete", "Second factor made");
    let scope = claims.scope.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let sign_in = SignIn {
        user: &user,
        connection,
        audience: Some(&ctx.origin.absolute(FACTORS_API)),
        scope: Some(&scope),
        // As with a passkey, all that there is to show was shown, and nothing but what is asked for is meant.
        by: By::Passkey,
        second_factor: true,
        event: "seotpft",
        jkt,
        // Whoever took the one from its user would make factor after factor, and renew it for ever.
        ends_at: Some(claims.exp),
        also: proof,
        gone: OAuthError::WrongOtp,
    };
    tokens(ctx, client, sign_in).await
}

/// Decides, signs, and makes it good in one write.
pub(super) async fn tokens(
    ctx: &Ctx,
    client: &PreparedClient,
    sign_in: SignIn<'_>,
) -> Result<TokenAnswer, Failure> {
    let SignIn { user, connection, jkt, .. } = sign_in;
    let (by, flow, kind) = sign_in.by.names();
    let audience = Audience::resolve(&ctx.tenant, &ctx.origin, sign_in.audience)?;
    let held = Held::load(ctx, audience.plain_api(), &user.user_id, None).await?;
    let asked = AskedScopes::parse_optional(sign_in.scope);
    let request = Request {
        flow: by,
        client,
        target: audience.target(),
        asked: &asked,
        grant: client_grant(&ctx.tenant, client, &audience, SubjectType::User),
        permissions: &held.permissions(),
        consented: None,
        organization: None,
    };
    let reasoned = decide_with_reasons(&request);
    let record = Record::of(&request, &reasoned, flow);
    let decision = reasoned.decision.map_err(|denied| refused(&denied, ctx, &request, flow))?;
    let authorization = Authorization {
        id: ids::time_ordered(&*ctx.app.rng, ctx.now_ms),
        client_id: client.client_id.clone(),
        user_id: user.user_id.clone(),
        audience: audience.identifier().map(str::to_owned),
        scope: decision.to_owned_scopes(),
        auth_time: ctx.now(),
        gty: kind.map(|_| "password".to_owned()),
        connection: Some(connection.name.clone()),
        ..Authorization::default()
    };
    let tokens = user_tokens::issue(
        ctx,
        &UserTokensFor {
            client,
            user,
            organization: None,
            audience: &audience,
            decision: &decision,
            authorization: &authorization,
            kind,
            nonce: None,
            session_id: None,
            auth_time: None,
            second_factor: sign_in.second_factor,
            jkt,
            ends_at: sign_in.ends_at,
        },
    )
    .await?;
    let tenant = &ctx.tenant.tenant;
    let (refresh_token, refresh_write) = match decision.offline {
        true => {
            let (token, write) = issue::first_refresh_token(ctx, client, &authorization, jkt)?;
            // Typing the password or the code at the application stands for consent; refresh tokens hang on it.
            (
                Some(token),
                write.and(ctx.app.store.upsert_consent(tenant, &issue::implied_consent(ctx, &authorization))),
            )
        }
        false => (None, Batch::default()),
    };
    let noted = ctx.app.store.record_login_batch(tenant, &user.user_id, &ctx.ip.to_string(), ctx.now());
    let write = tokens.write.into_iter().fold(noted.and(refresh_write), Batch::and);
    match ctx.app.store.commit(sign_in.also.and(write)).await {
        Ok(()) => {}
        // The sign-in went on elsewhere, or its code was used, in this moment.
        Err(chancery_store::Error::Guard | chancery_store::Error::Conflict) => {
            return Err(sign_in.gone.into());
        }
        Err(other) => return Err(other.into()),
    }
    let mut event = events::with_user(events::of_client(sign_in.event, client), user);
    event.connection = Some(connection.name.clone());
    event.audience = audience.identifier().map(|a| ctx.origin.absolute(a).into_owned());
    event.scope.clone_from(&tokens.answer.scope);
    events::decided(&mut event, &record);
    events::about_token(ctx, &mut event);
    events::record(ctx, event);
    Ok(TokenAnswer { refresh_token, ..tokens.answer })
}

fn connection<'a>(
    ctx: &'a Ctx,
    client: &PreparedClient,
    realm: Option<&str>,
) -> Result<&'a Connection, OAuthError> {
    let unknown = || OAuthError::UnknownRealm(realm.unwrap_or_default().chars().take(200).collect());
    let name = realm.or(ctx.tenant.settings.default_directory()).ok_or(OAuthError::NoDefaultDirectory)?;
    let connection = ctx.tenant.connection_by_name(name).ok_or_else(unknown)?;
    (connection.strategy == "auth0" && connection.serves(&client.client_id))
        .then_some(connection.as_ref())
        .ok_or_else(unknown)
}

async fn verified_user(ctx: &Ctx, connection: &Connection, typed: &Typed) -> Result<User, Failure> {
    let outcome = ctx.check_password(connection, &typed.username, typed.password.clone()).await?;
    match outcome {
        PasswordCheck::Good(user) if user.is_blocked() => Err(OAuthError::UserBlocked.into()),
        PasswordCheck::Good(user) => Ok(*user),
        PasswordCheck::Wrong => Err(OAuthError::WrongPassword.into()),
        PasswordCheck::Leaked => Err(OAuthError::PasswordLeaked.into()),
        PasswordCheck::TooMany => Err(OAuthError::TooManyAttempts.into()),
    }
}
