use chancery_core::attack::Tried;
use chancery_store::{Error, TryKey};

use crate::fixture::{NOW, TENANT, engines, rows};

fn tried(amount: i64) -> Tried {
    Tried { amount, ends_at: NOW + 60 }
}

#[tokio::test]
async fn a_count_is_written_over_the_one_that_was_seen() {
    for f in engines().await {
        let store = &f.store;
        let key = TryKey::new("sign-in", "jane@example.com", "192.0.2.1".to_owned());
        let other = TryKey::new("sign-in", "jane@example.com", String::new());
        assert_eq!(store.tried(TENANT, [Some(&key), None]).await.unwrap(), [None, None]);
        store.commit(store.count_try(TENANT, &key, None, tried(1))).await.unwrap();
        let twice = store.commit(store.count_try(TENANT, &key, None, tried(1))).await;
        assert!(matches!(twice, Err(Error::Conflict)), "{}", f.engine);
        store.commit(store.count_try(TENANT, &key, Some(tried(1)), tried(2))).await.unwrap();
        let late = store.commit(store.count_try(TENANT, &key, Some(tried(1)), tried(2))).await;
        assert!(matches!(late, Err(Error::Guard)), "{}", f.engine);
        let seen = store.tried(TENANT, [Some(&other), Some(&key)]).await.unwrap();
        assert_eq!(seen, [None, Some(tried(2))], "in the order of the keys");
        assert_eq!(store.tried("other", [Some(&key)]).await.unwrap(), [None]);

        store.commit(store.count_try(TENANT, &other, None, tried(7))).await.unwrap();
        let all = store.tries_of(TENANT, "sign-in", "jane@example.com", NOW).await.unwrap();
        assert_eq!(all, [(String::new(), tried(7)), ("192.0.2.1".to_owned(), tried(2))]);
        assert!(store.tries_of(TENANT, "sign-up", "jane@example.com", NOW).await.unwrap().is_empty());
        assert!(store.tries_of(TENANT, "sign-in", "jane@example.com", NOW + 60).await.unwrap().is_empty());
        store.commit(store.forget_try(TENANT, &key)).await.unwrap();
        assert_eq!(rows(store, "tries", TENANT).await, 1);
        store.commit(store.forget_tries(TENANT, "sign-in", "jane@example.com")).await.unwrap();
        assert_eq!(rows(store, "tries", TENANT).await, 0);

        store.commit(store.count_try(TENANT, &key, None, tried(1))).await.unwrap();
        store.sweep(NOW, 0).await.unwrap();
        assert_eq!(rows(store, "tries", TENANT).await, 1);
        store.sweep(NOW + 61, 0).await.unwrap();
        assert_eq!(rows(store, "tries", TENANT).await, 0, "{}", f.engine);
    }
}
