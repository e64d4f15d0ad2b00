//! The handle everything else hangs on.

use std::{path::Path, sync::Arc};

use chancery_core::model::StoredSecret;
use chancery_db::{Batch, Db, Migrated, Migration};
use zeroize::Zeroizing;

use crate::{Error, Result, Vault, daily::TokenDays, stage::Stage, user_search::Counts};

/// The database with the vault that seals its secrets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) db: Db,
    pub(crate) vault: Arc<Vault>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) token_days: Arc<TokenDays>,
    /// What is written to, in place of the database.
    pub(crate) stage: Option<Arc<Stage>>,
}

/// How to open a store.
#[derive(Debug)]
pub struct Options {
    /// Seals private keys and readable secrets.
    pub vault: Vault,
    /// The database's own settings.
    pub db: chancery_db::Options,
}

impl Options {
    /// The defaults, with this master key.
    #[must_use]
    pub fn new(master_key: [u8; 32]) -> Self {
        Self { vault: Vault::new(master_key), db: chancery_db::Options::default() }
    }
}

/// Every step of the schema. Released steps never change; new ones are added at the end.
const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "initial", sql: include_str!("../migrations/0001_initial.sql") },
    Migration {
        number: 2,
        name: "sealed signing secrets",
        sql: include_str!("../migrations/0002_sealed_signing_secrets.sql"),
    },
    Migration { number: 3, name: "log blocks", sql: include_str!("../migrations/0003_log_blocks.sql") },
    Migration {
        number: 4,
        name: "refresh chains",
        sql: include_str!("../migrations/0004_refresh_chains.sql"),
    },
    Migration {
        number: 5,
        name: "log block users",
        sql: include_str!("../migrations/0005_log_block_users.sql"),
    },
    Migration { number: 6, name: "organizations", sql: include_str!("../migrations/0006_organizations.sql") },
    Migration {
        number: 7,
        name: "linked accounts",
        sql: include_str!("../migrations/0007_linked_accounts.sql"),
    },
    Migration { number: 8, name: "invitations", sql: include_str!("../migrations/0008_invitations.sql") },
    Migration { number: 9, name: "jobs", sql: include_str!("../migrations/0009_jobs.sql") },
    Migration { number: 10, name: "user terms", sql: include_str!("../migrations/0010_user_terms.sql") },
    Migration {
        number: 11,
        name: "authentication methods",
        sql: include_str!("../migrations/0011_authentication_methods.sql"),
    },
    Migration {
        number: 12,
        name: "declined scopes",
        sql: include_str!("../migrations/0012_declined_scopes.sql"),
    },
    Migration { number: 13, name: "scope use", sql: include_str!("../migrations/0013_scope_use.sql") },
    Migration {
        number: 14,
        name: "password history",
        sql: include_str!("../migrations/0014_password_history.sql"),
    },
    Migration { number: 15, name: "groups", sql: include_str!("../migrations/0015_groups.sql") },
    Migration { number: 16, name: "device codes", sql: include_str!("../migrations/0016_device_codes.sql") },
    Migration {
        number: 17,
        name: "directory runs",
        sql: include_str!("../migrations/0017_directory_runs.sql"),
    },
    Migration {
        number: 18,
        name: "second factors",
        sql: include_str!("../migrations/0018_second_factors.sql"),
    },
    Migration { number: 19, name: "tries", sql: include_str!("../migrations/0019_tries.sql") },
    Migration {
        number: 20,
        name: "logout notices",
        sql: include_str!("../migrations/0020_logout_notices.sql"),
    },
    Migration {
        number: 21,
        name: "backchannel pings",
        sql: include_str!("../migrations/0021_backchannel_pings.sql"),
    },
    Migration {
        number: 22,
        name: "remembered browsers",
        sql: include_str!("../migrations/0022_remembered_browsers.sql"),
    },
];

impl Store {
    /// Opens `sqlite:PATH` or `postgres://...`; a missing SQLite file is created. The schema is left as it is: see
    /// [`Store::migrate`].
    ///
    /// # Errors
    /// [`Error::Busy`] when the server is away, [`Error::Database`] for an unusable address.
    pub async fn open(url: &str, options: Options) -> Result<Self> {
        Ok(Self {
            db: Db::open(url, options.db).await?,
            vault: Arc::new(options.vault),
            counts: Arc::default(),
            token_days: Arc::default(),
            stage: None,
        })
    }

    /// Brings the schema to this release.
    ///
    /// # Errors
    /// [`Error::Database`], saying so in one sentence when the database belongs to a newer release.
    pub async fn migrate(&self) -> Result<Migrated> {
        Ok(self.db.migrate(MIGRATIONS).await?)
    }

    /// Refuses a database in which a newer release took away what this one needs. What was only added does not count.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn check_newer(&self) -> Result<()> {
        Ok(self.db.check_newer(MIGRATIONS).await?)
    }

    /// The schema version found; 0 for an empty database.
    ///
    /// # Errors
    /// [`Error::Database`] or [`Error::Busy`].
    pub async fn schema_version(&self) -> Result<i64> {
        Ok(self.db.schema_version().await?)
    }

    /// The schema version of this release.
    #[must_use]
    pub fn known_schema_version() -> i64 {
        MIGRATIONS.last().map_or(0, |step| step.number)
    }

    /// Does the whole batch durably, or nothing of it.
    ///
    /// # Errors
    /// [`Error::Guard`] where a guarded statement lost a race, [`Error::Conflict`] where something exists already.
    pub async fn commit(&self, batch: Batch) -> Result<()> {
        match &self.stage {
            None => Ok(self.db.commit(batch).await?),
            Some(stage) => {
                stage.keep(batch);
                Ok(())
            }
        }
    }

    /// Gives back memory that only what was done so far needed.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub async fn release_memory(&self) -> Result<()> {
        Ok(self.db.release_memory().await?)
    }

    /// Whether the database answers: see [`Db::ping`].
    ///
    /// # Errors
    /// [`Error::Busy`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.db.ping().await?)
    }

    /// Copies a live SQLite database to a new file. Seals stay sealed: the master key is backed up apart.
    ///
    /// # Errors
    /// [`Error::Database`] when the file exists or cannot be written, and always on PostgreSQL.
    pub async fn backup(&self, path: &Path) -> Result<()> {
        Ok(self.db.backup(path).await?)
    }

    /// Finishes the writes already accepted, then lets go of the database.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// The database below.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The vault.
    #[must_use]
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// The stored form of an application's secret: its digest, and the secret sealed.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub fn seal_client_secret(&self, tenant: &str, client_id: &str, secret: &str) -> Result<StoredSecret> {
        Ok(StoredSecret {
            sha256: chancery_jose::base64url(&chancery_jose::sha256(secret.as_bytes())),
            sealed: self.vault.seal(&client_secret_context(tenant, client_id), secret.as_bytes())?,
        })
    }

    /// The application's secret in plain text, for HS256 ID tokens and `read:client_keys`.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_client_secret(
        &self,
        tenant: &str,
        client_id: &str,
        secret: &StoredSecret,
    ) -> Result<Zeroizing<String>> {
        let context = client_secret_context(tenant, client_id);
        let bytes = self.vault.open(&context, &secret.sealed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::Corrupt(context))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

fn client_secret_context(tenant: &str, client_id: &str) -> String {
    format!("{tenant}/client-secret/{client_id}")
}
