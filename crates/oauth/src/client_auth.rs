//! Who calls `/oauth/token` and `/oauth/revoke`: none, post, basic, private_key_jwt (RFC 6749 section 2.3, RFC 7523), client
//! certificates (RFC 8705).

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chancery_core::numeric_date;
use chancery_core::oauth::{ClientProof, FAPI_ALGORITHMS, OAuthError};
use chancery_jose::{Algorithm, Unverified, read_object};
use chancery_store::PreparedClient;
use chancery_web::{Ctx, Failure, Scheme};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// The client that proved itself. Unknown clients and wrong secrets look alike.
pub(crate) async fn authenticate(
    ctx: &Ctx,
    headers: &HeaderMap,
    proof: &ClientProof,
) -> Result<Arc<PreparedClient>, Failure> {
    let basic = basic_credentials(headers).map_err(|e| Failure::new(e).with_scheme(Scheme::Basic))?;
    let scheme = if basic.is_some() { Scheme::Basic } else { Scheme::None };
    let found = match (basic, &proof.assertion) {
        (Some(_), Some(_)) => Err(more_than_one().into()),
        (Some((id, secret)), None) => by_basic(ctx, proof, &id, &secret).map_err(Failure::from),
        (None, Some(assertion)) => Box::pin(by_assertion(ctx, proof, assertion.expose_secret())).await,
        (None, None) => by_body(ctx, proof).map_err(Failure::from),
    };
    found.map_err(|failure| failure.with_scheme(scheme))
}

fn by_basic(
    ctx: &Ctx,
    proof: &ClientProof,
    id: &str,
    secret: &SecretString,
) -> Result<Arc<PreparedClient>, OAuthError> {
    if proof.client_secret.is_some() || proof.client_id.as_deref().is_some_and(|in_body| in_body != id) {
        return Err(more_than_one());
    }
    with_secret(ctx, id, Some(secret))
}

fn by_body(ctx: &Ctx, proof: &ClientProof) -> Result<Arc<PreparedClient>, OAuthError> {
    let id = proof.client_id.as_deref().ok_or(OAuthError::Missing("client_id"))?;
    match &proof.client_secret {
        None if ctx.certificate.is_some() => with_certificate(ctx, id),
        secret => with_secret(ctx, id, secret.as_ref()),
    }
}

/// Who has a certificate and is known by something else goes on as without it.
fn with_certificate(ctx: &Ctx, id: &str) -> Result<Arc<PreparedClient>, OAuthError> {
    let client = known(ctx, id)?;
    let Some(shown) = ctx.certificate.as_deref().filter(|_| client.shows_certificate()) else {
        return with_secret(ctx, id, None);
    };
    let is_known = client
        .certificates
        .iter()
        .any(|known| known.is(&shown.der, &shown.thumbprint, shown.is_trusted, ctx.now()));
    if let Some(fapi) = client.fapi() {
        fapi.check_client(true)?;
    }
    match is_known {
        true => Ok(Arc::clone(client)),
        false => Err(OAuthError::ClientCertificate("The client certificate is not that of the application")),
    }
}

fn with_secret(
    ctx: &Ctx,
    id: &str,
    secret: Option<&SecretString>,
) -> Result<Arc<PreparedClient>, OAuthError> {
    let client = known(ctx, id)?;
    if let Some(fapi) = client.fapi() {
        fapi.check_client(false)?;
        return Err(OAuthError::ClientAssertion(
            "The compliance level of the client demands private_key_jwt",
        ));
    }
    if client.is_public() {
        // A secret sent along is ignored: SDKs send empty or left-over ones, and nothing rests on it.
        return Ok(Arc::clone(client));
    }
    let uses_keys =
        client.client_authentication_methods.as_ref().is_some_and(|m| m.private_key_jwt.is_some());
    if client.shows_certificate() {
        return Err(OAuthError::ClientCertificate("The application proves itself with a client certificate"));
    }
    let (Some(digest), Some(secret), false) = (&client.secret_digest, secret, uses_keys) else {
        return Err(OAuthError::Unauthorized);
    };
    let presented = chancery_jose::sha256(secret.expose_secret().as_bytes());
    verify_slices_are_equal(&presented, digest).map_err(|_| OAuthError::Unauthorized)?;
    Ok(Arc::clone(client))
}

