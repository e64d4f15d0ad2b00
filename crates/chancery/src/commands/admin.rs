//! `chancery admin`: who may use the dashboard.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use chancery_connect::{PasswordHasher, password_policy, users};
use chancery_core::model::{Connection, Role, User};
use chancery_core::{Clock, Rng, dashboard};
use chancery_store::{Change, Error, GroupFilter, Kind, NewUser, Store, Tenant};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::password::{self, Password};
use super::{Environment, storage};
use crate::cli::{AdminCommand, AdminCreate, TenantStorage};
use crate::clock::SystemClock;
use crate::output::Output;
use crate::rng::SystemRng;
use crate::seed::dashboard::add_missing;
use crate::seed::{CONNECTION, DemoClients, MANAGEMENT_IDENTIFIER, Seeding, management_scopes};

pub(super) async fn run(
    command: AdminCommand,
    environment: &Environment,
    out: &mut Output,
) -> Result<ExitCode> {
    match command {
        AdminCommand::Create(args) => create(args, environment, out).await?,
        AdminCommand::List(args) => list(args, environment, out).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(args: AdminCreate, environment: &Environment, out: &mut Output) -> Result<()> {
    let email =
        users::email(&args.email).map_err(|_| anyhow::anyhow!("{} is no email address", args.email))?;
    let (store, tenant) = storage::sealed_tenant(args.tenant, environment).await?;
    ensure!(
        !tenant.origins.is_empty(),
        "tenant {} has no origin, so nobody could open its dashboard",
        tenant.id
    );
    let connection = connection(&store, &tenant, args.connection.as_deref()).await?;
    let known = known(&store, &tenant, &email, &connection).await?;
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    let seeding = Seeding {
        store: &store,
        rng: &*rng,
        now_ms: SystemClock.now_ms(),
        tenant: &tenant.id,
        origins: &tenant.origins,
        clients: &DemoClients::none(),
        scopes: &management_scopes(),
    };
    let (change, role) = add_missing(&seeding, Change::new(&tenant.id)).await?;
    let mut made = None;
    let (change, user_id) = match (known, args.grant) {
        (Some(user), true) => (change, user.user_id),
        (Some(_), false) => bail!(
            "there is a user {email} in {} already; --grant gives them the role. Nothing was changed",
            connection.name
        ),
        (None, true) => bail!(
            "there is no user {email} in {} to give the role to; without --grant one is made. Nothing was changed",
            connection.name
        ),
        (None, false) => {
            let password = strong_password(args.password_stdin, &connection, &*rng)?;
            let new = newcomer(&email, &connection, &password, &rng).await?;
            if password.is_generated {
                made = Some(password.text);
            }
            let user_id = new.user.user_id.clone();
            (change.also(store.create_user_batch(&tenant.id, &new)?), user_id)
        }
    };
    let change = change.also(store.assign_roles_batch(&tenant.id, &user_id, std::slice::from_ref(&role)));
    match store.apply(change).await {
        Err(Error::Conflict) => bail!("somebody else made the same at this moment; nothing was changed"),
        other => other?,
    };
    store.close().await;
    report(&Made { tenant: &tenant, email: &email, user_id: &user_id, password: made.as_ref() }, out)
}

struct Made<'a> {
    tenant: &'a Tenant,
    email: &'a str,
    user_id: &'a str,
    password: Option<&'a SecretString>,
}

fn report(made: &Made<'_>, out: &mut Output) -> Result<()> {
    let url = dashboard::url(made.tenant.origins.first().map_or("", String::as_str));
    let password = made.password.map(ExposeSecret::expose_secret);
    if out.json {
        let body = json!({"url": url, "email": made.email, "user_id": made.user_id, "password": password});
        return out.value(&body);
    }
    out.say(&format!("{} may administer everything in tenant {}.\n", made.email, made.tenant.id));
    out.line(&format!("Dashboard  {url}"))?;
    out.line(&format!("Email      {}", made.email))?;
    if let Some(password) = password {
        out.line(&format!("Password   {password}"))?;
        out.say("\nThe password is shown this once.");
    }
    Ok(())
}

/// The database of users to sign in by.
async fn connection(store: &Store, tenant: &Tenant, named: Option<&str>) -> Result<Connection> {
    let all = store.docs_all(&tenant.id, Kind::Connection).await?;
    let all = all.iter().map(|stored| serde_json::from_str(&stored.json));
    let mut all: Vec<Connection> = all.collect::<Result<_, _>>()?;
    all.retain(|connection| connection.strategy == users::PROVIDER);
    let names: Vec<&str> = all.iter().map(|connection| connection.name.as_str()).collect();
    let name = match (named, names.as_slice()) {
        (Some(named), _) => named,
        (None, [only]) => only,
        (None, names) if names.contains(&CONNECTION) => CONNECTION,
        (None, names) => bail!("say with --connection which database of users: {}", names.join(", ")),
    };
    let position = names.iter().position(|known| *known == name);
    let position =
        position.with_context(|| format!("there is no database of users {name}: {}", names.join(", ")))?;
    let connection = all.swap_remove(position);
    ensure!(
        connection.serves(dashboard::CLIENT_ID),
        "{} does not serve the dashboard: add {} to its enabled_clients",
        connection.name,
        dashboard::CLIENT_ID
    );
    Ok(connection)
}

async fn known(store: &Store, tenant: &Tenant, email: &str, connection: &Connection) -> Result<Option<User>> {
    let found = store.users_by_email(&tenant.id, email).await?;
    Ok(found
        .into_iter()
        .find(|user| user.identities.iter().any(|identity| identity.connection == connection.name)))
}

/// One that the database takes.
fn strong_password(from_stdin: bool, connection: &Connection, rng: &dyn Rng) -> Result<Password> {
    let password = password::ask(from_stdin, rng)?;
    let rules = password_policy::check(password.text.expose_secret(), &connection.settings().strength());
    if !password.is_generated && !password_policy::is_strong(&rules) {
        bail!("the password is too weak for {}. {}", connection.name, password_policy::describe(&rules));
    }
    Ok(password)
}

async fn newcomer(
    email: &str,
    connection: &Connection,
    password: &Password,
    rng: &Arc<dyn Rng>,
) -> Result<NewUser> {
    let new = users::NewUser { email: Some(email), username: None, connection: &connection.name };
    // Whoever holds the database's key vouches for the address.
    let user = User { email_verified: Some(true), ..users::new_user(new, &**rng, SystemClock.now_ms()) };
    let hasher = PasswordHasher::for_cores(Arc::clone(rng), 1)?;
    let hash = hasher.hash(password.text.clone()).await?;
    Ok(NewUser { user, connection: connection.name.clone(), password_hash: Some(hash) })
}

/// Everybody who holds something on the Management API, with what they hold it through.
async fn list(args: TenantStorage, environment: &Environment, out: &mut Output) -> Result<()> {
    let (store, tenant) = storage::tenant(args, environment).await?;
    let mut all: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for stored in store.docs_all(&tenant.id, Kind::Role).await? {
        let role: Role = serde_json::from_str(&stored.json)?;
        let mut held = role.permissions.iter();
        if !held.any(|permission| permission.resource_server_identifier == MANAGEMENT_IDENTIFIER) {
            continue;
        }
        for member in store.role_members(&tenant.id, &role.id, 0, MOST).await? {
            all.entry((member.email.unwrap_or_default(), member.user_id))
                .or_default()
                .push(role.name.clone());
        }
        let giving = GroupFilter { gives: Some((&role.id, "")), ..GroupFilter::default() };
        for group in store.groups(&tenant.id, &giving, "", (0, MOST)).await? {
            for member in store.group_members(&tenant.id, &group.id, "", MOST).await? {
                let email = store.user(&tenant.id, &member.user_id).await?.and_then(|user| user.email);
                let through = format!("{} (group {})", role.name, group.name);
                let known = all.entry((email.unwrap_or_default(), member.user_id)).or_default();
                // Two accounts of a user may be in one group.
                if !known.contains(&through) {
                    known.push(through);
                }
            }
        }
    }
    for member in store.permission_holders(&tenant.id, MANAGEMENT_IDENTIFIER, MOST).await? {
        let through = all.entry((member.email.unwrap_or_default(), member.user_id)).or_default();
        through.push("direct permissions".to_owned());
    }
    store.close().await;
    let values: Vec<_> = all
        .iter()
        .map(|((email, user_id), through)| json!({"email": email, "user_id": user_id, "through": through}))
        .collect();
    let rows: Vec<_> =
        all.into_iter().map(|((email, user_id), through)| vec![email, user_id, through.join(", ")]).collect();
    out.table(&values, &["EMAIL", "USER", "THROUGH"], &rows)
}

/// Of one role; nobody has so many administrators.
const MOST: i64 = 1000;
