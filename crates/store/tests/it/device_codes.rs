use chancery_core::oauth::DeviceState;
use chancery_core::records::{CodeRecord, DeviceRecord};
use chancery_store::Error;

use crate::fixture::{NOW, TENANT, authorization, engines, guessed, handle, race, rows, second};

fn device(user_code: &str) -> DeviceRecord {
    DeviceRecord {
        client_id: "app".to_owned(),
        scope: "openid".to_owned(),
        user_code: user_code.to_owned(),
        expires_at: NOW + 900,
        ..DeviceRecord::default()
    }
}

fn allowed() -> CodeRecord {
    CodeRecord {
        for_device: true,
        expires_at: NOW + 900,
        authorization: authorization("a1", "u"),
        ..CodeRecord::default()
    }
}

#[tokio::test]
async fn device_and_user_find_it_by_their_codes() {
    for f in engines().await {
        let (held, record) = (handle(), device("WDJB-MJHT"));
        f.store.insert_device_code(TENANT, &held, &record).await.unwrap();
        let found = f.store.device_code(TENANT, &held).await.unwrap().unwrap();
        assert_eq!(
            (&found.record, found.state, found.polled_ms, found.wait),
            (&record, DeviceState::Pending, 0, 5)
        );
        assert_eq!(f.store.device_code(TENANT, &guessed(&held)).await.unwrap(), None);
        assert_eq!(f.store.device_code("t2", &held).await.unwrap(), None);
        let waiting = Some((held.id.clone(), record));
        assert_eq!(f.store.waiting_device(TENANT, "wdjb mjht", NOW + 899).await.unwrap(), waiting);
        for (tenant, typed, now) in [
            (TENANT, "WDJB-MJHT", NOW + 900),
            (TENANT, "WDJB-MJHX", NOW),
            ("t2", "WDJB-MJHT", NOW),
            (TENANT, "", NOW),
        ] {
            assert_eq!(f.store.waiting_device(tenant, typed, now).await.unwrap(), None, "{}", f.engine);
        }
        let taken = f.store.insert_device_code(TENANT, &handle(), &device("wdjbmjht")).await;
        assert!(matches!(taken, Err(Error::Conflict)), "{}", f.engine);
        f.store.note_poll(TENANT, &held.id, NOW * 1000, 10).await.unwrap();
        f.store.note_poll(TENANT, &held.id, NOW * 1000 - 1, 5).await.unwrap();
        let found = f.store.device_code(TENANT, &held).await.unwrap().unwrap();
        assert_eq!((found.polled_ms, found.wait), (NOW * 1000, 10), "a late writer changes nothing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_first_answer_counts() {
    for f in engines().await {
        let (held, other) = (handle(), second(&f).await);
        f.store.insert_device_code(TENANT, &held, &device("WDJB-MJHT")).await.unwrap();
        let allow = || f.store.allow_device(TENANT, &held.id, &allowed(), NOW).unwrap();
        assert!(matches!(f.store.code(TENANT, &held).await, Ok(None)));
        let (here, there) = tokio::join!(race(&f.store, 25, allow), race(&other, 25, allow));
        assert_eq!(here + there, 1, "{}", f.engine);
        f.store.commit(f.store.deny_device(TENANT, &held.id, "no")).await.unwrap();
        let found = f.store.device_code(TENANT, &held).await.unwrap().unwrap();
        assert_eq!((found.state, found.reason.as_str()), (DeviceState::Allowed, ""));
        assert_eq!(f.store.waiting_device(TENANT, "WDJB-MJHT", NOW).await.unwrap(), None);
        // The device's own secret redeems it, once.
        assert_eq!(f.store.code(TENANT, &held).await.unwrap(), Some((allowed(), false)));
        assert_eq!(f.store.code(TENANT, &guessed(&held)).await.unwrap(), None);
        assert_eq!(race(&f.store, 25, || f.store.spend_code(TENANT, &held.id)).await, 1);
    }
}

#[tokio::test]
async fn no_is_an_answer_and_late_is_too_late() {
    for f in engines().await {
        let (refused, late) = (handle(), handle());
        f.store.insert_device_code(TENANT, &refused, &device("AAAA-AAAA")).await.unwrap();
        f.store.insert_device_code(TENANT, &late, &device("BBBB-BBBB")).await.unwrap();
        f.store.commit(f.store.deny_device(TENANT, &refused.id, "no")).await.unwrap();
        let found = f.store.device_code(TENANT, &refused).await.unwrap().unwrap();
        assert_eq!((found.state, found.reason.as_str()), (DeviceState::Denied, "no"));
        for (held, now) in [(&refused, NOW), (&late, NOW + 900)] {
            let allow = f.store.allow_device(TENANT, &held.id, &allowed(), now).unwrap();
            assert!(matches!(f.store.commit(allow).await, Err(Error::Guard)), "{}", f.engine);
        }
        assert_eq!(rows(&f.store, "codes", TENANT).await, 0);
        assert_eq!(race(&f.store, 25, || f.store.end_device(TENANT, &late.id)).await, 1, "{}", f.engine);
        f.store.sweep(NOW + 901, 0).await.unwrap();
        assert_eq!(rows(&f.store, "device_codes", TENANT).await, 2, "kept to be told of");
        f.store.sweep(NOW + 1501, 0).await.unwrap();
        assert_eq!(rows(&f.store, "device_codes", TENANT).await, 0, "{}", f.engine);
    }
}

#[tokio::test]
async fn it_dies_with_its_family_and_with_its_user() {
    for f in engines().await {
        let by_family = f.store.revoke_family(TENANT, "a2");
        for (id, revoke) in [("a1", f.store.revoke_by_user(TENANT, "u")), ("a2", by_family)] {
            let held = handle();
            f.store.insert_device_code(TENANT, &held, &device(&held.id)).await.unwrap();
            let record = CodeRecord { authorization: authorization(id, "u"), ..allowed() };
            f.store.commit(f.store.allow_device(TENANT, &held.id, &record, NOW).unwrap()).await.unwrap();
            assert!(f.store.code(TENANT, &held).await.unwrap().is_some(), "{}", f.engine);
            f.store.commit(revoke).await.unwrap();
            assert!(f.store.code(TENANT, &held).await.unwrap().is_none(), "{}", f.engine);
        }
    }
}
