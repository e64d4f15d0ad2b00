//! `/mfa/authenticators` and `/mfa/associate`: what a user has to show, by the `mfa_token` of a sign-in or by an access token of the
//! API for it (fact sheet 9.7).

use axum::extract::Path;
use axum::response::Response;
use chancery_core::iso::parse_ms;
use chancery_core::model::{ENROL_FACTORS, FACTORS_API, READ_FACTORS, REMOVE_FACTORS, User};
use chancery_core::oauth::OAuthError;
use chancery_core::params::Params;
use chancery_core::second_factor::{EMAIL, NewFactor, TOTP, masked};
use chancery_web::{
    AccessTokenClaims, Ctx, Failure, Form, Scheme, SecondFactorsOf, Sent, TokenScheme, access_token, json,
    no_content, verify_access_token,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use crate::mfa::{self, Waiting, names};

/// Who calls.
struct Caller {
    user: User,
    by: By,
}

/// What they have shown.
enum By {
    /// The password was right, and nothing else is known.
    MfaToken(Box<Waiting>),
    /// They signed in; whether with a second factor as well.
    AccessToken { second_factor: bool },
}

/// `GET /mfa/authenticators`: what the user has.
pub(crate) async fn list(ctx: Ctx, headers: HeaderMap) -> Result<Response, Failure> {
    let sent = Sent { method: &Method::GET, path: "/mfa/authenticators", headers: &headers };
    let caller = caller(&ctx, &sent, READ_FACTORS).await?;
    let factors = SecondFactorsOf::load(&ctx, &caller.user).await?;
    caller.guard(&factors)?;
    let kept = |id: &str, kind: &str, active: bool| {
        let kind = if kind == TOTP { "otp" } else { kind };
        json!({"id": id, "authenticator_type": kind, "type": kind, "active": active})
    };
    let mailed = factors.mailed_to().map(|email| {
        json!({
            "id": factors.mail_method_id(), "authenticator_type": "oob", "type": EMAIL, "oob_channel": EMAIL,
            "name": masked(email), "active": true,
        })
    });
    let all: Vec<Value> = factors
        .confirmed()
        .map(|(id, kind)| kept(id, kind, true))
        .chain(factors.begun().map(|id| kept(id, TOTP, false)))
        .chain(mailed)
        .collect();
    Ok(json(StatusCode::OK, &all))
}

/// `POST /mfa/associate`: a factor whose first code makes it count. With an `mfa_token` it is the first one; one more takes an access
/// token of a sign-in that showed one.
pub(crate) async fn associate(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    let sent = Sent { method: &Method::POST, path: "/mfa/associate", headers: &headers };
    let caller = caller(&ctx, &sent, ENROL_FACTORS).await?;
    let factors = SecondFactorsOf::load(&ctx, &caller.user).await?;
    caller.guard(&factors)?;
    // A list in JSON comes as the text of its members, see `Params::from_json`.
    let has = |name: &'static str, word| params.all(name).any(|list| names(list, word));
    if params.get("authenticator_types").is_none() {
        return Err(OAuthError::Missing("authenticator_types").into());
    }
    if has("authenticator_types", "otp") && ctx.tenant.second_factors.otp {
        return associate_otp(&ctx, &caller, &factors).await;
    }
    if has("authenticator_types", "oob") {
        if params.get("oob_channels").is_none() {
            return Err(OAuthError::Missing("oob_channels").into());
        }
        if has("oob_channels", EMAIL) {
            return associate_mail(&ctx, &caller, &factors, &params).await;
        }
    }
    Err(OAuthError::UnsupportedChallenge.into())
}

async fn associate_otp(
    ctx: &Ctx,
    caller: &Caller,
    factors: &SecondFactorsOf<'_>,
) -> Result<Response, Failure> {
    let (secret, code, write) = match (&caller.by, factors.are_enrolled()) {
        (_, false) => factors.begin_enrolment()?,
        (By::AccessToken { .. }, true) if factors.may_have_more(NewFactor::Otp) => {
            let (secret, write) = factors.begin_another()?;
            (secret, None, write)
        }
        _ => return Err(OAuthError::AlreadyEnrolled.into()),
    };
    match ctx.app.store.commit(write).await {
        Ok(()) => {}
        // Somebody was faster, or the user is gone.
        Err(chancery_store::Error::Guard) => return Err(OAuthError::AlreadyEnrolled.into()),
        Err(other) => return Err(other.into()),
    }
    factors.log("gd_start_enroll", "Second factor begun");
    let mut answer = json!({
        "authenticator_type": "otp",
        "secret": secret,
        "barcode_uri": factors.otpauth_uri(&secret),
    });
    if let Some(code) = code {
        answer["recovery_codes"] = json!([code]);
    }
    Ok(json(StatusCode::OK, &answer))
}

/// There is nothing to be made: the address is there, or codes are not mailed. A sign-in that waits goes on with the code.
async fn associate_mail(
    ctx: &Ctx,
    caller: &Caller,
    factors: &SecondFactorsOf<'_>,
    params: &Params,
) -> Result<Response, Failure> {
    let address = factors.mailed_to().ok_or(OAuthError::UnsupportedChallenge)?;
    if params.get("email").is_some_and(|email| !email.eq_ignore_ascii_case(address)) {
        return Err(OAuthError::Invalid("Codes go to the address of the account alone".to_owned()).into());
    }
    let By::MfaToken(waiting) = &caller.by else { return Err(OAuthError::AlreadyEnrolled.into()) };
    let oob_code = mfa::mail(ctx, waiting, factors).await?;
    let answer = json!({
        "authenticator_type": "oob", "oob_channel": EMAIL, "oob_code": oob_code, "binding_method": "prompt",
    });
    Ok(json(StatusCode::OK, &answer))
}

/// `DELETE /mfa/authenticators/{id}`: an access token alone takes one away.
pub(crate) async fn remove(
    ctx: Ctx,
    headers: HeaderMap,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let sent = Sent { method: &Method::DELETE, path: uri.path(), headers: &headers };
    let caller = caller(&ctx, &sent, REMOVE_FACTORS).await?;
    if matches!(caller.by, By::MfaToken(_)) {
        return Err(Failure::from(OAuthError::TokenScope(REMOVE_FACTORS)).with_scheme(Scheme::Bearer));
    }
    let factors = SecondFactorsOf::load(&ctx, &caller.user).await?;
    caller.guard(&factors)?;
    let write = factors.without(&id).ok_or_else(nothing)?;
    match ctx.app.store.commit(write).await {
        Ok(()) => {}
        Err(chancery_store::Error::Guard) => return Err(nothing().into()),
        Err(other) => return Err(other.into()),
    }
    factors.log("gd_unenroll", "The user removed a second factor");
    Ok(no_content())
}

fn nothing() -> OAuthError {
    let text = "The user has no such authenticator".to_owned();
    OAuthError::Denied { code: "not_found", status: 404, text }
}

impl Caller {
    /// Whoever knows the password alone does nothing to an account that a second factor guards.
    fn guard(&self, factors: &SecondFactorsOf<'_>) -> Result<(), OAuthError> {
        match self.by {
            By::AccessToken { second_factor } => guard(second_factor, factors),
            By::MfaToken(_) => Ok(()),
        }
    }
}

/// See [`Caller::guard`]. A token from before the first factor was made has none shown for it.
pub(crate) fn guard(second_factor: bool, factors: &SecondFactorsOf<'_>) -> Result<(), OAuthError> {
    if second_factor || !factors.are_enrolled() {
        return Ok(());
    }
    let text = "The access token is of a sign-in without a second factor: sign in again".to_owned();
    Err(OAuthError::Denied { code: "mfa_required", status: 403, text })
}

/// Who calls, by the `Authorization` header.
async fn caller(ctx: &Ctx, sent: &Sent<'_>, scope: &'static str) -> Result<Caller, Failure> {
    let (scheme, token) = access_token(sent.headers)?.ok_or(OAuthError::TokenMissing)?;
    if scheme == TokenScheme::Bearer && !is_access_token(token) {
        let waiting = mfa::waiting(ctx, token).await?;
        let user = mfa::user(ctx, &waiting).await?;
        return Ok(Caller { user, by: By::MfaToken(Box::new(waiting)) });
    }
    let challenge = match scheme {
        TokenScheme::Bearer => Scheme::Bearer,
        TokenScheme::Dpop => Scheme::Dpop,
    };
    let signed_in = async {
        let (claims, user) = signed_in(ctx, token, scope).await?;
        ctx.check_possession(sent, (scheme, token), claims.bound()).await?;
        Ok(Caller { user, by: By::AccessToken { second_factor: claims.second_factor } })
    };
    signed_in.await.map_err(|failure: Failure| failure.with_scheme(challenge))
}

/// The other ones are no JWT.
pub(crate) fn is_access_token(token: &str) -> bool {
    token.contains('.')
}

/// What an access token of the API says, and its user as they are now. Whether its sender may use it is the caller's to look at.
pub(crate) async fn signed_in(
    ctx: &Ctx,
    token: &str,
    scope: &'static str,
) -> Result<(AccessTokenClaims, User), Failure> {
    let audience = ctx.origin.absolute(FACTORS_API);
    let claims = verify_access_token(&ctx.tenant, &ctx.origin, token, &audience, ctx.now())?;
    if !claims.has_scope(scope) {
        return Err(OAuthError::TokenScope(scope).into());
    }
    let user = ctx.app.store.user(&ctx.tenant.tenant, &claims.sub).await?;
    // A new password ends what the old one began. Times of tokens are whole seconds, in which both may happen.
    let is_good = |user: &User| {
        let set_at = user.last_password_reset.as_deref().and_then(parse_ms);
        let as_issued = claims.password_set_at;
        !user.is_blocked() && set_at == as_issued
    };
    let user = user.filter(is_good).filter(|_| ctx.tenant.knows_client(&claims.client_id));
    let user = user.ok_or(OAuthError::TokenInvalid("The access token is not valid any more"))?;
    Ok((claims, user))
}
