//! The schema, one numbered step after the other.

use crate::{Batch, Db, Error, Result, params};

/// One step of the schema, for both engines. Once released it never changes.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place: 1, 2, 3 and so on without a gap.
    pub number: i64,
    /// A few words, for the log and the `schema_version` table.
    pub name: &'static str,
    /// Statements in the words of [`Db::script`].
    pub sql: &'static str,
}

/// What [`Db::migrate`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version found.
    pub from: i64,
    /// The version now.
    pub to: i64,
}

pub(crate) async fn run(db: &Db, migrations: &[Migration]) -> Result<Migrated> {
    if !migrations.iter().map(|step| step.number).eq(1..=count(migrations)) {
        return Err(Error::engine("migrations must be numbered 1, 2, 3 and so on without a gap"));
    }
    create_table(db).await?;
    let from = version(db).await?;
    let known = count(migrations);
    if from > known {
        return Err(Error::Newer { found: from, known });
    }
    for step in migrations.iter().filter(|step| step.number > from) {
        // The version row comes first, in the transaction of its step: of two processes one waits here for the
        // other's commit, and then finds the row taken and leaves the step alone.
        let claim = Batch::default().run(
            "INSERT INTO schema_version (number, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            params![step.number, step.name],
        );
        if db.step(claim, step.sql).await.map_err(|cause| failed(step, cause))? {
            tracing::info!(number = step.number, name = step.name, "schema migrated");
        }
    }
    Ok(Migrated { from, to: known })
}

pub(crate) async fn version(db: &Db) -> Result<i64> {
    if !db.has_table("schema_version").await? {
        return Ok(0);
    }
    let newest = db.query_one("SELECT COALESCE(MAX(number), 0) FROM schema_version", params![]).await?;
    Ok(newest.unwrap_or(0))
}

fn count(migrations: &[Migration]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// `IF NOT EXISTS` does not save PostgreSQL from two processes creating one table at one moment: the second
/// one fails on the catalogue's own unique index, and by then the first has committed.
async fn create_table(db: &Db) -> Result<()> {
    if db.has_table("schema_version").await? {
        return Ok(());
    }
    let created = db
        .script(
            "CREATE TABLE IF NOT EXISTS schema_version (number {int} PRIMARY KEY, name TEXT NOT NULL) {strict}",
        )
        .await;
    match created {
        Err(_) if db.has_table("schema_version").await? => Ok(()),
        other => other,
    }
}

fn failed(step: &Migration, cause: Error) -> Error {
    match cause {
        busy @ Error::Busy(_) => busy,
        other => Error::Engine(format!("migration {} ({}) failed: {other}", step.number, step.name)),
    }
}
