use std::cell::RefCell;

use chancery_core::{chain::ChainKey, ids::Handle, records::RefreshRecord};
use chancery_store::{Batch, Error, Rotation, Standing, Store};

use crate::fixture::{
    NOW, RNG, TENANT, authorization, chain, engines, guessed, handle, new_user, race, refresh, rows,
};

async fn issued(store: &Store, family: &str) -> (Handle, RefreshRecord) {
    let held = chain().next(&RNG, &handle().id);
    let record = refresh(&held, authorization(family, "u"));
    store.commit(store.insert_refresh_token(TENANT, &held, &record).unwrap()).await.unwrap();
    (held, record)
}

/// A successor to whoever comes with `old`, not committed yet.
async fn rotated(store: &Store, old: &Handle) -> (Handle, Batch) {
    let token = store.refresh_token(TENANT, old).await.unwrap().expect("is known");
    let handle = chain().next(&RNG, &old.id);
    let rotation = Rotation {
        handle: &handle,
        now: NOW + 5,
        rotating: true,
        expires_at: Some(NOW + 86_400),
        idle_expires_at: Some(NOW + 3605),
    };
    let batch = store.rotate(TENANT, &token, &rotation);
    (handle, batch)
}

/// As [`rotated`], committed.
async fn next(store: &Store, old: &Handle) -> Handle {
    let (handle, batch) = rotated(store, old).await;
    store.commit(batch).await.unwrap();
    handle
}

async fn standing(store: &Store, handle: &Handle) -> Option<Standing> {
    store.refresh_token(TENANT, handle).await.unwrap().map(|token| token.standing)
}

#[tokio::test]
async fn the_secret_alone_finds_it() {
    for f in engines().await {
        let (held, record) = issued(&f.store, "a1").await;
        let found = f.store.refresh_token(TENANT, &held).await.unwrap().unwrap();
        assert_eq!((found.record, found.standing), (record.clone(), Standing::Current), "{}", f.engine);
        assert_eq!(found.user, None, "there is no such user");
        assert_eq!(standing(&f.store, &guessed(&held)).await, None);
        assert_eq!(f.store.refresh_token_by_id(TENANT, &held.id).await.unwrap(), Some(record));
        f.store.commit(f.store.revoke_token(TENANT, &held.id)).await.unwrap();
        assert_eq!(standing(&f.store, &held).await, None);
    }
}

#[tokio::test]
async fn the_user_comes_along() {
    for f in engines().await {
        f.store.create_user(TENANT, &new_user("u", "u@example.com")).await.unwrap();
        let (held, _) = issued(&f.store, "a1").await;
        let user = f.store.refresh_token(TENANT, &held).await.unwrap().unwrap().user;
        assert_eq!(user, f.store.user(TENANT, "u").await.unwrap(), "{}", f.engine);
        assert!(user.is_some());
    }
}

/// Security case 8.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_rotations_one_wins() {
    for f in engines().await {
        let (held, _) = issued(&f.store, "a1").await;
        let batches = RefCell::default();
        let batches: &RefCell<Vec<Batch>> = &batches;
        for _ in 0..100 {
            let (_, batch) = rotated(&f.store, &held).await;
            batches.borrow_mut().push(batch);
        }
        let won = race(&f.store, 100, || batches.borrow_mut().pop().unwrap()).await;
        assert_eq!(won, 1, "{}", f.engine);
        assert_eq!(rows(&f.store, "refresh_tokens", TENANT).await, 1, "a chain is one row");
        let old = f.store.refresh_token(TENANT, &held).await.unwrap().unwrap();
        assert_eq!((old.standing, old.record.rotated_at), (Standing::Previous, Some(NOW + 5)));
        assert_eq!(old.record.last_exchanged_at, Some(NOW + 5));
    }
}

#[tokio::test]
async fn a_secret_is_current_then_previous_then_spent() {
    for f in engines().await {
        let (first, _) = issued(&f.store, "a1").await;
        let second = next(&f.store, &first).await;
        let third = next(&f.store, &second).await;
        let fourth = next(&f.store, &third).await;
        let mut standings = Vec::new();
        for held in [&first, &second, &third, &fourth] {
            standings.push(standing(&f.store, held).await);
        }
        let expected = [Standing::Spent, Standing::Spent, Standing::Previous, Standing::Current].map(Some);
        assert_eq!(standings, expected, "{}", f.engine);
        assert_eq!(standing(&f.store, &guessed(&first)).await, None, "a made-up secret is no reuse");
        let elsewhere = ChainKey::generate(&RNG).next(&RNG, &first.id);
        assert_eq!(standing(&f.store, &elsewhere).await, None, "nor is one of another chain");
    }
}

#[tokio::test]
async fn within_the_leeway_every_successor_is_good_until_one_is_exchanged() {
    for f in engines().await {
        let (first, _) = issued(&f.store, "a1").await;
        let (second, batch) = rotated(&f.store, &first).await;
        f.store.commit(batch).await.unwrap();
        let (third, batch) = rotated(&f.store, &first).await;
        let (_, overtaken) = rotated(&f.store, &first).await;
        f.store.commit(batch).await.unwrap();
        assert!(matches!(f.store.commit(overtaken).await, Err(Error::Guard)), "somebody was faster");
        let old = f.store.refresh_token(TENANT, &first).await.unwrap().unwrap();
        assert_eq!((old.standing, old.record.rotated_at), (Standing::Previous, Some(NOW + 5)));
        for live in [&second, &third] {
            let engine = f.engine;
            assert_eq!(
                standing(&f.store, live).await,
                Some(Standing::Current),
                "{engine}: either answer may be the one that arrived"
            );
        }
        let fourth = next(&f.store, &second).await;
        let mut standings = Vec::new();
        for held in [&first, &second, &third, &fourth] {
            standings.push(standing(&f.store, held).await);
        }
        let expected = [Standing::Spent, Standing::Previous, Standing::Previous, Standing::Current].map(Some);
        assert_eq!(standings, expected, "{}", f.engine);
    }
}

