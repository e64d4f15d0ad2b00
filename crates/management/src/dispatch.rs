//! The one way every request takes: who calls, may they, is it well formed, do it, answer.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{RawPathParams, Request};
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, LINK, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, any};
use chancery_core::claims::machine_subject;
use chancery_core::oauth::OAuthError;
use chancery_core::params::ParamsError;
use chancery_core::problem::Problem;
use chancery_core::rate_limit::Limited;
use chancery_core::records::LogEvent;
use chancery_web::{
    Allowance, App, BodyError, Ctx, DPOP_NONCE, Failure, PROTECTED_RESOURCE, Sent, TokenScheme, access_token,
    json, no_store, point_to_description, read_json, read_json_or_form, read_json_or_page,
};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Caller, internal};
use crate::ops::{Operation, own_table, table};
use crate::query::Query;
use crate::shape::{Shape, check};
use crate::user_token::as_of_now;

/// Every operation under `/api/v2`, and those of our own.
pub fn routes() -> Router<Arc<App>> {
    let mut by_path: HashMap<String, MethodRouter<Arc<App>>> = HashMap::new();
    for operation in table().operations.into_iter().chain(own_table().operations) {
        let Ok(filter) = MethodFilter::try_from(operation.method.clone()) else { continue };
        let path = route(operation.base, operation.path);
        let operation = Arc::new(operation);
        let handler = move |ctx: Ctx, path: RawPathParams, request: Request| {
            let operation = Arc::clone(&operation);
            async move { serve(&operation, ctx, &path, request).await }
        };
        let methods = by_path.remove(&path).unwrap_or_else(|| MethodRouter::new().fallback(no_operation));
        by_path.insert(path, methods.on(filter, handler));
    }
    // For anybody: it says nothing about the tenant.
    let described = axum::routing::get(|_: Ctx| async { json(StatusCode::OK, described()) });
    let exported = axum::routing::get(crate::resources::user_export::download);
    let router =
        Router::new().route("/api/v2/openapi.json", described).route("/api/v2/jobs/{p2}/export", exported);
    let router = crate::scim::add_routes(crate::changes::add_routes(router));
    let router = by_path.into_iter().fold(router, |router, (path, methods)| router.route(&path, methods));
    router.route("/api/v2/{*rest}", any(no_operation))
}

/// Path parameters by position: the contract calls the same place `{id}` here and `{client_id}` there, which routers
/// take for two. An API may be named by its identifier, whose slashes not every client escapes.
fn route(base: &str, path: &str) -> String {
    if path == "/resource-servers/{id}" {
        return format!("{base}/resource-servers/{{*p2}}");
    }
    let parts = path.split('/').enumerate().map(|(position, part)| {
        if part.starts_with('{') { format!("{{p{position}}}") } else { part.to_owned() }
    });
    format!("{base}{}", parts.collect::<Vec<_>>().join("/"))
}

/// The description of the API as text. Made once, when somebody asks: as a tree it is megabytes that few servers need.
fn described() -> &'static RawValue {
    static DOCUMENT: OnceLock<Box<RawValue>> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let text = crate::openapi::document().to_string();
        // What was just printed can be read.
        RawValue::from_string(text).unwrap_or_default()
    })
}

async fn no_operation(_: Ctx) -> Response {
    refuse(&Problem::NoOperation)
}

async fn serve(operation: &Arc<Operation>, ctx: Ctx, path: &RawPathParams, request: Request) -> Response {
    let asked = ctx.clone();
    let mut allowance = None;
    let answer = match prepare(operation, ctx, path, request, &mut allowance).await {
        // What was begun is done and noted, whether or not anybody still waits for the answer.
        Ok(call) if operation.writes() => {
            let done = tokio::spawn(written(Arc::clone(operation), call)).await;
            done.unwrap_or_else(|ended| {
                Err(internal(format!("request {}: {ended}", asked.request_id.as_str())))
            })
        }
        Ok(call) => handled(operation, call).await,
        Err(problem) => Err(problem),
    };
    let mut response = match answer {
        Ok(answer) => respond(&asked, answer),
        Err(problem) => refuse(&problem),
    };
    challenge(&asked, &mut response);
    if let Some(allowance) = allowance {
        say(&mut response, allowance);
    }
    response
}

