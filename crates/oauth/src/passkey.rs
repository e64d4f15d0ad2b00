//! `/passkey/*`: applications with a login of their own ask for passkeys themselves (fact sheet 9.10). What the authenticator
//! answers goes to the token endpoint.

use std::sync::Arc;

use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::model::{Client, Connection, User};
use chancery_core::oauth::{ClientProof, OAuthError, PASSKEY_GRANT};
use chancery_core::params::Params;
use chancery_core::webauthn::{Challenge, KeyKind, LIFETIME, Purpose};
use chancery_db::Batch;
use chancery_store::{PreparedClient, StoredTransaction};
use chancery_web::{Ctx, Failure, Form, Rate, SecondFactorsOf, SignUp, json};
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::client_auth::authenticate;
use crate::{events, profile};

/// Ceremonies begun from one address: each is kept for a while.
const BEGUN: Rate = Rate { name: "passkey ceremonies", burst: 60, every: 5 };

/// A ceremony that was begun. It stands among the transactions, and belongs to no browser.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ceremony {
    pub(crate) challenge: Challenge,
    /// Nobody else goes on with it.
    pub(crate) client_id: String,
    pub(crate) connection_id: String,
    /// The account that is made with the passkey, where somebody signs up.
    pub(crate) account: Option<Box<User>>,
}

/// One that was found.
pub(crate) struct Begun {
    pub(crate) ceremony: Ceremony,
    id: String,
    rev: i64,
}

impl Begun {
    /// Ends it: a challenge is answered once.
    pub(crate) fn spend(&self, ctx: &Ctx) -> Batch {
        ctx.app.store.finish_transaction(&ctx.tenant.tenant, &self.id, self.rev)
    }
}

/// `POST /passkey/challenge`: what an authenticator of somebody who has a passkey is to sign. Says nothing of who there is.
pub(crate) async fn challenge(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    let (client, connection) = opened(&ctx, &headers, &params).await?;
    let challenge = Challenge::new(&*ctx.app.rng, Purpose::SignIn, None, ctx.now());
    let options = ctx.passkey_request(&challenge);
    begin(&ctx, &client, ceremony(&client, &connection, challenge, None), options).await
}

/// `POST /passkey/register`: what an authenticator of somebody who signs up is to make.
pub(crate) async fn register(ctx: Ctx, headers: HeaderMap, Form(params): Form) -> Result<Response, Failure> {
    let (client, connection) = opened(&ctx, &headers, &params).await?;
    let said = user_profile(&params).map_err(OAuthError::Invalid)?;
    let profile = profile::read(&said).map_err(OAuthError::Invalid)?;
    let email = said.get("email").ok_or_else(|| invalid("user_profile.email is required"))?;
    let user = match ctx.coming_account(&connection, (email, said.get("username")), profile).await? {
        SignUp::Created(user) => user,
        SignUp::Exists => return Err(invalid("The user already exists.").into()),
        SignUp::BadEmail => return Err(invalid("user_profile.email is not a valid email address").into()),
        SignUp::BadUsername => return Err(invalid("user_profile.username is missing or not valid").into()),
        SignUp::TooMany(wait) => return Err(wait.into()),
        SignUp::Closed | SignUp::Unfit(_) => return Err(invalid("Public signup is disabled").into()),
    };
    let challenge = Challenge::new(&*ctx.app.rng, KeyKind::Passkey.making(), None, ctx.now());
    let new = SecondFactorsOf::of_new(&ctx, &user);
    let options = new.key_creation(KeyKind::Passkey, &challenge, None).await?;
    begin(&ctx, &client, ceremony(&client, &connection, challenge, Some(user)), options).await
}

/// The ceremony behind an `auth_session`, for this application.
///
/// # Errors
/// [`refused`].
pub(crate) async fn begun(ctx: &Ctx, client: &Client, auth_session: &SecretString) -> Result<Begun, Failure> {
    let gone = || refused("The auth_session is not valid or has expired");
    let handle = Handle::parse(auth_session.expose_secret()).ok_or_else(gone)?;
    let stored = ctx.app.store.transaction(&ctx.tenant.tenant, &handle.id, ctx.now()).await?;
    let stored = stored.filter(|stored| stored.belongs_to(&handle.digest())).ok_or_else(gone)?;
    let ceremony: Ceremony = serde_json::from_str(&stored.doc).map_err(|_| gone())?;
    if ceremony.client_id != client.client_id {
        return Err(gone().into());
    }
    Ok(Begun { ceremony, id: stored.id, rev: stored.rev })
}

/// The connection that passkeys are for here, by name or the tenant's default.
///
/// # Errors
/// Where there is none, or it has no passkeys.
pub(crate) fn connection<'a>(
    ctx: &'a Ctx,
    client: &Client,
    realm: Option<&str>,
) -> Result<&'a Arc<Connection>, OAuthError> {
    let unknown = || OAuthError::UnknownRealm(realm.unwrap_or_default().chars().take(200).collect());
    let name = realm.or(ctx.tenant.settings.default_directory()).ok_or(OAuthError::NoDefaultDirectory)?;
    let connection = ctx.tenant.connection_by_name(name).ok_or_else(unknown)?;
    if connection.strategy != "auth0" || !connection.serves(&client.client_id) {
        return Err(unknown());
    }
    match connection.passkeys() {
        Some(_) => Ok(connection),
        None => {
            let text = "Passkeys are not enabled for this connection".to_owned();
            Err(OAuthError::Denied { code: "not_found", status: 404, text })
        }
    }
}

