use crate::fixture::{NOW, TENANT, authorization, engines, guessed, handle, opaque};

#[tokio::test]
async fn it_lives_until_it_ends_or_is_revoked() {
    for f in engines().await {
        let (held, record) = (handle(), opaque(authorization("a1", "u")));
        f.store.commit(f.store.insert_opaque_token(TENANT, &held, &record).unwrap()).await.unwrap();
        let found = async |now| f.store.opaque_token(TENANT, &held, now).await.unwrap();
        assert_eq!(found(NOW).await, Some(record.clone()), "{}", f.engine);
        assert_eq!(found(NOW + 3600).await, None);
        assert_eq!(f.store.opaque_token(TENANT, &guessed(&held), NOW).await.unwrap(), None);
        f.store.commit(f.store.revoke_opaque_token(TENANT, &held.id)).await.unwrap();
        assert_eq!(found(NOW).await, None);

        f.store.commit(f.store.revoke_family(TENANT, "a1")).await.unwrap();
        f.store.commit(f.store.insert_opaque_token(TENANT, &held, &record).unwrap()).await.unwrap();
        assert_eq!(found(NOW).await, None, "nothing lives under a revoked family");
    }
}