async fn handled(operation: &Operation, call: Call) -> Result<Answer, Problem> {
    match &operation.handler {
        Some(handler) => handler(call).await,
        None => Err(Problem::NotBuilt),
    }
}

/// The same, with its log event where it was done.
async fn written(operation: Arc<Operation>, call: Call) -> Result<Answer, Problem> {
    let (ctx, caller) = (call.ctx.clone(), call.caller.clone());
    let answer = handled(&operation, call).await?;
    ctx.log(write_event(&operation, answer.status, &caller));
    Ok(answer)
}

/// What is left of the calls of this second, on every answer (fact sheet 11.1).
pub(crate) fn say(response: &mut Response, allowance: Allowance) {
    allowance.say(response.headers_mut());
}

/// Everything before the operation itself.
async fn prepare(
    operation: &Operation,
    ctx: Ctx,
    path: &RawPathParams,
    request: Request,
    allowance: &mut Option<Allowance>,
) -> Result<Call, Problem> {
    let (parts, body) = request.into_parts();
    let sent = Sent { method: &parts.method, path: parts.uri.path(), headers: &parts.headers };
    let caller = admitted(&ctx, &sent, allowance).await?;
    may(operation, &caller)?;
    let path: Vec<_> = operation.parameters().zip(path.iter().map(|(_, value)| value.to_owned())).collect();
    let query = Query::parse(parts.uri.query());
    check_head(operation, &path, &query)?;
    let mut value = Value::Null;
    if let Some(shape) = operation.body() {
        // Only where a text is a body may one come as itself.
        let read = if check(shape, &json!("")).is_ok() {
            read_json_or_page(&ctx.app.config, &parts.headers, body).await
        } else if operation.path == "/jobs/users-imports" {
            read_json_or_form(&ctx.app.config, &parts.headers, body).await
        } else {
            read_json(&ctx.app.config, &parts.headers, body).await
        };
        value = checked_body(shape, read.map_err(|error| unreadable(&error))?)?;
    }
    let wants_csv = wants_csv(&parts.headers);
    Ok(Call { ctx, caller, path, query, body: value, wants_csv, staged: None })
}

/// Whose token it is, if they may call now.
pub(crate) async fn admitted(
    ctx: &Ctx,
    sent: &Sent<'_>,
    allowance: &mut Option<Allowance>,
) -> Result<Caller, Problem> {
    let caller = caller(ctx, sent).await?;
    let whom = (&ctx.tenant.tenant, &caller.client_id, caller.for_themselves());
    let left = ctx.app.management_calls.take(ctx.app.config.management_rate, whom, ctx.now());
    *allowance = Some(left);
    if left.is_spent {
        return Err(Problem::TooMany);
    }
    let overall = match caller.for_themselves() {
        Some(user_id) => ctx.take_overall(Limited::Management, user_id),
        None => ctx.take_overall(Limited::Management, ()),
    };
    if let Some(overall) = overall {
        *allowance = Some(left.scarcer(overall));
        if overall.is_spent {
            *allowance = Some(overall);
            return Err(Problem::TooMany);
        }
    }
    match caller.user_id {
        Some(_) => Ok(Caller { claims: as_of_now(ctx, caller.claims).await?, ..caller }),
        None => Ok(caller),
    }
}

/// Counts the other calls that a request which was [`admitted`] is worth.
pub(crate) fn charge(ctx: &Ctx, caller: &Caller, calls: usize, allowance: &mut Option<Allowance>) {
    let calls = u32::try_from(calls).unwrap_or(u32::MAX);
    let whom = (&ctx.tenant.tenant, &caller.client_id, caller.for_themselves());
    let left = ctx.app.management_calls.take_many(calls, ctx.app.config.management_rate, whom, ctx.now());
    // It was let in, whatever is left.
    let left = Allowance { is_spent: false, ..left };
    *allowance = Some(allowance.map_or(left, |before| before.scarcer(left)));
}

