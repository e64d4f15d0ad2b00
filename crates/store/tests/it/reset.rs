use std::time::{Duration, Instant};

use chancery_core::records::LogEvent;
use chancery_store::{Batch, Catalog, Change, Error, Kind};

use crate::fixture::{
    TENANT, authorization, code, engines, handle, lines, new_user, opaque, refresh, rows, session,
};

const RECORDS: [&str; 9] = [
    "users",
    "user_terms",
    "credentials",
    "sessions",
    "codes",
    "refresh_tokens",
    "opaque_tokens",
    "consents",
    "logs",
];

/// A tenant with a few hundred of everything, as after an afternoon of tests.
async fn fill(store: &chancery_store::Store) {
    let mut batch = Batch::default();
    for n in 0..200 {
        let user = format!("auth0|{n}");
        let (one, two, three) = (handle(), handle(), handle());
        let given = || authorization(&format!("a{n}"), &user);
        batch = batch
            .and(store.create_user_batch(TENANT, &new_user(&user, &format!("{n}@example.com"))).unwrap())
            .and(store.insert_session_batch(TENANT, &session(&one, &user), &one.digest()))
            .and(store.insert_code_batch(TENANT, &one, &code(given())).unwrap())
            .and(store.insert_refresh_token(TENANT, &two, &refresh(&two, given())).unwrap())
            .and(store.insert_opaque_token(TENANT, &three, &opaque(given())).unwrap());
    }
    let docs = (0..100).fold(Change::new(TENANT), |change, n| {
        change.insert(Kind::Role, &format!("rol_{n}"), None, format!(r#"{{"id":"rol_{n}","name":"{n}"}}"#))
    });
    store.apply(docs.also(batch)).await.unwrap();
    let events = (0..200).map(|n| LogEvent { log_id: format!("l{n}"), ..LogEvent::default() });
    store.append_logs(TENANT, &lines(&events.collect::<Vec<_>>())).await.unwrap();
}

#[tokio::test]
async fn it_leaves_what_is_kept_and_nothing_else() {
    for f in engines().await {
        let mut times = Vec::<Duration>::new();
        let catalog = Catalog::new(f.store.clone());
        for _ in 0..5 {
            fill(&f.store).await;
            catalog.snapshot(TENANT).await.unwrap();
            catalog.sync().await.unwrap();
            let begun = Instant::now();
            let kept = [(Kind::Role, "rol_7"), (Kind::Client, "no such")];
            f.store.wipe_tenant(TENANT, &kept).await.unwrap();
            catalog.sync().await.unwrap();
            times.push(begun.elapsed());
            let left = f.store.docs_all(TENANT, Kind::Role).await.unwrap();
            assert_eq!(left.len(), 1, "{}", f.engine);
            assert_eq!(left[0].id, "rol_7");
            let snapshot = catalog.cached(TENANT).unwrap();
            assert_eq!(snapshot.roles().count(), 1);
            for table in RECORDS {
                assert_eq!(rows(&f.store, table, TENANT).await, 0, "{} {table}", f.engine);
            }
            f.store.wipe_tenant(TENANT, &[]).await.unwrap();
        }
        assert_eq!(f.store.tenants().await.unwrap().len(), 1, "its origins stay");
        times.sort();
        eprintln!("reset of a filled tenant, {}: median {:?}, worst {:?}", f.engine, times[2], times[4]);
        assert!(matches!(f.store.wipe_tenant("none", &[]).await, Err(Error::Guard)));
    }
}
