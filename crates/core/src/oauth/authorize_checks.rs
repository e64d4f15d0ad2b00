//! The checks of `/authorize`, in the order they run. A failure before the redirect URI is proven is shown on a page;
//! after that it is sent to the application (fact sheet 2.8).

use super::{
    AuthorizationDetail, AuthorizeError, AuthorizeRequest, Challenge, ChallengeMethod, ClaimsParameter,
    FapiRequest, Prompts, RedirectUri, ResponseMode, ResponseType, ScreenHint, authorization_details,
    is_thumbprint, origin_of,
};
use crate::model::{Client, ClientOrganizationUsage, OrganizationPrompt, TenantSettings};
use crate::params::Params;
use crate::second_factor;

/// What the checks look at beside the request.
pub struct Surroundings<'a> {
    /// Settings of the tenant.
    pub settings: &'a TenantSettings,
    /// The application, if `client_id` names one.
    pub client: Option<&'a Client>,
    /// Whether this audience is an API of the tenant.
    pub is_api: &'a dyn Fn(&str) -> bool,
    /// The audience that means userinfo only.
    pub userinfo_audience: &'a str,
    /// Whether the application's server sent the request ahead (RFC 9126).
    pub is_pushed: bool,
    /// Whether the application signed the request (RFC 9101).
    pub is_signed: bool,
    /// Whether the tenant has second factors, which are what an `acr` can ask for.
    pub has_second_factors: bool,
    /// Verifies an `id_token_hint` for this application and returns its subject.
    pub hint_subject: &'a dyn Fn(&str) -> Option<String>,
}

/// Where a failure goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckFailure {
    /// To the error page, with the status.
    Page {
        /// HTTP status.
        status: u16,
        /// What is said.
        error: AuthorizeError,
    },
    /// To the application.
    Redirect {
        /// The proven redirect URI.
        redirect_uri: RedirectUri,
        /// How.
        mode: ResponseMode,
        /// To be echoed.
        state: Option<String>,
        /// What is said.
        error: AuthorizeError,
    },
}

/// Runs every check.
pub fn check(params: &Params, around: &Surroundings<'_>) -> Result<AuthorizeRequest, CheckFailure> {
    let page = |(status, error)| CheckFailure::Page { status, error };
    not_too_large(params).map_err(page)?;
    let client = known_client(params, around).map_err(page)?;
    let redirect_uri = registered_redirect_uri(params, client, around.settings).map_err(page)?;
    let response_type = present_response_type(params).map_err(page)?;

    let wanted = ResponseType::parse(response_type);
    let mode = wanted_mode(params, wanted, &redirect_uri);
    let refuse = |error: AuthorizeError| match client.shows_errors_on_page() {
        true => CheckFailure::Page { status: 400, error },
        false => CheckFailure::Redirect {
            redirect_uri: redirect_uri.clone(),
            mode,
            state: params.get("state").map(str::to_owned),
            error,
        },
    };
    let rest = || {
        no_repetition(params)?;
        only_known_parameters(params, client)?;
        no_request_objects(params)?;
        pushed_where_needed(client, around.is_pushed)?;
        signed_where_needed(client, around.is_signed)?;
        let response_type = supported_response_type(response_type, wanted, client)?;
        let response_mode = sound_mode(params, response_type, &redirect_uri)?;
        let challenge = pkce(params, client, around.settings, response_type)?;
        if let Some(fapi) = client.fapi() {
            let (is_pushed, challenge) = (around.is_pushed, challenge.as_ref());
            let redirect_uri = &redirect_uri;
            fapi.check(&FapiRequest { is_pushed, redirect_uri, response_type, response_mode, challenge })?;
        }
        nonce_where_needed(params, response_type)?;
        let prompts = params.get("prompt").map_or(Ok(Prompts::default()), Prompts::parse);
        let scope = scope(params)?;
        let demands = demands(params)?;
        let own = client.openid.as_deref();
        let (audience, further) = resources(params, around, response_type)?;
        Ok(AuthorizeRequest {
            client_id: client.client_id.clone(),
            redirect_uri: redirect_uri.clone(),
            redirect_uri_sent: params.get("redirect_uri").is_some(),
            response_type,
            response_mode,
            state: params.get("state").map(str::to_owned),
            nonce: params.get("nonce").map(str::to_owned),
            scope,
            audience,
            further,
            challenge,
            prompts: prompts.map_err(AuthorizeError::invalid)?,
            max_age: max_age(params)?.or(own.and_then(|own| own.default_max_age)),
            wants_second_factor: wants_second_factor(params, client, around, &demands)?,
            wants_auth_time: demands.auth_time || own.is_some_and(|own| own.require_auth_time),
            claims: Some(&demands.claims).filter(|claims| !claims.is_empty()).cloned(),
            login_hint: params.get("login_hint").map(|h| h.chars().take(254).collect()),
            screen_hint: params.get("screen_hint").and_then(ScreenHint::parse),
            ui_locales: params.get("ui_locales").map(str::to_owned),
            connection: params.get("connection").map(str::to_owned),
            organization: organization(params, client)?,
            invitation: invitation(params)?,
            dpop_jkt: dpop_jkt(params)?,
            authorization_details: details(params)?,
            hinted_user: hinted_user(params, around, demands.subject)?,
            device: None,
        })
    };
    rest().map_err(refuse)
}

