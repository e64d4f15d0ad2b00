//! Servers are replaced one by one: while a newer one has brought the schema forward, those of the release before still serve.
//! A step that does not say that it contracts leaves everything there that they read and write.

use std::collections::HashSet;
use std::fs;

/// What a step consists of, without its comments.
fn statements(sql: &str) -> Vec<String> {
    let code: Vec<_> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let code = code.join(" ");
    let words = |statement: &str| statement.split_whitespace().collect::<Vec<_>>().join(" ");
    code.split(';').map(words).filter(|statement| !statement.is_empty()).collect()
}

/// The first statement that may take something from the release before.
fn takes_away(sql: &str) -> Option<String> {
    let all = statements(sql);
    let word = |statement: &str, n: usize| statement.split([' ', '(']).nth(n).unwrap_or_default().to_owned();
    let made: HashSet<_> =
        all.iter().filter(|s| s.starts_with("CREATE TABLE ")).map(|s| word(s, 2)).collect();
    let indexed: HashSet<_> =
        all.iter().filter(|s| s.starts_with("CREATE INDEX ")).map(|s| word(s, 2)).collect();
    let only_adds = |statement: &String| {
        let new_column = || {
            let column = statement.split_once(" ADD COLUMN ").map(|(_, column)| column).unwrap_or_default();
            // Whoever does not know the column says nothing about it.
            !column.is_empty()
                && (!column.contains("NOT NULL") || column.contains("DEFAULT"))
                && !["UNIQUE", "CHECK", "REFERENCES"].iter().any(|bound| column.contains(bound))
        };
        match statement {
            s if s.starts_with("CREATE TABLE ") || s.starts_with("CREATE INDEX ") || s == "SELECT 1" => true,
            // On a table that others know, their rows might not fit.
            s if s.starts_with("CREATE UNIQUE INDEX ") => made.contains(&word(s, 5)),
            // Made anew, for other questions.
            s if s.starts_with("DROP INDEX ") => indexed.contains(&word(s, 2)),
            s if s.starts_with("ALTER TABLE ") => new_column(),
            s if s.starts_with("INSERT INTO ") => made.contains(&word(s, 2)),
            _ => false,
        }
    };
    all.iter().find(|statement| !only_adds(statement)).cloned()
}

#[test]
fn a_step_only_adds_or_says_that_it_contracts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 14);
    // Before the first nothing was there.
    for path in &names[1..] {
        let sql = fs::read_to_string(path).unwrap();
        let contracts = chancery_db::Migration { number: 0, name: "", sql: sql.clone().leak() }.contracts();
        if let Some(statement) = takes_away(&sql).filter(|_| !contracts) {
            panic!(
                "{}: servers of the release before may fail after `{statement}`. Add first, take away in a later release (see \
                 docs/ARCHITECTURE.md), or say so in a line that begins with `-- Contracts:`",
                path.display()
            );
        }
    }
}

#[test]
fn what_takes_away_is_recognised() {
    for sql in [
        "DROP TABLE users",
        "ALTER TABLE users RENAME TO people",
        "ALTER TABLE users ADD COLUMN x {int} NOT NULL",
        "ALTER TABLE users DROP COLUMN doc",
        "CREATE UNIQUE INDEX users_x ON users (tenant, x)",
        "DROP INDEX users_x",
        "UPDATE users SET doc = ''",
        "DELETE FROM users",
        "INSERT INTO users (tenant) VALUES ('x')",
    ] {
        assert_eq!(takes_away(sql).as_deref(), Some(sql));
    }
    let adds = "-- Why.\nCREATE TABLE t (\n a {int} NOT NULL\n) {strict};\nCREATE UNIQUE INDEX t_a ON t (a);\n\
                ALTER TABLE users ADD COLUMN x {text} NOT NULL DEFAULT '';\nINSERT INTO t (a) SELECT 1;";
    assert_eq!(takes_away(adds), None);
}