/// Whether there is the operation, and the caller may use it.
pub(crate) fn may(operation: &Operation, caller: &Caller) -> Result<(), Problem> {
    if operation.needs_all {
        caller.needs(&operation.scopes)?;
    } else if !caller.has_any(&operation.scopes) {
        return Err(Problem::InsufficientScope(operation.scopes.clone()));
    }
    if operation.is_built() { Ok(()) } else { Err(Problem::NotBuilt) }
}

/// PostgreSQL stores no U+0000, so nothing is called by one and nothing is kept with one, whatever the engine.
pub(crate) fn check_head(
    operation: &Operation,
    path: &[(&'static str, String)],
    query: &Query,
) -> Result<(), Problem> {
    if let Some((name, _)) = path.iter().find(|(_, value)| value.contains('\0')) {
        return Err(Problem::Path(format!("'{NUL}' on property {name}.")));
    }
    if query.holds('\0') {
        return Err(Problem::query(NUL, ""));
    }
    operation.query().map_or(Ok(()), |shape| query.check(shape))
}

/// A body that has its shape.
pub(crate) fn checked_body(shape: &Shape, mut value: Value) -> Result<Value, Problem> {
    // No body at all is an empty object where nothing is needed.
    if value.is_null() && check(shape, &json!({})).is_ok() {
        value = json!({});
    }
    check(shape, &value).map_err(|fault| Problem::payload(&fault.reason, &fault.path))?;
    if holds_nul(&value) { Err(Problem::payload(NUL, "")) } else { Ok(value) }
}

const NUL: &str = "Text must not hold U+0000";

pub(crate) fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

async fn caller(ctx: &Ctx, sent: &Sent<'_>) -> Result<Caller, Problem> {
    let token = access_token(sent.headers).map_err(|_| Problem::BadAuthorizationHeader)?;
    let (scheme, token) = token.ok_or(Problem::MissingToken)?;
    let audience = &ctx.origin.management_audience;
    let here = (&*ctx.tenant, &*ctx.origin);
    let claims =
        ctx.app.verified_tokens.claims(here, token, audience, ctx.now()).map_err(|error| match error {
            OAuthError::TokenInvalid(why) if why.contains("expired") => Problem::ExpiredToken,
            _ => Problem::InvalidToken,
        })?;
    if scheme == TokenScheme::Dpop || claims.jkt.is_some() || claims.x5t.is_some() {
        let possession = ctx.check_possession(sent, (scheme, token), claims.bound());
        Box::pin(possession).await.map_err(|failure| not_held(&failure))?;
    }
    // A token outlives its application in time, but not in force.
    if ctx.tenant.client(&claims.client_id).is_none() {
        return Err(Problem::InvalidToken);
    }
    // The whole subject is compared: a user's id may end like that of a machine.
    let user_id = Some(&claims.sub).filter(|sub| **sub != machine_subject(&claims.client_id)).cloned();
    Ok(Caller { client_id: Some(claims.client_id.clone()), user_id, claims })
}

fn not_held(failure: &Failure) -> Problem {
    match failure.error {
        OAuthError::Proof(why) => Problem::BadProof(why),
        OAuthError::NonceNeeded => Problem::NonceNeeded,
        OAuthError::TokenInvalid(_) => Problem::InvalidToken,
        OAuthError::Unavailable => Problem::Unavailable,
        _ => Problem::Internal,
    }
}

pub(crate) fn unreadable(error: &BodyError) -> Problem {
    match error {
        BodyError::TooLarge => Problem::TooLarge,
        BodyError::ContentType => Problem::UnsupportedMediaType,
        BodyError::TooSlow => Problem::TooSlow,
        BodyError::Malformed(why @ ParamsError::TooDeep) => Problem::payload(&why.to_string(), ""),
        BodyError::Incomplete | BodyError::Malformed(_) => Problem::NotJson,
    }
}

fn respond(ctx: &Ctx, answer: Answer) -> Response {
    let mut response = match (answer.csv, answer.body) {
        (Some(text), _) => csv(text),
        (None, Some(body)) => json(answer.status, &body),
        (None, None) => no_store(answer.status.into_response()),
    };
    let rev = answer.rev.unwrap_or(ctx.tenant.rev);
    let headers = response.headers_mut();
    headers.insert("x-config-rev", HeaderValue::from(rev));
    if let Some(link) = answer.link.and_then(|link| HeaderValue::try_from(link).ok()) {
        headers.insert(LINK, link);
    }
    response
}

/// Whether a table is asked for before anything else.
fn wants_csv(headers: &axum::http::HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accept.split([',', ';']).next().unwrap_or_default();
    first.trim().eq_ignore_ascii_case("text/csv")
}

fn csv(text: String) -> Response {
    let mut response = no_store(text.into_response());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"access.csv\""));
    response
}

