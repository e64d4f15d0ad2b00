//! Applications that register themselves (RFC 7591, OpenID Connect Dynamic Client Registration 1.0, fact sheet 9.3): what they
//! say of themselves is hostile until it was read here.

mod answer;
mod encryption;
mod logout;
mod members;
mod uris;

use serde_json::{Map, Value};

pub use answer::registered;
pub use encryption::{EncryptedResponse, REQUEST_ENCRYPTIONS, encryption_key, encryption_keys};
use logout::Logout;
use members::Members;

use super::ResponseType;
use super::client_metadata::{LONGEST_NAME, is_unfit_for_names};
use super::redirect_uri::is_loopback_host;
use crate::claims::sector_of;
use crate::model::{
    AppType, Client, ClientAuthenticationMethods, ExpirationType, JwtConfiguration, OpenId, PING,
    PrivateKeyJwt, RefreshTokenSettings, SecurityMode, TokenEndpointAuthMethod,
};

/// Bytes of the largest registration.
pub const LARGEST_REGISTRATION: usize = 64 << 10;
/// Bytes of the largest document of a sector, and of the largest set of keys.
pub const LARGEST_SECTOR: usize = 64 << 10;
/// Algorithms that answers of `/userinfo` are signed with: those that the published keys name.
pub const USERINFO_ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

const ID_TOKEN_ALGORITHMS: [&str; 6] = ["RS256", "HS256", "PS256", "RS512", "ES256", "EdDSA"];
const ASSERTION_ALGORITHMS: [&str; 6] = ["RS256", "RS384", "PS256", "PS384", "ES256", "ES384"];
const REQUEST_ALGORITHMS: [&str; 4] = ["none", "RS256", "RS384", "PS256"];
const AUTHORIZATION_CODE: &str = "authorization_code";
const IMPLICIT: &str = "implicit";
/// What an application that nobody knows may have, by mode.
const STRICT_GRANTS: [&str; 2] = [AUTHORIZATION_CODE, "refresh_token"];
const PERMISSIVE_GRANTS: [&str; 4] = [AUTHORIZATION_CODE, IMPLICIT, "refresh_token", super::DEVICE_CODE];
const MOST_CALLBACKS: usize = 50;

/// Why there is no registration (RFC 7591, section 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationError {
    /// `invalid_redirect_uri` or `invalid_client_metadata`.
    pub code: &'static str,
    /// What is wrong, and what would be right.
    pub text: String,
}

impl RegistrationError {
    /// `invalid_client_metadata`.
    pub fn metadata(text: impl Into<String>) -> Self {
        Self { code: "invalid_client_metadata", text: text.into() }
    }

    fn redirect_uri(text: impl Into<String>) -> Self {
        Self { code: "invalid_redirect_uri", text: text.into() }
    }
}

type Result<T> = std::result::Result<T, RegistrationError>;

/// What the tenant and the server say about registrations.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationRules {
    /// What the application becomes.
    pub mode: SecurityMode,
    /// The specification's defaults count instead of the wire's.
    pub is_oidc_strict: bool,
    /// Documents may lie at plain `http` URLs: the operator let inner networks in.
    pub plain_http: bool,
}

/// How the application proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Public,
    Secret(TokenEndpointAuthMethod),
    Keys,
}

/// What an application says of itself, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    name: String,
    logo_uri: Option<String>,
    initiate_login_uri: Option<String>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    grant_types: Vec<String>,
    method: Method,
    id_token_alg: String,
    logout: Logout,
    openid: OpenId,
    mode: SecurityMode,
    /// Whether it demands of its own requests to be signed (RFC 9101, section 10.5); `None` where it does not say.
    signs_requests: Option<bool>,
    /// The same of sending them ahead (RFC 9126, section 6).
    pushes_requests: Option<bool>,
}

