//! `POST /oauth/token` (RFC 6749 section 3.2, fact sheet 6).

mod authorization_code;
mod ciba;
mod client_credentials;
mod device_code;
mod foreign;
mod on_behalf_of;
mod passkey;
mod password;
mod passwordless;
mod redeem;
pub(crate) mod refresh_token;
mod user_tokens;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chancery_core::oauth::{
    CIBA, DEVICE_CODE, FactorCode, Grant, JWT_BEARER, MFA_OOB, MFA_OTP, MFA_RECOVERY_CODE, OAuthError,
    PASSKEY_GRANT, PASSWORDLESS_OTP, TOKEN_EXCHANGE, TokenRequest,
};
use chancery_core::params::Params;
use chancery_core::rate_limit::Limited;
use chancery_store::PreparedClient;
use chancery_web::{Ctx, DPOP, DPOP_NONCE, Failure, Form, Sent, TooManyRequests, json, read_params};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use secrecy::ExposeSecret;

use crate::client_auth::authenticate;
use crate::described;
use crate::events;
use crate::issue::TokenAnswer;

/// As [`token`], without the router.
pub(crate) async fn shortly(ctx: Ctx, parts: Parts, body: Body) -> Response {
    let answered = match read_params(&ctx.app.config, &parts.headers, body).await {
        Ok(params) => token(ctx, parts.headers, Form(params)).await,
        Err(error) => Err(error.into()),
    };
    answered.into_response()
}

/// Parse, authenticate the client, let the grant decide, answer.
pub(crate) async fn token(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    let is_strict = ctx.tenant.settings.is_oidc_strict();
    answered(ctx, headers, params).await.map_err(|failure| failure.as_specified(is_strict))
}

async fn answered(ctx: Ctx, headers: HeaderMap, params: Params) -> Result<Response, Failure> {
    let request = parse(&ctx, &params)?;
    let is_by_resource = !params.has("audience") && params.has("resource");
    let ctx = described::calling(ctx, &request.client).await?;
    let client = authenticate(&ctx, &headers, &request.client).await?;
    let name = request.grant.name();
    let by_profile = matches!(request.grant, Grant::ProfileExchange { .. });
    let key = match headers.contains_key(DPOP) {
        true => Box::pin(shown_key(&ctx, &headers, &client)).await,
        false => Ok(None),
    };
    let answered = match &key {
        Ok(jkt) => answer(&ctx, &client, request.grant, jkt.as_deref()).await,
        Err(failure) => Err(failure.clone()),
    };
    match answered {
        Ok(answer) => {
            let mut response = json(StatusCode::OK, &answer);
            if answer.token_type == "DPoP" {
                response.headers_mut().insert(DPOP_NONCE, ctx.dpop_nonce());
            }
            Ok(response)
        }
        // A device that waits comes every few seconds, and who needs a nonce learns of it by asking.
        Err(failure)
            if matches!(
                failure.error,
                OAuthError::DevicePending
                    | OAuthError::SlowDown(_)
                    | OAuthError::BackchannelPending
                    | OAuthError::BackchannelSlowDown(_)
                    | OAuthError::NonceNeeded
            ) =>
        {
            Err(failure)
        }
        // Nothing failed: the event says what is due, and stands already.
        Err(failure) if failure.error == OAuthError::SecondFactorRequired => Err(failure),
        Err(failure) => {
            let failure = if is_by_resource { in_words_of_resources(failure) } else { failure };
            let mut event =
                events::of_client(if by_profile { "fecte" } else { failure_event(name) }, &client);
            event.description = Some(failure.error.description());
            if let Some(decided) = &failure.decision {
                event.audience.clone_from(&decided.audience);
                events::decided(&mut event, &decided.record);
            }
            events::about_token(&ctx, &mut event);
            events::record(&ctx, event);
            Err(failure)
        }
    }
}

/// Whoever names an API by `resource` is told in the words of RFC 8707 that there is no such one, or not for them.
fn in_words_of_resources(failure: Failure) -> Failure {
    let error = match failure.error {
        OAuthError::NoSuchApi(named) | OAuthError::NoSuchService(named) => {
            OAuthError::InvalidTarget(format!("There is no API for the resource {named}"))
        }
        OAuthError::NotForApi(text) => OAuthError::InvalidTarget(text),
        other => other,
    };
    Failure { error, ..failure }
}

/// What is proven of the sender's key. Public applications prove nothing else, so theirs must be made for this server (fact
/// sheet 6.1).
async fn shown_key(
    ctx: &Ctx,
    headers: &HeaderMap,
    client: &PreparedClient,
) -> Result<Option<String>, Failure> {
    ctx.shown_key(&Sent { method: &Method::POST, path: "/oauth/token", headers }, client.is_public()).await
}

fn parse(ctx: &Ctx, params: &Params) -> Result<TokenRequest, OAuthError> {
    TokenRequest::parse(params, ctx.tenant.settings.hears_resource())
}

