//! From a decision to tokens: claims from `chancery_core::claims`, signatures by way of the signing line.

use std::sync::Arc;

use chancery_core::chain::ChainKey;
use chancery_core::claims::{AccessToken, Disclosed, GrantKind, IdToken, RequestedClaims};
use chancery_core::ids::{self, Handle};
use chancery_core::iso::parse_ms;
use chancery_core::model::{ExpirationType, Organization, RefreshTokenSettings, RotationType, User};
use chancery_core::oauth::{AuthorizationDetail, EncryptedResponse, OAuthError};
use chancery_core::records::{Authorization, Consent, OpaqueRecord, RefreshRecord};
use chancery_core::scope::Decision;
use chancery_db::Batch;
use chancery_jose::{Algorithm, SigningKey, Typ};
use chancery_store::{PreparedClient, Snapshot};
use chancery_web::{Audience, Ctx, Failure};
use serde::Serialize;
use serde_json::Value;

/// The answer of the token endpoint (RFC 6749 section 5.1, fact sheet 6.2).
#[derive(Default, Serialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    pub(crate) expires_in: i64,
    pub(crate) token_type: &'static str,
    /// The recovery code in the place of the one that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_code: Option<String>,
    /// What exactly the user allowed (RFC 9396, section 7).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) authorization_details: Vec<AuthorizationDetail>,
    /// What came of an exchange (RFC 8693, section 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issued_token_type: Option<&'static str>,
}

/// What an access token says.
pub(crate) struct AccessTokenFor<'a> {
    pub(crate) client: &'a PreparedClient,
    pub(crate) subject: &'a str,
    pub(crate) audience: &'a Audience,
    pub(crate) decision: &'a Decision<'a>,
    pub(crate) kind: Option<GrantKind>,
    /// Travels through the browser: the shorter lifetime counts.
    pub(crate) front_channel: bool,
    /// Where it takes place.
    pub(crate) organization: Option<&'a Organization>,
    /// What an opaque token hangs on; machines have none.
    pub(crate) authorization: Option<&'a Authorization>,
    /// Thumbprint of the key that its sender must hold.
    pub(crate) jkt: Option<&'a str>,
    /// Who acts for the user (RFC 8693, section 4.1).
    pub(crate) act: Option<&'a Value>,
    /// The end of the token that it was got with, in seconds: nobody goes on with what is over, however often they renew it.
    pub(crate) ends_at: Option<i64>,
    /// The user showed a second factor for it.
    pub(crate) second_factor: bool,
    /// When the user's password was last set, as it was while they signed in.
    pub(crate) password_set_at: Option<&'a str>,
}

/// An access token and, when it is opaque, the write that makes it good.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) expires_in: i64,
    pub(crate) write: Option<Batch>,
}

/// Lifetimes of tokens without an API, in seconds (fact sheet 2.4).
const USERINFO_LIFETIME: i64 = 86_400;
const USERINFO_LIFETIME_WEB: i64 = 7_200;

