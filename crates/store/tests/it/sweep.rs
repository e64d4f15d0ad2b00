use chancery_core::records::{LogEvent, RefreshRecord};
use chancery_store::{Batch, Change, Kind, StoredTransaction, Swept};

use crate::fixture::{
    NOW, TENANT, authorization, code, engines, handle, issue_all, lines, opaque, refresh, rows, session,
    ticket,
};

const TABLES: [&str; 8] =
    ["codes", "transactions", "sessions", "refresh_tokens", "opaque_tokens", "tickets", "assertions", "logs"];

#[tokio::test]
async fn what_has_ended_goes_and_what_has_not_stays() {
    for f in engines().await {
        let store = &f.store;
        let (one, two, three, four) = (handle(), handle(), handle(), handle());
        let forever = RefreshRecord {
            expires_at: None,
            idle_expires_at: None,
            ..refresh(&four, authorization("b", "u"))
        };
        issue_all(
            store,
            [
                store.insert_code_batch(TENANT, &one, &code(authorization("a", "u"))),
                store.insert_refresh_token(TENANT, &two, &refresh(&two, authorization("a", "u"))),
                store.insert_opaque_token(TENANT, &three, &opaque(authorization("a", "u"))),
                store.insert_refresh_token(TENANT, &four, &forever),
            ],
        )
        .await;
        store.insert_session(TENANT, &session(&one, "u"), &one.digest()).await.unwrap();
        store.insert_ticket(TENANT, &one, &ticket("u")).await.unwrap();
        store.remember_assertion(TENANT, "app", "j", NOW + 60).await.unwrap();
        let transaction = StoredTransaction {
            id: "x".to_owned(),
            digest: vec![],
            doc: "{}".to_owned(),
            expires_at: NOW + 60,
            rev: 1,
        };
        store.insert_transaction(TENANT, &transaction).await.unwrap();
        let date = chancery_core::iso::format_ms(NOW * 1000);
        let event = LogEvent { log_id: "l".to_owned(), date, ..LogEvent::default() };
        store.append_logs(TENANT, &lines(&[event])).await.unwrap();

        assert_eq!(store.sweep(NOW, NOW - 1).await.unwrap(), Swept::All);
        for table in TABLES {
            let there = if table == "refresh_tokens" { 2 } else { 1 };
            assert_eq!(rows(store, table, TENANT).await, there, "{} {table}", f.engine);
        }
        store.sweep(NOW + 100, NOW - 1).await.unwrap();
        assert_eq!(rows(store, "codes", TENANT).await, 1, "kept to notice a replay");
        store.sweep(NOW + 100_000, NOW + 1).await.unwrap();
        for table in TABLES {
            let there = i64::from(table == "refresh_tokens");
            assert_eq!(rows(store, table, TENANT).await, there, "{} {table}", f.engine);
        }
    }
}

#[tokio::test]
async fn a_large_heap_goes_in_slices() {
    for f in engines().await {
        let batch = (0..2500_i64).fold(Batch::default(), |batch, n| {
            batch.run(
                "INSERT INTO assertions (tenant, digest, ends_at) VALUES ($1, $2, $3)",
                vec![TENANT.into(), n.to_be_bytes().into(), n.into()],
            )
        });
        f.store.commit(batch).await.unwrap();
        for (left, swept) in [(1500, Swept::Partly), (500, Swept::Partly), (0, Swept::All)] {
            assert_eq!(f.store.sweep(NOW, 0).await.unwrap(), swept, "{}", f.engine);
            assert_eq!(rows(&f.store, "assertions", TENANT).await, left);
        }
    }
}

#[tokio::test]
async fn tombstones_take_late_tokens_along() {
    for f in engines().await {
        f.store.commit(f.store.revoke_family(TENANT, "a")).await.unwrap();
        f.store.sweep(NOW, 0).await.unwrap();
        let late = handle();
        let mut record = refresh(&late, authorization("a", "u"));
        (record.expires_at, record.idle_expires_at) = (None, None);
        f.store.commit(f.store.insert_refresh_token(TENANT, &late, &record).unwrap()).await.unwrap();
        f.store.sweep(NOW + 3600, 0).await.unwrap();
        assert_eq!(rows(&f.store, "revoked", TENANT).await, 1, "{}: not yet", f.engine);
        f.store.sweep(NOW + 3601, 0).await.unwrap();
        assert_eq!(rows(&f.store, "revoked", TENANT).await, 0);
        assert_eq!(rows(&f.store, "refresh_tokens", TENANT).await, 0);
    }
}

#[tokio::test]
async fn the_feed_of_changes_is_cut() {
    for f in engines().await {
        let long =
            Batch::default().run("UPDATE tenants SET config_rev = 20000 WHERE id = $1", vec![TENANT.into()]);
        f.store.apply(Change::new(TENANT).insert(Kind::Role, "r1", None, "{}")).await.unwrap();
        f.store.commit(long).await.unwrap();
        f.store.apply(Change::new(TENANT).insert(Kind::Role, "r2", None, "{}")).await.unwrap();
        assert_eq!(rows(&f.store, "changes", TENANT).await, 2);
        f.store.sweep(NOW, 0).await.unwrap();
        assert_eq!(rows(&f.store, "changes", TENANT).await, 1, "{}", f.engine);
    }
}

/// A user, or all of a connection, may have left thousands behind.
#[tokio::test]
async fn thousands_of_revoked_families_go_in_slices() {
    for f in engines().await {
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) \
                   INSERT INTO revoked (tenant, authorization_id, noticed_at) SELECT 't1', 'a' || i, 0 FROM n";
        f.store.commit(Batch::default().run(sql, vec![])).await.unwrap();
        let fresh = async || {
            let sql = "SELECT COUNT(*) FROM revoked WHERE noticed_at = 0";
            f.store.db().query_one::<i64>(sql, vec![]).await.unwrap().unwrap()
        };
        for (left, swept) in [(1500, Swept::Partly), (500, Swept::Partly), (0, Swept::All)] {
            assert_eq!(f.store.sweep(NOW, 0).await.unwrap(), swept, "{}", f.engine);
            assert_eq!(fresh().await, left, "{}", f.engine);
        }
        for (left, swept) in [(1500, Swept::Partly), (500, Swept::Partly), (0, Swept::All)] {
            assert_eq!(f.store.sweep(NOW + 10_000, 0).await.unwrap(), swept, "{}", f.engine);
            assert_eq!(rows(&f.store, "revoked", TENANT).await, left, "{}", f.engine);
        }
    }
}
