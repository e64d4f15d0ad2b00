//! What only PostgreSQL can do: be somewhere else.

use std::{num::NonZeroUsize, path::Path, time::Duration};

use chancery_db::{Batch, Db, Error, Options, params};

use crate::stage::{Stage, options};

#[tokio::test]
async fn a_server_that_is_away_is_busy() {
    let options = Options { connect_timeout: Duration::from_secs(1), ..options() };
    let away = Db::open("postgres://u:hunter2@127.0.0.1:1/d", options).await;
    assert!(matches!(away, Err(Error::Busy(_))), "{away:?}");
}

#[tokio::test]
async fn backups_are_left_to_its_own_tools() {
    let Some(stage) = Stage::postgres().await else { return };
    let refused = stage.db.backup(Path::new("x.db")).await.unwrap_err().to_string();
    assert!(refused.contains("pg_dump"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_are_replaced() {
    let Some(stage) = Stage::postgres().await else { return };
    let db = &stage.db;
    db.script("CREATE TABLE t (id {int} PRIMARY KEY) {strict};").await.unwrap();
    let other = stage.again().await;
    let kill = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for round in 0..10 {
        let batch = |id: i64| {
            Batch::default()
                .guard("INSERT INTO t (id) VALUES ($1)", params![id])
                .guard("INSERT INTO t (id) VALUES ($1)", params![id + 100])
        };
        other.query::<i64>(kill, params![]).await.unwrap();
        db.commit(batch(round)).await.unwrap();
        other.query::<i64>(kill, params![]).await.unwrap();
        assert_eq!(db.query::<i64>("SELECT COUNT(*) FROM t", params![]).await.unwrap(), [2 * (round + 1)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement_and_an_exhausted_pool_are_busy() {
    let Some(stage) = Stage::postgres().await else { return };
    let options = Options {
        pool_size: NonZeroUsize::MIN,
        pool_wait: Duration::from_millis(200),
        statement_timeout: Duration::from_millis(600),
        ..options()
    };
    let db = Db::open(&stage.url, options).await.unwrap();
    let slow = tokio::spawn({
        let db = db.clone();
        async move { db.query::<String>("SELECT pg_sleep(20)::TEXT", params![]).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let refused = db.query::<i64>("SELECT CAST(1 AS BIGINT)", params![]).await;
    assert!(matches!(refused, Err(Error::Busy(_))));
    db.ping().await.expect("much work is no absence");
    assert!(matches!(slow.await.unwrap(), Err(Error::Busy(_))));
    db.ping().await.unwrap();
}

/// After a failover a server that was the primary may take connections as a replica. It refuses writes: the connections to it
/// are left, so that the next ones lead to the primary.
#[tokio::test]
async fn a_server_that_became_a_replica_is_left() {
    let Some(stage) = Stage::postgres().await else { return };
    stage.db.script("CREATE TABLE t (id {int} PRIMARY KEY) {strict};").await.unwrap();
    let name: String =
        stage.db.query_one("SELECT current_database()::TEXT", params![]).await.unwrap().unwrap();
    let new_connections = async |read_only: &str| {
        stage
            .db
            .script(&format!("ALTER DATABASE {name} SET default_transaction_read_only = {read_only}"))
            .await
            .unwrap();
    };
    for (id, guarded) in [(1, true), (2, false)] {
        let insert = || match guarded {
            true => Batch::default().guard("INSERT INTO t (id) VALUES ($1)", params![id]),
            false => Batch::default().run("INSERT INTO t (id) VALUES ($1)", params![id]),
        };
        new_connections("on").await;
        let db = stage.again().await;
        assert!(matches!(db.commit(insert()).await, Err(Error::Busy(_))));
        new_connections("off").await;
        db.commit(insert()).await.unwrap();
    }
}

/// As Patroni has them: one of several is there and takes writes.
#[tokio::test]
async fn the_primary_is_found_among_several_hosts() {
    let Some(stage) = Stage::postgres().await else { return };
    let several = stage.url.replace("@", "@%2Fnowhere,") + "?target_session_attrs=read-write";
    Db::open(&several, options()).await.unwrap().ping().await.unwrap();
    let name: String =
        stage.db.query_one("SELECT current_database()::TEXT", params![]).await.unwrap().unwrap();
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    stage.db.script(&read_only).await.unwrap();
    assert!(matches!(Db::open(&several, options()).await, Err(Error::Busy(_))));
}

/// A machine that is cut off, or hangs, says nothing. It may be the first in the list.
#[tokio::test]
async fn a_silent_host_is_not_waited_for() {
    let Some(stage) = Stage::postgres().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let silent = tokio::net::UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    let host = folder.path().display().to_string().replace('/', "%2F");
    let several = stage.url.replace('@', &format!("@{host},")) + "?target_session_attrs=read-write";
    let options = Options { connect_timeout: Duration::from_secs(3), ..options() };
    let db = Db::open(&several, options).await.unwrap();
    db.ping().await.unwrap();
    // And where the other is a replica, that is told long before the silent one has had its time.
    let name: String =
        stage.db.query_one("SELECT current_database()::TEXT", params![]).await.unwrap().unwrap();
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    stage.db.script(&read_only).await.unwrap();
    let patient = Options { connect_timeout: Duration::from_secs(600), ..self::options() };
    assert!(matches!(Db::open(&several, patient).await, Err(Error::Busy(_))));
    drop(silent);
}

#[tokio::test]
async fn a_template_is_prepared_once() {
    let mut prepared = 0;
    for _ in 0..2 {
        let database = chancery_pgtest::fresh_database_from("once", async |url| {
            prepared += 1;
            let db = Db::open(&url, options()).await.map_err(|cause| cause.to_string())?;
            db.script("CREATE TABLE t (id {int} PRIMARY KEY) {strict};")
                .await
                .map_err(|cause| cause.to_string())?;
            db.close().await;
            Ok(())
        });
        let Some(url) = chancery_pgtest::skip(database.await) else { return };
        let db = Db::open(&url, options()).await.unwrap();
        db.commit(Batch::default().run("INSERT INTO t (id) VALUES (1)", params![])).await.unwrap();
    }
    assert_eq!(prepared, 1);
}

/// Whether or not there is a connection left for the ping.
#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_the_work_on_every_connection() {
    for in_use in [1, 2] {
        let Some(stage) = Stage::postgres().await else { return };
        let options = Options {
            pool_size: NonZeroUsize::new(2).unwrap(),
            connect_timeout: Duration::from_millis(500),
            ..options()
        };
        let (_folder, url) = mute_after(in_use, &stage.url).await;
        let db = Db::open(&url, options).await.unwrap();
        // A server that sleeps is silent, too, and so are all further connections.
        let waiting: Vec<_> = (0..in_use)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move { db.query::<String>("SELECT pg_sleep(9)::TEXT", params![]).await })
            })
            .collect();
        let began = tokio::time::Instant::now();
        while stage.db.query_one::<i64>(SLEEPING, params![]).await.unwrap() < Some(in_use) {
            assert!(began.elapsed() < Duration::from_secs(5), "nobody sleeps");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(matches!(db.ping().await, Err(Error::Busy(_))));
        let told = tokio::time::Instant::now();
        for work in waiting {
            assert!(matches!(work.await.unwrap(), Err(Error::Busy(_))));
        }
        assert!(told.elapsed() < Duration::from_secs(2), "{in_use} waited for an answer");
    }
}

const SLEEPING: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'";

/// The address of a socket that passes so many connections on and is mute to all further ones.
async fn mute_after(passed: i64, url: &str) -> (tempfile::TempDir, String) {
    let (_, rest) = url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let server = Path::new(&server.replace("%2F", "/")).join(".s.PGSQL.5432");
    let folder = tempfile::Builder::new().prefix("mute-").tempdir_in("/tmp").unwrap();
    let listener = tokio::net::UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        for n in 0.. {
            let (mut client, _) = listener.accept().await.unwrap();
            if n >= passed {
                kept.push(client);
                continue;
            }
            let mut server = tokio::net::UnixStream::connect(&server).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let folder_name = folder.path().display().to_string().replace('/', "%2F");
    (folder, format!("postgres://postgres@{folder_name}/{name}"))
}