type PageFailure = (u16, AuthorizeError);

fn known_client<'a>(params: &Params, around: &Surroundings<'a>) -> Result<&'a Client, PageFailure> {
    let id = params.get("client_id");
    let id = id.ok_or_else(|| (400, AuthorizeError::invalid("Missing required parameter: client_id")))?;
    let known = around.client.filter(|c| !c.global.unwrap_or(false));
    known.ok_or_else(|| (400, AuthorizeError::invalid(format!("Unknown client: {id}"))))
}

/// What is put aside while pages are shown is kept for anybody who asks: a form could otherwise leave a megabyte each time.
fn not_too_large(params: &Params) -> Result<(), PageFailure> {
    match params.pairs().map(|(name, value)| name.len() + value.len()).sum::<usize>() {
        0..=MOST_BYTES => Ok(()),
        _ => Err((413, AuthorizeError::invalid("The request is too large"))),
    }
}

/// More than most browsers and proxies let through in a query.
const MOST_BYTES: usize = 16 << 10;

/// A request without `redirect_uri` goes to the first registered callback, on the wire: OpenID Connect Core 3.1.2.1 and FAPI 2.0
/// (section 5.3.2.2) want it in every request. A `web_message` request may name its origin.
fn registered_redirect_uri(
    params: &Params,
    client: &Client,
    settings: &TenantSettings,
) -> Result<RedirectUri, PageFailure> {
    let callbacks = || client.callbacks.iter().flatten().map(String::as_str);
    let mut sent = params.all("redirect_uri");
    let first = sent.next();
    if sent.next().is_some() {
        return Err((400, AuthorizeError::invalid("Parameter sent more than once: redirect_uri")));
    }
    let Some(uri) = first else {
        let is_openid = params.get("scope").unwrap_or_default().split(' ').any(|scope| scope == "openid");
        let is_needed = client.fapi().is_some() || (settings.is_oidc_strict() && is_openid);
        let default = callbacks().next().filter(|_| !is_needed).and_then(|c| RedirectUri::allowed(c, [c]));
        return default
            .ok_or_else(|| (400, AuthorizeError::invalid("Missing required parameter: redirect_uri")));
    };
    if client.describes_itself() {
        let found = RedirectUri::allowed_at_any_port(uri, callbacks());
        return found.ok_or_else(|| callback_mismatch(uri));
    }
    let exact_only = client.is_strict_third_party();
    let candidates = callbacks().filter(|c| !exact_only || !c.contains('*'));
    if let Some(found) = RedirectUri::allowed(uri, candidates) {
        return Ok(found);
    }
    let origins = client.web_origins.iter().flatten().map(String::as_str).chain(callbacks());
    let by_message = params.get("response_mode") == Some("web_message");
    let found = by_message.then(|| RedirectUri::allowed_origin(uri, origins)).flatten();
    found.ok_or_else(|| callback_mismatch(uri))
}

