use chancery_store::Error;

use crate::fixture::{NOW, TENANT, engines, guessed, handle, session};

#[tokio::test]
async fn the_cookie_alone_finds_it() {
    for f in engines().await {
        let cookie = handle();
        let made = session(&cookie, "u");
        f.store.insert_session(TENANT, &made, &cookie.digest()).await.unwrap();
        assert_eq!(f.store.session(TENANT, &cookie, NOW).await.unwrap().unwrap(), made, "{}", f.engine);
        assert!(f.store.session(TENANT, &guessed(&cookie), NOW).await.unwrap().is_none());
        assert!(f.store.session(TENANT, &handle(), NOW).await.unwrap().is_none());
        assert_eq!(f.store.session_by_id(TENANT, &made.id, NOW).await.unwrap().unwrap(), made);
        let again = f.store.insert_session(TENANT, &made, &cookie.digest()).await;
        assert!(matches!(again, Err(Error::Conflict)));
    }
}

#[tokio::test]
async fn it_ends_by_idleness_and_at_last() {
    for f in engines().await {
        let cookie = handle();
        f.store.insert_session(TENANT, &session(&cookie, "u"), &cookie.digest()).await.unwrap();
        let alive = async |now| f.store.session(TENANT, &cookie, now).await.unwrap().is_some();
        assert!(alive(NOW + 99).await && !alive(NOW + 100).await, "{}", f.engine);
        f.store.touch_session(TENANT, &cookie.id, NOW + 90, NOW + 190, None).await.unwrap();
        assert!(alive(NOW + 189).await && !alive(NOW + 190).await);
        f.store.touch_session(TENANT, &cookie.id, NOW + 180, NOW + 5000, None).await.unwrap();
        assert!(alive(NOW + 999).await && !alive(NOW + 1000).await, "the absolute end does not move");
    }
}

#[tokio::test]
async fn applications_are_added_once_in_order() {
    for f in engines().await {
        let cookie = handle();
        f.store.insert_session(TENANT, &session(&cookie, "u"), &cookie.digest()).await.unwrap();
        for client in ["app2", "app", "app2", "pp"] {
            f.store.touch_session(TENANT, &cookie.id, NOW + 1, NOW + 100, Some(client)).await.unwrap();
        }
        f.store.reauthenticate_session(TENANT, &cookie.id, NOW + 7).await.unwrap();
        let found = f.store.session(TENANT, &cookie, NOW).await.unwrap().unwrap();
        assert_eq!(found.clients, ["app", "app2", "pp"], "{}", f.engine);
        assert_eq!((found.last_active_at, found.authenticated_at), (NOW + 1, NOW + 7));
        assert!(matches!(f.store.reauthenticate_session(TENANT, "gone", NOW).await, Err(Error::Guard)));
    }
}

#[tokio::test]
async fn they_are_listed_and_deleted() {
    for f in engines().await {
        let cookies = [handle(), handle(), handle()];
        for (cookie, user) in cookies.iter().zip(["u", "u", "v"]) {
            f.store.insert_session(TENANT, &session(cookie, user), &cookie.digest()).await.unwrap();
        }
        assert_eq!(f.store.sessions_of(TENANT, "u", NOW).await.unwrap().len(), 2, "{}", f.engine);
        assert!(f.store.sessions_of(TENANT, "u", NOW + 100).await.unwrap().is_empty());
        f.store.delete_session(TENANT, &cookies[0].id).await.unwrap();
        assert!(f.store.session(TENANT, &cookies[0], NOW).await.unwrap().is_none());
        f.store.delete_sessions_of(TENANT, "u").await.unwrap();
        assert!(f.store.session(TENANT, &cookies[1], NOW).await.unwrap().is_none());
        assert!(f.store.session(TENANT, &cookies[2], NOW).await.unwrap().is_some());
    }
}
