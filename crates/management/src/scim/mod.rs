//! `/scim/v2/connections/{id}`: a company's directory writes its users and groups here (RFC 7643, RFC 7644), with a token
//! that `/connections/{id}/scim-configuration/tokens` gave out. It reaches the accounts of its own connection and nothing
//! else; what a group gives is up to the tenant's administrators.

mod error;
mod groups;
mod mapping;
mod patch;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use chancery_core::iso::parse_ms;
use chancery_core::logout::Initiator;
use chancery_core::model::Connection;
use chancery_core::nesting;
use chancery_core::params::ParamsError;
use chancery_core::rate_limit::Limited;
use chancery_core::records::LogEvent;
use chancery_jose::{base64url, constant_time_eq, sha256};
use chancery_store::Kind;
use chancery_web::{App, BodyError, Ctx, bearer_token, is_heard, json, no_store, read_bytes};
use serde_json::{Map, Value, json};

use self::error::ScimError;
use self::mapping::Mapping;
pub(crate) use self::mapping::Target;
use crate::accounts::Accounts;
use crate::dispatch::holds_nul;
use crate::query::Query;

/// Adds what a directory calls.
pub(crate) fn add_routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router.route("/scim/v2/connections/{id}/{*rest}", any(serve))
}

/// One request of a directory that may make it.
struct Scim {
    ctx: Ctx,
    connection: Connection,
    mapping: Mapping,
    /// The attribute that the ids of users are made of.
    id_attribute: String,
    query: Query,
    body: Map<String, Value>,
}

const VERBS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

type Answer = Result<(StatusCode, Option<Value>), ScimError>;

async fn serve(ctx: Ctx, Path((id, rest)): Path<(String, String)>, request: Request) -> Response {
    let log = ctx.clone();
    let method = request.method().clone();
    let answer = handle(ctx, &id, &rest, request).await;
    let kind = rest.split('/').next().filter(|kind| ["Users", "Groups"].contains(kind)).unwrap_or_default();
    // Whoever has no token leaves nothing in the tenant's log, as at the Management API: it is not theirs to fill.
    if method != Method::GET && !matches!(answer, Err(ScimError::Unauthorized | ScimError::NoEndpoint)) {
        log.log(event(&answer, &method, &id, kind));
    }
    let (status, body) = answer.unwrap_or_else(|error| (error.status(), Some(error.body())));
    let mut response = match &body {
        Some(body) => json(status, body),
        None => no_store(axum::response::IntoResponse::into_response(status)),
    };
    let headers = response.headers_mut();
    if body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json; charset=utf-8"));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Bodies are left out.
fn event(answer: &Answer, method: &Method, connection_id: &str, kind: &str) -> LogEvent {
    let mut details = Map::new();
    details.insert("connection_id".to_owned(), connection_id.into());
    LogEvent {
        kind: if answer.is_ok() { "sscim" } else { "fscim" }.to_owned(),
        description: Some(format!("{method} {kind}")),
        details,
        ..LogEvent::default()
    }
}

async fn handle(ctx: Ctx, id: &str, rest: &str, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let (kind, one) = rest.split_once('/').map_or((rest, None), |(kind, one)| (kind, Some(one)));
    let scope = match kind {
        "Users" | "Groups" if VERBS.contains(&parts.method) => {
            format!("{}:{}", parts.method.as_str().to_lowercase(), kind.to_lowercase())
        }
        "ServiceProviderConfig" if one.is_none() && parts.method == Method::GET => String::new(),
        _ => return Err(ScimError::NoEndpoint),
    };
    let (connection, settings) = admitted(&ctx, id, &scope, &parts.headers).await?;
    if kind == "ServiceProviderConfig" {
        return Ok((StatusCode::OK, Some(provider_config())));
    }
    let body = match parts.method {
        Method::POST | Method::PUT | Method::PATCH => read(&ctx, &parts.headers, body).await?,
        _ => Map::new(),
    };
    let query = Query::parse(parts.uri.query());
    if query.holds('\0')
        || one.is_some_and(|one| one.contains('\0'))
        || body.iter().any(|(name, value)| name.contains('\0') || holds_nul(value))
    {
        return Err(ScimError::Invalid("invalidValue", "Text must not hold U+0000".to_owned()));
    }
    // Attributes are looked for one by one, whatever the case of their names.
    if kind == "Users" && body.values().map(values).sum::<usize>() > MOST_VALUES {
        return Err(ScimError::Invalid("tooMany", "Too many values in one request".to_owned()));
    }
    let id_attribute =
        settings.get("user_id_attribute").and_then(Value::as_str).unwrap_or("externalId").to_owned();
    let mapping = Mapping::read(settings.get("mapping").unwrap_or(&Value::Null));
    let scim = Scim { ctx, connection, mapping, id_attribute, query, body };
    match kind {
        "Users" => users::serve(&scim, &parts.method, one).await,
        _ => groups::serve(&scim, &parts.method, one).await,
    }
}

/// More than anybody writes about one user.
const MOST_VALUES: usize = 2000;

/// How many values there are in one, itself among them.
fn values(value: &Value) -> usize {
    let within: usize = match value {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(members) => members.values().map(values).sum(),
        _ => 0,
    };
    1 + within
}

/// The connection and how it takes users, where the token is one of its own, good and holds the scope. Whoever has no such
/// token learns nothing about connections: all is one answer.
async fn admitted(
    ctx: &Ctx,
    id: &str,
    scope: &str,
    headers: &HeaderMap,
) -> Result<(Connection, Value), ScimError> {
    let token = bearer_token(headers).ok().flatten().ok_or(ScimError::Unauthorized)?;
    let presented = base64url(&sha256(token.as_bytes()));
    let found = match id.contains('\0') {
        true => None,
        false => ctx.app.store.doc(&ctx.tenant.tenant, Kind::ScimConfiguration, id).await?,
    };
    let settings: Value =
        found.and_then(|found| serde_json::from_str(&found.json).ok()).ok_or(ScimError::Unauthorized)?;
    let tokens = settings.get("tokens").and_then(Value::as_array);
    let is_it = |token: &&Value| {
        let digest = token.get("sha256").and_then(Value::as_str).unwrap_or_default();
        constant_time_eq(digest.as_bytes(), presented.as_bytes())
    };
    let token = tokens.into_iter().flatten().find(is_it).ok_or(ScimError::Unauthorized)?;
    let ends = token.get("valid_until").and_then(Value::as_str).map(|text| parse_ms(text).unwrap_or(0));
    if ends.is_some_and(|end| end <= ctx.now_ms) {
        return Err(ScimError::Unauthorized);
    }
    let connection = ctx.tenant.connection(id).ok_or(ScimError::Unauthorized)?;
    let whom = (&ctx.tenant.tenant, &Some(connection.id.clone()));
    if ctx.app.management_calls.take(ctx.app.config.management_rate, whom, ctx.now()).is_spent {
        return Err(ScimError::TooMany);
    }
    // A directory writes users, as whoever calls the Management API does.
    if ctx.take_overall(Limited::Management, ()).is_some_and(|left| left.is_spent) {
        return Err(ScimError::TooMany);
    }
    let scopes = token.get("scopes").and_then(Value::as_array);
    let holds = scope.is_empty() || scopes.into_iter().flatten().any(|held| held == scope);
    if holds {
        Ok((Connection::clone(connection), settings))
    } else {
        Err(ScimError::Scope(scope.to_owned()))
    }
}

async fn read(ctx: &Ctx, headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, ScimError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !["application/scim+json", "application/json"].contains(&kind.as_str()) {
        return Err(ScimError::MediaType);
    }
    let bytes = read_bytes(&ctx.app.config, headers, body).await.map_err(|error| match error {
        BodyError::TooLarge => ScimError::TooLarge,
        _ => ScimError::Invalid("invalidSyntax", "The body did not arrive whole".to_owned()),
    })?;
    match serde_json::from_slice(&bytes) {
        Ok(body) if nesting::is_too_deep(&body) => {
            Err(ScimError::Invalid("invalidSyntax", ParamsError::TooDeep.to_string()))
        }
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(ScimError::Invalid("invalidSyntax", "The body must be a JSON object".to_owned())),
    }
}

/// What this end can do (RFC 7643, section 5).
fn provider_config() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MOST_LISTED},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": false},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A token of the connection's SCIM configuration",
        }],
    })
}

