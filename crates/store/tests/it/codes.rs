use chancery_store::Error;

use crate::fixture::{TENANT, authorization, code, engines, guessed, handle, race, refresh, rows, second};

#[tokio::test]
async fn the_secret_alone_finds_it() {
    for f in engines().await {
        let (held, record) = (handle(), code(authorization("a1", "u")));
        f.store.insert_code(TENANT, &held, &record).await.unwrap();
        let found = f.store.code(TENANT, &held).await.unwrap();
        assert_eq!(found, Some((record.clone(), false)), "{}", f.engine);
        assert_eq!(f.store.code(TENANT, &guessed(&held)).await.unwrap(), None);
        assert_eq!(f.store.code(TENANT, &handle()).await.unwrap(), None);
        assert!(matches!(f.store.insert_code(TENANT, &held, &record).await, Err(Error::Conflict)));
    }
}

/// Security case 8.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_redemptions_one_wins() {
    for f in engines().await {
        let held = handle();
        f.store.insert_code(TENANT, &held, &code(authorization("a1", "u"))).await.unwrap();
        let won = race(&f.store, 100, || {
            let token = handle();
            let record = refresh(&token, authorization("a1", "u"));
            let issued = f.store.insert_refresh_token(TENANT, &token, &record).unwrap();
            f.store.spend_code(TENANT, &held.id).and(issued)
        })
        .await;
        assert_eq!(won, 1, "{}", f.engine);
        assert_eq!(rows(&f.store, "refresh_tokens", TENANT).await, 1, "losers leave nothing");
        let (_, spent) = f.store.code(TENANT, &held).await.unwrap().unwrap();
        assert!(spent, "a replay is told from a guess");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_redeem_it_once() {
    for f in engines().await {
        let other = second(&f).await;
        let held = handle();
        f.store.insert_code(TENANT, &held, &code(authorization("a1", "u"))).await.unwrap();
        let (here, there) = tokio::join!(
            race(&f.store, 25, || f.store.spend_code(TENANT, &held.id)),
            race(&other, 25, || f.store.spend_code(TENANT, &held.id))
        );
        assert_eq!(here + there, 1, "{}", f.engine);
    }
}

#[tokio::test]
async fn it_dies_with_its_family() {
    for f in engines().await {
        let held = handle();
        f.store.insert_code(TENANT, &held, &code(authorization("a1", "u"))).await.unwrap();
        f.store.commit(f.store.revoke_family(TENANT, "a2")).await.unwrap();
        assert!(f.store.code(TENANT, &held).await.unwrap().is_some(), "{}", f.engine);
        f.store.commit(f.store.revoke_family(TENANT, "a1")).await.unwrap();
        assert!(f.store.code(TENANT, &held).await.unwrap().is_none());
        assert!(matches!(f.store.commit(f.store.spend_code(TENANT, &held.id)).await, Err(Error::Guard)));
    }
}