#[tokio::test]
async fn a_leeway_makes_no_more_than_sixteen_good_secrets() {
    for f in engines().await {
        let (first, _) = issued(&f.store, "a1").await;
        let mut successors = Vec::new();
        for _ in 0..20 {
            successors.push(next(&f.store, &first).await);
        }
        for (n, held) in successors.iter().enumerate() {
            let expected = if n < 4 { Standing::Spent } else { Standing::Current };
            assert_eq!(standing(&f.store, held).await, Some(expected), "{} {n}", f.engine);
        }
    }
}

#[tokio::test]
async fn a_revoked_chain_does_not_go_on() {
    for f in engines().await {
        let (first, _) = issued(&f.store, "a1").await;
        let (_, batch) = rotated(&f.store, &first).await;
        f.store.commit(f.store.revoke_token(TENANT, &first.id)).await.unwrap();
        assert!(matches!(f.store.commit(batch).await, Err(Error::Guard)), "{}", f.engine);
        assert_eq!(rows(&f.store, "refresh_tokens", TENANT).await, 0);
    }
}

#[tokio::test]
async fn an_exchange_without_rotation_moves_the_ends() {
    for f in engines().await {
        let held = handle();
        let fixed = RefreshRecord { rotating: false, ..refresh(&held, authorization("a1", "u")) };
        f.store.commit(f.store.insert_refresh_token(TENANT, &held, &fixed).unwrap()).await.unwrap();
        f.store
            .commit(f.store.touch_refresh_token(TENANT, &held.id, NOW + 9, None, Some(NOW + 77)))
            .await
            .unwrap();
        let found = f.store.refresh_token(TENANT, &held).await.unwrap().unwrap().record;
        assert_eq!(found.last_exchanged_at, Some(NOW + 9), "{}", f.engine);
        assert_eq!((found.expires_at, found.idle_expires_at), (None, Some(NOW + 77)));
        let (rotating, _) = issued(&f.store, "a2").await;
        for id in ["gone", &rotating.id] {
            let touched = f.store.touch_refresh_token(TENANT, id, NOW, None, None);
            assert!(matches!(f.store.commit(touched).await, Err(Error::Guard)), "{} {id}", f.engine);
        }
    }
}

#[tokio::test]
async fn live_ones_are_listed() {
    for f in engines().await {
        let (first, _) = issued(&f.store, "a1").await;
        next(&f.store, &first).await;
        let held = handle();
        let ended = RefreshRecord { expires_at: Some(NOW), ..refresh(&held, authorization("a2", "u")) };
        f.store.commit(f.store.insert_refresh_token(TENANT, &held, &ended).unwrap()).await.unwrap();
        let list = async |client| {
            let found = f.store.refresh_tokens_of(TENANT, "u", client, NOW).await.unwrap();
            found.into_iter().map(|t| t.id).collect::<Vec<_>>()
        };
        assert_eq!(list(None).await, [first.id.as_str()], "{}", f.engine);
        assert_eq!(list(Some("app")).await, [first.id.as_str()]);
        assert!(list(Some("other")).await.is_empty());
    }
}

#[tokio::test]
async fn the_two_hundred_first_pushes_out_the_oldest() {
    for f in engines().await {
        let (oldest, _) = issued(&f.store, "first").await;
        let (second, _) = issued(&f.store, "second").await;
        for n in 0..198 {
            issued(&f.store, &format!("f{n}")).await;
        }
        assert!(f.store.refresh_token(TENANT, &oldest).await.unwrap().is_some(), "{}", f.engine);
        issued(&f.store, "last").await;
        assert!(f.store.refresh_token(TENANT, &oldest).await.unwrap().is_none());
        assert!(f.store.refresh_token(TENANT, &second).await.unwrap().is_some());
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
            let (successor, rotation) = rotated(&f.store, &held).await;
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
            for token in [&held, &successor] {
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

/// The sweep is late, so that exchanges need not move the row in its index; nobody else may notice.
#[tokio::test]
async fn what_has_ended_counts_no_more_though_it_is_there() {
    for f in engines().await {
        let (held, record) = issued(&f.store, "a1").await;
        let count = async |now| f.store.tokens_of_client(TENANT, "app", now).await.unwrap();
        let listed = async |now| f.store.refresh_tokens_of(TENANT, "u", None, now).await.unwrap().len();
        let end = record.idle_expires_at.unwrap();
        assert_eq!((count(end - 1).await, listed(end - 1).await), (1, 1), "{}", f.engine);
        f.store.sweep(end + 1, 0).await.unwrap();
        assert_eq!(rows(&f.store, "refresh_tokens", TENANT).await, 1, "not swept yet");
        assert_eq!((count(end).await, listed(end).await), (0, 0), "{}", f.engine);
        let swept_at = async || -> Option<i64> {
            let sql = "SELECT ends_at FROM refresh_tokens WHERE tenant = $1 AND id = $2";
            f.store.db().query_one(sql, vec![TENANT.into(), held.id.as_str().into()]).await.unwrap()
        };
        let before = swept_at().await.unwrap();
        next(&f.store, &held).await;
        assert_eq!(swept_at().await, Some(before), "{}: the end moved by five seconds alone", f.engine);
        f.store.sweep(end + 86_400, 0).await.unwrap();
        assert_eq!(rows(&f.store, "refresh_tokens", TENANT).await, 0, "{}", f.engine);
    }
}