impl Registration {
    /// Reads it. Members that nobody knows are left out (RFC 7591, section 2), and what such applications never have is left
    /// out of the lists: the answer says what was registered.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(metadata: &Map<String, Value>, rules: &RegistrationRules) -> Result<Self> {
        let all = Members { all: metadata, plain_http: rules.plain_http };
        let response_types = response_types(&all, rules.mode)?;
        let grant_types = grant_types(&all, response_types.as_deref(), rules.mode)?;
        let asks_browsers =
            grant_types.iter().any(|grant| [AUTHORIZATION_CODE, IMPLICIT].contains(&grant.as_str()));
        let default = if grant_types.iter().any(|grant| grant == AUTHORIZATION_CODE) {
            vec!["code".to_owned()]
        } else {
            vec![]
        };
        let response_types = response_types.unwrap_or(default);
        let application_type = all.one_of("application_type", &["web", "native"])?;
        let is_native = application_type.as_deref() == Some("native");
        let redirect_uris = redirect_uris(&all, asks_browsers)?;
        let by_implicit = grant_types.iter().any(|grant| grant == IMPLICIT);
        for uri in &redirect_uris {
            uris::check(uri, by_implicit && !is_native).map_err(RegistrationError::redirect_uri)?;
        }
        let method = method(&all, rules)?;
        let mut openid = OpenId {
            application_type: Some(application_type.unwrap_or_else(|| "web".to_owned())),
            response_types,
            contacts: all.texts("contacts", 10, 254)?,
            software_id: all.text("software_id", 255)?,
            software_version: all.text("software_version", 255)?,
            ..settings(&all)?
        };
        keys(&all, method, &mut openid)?;
        sector(&all, &redirect_uris, &mut openid)?;
        // Callbacks are what shows whose sector it is, and a device needs none: anybody could name another's.
        if openid.pairwise && grant_types.iter().any(|grant| grant == super::DEVICE_CODE) {
            return Err(RegistrationError::metadata(format!(
                "subject_type pairwise is for answers that travel to redirect URIs: leave {} out of grant_types",
                super::DEVICE_CODE
            )));
        }
        Ok(Self {
            name: name(&all, &redirect_uris)?,
            logo_uri: all.web_url("logo_uri")?,
            initiate_login_uri: all.secure_page("initiate_login_uri")?,
            post_logout_redirect_uris: post_logout(&all)?,
            id_token_alg: id_token_alg(&all, method)?,
            logout: Logout::read(&all, &redirect_uris)?,
            redirect_uris,
            grant_types,
            method,
            mode: rules.mode,
            signs_requests: signs_requests(&all, &openid, rules.mode)?,
            pushes_requests: pushes_requests(&all, method)?,
            openid,
        })
    }

    /// The document that must list its callbacks, if it names one (OpenID Connect Dynamic Client Registration, section 5).
    pub fn sector_document(&self) -> Option<&str> {
        self.openid.sector_identifier_uri.as_deref()
    }

    /// Whether its requests may be encrypted: the tenant needs a key for that.
    pub fn encrypts_requests(&self) -> bool {
        self.openid.request_object_encryption_alg.is_some()
    }

    /// Whether that document, as it stands there, lists every callback.
    ///
    /// # Errors
    /// `invalid_client_metadata`.
    pub fn check_sector(&self, document: &Value) -> Result<()> {
        lists_all(document, &self.redirect_uris)
    }

    /// Whether users stay who they are to an application that says everything anew: with another sector, or none, it would find
    /// out who somebody is elsewhere by what it holds of them already; and an administrator may have chosen for it.
    ///
    /// # Errors
    /// `invalid_client_metadata`.
    pub fn keeps_subjects_of(&self, client: &Client) -> Result<()> {
        let own = self.openid.pairwise.then_some(self.openid.sector.as_deref()).flatten();
        match own == client.pairwise_sector() {
            true => Ok(()),
            false => Err(RegistrationError::metadata(
                "subject_type and the sector of the redirect URIs stay what they are: register another client instead",
            )),
        }
    }

    /// Whether an application that signs its requests, or sends them ahead, can go on with that, where it says everything anew but
    /// this.
    ///
    /// # Errors
    /// `invalid_client_metadata`.
    pub fn keeps_demands_of(&self, client: &Client) -> Result<()> {
        let signs = self.signs_requests.unwrap_or_else(|| client.signs_its_requests());
        let others = client.signed_request_object.as_ref().and_then(|signed| signed.credentials.as_ref());
        if signs && !can_sign(&self.openid, others.is_some_and(|keys| !keys.is_empty())) {
            return Err(RegistrationError::metadata(UNSIGNED));
        }
        let pushes =
            self.pushes_requests.or(client.require_pushed_authorization_requests).unwrap_or_default();
        match pushes && self.method == Method::Public {
            true => Err(RegistrationError::metadata(UNPUSHED)),
            false => Ok(()),
        }
    }

    /// Whether it proves itself with a secret.
    pub fn needs_secret(&self) -> bool {
        matches!(self.method, Method::Secret(_))
    }

    /// Writes it into an application that is of somebody else, always. What an administrator has set beside it stays.
    pub fn describe(self, client: &mut Client) {
        let before = client.openid.take();
        client.name = self.name;
        client.logo_uri = self.logo_uri;
        client.initiate_login_uri = self.initiate_login_uri;
        client.callbacks = Some(self.redirect_uris);
        client.allowed_logout_urls =
            (!self.post_logout_redirect_uris.is_empty()).then_some(self.post_logout_redirect_uris);
        client.grant_types = Some(self.grant_types);
        let is_native = self.openid.application_type.as_deref() == Some("native");
        let is_public = self.method == Method::Public;
        client.app_type = Some(match (is_native, is_public) {
            (true, _) => AppType::Native,
            (false, true) => AppType::Spa,
            (false, false) => AppType::RegularWeb,
        });
        client.token_endpoint_auth_method = match self.method {
            Method::Public => Some(TokenEndpointAuthMethod::None),
            Method::Secret(how) => Some(how),
            Method::Keys => None,
        };
        // Its keys are those of the registration; with this here no secret is good.
        client.client_authentication_methods =
            (self.method == Method::Keys).then(|| ClientAuthenticationMethods {
                private_key_jwt: Some(PrivateKeyJwt::default()),
                ..ClientAuthenticationMethods::default()
            });
        let jwt = client.jwt_configuration.get_or_insert_default();
        jwt.alg = Some(self.id_token_alg);
        client.oidc_logout = self.logout.describe(client.oidc_logout.take());
        // Saying nothing makes nothing weaker.
        if self.signs_requests.is_some() {
            client.signed_request_object.get_or_insert_default().required = self.signs_requests;
        }
        if self.pushes_requests.is_some() {
            client.require_pushed_authorization_requests = self.pushes_requests;
        }
        client.openid = Some(Box::new(OpenId {
            registered_at: before.as_ref().and_then(|before| before.registered_at),
            registration_token_sha256: before.and_then(|before| before.registration_token_sha256),
            ..self.openid
        }));
    }

    /// An application that has nothing yet but what all of them have that register themselves (fact sheet 1.10, 1.11).
    pub fn blank(&self, client_id: String) -> Client {
        let is_strict = self.mode == SecurityMode::Strict;
        let kept = [
            ("is_token_endpoint_ip_header_trusted", false),
            ("sso_disabled", false),
            ("cross_origin_authentication", false),
            ("custom_login_page_on", true),
        ];
        Client {
            client_id,
            is_first_party: false,
            oidc_conformant: true,
            third_party_security_mode: Some(self.mode),
            redirection_policy: is_strict.then(|| "open_redirect_protection".to_owned()),
            jwt_configuration: Some(JwtConfiguration {
                lifetime_in_seconds: Some(if is_strict { 3_600 } else { 36_000 }),
                secret_encoded: Some(false),
                ..JwtConfiguration::default()
            }),
            refresh_token: Some(RefreshTokenSettings {
                expiration_type: ExpirationType::Expiring,
                token_lifetime: 31_557_600,
                infinite_idle_token_lifetime: false,
                idle_token_lifetime: 2_592_000,
                ..RefreshTokenSettings::default()
            }),
            rest: kept.into_iter().map(|(name, value)| (name.to_owned(), Value::Bool(value))).collect(),
            ..Client::default()
        }
    }
}

