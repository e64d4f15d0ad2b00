//! A passkey that the application asked for itself becomes tokens, once (fact sheet 6.3 and 9.10). It counts as two factors, as
//! on our pages.

use chancery_core::model::{Connection, User};
use chancery_core::oauth::{OAuthError, PASSKEY_GRANT};
use chancery_core::webauthn::{KeyKind, Purpose};
use chancery_db::Batch;
use chancery_store::PreparedClient;
use chancery_web::{Audience, Ctx, Failure, PasskeyCheck, Proof, SecondFactorsOf};
use secrecy::SecretString;

use super::password::{By, SignIn, tokens};
use crate::issue::TokenAnswer;
use crate::passkey::{self, Begun, Ceremony};

/// What the application has from the authenticator.
pub(super) struct Shown {
    pub(super) auth_session: SecretString,
    pub(super) authn_response: String,
    pub(super) realm: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) scope: Option<String>,
}

/// Whose passkey it is, and what has to come true with the tokens.
struct Owner {
    user: User,
    proof: Batch,
}

/// Verifies the answer, decides, signs. A challenge is answered once, rightly or wrongly.
pub(super) async fn sign_in(
    ctx: &Ctx,
    client: &PreparedClient,
    shown: Shown,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    if !client.is_first_party || !client.serves_individuals() {
        return Err(OAuthError::GrantNotAllowed(PASSKEY_GRANT.to_owned()).into());
    }
    let begun = passkey::begun(ctx, client, &shown.auth_session).await?;
    let connection = connection(ctx, client, &begun.ceremony, shown.realm.as_deref())?;
    // Before the answer is used, so that a wrong audience costs none.
    Audience::resolve(&ctx.tenant, &ctx.origin, shown.audience.as_deref())?;
    let owner = match owner(ctx, client, (connection, &begun.ceremony), &shown.authn_response).await {
        Ok(owner) => owner,
        Err(failure) => return Err(ended(ctx, &begun, failure).await),
    };
    let sign_in = SignIn {
        user: &owner.user,
        connection,
        audience: shown.audience.as_deref(),
        scope: shown.scope.as_deref(),
        by: By::Passkey,
        second_factor: true,
        event: "s",
        jkt,
        ends_at: None,
        also: begun.spend(ctx).and(owner.proof),
        gone: passkey::refused("The passkey or its auth_session was used already"),
    };
    let answer = tokens(ctx, client, sign_in).await?;
    if begun.ceremony.account.is_some() {
        ctx.signed_up(&owner.user, connection).await?;
    }
    Ok(answer)
}

/// The connection that the ceremony was begun for; it may have lost its passkeys, or the application, since.
fn connection<'a>(
    ctx: &'a Ctx,
    client: &PreparedClient,
    ceremony: &Ceremony,
    realm: Option<&str>,
) -> Result<&'a Connection, OAuthError> {
    let begun = ctx.tenant.connection(&ceremony.connection_id);
    let begun = begun.filter(|begun| realm.is_none_or(|realm| begun.name == realm));
    let begun = begun.ok_or_else(|| passkey::refused("The auth_session is for another realm"))?;
    Ok(passkey::connection(ctx, client, Some(&begun.name))?)
}

async fn owner(
    ctx: &Ctx,
    client: &PreparedClient,
    (connection, ceremony): (&Connection, &Ceremony),
    answer: &str,
) -> Result<Owner, Failure> {
    let wrong = || passkey::refused("The passkey was not accepted");
    let challenge = &ceremony.challenge;
    match &ceremony.account {
        Some(user) => {
            if !challenge.is_for(KeyKind::Passkey.making(), None, ctx.now()) {
                return Err(wrong().into());
            }
            if connection.settings().disable_signup {
                return Err(OAuthError::Invalid("Public signup is disabled".to_owned()).into());
            }
            let factors = SecondFactorsOf::of_new(ctx, user);
            match factors.enrol_key(KeyKind::Passkey, answer, challenge, Some(client)).await? {
                (Proof::Good(made), _) => {
                    let proof = ctx.new_account(user, connection)?.and(made);
                    Ok(Owner { user: User::clone(user), proof })
                }
                (Proof::Wrong | Proof::TooMany, _) => Err(wrong().into()),
            }
        }
        None if !challenge.is_for(Purpose::SignIn, None, ctx.now()) => Err(wrong().into()),
        None => match ctx.check_passkey(connection, answer, challenge, Some(client)).await? {
            PasskeyCheck::Good(holder) if holder.user.is_blocked() => Err(OAuthError::UserBlocked.into()),
            PasskeyCheck::Good(holder) => Ok(Owner { user: holder.user, proof: holder.proof }),
            PasskeyCheck::Wrong => Err(wrong().into()),
            PasskeyCheck::TooMany => Err(OAuthError::TooManyAttempts.into()),
        },
    }
}

/// Somebody who guesses begins anew each time.
async fn ended(ctx: &Ctx, begun: &Begun, failure: Failure) -> Failure {
    match ctx.app.store.commit(begun.spend(ctx)).await {
        Ok(()) | Err(chancery_store::Error::Guard | chancery_store::Error::Conflict) => failure,
        Err(other) => other.into(),
    }
}
