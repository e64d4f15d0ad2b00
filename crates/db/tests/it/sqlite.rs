//! What only SQLite promises: a file.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use chancery_db::{Batch, Db, Error, Options, params};

use crate::stage::Stage;

fn path(stage: &Stage) -> PathBuf {
    PathBuf::from(stage.url.strip_prefix("sqlite:").unwrap())
}

async fn with_rows() -> Stage {
    let stage = Stage::sqlite().await.unwrap();
    stage.db.script("CREATE TABLE t (id {int} PRIMARY KEY) {strict};").await.unwrap();
    for id in 0..50 {
        stage.db.commit(insert(id)).await.unwrap();
    }
    stage
}

fn insert(id: i64) -> Batch {
    Batch::default().run("INSERT INTO t (id) VALUES ($1)", params![id])
}

#[tokio::test]
async fn addresses_are_checked() {
    for url in ["", "mysql://x", "/data/test.db", "sqlite:", "sqlite::memory:", "sqlite://"] {
        let refused = Db::open(url, Options::default()).await;
        assert!(matches!(refused, Err(Error::Engine(_))), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_live_database_opens() {
    let stage = with_rows().await;
    let target = path(&stage).with_file_name("backup.db");
    let writing = tokio::spawn({
        let db = stage.db.clone();
        async move {
            for id in 100..300 {
                db.commit(insert(id)).await.unwrap();
            }
        }
    });
    stage.db.backup(&target).await.unwrap();
    writing.await.unwrap();
    let copy = Db::open(&format!("sqlite:{}", target.display()), Options::default()).await.unwrap();
    let ids: Vec<i64> = copy.query("SELECT id FROM t ORDER BY id", params![]).await.unwrap();
    assert!(ids.len() >= 50 && ids.starts_with(&[0, 1, 2]), "{}", ids.len());
    let sound: Vec<String> = copy.query("PRAGMA integrity_check", params![]).await.unwrap();
    assert_eq!(sound, ["ok"]);
    // An existing file is never overwritten.
    let twice = stage.db.backup(&target).await.unwrap_err().to_string();
    assert!(twice.contains("backup.db") && target.exists(), "{twice}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let stage = with_rows().await;
    let file = path(&stage);
    let backup = file.with_file_name("backup.db");
    stage.db.backup(&backup).await.unwrap();
    let rights = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["test.db", "test.db-wal", "test.db-shm", "backup.db"] {
        assert_eq!(rights(&file.with_file_name(name)), 0o600, "{name}");
    }
    assert_eq!(rights(file.parent().unwrap()), 0o700);
    // A file restored with loose rights is closed again.
    std::fs::set_permissions(&backup, PermissionsExt::from_mode(0o644)).unwrap();
    Db::open(&format!("sqlite:{}", backup.display()), Options::default()).await.unwrap();
    assert_eq!(rights(&backup), 0o600);
}

/// The write lock held by somebody else: everyone who waits is told, and afterwards work goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_cannot_begin_tells_everyone() {
    let stage = with_rows().await;
    let options = Options { busy_timeout: Duration::from_millis(100), ..Options::default() };
    let db = Db::open(&stage.url, options).await.unwrap();
    let other = rusqlite::Connection::open(path(&stage)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let tries: Vec<_> = (1000..1040)
        .map(|id| {
            let db = db.clone();
            tokio::spawn(async move { db.commit(insert(id)).await })
        })
        .collect();
    for one in tries {
        let answer = tokio::time::timeout(Duration::from_secs(20), one).await.expect("an answer").unwrap();
        assert!(matches!(answer, Err(Error::Busy(_))), "{answer:?}");
    }
    other.execute_batch("ROLLBACK").unwrap();
    db.commit(insert(1000)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_busy() {
    let stage = with_rows().await;
    let options = Options { write_queue: NonZeroUsize::MIN, ..crate::stage::options() };
    let db = Db::open(&stage.url, options).await.unwrap();
    let other = rusqlite::Connection::open(path(&stage)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let tries: Vec<_> = (1000..1010)
        .map(|id| {
            let db = db.clone();
            tokio::spawn(async move { db.commit(insert(id)).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    other.execute_batch("ROLLBACK").unwrap();
    let (mut done, mut busy) = (0, 0);
    for one in tries {
        match one.await.unwrap() {
            Ok(()) => done += 1,
            Err(Error::Busy(_)) => busy += 1,
            Err(other) => panic!("{other}"),
        }
    }
    // One in the writer's hands, one in the queue.
    assert!(done >= 1 && busy >= 8, "{done} done, {busy} busy");
}

/// When COMMIT itself fails, everybody in the group is told, and the next group works.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_commit_fails_the_group() {
    let stage = with_rows().await;
    stage
        .db
        .script("CREATE TABLE late (of {int} REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED) {strict};")
        .await
        .unwrap();
    let orphan = Batch::default().run("INSERT INTO late (of) VALUES (777)", params![]);
    assert!(matches!(stage.db.commit(orphan.clone()).await, Err(Error::Engine(_))));
    stage.db.commit(insert(777)).await.unwrap();
    stage.db.commit(orphan).await.unwrap();
}

/// Rejected work of one caller leaves the work of the others in its group alone.
#[tokio::test(flavor = "multi_thread")]
async fn neighbours_in_a_group_are_independent() {
    let stage = with_rows().await;
    let tries: Vec<_> = (40..140)
        .map(|id| {
            let db = stage.db.clone();
            tokio::spawn(async move { db.commit(insert(id + 1000).and(insert(id))).await })
        })
        .collect();
    let mut conflicts = 0;
    for one in tries {
        match one.await.unwrap() {
            Ok(()) => {}
            Err(Error::Conflict) => conflicts += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(conflicts, 10);
    let count: Option<i64> = stage.db.query_one("SELECT COUNT(*) FROM t", params![]).await.unwrap();
    assert_eq!(count, Some(50 + 2 * 90));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_a_file() {
    let stage = with_rows().await;
    let other = stage.again().await;
    let (one, two) = (stage.db.clone(), other.clone());
    let writing = [
        tokio::spawn(async move {
            for id in 1000..1100 {
                one.commit(insert(id)).await.unwrap();
            }
        }),
        tokio::spawn(async move {
            for id in 2000..2100 {
                two.commit(insert(id)).await.unwrap();
            }
        }),
    ];
    for one in writing {
        one.await.unwrap();
    }
    for db in [&stage.db, &other] {
        assert_eq!(db.query_one::<i64>("SELECT COUNT(*) FROM t", params![]).await.unwrap(), Some(250));
    }
}
