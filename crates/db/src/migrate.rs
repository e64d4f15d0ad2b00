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

impl Migration {
    /// Whether it takes something away, or changes the meaning of something, that the release before it uses: a line of it begins
    /// with `-- Contracts:` and says what. Releases that do not know it must not serve the database any more; all others may, so
    /// that old and new ones run side by side while servers are replaced one by one.
    #[must_use]
    pub fn contracts(&self) -> bool {
        self.sql.lines().any(|line| line.starts_with("-- Contracts:"))
    }
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
    create_tables(db).await?;
    let from = version(db).await?;
    let known = count(migrations);
    if from > known {
        check(db, migrations).await?;
        tracing::warn!(
            found = from,
            known,
            "the schema is {from}, of a newer release, and has all that this one needs"
        );
        return Ok(Migrated { from, to: from });
    }
    // Those of a time when nobody wrote it down.
    let added = migrations.iter().filter(|step| step.number <= from && !step.contracts());
    let noted = added.fold(Batch::default(), |batch, step| {
        let sql = "INSERT INTO schema_additions (number) VALUES ($1) ON CONFLICT DO NOTHING";
        batch.run(sql, params![step.number])
    });
    db.commit(noted).await?;
    for step in migrations.iter().filter(|step| step.number > from) {
        // The version row comes first, in the transaction of its step: of two processes one waits here for the
        // other's commit, and then finds the row taken and leaves the step alone.
        let claim = Batch::default().run(
            "INSERT INTO schema_version (number, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            params![step.number, step.name],
        );
        let addition = match step.contracts() {
            true => String::new(),
            false => format!(";\nINSERT INTO schema_additions (number) VALUES ({});", step.number),
        };
        let sql = format!("{}{addition}", step.sql.trim_end().trim_end_matches(';'));
        if db.step(claim, &sql).await.map_err(|cause| failed(step, cause))? {
            tracing::info!(number = step.number, name = step.name, "schema migrated");
        }
    }
    Ok(Migrated { from, to: known })
}

/// Where a newer release was here, what it only added is no concern of this one; a step of which that is not written down is.
pub(crate) async fn check(db: &Db, migrations: &[Migration]) -> Result<()> {
    let (found, known) = (version(db).await?, count(migrations));
    if found <= known {
        return Ok(());
    }
    if !db.has_table("schema_additions").await? {
        return Err(Error::Newer { found, known });
    }
    let sql = "SELECT COUNT(*) FROM schema_version v WHERE v.number > $1 \
               AND NOT EXISTS (SELECT 1 FROM schema_additions a WHERE a.number = v.number)";
    let unknown: Option<i64> = db.query_one(sql, params![known]).await?;
    if unknown == Some(0) { Ok(()) } else { Err(Error::Newer { found, known }) }
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

async fn create_tables(db: &Db) -> Result<()> {
    create_table(
        db,
        "schema_version",
        "CREATE TABLE IF NOT EXISTS schema_version (number {int} PRIMARY KEY, name TEXT NOT NULL) {strict}",
    )
    .await?;
    create_table(
        db,
        "schema_additions",
        "CREATE TABLE IF NOT EXISTS schema_additions (number {int} PRIMARY KEY) {strict}",
    )
    .await
}

/// `IF NOT EXISTS` does not save PostgreSQL from two processes creating one table at one moment: the second
/// one fails on the catalogue's own unique index, and by then the first has committed.
async fn create_table(db: &Db, name: &str, sql: &str) -> Result<()> {
    if db.has_table(name).await? {
        return Ok(());
    }
    match db.script(sql).await {
        Err(_) if db.has_table(name).await? => Ok(()),
        other => other,
    }
}

fn failed(step: &Migration, cause: Error) -> Error {
    match cause {
        busy @ Error::Busy(_) => busy,
        other => Error::Engine(format!("migration {} ({}) failed: {other}", step.number, step.name)),
    }
}
