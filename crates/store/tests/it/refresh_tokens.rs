use chancery_core::{ids::Handle, records::RefreshRecord};
use chancery_store::{Batch, Error, Rotation, Store};

use crate::fixture::{NOW, TENANT, authorization, engines, guessed, handle, race, refresh, rows};

async fn issued(store: &Store, family: &str) -> (Handle, RefreshRecord) {
    let held = handle();
    let record = refresh(&held, authorization(family, "u"));
    store.commit(store.insert_refresh_token(TENANT, &held, &record).unwrap()).await.unwrap();
    (held, record)
}

fn rotated(store: &Store, old: &Handle, family: &str) -> (Handle, Batch) {
    let held = handle();
    let record = refresh(&held, authorization(family, "u"));
    let rotation = Rotation { old_id: &old.id, now: NOW + 5, handle: &held, record: &record };
    let batch = store.rotate(TENANT, &rotation).unwrap();
    (held, batch)
}

#[tokio::test]
async fn the_secret_alone_finds_it() {
    for f in engines().await {
        let (held, record) = issued(&f.store, "a1").await;
        let found = f.store.refresh_token(TENANT, &held).await.unwrap();
        assert_eq!(found, Some(record.clone()), "{}", f.engine);
        assert_eq!(f.store.refresh_token(TENANT, &guessed(&held)).await.unwrap(), None);
        assert_eq!(f.store.refresh_token_by_id(TENANT, &held.id).await.unwrap(), Some(record));
        f.store.commit(f.store.revoke_token(TENANT, &held.id)).await.unwrap();
        assert_eq!(f.store.refresh_token(TENANT, &held).await.unwrap(), None);
    }
}

/// Security case 8.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_rotations_one_wins() {
    for f in engines().await {
        let (held, _) = issued(&f.store, "a1").await;
        let won = race(&f.store, 100, || rotated(&f.store, &held, "a1").1).await;
        assert_eq!(won, 1, "{}", f.engine);
        assert_eq!(rows(&f.store, "refresh_tokens", TENANT).await, 2, "losers leave nothing");
        let old = f.store.refresh_token(TENANT, &held).await.unwrap().unwrap();
        assert_eq!(old.rotated_at, Some(NOW + 5));
        let next = f.store.refresh_token_by_id(TENANT, &old.next_id.unwrap()).await.unwrap().unwrap();
        assert_eq!((next.rotated_at, next.next_id), (None, None));
    }
}

#[tokio::test]
async fn within_the_leeway_only_the_previous_token_rotates_again() {
    for f in engines().await {
        let (first, _) = issued(&f.store, "a1").await;
        let (second, batch) = rotated(&f.store, &first, "a1");
        let again = |expected: &str| {
            let held = handle();
            let record = refresh(&held, authorization("a1", "u"));
            let rotation = Rotation { old_id: &first.id, now: NOW + 6, handle: &held, record: &record };
            (f.store.rotate_again(TENANT, expected, &rotation).unwrap(), held)
        };
        let (early, _) = again(&second.id);
        assert!(matches!(f.store.commit(early).await, Err(Error::Guard)), "not rotated yet");
        f.store.commit(batch).await.unwrap();

        let (batch, third) = again(&second.id);
        f.store.commit(batch).await.unwrap();
        let old = f.store.refresh_token(TENANT, &first).await.unwrap().unwrap();
        assert_eq!((old.rotated_at, old.next_id.as_deref()), (Some(NOW + 5), Some(third.id.as_str())));
        for live in [&second, &third] {
            let found = f.store.refresh_token(TENANT, live).await.unwrap().unwrap();
            assert_eq!(found.rotated_at, None, "{}: either answer may be the one that arrived", f.engine);
        }
        let (stale, _) = again(&second.id);
        assert!(matches!(f.store.commit(stale).await, Err(Error::Guard)), "somebody was faster");

        let (_, onward) = rotated(&f.store, &third, "a1");
        f.store.commit(onward).await.unwrap();
        let (late, _) = again(&third.id);
        assert!(matches!(f.store.commit(late).await, Err(Error::Guard)), "the successor was used");
    }
}

#[tokio::test]
async fn a_revoked_successor_is_no_leave_to_rotate_again() {
    for f in engines().await {
        let (first, _) = issued(&f.store, "a1").await;
        let (second, batch) = rotated(&f.store, &first, "a1");
        f.store.commit(batch).await.unwrap();
        f.store.commit(f.store.revoke_token(TENANT, &second.id)).await.unwrap();
        let held = handle();
        let record = refresh(&held, authorization("a1", "u"));
        let rotation = Rotation { old_id: &first.id, now: NOW, handle: &held, record: &record };
        let again = f.store.rotate_again(TENANT, &second.id, &rotation).unwrap();
        assert!(matches!(f.store.commit(again).await, Err(Error::Guard)), "{}", f.engine);
    }
}