fn callback_mismatch(uri: &str) -> PageFailure {
    let text = format!("Callback URL mismatch. {uri} is not in the list of allowed callback URLs");
    (403, AuthorizeError::new("unauthorized_client", text))
}

/// Missing altogether goes to the error page, as observed (fact sheet 2.8).
fn present_response_type(params: &Params) -> Result<&str, PageFailure> {
    let sent = params.get("response_type");
    sent.ok_or_else(|| (400, AuthorizeError::invalid("Missing required parameter: response_type")))
}

/// How an error travels: as the request wanted, if that makes sense. A custom scheme has no window a message could be
/// posted to, but the application behind it can be redirected to.
fn wanted_mode(
    params: &Params,
    response_type: Option<ResponseType>,
    redirect_uri: &RedirectUri,
) -> ResponseMode {
    let default = response_type.map_or(ResponseMode::Query, ResponseType::default_mode);
    match params.get("response_mode").and_then(|text| ResponseMode::parse(text, response_type)) {
        Some(ResponseMode::Query) | None => default,
        Some(ResponseMode::QueryJwt) if response_type.is_some_and(ResponseType::is_front_channel) => {
            ResponseMode::FragmentJwt
        }
        Some(ResponseMode::WebMessage) if origin_of(redirect_uri.as_str()).is_none() => default,
        Some(mode) => mode,
    }
}

pub(super) fn no_repetition(params: &Params) -> Result<(), AuthorizeError> {
    match params.repeated() {
        Some(name) => Err(AuthorizeError::invalid(format!("Parameter sent more than once: {name}"))),
        None => Ok(()),
    }
}

/// Strict third-party applications may send only these (fact sheet 1.11).
fn only_known_parameters(params: &Params, client: &Client) -> Result<(), AuthorizeError> {
    const KNOWN: [&str; 20] = [
        "acr_values",
        "audience",
        "authorization_details",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "connection",
        "correlation_id",
        "display",
        "dpop_jkt",
        "login_hint",
        "max_age",
        "nonce",
        "organization",
        "prompt",
        "redirect_uri",
        "resource",
        "response_type",
        "scope",
        "state",
    ];
    if !client.is_strict_third_party() {
        return Ok(());
    }
    let known = |name: &str| KNOWN.contains(&name) || name == "ui_locales" || name.starts_with("ext-");
    match params.names().find(|n| !known(n)) {
        Some(name) => Err(AuthorizeError::invalid(format!("Parameter not allowed: {name}"))),
        None => Ok(()),
    }
}

/// What is signed was opened before, where the application has keys for it; a `request_uri` that is not ours is not followed.
/// A request that relies on them must not be read without them (OpenID Connect Core 6.1 names these codes).
fn no_request_objects(params: &Params) -> Result<(), AuthorizeError> {
    if params.get("request").is_some() {
        return Err(AuthorizeError::new("request_not_supported", "Parameter not supported: request"));
    }
    if params.get("request_uri").is_some() {
        return Err(AuthorizeError::new("request_uri_not_supported", "Parameter not supported: request_uri"));
    }
    Ok(())
}

/// An application may say that it sends every request ahead: then nobody else can make one up for it.
fn pushed_where_needed(client: &Client, is_pushed: bool) -> Result<(), AuthorizeError> {
    match client.require_pushed_authorization_requests.unwrap_or(false) && !is_pushed {
        true => Err(AuthorizeError::invalid("The client must push its authorization requests")),
        false => Ok(()),
    }
}

/// An application may say that it signs every request: then nobody on the way can change one, or make one up.
fn signed_where_needed(client: &Client, is_signed: bool) -> Result<(), AuthorizeError> {
    match client.signs_its_requests() && !is_signed {
        true => Err(AuthorizeError::invalid("The client must sign its authorization requests")),
        false => Ok(()),
    }
}