fn known<'a>(ctx: &'a Ctx, id: &str) -> Result<&'a Arc<PreparedClient>, OAuthError> {
    let client = ctx.tenant.client(id).filter(|c| !c.global.unwrap_or(false));
    client.ok_or(OAuthError::Unauthorized)
}

fn more_than_one() -> OAuthError {
    OAuthError::Invalid("More than one way of client authentication was used".to_owned())
}

/// `Authorization: Basic`, both halves form-encoded (RFC 6749 section 2.3.1). Other schemes are not client authentication.
fn basic_credentials(headers: &HeaderMap) -> Result<Option<(String, SecretString)>, OAuthError> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let malformed =
        || OAuthError::Invalid("Authorization: Basic must be base64 of client_id:client_secret".into());
    let text = header.to_str().map_err(|_| malformed())?;
    let Some((scheme, encoded)) = text.split_once(' ') else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let decoded = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(malformed)?;
    Ok(Some((form_decoded(id), form_decoded(secret).into())))
}

fn form_decoded(text: &str) -> String {
    // `+` and `%xx` alone: a pair without `=` is a name.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// The claims of a client assertion (RFC 7523 section 3, fact sheet 6.1).
#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: OneOrMany,
    #[serde(deserialize_with = "numeric_date::required")]
    exp: i64,
    jti: Option<String>,
    #[serde(default, deserialize_with = "numeric_date::optional")]
    iat: Option<i64>,
    #[serde(default, deserialize_with = "numeric_date::optional")]
    nbf: Option<i64>,
    /// What every request object has, and no assertion.
    response_type: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Seconds an assertion may be good for.
const LONGEST_LIFE: i64 = 300;
/// Seconds clocks may differ by.
const SKEW: i64 = 10;
const MAX_ASSERTION: usize = 2048;
const MAX_JTI: usize = 64;
/// What `typ` may say, where it says anything.
const ASSERTION_TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];
/// The wire's list (fact sheet 6.1, newer documentation).
const ALLOWED: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::ES256,
    Algorithm::ES384,
];

async fn by_assertion(ctx: &Ctx, proof: &ClientProof, token: &str) -> Result<Arc<PreparedClient>, Failure> {
    if proof.client_secret.is_some() {
        return Err(more_than_one().into());
    }
    let (client, claims) = verified_assertion(ctx, proof.client_id.as_deref(), token).await?;
    let jti = claims.jti.as_deref().unwrap_or_default();
    // Last, so that only a good assertion is remembered, and remembered at least as long as it would be accepted.
    let until = claims.exp.saturating_add(2 * SKEW);
    match ctx.app.store.remember_assertion(&ctx.tenant.tenant, &client.client_id, jti, until).await {
        Ok(()) => Ok(client),
        Err(chancery_store::Error::Conflict) => {
            Err(OAuthError::ClientAssertion("client_assertion was used before").into())
        }
        Err(other) => Err(other.into()),
    }
}

async fn verified_assertion(
    ctx: &Ctx,
    client_id: Option<&str>,
    token: &str,
) -> Result<(Arc<PreparedClient>, Assertion), OAuthError> {
    let refuse = OAuthError::ClientAssertion;
    if token.len() > MAX_ASSERTION {
        return Err(refuse("client_assertion is longer than 2048 bytes"));
    }
    let unverified = Unverified::parse(token).map_err(|_| refuse("client_assertion is not a JWT"))?;
    // Another token of the application's, which is shown to more than this endpoint, does not pass for one (RFC 8725, section 3.11).
    let header = unverified.header();
    if header.typ.is_some() && !ASSERTION_TYPES.iter().any(|typ| header.is_typ(typ)) {
        return Err(refuse("typ of client_assertion must be JWT or client-authentication+jwt"));
    }
    let unproven = unverified.payload_unverified().map_err(|_| refuse("client_assertion is not a JWT"))?;
    let unproven: Assertion = read_object(&unproven).map_err(|_| {
        refuse("client_assertion lacks iss, sub, aud or exp, or one of its claims is of another type")
    })?;
    let failed = || refuse("Client authentication failed");
    if client_id.is_some_and(|id| id != unproven.sub) {
        return Err(failed());
    }
    let client = ctx.tenant.client(&unproven.sub).ok_or_else(failed)?;
    let now = ctx.now();
    let allowed: &[Algorithm] = match client.fapi() {
        Some(fapi) => {
            fapi.check_client(false)?;
            &FAPI_ALGORITHMS
        }
        None => &ALLOWED,
    };
    let payload = proven(ctx, client, &unverified, allowed).await.ok_or_else(failed)?;
    let claims: Assertion = read_object(&payload).map_err(|_| failed())?;
    judge(ctx, &claims, now)?;
    // FAPI 2.0, section 5.3.2.1: the issuer, as a text.
    let is_sole = matches!(&claims.aud, OneOrMany::One(aud) if *aud == ctx.origin.issuer);
    if client.fapi().is_some_and(|fapi| fapi.is_second) && !is_sole {
        return Err(refuse(
            "The compliance level of the client demands the issuer as the only aud of client_assertion",
        ));
    }
    Ok((Arc::clone(client), claims))
}

