//! What SQLite's planner is told of the tables: of a large tenant, and the same on every machine and every day.
//!
//! Measured statistics are of the day they were measured: by those of a small tenant every sign-in reads all users of the large
//! one that it became. Without any, the tenant, which begins nearly every index, is taken to narrow as much as a user does, and
//! all users are read for the order of an index. So they are written here, as `ANALYZE` would find them in a file that is worth
//! planning for (<https://sqlite.org/fileformat2.html#stat1tab>). The same text is right for every installation, and plans can
//! be tested.

use rusqlite::Connection;

use crate::Result;

/// Rows of each table.
const ROWS: u64 = 1_000_000;
/// The first column of nearly every index,
const SHARED: &str = "tenant";
/// and rows that have it in common. Were it all of them, reading the table from end to end would seem no worse than an index.
const SHARED_BY: u64 = ROWS / 2;

/// What an index is said to hold: table, index, and rows that are equal in its first column, its first two and so on.
type Row = (String, String, String);

/// Writes it where something else stands, or nothing. Connections that are open, of other processes too, read the schema and this
/// with it anew.
pub(super) fn describe(connection: &Connection) -> Result<()> {
    let wanted = wanted(connection)?;
    if wanted.is_empty() || wanted == found(connection)? {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    match write(connection, &wanted) {
        Ok(()) => Ok(connection.execute_batch("COMMIT")?),
        Err(cause) => {
            // What failed is what is told.
            let _ = connection.execute_batch("ROLLBACK");
            Err(cause)
        }
    }
}

fn wanted(connection: &Connection) -> Result<Vec<Row>> {
    let sql = "SELECT t.name, i.name, i.\"unique\", c.name FROM sqlite_schema t \
               JOIN pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c \
               WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, i.name, c.seqno";
    let mut columns = connection.prepare(sql)?;
    let mut columns = columns.query([])?;
    let mut indexes: Vec<(String, String, bool, Vec<String>)> = Vec::new();
    while let Some(row) = columns.next()? {
        let (table, index, column): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
        match indexes.last_mut() {
            Some(last) if last.1 == index => last.3.push(column),
            _ => indexes.push((table, index, row.get(2)?, vec![column])),
        }
    }
    let described = |(table, index, is_unique, columns): (_, _, bool, Vec<String>)| {
        (table, index, equal_rows(&columns, is_unique))
    };
    Ok(indexes.into_iter().map(described).collect())
}

/// For columns that are not shared, what SQLite takes them for where it is told nothing: 10 rows, 9, 8, down to 5.
fn equal_rows(columns: &[String], is_unique: bool) -> String {
    let mut text = ROWS.to_string();
    let mut narrowing = 0_u64;
    for (n, column) in columns.iter().enumerate() {
        let rows = if is_unique && n + 1 == columns.len() {
            1
        } else if n == 0 && column == SHARED {
            SHARED_BY
        } else {
            narrowing += 1;
            11_u64.saturating_sub(narrowing).max(5)
        };
        text.push_str(&format!(" {rows}"));
    }
    text
}

fn found(connection: &Connection) -> Result<Vec<Row>> {
    if !tables(connection)?.iter().any(|table| table == "sqlite_stat1") {
        return Ok(Vec::new());
    }
    let mut rows =
        connection.prepare("SELECT tbl, COALESCE(idx, ''), stat FROM sqlite_stat1 ORDER BY tbl, idx")?;
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The tables of statistics cannot be created by name: `ANALYZE` makes them. That they are made anew is what other connections see.
fn write(connection: &Connection, rows: &[Row]) -> Result<()> {
    for table in tables(connection)? {
        connection.execute_batch(&format!("DROP TABLE {table}"))?;
    }
    // Looks at next to nothing, and what it finds goes at once.
    if let Some((table, ..)) = rows.first() {
        connection.execute_batch(&format!("PRAGMA analysis_limit = 1; ANALYZE \"{table}\""))?;
    }
    for table in tables(connection)? {
        connection.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    let mut insert = connection.prepare("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)")?;
    for (table, index, stat) in rows {
        insert.execute([table, index, stat])?;
    }
    Ok(())
}

/// Those of statistics that there are.
fn tables(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'sqlite_stat4')";
    let mut names = connection.prepare(sql)?;
    let names = names.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE people (tenant TEXT, id TEXT, email TEXT, born INTEGER, PRIMARY KEY (tenant, id));
                 CREATE INDEX people_email ON people (tenant, email);
                 CREATE INDEX people_born ON people (tenant, born, id);
                 CREATE TABLE codes (id TEXT PRIMARY KEY, tenant TEXT, ends_at INTEGER) WITHOUT ROWID;
                 CREATE INDEX codes_end ON codes (ends_at);
                 INSERT INTO people VALUES ('t', 'a', 'a@example.com', 1);",
            )
            .unwrap();
        connection
    }

    #[test]
    fn indexes_are_described_as_of_a_large_tenant() {
        let connection = filled();
        describe(&connection).unwrap();
        let found = found(&connection).unwrap();
        let found: Vec<_> = found.iter().map(|(_, index, stat)| format!("{index}: {stat}")).collect();
        assert_eq!(
            found,
            [
                "codes_end: 1000000 10",
                "sqlite_autoindex_codes_1: 1000000 1",
                "people_born: 1000000 500000 10 9",
                "people_email: 1000000 500000 10",
                "sqlite_autoindex_people_1: 1000000 500000 1",
            ]
        );
    }

    #[test]
    fn measured_ones_are_replaced_and_right_ones_left() {
        let connection = filled();
        connection.execute_batch("ANALYZE").unwrap();
        describe(&connection).unwrap();
        let version = |connection: &Connection| -> i64 {
            connection.query_row("PRAGMA schema_version", [], |row| row.get(0)).unwrap()
        };
        let (described, before) = (found(&connection).unwrap(), version(&connection));
        assert_eq!(described, wanted(&connection).unwrap());
        describe(&connection).unwrap();
        assert_eq!(version(&connection), before, "nothing was written");
    }

    /// The address leads to the few who have it, not the order to all.
    #[test]
    fn the_tenant_narrows_nothing() {
        let connection = filled();
        let plan = |connection: &Connection| -> String {
            let sql = "EXPLAIN QUERY PLAN SELECT id FROM people WHERE tenant = 't' AND email = 'e' ORDER BY born, id";
            connection.query_row(sql, [], |row| row.get(3)).unwrap()
        };
        connection.execute_batch("ANALYZE").unwrap();
        describe(&connection).unwrap();
        connection.execute_batch("ANALYZE sqlite_schema").unwrap();
        assert!(plan(&connection).contains("people_email (tenant=? AND email=?)"), "{}", plan(&connection));
    }
}