fn supported_response_type(
    text: &str,
    parsed: Option<ResponseType>,
    client: &Client,
) -> Result<ResponseType, AuthorizeError> {
    let unsupported =
        || AuthorizeError::new("unsupported_response_type", format!("Unsupported response type: {text}"));
    let parsed = parsed.ok_or_else(unsupported)?;
    if client.is_strict_third_party() && parsed.is_front_channel() {
        return Err(unsupported());
    }
    let needs = [(parsed.code, "authorization_code"), (parsed.is_front_channel(), "implicit")];
    match needs.into_iter().find(|(needed, grant)| *needed && !client.may_use(grant)) {
        Some((_, grant)) => {
            let text = format!("Grant type '{grant}' not allowed for the client.");
            Err(AuthorizeError::new("unauthorized_client", text))
        }
        None => Ok(parsed),
    }
}

/// Tokens never travel in a query (OAuth 2.0 Multiple Response Types section 3).
fn sound_mode(
    params: &Params,
    response_type: ResponseType,
    redirect_uri: &RedirectUri,
) -> Result<ResponseMode, AuthorizeError> {
    let Some(text) = params.get("response_mode") else { return Ok(response_type.default_mode()) };
    let mode = ResponseMode::parse(text, Some(response_type));
    let mode = mode.ok_or_else(|| AuthorizeError::invalid(format!("Unsupported response mode: {text}")))?;
    if mode.is_query() && response_type.is_front_channel() {
        return Err(AuthorizeError::invalid(format!("response_mode={text} cannot carry tokens")));
    }
    if mode == ResponseMode::WebMessage && origin_of(redirect_uri.as_str()).is_none() {
        return Err(AuthorizeError::invalid("response_mode=web_message needs an http or https redirect_uri"));
    }
    Ok(mode)
}

/// RFC 7636, and who must use it.
fn pkce(
    params: &Params,
    client: &Client,
    settings: &TenantSettings,
    response_type: ResponseType,
) -> Result<Option<Challenge>, AuthorizeError> {
    // A code of the dashboard is an administrator's: worthless to whoever reads it somewhere.
    let strict = client.is_strict_third_party()
        || client.require_pkce.unwrap_or(false)
        || client.client_id == crate::dashboard::CLIENT_ID;
    let for_public = client.is_public() && settings.flags.require_pkce_for_public_clients.unwrap_or(false);
    let method = params.get("code_challenge_method");
    let Some(value) = params.get("code_challenge") else {
        if response_type.code && (strict || for_public) {
            return Err(AuthorizeError::invalid("Missing required parameter: code_challenge"));
        }
        if method.is_some() {
            return Err(AuthorizeError::invalid("code_challenge_method without code_challenge"));
        }
        return Ok(None);
    };
    let method = ChallengeMethod::parse(method.unwrap_or("plain"))
        .ok_or_else(|| AuthorizeError::invalid("code_challenge_method must be S256 or plain"))?;
    if strict && method == ChallengeMethod::Plain {
        return Err(AuthorizeError::invalid("code_challenge_method must be S256"));
    }
    if !Challenge::is_well_formed(value) {
        return Err(AuthorizeError::invalid("code_challenge must be 43 to 128 unreserved characters"));
    }
    Ok(Some(Challenge { value: value.to_owned(), method }))
}

/// RFC 9396. Which types there are is the API's to say.
pub(super) fn details(params: &Params) -> Result<Vec<AuthorizationDetail>, AuthorizeError> {
    let sent = params.get("authorization_details").map(authorization_details);
    Ok(sent.transpose().map_err(AuthorizeError::details)?.unwrap_or_default())
}

/// An ID token from the front channel without a nonce could be replayed.
fn nonce_where_needed(params: &Params, response_type: ResponseType) -> Result<(), AuthorizeError> {
    match response_type.id_token && params.get("nonce").is_none() {
        true => Err(AuthorizeError::invalid("Missing required parameter: nonce")),
        false => Ok(()),
    }
}

