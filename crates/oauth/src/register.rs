//! `/oidc/register`: applications that register themselves (RFC 7591, OpenID Connect Dynamic Client Registration 1.0, fact
//! sheet 9.3), and what they read and change of it later (RFC 7592).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use chancery_core::ids;
use chancery_core::model::{Client, Connection, SecurityMode};
use chancery_core::oauth::{
    LARGEST_REGISTRATION, LARGEST_SECTOR, OAuthError, Registration, RegistrationError, RegistrationRules,
    registered,
};
use chancery_store::{Change, Error, Going, Kind, PreparedClient};
use chancery_web::{Ctx, Failure, Rate, Scheme, bearer_token, json, no_content, read_json};
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::events;

/// How often one address may register an application: tools that test a server register one for each of their tests.
const RATE: Rate = Rate { name: "registrations", burst: 100, every: 1 };
/// Applications of a tenant that registered themselves: more than any tenant knows, less than memory cares about.
const MOST: usize = 10_000;
/// Seconds in which a new one may still be on its way to its first user.
const NEW: i64 = 600;
/// How many are asked whether they may make room.
const ASKED: usize = 64;
/// Bytes of what is kept of one: ten thousand of them lie in the memory of every node.
const MOST_KEPT: usize = 16 << 10;
/// How often a write that was overtaken is tried again.
const TRIES: usize = 8;

/// Makes an application of what it says of itself.
pub(crate) async fn register(ctx: Ctx, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    if !ctx.tenant.settings.lets_register() {
        return Err(not_here().into());
    }
    let left = ctx.app.rates.take(RATE, ctx.ip, &ctx.tenant.tenant, ctx.now())?;
    let metadata = metadata(&ctx, &headers, body).await?;
    let read = Box::pin(accepted(&ctx, &metadata, mode(&ctx))).await?;
    make_room(&ctx).await?;
    let rng = &*ctx.app.rng;
    let is_strict = mode(&ctx) == SecurityMode::Strict;
    let id = if is_strict { format!("tpc_{}", ids::alphanumeric(rng, 22)) } else { ids::client_id(rng) };
    let mut client = read.blank(id);
    let secret = new_secret(&ctx, &read, &mut client)?;
    read.describe(&mut client);
    let token = SecretString::from(ids::url_safe(rng, 43));
    let own = client.openid.get_or_insert_default();
    own.registered_at = Some(ctx.now());
    own.registration_token_sha256 = Some(digest(&token));
    let doc = kept(&client)?;
    let change = Change::new(&ctx.tenant.tenant).insert(Kind::Client, &client.client_id, None, doc);
    ctx.app.catalog.apply(change).await?;
    log(&ctx, "client_registered", &client);
    let mut response = json(StatusCode::CREATED, &told(&ctx, &client, secret.as_ref(), &token));
    left.say(response.headers_mut());
    Ok(response)
}

/// The registration as it is now.
pub(crate) async fn show(
    ctx: Ctx,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (client, token) = proven(&ctx, &client_id, &headers)?;
    Ok(json(StatusCode::OK, &told(&ctx, &client, kept_secret(&ctx, &client)?.as_ref(), &token)))
}

