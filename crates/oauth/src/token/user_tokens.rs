//! What every grant of a user ends with: an access token, an ID token where `openid` was granted, one answer.

use chancery_core::claims::GrantKind;
use chancery_core::model::{Organization, User};
use chancery_core::records::Authorization;
use chancery_core::scope::Decision;
use chancery_db::Batch;
use chancery_store::PreparedClient;
use chancery_web::{Audience, Ctx, Failure};

use crate::details;
use crate::issue::{self, AccessTokenFor, IdTokenFor, TokenAnswer};

/// What the tokens say.
pub(super) struct UserTokensFor<'a> {
    pub(super) client: &'a PreparedClient,
    pub(super) user: &'a User,
    pub(super) organization: Option<&'a Organization>,
    pub(super) audience: &'a Audience,
    pub(super) decision: &'a Decision<'a>,
    pub(super) authorization: &'a Authorization,
    pub(super) kind: Option<GrantKind>,
    pub(super) nonce: Option<&'a str>,
    pub(super) session_id: Option<&'a str>,
    pub(super) auth_time: Option<i64>,
    /// Whether the tokens say that a second factor was shown.
    pub(super) second_factor: bool,
    pub(super) jkt: Option<&'a str>,
    /// When the access token is over at the latest, in seconds.
    pub(super) ends_at: Option<i64>,
}

/// An answer still without refresh token, and the write that makes it good where the access token is opaque.
pub(super) struct UserTokens {
    pub(super) answer: TokenAnswer,
    pub(super) write: Option<Batch>,
}

/// Signs them: the access token first, since the ID token carries its hash (OpenID Connect Core section 3.1.3.6).
pub(super) async fn issue(ctx: &Ctx, what: &UserTokensFor<'_>) -> Result<UserTokens, Failure> {
    let access = issue::access_token(
        ctx,
        &AccessTokenFor {
            client: what.client,
            subject: &what.user.user_id,
            audience: what.audience,
            decision: what.decision,
            kind: what.kind,
            front_channel: false,
            organization: what.organization,
            authorization: Some(what.authorization),
            jkt: what.jkt,
            act: None,
            ends_at: what.ends_at,
            second_factor: what.second_factor,
            password_set_at: what.user.last_password_reset.as_deref(),
        },
    )
    .await?;
    let id_token = match what.decision.has_openid() {
        true => Some(id_token(ctx, what, &access.token).await?),
        false => None,
    };
    let answer = TokenAnswer {
        access_token: access.token,
        refresh_token: None,
        id_token,
        scope: what.decision.scope(),
        expires_in: access.expires_in,
        token_type: issue::token_type(what.jkt),
        recovery_code: None,
        authorization_details: details::told(what.audience, &what.authorization.authorization_details),
        issued_token_type: None,
    };
    Ok(UserTokens { answer, write: access.write })
}

async fn id_token(ctx: &Ctx, what: &UserTokensFor<'_>, access_token: &str) -> Result<String, Failure> {
    issue::id_token(
        ctx,
        &IdTokenFor {
            client: what.client,
            user: what.user,
            organization: what.organization,
            granted: &what.decision.granted,
            claims: what.authorization.claims.as_ref(),
            nonce: what.nonce,
            session_id: what.session_id,
            auth_time: what.auth_time,
            second_factor: what.second_factor,
            access_token: Some(access_token),
            code: None,
            state: None,
        },
    )
    .await
}
