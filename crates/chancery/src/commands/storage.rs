//! Commands that open the database themselves.

use anyhow::{Context, Result, bail};
use chancery_store::{Store, Tenant};

use super::Environment;
use crate::cli::{StorageArgs, TenantStorage};
use crate::config::Settings;
use crate::master_key::MasterKey;

/// Flags over environment over file.
pub(super) fn settings(args: StorageArgs, environment: &Environment) -> Result<Settings> {
    let flags =
        Settings { database: args.database, master_key_file: args.master_key_file, ..Settings::default() };
    layered(flags, args.config.as_deref(), environment)
}

/// As [`settings`], with every flag.
pub(super) fn layered(
    flags: Settings,
    file: Option<&std::path::Path>,
    environment: &Environment,
) -> Result<Settings> {
    let from_environment = Settings { master_key: environment.master_key.clone(), ..Settings::default() };
    let file = file.map(Settings::read).transpose()?.unwrap_or_default();
    Ok(flags.over(from_environment).over(file))
}

/// The database as it is, made where there is none.
pub(super) async fn connect_or_create(settings: &Settings) -> Result<Store> {
    crate::assemble::connect(settings.database()?, &settings.master_key()?).await
}

/// As [`connect_or_create`], for a command that touches nothing that is sealed: any key will do.
pub(super) async fn connect_or_create_without_key(settings: &Settings) -> Result<Store> {
    crate::assemble::connect(settings.database()?, &MasterKey::default()).await
}

/// A database that is there, for commands that touch nothing that is sealed.
pub(super) async fn connect_without_key(settings: &Settings) -> Result<Store> {
    require_file(settings.database()?)?;
    connect_or_create_without_key(settings).await
}

/// A database that is there, with the master key.
async fn connect_with_key(settings: &Settings) -> Result<Store> {
    require_file(settings.database()?)?;
    connect_or_create(settings).await
}

/// Looking must not make an empty database, which opening a file of SQLite does.
fn require_file(database: &str) -> Result<()> {
    let Some(path) = database.strip_prefix("sqlite:") else { return Ok(()) };
    let path = path.strip_prefix("//").unwrap_or(path);
    if !std::path::Path::new(path).exists() {
        bail!("there is no such database: {path}");
    }
    Ok(())
}

/// Refuses a master key that is not the one these tenants were made with. To be called before anything is written:
/// what is sealed with a wrong key is lost to the right one.
pub(super) async fn require_master_key(store: &Store, tenants: &[Tenant]) -> Result<()> {
    for tenant in tenants {
        let checked = store.check_master_key(&tenant.id).await;
        checked
            .with_context(|| format!("tenant {}: is this its master key? Nothing was changed", tenant.id))?;
    }
    Ok(())
}

/// Refuses a schema that this release cannot work with.
pub(super) async fn require_current(store: &Store) -> Result<()> {
    let (found, known) = (store.schema_version().await?, Store::known_schema_version());
    if found < known {
        bail!("the database is at schema {found} and this release needs {known}: run `chancery migrate`");
    }
    Ok(store.check_newer().await?)
}

/// The tenant named, or the only one there is, to be looked at.
pub(super) async fn tenant(args: TenantStorage, environment: &Environment) -> Result<(Store, Tenant)> {
    let store = connect_without_key(&settings(args.storage, environment)?).await?;
    let tenant = named(&store, args.tenant).await?;
    Ok((store, tenant))
}

async fn named(store: &Store, id: Option<String>) -> Result<Tenant> {
    require_current(store).await?;
    let mut tenants = store.tenants().await?;
    Ok(match id {
        Some(id) => {
            tenants.into_iter().find(|tenant| tenant.id == id).with_context(|| format!("no tenant {id}"))?
        }
        None if tenants.len() == 1 => tenants.remove(0),
        None if tenants.is_empty() => bail!("there is no tenant yet: make one with `chancery init`"),
        None => bail!("there are {} tenants: say which with --tenant", tenants.len()),
    })
}

/// The same, to be written to with its own master key only.
pub(super) async fn sealed_tenant(args: TenantStorage, environment: &Environment) -> Result<(Store, Tenant)> {
    let store = connect_with_key(&settings(args.storage, environment)?).await?;
    let tenant = named(&store, args.tenant).await?;
    require_master_key(&store, std::slice::from_ref(&tenant)).await?;
    Ok((store, tenant))
}
