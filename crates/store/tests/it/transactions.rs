use chancery_store::{Error, StoredTransaction};

use crate::fixture::{NOW, TENANT, engines, race};

#[tokio::test]
async fn it_moves_on_one_step_at_a_time_and_ends_once() {
    for f in engines().await {
        let begun = StoredTransaction {
            id: "state".to_owned(),
            digest: vec![1; 32],
            doc: r#"{"step":1}"#.to_owned(),
            expires_at: NOW + 600,
            rev: 1,
        };
        f.store.insert_transaction(TENANT, &begun).await.unwrap();
        assert!(matches!(f.store.insert_transaction(TENANT, &begun).await, Err(Error::Conflict)));
        let found = f.store.transaction(TENANT, "state", NOW).await.unwrap().unwrap();
        assert!(found == begun, "{}", f.engine);
        assert!(found.belongs_to(&[1; 32]) && !found.belongs_to(&[2; 32]) && !found.belongs_to(&[]));
        assert!(!format!("{found:?}").contains("step"));
        for missing in ["State", "", "state\0"] {
            assert!(f.store.transaction(TENANT, missing, NOW).await.unwrap().is_none());
        }
        assert!(f.store.transaction(TENANT, "state", NOW + 600).await.unwrap().is_none(), "it ended");

        f.store.update_transaction(TENANT, "state", r#"{"step":2}"#, 1).await.unwrap();
        let stale = f.store.update_transaction(TENANT, "state", "{}", 1).await;
        assert!(matches!(stale, Err(Error::Guard)));
        let found = f.store.transaction(TENANT, "state", NOW).await.unwrap().unwrap();
        assert_eq!((found.doc.as_str(), found.rev), (r#"{"step":2}"#, 2));

        let won = race(&f.store, 20, || f.store.finish_transaction(TENANT, "state", 2)).await;
        assert_eq!(won, 1, "{}", f.engine);
        f.store.insert_transaction(TENANT, &begun).await.unwrap();
        f.store.delete_transaction(TENANT, "state").await.unwrap();
        assert!(f.store.transaction(TENANT, "state", NOW).await.unwrap().is_none());
    }
}