#[tokio::test]
async fn an_exchange_without_rotation_moves_the_ends() {
    for f in engines().await {
        let (held, _) = issued(&f.store, "a1").await;
        f.store
            .commit(f.store.touch_refresh_token(TENANT, &held.id, NOW + 9, None, Some(NOW + 77)))
            .await
            .unwrap();
        let found = f.store.refresh_token(TENANT, &held).await.unwrap().unwrap();
        assert_eq!(found.last_exchanged_at, Some(NOW + 9), "{}", f.engine);
        assert_eq!((found.expires_at, found.idle_expires_at), (None, Some(NOW + 77)));
        let gone = f.store.touch_refresh_token(TENANT, "gone", NOW, None, None);
        assert!(matches!(f.store.commit(gone).await, Err(Error::Guard)));
    }
}

#[tokio::test]
async fn live_ones_are_listed() {
    for f in engines().await {
        let (first, _) = issued(&f.store, "a1").await;
        let (second, batch) = rotated(&f.store, &first, "a1");
        f.store.commit(batch).await.unwrap();
        let (ended, _) = issued(&f.store, "a2").await;
        f.store.commit(f.store.touch_refresh_token(TENANT, &ended.id, NOW, Some(NOW), None)).await.unwrap();
        let list = async |client| {
            let found = f.store.refresh_tokens_of(TENANT, "u", client, NOW).await.unwrap();
            found.into_iter().map(|t| t.id).collect::<Vec<_>>()
        };
        assert_eq!(list(None).await, [second.id.as_str()], "{}", f.engine);
        assert_eq!(list(Some("app")).await, [second.id.as_str()]);
        assert!(list(Some("other")).await.is_empty());
    }
}

#[tokio::test]
async fn the_two_hundred_first_pushes_out_the_oldest() {
    for f in engines().await {
        let (oldest, _) = issued(&f.store, "first").await;
        let (next, _) = issued(&f.store, "second").await;
        for n in 0..198 {
            issued(&f.store, &format!("f{n}")).await;
        }
        assert!(f.store.refresh_token(TENANT, &oldest).await.unwrap().is_some(), "{}", f.engine);
        issued(&f.store, "last").await;
        assert!(f.store.refresh_token(TENANT, &oldest).await.unwrap().is_none());
        assert!(f.store.refresh_token(TENANT, &next).await.unwrap().is_some());
        assert_eq!(f.store.refresh_tokens_of(TENANT, "u", Some("app"), NOW).await.unwrap().len(), 200);
    }
}

/// A rotation that another node commits just behind a revocation must come to nothing (security case 19).
#[tokio::test]
async fn a_successor_born_behind_a_revocation_is_dead() {
    for f in engines().await {
        let revocations = [
            f.store.revoke_family(TENANT, "a1"),
            f.store.revoke_by_user(TENANT, "u"),
            f.store.revoke_by_client(TENANT, "app"),
            f.store.revoke_by_consent(TENANT, "u", "app", "https://api.example/"),
            f.store.revoke_by_session(TENANT, "u", "s1"),
        ];
        for (n, revocation) in revocations.into_iter().enumerate() {
            f.store.wipe_tenant(TENANT, &[]).await.unwrap();
            issued(&f.store, "a1").await;
            f.store.commit(revocation).await.unwrap();
            let (late, _) = issued(&f.store, "a1").await;
            assert!(f.store.refresh_token(TENANT, &late).await.unwrap().is_none(), "{} {n}", f.engine);
            assert!(f.store.refresh_token_by_id(TENANT, &late.id).await.unwrap().is_none());
            assert!(f.store.refresh_tokens_of(TENANT, "u", None, NOW).await.unwrap().is_empty());
            let (other, _) = issued(&f.store, &format!("new{n}")).await;
            assert!(f.store.refresh_token(TENANT, &other).await.unwrap().is_some(), "a new sign-in lives");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_of_a_family_outlives_a_revocation_in_a_race() {
    for f in engines().await {
        for round in 0..20 {
            let family = format!("race{round}");
            let (held, _) = issued(&f.store, &family).await;
            let (next, rotation) = rotated(&f.store, &held, &family);
            let (one, two) = tokio::join!(
                tokio::spawn({
                    let store = f.store.clone();
                    async move { store.commit(rotation).await }
                }),
                tokio::spawn({
                    let (store, family) = (f.store.clone(), family.clone());
                    async move { store.commit(store.revoke_family(TENANT, &family)).await }
                })
            );
            assert!(matches!(one.unwrap(), Ok(()) | Err(Error::Guard)));
            two.unwrap().unwrap();
            for token in [&held, &next] {
                assert!(f.store.refresh_token(TENANT, token).await.unwrap().is_none(), "{}", f.engine);
            }
        }
    }
}

#[tokio::test]
async fn a_change_of_type_deletes_the_other_kind() {
    for f in engines().await {
        let (rotating, _) = issued(&f.store, "a1").await;
        let held = handle();
        let fixed = RefreshRecord { rotating: false, ..refresh(&held, authorization("a2", "u")) };
        f.store.commit(f.store.insert_refresh_token(TENANT, &held, &fixed).unwrap()).await.unwrap();
        let api = "https://api.example/";
        f.store.commit(f.store.delete_refresh_tokens_of_type(TENANT, "u", "app", api, false)).await.unwrap();
        assert!(f.store.refresh_token(TENANT, &held).await.unwrap().is_none(), "{}", f.engine);
        assert!(f.store.refresh_token(TENANT, &rotating).await.unwrap().is_some());
    }
}
