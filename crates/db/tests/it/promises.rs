//! What every caller may rely on, whichever engine is behind.

use chancery_db::{Batch, Db, Error, Value, params};

use crate::stage::{Stage, on_both_engines};

on_both_engines! {
    values_come_back_as_they_went
    a_guard_undoes_its_whole_batch
    a_conflict_undoes_its_whole_batch
    other_constraints_are_engine_errors
    half_a_batch_is_never_seen
    one_of_a_hundred_wins
    opposite_orders_both_succeed
    a_large_batch_keeps_its_order
    many_small_commits_are_all_there
    messages_carry_no_values
    a_missing_row_is_none
    a_long_read_gives_the_same
    a_closed_database_is_busy
    a_cancelled_commit_leaves_nothing_open
    a_new_shape_is_seen
}

async fn counter(db: &Db) {
    db.script("CREATE TABLE counter (id {int} PRIMARY KEY, n {int} NOT NULL) {strict};").await.unwrap();
    db.commit(Batch::default().run("INSERT INTO counter (id, n) VALUES ($1, $2)", params![1, 0]))
        .await
        .unwrap();
}

async fn total(db: &Db) -> i64 {
    db.query_one("SELECT n FROM counter WHERE id = $1", params![1]).await.unwrap().unwrap()
}

async fn values_come_back_as_they_went(stage: Stage) {
    let db = stage.db;
    db.script(
        "CREATE TABLE everything (id {int} PRIMARY KEY, truth {bool}, int {int}, text {text}, bytes {bytes},
         json {json}) {strict};",
    )
    .await
    .unwrap();
    let rows = [
        params![1, None::<bool>, None::<i64>, None::<&str>, None::<Vec<u8>>, Value::Null],
        params![
            2,
            true,
            i64::MAX,
            "naïve 🦀 '$1' \u{1}",
            vec![0_u8, 255, 7],
            Value::Json("{\"a\":[1,null]}".into())
        ],
        params![3, false, i64::MIN, "", Vec::<u8>::new(), Value::Json("\"x\"".into())],
    ];
    let batch = rows.iter().fold(Batch::default(), |batch, row| {
        batch.guard(
            "INSERT INTO everything (id, truth, int, text, bytes, json) VALUES ($1, $2, $3, $4, $5, $6)",
            row.clone(),
        )
    });
    db.commit(batch).await.unwrap();
    type Everything = (i64, Option<bool>, Option<i64>, Option<String>, Option<Vec<u8>>, Option<String>);
    let found: Vec<Everything> = db
        .query("SELECT id, truth, int, text, bytes, json FROM everything ORDER BY id", params![])
        .await
        .unwrap();
    assert_eq!(found[0], (1, None, None, None, None, None));
    // JSONB is normalised: spaces come, the meaning stays.
    let unspaced = |json: &Option<String>| json.as_ref().unwrap().replace(' ', "");
    assert_eq!(unspaced(&found[1].5), "{\"a\":[1,null]}");
    let (_, truth, int, text, bytes, _) = &found[1];
    assert_eq!((*truth, *int, text.as_deref()), (Some(true), Some(i64::MAX), Some("naïve 🦀 '$1' \u{1}")));
    assert_eq!(bytes.as_deref(), Some([0_u8, 255, 7].as_slice()));
    let (_, truth, int, text, bytes, json) = &found[2];
    assert_eq!((*truth, *int, text.as_deref()), (Some(false), Some(i64::MIN), Some("")));
    assert_eq!((bytes.as_deref(), json.as_deref()), (Some([].as_slice()), Some("\"x\"")));
    // Looked up by each kind of value, and by a value used twice out of order.
    let by: Vec<i64> = db
        .query(
            "SELECT id FROM everything WHERE text = $2 AND truth = $1 AND (bytes = $3 OR text = $2)",
            params![true, "naïve 🦀 '$1' \u{1}", vec![9_u8]],
        )
        .await
        .unwrap();
    assert_eq!(by, [2]);
    let inside: Vec<String> =
        db.query("SELECT json ->> 'a' FROM everything WHERE int = $1", params![i64::MAX]).await.unwrap();
    assert_eq!(inside[0].replace(' ', ""), "[1,null]");
}