/// Signs a JWT for an API, or makes an opaque token for `/userinfo`.
pub(crate) async fn access_token(ctx: &Ctx, what: &AccessTokenFor<'_>) -> Result<Issued, Failure> {
    // What travels through the browser is bound to nothing.
    let shown = ctx.certificate.as_ref().filter(|_| !what.front_channel);
    let shown = Shown { jkt: what.jkt, x5t: shown.map(|certificate| certificate.thumbprint.as_str()) };
    let Shown { jkt, x5t } = binding(what.client, what.audience, shown)?;
    match what.audience {
        Audience::Api(api) => {
            let expires_in = match what.front_channel {
                true => api.token_lifetime_for_web.min(api.token_lifetime),
                false => api.token_lifetime,
            };
            let expires_in = what.client.longest_token.map_or(expires_in, |most| expires_in.min(most));
            let left = what.ends_at.map(|ends_at| ends_at.saturating_sub(ctx.now()));
            let expires_in = left.map_or(expires_in, |left| expires_in.min(left));
            let details = what.authorization.map(|allowed| &allowed.authorization_details);
            let details = details.filter(|all| !all.is_empty());
            let details =
                details.map(|all| Value::from(all.iter().cloned().map(Value::Object).collect::<Vec<_>>()));
            let payload = AccessToken {
                issuer: &ctx.origin.issuer,
                subject: what.subject,
                audience: &ctx.origin.absolute(&api.identifier),
                with_userinfo: what.decision.with_userinfo,
                issued_at: ctx.now(),
                lifetime: expires_in,
                client_id: &what.client.client_id,
                scope: &what.decision.granted,
                permissions: what.decision.permissions.as_deref(),
                dialect: api.dialect(),
                // A request ends in one access token, and its log event has the same id: `jti` finds it by its key.
                jti: ctx.request_id.as_str(),
                grant_kind: what.kind,
                organization: what.organization.map(|organization| ctx.organization_claims(organization)),
                jkt,
                x5t,
                details: details.as_ref(),
                act: what.act,
                second_factor: what.second_factor && api.is_about_factors(),
                password_set_at: what.password_set_at.filter(|_| api.is_about_factors()).and_then(parse_ms),
                is_system_api: api.is_system(),
                custom: None,
            }
            .payload();
            let typ = if api.dialect().is_rfc9068() { Typ::AtJwt } else { Typ::Jwt };
            let token = ctx.app.signer.sign(&api.signer, typ, payload).await?;
            // Signed within, so that the API knows whose it is (RFC 7519, section 11.2).
            let token = match &api.encryption {
                Some(key) => key.encrypt(token.as_bytes(), Some("JWT")).map_err(Failure::server)?,
                None => token,
            };
            Ok(Issued { token, expires_in, write: None })
        }
        Audience::Userinfo => {
            let expires_in = if what.front_channel { USERINFO_LIFETIME_WEB } else { USERINFO_LIFETIME };
            let expires_in = what.client.longest_token.map_or(expires_in, |most| expires_in.min(most));
            let handle = Handle::generate(&*ctx.app.rng, ctx.now_ms);
            let record = OpaqueRecord {
                authorization: what.authorization.cloned().unwrap_or_default(),
                expires_at: ctx.now().saturating_add(expires_in),
                jkt: jkt.map(str::to_owned),
                x5t: x5t.map(str::to_owned),
            };
            let write = ctx.app.store.insert_opaque_token(&ctx.tenant.tenant, &handle, &record)?;
            Ok(Issued { token: handle.expose(), expires_in, write: Some(write) })
        }
    }
}

/// What the sender of a request showed to have.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shown<'a> {
    /// Thumbprint of a key (RFC 9449).
    pub(crate) jkt: Option<&'a str>,
    /// SHA-256 of a certificate (RFC 8705).
    pub(crate) x5t: Option<&'a str>,
}

/// What a token of `audience` is bound to: the thumbprint of the key that was shown, or else of the certificate, where the
/// API, the application or its profile has tokens bound to one (RFC 8705, section 3). Every grant comes by here: where bound tokens are
/// demanded, there are no others.
pub(crate) fn binding<'a>(
    client: &PreparedClient,
    audience: &Audience,
    Shown { jkt, x5t }: Shown<'a>,
) -> Result<Shown<'a>, OAuthError> {
    let api = audience.plain_api();
    let is_demanded = client.require_proof_of_possession == Some(true);
    let by_api = api.and_then(|api| api.demanded_binding(client));
    let mechanism =
        api.and_then(|api| api.proof_of_possession.as_ref()).map(|proof| proof.mechanism.as_str());
    // FAPI 2.0 (section 5.3.2.1) leaves the choice to the API, and else to the application; FAPI 1.0 knows certificates alone. An API
    // that looks for the one would take a token bound to the other from anybody.
    let by_profile = match (client.fapi(), mechanism) {
        (Some(fapi), Some("dpop")) if !fapi.is_second => {
            return Err(OAuthError::CertificateNeeded(
                "The compliance level of the client has tokens bound to a certificate, and the API looks for keys",
            ));
        }
        (Some(fapi), Some(wanted)) if fapi.is_second => Some(wanted),
        (Some(fapi), None) if fapi.is_second && jkt.is_some() => Some("dpop"),
        (Some(_), _) => Some("mtls"),
        (None, _) => None,
    };
    let by_certificate = by_profile.is_some()
        || match api.and_then(|api| api.proof_of_possession.as_ref()) {
            Some(proof) => proof.mechanism == "mtls",
            None => is_demanded,
        };
    let x5t = x5t.filter(|_| by_certificate && jkt.is_none());
    match by_profile.or(by_api) {
        Some("mtls") if jkt.is_some() => Err(OAuthError::CertificateNeeded(
            "Tokens of this kind are bound to a client certificate, not to the key of a DPoP proof",
        )),
        Some("mtls") if x5t.is_none() => Err(OAuthError::CertificateNeeded(
            "Tokens of this kind are bound to a client certificate: none was shown",
        )),
        Some("dpop") if jkt.is_none() => Err(OAuthError::ProofNeeded),
        None if is_demanded && jkt.is_none() && x5t.is_none() => Err(OAuthError::ProofNeeded),
        _ => Ok(Shown { jkt, x5t }),
    }
}