pub(super) fn scope(params: &Params) -> Result<String, AuthorizeError> {
    let scope = params.get("scope").unwrap_or_default();
    if scope.bytes().any(|b| b.is_ascii_control()) {
        return Err(AuthorizeError::new("invalid_scope", "Scopes are separated by single spaces"));
    }
    let has = |wanted: &str| scope.split(' ').any(|s| s == wanted);
    if has("online_access") && has("offline_access") {
        return Err(AuthorizeError::invalid("Cannot request both online_access and offline_access scopes"));
    }
    Ok(scope.to_owned())
}

/// An invitation is to an organization, which is named beside it.
fn invitation(params: &Params) -> Result<Option<String>, AuthorizeError> {
    match params.get("invitation").filter(|ticket| !ticket.is_empty()) {
        Some(_) if params.get("organization").is_none() => {
            Err(AuthorizeError::invalid("parameter organization is required"))
        }
        ticket => Ok(ticket.map(|ticket| ticket.chars().take(64).collect())),
    }
}

/// RFC 9449, section 10.
fn dpop_jkt(params: &Params) -> Result<Option<String>, AuthorizeError> {
    match params.get("dpop_jkt") {
        Some(jkt) if !is_thumbprint(jkt) => {
            Err(AuthorizeError::invalid("dpop_jkt must be the SHA-256 thumbprint of a key, base64url"))
        }
        jkt => Ok(jkt.map(str::to_owned)),
    }
}

/// The organization that users sign in to (fact sheet 11.4). Where a page of ours asks the user, the request may leave it
/// open.
pub(super) fn organization(params: &Params, client: &Client) -> Result<Option<String>, AuthorizeError> {
    let named = params.get("organization").filter(|named| !named.is_empty());
    match (client.organization_usage_of_users(), named) {
        (ClientOrganizationUsage::Deny, Some(_)) => {
            Err(AuthorizeError::invalid("parameter organization is not allowed for this client"))
        }
        (ClientOrganizationUsage::Require, None)
            if client.organization_prompt() == OrganizationPrompt::NoPrompt =>
        {
            Err(AuthorizeError::invalid("parameter organization is required"))
        }
        (_, named) => Ok(named.map(str::to_owned)),
    }
}

/// APIs that one request may name.
const MOST_RESOURCES: usize = 5;

/// One API, or several by `resource` (RFC 8707): they are decided about one after the other, the first last, and each token is for
/// one of them.
fn resources(
    params: &Params,
    around: &Surroundings<'_>,
    response_type: ResponseType,
) -> Result<(Option<String>, Vec<String>), AuthorizeError> {
    let mut named: Vec<&str> = Vec::new();
    if params.get("audience").is_none() && around.settings.hears_resource() {
        for api in params.all("resource").filter(|api| !api.is_empty() && *api != around.userinfo_audience) {
            if !named.contains(&api) {
                named.push(api);
            }
        }
    }
    let Some((last, others)) = named.split_last().filter(|(_, others)| !others.is_empty()) else {
        return Ok((audience(params, around)?, Vec::new()));
    };
    if named.len() > MOST_RESOURCES {
        return Err(AuthorizeError::invalid_target(format!("A request may name {MOST_RESOURCES} resources")));
    }
    if !response_type.code || response_type.is_front_channel() {
        // A token that comes at once is for one API.
        return Err(AuthorizeError::invalid_target("Several resources need response_type=code"));
    }
    if params.has("authorization_details") {
        return Err(AuthorizeError::invalid_target(
            "authorization_details are for one resource: name it alone",
        ));
    }
    match named.iter().find(|api| !(around.is_api)(api)) {
        Some(api) => {
            let shown: String = api.chars().take(200).collect();
            Err(AuthorizeError::invalid_target(format!("There is no API for the resource {shown}")))
        }
        None => Ok((Some((*last).to_owned()), others.iter().map(|api| (*api).to_owned()).collect())),
    }
}

