//! Requests in an object: signed by the application (RFC 9101, fact sheet 2.10) and perhaps encrypted for the tenant, in the request itself or at an address that
//! the application registered (OpenID Connect Core 6).

use std::borrow::Cow;

use chancery_core::oauth::{
    AuthorizeError, FAPI_ALGORITHMS, REQUEST_OBJECT_ALGORITHMS, RequestObjectFor, bad_request_object,
    is_request_object_typ, signed_backchannel_request, signed_request, unsigned_request,
};
use chancery_core::params::Params;
use chancery_jose::{Algorithm, MAX_ENCRYPTED_LENGTH, MAX_TOKEN_LENGTH, Unverified};
use chancery_store::PreparedClient;
use chancery_web::{Ask, Ctx, Rate};

/// What was in the object.
pub(crate) struct Opened {
    pub(crate) params: Params,
    /// A key of the application proved it.
    pub(crate) is_signed: bool,
}

/// How often one address may have objects fetched.
const RATE: Rate = Rate { name: "request-uris", burst: 20, every: 3 };

/// How many encrypted objects one address may have opened: each costs as much as a signature.
const DECRYPTIONS: Rate = Rate { name: "encrypted-requests", burst: 200, every: 1 };

/// The parameters of the request's object, in the place of all others. `None` where there is none, or the application has
/// neither keys nor addresses for it: the checks say no to it then.
pub(crate) async fn opened(
    ctx: &Ctx,
    params: &Params,
    client: &PreparedClient,
) -> Result<Option<Opened>, AuthorizeError> {
    if client.is_strict_third_party() {
        return Ok(None);
    }
    let object = match (params.get("request"), params.get("request_uri")) {
        (Some(object), None) => Cow::Borrowed(object),
        (None, Some(uri)) if has_addresses(client) => Cow::Owned(fetched(ctx, client, uri).await?),
        (Some(_), Some(_)) if takes_objects(ctx, client) => {
            return Err(AuthorizeError::invalid("request and request_uri must not be sent both"));
        }
        _ => return Ok(None),
    };
    if !takes_objects(ctx, client) {
        return Ok(None);
    }
    if let Some(name) = params.repeated() {
        return Err(AuthorizeError::invalid(format!("Parameter sent more than once: {name}")));
    }
    let object = match is_encrypted(&object) {
        true => Cow::Owned(decrypted(ctx, client, &object)?),
        false => object,
    };
    let token = Unverified::parse(&object).map_err(|_| bad_request_object())?;
    let header = token.header();
    if header.alg == "none" && client.openid.is_some() {
        // Others are told that such objects are not supported, at the callback.
        return match may_be_unsigned(ctx, client) {
            true => {
                let params = unsigned_request(&object, &expected(ctx, client))?;
                Ok(Some(Opened { params, is_signed: false }))
            }
            false => Ok(None),
        };
    }
    check_type(client, &token)?;
    let payload = proven(ctx, client, &token).await.ok_or_else(bad_request_object)?;
    let params = signed_request(&payload, &expected(ctx, client))?;
    Ok(Some(Opened { params, is_signed: true }))
}

/// The parameters of a signed request of `/bc-authorize` (OpenID CIBA Core 1.0, section 7.1.1): never by reference, never without
/// signature, and never encrypted.
pub(crate) async fn backchannel(
    ctx: &Ctx,
    object: &str,
    client: &PreparedClient,
) -> Result<Params, AuthorizeError> {
    let token = Unverified::parse(object).map_err(|_| bad_request_object())?;
    check_type(client, &token)?;
    let payload = proven(ctx, client, &token).await.ok_or_else(bad_request_object)?;
    // Such an object says when it ends, whoever sends it, and is remembered by nobody: so it ends soon.
    signed_backchannel_request(&payload, &RequestObjectFor { is_bounded: true, ..expected(ctx, client) })
}

/// OpenID Connect Core names no type, and RFC 9101 demands none (section 10.8): the specifications that applications of both
/// kinds keep to.
fn check_type(client: &PreparedClient, token: &Unverified<'_>) -> Result<(), AuthorizeError> {
    let header = token.header();
    let may_be_untyped = client.openid.is_some() || client.fapi().is_some();
    match is_request_object_typ(header) || (header.typ.is_none() && may_be_untyped) {
        true => Ok(()),
        false => Err(bad_request_object()),
    }
}

/// Five parts (RFC 7516, section 3.1).
fn is_encrypted(object: &str) -> bool {
    object.bytes().filter(|byte| *byte == b'.').count() == 4
}

