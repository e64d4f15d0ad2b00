use chancery_store::{Batch, Change, Error, Kind};

use crate::fixture::{TENANT, engines};

#[tokio::test]
async fn a_document_comes_back_byte_for_byte() {
    let odd = r#"{"z":1,"a":{"n":1.50,"nul":"\u0000","e":1e3},"z2":"é","a2":[ ]}"#;
    for f in engines().await {
        let rev = f.store.apply(Change::new(TENANT).insert(Kind::Api, "a1", Some("u"), odd)).await.unwrap();
        assert_eq!(rev, 1, "{}", f.engine);
        let found = f.store.doc(TENANT, Kind::Api, "a1").await.unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.json.as_str(), found.rev), ("a1", odd, 1));
        assert_eq!(f.store.doc_by_uniq(TENANT, Kind::Api, "u").await.unwrap().unwrap(), found);
        for (kind, id) in [(Kind::Client, "a1"), (Kind::Api, "a2"), (Kind::Api, "a\0")] {
            assert!(f.store.doc(TENANT, kind, id).await.unwrap().is_none());
        }
        assert!(f.store.doc_by_uniq(TENANT, Kind::Api, "u\0").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn ids_and_unique_names_are_taken_once() {
    for f in engines().await {
        let insert =
            |id: &str, uniq: &str| f.store.apply(Change::new(TENANT).insert(Kind::Api, id, Some(uniq), "{}"));
        insert("a", "one").await.unwrap();
        assert!(matches!(insert("a", "two").await, Err(Error::Conflict)), "{}", f.engine);
        assert!(matches!(insert("b", "one").await, Err(Error::Conflict)));
        f.store
            .apply(Change::new(TENANT).insert(Kind::Client, "a", Some("one"), "{}"))
            .await
            .expect("another kind has names of its own");
        f.store
            .apply(Change::new(TENANT).insert(Kind::Api, "c", None, "{}").insert(Kind::Api, "d", None, "{}"))
            .await
            .expect("nothing is not a name");
        assert_eq!(f.store.config_rev(TENANT).await.unwrap(), 3, "failed changes leave no trace");
    }
}

#[tokio::test]
async fn an_update_on_an_old_revision_loses() {
    for f in engines().await {
        f.store.apply(Change::new(TENANT).insert(Kind::Role, "r", None, "1")).await.unwrap();
        let update = |json: &str, seen| {
            f.store.apply(Change::new(TENANT).update(Kind::Role, "r", None, json.to_owned(), seen))
        };
        update("2", 1).await.unwrap();
        assert!(matches!(update("3", 1).await, Err(Error::Guard)), "{}", f.engine);
        let found = f.store.doc(TENANT, Kind::Role, "r").await.unwrap().unwrap();
        assert_eq!((found.json.as_str(), found.rev), ("2", 2));
        let missing = Change::new(TENANT).update(Kind::Role, "x", None, "1", 1);
        assert!(matches!(f.store.apply(missing).await, Err(Error::Guard)));
        let nowhere = Change::new("nobody").insert(Kind::Role, "x", None, "1");
        assert!(matches!(f.store.apply(nowhere).await, Err(Error::Guard)), "no such tenant");
    }
}

#[tokio::test]
async fn a_change_happens_whole_or_not_at_all() {
    for f in engines().await {
        let change = Change::new(TENANT)
            .insert(Kind::Role, "r", None, "{}")
            .also(f.store.assign_roles_batch(TENANT, "u", &["r".to_owned()]))
            .update(Kind::Role, "missing", None, "{}", 1);
        assert!(matches!(f.store.apply(change).await, Err(Error::Guard)), "{}", f.engine);
        assert!(f.store.doc(TENANT, Kind::Role, "r").await.unwrap().is_none());
        assert!(f.store.access_of(TENANT, "u").await.unwrap().role_ids.is_empty());
        f.store.commit(Batch::default()).await.expect("nothing to do");
    }
}

#[tokio::test]
async fn pages_walk_every_document_once() {
    for f in engines().await {
        let all = ["B", "_", "a", "b", "é"];
        let change = all.iter().fold(Change::new(TENANT), |c, id| c.insert(Kind::Client, id, None, "{}"));
        f.store.apply(change).await.unwrap();
        assert_eq!(f.store.docs_count(TENANT, Kind::Client).await.unwrap(), 5);
        let ids = |docs: Vec<chancery_store::Stored>| docs.into_iter().map(|d| d.id).collect::<Vec<_>>();
        assert_eq!(ids(f.store.docs_all(TENANT, Kind::Client).await.unwrap()), all, "{}", f.engine);
        assert_eq!(ids(f.store.docs_page(TENANT, Kind::Client, 1, 2).await.unwrap()), ["_", "a"]);
        assert_eq!(ids(f.store.docs_page(TENANT, Kind::Client, 4, 2).await.unwrap()), ["é"]);
        assert_eq!(ids(f.store.docs_after(TENANT, Kind::Client, "", 2).await.unwrap()), ["B", "_"]);
        assert_eq!(ids(f.store.docs_after(TENANT, Kind::Client, "_", 9).await.unwrap()), ["a", "b", "é"]);
        f.store
            .apply(Change::new(TENANT).delete(Kind::Client, "a").delete(Kind::Client, "no"))
            .await
            .unwrap();
        assert_eq!(f.store.docs_count(TENANT, Kind::Client).await.unwrap(), 4);
    }
}