/// Says everything anew (RFC 7592, section 2.2). What the application is to the tenant, whose it is and how strictly it is held,
/// does not change.
pub(crate) async fn update(
    ctx: Ctx,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let (client, token) = proven(&ctx, &client_id, &headers)?;
    ctx.app.rates.take(RATE, ctx.ip, &ctx.tenant.tenant, ctx.now())?;
    let metadata = metadata(&ctx, &headers, body).await?;
    let mode = client.third_party_security_mode.unwrap_or(SecurityMode::Strict);
    let read = Box::pin(accepted(&ctx, &metadata, mode)).await?;
    for _ in 0..TRIES {
        let found = ctx.app.store.doc(&ctx.tenant.tenant, Kind::Client, &client_id).await?;
        let found = found.ok_or_else(|| bearer(BAD_TOKEN))?;
        let mut client: Client = serde_json::from_str(&found.json).map_err(Failure::server)?;
        if client.is_first_party {
            return Err(bearer(BAD_TOKEN));
        }
        names_itself(&ctx, &client, &metadata)?;
        read.keeps_subjects_of(&client).map_err(refused)?;
        read.keeps_demands_of(&client).map_err(refused)?;
        let made = match client.secret {
            None => new_secret(&ctx, &read, &mut client)?,
            Some(_) => None,
        };
        if !read.needs_secret() {
            client.secret = None;
        }
        read.clone().describe(&mut client);
        let doc = kept(&client)?;
        let change = Change::new(&ctx.tenant.tenant).update(Kind::Client, &client_id, None, doc, found.rev);
        match ctx.app.catalog.apply(change).await {
            Ok(_) => {
                log(&ctx, "client_registration_updated", &client);
                let secret = match made {
                    Some(made) => Some(made),
                    None => kept_secret(&ctx, &client)?,
                };
                return Ok(json(StatusCode::OK, &told(&ctx, &client, secret.as_ref(), &token)));
            }
            Err(Error::Guard) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(OAuthError::Unavailable.into())
}

/// The application goes, with everything that hangs on it (security case 19).
pub(crate) async fn remove(
    ctx: Ctx,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (client, _) = proven(&ctx, &client_id, &headers)?;
    forget(&ctx, &client).await?;
    Ok(no_content())
}

async fn forget(ctx: &Ctx, client: &Client) -> Result<(), Failure> {
    let client_id = &client.client_id;
    let (tenant, store) = (&ctx.tenant.tenant, &ctx.app.store);
    store.clear(tenant, Going::Client(client_id)).await?;
    for _ in 0..TRIES {
        let mut change = Change::new(tenant).delete(Kind::Client, client_id);
        for grant in ctx.tenant.client_grants_of(client_id) {
            change = change.delete(Kind::ClientGrant, &grant.id);
        }
        for connection in ctx.tenant.connections().filter(|c| c.enabled_clients.contains(client_id)) {
            let Some(found) = store.doc(tenant, Kind::Connection, &connection.id).await? else { continue };
            let mut connection: Connection = serde_json::from_str(&found.json).map_err(Failure::server)?;
            connection.enabled_clients.retain(|id| id != client_id);
            let doc = serde_json::to_string(&connection).map_err(Failure::server)?;
            change = change.update(Kind::Connection, &connection.id, Some(&connection.name), doc, found.rev);
        }
        let gone = store
            .delete_consents_of_client(tenant, client_id)
            .and(store.delete_device_keys_of_client(tenant, client_id));
        match ctx.app.catalog.apply(change.also(gone)).await {
            Ok(_) => {
                log(ctx, "client_unregistered", client);
                return Ok(());
            }
            Err(Error::Guard) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(OAuthError::Unavailable.into())
}

/// Whoever registers applications for nothing does not shut others out: where there are as many as there may be, one that nobody
/// ever allowed anything goes. It is looked for from a random place, so that those in use do not stand before all others.
async fn make_room(ctx: &Ctx) -> Result<(), Failure> {
    let all = || ctx.tenant.clients().filter(|client| client.registered_itself());
    if all().count() < MOST {
        return Ok(());
    }
    let is_idle = |client: &&Arc<PreparedClient>| {
        let registered = client.openid.as_ref().and_then(|own| own.registered_at);
        let is_new = registered.is_none_or(|at| ctx.now().saturating_sub(at) < NEW);
        let is_kept =
            client.is_first_party || ctx.tenant.client_grants_of(&client.client_id).next().is_some();
        !is_new && !is_kept
    };
    let idle: Vec<_> = all().filter(is_idle).collect();
    let mut random = [0; 8];
    ctx.app.rng.fill(&mut random);
    let begin = usize::from_le_bytes(random) % idle.len().max(1);
    for client in idle.iter().cycle().skip(begin).take(idle.len().min(ASKED)) {
        if !ctx.app.store.has_consents(&ctx.tenant.tenant, &client.client_id).await? {
            return forget(ctx, client).await;
        }
    }
    Err(OAuthError::Denied {
        code: "access_denied",
        status: 403,
        text: "The tenant has as many registered applications as it may have".to_owned(),
    }
    .into())
}

fn not_here() -> OAuthError {
    OAuthError::Denied {
        code: "not_found",
        status: 404,
        text: "Applications cannot register themselves here: the tenant's flag enable_dynamic_client_registration is off"
            .to_owned(),
    }
}

fn mode(ctx: &Ctx) -> SecurityMode {
    ctx.tenant.settings.dynamic_client_registration_security_mode.unwrap_or(SecurityMode::Strict)
}

async fn metadata(ctx: &Ctx, headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Failure> {
    let mut config = ctx.app.config.clone();
    config.max_body = config.max_body.min(LARGEST_REGISTRATION);
    match read_json(&config, headers, body).await.map_err(OAuthError::from)? {
        Value::Object(members) => Ok(members),
        _ => Err(refused(RegistrationError::metadata("A registration is a JSON object")).into()),
    }
}

/// Reads the metadata, and the document that has to list the callbacks where it names one (security case 7).
async fn accepted(
    ctx: &Ctx,
    metadata: &Map<String, Value>,
    mode: SecurityMode,
) -> Result<Registration, Failure> {
    let rules = RegistrationRules {
        mode,
        is_oidc_strict: ctx.tenant.settings.is_oidc_strict(),
        plain_http: !ctx.app.config.fetch_networks.0.is_empty(),
    };
    let read = Registration::read(metadata, &rules).map_err(refused)?;
    if let Some(url) = read.sector_document() {
        let document = ctx.app.fetcher.json(url, LARGEST_SECTOR).await.map_err(|error| {
            refused(RegistrationError::metadata(format!("sector_identifier_uri cannot be read: {error}")))
        })?;
        read.check_sector(&document).map_err(refused)?;
    }
    if read.encrypts_requests() {
        ctx.need_request_keys().await?;
    }
    Ok(read)
}

fn refused(error: RegistrationError) -> OAuthError {
    OAuthError::Denied { code: error.code, status: 400, text: error.text }
}

/// As it is stored.
fn kept(client: &Client) -> Result<String, Failure> {
    let doc = serde_json::to_string(client).map_err(Failure::server)?;
    match doc.len() <= MOST_KEPT {
        true => Ok(doc),
        false => {
            let text = format!("The registration has more than {MOST_KEPT} bytes of what is kept of it");
            Err(refused(RegistrationError::metadata(text)).into())
        }
    }
}

fn new_secret(ctx: &Ctx, read: &Registration, client: &mut Client) -> Result<Option<SecretString>, Failure> {
    if !read.needs_secret() {
        return Ok(None);
    }
    let secret = ids::client_secret(&*ctx.app.rng);
    client.secret = Some(ctx.app.store.seal_client_secret(&ctx.tenant.tenant, &client.client_id, &secret)?);
    Ok(Some(secret.into()))
}

fn kept_secret(ctx: &Ctx, client: &Client) -> Result<Option<SecretString>, Failure> {
    let Some(secret) = &client.secret else { return Ok(None) };
    let plain = ctx.app.store.open_client_secret(&ctx.tenant.tenant, &client.client_id, secret)?;
    Ok(Some(plain.as_str().to_owned().into()))
}

/// RFC 7591, section 3.2.1; RFC 7592, section 3.
fn told(
    ctx: &Ctx,
    client: &Client,
    secret: Option<&SecretString>,
    token: &SecretString,
) -> Map<String, Value> {
    let mut all = registered(client);
    if let Some(secret) = secret {
        all.insert("client_secret".to_owned(), secret.expose_secret().into());
        all.insert("client_secret_expires_at".to_owned(), 0.into());
    }
    let uri = format!("{}oidc/register/{}", ctx.origin.issuer, client.client_id);
    all.insert("registration_client_uri".to_owned(), uri.into());
    all.insert("registration_access_token".to_owned(), token.expose_secret().into());
    all
}

fn digest(token: &SecretString) -> String {
    chancery_jose::base64url(&chancery_jose::sha256(token.expose_secret().as_bytes()))
}

const BAD_TOKEN: OAuthError = OAuthError::TokenInvalid("The registration access token is not valid here");

fn bearer(error: OAuthError) -> Failure {
    Failure::new(error).with_scheme(Scheme::Bearer)
}

/// The application whose registration token this is. One that is gone looks like a wrong token (RFC 7592, section 2.1).
fn proven(
    ctx: &Ctx,
    client_id: &str,
    headers: &HeaderMap,
) -> Result<(Arc<PreparedClient>, SecretString), Failure> {
    let token = bearer_token(headers).map_err(bearer)?.ok_or_else(|| bearer(OAuthError::TokenMissing))?;
    let token = SecretString::from(token.to_owned());
    // One that an administrator made their own is no longer the stranger's to change.
    let client = ctx.tenant.client(client_id).filter(|client| !client.is_first_party);
    let client = client.ok_or_else(|| bearer(BAD_TOKEN))?;
    let kept = client.openid.as_ref().and_then(|openid| openid.registration_token_sha256.as_deref());
    let kept = kept.ok_or_else(|| bearer(BAD_TOKEN))?;
    match chancery_jose::constant_time_eq(kept.as_bytes(), digest(&token).as_bytes()) {
        true => Ok((Arc::clone(client), token)),
        false => Err(bearer(BAD_TOKEN)),
    }
}

/// An update names the application, and nothing that is the server's to say (RFC 7592, section 2.2).
fn names_itself(ctx: &Ctx, client: &Client, metadata: &Map<String, Value>) -> Result<(), Failure> {
    const OURS: [&str; 4] = [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ];
    if let Some(name) = OURS.into_iter().find(|name| metadata.contains_key(*name)) {
        return Err(OAuthError::Invalid(format!("{name} must not be sent with an update")).into());
    }
    if metadata.get("client_id").and_then(Value::as_str) != Some(&client.client_id) {
        return Err(OAuthError::Invalid("client_id must be that of the registration".to_owned()).into());
    }
    let Some(sent) = metadata.get("client_secret") else { return Ok(()) };
    let kept = kept_secret(ctx, client)?;
    let fits = kept.zip(sent.as_str()).is_some_and(|(kept, sent)| {
        chancery_jose::constant_time_eq(kept.expose_secret().as_bytes(), sent.as_bytes())
    });
    if fits {
        return Ok(());
    }
    Err(OAuthError::Invalid("client_secret must be the present one, or not be there".to_owned()).into())
}

fn log(ctx: &Ctx, kind: &'static str, client: &Client) {
    events::record(ctx, events::of_client(kind, client));
}