/// Fact sheet 2.4: one API, possibly with userinfo beside it.
pub(super) fn audience(params: &Params, around: &Surroundings<'_>) -> Result<Option<String>, AuthorizeError> {
    let named: Vec<&str> = match params.get("audience") {
        Some(_) => params.all("audience").flat_map(|a| a.split(' ')).collect(),
        None if around.settings.hears_resource() => params.all("resource").collect(),
        None => vec![],
    };
    let mut apis = named.into_iter().filter(|a| !a.is_empty() && *a != around.userinfo_audience);
    let named_something = params.get("audience").is_some();
    let first = apis.next();
    if apis.any(|other| Some(other) != first) {
        // Where several may be named, `resources` has seen to it.
        return Err(match named_something {
            true => AuthorizeError::invalid("An access token is for one API: name one audience"),
            false => AuthorizeError::invalid_target("An access token is for one API: name one resource"),
        });
    }
    let chosen = match first {
        Some(api) => Some(api),
        None if named_something => None,
        None => around.settings.default_audience().filter(|a| *a != around.userinfo_audience),
    };
    match chosen {
        Some(api) if !(around.is_api)(api) && !named_something && first.is_some() => {
            Err(AuthorizeError::invalid_target(format!("There is no API for the resource {api}")))
        }
        Some(api) if !(around.is_api)(api) => Err(match first {
            Some(_) => AuthorizeError::no_such_api(api),
            None => AuthorizeError::no_such_api(&around.settings.unknown_default(api)),
        }),
        chosen => Ok(chosen.map(str::to_owned)),
    }
}

fn max_age(params: &Params) -> Result<Option<i64>, AuthorizeError> {
    let Some(text) = params.get("max_age") else { return Ok(None) };
    match text.parse() {
        Ok(seconds) if (0..=i64::from(i32::MAX)).contains(&seconds) => Ok(Some(seconds)),
        _ => Err(AuthorizeError::invalid("max_age must be a whole number of seconds")),
    }
}

/// `claims` (OpenID Connect Core 5.5).
fn demands(params: &Params) -> Result<ClaimsParameter, AuthorizeError> {
    let sent = params.get("claims").map(ClaimsParameter::parse).transpose();
    Ok(sent.map_err(AuthorizeError::invalid)?.unwrap_or_default())
}

/// Whether `acr_values`, `claims`, or what the application registered asks for a second factor, which is the one class that
/// this server proves. Where the tenant says which values there are, others are refused (fact sheet 2.1); by the
/// specification they are wishes.
fn wants_second_factor(
    params: &Params,
    client: &Client,
    around: &Surroundings<'_>,
    demands: &ClaimsParameter,
) -> Result<bool, AuthorizeError> {
    let settings = around.settings;
    let defaults = || client.openid.as_ref().map(|own| own.default_acr_values.join(" ")).unwrap_or_default();
    let values = params.get("acr_values").map_or_else(defaults, str::to_owned);
    if let Some(known) = settings.acr_values().filter(|_| !settings.is_oidc_strict())
        && let Some(unknown) =
            values.split(' ').find(|value| !value.is_empty() && !known.iter().any(|known| known == value))
    {
        let unknown: String = unknown.chars().take(200).collect();
        return Err(AuthorizeError::invalid(format!(
            "acr_values names a value that is not supported: {unknown}"
        )));
    }
    let by_claim = demands.acr_values.iter().any(|value| second_factor::is_wanted(value));
    if demands.acr_is_essential && !(by_claim && around.has_second_factors) {
        // To go on would be to say that it was met (OpenID Connect Core 5.5.1.1).
        return Err(AuthorizeError::new(
            "unmet_authentication_requirements",
            "claims demands an acr that this server does not prove",
        ));
    }
    Ok(by_claim || second_factor::is_wanted(&values))
}

/// A hint that does not verify is an error: answering for another user than the one meant would be worse. So is one that
/// `claims` contradicts.
fn hinted_user(
    params: &Params,
    around: &Surroundings<'_>,
    demanded: Option<String>,
) -> Result<Option<String>, AuthorizeError> {
    let Some(hint) = params.get("id_token_hint") else { return Ok(demanded) };
    let subject = (around.hint_subject)(hint)
        .ok_or_else(|| AuthorizeError::invalid("id_token_hint is not an ID token of this application"))?;
    match demanded {
        Some(demanded) if demanded != subject => {
            Err(AuthorizeError::invalid("id_token_hint and claims name two users"))
        }
        _ => Ok(Some(subject)),
    }
}