/// What is inside: a request object like any other, so that whoever encrypts has still to sign (RFC 9101, section 6.1). Where no key
/// opens it nobody is told why.
fn decrypted(ctx: &Ctx, client: &PreparedClient, object: &str) -> Result<String, AuthorizeError> {
    if !may_encrypt(client) {
        return Err(bad_request_object());
    }
    if ctx.app.rates.take(DECRYPTIONS, ctx.ip, &ctx.tenant.tenant, ctx.now()).is_err() {
        return Err(AuthorizeError::new(
            "temporarily_unavailable",
            "Too many encrypted requests: try again shortly",
        ));
    }
    let opened = ctx.tenant.request_keys.open(object, ctx.now()).ok_or_else(bad_request_object)?;
    String::from_utf8(opened).map_err(|_| bad_request_object())
}

fn expected<'a>(ctx: &'a Ctx, client: &'a PreparedClient) -> RequestObjectFor<'a> {
    RequestObjectFor {
        client_id: &client.client_id,
        issuer: &ctx.origin.issuer,
        // OpenID Connect Core 6.1: an object SHOULD say whose it is and for whom; the key proves the one.
        may_be_bare: client.openid.is_some() && client.fapi().is_none(),
        is_bounded: client.fapi().is_some(),
        now: ctx.now(),
    }
}

async fn proven(ctx: &Ctx, client: &PreparedClient, token: &Unverified<'_>) -> Option<Vec<u8>> {
    let all: &[Algorithm] =
        if client.fapi().is_some() { &FAPI_ALGORITHMS } else { &REQUEST_OBJECT_ALGORITHMS };
    let registered = registered_alg(client);
    let named: Option<Algorithm> =
        registered.and_then(|alg| alg.parse().ok()).filter(|alg| all.contains(alg));
    let allowed: &[Algorithm] = match &named {
        Some(one) => std::slice::from_ref(one),
        None if registered.is_some() => &[],
        None => all,
    };
    let now = ctx.now();
    if let Some(payload) = client.request_keys.iter().find_map(|key| key.prove(token, allowed, now)) {
        return Some(payload);
    }
    let published = Box::pin(ctx.keys_of(client, token.header().kid.as_deref())).await;
    published.iter().find_map(|key| key.prove(token, allowed, now))
}

fn registered_alg(client: &PreparedClient) -> Option<&str> {
    client.openid.as_ref()?.request_object_signing_alg.as_deref()
}

fn may_encrypt(client: &PreparedClient) -> bool {
    client.openid.as_ref().is_some_and(|openid| openid.request_object_encryption_alg.is_some())
}

fn takes_objects(ctx: &Ctx, client: &PreparedClient) -> bool {
    let publishes = client.openid.as_ref().is_some_and(|openid| openid.jwks_uri.is_some());
    !client.request_keys.is_empty() || publishes || may_be_unsigned(ctx, client)
}

/// Whether an object without signature is worth reading, which is never more than the same parameters in a query: where the application
/// registered so, and by the specification where it registered nothing ("any algorithm supported by the OP and the RP MAY be
/// used", OpenID Connect Dynamic Client Registration, section 2; `oidcc-request-uri-unsigned` relies on it).
fn may_be_unsigned(ctx: &Ctx, client: &PreparedClient) -> bool {
    let must_be_signed = client.signs_its_requests() || client.fapi().is_some();
    // What is demanded counts before what was registered.
    !must_be_signed
        && match registered_alg(client) {
            Some(alg) => alg == "none",
            None => client.openid.is_some() && ctx.tenant.settings.is_oidc_strict(),
        }
}

fn has_addresses(client: &PreparedClient) -> bool {
    client.openid.as_ref().is_some_and(|openid| !openid.request_uris.is_empty())
}

/// What lies at an address that the application registered, and at no other (security case 7). The fragment tells versions of
/// it apart, and is not sent.
async fn fetched(ctx: &Ctx, client: &PreparedClient, uri: &str) -> Result<String, AuthorizeError> {
    let bad = |text: &str| AuthorizeError::new("invalid_request_uri", text);
    let without_fragment = |uri: &str| uri.split('#').next().unwrap_or_default().to_owned();
    let plain = without_fragment(uri);
    let registered = client.openid.iter().flat_map(|openid| &openid.request_uris);
    if !registered.into_iter().any(|registered| without_fragment(registered) == plain) {
        return Err(bad("request_uri is none that the client registered"));
    }
    if ctx.app.rates.take(RATE, ctx.ip, &ctx.tenant.tenant, ctx.now()).is_err() {
        return Err(AuthorizeError::new(
            "temporarily_unavailable",
            "Too many requests by reference: try again shortly",
        ));
    }
    let longest = if may_encrypt(client) { MAX_ENCRYPTED_LENGTH } else { MAX_TOKEN_LENGTH };
    let ask = Ask { accept: "application/oauth-authz-req+jwt", ..Ask::json(&plain, longest) };
    let reply = ctx.app.fetcher.ask(ask).await.and_then(chancery_web::Reply::document);
    let bytes =
        reply.map_err(|error| bad(&format!("What request_uri names could not be fetched: {error}")))?;
    let text = String::from_utf8(bytes.into()).map_err(|_| bad("request_uri leads to no request object"))?;
    Ok(text.trim().to_owned())
}
