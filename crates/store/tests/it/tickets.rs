use crate::fixture::{NOW, TENANT, engines, guessed, handle, race, ticket};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_works_once_and_not_for_long() {
    for f in engines().await {
        let (held, made) = (handle(), ticket("u"));
        f.store.insert_ticket(TENANT, &held, &made).await.unwrap();
        let found = async |now| f.store.ticket(TENANT, &held, now).await.unwrap();
        assert_eq!(found(NOW).await, Some(made.clone()), "{}", f.engine);
        assert_eq!(found(NOW + 600).await, None);
        assert_eq!(f.store.ticket(TENANT, &guessed(&held), NOW).await.unwrap(), None);
        assert_eq!(race(&f.store, 30, || f.store.spend_ticket(TENANT, &held.id)).await, 1);
        assert_eq!(found(NOW).await, None);

        let other = handle();
        f.store.insert_ticket(TENANT, &other, &made).await.unwrap();
        f.store.commit(f.store.delete_tickets_of(TENANT, "u")).await.unwrap();
        assert_eq!(f.store.ticket(TENANT, &other, NOW).await.unwrap(), None);
    }
}

/// Security case 11.
#[tokio::test]
async fn an_assertion_is_used_once() {
    for f in engines().await {
        let remember =
            async |client: &str, jti: &str| f.store.remember_assertion(TENANT, client, jti, NOW + 60).await;
        remember("app", "j\u{0}1").await.unwrap();
        assert!(
            matches!(remember("app", "j\u{0}1").await, Err(chancery_store::Error::Conflict)),
            "{}",
            f.engine
        );
        remember("app", "j2").await.unwrap();
        remember("other", "j2").await.unwrap();
    }
}