/// The settings that an administrator may give an application too, by the same names. Its keys are elsewhere.
///
/// # Errors
/// The first thing that is wrong.
pub fn openid_settings(
    metadata: &Map<String, Value>,
    callbacks: &[String],
    plain_http: bool,
) -> Result<OpenId> {
    let all = Members { all: metadata, plain_http };
    let mut openid = settings(&all)?;
    own_keys(&all, &mut openid)?;
    encryption::check(&openid)?;
    openid.backchannel_token_delivery_mode =
        all.one_of("backchannel_token_delivery_mode", &["poll", PING])?;
    openid.backchannel_client_notification_endpoint =
        all.document("backchannel_client_notification_endpoint")?;
    let is_told = openid.backchannel_token_delivery_mode.as_deref() == Some(PING);
    if is_told && openid.backchannel_client_notification_endpoint.is_none() {
        return Err(RegistrationError::metadata(
            "backchannel_token_delivery_mode ping needs backchannel_client_notification_endpoint",
        ));
    }
    sector(&all, callbacks, &mut openid)?;
    Ok(openid)
}

/// What signs must have keys, and cannot be registered as unsigned; requests of strangers are never read from an object.
fn signs_requests(all: &Members<'_>, openid: &OpenId, mode: SecurityMode) -> Result<Option<bool>> {
    let signs = all.flag_or_none("require_signed_request_object")?;
    if signs == Some(true) && mode == SecurityMode::Strict {
        return Err(RegistrationError::metadata(
            "require_signed_request_object must not be true: this tenant takes no signed requests of applications that register themselves",
        ));
    }
    match signs == Some(true) && !can_sign(openid, false) {
        true => Err(RegistrationError::metadata(UNSIGNED)),
        false => Ok(signs),
    }
}