/// What `token_type` says of a token.
pub(crate) fn token_type(jkt: Option<&str>) -> &'static str {
    if jkt.is_some() { "DPoP" } else { "Bearer" }
}

/// What an ID token says.
pub(crate) struct IdTokenFor<'a> {
    pub(crate) client: &'a PreparedClient,
    pub(crate) user: &'a User,
    pub(crate) organization: Option<&'a Organization>,
    pub(crate) granted: &'a [&'a str],
    /// Beside those of the scopes.
    pub(crate) claims: Option<&'a RequestedClaims>,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) session_id: Option<&'a str>,
    pub(crate) auth_time: Option<i64>,
    pub(crate) second_factor: bool,
    pub(crate) access_token: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    /// The `state` of the answer that it is the signature of, if it is.
    pub(crate) state: Option<&'a str>,
}

/// Signs an ID token with the application's algorithm, and encrypts it where the application wants that (OpenID Connect Core 10.2).
pub(crate) async fn id_token(ctx: &Ctx, what: &IdTokenFor<'_>) -> Result<String, Failure> {
    let reader = ctx.encryption_key(what.client, EncryptedResponse::IdToken).await?;
    let key = id_token_key(&ctx.tenant, what.client);
    let key = key.ok_or_else(|| Failure::server("the tenant has no signing key"))?;
    // By the specification claims of scopes come from /userinfo wherever there is a token to ask there with (OpenID Connect
    // Core 5.4); on the wire they stand in every ID token.
    let is_strict = ctx.tenant.settings.is_oidc_strict();
    let can_ask = what.access_token.is_some() || what.code.is_some();
    let told = Disclosed {
        granted: if is_strict && can_ask { &[] } else { what.granted },
        named: what.claims.map(|claims| claims.id_token.as_slice()).unwrap_or_default(),
        in_seconds: is_strict,
    };
    let session_id = what.session_id.map(|id| ctx.session_for(what.client, id));
    let payload = IdToken {
        issuer: &ctx.origin.issuer,
        client_id: &what.client.client_id,
        user: what.user,
        subject: &ctx.subject_for(what.client, &what.user.user_id),
        told,
        issued_at: ctx.now(),
        lifetime: what.client.id_token_lifetime(),
        algorithm: key.algorithm(),
        nonce: what.nonce,
        session_id: session_id.as_deref(),
        auth_time: what.auth_time,
        second_factor: what.second_factor,
        access_token: what.access_token,
        code: what.code,
        state: what.state,
        organization: what.organization.map(|organization| ctx.organization_claims(organization)),
        custom: None,
    }
    .payload();
    let token = ctx.app.signer.sign(&key, Typ::Jwt, payload).await?;
    match reader {
        Some(reader) => reader.encrypt(token.as_bytes(), Some("JWT")).map_err(Failure::server),
        None => Ok(token),
    }
}

/// The key that signs what the application itself reads; `None` where the tenant has none.
pub(crate) fn id_token_key(tenant: &Snapshot, client: &PreparedClient) -> Option<Arc<SigningKey>> {
    let own = client.id_token_signer.as_ref().map(Arc::clone);
    own.or_else(|| key_for(tenant, client.id_token_alg()))
}

/// The tenant's key for this algorithm, RS256 where it has none.
pub(crate) fn tenant_key(ctx: &Ctx, algorithm: &str) -> Result<Arc<SigningKey>, Failure> {
    key_for(&ctx.tenant, algorithm).ok_or_else(|| Failure::server("the tenant has no signing key"))
}