async fn answer(
    ctx: &Ctx,
    client: &PreparedClient,
    grant: Grant,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    // Whether tokens may be exchanged is a setting of its own (fact sheet 6.3).
    let may = match &grant {
        Grant::TokenExchange { .. } => client.exchanges_on_behalf(),
        // Whether there is such a profile comes first.
        Grant::ProfileExchange { .. } => true,
        Grant::Assertion { .. } => !client.is_public() && client.may_use(JWT_BEARER),
        other => client.may_use(other.name()),
    };
    // Whoever types a password, or the code that stands for one, into an application has shown it more than a financial-grade
    // profile allows.
    let asks_for_password =
        matches!(&grant, Grant::Password { .. } | Grant::MailedCode { .. } | Grant::SecondFactor { .. });
    if !may || (asks_for_password && client.fapi().is_some()) {
        return Err(OAuthError::GrantNotAllowed(grant.name().to_owned()).into());
    }
    count(ctx, &grant)?;
    // In boxes, so that a machine's request, of which there are the most, does not carry room for the other grants about.
    match grant {
        Grant::AuthorizationCode { code, redirect_uri, code_verifier, resource, authorization_details } => {
            let presented = authorization_code::Presented {
                code,
                redirect_uri,
                code_verifier,
                resource,
                authorization_details,
            };
            Box::pin(authorization_code::exchange(ctx, client, presented, jkt)).await
        }
        Grant::ClientCredentials { audience, scope, organization } => {
            let asked = client_credentials::Asked { audience, scope, organization };
            client_credentials::issue(ctx, client, &asked, jkt).await
        }
        Grant::RefreshToken { refresh_token, audience, scope, authorization_details } => {
            let asked = refresh_token::Asked { audience, scope, authorization_details };
            Box::pin(refresh_token::exchange(ctx, client, &refresh_token, &asked, jkt)).await
        }
        Grant::DeviceCode { device_code, resource } => {
            let presented = device_code::Presented { device_code, resource };
            Box::pin(device_code::exchange(ctx, client, &presented, jkt)).await
        }
        Grant::Backchannel { auth_req_id } => Box::pin(ciba::exchange(ctx, client, &auth_req_id, jkt)).await,
        Grant::SecondFactor { mfa_token, code, kind } => {
            let shown = password::Shown { mfa_token, code, kind };
            Box::pin(password::with_second_factor(ctx, client, &shown, jkt)).await
        }
        Grant::TokenExchange { subject_token, audience, scope } => {
            let asked = on_behalf_of::Asked { subject_token, audience, scope };
            Box::pin(on_behalf_of::exchange(ctx, client, &asked, jkt)).await
        }
        Grant::MailedCode { username, otp, realm, audience, scope } => {
            let typed = passwordless::Typed { username, otp, realm, audience, scope };
            Box::pin(passwordless::sign_in(ctx, client, typed, jkt)).await
        }
        Grant::Passkey { auth_session, authn_response, realm, audience, scope } => {
            let shown = passkey::Shown { auth_session, authn_response, realm, audience, scope };
            Box::pin(passkey::sign_in(ctx, client, shown, jkt)).await
        }
        Grant::ProfileExchange { subject_token, kind, audience, scope } => {
            let shown = foreign::Shown { token: subject_token, kind: Some(kind), audience, scope };
            Box::pin(foreign::exchange(ctx, client, &shown, jkt)).await
        }
        Grant::Assertion { assertion, audience, scope } => {
            let shown = foreign::Shown { token: assertion, kind: None, audience, scope };
            Box::pin(foreign::exchange(ctx, client, &shown, jkt)).await
        }
        Grant::Password { username, password, realm, audience, scope } => {
            let typed = password::Typed { username, password, realm, audience, scope };
            Box::pin(password::sign_in(ctx, client, typed, jkt)).await
        }
    }
}

/// Exchanges have limits of their own, where an operator wants any (fact sheet 13.2).
fn count(ctx: &Ctx, grant: &Grant) -> Result<(), Failure> {
    let left = match grant {
        Grant::ProfileExchange { .. } => ctx.take_overall(Limited::ProfileExchange, ()),
        Grant::TokenExchange { .. } => ctx.take_overall(Limited::OnBehalfOf, ()),
        Grant::Assertion { .. } => ctx.take_overall(Limited::Assertion, ()),
        Grant::SecondFactor { mfa_token, kind: FactorCode::Mailed(_), .. } => {
            ctx.take_overall(Limited::MailedFactor, mfa_token.expose_secret())
        }
        _ => None,
    };
    match left.filter(|left| left.is_spent) {
        Some(left) => Err(TooManyRequests::from(left).into()),
        None => Ok(()),
    }
}

fn failure_event(grant: &str) -> &'static str {
    match grant {
        "authorization_code" => "feacft",
        "client_credentials" => "feccft",
        "refresh_token" => "fertft",
        DEVICE_CODE => "fede",
        CIBA => "ciba_exchange_failed",
        MFA_OTP => "feotpft",
        MFA_OOB => "feoobft",
        PASSKEY_GRANT => "passkey_challenge_failed",
        PASSWORDLESS_OTP => "fepotpft",
        MFA_RECOVERY_CODE => "fercft",
        JWT_BEARER => "idjag_exchange_failure",
        TOKEN_EXCHANGE => "failed_on_behalf_of_token_exchange",
        _ => "fepft",
    }
}
