//! One run at a time for each connection, and what it saw.

use chancery_store::{Beginning, DirectoryAccount, DirectoryRun, Error, RunKey};

use crate::fixture::{TENANT, engines};

fn run(id: &str) -> RunKey<'_> {
    RunKey { tenant: TENANT, connection_id: "con_1", id }
}

fn at(now_ms: i64) -> Beginning {
    Beginning { now_ms, gone_ms: now_ms - 60, rested_ms: i64::MAX }
}

fn account(account: &str, is_shut: bool, is_gone: bool) -> DirectoryAccount {
    DirectoryAccount { account: account.to_owned(), is_shut, is_gone }
}

#[tokio::test]
async fn one_at_a_time() {
    for f in engines().await {
        let s = &f.store;
        assert!(s.begin_directory_run(run("a"), at(1000)).await.unwrap(), "{}", f.engine);
        assert!(!s.begin_directory_run(run("b"), at(1010)).await.unwrap(), "one goes on");
        let other = RunKey { connection_id: "con_2", ..run("c") };
        assert!(s.begin_directory_run(other, at(1010)).await.unwrap(), "another connection");
        s.commit(s.go_on_with_directory(run("a"), 1050)).await.unwrap();
        assert!(!s.begin_directory_run(run("b"), at(1100)).await.unwrap(), "it said that it goes on");
        assert!(s.begin_directory_run(run("b"), at(1111)).await.unwrap(), "it is gone");
        let late = s.commit(s.go_on_with_directory(run("a"), 1112)).await;
        assert!(matches!(late, Err(Error::Guard)), "{}: {late:?}", f.engine);
        let late = s.end_directory_run(run("a"), ("completed", None), 1112).await;
        assert!(matches!(late, Err(Error::Guard)), "{}: {late:?}", f.engine);

        s.end_directory_run(run("b"), ("failed", Some("why")), 1120).await.unwrap();
        let expected = DirectoryRun {
            id: "b".to_owned(),
            status: "failed".to_owned(),
            error: Some("why".to_owned()),
            alive_ms: 1111,
            ended_ms: Some(1120),
        };
        assert_eq!(s.directory_run(TENANT, "con_1").await.unwrap(), Some(expected), "{}", f.engine);
        let rested = Beginning { rested_ms: 1119, ..at(1130) };
        assert!(!s.begin_directory_run(run("d"), rested).await.unwrap(), "too early");
        let rested = Beginning { rested_ms: 1120, ..at(1130) };
        assert!(s.begin_directory_run(run("d"), rested).await.unwrap());
        let last = s.directory_run(TENANT, "con_1").await.unwrap().unwrap();
        assert_eq!(
            (last.status.as_str(), last.error, last.ended_ms),
            (DirectoryRun::GOES_ON, None, Some(1120))
        );

        s.commit(s.forget_directory_runs(TENANT, "con_1")).await.unwrap();
        assert_eq!(s.directory_run(TENANT, "con_1").await.unwrap(), None);
        let late = s.commit(s.go_on_with_directory(run("d"), 1140)).await;
        assert!(matches!(late, Err(Error::Guard)), "{}", f.engine);
    }
}

#[tokio::test]
async fn who_is_no_longer_there() {
    for f in engines().await {
        let s = &f.store;
        for name in ["x", "y", "z"] {
            s.commit(s.note_directory_account(run("a"), &account(name, false, false))).await.unwrap();
        }
        s.commit(s.note_directory_account(run("b"), &account("y", true, false))).await.unwrap();
        let left = s.directory_accounts_left(run("b"), 9).await.unwrap();
        assert_eq!(left, [account("x", false, false), account("z", false, false)], "{}", f.engine);
        s.commit(s.note_directory_account(run("b"), &account("x", true, true))).await.unwrap();
        assert_eq!(s.directory_accounts_left(run("c"), 9).await.unwrap().len(), 2, "each is left once");
        let known = s.directory_account(TENANT, "con_1", "x").await.unwrap();
        assert_eq!(known, Some(account("x", true, true)), "{}", f.engine);
        s.commit(s.forget_directory(TENANT, "con_1")).await.unwrap();
        assert_eq!(s.directory_account(TENANT, "con_1", "x").await.unwrap(), None);
    }
}
