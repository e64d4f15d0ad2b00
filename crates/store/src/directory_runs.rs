//! Reading a company's directory: one run at a time for each connection, on whatever node, and what a directory was seen to
//! keep. Whatever a run writes is committed with [`Store::go_on_with_directory`], so that a run that was given up writes nothing
//! beside the one that followed it.

use chancery_db::{Batch, FromRow, Row, params};

use crate::{Error, Result, Store};

/// The last run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryRun {
    /// Which one.
    pub id: String,
    /// How it stands.
    pub status: String,
    /// What went wrong.
    pub error: Option<String>,
    /// When its node last said that it goes on: milliseconds.
    pub alive_ms: i64,
    /// When a run last ended: milliseconds. Of the one before while this one goes on.
    pub ended_ms: Option<i64>,
}

impl FromRow for DirectoryRun {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self {
            id: row.take()?,
            status: row.take()?,
            error: row.take()?,
            alive_ms: row.take()?,
            ended_ms: row.take()?,
        })
    }
}

impl DirectoryRun {
    /// The status of a run that goes on.
    pub const GOES_ON: &'static str = "in_progress";
}

/// Which run a statement is about.
#[derive(Clone, Copy, Debug)]
pub struct RunKey<'a> {
    /// Tenant.
    pub tenant: &'a str,
    /// Connection.
    pub connection_id: &'a str,
    /// Run.
    pub id: &'a str,
}

/// When a run may begin, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    /// Now.
    pub now_ms: i64,
    /// A run that said nothing since is gone.
    pub gone_ms: i64,
    /// The one before ended by then.
    pub rested_ms: i64,
}

/// What is known of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryAccount {
    /// The id it was made with.
    pub account: String,
    /// Its block is the directory's.
    pub is_shut: bool,
    /// The directory names it no more.
    pub is_gone: bool,
}

impl Store {
    /// Begins a run, unless one goes on or ended too lately: then the answer is `false`.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub async fn begin_directory_run(&self, run: RunKey<'_>, when: Beginning) -> Result<bool> {
        let begun = Batch::default().guard(
            "INSERT INTO directory_runs (tenant, connection_id, id, status, error, alive_ms, ended_ms) \
             VALUES ($1, $2, $3, 'in_progress', NULL, $4, NULL) ON CONFLICT (tenant, connection_id) DO UPDATE SET \
             id = excluded.id, status = excluded.status, error = NULL, alive_ms = excluded.alive_ms \
             WHERE (directory_runs.status <> 'in_progress' OR directory_runs.alive_ms < $5) \
             AND COALESCE(directory_runs.ended_ms, 0) <= $6",
            params![run.tenant, run.connection_id, run.id, when.now_ms, when.gone_ms, when.rested_ms],
        );
        match self.commit(begun).await {
            Ok(()) => Ok(true),
            Err(Error::Guard) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Says that a run goes on; to be committed with what it writes. [`Error::Guard`] where another one took over, or the
    /// configuration is gone.
    pub fn go_on_with_directory(&self, run: RunKey<'_>, now_ms: i64) -> Batch {
        Batch::default().guard(
            "UPDATE directory_runs SET alive_ms = $1 \
             WHERE tenant = $2 AND connection_id = $3 AND id = $4 AND status = 'in_progress'",
            params![now_ms, run.tenant, run.connection_id, run.id],
        )
    }

    /// Ends a run.
    ///
    /// # Errors
    /// [`Error::Guard`] where it is no longer the one that goes on; [`Error::Busy`] or [`Error::Database`].
    pub async fn end_directory_run(
        &self,
        run: RunKey<'_>,
        (status, error): (&str, Option<&str>),
        now_ms: i64,
    ) -> Result<()> {
        self.commit(Batch::default().guard(
            "UPDATE directory_runs SET status = $1, error = $2, ended_ms = $3 \
             WHERE tenant = $4 AND connection_id = $5 AND id = $6 AND status = 'in_progress'",
            params![status, error, now_ms, run.tenant, run.connection_id, run.id],
        ))
        .await
    }

    /// The last run of a connection.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub async fn directory_run(&self, tenant: &str, connection_id: &str) -> Result<Option<DirectoryRun>> {
        let sql = "SELECT id, status, error, alive_ms, ended_ms FROM directory_runs \
                   WHERE tenant = $1 AND connection_id = $2";
        Ok(self.db.query_one(sql, params![tenant, connection_id]).await?)
    }

    /// Forgets the runs of a connection; a run that goes on ends with its next write. What accounts a directory keeps is remembered
    /// as long as the connection is there.
    pub fn forget_directory_runs(&self, tenant: &str, connection_id: &str) -> Batch {
        Batch::default().run(
            "DELETE FROM directory_runs WHERE tenant = $1 AND connection_id = $2",
            params![tenant, connection_id],
        )
    }

    /// Forgets runs and accounts: goes with the connection.
    pub fn forget_directory(&self, tenant: &str, connection_id: &str) -> Batch {
        self.forget_directory_runs(tenant, connection_id).run(
            "DELETE FROM directory_accounts WHERE tenant = $1 AND connection_id = $2",
            params![tenant, connection_id],
        )
    }

    /// Writes down that this run saw an account, or (gone) that it did not.
    pub fn note_directory_account(&self, run: RunKey<'_>, seen: &DirectoryAccount) -> Batch {
        Batch::default().run(
            "INSERT INTO directory_accounts (tenant, connection_id, account, run_id, shut, gone) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, connection_id, account) DO UPDATE SET \
             run_id = excluded.run_id, shut = excluded.shut, gone = excluded.gone",
            params![
                run.tenant,
                run.connection_id,
                seen.account.as_str(),
                run.id,
                i64::from(seen.is_shut),
                i64::from(seen.is_gone)
            ],
        )
    }

    /// What is known of an account.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub async fn directory_account(
        &self,
        tenant: &str,
        connection_id: &str,
        account: &str,
    ) -> Result<Option<DirectoryAccount>> {
        let sql = "SELECT account, shut, gone FROM directory_accounts \
                   WHERE tenant = $1 AND connection_id = $2 AND account = $3";
        let row = self.db.query_one(sql, params![tenant, connection_id, account]).await?;
        Ok(row.map(known))
    }

    /// `limit` accounts that were there in an earlier run and not in this one.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub async fn directory_accounts_left(
        &self,
        run: RunKey<'_>,
        limit: i64,
    ) -> Result<Vec<DirectoryAccount>> {
        let sql = "SELECT account, shut, gone FROM directory_accounts \
                   WHERE tenant = $1 AND connection_id = $2 AND run_id <> $3 AND gone = 0 ORDER BY account LIMIT $4";
        let rows = self.db.query(sql, params![run.tenant, run.connection_id, run.id, limit]).await?;
        Ok(rows.into_iter().map(known).collect())
    }
}

fn known((account, shut, gone): (String, i64, i64)) -> DirectoryAccount {
    DirectoryAccount { account, is_shut: shut != 0, is_gone: gone != 0 }
}