async fn a_guard_undoes_its_whole_batch(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    let batch = Batch::default()
        .run("UPDATE counter SET n = n + 1", params![])
        .guard("UPDATE counter SET n = n + 1 WHERE id = $1", params![99])
        .run("UPDATE counter SET n = n + 1", params![]);
    assert!(matches!(db.commit(batch).await, Err(Error::Guard)));
    assert_eq!(total(&db).await, 0);
    // Two rows are as wrong as none.
    db.commit(Batch::default().run("INSERT INTO counter (id, n) VALUES ($1, $2)", params![2, 0]))
        .await
        .unwrap();
    let both = Batch::default().guard("UPDATE counter SET n = n + 1", params![]);
    assert!(matches!(db.commit(both).await, Err(Error::Guard)));
    assert_eq!(total(&db).await, 0);
    db.commit(Batch::default().guard("UPDATE counter SET n = n + 1 WHERE id = 1", params![])).await.unwrap();
    assert_eq!(total(&db).await, 1);
    db.commit(Batch::default()).await.unwrap();
}

async fn a_conflict_undoes_its_whole_batch(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    let insert = |id: i64| Batch::default().run("INSERT INTO counter (id, n) VALUES ($1, 5)", params![id]);
    assert!(matches!(db.commit(insert(2).and(insert(1))).await, Err(Error::Conflict)));
    assert!(matches!(db.commit(insert(1)).await, Err(Error::Conflict)));
    assert_eq!(db.query::<i64>("SELECT id FROM counter", params![]).await.unwrap(), [1]);
    db.commit(insert(2).and(insert(3))).await.unwrap();
}

async fn other_constraints_are_engine_errors(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    db.script(
        "CREATE TABLE child (of {int} NOT NULL REFERENCES counter (id), n {int} CHECK (n < 9)) {strict};",
    )
    .await
    .unwrap();
    for row in [params![7, 1], params![1, 10], params![None::<i64>, 1]] {
        let broken = db.commit(Batch::default().run("INSERT INTO child (of, n) VALUES ($1, $2)", row)).await;
        assert!(matches!(broken, Err(Error::Engine(_))), "{broken:?}");
    }
}

async fn half_a_batch_is_never_seen(stage: Stage) {
    let db = stage.db;
    db.script("CREATE TABLE pair (id {int} PRIMARY KEY, n {int} NOT NULL) {strict};").await.unwrap();
    db.commit(Batch::default().run("INSERT INTO pair (id, n) VALUES (1, 0), (2, 0)", params![]))
        .await
        .unwrap();
    let writing = tokio::spawn({
        let db = db.clone();
        async move {
            for n in 1..=100_i64 {
                let batch = Batch::default()
                    .guard("UPDATE pair SET n = $1 WHERE id = 1", params![n])
                    .guard("UPDATE pair SET n = $1 WHERE id = 2", params![n]);
                db.commit(batch).await.unwrap();
            }
        }
    });
    let mut reads = 0;
    while !writing.is_finished() || reads == 0 {
        let both: Vec<i64> = db.query("SELECT n FROM pair ORDER BY id", params![]).await.unwrap();
        assert_eq!(both[0], both[1]);
        reads += 1;
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
    assert_eq!(db.query::<i64>("SELECT n FROM pair", params![]).await.unwrap(), [100, 100]);
}

async fn one_of_a_hundred_wins(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    let tries: Vec<_> = (1..=100_i64)
        .map(|id| {
            let db = db.clone();
            tokio::spawn(async move {
                let batch = Batch::default()
                    .guard("UPDATE counter SET n = $1 WHERE id = 1 AND n = 0", params![id])
                    .run("INSERT INTO counter (id, n) VALUES ($1, 0)", params![id + 1]);
                db.commit(batch).await
            })
        })
        .collect();
    let mut winners = 0;
    for one in tries {
        match one.await.unwrap() {
            Ok(()) => winners += 1,
            Err(Error::Guard) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(winners, 1);
    let winner = total(&db).await;
    let rows: Vec<i64> = db.query("SELECT id FROM counter ORDER BY id", params![]).await.unwrap();
    assert_eq!(rows, [1, winner + 1]);
}

/// The recipe of a deadlock. PostgreSQL takes a second to notice each one.
async fn opposite_orders_both_succeed(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    db.commit(Batch::default().run("INSERT INTO counter (id, n) VALUES (2, 0)", params![])).await.unwrap();
    let add = |id: i64| Batch::default().guard("UPDATE counter SET n = n + 1 WHERE id = $1", params![id]);
    let tries: Vec<_> = (0..6)
        .map(|number| {
            let db = db.clone();
            let batch = if number % 2 == 0 { add(1).and(add(2)) } else { add(2).and(add(1)) };
            tokio::spawn(async move { db.commit(batch).await })
        })
        .collect();
    for one in tries {
        one.await.unwrap().unwrap();
    }
    assert_eq!(db.query::<i64>("SELECT n FROM counter", params![]).await.unwrap(), [6, 6]);
}

async fn a_large_batch_keeps_its_order(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    // Each statement only fits after the one before.
    let batch = (0..300_i64).fold(Batch::default(), |batch, n| {
        batch.guard("UPDATE counter SET n = n + 1 WHERE id = 1 AND n = $1", params![n])
    });
    db.commit(batch).await.unwrap();
    assert_eq!(total(&db).await, 300);
}

async fn many_small_commits_are_all_there(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    let started = std::time::Instant::now();
    let tries: Vec<_> = (0..32_i64)
        .map(|task| {
            let db = db.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    let id = 1000 + task * 50 + n;
                    db.commit(
                        Batch::default().run("INSERT INTO counter (id, n) VALUES ($1, 1)", params![id]),
                    )
                    .await
                    .unwrap();
                }
            })
        })
        .collect();
    for one in tries {
        one.await.unwrap();
    }
    println!("1600 commits by 32 tasks on {}: {:?}", db.engine(), started.elapsed());
    let count: Option<i64> =
        db.query_one("SELECT COUNT(*) FROM counter WHERE n = 1", params![]).await.unwrap();
    assert_eq!(count, Some(1600));
}