const MOST_LISTED: i64 = 100;

impl Scim {
    fn tenant(&self) -> &str {
        &self.ctx.tenant.tenant
    }

    fn store(&self) -> &chancery_store::Store {
        &self.ctx.app.store
    }

    /// The accounts of the connection.
    fn accounts(&self) -> Accounts<'_> {
        Accounts {
            store: self.store(),
            tenant: self.tenant(),
            connection: &self.connection.name,
            now_ms: self.ctx.now_ms,
            is_heard: is_heard(&self.ctx.tenant, Initiator::AccountDeactivated),
        }
    }

    /// Where a resource is.
    fn location(&self, kind: &str, id: &str) -> String {
        let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        format!("{}scim/v2/connections/{}/{kind}/{id}", self.ctx.origin.issuer, self.connection.id)
    }

    /// `startIndex` counts from one (RFC 7644, section 3.4.2.4): what is before, and at most how many.
    fn page(&self) -> (i64, i64) {
        let number = |name: &str| self.query.text(name).and_then(|text| text.parse::<i64>().ok());
        let before = number("startIndex").unwrap_or(1).max(1) - 1;
        (before, number("count").unwrap_or(MOST_LISTED).clamp(0, MOST_LISTED))
    }

    /// `attribute eq "value"`: the one kind of filter that directories need to find out what is here already.
    fn filter(&self) -> Result<Option<(String, String)>, ScimError> {
        let Some(text) = self.query.text("filter") else { return Ok(None) };
        let refused = || {
            ScimError::Invalid("invalidFilter", "Only filters of the form attribute eq \"value\"".to_owned())
        };
        let mut parts = text.trim().splitn(3, ' ');
        let (Some(name), Some(operator), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refused());
        };
        let value: String = serde_json::from_str(value.trim()).map_err(|_| refused())?;
        if !operator.eq_ignore_ascii_case("eq") || value.contains('\0') {
            return Err(refused());
        }
        Ok(Some((name.to_lowercase(), value)))
    }

    fn listed(&self, total: i64, before: i64, resources: &[Value]) -> Answer {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": total,
            "startIndex": before + 1,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        });
        Ok((StatusCode::OK, Some(body)))
    }

    /// A text of the body.
    fn text(&self, name: &str) -> Option<&str> {
        mapping::member(&self.body, name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}
