//! `POST /oauth/device/code`: a device without a browser asks for a code that its user types elsewhere (RFC 8628 section
//! 3.1, fact sheet 9.8).

use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::model::SubjectType;
use chancery_core::oauth::{
    ClientProof, DEVICE_LIFETIME, OAuthError, POLL_INTERVAL, Surroundings, detail_kind, device_request,
    plain, user_code,
};
use chancery_core::params::Params;
use chancery_core::records::DeviceRecord;
use chancery_core::scope::{AskedScopes, Flow, Request, UserPermissions, admits_detail, decide};
use chancery_store::{Error, PreparedClient};
use chancery_web::{Audience, Ctx, Failure, Form, TooManyRequests, client_grant, json};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::client_auth::authenticate;
use crate::decision::refused;
use crate::events;

/// Requests a second from one address (fact sheet 13.2).
const MOST_A_SECOND: u32 = 5;
/// A code that another device has is drawn again so often: with a thousand million codes the second draw is free.
const DRAWS: usize = 5;

/// Checks all that `/authorize` checks, and answers with both codes.
pub(crate) async fn begin(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    let is_strict = ctx.tenant.settings.is_oidc_strict();
    answered(ctx, headers, params).await.map_err(|failure| failure.as_specified(is_strict))
}

async fn answered(ctx: Ctx, headers: HeaderMap, params: Params) -> Result<Response, Failure> {
    let whom = ("device", &ctx.tenant.tenant, ctx.ip);
    let left = ctx.app.management_calls.take(MOST_A_SECOND, whom, ctx.now());
    if left.is_spent {
        return Err(TooManyRequests::from(left).into());
    }
    let proof = ClientProof::parse(&params)?;
    let client = authenticate(&ctx, &headers, &proof).await?;
    let mut record = accepted(&ctx, &client, &params).inspect_err(|failure| log(&ctx, &client, failure))?;
    let handle = Handle::generate(&*ctx.app.rng, ctx.now_ms);
    remember(&ctx, &handle, &mut record).await?;
    let page = format!("{}activate", ctx.origin.issuer);
    let mut query = Params::default();
    query.push("user_code", record.user_code.as_str());
    let body = json!({
        "device_code": handle.expose(),
        "user_code": record.user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?{}", query.encode()),
        "expires_in": DEVICE_LIFETIME,
        "interval": POLL_INTERVAL,
    });
    let mut response = json(StatusCode::OK, &body);
    left.say(response.headers_mut());
    Ok(response)
}

/// What the device may ask for. Whether the application may have the API at all is known before any user takes part.
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
    let record = device_request(params, &around, ctx.now())?;
    judged(ctx, client, record, (Flow::DeviceCode, "device_code"))
}

/// Refuses what the application cannot have whoever its user is. `name` is that of the flow in explanations.
pub(crate) fn judged(
    ctx: &Ctx,
    client: &PreparedClient,
    mut record: DeviceRecord,
    (flow, name): (Flow<'_>, &'static str),
) -> Result<DeviceRecord, Failure> {
    let audience = match &record.audience {
        None => Audience::Userinfo,
        Some(named) => Audience::resolve(&ctx.tenant, &ctx.origin, Some(named))?,
    };
    let request = Request {
        flow,
        client,
        target: audience.target(),
        asked: &AskedScopes::parse(&record.scope),
        grant: client_grant(&ctx.tenant, client, &audience, SubjectType::User),
        permissions: &UserPermissions::NONE,
        consented: None,
        organization: None,
    };
    decide(&request).map_err(|denied| refused(&denied, ctx, &request, name))?;
    let api = audience.plain_api();
    let mut kinds = record.authorization_details.iter().map(detail_kind);
    let unknown = kinds.find(|kind| !api.is_some_and(|api| admits_detail(client, api, request.grant, kind)));
    if let Some(kind) = unknown {
        let named: String = plain(kind).chars().take(200).collect();
        return Err(OAuthError::AuthorizationDetails(format!(
            "The application may not ask the API for authorization_details of type {named}"
        ))
        .into());
    }
    // The browser may come by another of the tenant's hosts.
    record.audience = audience.identifier().map(str::to_owned);
    Ok(record)
}

async fn remember(ctx: &Ctx, handle: &Handle, record: &mut DeviceRecord) -> Result<(), Failure> {
    for _ in 0..DRAWS {
        record.user_code = user_code(ctx.tenant.settings.device_flow.as_ref(), &*ctx.app.rng);
        match ctx.app.store.insert_device_code(&ctx.tenant.tenant, handle, record).await {
            Err(Error::Conflict) => {}
            other => return Ok(other?),
        }
    }
    Err(Failure::new(OAuthError::Unavailable))
}

fn log(ctx: &Ctx, client: &PreparedClient, failure: &Failure) {
    let mut event = events::of_client("fdeaz", client);
    event.description = Some(failure.error.description().chars().take(500).collect());
    if let Some(decided) = &failure.decision {
        event.audience.clone_from(&decided.audience);
        events::decided(&mut event, &decided.record);
    }
    events::about_token(ctx, &mut event);
    events::record(ctx, event);
}
