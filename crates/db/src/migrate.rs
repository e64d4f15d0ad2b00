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
    db.script(
        "CREATE TABLE IF NOT EXISTS schema_version (number {int} PRIMARY KEY, name TEXT NOT NULL) {strict}",
    )
    .await?;
    let from = version(db).await?;
    let known = migrations.last().map_or(0, |last| last.number);
    if from > known {
        return Err(Error::Newer { found: from, known });
    }
    for step in migrations.iter().filter(|step| step.number > from) {
        db.script(step.sql).await?;
        db.commit(Batch::default().run(
            "INSERT INTO schema_version (number, name) VALUES ($1, $2)",
            params![step.number, step.name],
        ))
        .await?;
    }
    Ok(Migrated { from, to: known })
}

pub(crate) async fn version(db: &Db) -> Result<i64> {
    Ok(db.query_one("SELECT COALESCE(MAX(number), 0) FROM schema_version", params![]).await?.unwrap_or(0))
}
