//! Changes put together before they are committed.

use std::sync::Arc;

use chancery_store::{Batch, Catalog, Change, Error, Kind, NextKeys};

use crate::fixture::{NOW, TENANT, engines, material};

#[tokio::test]
async fn what_is_staged_is_read_back_and_nobody_else_sees_it() {
    for f in engines().await {
        let start = Change::new(TENANT)
            .insert(Kind::Role, "a", Some("one"), r#"{"id":"a","name":"one"}"#)
            .insert(Kind::Role, "b", Some("two"), r#"{"id":"b","name":"two"}"#);
        let rev = f.store.apply(start).await.unwrap();
        let staged = f.store.staged(TENANT);
        let store = staged.store();
        store.apply(Change::new(TENANT).delete(Kind::Role, "a")).await.unwrap();
        // The name is free again, for a document that there was not and for one that there was.
        store.apply(Change::new(TENANT).insert(Kind::Role, "c", Some("one"), "3")).await.unwrap();
        store.apply(Change::new(TENANT).update(Kind::Role, "b", Some("three"), "2", 1)).await.unwrap();
        store.apply(Change::new(TENANT).update(Kind::Role, "b", Some("four"), "22", 2)).await.unwrap();
        let insert = |id: &str, uniq: &str| {
            let change = Change::new(TENANT).insert(Kind::Role, id, Some(uniq), "x");
            store.apply(change)
        };
        assert!(matches!(insert("d", "one").await, Err(Error::Conflict)), "{}", f.engine);
        assert!(matches!(insert("c", "new").await, Err(Error::Conflict)));
        insert("d", "two").await.expect("b is called four now");
        let old = store.apply(Change::new(TENANT).update(Kind::Role, "b", None, "y", 1)).await;
        assert!(matches!(old, Err(Error::Guard)));

        let ids = |found: Vec<chancery_store::Stored>| found.into_iter().map(|d| d.id).collect::<Vec<_>>();
        assert_eq!(ids(store.docs_all(TENANT, Kind::Role).await.unwrap()), ["b", "c", "d"]);
        assert_eq!(ids(store.docs_page(TENANT, Kind::Role, 1, 1).await.unwrap()), ["c"]);
        assert_eq!(ids(store.docs_after(TENANT, Kind::Role, "b", 9).await.unwrap()), ["c", "d"]);
        assert_eq!(store.docs_count(TENANT, Kind::Role).await.unwrap(), 3);
        assert_eq!(store.doc_by_uniq(TENANT, Kind::Role, "four").await.unwrap().unwrap().json, "22");
        assert!(store.doc_by_uniq(TENANT, Kind::Role, "three").await.unwrap().is_none());
        assert!(store.doc(TENANT, Kind::Role, "a").await.unwrap().is_none());
        assert_eq!(ids(f.store.docs_all(TENANT, Kind::Role).await.unwrap()), ["a", "b"], "below");
        assert_eq!(f.store.config_rev(TENANT).await.unwrap(), rev);

        let differences = staged.differences();
        let kinds: Vec<_> =
            differences.iter().map(|d| (d.id.as_str(), d.before.is_some(), d.after.is_some())).collect();
        assert_eq!(kinds, [("a", true, false), ("b", true, true), ("c", false, true), ("d", false, true)]);

        assert_eq!(staged.commit(rev).await.unwrap(), rev + 1, "one step for all");
        assert_eq!(ids(f.store.docs_all(TENANT, Kind::Role).await.unwrap()), ["b", "c", "d"]);
        let b = f.store.doc_by_uniq(TENANT, Kind::Role, "four").await.unwrap().unwrap();
        assert_eq!((b.json.as_str(), b.rev), ("22", 2));
    }
}

#[tokio::test]
async fn whoever_was_first_wins_and_records_go_along() {
    for f in engines().await {
        let rev = f.store.apply(Change::new(TENANT).insert(Kind::Role, "a", None, "1")).await.unwrap();
        let assigned = || f.store.assign_roles_batch(TENANT, "u", &["a".to_owned()]);
        let late = f.store.staged(TENANT);
        late.store()
            .apply(Change::new(TENANT).update(Kind::Role, "a", None, "2", 1).also(assigned()))
            .await
            .unwrap();
        late.store().commit(assigned()).await.unwrap();
        assert_eq!(f.store.role_members_count(TENANT, "a").await.unwrap(), 0, "{}", f.engine);
        // Something else of the configuration changes meanwhile.
        let other = f.store.apply(Change::new(TENANT).insert(Kind::Role, "b", None, "1")).await.unwrap();
        assert!(matches!(late.commit(rev).await, Err(Error::Guard)));
        assert_eq!(f.store.doc(TENANT, Kind::Role, "a").await.unwrap().unwrap().json, "1");
        assert_eq!(f.store.role_members_count(TENANT, "a").await.unwrap(), 0);

        let again = f.store.staged(TENANT);
        again
            .store()
            .apply(Change::new(TENANT).update(Kind::Role, "a", None, "2", 1).also(assigned()))
            .await
            .unwrap();
        again.commit(other).await.unwrap();
        assert_eq!(f.store.role_members_count(TENANT, "a").await.unwrap(), 1);

        let nothing = f.store.staged(TENANT);
        nothing.store().commit(Batch::default()).await.unwrap();
        assert_eq!(nothing.commit(other).await.unwrap(), other + 1, "no step for nothing");
        let strange = f.store.staged(TENANT);
        let elsewhere = strange.store().apply(Change::new("t2").insert(Kind::Role, "x", None, "1")).await;
        assert!(matches!(elsewhere, Err(Error::Guard)), "a stage is of one tenant");
    }
}

#[tokio::test]
async fn a_snapshot_shows_what_is_staged() {
    for f in engines().await {
        let catalog = Catalog::new(f.store.clone());
        f.store
            .apply(Change::new(TENANT).insert(Kind::Role, "a", None, r#"{"id":"a","name":"A"}"#))
            .await
            .unwrap();
        let (one, two) = (material(), material());
        let next = NextKeys { common_name: "one.example", now: NOW, material: &two };
        f.store.create_initial_keys(TENANT, &one, next).await.unwrap();
        let base = catalog.snapshot(TENANT).await.unwrap();
        let staged = f.store.staged(TENANT);
        let change = Change::new(TENANT).delete(Kind::Role, "a").insert(
            Kind::Role,
            "b",
            None,
            r#"{"id":"b","name":"B"}"#,
        );
        staged.store().apply(change).await.unwrap();
        let now = staged.snapshot(&base).unwrap();
        assert!(now.role("a").is_none() && now.role("b").is_some(), "{}", f.engine);
        assert!(base.role("a").is_some(), "the other one stays as it is");
        assert!(Arc::ptr_eq(&staged.snapshot(&now).unwrap(), &now), "nothing new");
    }
}