/// What a key of the application proves: one that is known here, else one that lies where it says. Applications that use secrets
/// have none of either kind.
async fn proven(
    ctx: &Ctx,
    client: &PreparedClient,
    token: &Unverified<'_>,
    all: &[Algorithm],
) -> Option<Vec<u8>> {
    client.client_authentication_methods.as_ref()?.private_key_jwt.as_ref()?;
    let registered =
        client.openid.as_ref().and_then(|openid| openid.token_endpoint_auth_signing_alg.as_deref());
    let named: Option<Algorithm> =
        registered.and_then(|alg| alg.parse().ok()).filter(|alg| all.contains(alg));
    let allowed: &[Algorithm] = match &named {
        Some(one) => std::slice::from_ref(one),
        None if registered.is_some() => &[],
        None => all,
    };
    let now = ctx.now();
    if let Some(payload) = client.assertion_keys.iter().find_map(|key| key.prove(token, allowed, now)) {
        return Some(payload);
    }
    let published = Box::pin(ctx.keys_of(client, token.header().kid.as_deref())).await;
    published.iter().find_map(|key| key.prove(token, allowed, now))
}

fn judge(ctx: &Ctx, claims: &Assertion, now: i64) -> Result<(), OAuthError> {
    let refuse = |why| Err(OAuthError::ClientAssertion(why));
    let meant_for_us = |aud: &str| is_our_name(ctx, aud);
    let audience_fits = match &claims.aud {
        OneOrMany::One(aud) => meant_for_us(aud),
        OneOrMany::Many(all) => all.iter().any(|aud| meant_for_us(aud)),
    };
    if claims.response_type.is_some() {
        return refuse("A request object is no client_assertion");
    }
    if claims.iss != claims.sub {
        return refuse("iss and sub of client_assertion must both be the client_id");
    }
    if !audience_fits {
        return refuse("aud of client_assertion must be the issuer");
    }
    if claims.exp <= now.saturating_sub(SKEW) {
        return refuse("client_assertion has expired");
    }
    if claims.exp > now.saturating_add(LONGEST_LIFE + SKEW) {
        return refuse("client_assertion must expire within 5 minutes");
    }
    if claims.nbf.into_iter().chain(claims.iat).any(|from| from > now.saturating_add(SKEW)) {
        return refuse("client_assertion is not valid yet");
    }
    match claims.jti.as_deref() {
        Some(jti) if !jti.is_empty() && jti.len() <= MAX_JTI => Ok(()),
        _ => refuse("client_assertion needs a jti of at most 64 characters"),
    }
}

/// The issuer, or an endpoint that takes assertions in the words of RFC 7523, section 3, RFC 9126, section 2, and CIBA Core, section 7.1;
/// by its alias for certificates too, since an application that shows one knows it by no other name (RFC 8705, section 5).
fn is_our_name(ctx: &Ctx, aud: &str) -> bool {
    let bases = [Some(ctx.origin.base.as_str()), ctx.origin.certificate_base.as_deref()];
    let is_endpoint = |base: &str| {
        let path = aud.strip_prefix(base);
        path.is_some_and(|path| ["/oauth/token", "/oauth/par", "/bc-authorize"].contains(&path))
    };
    aud == ctx.origin.issuer || bases.into_iter().flatten().any(is_endpoint)
}