async fn messages_carry_no_values(stage: Stage) {
    let db = stage.db;
    db.script(
        "CREATE TABLE secrets (id {text} PRIMARY KEY, n {int} NOT NULL CHECK (n < 9), json {json}) {strict};",
    )
    .await
    .unwrap();
    let insert = "INSERT INTO secrets (id, n, json) VALUES ($1, $2, $3)";
    let mut errors = Vec::new();
    for row in [
        params!["hunter2", 77777, Value::Null],
        params!["hunter2", None::<i64>, Value::Null],
        params!["hunter2", "hunter2", Value::Null],
        params!["hunter2"],
    ] {
        errors.push(db.commit(Batch::default().run(insert, row)).await.unwrap_err().to_string());
    }
    errors.push(
        db.query::<i64>("SELECT n FROM missing WHERE id = $1", params!["hunter2"])
            .await
            .unwrap_err()
            .to_string(),
    );
    errors.push(
        db.query::<String>(
            "SELECT CAST('{}' AS {json}) ->> $1".replace("{json}", "TEXT"),
            params!["hunter2", "x"],
        )
        .await
        .unwrap_err()
        .to_string(),
    );
    for error in errors {
        assert!(!error.contains("hunter2") && !error.contains("77777"), "{error}");
    }
}

async fn a_missing_row_is_none(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    db.ping().await.unwrap();
    let none: Option<(i64, i64)> =
        db.query_one("SELECT id, n FROM counter WHERE id = $1", params![5]).await.unwrap();
    assert_eq!(none, None);
    let first: Option<i64> =
        db.query_one("SELECT 7 AS n UNION ALL SELECT 8 ORDER BY n", params![]).await.unwrap();
    assert_eq!(first, Some(7));
    assert!(matches!(db.query::<String>("SELECT n FROM counter", params![]).await, Err(Error::Engine(_))));
}

async fn a_long_read_gives_the_same(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    let batch = (2..500_i64).fold(Batch::default(), |batch, id| {
        batch.run("INSERT INTO counter (id, n) VALUES ($1, $2)", params![id, id % 7])
    });
    db.commit(batch).await.unwrap();
    let sql = "SELECT id, n FROM counter WHERE n = $1 ORDER BY id";
    let inline: Vec<(i64, i64)> = db.query(sql, params![3]).await.unwrap();
    let scans: Vec<_> = (0..20)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { db.query_scan::<(i64, i64)>(sql, params![3]).await.unwrap() })
        })
        .collect();
    assert_eq!(inline.len(), 71);
    for scan in scans {
        assert_eq!(scan.await.unwrap(), inline);
    }
}

