//! What works on a database as types: `chancery init`, `migrate`, `backup`, `keys`, `admin` and `tenant`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::SecretString;

/// `chancery init`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery init --tenant acme --origin https://login.acme.example \\
      --config /etc/chancery.toml")]
pub struct InitArgs {
    /// Id of the tenant: lower-case letters, digits, - and _
    #[arg(long, value_name = "ID", value_parser = tenant_id)]
    pub tenant: String,
    /// Where the tenant is reached: https://HOST[:PORT]; repeat for several, the first is the main one
    #[arg(long, value_name = "URL", required = true)]
    pub origin: Vec<String>,
    /// Where the database is.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// `chancery migrate`.
#[derive(Args, Debug, Clone)]
#[command(
    after_help = "`serve` and `init` migrate by themselves; this is for doing it at a time of one's own choice.
The master key is not needed."
)]
pub struct MigrateArgs {
    /// Change nothing; end with status 1 if there is something to do
    #[arg(long)]
    pub check: bool,
    /// Where the database is.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// `chancery backup`.
#[derive(Args, Debug, Clone)]
#[command(
    after_help = "The server goes on serving. What is secret stays sealed: keep the master key too, but elsewhere.
To make it the master key is not needed. For PostgreSQL use pg_dump."
)]
pub struct BackupArgs {
    /// The file to make
    pub file: PathBuf,
    /// Where the database is.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// `chancery keys ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum KeysCommand {
    /// Print a new master key
    GenerateMaster,
    /// List the keys of a tenant: those that sign, and those that requests are encrypted for
    List(TenantStorage),
    /// The waiting keys begin to sign; new ones wait
    Rotate {
        /// Also where the waiting keys are younger than a minute, so that who checks tokens may not know them yet
        #[arg(long)]
        now: bool,
        /// Which tenant.
        #[command(flatten)]
        tenant: TenantStorage,
    },
    /// Trust a key no more: tokens signed with it become invalid, requests encrypted for it are not opened
    Revoke {
        /// The key's id
        // One in sixty-four begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Without asking
        #[arg(long)]
        yes: bool,
        /// Which tenant.
        #[command(flatten)]
        tenant: TenantStorage,
    },
}

/// `chancery admin ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum AdminCommand {
    /// Make an administrator, and what the dashboard needs where it is missing
    Create(AdminCreate),
    /// List who holds permissions on the Management API, outside organizations
    List(TenantStorage),
}

/// `chancery admin create`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery admin create --email you@acme.example --config /etc/chancery.toml
  pass show acme | \\
      chancery admin create --email you@acme.example --password-stdin
  # Somebody who signs in already
  chancery admin create --email ada@acme.example --grant

The password is asked for; where there is no terminal, or nothing is typed, one is made up and printed once.

The application, its client grant and the role are made where they are missing, and left alone where they are there.")]
pub struct AdminCreate {
    /// Address of the administrator
    #[arg(long, value_name = "EMAIL")]
    pub email: String,
    /// Give the role to a user who is there already
    #[arg(long, conflicts_with = "password_stdin")]
    pub grant: bool,
    /// Read the password from the first line of stdin
    #[arg(long)]
    pub password_stdin: bool,
    /// Database of users; not needed where there is one only
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Which tenant.
    #[command(flatten)]
    pub tenant: TenantStorage,
}

/// `chancery tenant ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum TenantCommand {
    /// List the tenants with their origins
    List(StorageArgs),
    /// The same as `chancery init`
    Create(InitArgs),
}

/// A tenant of a database.
#[derive(Args, Debug, Clone)]
pub struct TenantStorage {
    /// Id of the tenant; not needed where there is one only
    #[arg(long, env = "CHANCERY_TENANT", value_name = "ID")]
    pub tenant: Option<String>,
    /// Where the database is.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// Where the database is.
#[derive(Args, Debug, Clone)]
pub struct StorageArgs {
    /// Configuration file of the server
    #[arg(long, env = "CHANCERY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Database: sqlite:PATH or postgres://...
    #[arg(long, env = "CHANCERY_DATABASE", hide_env_values = true, value_name = "URL")]
    pub database: Option<SecretString>,
    /// File with the master key
    #[arg(long, env = "CHANCERY_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,
}

fn tenant_id(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if (1..=63).contains(&text.len()) && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("a tenant id has 1 to 63 lower-case letters, digits, - and _".to_owned())
    }
}