/// Only who proves to be the application sends requests ahead (fact sheet 2.10): any other one could never begin a sign-in.
fn pushes_requests(all: &Members<'_>, method: Method) -> Result<Option<bool>> {
    let pushes = all.flag_or_none("require_pushed_authorization_requests")?;
    match pushes == Some(true) && method == Method::Public {
        true => Err(RegistrationError::metadata(UNPUSHED)),
        false => Ok(pushes),
    }
}

fn can_sign(openid: &OpenId, has_other_keys: bool) -> bool {
    let has_keys = openid.jwks.is_some() || openid.jwks_uri.is_some() || has_other_keys;
    has_keys && openid.request_object_signing_alg.as_deref() != Some("none")
}

const UNSIGNED: &str =
    "require_signed_request_object needs jwks or jwks_uri, and another request_object_signing_alg than none";

const UNPUSHED: &str = "require_pushed_authorization_requests needs another token_endpoint_auth_method than none: only applications that authenticate push requests";

fn settings(all: &Members<'_>) -> Result<OpenId> {
    let id_token = encryption::pair(all, "id_token_encrypted_response")?;
    let userinfo = encryption::pair(all, "userinfo_encrypted_response")?;
    let requests = encryption::pair(all, "request_object_encryption")?;
    Ok(OpenId {
        id_token_encrypted_response_alg: id_token.alg,
        id_token_encrypted_response_enc: id_token.enc,
        userinfo_encrypted_response_alg: userinfo.alg,
        userinfo_encrypted_response_enc: userinfo.enc,
        request_object_encryption_alg: requests.alg,
        request_object_encryption_enc: requests.enc,
        client_uri: all.web_url("client_uri")?,
        policy_uri: all.web_url("policy_uri")?,
        tos_uri: all.web_url("tos_uri")?,
        userinfo_signed_response_alg: all.one_of("userinfo_signed_response_alg", &USERINFO_ALGORITHMS)?,
        request_object_signing_alg: all.one_of("request_object_signing_alg", &REQUEST_ALGORITHMS)?,
        token_endpoint_auth_signing_alg: all
            .one_of("token_endpoint_auth_signing_alg", &ASSERTION_ALGORITHMS)?,
        request_uris: all.documents("request_uris", 20)?,
        default_max_age: all.seconds("default_max_age")?,
        require_auth_time: all.flag("require_auth_time")?,
        default_acr_values: all.words("default_acr_values", 20)?,
        ..OpenId::default()
    })
}