/// A refusal that is about a proof of possession says so in the words of RFC 9449 too, with a nonce for the next one.
pub(crate) fn challenge(ctx: &Ctx, response: &mut Response) {
    if let Some(Challenge(text)) = response.extensions_mut().remove() {
        if let Ok(text) = HeaderValue::try_from(text) {
            response.headers_mut().insert(WWW_AUTHENTICATE, text);
        }
        let description = format!("{}{PROTECTED_RESOURCE}/api/v2/", ctx.origin.issuer);
        point_to_description(response, &description);
    }
    let Some(ProofRefused(code)) = response.extensions_mut().remove() else { return };
    let text = format!("DPoP realm=\"Management\", error=\"{code}\", algs=\"ES256\"");
    if let Ok(text) = HeaderValue::try_from(text) {
        response.headers_mut().insert(WWW_AUTHENTICATE, text);
    }
    response.headers_mut().insert(DPOP_NONCE, ctx.dpop_nonce());
}

/// What a token that is missing, not good or not good enough is told in the header (RFC 6750, section 3): rides on a refusal
/// to [`challenge`].
#[derive(Clone)]
struct Challenge(String);

impl Challenge {
    fn of(problem: &Problem) -> Option<Self> {
        let realm = "Bearer realm=\"Management\"";
        Some(Self(match problem {
            Problem::MissingToken => realm.to_owned(),
            Problem::InvalidToken | Problem::ExpiredToken | Problem::BadSignature => {
                format!("{realm}, error=\"invalid_token\"")
            }
            Problem::InsufficientScope(any_of) => {
                // Any one will do, and whoever asks for more than they need is refused the more of it.
                let scope = any_of.first().copied().unwrap_or_default();
                format!("{realm}, error=\"insufficient_scope\", scope=\"{scope}\"")
            }
            Problem::LackingScopes(all_of) => {
                format!("{realm}, error=\"insufficient_scope\", scope=\"{}\"", all_of.join(" "))
            }
            _ => return None,
        }))
    }
}

/// Rides on a refusal to [`challenge`].
#[derive(Clone, Copy)]
struct ProofRefused(&'static str);

pub(crate) fn refuse(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &problem.body());
    if let Some(challenge) = Challenge::of(problem) {
        response.extensions_mut().insert(challenge);
    }
    if let Problem::BadProof(_) | Problem::NonceNeeded = problem {
        let code = problem.body().code.unwrap_or_default();
        response.extensions_mut().insert(ProofRefused(code));
    }
    response
}

/// The tenant log's line about a write: `sapi`. Bodies are left out, since they can hold secrets.
pub(crate) fn write_event(operation: &Operation, status: StatusCode, caller: &Caller) -> LogEvent {
    let mut details = serde_json::Map::new();
    details.insert(
        "request".to_owned(),
        json!({"method": operation.method.as_str().to_lowercase(), "path": format!("{}{}", operation.base, operation.path), "channel": "api"}),
    );
    details.insert("response".to_owned(), json!({"statusCode": status.as_u16()}));
    LogEvent {
        kind: "sapi".to_owned(),
        description: Some(format!("{} {}", operation.method, operation.path)),
        client_id: caller.client_id.clone(),
        user_id: caller.user_id.clone(),
        details,
        ..LogEvent::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::WIRE;

    #[test]
    fn every_route_can_be_added() {
        let _: Router<Arc<App>> = routes();
        assert_eq!(
            route(WIRE, "/clients/{client_id}/credentials/{id}"),
            "/api/v2/clients/{p2}/credentials/{p4}"
        );
    }
}