fn key_for(tenant: &Snapshot, algorithm: &str) -> Option<Arc<SigningKey>> {
    let wanted = match algorithm {
        "PS256" => Algorithm::PS256,
        "RS512" => Algorithm::RS512,
        "ES256" => Algorithm::ES256,
        "EdDSA" => Algorithm::EdDSA,
        _ => Algorithm::RS256,
    };
    tenant.keys.current(wanted).or_else(|| tenant.keys.current(Algorithm::RS256)).cloned()
}

/// A new refresh token, first of its family, and the write that makes it good. That of a public application is bound to the
/// key it was got with: nothing else proves whose it is (RFC 9449, section 5).
pub(crate) fn first_refresh_token(
    ctx: &Ctx,
    client: &PreparedClient,
    authorization: &Authorization,
    jkt: Option<&str>,
) -> Result<(String, Batch), Failure> {
    let settings = client.refresh_token_settings();
    let chain = ChainKey::generate(&*ctx.app.rng);
    let handle = chain.first(&*ctx.app.rng, ctx.now_ms);
    let now = ctx.now();
    let record = RefreshRecord {
        id: handle.id.clone(),
        chain,
        authorization: authorization.clone(),
        rotating: settings.rotation_type == RotationType::Rotating,
        created_at: now,
        expires_at: absolute_end(&settings, now, None),
        idle_expires_at: idle_end(&settings, now),
        initial_ip: Some(ctx.ip.to_string()),
        initial_user_agent: ctx.user_agent.clone(),
        jkt: jkt.filter(|_| client.is_public()).map(str::to_owned),
        x5t: certificate_of_public(ctx, client).filter(|_| jkt.is_none()).map(str::to_owned),
        ..RefreshRecord::default()
    };
    let write = ctx.app.store.insert_refresh_token(&ctx.tenant.tenant, &handle, &record)?;
    Ok((refresh_token_text(&handle, record.rotating), write))
}

/// The certificate that a public application showed: for lack of anything else, what it gets is bound to it (RFC 8705,
/// section 4).
pub(crate) fn certificate_of_public<'a>(ctx: &'a Ctx, client: &PreparedClient) -> Option<&'a str> {
    let shown = ctx.certificate.as_ref().filter(|_| client.is_public());
    shown.map(|certificate| certificate.thumbprint.as_str())
}

/// What is kept where nobody was asked, since refresh tokens hang on it.
pub(crate) fn implied_consent(ctx: &Ctx, authorization: &Authorization) -> Consent {
    Consent {
        id: ids::object_id(&*ctx.app.rng, ctx.now()),
        user_id: authorization.user_id.clone(),
        client_id: authorization.client_id.clone(),
        audience: authorization.audience.clone().unwrap_or_default(),
        organization_id: String::new(),
        scope: authorization.scope.clone(),
        declined: Vec::new(),
        implicit: true,
    }
}

/// The absolute end of a family: fixed when it began; a maximum set later shortens it (fact sheet 7).
pub(crate) fn absolute_end(settings: &RefreshTokenSettings, began: i64, before: Option<i64>) -> Option<i64> {
    let ends = settings.expiration_type == ExpirationType::Expiring && !settings.infinite_token_lifetime;
    let limit = ends.then(|| began.saturating_add(settings.token_lifetime));
    match (before, limit) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The end of idleness, read from the settings of today at each exchange.
pub(crate) fn idle_end(settings: &RefreshTokenSettings, now: i64) -> Option<i64> {
    let ends = settings.expiration_type == ExpirationType::Expiring && !settings.infinite_idle_token_lifetime;
    ends.then(|| now.saturating_add(settings.idle_token_lifetime))
}

/// The prefix tells a rotating token apart for people who look at one.
pub(crate) fn refresh_token_text(handle: &Handle, rotating: bool) -> String {
    if rotating { format!("{ROTATING}{}", handle.expose()) } else { handle.expose() }
}

/// The handle in a refresh token.
pub(crate) fn refresh_token_handle(text: &str) -> Option<Handle> {
    Handle::parse(text.strip_prefix(ROTATING).unwrap_or(text))
}

const ROTATING: &str = "v1.M";