/// Whether the document of a sector lists every callback (OpenID Connect Dynamic Client Registration, section 5).
///
/// # Errors
/// `invalid_client_metadata`.
pub fn lists_all(document: &Value, callbacks: &[String]) -> Result<()> {
    let listed: Option<Vec<&str>> =
        document.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
    let listed = listed.ok_or_else(|| {
        RegistrationError::metadata("sector_identifier_uri must lead to a JSON list of URLs")
    })?;
    match callbacks.iter().find(|uri| !listed.contains(&uri.as_str())) {
        Some(uri) => Err(RegistrationError::metadata(format!(
            "The document at sector_identifier_uri does not list the redirect URI {uri}"
        ))),
        None => Ok(()),
    }
}

/// `None` where the registration names none.
fn response_types(all: &Members<'_>, mode: SecurityMode) -> Result<Option<Vec<String>>> {
    if !all.is_there("response_types") {
        return Ok(None);
    }
    let asked = all.texts("response_types", 20, 50)?;
    if asked.is_empty() {
        return Ok(None);
    }
    let is_served = |text: &&String| {
        ResponseType::parse(text)
            .is_some_and(|kind| mode == SecurityMode::Permissive || !kind.is_front_channel())
    };
    let served: Vec<String> = asked.iter().filter(is_served).cloned().collect();
    if served.is_empty() {
        return Err(RegistrationError::metadata(match mode {
            SecurityMode::Strict => {
                "response_types must contain code: this tenant gives applications that register themselves no other"
            }
            SecurityMode::Permissive => "response_types has none that this server knows",
        }));
    }
    Ok(Some(served))
}

/// Those asked for that such applications may have, and those that the response types need (OpenID Connect Dynamic Client
/// Registration, section 2).
fn grant_types(
    all: &Members<'_>,
    response_types: Option<&[String]>,
    mode: SecurityMode,
) -> Result<Vec<String>> {
    let may: &[&str] = if mode == SecurityMode::Strict { &STRICT_GRANTS } else { &PERMISSIVE_GRANTS };
    let asked = all.texts("grant_types", 20, 100)?;
    let names_none = !all.is_there("grant_types") && response_types.is_none();
    let kinds: Vec<ResponseType> =
        response_types.unwrap_or_default().iter().filter_map(|text| ResponseType::parse(text)).collect();
    let is_needed = |grant: &str| match grant {
        AUTHORIZATION_CODE => names_none || kinds.iter().any(|kind| kind.code),
        IMPLICIT => kinds.iter().any(|kind| kind.is_front_channel()),
        _ => false,
    };
    let kept = may.iter().filter(|grant| is_needed(grant) || asked.iter().any(|asked| asked == *grant));
    let kept: Vec<String> = kept.map(|grant| (*grant).to_owned()).collect();
    match kept.is_empty() {
        true => Err(RegistrationError::metadata(format!(
            "grant_types must contain at least one of {}",
            may.join(", ")
        ))),
        false => Ok(kept),
    }
}

fn redirect_uris(all: &Members<'_>, are_needed: bool) -> Result<Vec<String>> {
    let bad =
        || RegistrationError::redirect_uri(format!("redirect_uris must list 1 to {MOST_CALLBACKS} URLs"));
    let uris = all.texts("redirect_uris", MOST_CALLBACKS, uris::LONGEST).map_err(|_| bad())?;
    if uris.is_empty() && are_needed { Err(bad()) } else { Ok(uris) }
}

fn post_logout(all: &Members<'_>) -> Result<Vec<String>> {
    let uris = all.texts("post_logout_redirect_uris", MOST_CALLBACKS, uris::LONGEST)?;
    for uri in &uris {
        uris::check(uri, false)
            .map_err(|why| RegistrationError::metadata(format!("post_logout_redirect_uris: {why}")))?;
    }
    Ok(uris)
}

fn method(all: &Members<'_>, rules: &RegistrationRules) -> Result<Method> {
    let known = ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"];
    Ok(match all.one_of("token_endpoint_auth_method", &known)?.as_deref() {
        Some("none") => Method::Public,
        Some("private_key_jwt") => Method::Keys,
        Some("client_secret_basic") => Method::Secret(TokenEndpointAuthMethod::ClientSecretBasic),
        None if rules.is_oidc_strict => Method::Secret(TokenEndpointAuthMethod::ClientSecretBasic),
        _ => Method::Secret(TokenEndpointAuthMethod::ClientSecretPost),
    })
}

