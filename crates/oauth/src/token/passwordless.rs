//! A code that was mailed becomes tokens, once (fact sheet 6.3).

use chancery_core::oauth::{OAuthError, PASSWORDLESS_OTP};
use chancery_store::PreparedClient;
use chancery_web::{Audience, CodeCheck, CodeFor, Ctx, Failure};
use secrecy::{ExposeSecret, SecretString};

use super::password::{By, SignIn, tokens};
use crate::issue::TokenAnswer;
use crate::mfa::{self, Pending};
use crate::passwordless::connection;

/// What the user typed at the application.
pub(super) struct Typed {
    pub(super) username: String,
    pub(super) otp: SecretString,
    pub(super) realm: String,
    pub(super) audience: Option<String>,
    pub(super) scope: Option<String>,
}

/// Verifies the code, decides, signs. The account of somebody who is new is made in the same write as the tokens.
pub(super) async fn sign_in(
    ctx: &Ctx,
    client: &PreparedClient,
    typed: Typed,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    if !client.is_first_party {
        return Err(OAuthError::GrantNotAllowed(PASSWORDLESS_OTP.to_owned()).into());
    }
    let realm: String = typed.realm.chars().take(200).collect();
    let connection =
        connection(ctx, client, Some(&typed.realm)).map_err(|_| OAuthError::UnknownRealm(realm))?;
    // Before the code is used, so that a wrong audience costs none.
    Audience::resolve(&ctx.tenant, &ctx.origin, typed.audience.as_deref())?;
    let what = CodeFor {
        client_id: &client.client_id,
        email: &typed.username,
        may_sign_up: !connection.settings().disable_signup,
        link: None,
    };
    let (user, used) = match ctx.check_code(connection, &what, typed.otp.expose_secret()).await? {
        CodeCheck::Good(user, _) if user.is_blocked() => return Err(OAuthError::UserBlocked.into()),
        CodeCheck::Good(user, used) => (user, used),
        CodeCheck::Wrong => return Err(OAuthError::WrongMailedCode.into()),
        CodeCheck::TooMany => return Err(OAuthError::TooManyAttempts.into()),
    };
    if mfa::is_due(ctx, &user, typed.audience.as_deref()).await? {
        match ctx.app.store.commit(used).await {
            Ok(()) => {}
            Err(chancery_store::Error::Guard | chancery_store::Error::Conflict) => {
                return Err(OAuthError::WrongMailedCode.into());
            }
            Err(other) => return Err(other.into()),
        }
        let pending = Pending {
            user_id: user.user_id.clone(),
            client_id: client.client_id.clone(),
            connection_id: connection.id.clone(),
            audience: typed.audience,
            scope: typed.scope,
            is_realm: false,
            is_mailed: true,
            set_at: user.last_password_reset.clone(),
        };
        return Err(mfa::required(ctx, client, &user, &pending).await?);
    }
    let sign_in = SignIn {
        user: &user,
        connection,
        audience: typed.audience.as_deref(),
        scope: typed.scope.as_deref(),
        by: By::MailedCode,
        second_factor: false,
        event: "s",
        jkt,
        ends_at: None,
        also: used,
        gone: OAuthError::WrongMailedCode,
    };
    tokens(ctx, client, sign_in).await
}