async fn a_closed_database_is_busy(stage: Stage) {
    let db = stage.db.clone();
    counter(&db).await;
    // Accepted before the end is done before the end.
    let last: Vec<_> = (10..60_i64)
        .map(|id| {
            let db = db.clone();
            tokio::spawn(async move {
                db.commit(Batch::default().run("INSERT INTO counter (id, n) VALUES ($1, 0)", params![id]))
                    .await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    db.close().await;
    let mut accepted = 1;
    for one in last {
        match one.await.unwrap() {
            Ok(()) => accepted += 1,
            Err(Error::Busy(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(matches!(db.query::<i64>("SELECT 1", params![]).await, Err(Error::Busy(_))));
    assert!(matches!(
        db.commit(Batch::default().run("DELETE FROM counter", params![])).await,
        Err(Error::Busy(_))
    ));
    db.close().await;
    let again = stage.again().await;
    let count: Option<i64> = again.query_one("SELECT COUNT(*) FROM counter", params![]).await.unwrap();
    assert_eq!(count, Some(accepted));
}

async fn a_cancelled_commit_leaves_nothing_open(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    for micros in (0..3000).step_by(100) {
        let batch = Batch::default()
            .guard("UPDATE counter SET n = n + 1 WHERE id = 1", params![])
            .guard("UPDATE counter SET n = n + 1 WHERE id = 1", params![]);
        let _ = tokio::time::timeout(std::time::Duration::from_micros(micros), db.commit(batch)).await;
    }
    // Would wait for ever behind a transaction left open, and see half of one.
    db.commit(Batch::default().guard("UPDATE counter SET n = n + 2 WHERE id = 1", params![])).await.unwrap();
    assert_eq!(total(&db).await % 2, 0);
}

async fn a_new_shape_is_seen(stage: Stage) {
    let db = stage.db;
    counter(&db).await;
    let all = "SELECT * FROM counter";
    assert_eq!(db.query::<(i64, i64)>(all, params![]).await.unwrap(), [(1, 0)]);
    db.script("ALTER TABLE counter ADD COLUMN note TEXT;").await.unwrap();
    let wider: Vec<(i64, i64, Option<String>)> = db.query(all, params![]).await.unwrap();
    assert_eq!(wider, [(1, 0, None)]);
}

/// The same random batches leave equal tables, and fail alike.
#[tokio::test(flavor = "multi_thread")]
async fn both_engines_agree_on_random_batches() {
    let Some(postgres) = Stage::postgres().await else { return };
    let sqlite = Stage::sqlite().await.unwrap();
    for seed in 1..=4_u64 {
        let mut left = (Vec::new(), Vec::new());
        for (db, outcomes) in [(&sqlite.db, &mut left.0), (&postgres.db, &mut left.1)] {
            db.script("DROP TABLE IF EXISTS t; CREATE TABLE t (k {text} PRIMARY KEY, n {int} NOT NULL, b {bytes}, f {bool}) {strict};")
                .await
                .unwrap();
            let mut dice = Dice(seed);
            for _ in 0..60 {
                outcomes.push(match db.commit(random_batch(&mut dice)).await {
                    Ok(()) => "done",
                    Err(Error::Conflict) => "conflict",
                    Err(Error::Guard) => "guard",
                    Err(other) => panic!("{other}"),
                });
            }
        }
        assert_eq!(left.0, left.1, "seed {seed}");
        for kind in ["done", "conflict", "guard"] {
            assert!(left.0.contains(&kind), "seed {seed} tries no {kind}");
        }
        type All = Vec<(String, i64, Option<Vec<u8>>, Option<bool>)>;
        let all = "SELECT k, n, b, f FROM t ORDER BY k";
        let (one, two): (All, All) = (
            sqlite.db.query(all, params![]).await.unwrap(),
            postgres.db.query(all, params![]).await.unwrap(),
        );
        assert!(!one.is_empty());
        assert_eq!(one, two, "seed {seed}");
    }
}

/// xorshift: the same numbers for the same seed, which is all that is asked.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % end).unwrap()
    }
}

fn random_batch(dice: &mut Dice) -> Batch {
    let mut batch = Batch::default();
    for _ in 0..=dice.below(4) {
        let key =
            ["a", "B", "b", "ä", "Z", "é", "-", "a-", "a0", ""][usize::try_from(dice.below(10)).unwrap()];
        let n = dice.below(5);
        batch = match dice.below(6) {
            0 => batch.run("INSERT INTO t (k, n, b, f) VALUES ($1, $2, $3, $4)", params![key, n, vec![1_u8, 2], true]),
            1 => batch.run(
                "INSERT INTO t (k, n) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET n = t.n + excluded.n, f = $3",
                params![key, n, n > 2],
            ),
            2 => batch.guard("UPDATE t SET n = n + 1 WHERE k = $1", params![key]),
            3 => batch.run("UPDATE t SET n = n * 2, b = $2 WHERE k > $1", params![key, None::<Vec<u8>>]),
            4 => batch.run("DELETE FROM t WHERE n = $1 AND k >= $2", params![n, key]),
            _ => batch.guard("INSERT INTO t (k, n) VALUES ($1, $2) ON CONFLICT DO NOTHING", params![key, n]),
        };
    }
    batch
}