fn id_token_alg(all: &Members<'_>, method: Method) -> Result<String> {
    let alg = all.one_of("id_token_signed_response_alg", &ID_TOKEN_ALGORITHMS)?;
    match alg.as_deref() {
        Some("HS256") if !matches!(method, Method::Secret(_)) => Err(RegistrationError::metadata(
            "id_token_signed_response_alg HS256 needs a client secret: choose another one or client_secret_basic",
        )),
        alg => Ok(alg.unwrap_or("RS256").to_owned()),
    }
}

/// By value or by reference, not both (RFC 7591, section 2).
fn own_keys(all: &Members<'_>, openid: &mut OpenId) -> Result<()> {
    openid.jwks_uri = all.document("jwks_uri")?;
    openid.jwks = all.key_set("jwks")?;
    match openid.jwks_uri.is_some() && openid.jwks.is_some() {
        true => Err(RegistrationError::metadata("jwks and jwks_uri must not be there both")),
        false => Ok(()),
    }
}

/// Whoever signs or reads what is encrypted has keys to do it with.
fn keys(all: &Members<'_>, method: Method, openid: &mut OpenId) -> Result<()> {
    own_keys(all, openid)?;
    encryption::check(openid)?;
    let has_keys = openid.jwks_uri.is_some() || openid.jwks.is_some();
    let signing = openid.request_object_signing_alg.as_deref();
    match (method == Method::Keys, signing) {
        _ if has_keys => Ok(()),
        (true, _) => Err(RegistrationError::metadata("private_key_jwt needs jwks or jwks_uri")),
        (_, Some(alg)) if alg != "none" => {
            Err(RegistrationError::metadata("request_object_signing_alg needs jwks or jwks_uri"))
        }
        // Whoever encrypts vouches for nothing: what is inside is signed, unless that is registered otherwise.
        (_, None) if openid.request_object_encryption_alg.is_some() => Err(RegistrationError::metadata(
            "request_object_encryption_alg needs jwks or jwks_uri: what is encrypted is signed too",
        )),
        _ => Ok(()),
    }
}

/// OpenID Connect Core 8.1.
fn sector(all: &Members<'_>, redirect_uris: &[String], openid: &mut OpenId) -> Result<()> {
    openid.sector_identifier_uri = all.document("sector_identifier_uri")?;
    openid.pairwise = all.one_of("subject_type", &["public", "pairwise"])?.as_deref() == Some("pairwise");
    if !openid.pairwise {
        return Ok(());
    }
    openid.sector = match &openid.sector_identifier_uri {
        Some(uri) => sector_of(uri),
        None => {
            // On loopback every program is at home: its host tells none from another.
            let of_the_web = |uri: &String| sector_of(uri).filter(|host| !is_loopback_host(host));
            let mut hosts = redirect_uris.iter().map(of_the_web);
            let first = hosts.next().flatten();
            if hosts.all(|host| host == first) { first } else { None }
        }
    };
    match openid.sector {
        Some(_) => Ok(()),
        None => Err(RegistrationError::metadata(
            "pairwise needs a sector_identifier_uri where redirect URIs are not all of one host of the web",
        )),
    }
}

/// People read it, and decide by it: nothing that would break a line or hide.
fn name(all: &Members<'_>, redirect_uris: &[String]) -> Result<String> {
    match all.text("client_name", 4 * LONGEST_NAME)? {
        None => {
            let host = redirect_uris.first().and_then(|uri| sector_of(uri));
            let host = host.filter(|host| host.len() <= LONGEST_NAME);
            Ok(host.unwrap_or_else(|| "Application without a name".to_owned()))
        }
        Some(name)
            if name.chars().count() > LONGEST_NAME
                || name.contains(is_unfit_for_names)
                || name.trim().is_empty() =>
        {
            Err(RegistrationError::metadata(format!(
                "client_name must have at most {LONGEST_NAME} characters, none of them < or > or of a kind that is not seen"
            )))
        }
        Some(name) => Ok(name),
    }
}

#[cfg(test)]
mod tests;
