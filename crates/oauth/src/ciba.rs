//! `POST /bc-authorize`: an application asks for a user who is elsewhere (OpenID CIBA Core 1.0, section 7; fact sheet 9.9). The
//! user is told by mail and answers on a page; the request waits where those of devices do.

use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::oauth::{
    ClientProof, OAuthError, POLL_INTERVAL, Surroundings, backchannel_request, link_code, notification_token,
    unknown_user,
};
use chancery_core::params::Params;
use chancery_core::records::DeviceRecord;
use chancery_core::scope::Flow;
use chancery_store::PreparedClient;
use chancery_web::{Ctx, Failure, Form, Rate, admits, json};
use http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::authorize::signed;
use crate::client_auth::authenticate;
use crate::device::judged;
use crate::events;
use crate::ping::endpoint;

/// Per address: 500 at once, one a second (fact sheet 13.2).
const STARTS: Rate = Rate { name: "bc-authorize", burst: 500, every: 1 };

/// Members of a request that say who sends it, and may stand beside a signed one.
const PROOF: [&str; 5] =
    ["client_id", "client_secret", "client_assertion", "client_assertion_type", "request"];

/// Checks all that `/authorize` checks, tells the user, and answers with what the application asks again with.
pub(crate) async fn begin(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    let is_strict = ctx.tenant.settings.is_oidc_strict();
    answered(ctx, headers, params).await.map_err(|failure| failure.as_specified(is_strict))
}

async fn answered(ctx: Ctx, headers: HeaderMap, params: Params) -> Result<Response, Failure> {
    let left = ctx.app.rates.take(STARTS, ctx.ip, &ctx.tenant.tenant, ctx.now())?;
    let client = authenticate(&ctx, &headers, &ClientProof::parse(&params)?).await?;
    let begun = ask(&ctx, &client, params).await;
    let mut event = match &begun {
        Ok(_) => events::of_client("ciba_start_succeeded", &client),
        Err(failure) => {
            let mut event = events::of_client("ciba_start_failed", &client);
            event.description = Some(failure.error.description().chars().take(500).collect());
            event
        }
    };
    if begun.is_ok() {
        event.details.insert("notification_channel".to_owned(), "email".into());
    }
    events::record(&ctx, event);
    let (handle, record) = begun?;
    let body = json!({
        "auth_req_id": handle.expose(),
        "expires_in": record.expires_at - ctx.now(),
        "interval": POLL_INTERVAL,
    });
    let mut response = json(StatusCode::OK, &body);
    left.say(response.headers_mut());
    Ok(response)
}

async fn ask(ctx: &Ctx, client: &PreparedClient, params: Params) -> Result<(Handle, DeviceRecord), Failure> {
    let params = &Box::pin(signed_or_not(ctx, client, params)).await?;
    let mut record = accepted(ctx, client, params)?;
    let asked = record.backchannel.clone().unwrap_or_default();
    let user = ctx.app.store.user(&ctx.tenant.tenant, &asked.user_id).await?.ok_or_else(unknown_user)?;
    // Whoever could not sign in to this application is unknown to it.
    if !user.identities.iter().any(|identity| admits(&ctx.tenant, client, &identity.connection)) {
        return Err(unknown_user().into());
    }
    record.user_code = link_code(&*ctx.app.rng);
    let handle = Handle::generate(&*ctx.app.rng, ctx.now_ms);
    let (tenant, store) = (&ctx.tenant.tenant, &ctx.app.store);
    let ping = notification_token(params, &client.client)?;
    let ping = ping.filter(|_| endpoint(client).is_some());
    let ping = ping.map(|token| {
        store.keep_ping(tenant, &handle, (&client.client_id, token.expose_secret()), record.expires_at)
    });
    store.insert_backchannel_request(tenant, &handle, &record, ping.transpose()?).await?;
    // A blocked user is asked nothing, and the application learns nothing of that: nobody answers.
    if !user.is_blocked() {
        let link = format!("{}/u/approve?code={}", ctx.origin.base, record.user_code);
        ctx.mail_approval(&user, (&client.client_id, &asked.message), &link);
    }
    Ok((handle, record))
}

/// What was asked for. A signed request is the whole of it: nothing may stand beside it (CIBA Core, section 7.1.1). Financial
/// profiles have no other (FAPI-CIBA, section 5.2.2), nor has who says so of all its requests.
async fn signed_or_not(ctx: &Ctx, client: &PreparedClient, params: Params) -> Result<Params, OAuthError> {
    let Some(object) = params.get("request") else {
        return match client.fapi().is_some() || client.signs_its_requests() {
            true => Err(OAuthError::Invalid("The client must sign its authentication requests".to_owned())),
            false => Ok(params),
        };
    };
    if let Some(name) = params.names().find(|name| !PROOF.contains(name)) {
        return Err(OAuthError::Invalid(format!("{name} must not stand beside a signed request")));
    }
    if let Some(name) = params.repeated() {
        return Err(OAuthError::Repeated(name.to_owned()));
    }
    // CIBA Core, section 13, has no code of its own for these.
    Box::pin(signed::backchannel(ctx, object, client)).await.map_err(|error| OAuthError::Invalid(error.text))
}

/// Whether the application may have the API at all is known before any user takes part.
fn accepted(ctx: &Ctx, client: &PreparedClient, params: &Params) -> Result<DeviceRecord, Failure> {
    let around = Surroundings {
        settings: &ctx.tenant.settings,
        client: Some(&client.client),
        is_api: &|audience| ctx.tenant.resolve_api(&ctx.origin, audience).is_some(),
        userinfo_audience: &ctx.origin.userinfo_audience,
        is_pushed: false,
        is_signed: false,
        has_second_factors: ctx.tenant.second_factors.are_there(),
        hint_subject: &|_| None,
    };
    let record = backchannel_request(params, &around, &|issuer| issuer == ctx.origin.issuer, ctx.now())?;
    judged(ctx, client, record, (Flow::Backchannel, "ciba"))
}
