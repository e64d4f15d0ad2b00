use chancery_core::logout::Initiator;
use chancery_store::{Ending, Error, LogoutNotice};

use crate::fixture::{Fixture, NOW, TENANT, engines, handle, session};

fn ending(initiator: Initiator) -> Ending<'static> {
    Ending { initiator, at: NOW, trace: "req" }
}

async fn open(f: &Fixture, user: &str, clients: &[&str]) -> String {
    let cookie = handle();
    let mut made = session(&cookie, user);
    made.clients = clients.iter().map(|id| (*id).to_owned()).collect();
    f.store.insert_session(TENANT, &made, &cookie.digest()).await.unwrap();
    cookie.id
}

async fn due(f: &Fixture, now: i64) -> Vec<LogoutNotice> {
    f.store.due_notices(now, 100, &[]).await.unwrap()
}

/// Ends are written with what ends the session, and addressed to applications once.
#[tokio::test]
async fn an_end_is_told_to_each_application_once() {
    for f in engines().await {
        let id = open(&f, "u", &["app", "web"]).await;
        f.store.note(TENANT, chancery_store::Noted::Session, &id, Some(r#"{"a":1}"#)).await.unwrap();
        let silent = open(&f, "u", &[]).await;
        let end = |id: &str| {
            let told = f.store.tell_session(TENANT, id, ending(Initiator::RpLogout));
            told.and(f.store.delete_session_batch(TENANT, id))
        };
        f.store.commit(end(&id).and(end(&silent)).and(end("gone"))).await.unwrap();
        let found = due(&f, NOW).await;
        assert_eq!(found.len(), 1, "{}: a session that served nobody is nobody's business", f.engine);
        let notice = &found[0];
        assert_eq!((notice.session_id.as_str(), notice.client_id.as_str()), (id.as_str(), ""));
        assert_eq!((notice.initiator.as_str(), notice.trace.as_str()), ("rp-logout", "req"));
        assert_eq!((notice.issuer.as_str(), notice.user_id.as_str()), ("https://t.example/", "u"));
        assert_eq!((notice.clients.len(), notice.metadata.as_deref()), (2, Some(r#"{"a":1}"#)));
        // Two nodes see it; one takes it.
        let mine = f.store.take_notice(notice, NOW + 30).await.unwrap();
        assert!(matches!(f.store.take_notice(notice, NOW + 30).await, Err(Error::Guard)));
        assert!(due(&f, NOW + 29).await.is_empty());
        f.store.address_notice(&mine, &["app", "web"], NOW).await.unwrap();
        assert!(matches!(f.store.address_notice(&mine, &["app"], NOW).await, Err(Error::Guard)));
        let each = due(&f, NOW).await;
        let clients: Vec<&str> = each.iter().map(|notice| notice.client_id.as_str()).collect();
        assert_eq!((clients.len(), clients.contains(&"app"), clients.contains(&"web")), (2, true, true));
        assert!(each.iter().all(|notice| notice.metadata.is_some() && notice.attempts == 0));
        // One answers, the other is tried later.
        let (first, second) = (&each[0], &each[1]);
        let first = f.store.take_notice(first, NOW + 30).await.unwrap();
        f.store.settle_notice(&first).await.unwrap();
        let second = f.store.take_notice(second, NOW + 30).await.unwrap();
        f.store.postpone_notice(&second, NOW + 60).await.unwrap();
        assert!(due(&f, NOW + 59).await.is_empty());
        assert_eq!(due(&f, NOW + 60).await[0].attempts, 1);
        // A node that took too long does not speak for the one that followed.
        assert!(matches!(f.store.settle_notice(&second).await, Err(Error::Guard)));
        f.store.sweep(NOW + 86_401, 0).await.unwrap();
        assert!(due(&f, NOW + 100_000).await.is_empty(), "nobody is told after a day");
    }
}

#[tokio::test]
async fn all_of_a_user_and_all_that_expired() {
    for f in engines().await {
        let (one, two, other) =
            (open(&f, "u", &["app"]).await, open(&f, "u", &["app"]).await, open(&f, "v", &["app"]).await);
        f.store
            .commit(f.store.tell_sessions_of(TENANT, "u", ending(Initiator::PasswordChanged)))
            .await
            .unwrap();
        // Told twice before anybody listened: once.
        f.store
            .commit(f.store.tell_sessions_of(TENANT, "u", ending(Initiator::PasswordChanged)))
            .await
            .unwrap();
        let told: Vec<String> = due(&f, NOW).await.into_iter().map(|notice| notice.session_id).collect();
        assert_eq!(told.len(), 2, "{}", f.engine);
        assert!(told.contains(&one) && told.contains(&two));
        f.store.delete_sessions_of(TENANT, "u").await.unwrap();
        let at = |at| Ending { at, ..ending(Initiator::SessionExpired) };
        f.store.tell_expired(TENANT, at(NOW + 50)).await.unwrap();
        assert_eq!(due(&f, NOW + 200).await.len(), 2, "it is alive");
        f.store.tell_expired(TENANT, at(NOW + 101)).await.unwrap();
        let expired = due(&f, NOW + 200).await;
        let expired: Vec<_> = expired.iter().filter(|notice| notice.session_id == other).collect();
        assert_eq!(expired.len(), 1);
        assert_eq!(expired[0].initiator, "session-expired");
    }
}

/// Whoever signs in again has another session; the applications of the first still hear of the end.
#[tokio::test]
async fn a_session_that_took_anothers_place_ends_for_both() {
    for f in engines().await {
        let first = open(&f, "u", &["app"]).await;
        let second = open(&f, "u", &["web"]).await;
        let replaced = f.store.keep_notices_for(TENANT, &first, &second);
        f.store.commit(replaced.and(f.store.delete_session_batch(TENANT, &first))).await.unwrap();
        let third = open(&f, "u", &["app"]).await;
        let replaced = f.store.keep_notices_for(TENANT, &second, &third);
        f.store.commit(replaced.and(f.store.delete_session_batch(TENANT, &second))).await.unwrap();
        assert!(due(&f, NOW + 500).await.is_empty(), "{}: nothing has ended", f.engine);
        f.store.commit(f.store.tell_session(TENANT, &third, ending(Initiator::RpLogout))).await.unwrap();
        let told: Vec<String> = due(&f, NOW).await.into_iter().map(|notice| notice.session_id).collect();
        assert_eq!(told.len(), 3);
        assert!([first, second, third].iter().all(|id| told.contains(id)));
    }
}