/// What is wrong with a passkey or its ceremony.
pub(crate) fn refused(text: &str) -> OAuthError {
    OAuthError::Denied { code: "invalid_grant", status: 403, text: text.to_owned() }
}

fn invalid(text: &str) -> OAuthError {
    OAuthError::Invalid(text.to_owned())
}

/// Who asks, and for users of which connection.
async fn opened(
    ctx: &Ctx,
    headers: &HeaderMap,
    params: &Params,
) -> Result<(Arc<PreparedClient>, Arc<Connection>), Failure> {
    if let Some(name) = params.repeated() {
        return Err(OAuthError::Repeated(name.to_owned()).into());
    }
    let client = client(ctx, headers, params).await?;
    if !client.is_first_party || !client.may_use(PASSKEY_GRANT) {
        return Err(OAuthError::GrantNotAllowed(PASSKEY_GRANT.to_owned()).into());
    }
    if params.get("organization").is_some() || !client.serves_individuals() {
        return Err(invalid("Organizations are not supported by this endpoint").into());
    }
    let connection = Arc::clone(connection(ctx, &client, params.get("realm"))?);
    ctx.app.rates.take(BEGUN, ctx.ip, &ctx.tenant.tenant, ctx.now())?;
    Ok((client, connection))
}

/// SDKs name the application and prove nothing: what is told here anybody may know, and the token endpoint asks for proof. What
/// is shown has to be right.
async fn client(ctx: &Ctx, headers: &HeaderMap, params: &Params) -> Result<Arc<PreparedClient>, Failure> {
    let proof = ClientProof::parse(params)?;
    let shows_nothing =
        proof.client_secret.is_none() && proof.assertion.is_none() && !headers.contains_key("authorization");
    if !shows_nothing {
        return authenticate(ctx, headers, &proof).await;
    }
    let id = proof.client_id.as_deref().ok_or(OAuthError::Missing("client_id"))?;
    Ok(ctx.tenant.client(id).cloned().ok_or(OAuthError::Unauthorized)?)
}

fn ceremony(
    client: &Client,
    connection: &Connection,
    challenge: Challenge,
    account: Option<Box<User>>,
) -> Ceremony {
    let (client_id, connection_id) = (client.client_id.clone(), connection.id.clone());
    Ceremony { challenge, client_id, connection_id, account }
}

async fn begin(ctx: &Ctx, client: &Client, what: Ceremony, options: Value) -> Result<Response, Failure> {
    let handle = Handle::generate(&*ctx.app.rng, ctx.now_ms);
    let stored = StoredTransaction {
        id: handle.id.clone(),
        digest: handle.digest(),
        doc: serde_json::to_string(&what).map_err(Failure::server)?,
        expires_at: ctx.now() + LIFETIME,
        rev: 1,
    };
    ctx.app.store.insert_transaction(&ctx.tenant.tenant, &stored).await?;
    events::record(ctx, events::of_client("passkey_challenge_started", client));
    Ok(json(StatusCode::OK, &json!({"auth_session": handle.expose(), "authn_params_public_key": options})))
}

/// `user_profile`, as the parameters that a sign-up has. `user_metadata` stands in it or beside it.
fn user_profile(params: &Params) -> Result<Params, String> {
    let wrong = || "user_profile must be an object".to_owned();
    let text = params.get("user_profile").ok_or("user_profile is required")?;
    let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let mut said = Params::default();
    for (name, value) in members {
        match value {
            Value::Null => {}
            Value::String(text) if NAMES.contains(&name.as_str()) => said.push(name, text),
            Value::Object(_) if name == "user_metadata" => said.push(name, value.to_string()),
            _ => return Err(format!("user_profile.{} is not supported", name.escape_debug())),
        }
    }
    if let Some(metadata) = params.get("user_metadata") {
        said.push("user_metadata", metadata);
    }
    match said.repeated() {
        Some(name) => Err(format!("Parameter sent more than once: {name}")),
        None => Ok(said),
    }
}

/// What people may say of themselves.
const NAMES: [&str; 7] = ["email", "username", "name", "nickname", "given_name", "family_name", "picture"];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(profile: &str) -> Result<Params, String> {
        let mut params = Params::default();
        params.push("user_profile", profile);
        user_profile(&params)
    }

    #[test]
    fn what_people_may_say_of_themselves() {
        let said = read(r#"{"email":"a@b.example","name":null,"user_metadata":{"a":"b"}}"#).unwrap();
        assert_eq!(said.get("email"), Some("a@b.example"));
        assert_eq!((said.has("name"), said.get("user_metadata")), (false, Some(r#"{"a":"b"}"#)));
        let bad = [
            "[]",
            "x",
            r#"{"email":1}"#,
            r#"{"phone_number":"+1"}"#,
            r#"{"blocked":false}"#,
            r#"{"email":{}}"#,
        ];
        for bad in bad {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(user_profile(&Params::default()).is_err());
        let mut twice = Params::default();
        twice.push("user_profile", r#"{"user_metadata":{}}"#);
        twice.push("user_metadata", "{}");
        assert!(user_profile(&twice).is_err());
    }
}
