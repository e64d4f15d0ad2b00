//! The schema goes forward, once, whoever asks.

use chancery_db::{Error, Migrated, Migration, params};

use crate::stage::{Stage, on_both_engines};

on_both_engines! {
    forward_from_every_version
    a_newer_database_is_refused
    a_newer_database_that_only_grew_is_served
    a_failed_step_leaves_the_step_before
    two_starting_at_once_do_not_clash
    gaps_are_refused
}

const STEPS: [Migration; 3] = [
    Migration {
        number: 1,
        name: "first",
        sql: "CREATE TABLE one (id {int} PRIMARY KEY) {strict}; INSERT INTO one (id) VALUES (1);",
    },
    Migration {
        number: 2,
        name: "it's second",
        sql: "CREATE TABLE two (id {int} PRIMARY KEY, j {json}, b {bytes}, f {bool}) {strict};",
    },
    Migration {
        number: 3,
        name: "third",
        sql: "INSERT INTO two (id) SELECT id + 1 FROM one; ALTER TABLE one ADD COLUMN note {text};",
    },
];

async fn forward_from_every_version(stage: Stage) {
    let db = stage.db;
    assert_eq!(db.schema_version().await.unwrap(), 0);
    for (released, from) in [(1, 0), (1, 1), (2, 1), (3, 2), (3, 3)] {
        let to = i64::try_from(released).unwrap();
        assert_eq!(db.migrate(&STEPS[..released]).await.unwrap(), Migrated { from, to });
        assert_eq!(db.schema_version().await.unwrap(), to);
    }
    assert_eq!(db.query::<i64>("SELECT id FROM two", params![]).await.unwrap(), [2]);
    let names: Vec<String> =
        db.query("SELECT name FROM schema_version ORDER BY number", params![]).await.unwrap();
    assert_eq!(names, ["first", "it's second", "third"]);
}

async fn a_newer_database_is_refused(stage: Stage) {
    let contracting = Migration { sql: "-- Contracts: `one` goes.\nDROP TABLE one;", ..STEPS[1] };
    stage.db.migrate(&[STEPS[0], contracting]).await.unwrap();
    let refused = stage.db.migrate(&STEPS[..1]).await.unwrap_err();
    assert!(matches!(refused, Error::Newer { found: 2, known: 1 }));
    let sentence = refused.to_string();
    assert!(sentence.contains('2') && sentence.contains('1'), "{sentence}");
    // Nobody knows what a step did that nobody wrote down.
    let db = stage.db;
    let further = "INSERT INTO schema_version (number, name) VALUES (9999, 'of the future')";
    db.commit(chancery_db::Batch::default().run(further, params![])).await.unwrap();
    for known in 1..=STEPS.len() {
        assert!(
            matches!(db.migrate(&STEPS[..known]).await, Err(Error::Newer { found: 9999, .. })),
            "{known}"
        );
    }
}

/// While servers are replaced one by one, one of the release before may start once more.
async fn a_newer_database_that_only_grew_is_served(stage: Stage) {
    let first = Migration {
        sql: "-- Contracts: everything begins here.\nCREATE TABLE one (id {int} PRIMARY KEY) {strict}; INSERT INTO one (id) VALUES (1)",
        ..STEPS[0]
    };
    let steps = [first, STEPS[1], STEPS[2]];
    stage.db.migrate(&steps).await.unwrap();
    assert_eq!(stage.db.migrate(&steps[..1]).await.unwrap(), Migrated { from: 3, to: 3 });
    assert_eq!(stage.db.schema_version().await.unwrap(), 3);
    // Where the database is from before it was written down, the first who knows does so.
    stage.db.script("DROP TABLE schema_additions").await.unwrap();
    assert!(matches!(stage.db.migrate(&steps[..1]).await, Err(Error::Newer { .. })));
    stage.db.migrate(&steps).await.unwrap();
    assert_eq!(stage.db.migrate(&steps[..2]).await.unwrap(), Migrated { from: 3, to: 3 });
}

async fn a_failed_step_leaves_the_step_before(stage: Stage) {
    let mut steps = STEPS;
    steps[1].sql = "CREATE TABLE two (id {int} PRIMARY KEY) {strict}; INSERT INTO absent (id) VALUES (1);";
    let failed = stage.db.migrate(&steps).await.unwrap_err().to_string();
    assert!(failed.contains("migration 2 (it's second) failed"), "{failed}");
    assert_eq!(stage.db.schema_version().await.unwrap(), 1);
    assert_eq!(stage.db.migrate(&STEPS).await.unwrap(), Migrated { from: 1, to: 3 });
}

async fn two_starting_at_once_do_not_clash(stage: Stage) {
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let url = stage.url.clone();
            tokio::spawn(async move {
                let db = chancery_db::Db::open(&url, crate::stage::options()).await.unwrap();
                db.migrate(&STEPS).await.unwrap().to
            })
        })
        .collect();
    for start in starts {
        assert_eq!(start.await.unwrap(), 3);
    }
    assert_eq!(
        stage.db.query::<i64>("SELECT number FROM schema_version ORDER BY number", params![]).await.unwrap(),
        [1, 2, 3]
    );
    assert_eq!(stage.db.query::<i64>("SELECT id FROM two", params![]).await.unwrap(), [2]);
}

async fn gaps_are_refused(stage: Stage) {
    assert!(stage.db.migrate(&STEPS[1..]).await.is_err());
    assert_eq!(stage.db.schema_version().await.unwrap(), 0);
}
