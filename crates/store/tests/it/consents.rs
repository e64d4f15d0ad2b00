use chancery_core::records::Consent;
use chancery_store::{Batch, ConsentFilter, Error};

use crate::fixture::{NOW, TENANT, authorization, code, engines, handle, issue_all, opaque, refresh, rows};

fn consent(id: &str, user: &str, scope: &[&str], implicit: bool) -> Consent {
    Consent {
        id: id.to_owned(),
        user_id: user.to_owned(),
        client_id: "app".to_owned(),
        audience: "https://api.example/".to_owned(),
        organization_id: String::new(),
        scope: scope.iter().map(|s| (*s).to_owned()).collect(),
        declined: Vec::new(),
        implicit,
    }
}

#[tokio::test]
async fn scopes_add_up_and_implicit_ones_never_mix_with_explicit_ones() {
    for f in engines().await {
        let found = async || {
            let found =
                f.store.consent(TENANT, "u", "app", "https://api.example/", "").await.unwrap().unwrap();
            (found.id, found.scope.join(" "), found.implicit)
        };
        let add = async |id: &str, scope: &[&str], implicit| {
            f.store.commit(f.store.upsert_consent(TENANT, &consent(id, "u", scope, implicit))).await.unwrap();
            let (id, scope, implicit) = found().await;
            assert_eq!(id, "c1", "{}", f.engine);
            (scope, implicit)
        };
        assert_eq!(add("c1", &["b", "a"], true).await, ("b a".to_owned(), true));
        assert_eq!(add("c2", &["c", "a"], true).await, ("b a c".to_owned(), true));
        assert_eq!(add("c3", &["x"], false).await, ("x".to_owned(), false), "what was asked for replaces");
        assert_eq!(
            add("c4", &["a"], true).await,
            ("x".to_owned(), false),
            "what was not asked for adds nothing"
        );
        assert_eq!(add("c5", &["y", "x", "xy"], false).await, ("x y xy".to_owned(), false));
        assert!(f.store.consent(TENANT, "u", "app", "", "").await.unwrap().is_none());
        assert!(f.store.consent(TENANT, "u", "app", "https://api.example/", "org").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_last_answer_about_a_scope_counts() {
    for f in engines().await {
        let answer = async |scope: &[&str], declined: &[&str], implicit| {
            let declined = declined.iter().map(|s| (*s).to_owned()).collect();
            let one = Consent { declined, ..consent("c", "u", scope, implicit) };
            f.store.commit(f.store.upsert_consent(TENANT, &one)).await.unwrap();
            let kept =
                f.store.consent(TENANT, "u", "app", "https://api.example/", "").await.unwrap().unwrap();
            (kept.scope.join(" "), kept.declined.join(" "))
        };
        let said = |scope: &str, declined: &str| (scope.to_owned(), declined.to_owned());
        assert_eq!(answer(&["a", "b"], &[], true).await, said("a b", ""), "{}", f.engine);
        assert_eq!(answer(&["a"], &["b", "c"], false).await, said("a", "b c"));
        assert_eq!(answer(&["b"], &["a"], false).await, said("b", "c a"));
        assert_eq!(answer(&["x"], &[], true).await, said("b", "c a"), "nobody was asked");
        assert_eq!(answer(&[], &["a", "c"], false).await, said("b", "a c"));
        let lost = f.store.drop_consented(TENANT, "https://api.example/", &["a", "b"]);
        f.store.commit(lost).await.unwrap();
        assert_eq!(answer(&[], &[], false).await, said("", "c"), "a scope defined anew is asked about anew");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn consents_at_once_lose_nothing() {
    for f in engines().await {
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let (store, scope) = (f.store.clone(), format!("s{n}"));
                tokio::spawn(async move {
                    let one = consent(&format!("c{n}"), "u", &[&scope], false);
                    store.commit(store.upsert_consent(TENANT, &one)).await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let found = f.store.consent(TENANT, "u", "app", "https://api.example/", "").await.unwrap().unwrap();
        assert_eq!(found.scope.len(), 20, "{}", f.engine);
    }
}

#[tokio::test]
async fn lists_filter_by_all_three() {
    for f in engines().await {
        let mut other = consent("c3", "v", &["a"], false);
        other.client_id = "app2".to_owned();
        other.audience = String::new();
        for one in [consent("c1", "u", &["a"], false), consent("c2", "v", &["a"], false), other] {
            f.store.commit(f.store.upsert_consent(TENANT, &one)).await.unwrap();
        }
        let cases = [
            (ConsentFilter::default(), vec!["c1", "c2", "c3"]),
            (ConsentFilter { user_id: Some("v"), ..ConsentFilter::default() }, vec!["c2", "c3"]),
            (ConsentFilter { client_id: Some("app"), ..ConsentFilter::default() }, vec!["c1", "c2"]),
            (ConsentFilter { audience: Some(""), ..ConsentFilter::default() }, vec!["c3"]),
            (ConsentFilter { user_id: Some("v"), client_id: Some("app"), audience: None }, vec!["c2"]),
            (ConsentFilter { user_id: Some("v\0"), ..ConsentFilter::default() }, vec![]),
        ];
        for (filter, expected) in cases {
            let found = f.store.consents(TENANT, &filter, 0, 10).await.unwrap();
            let ids: Vec<_> = found.iter().map(|c| c.id.as_str()).collect();
            assert_eq!(ids, expected, "{} {filter:?}", f.engine);
            let count = f.store.consents_count(TENANT, &filter).await.unwrap();
            assert_eq!(usize::try_from(count).unwrap(), expected.len());
        }
        let page = f.store.consents(TENANT, &ConsentFilter::default(), 1, 1).await.unwrap();
        assert_eq!(page[0].id, "c2");
        assert_eq!(f.store.consent_by_id(TENANT, "c2").await.unwrap().as_ref(), Some(&page[0]));
    }
}

#[tokio::test]
async fn withdrawal_takes_the_tokens_along() {
    for f in engines().await {
        f.store.commit(f.store.upsert_consent(TENANT, &consent("c1", "u", &["a"], false))).await.unwrap();
        let (token, access) = (handle(), handle());
        let elsewhere = handle();
        let mut other = authorization("a2", "u");
        other.audience = None;
        issue_all(
            &f.store,
            [
                f.store.insert_refresh_token(TENANT, &token, &refresh(&token, authorization("a1", "u"))),
                f.store.insert_opaque_token(TENANT, &access, &opaque(authorization("a1", "u"))),
                f.store.insert_refresh_token(TENANT, &elsewhere, &refresh(&elsewhere, other)),
            ],
        )
        .await;
        assert!(!f.store.delete_consent(TENANT, "none").await.unwrap());
        assert!(f.store.delete_consent(TENANT, "c1").await.unwrap());
        assert!(!f.store.delete_consent(TENANT, "c1").await.unwrap());
        assert!(f.store.refresh_token(TENANT, &token).await.unwrap().is_none(), "{}", f.engine);
        assert!(f.store.opaque_token(TENANT, &access, NOW).await.unwrap().is_none());
        assert!(f.store.refresh_token(TENANT, &elsewhere).await.unwrap().is_some(), "another API");
    }
}

#[tokio::test]
async fn a_user_an_application_or_an_api_goes_with_its_consents() {
    for f in engines().await {
        let fill = async || {
            f.store.commit(f.store.upsert_consent(TENANT, &consent("c1", "u", &["a"], false))).await.unwrap();
        };
        let none = async || f.store.consent_by_id(TENANT, "c1").await.unwrap().is_none();
        for batch in [
            f.store.delete_consents_of_user(TENANT, "u"),
            f.store.delete_consents_of_client(TENANT, "app"),
            f.store.delete_consents_of_api(TENANT, "https://api.example/"),
        ] {
            fill().await;
            assert!(!none().await);
            f.store.commit(batch).await.unwrap();
            assert!(none().await, "{}", f.engine);
        }
    }
}

#[tokio::test]
async fn a_scope_that_is_lost_leaves_consents_codes_and_refresh_tokens_of_its_api() {
    for f in engines().await {
        let api = "https://api.example/";
        let words = ["read", "read:contacts", "read:contacts:all"];
        let mut elsewhere = consent("c2", "u", &words, false);
        elsewhere.audience = String::new();
        for one in [consent("c1", "u", &words, false), elsewhere] {
            f.store.commit(f.store.upsert_consent(TENANT, &one)).await.unwrap();
        }
        // More than one slice of tokens, and one that must stay as it is.
        let tokens: Vec<_> = (0..501).map(|_| handle()).collect();
        let mut write = Batch::default();
        for (n, token) in tokens.iter().enumerate() {
            let record = refresh(token, authorization(&format!("a{n}"), &format!("u{n}")));
            write = write.and(f.store.insert_refresh_token(TENANT, token, &record).unwrap());
        }
        let (other, waiting) = (handle(), handle());
        let mut record = refresh(&other, authorization("other", "u"));
        record.authorization.audience = None;
        write = write.and(f.store.insert_refresh_token(TENANT, &other, &record).unwrap());
        let waits = code(authorization("waits", "u"));
        write = write.and(f.store.insert_code_batch(TENANT, &waiting, &waits).unwrap());
        f.store.commit(write).await.unwrap();

        let lost = ["read:contacts"];
        f.store.drop_granted(TENANT, api, &lost).await.unwrap();
        f.store.commit(f.store.drop_consented(TENANT, api, &lost)).await.unwrap();

        let left = async |id: &str| f.store.consent_by_id(TENANT, id).await.unwrap().unwrap().scope;
        assert_eq!(left("c1").await, ["read", "read:contacts:all"], "{}", f.engine);
        assert_eq!(left("c2").await, words, "{}", f.engine);
        for token in &tokens {
            let found = f.store.refresh_token(TENANT, token).await.unwrap().expect("still good");
            assert_eq!(found.record.authorization.scope, ["openid"], "{}", f.engine);
        }
        let found = f.store.refresh_token(TENANT, &other).await.unwrap().unwrap();
        assert_eq!(found.record, record, "{}", f.engine);
        assert_eq!(rows(&f.store, "codes", TENANT).await, 0, "{}", f.engine);
    }
}

#[tokio::test]
async fn an_api_takes_its_tokens_along() {
    for f in engines().await {
        let (token, access, waiting, elsewhere) = (handle(), handle(), handle(), handle());
        let mut other = authorization("a2", "u");
        other.audience = Some("https://api.example/other".to_owned());
        issue_all(
            &f.store,
            [
                f.store.insert_refresh_token(TENANT, &token, &refresh(&token, authorization("a1", "u"))),
                f.store.insert_opaque_token(TENANT, &access, &opaque(authorization("a1", "u"))),
                f.store.insert_code_batch(TENANT, &waiting, &code(authorization("a1", "u"))),
                f.store.insert_refresh_token(TENANT, &elsewhere, &refresh(&elsewhere, other)),
            ],
        )
        .await;
        f.store.commit(f.store.delete_consents_of_api(TENANT, "https://api.example/")).await.unwrap();
        assert!(f.store.refresh_token(TENANT, &token).await.unwrap().is_none(), "{}", f.engine);
        assert!(f.store.opaque_token(TENANT, &access, NOW).await.unwrap().is_none(), "{}", f.engine);
        assert_eq!(rows(&f.store, "codes", TENANT).await, 0, "{}", f.engine);
        assert!(f.store.refresh_token(TENANT, &elsewhere).await.unwrap().is_some(), "another API");
    }
}

/// What is issued on a consent at the moment when it is withdrawn, or something of it taken back, is not issued.
#[tokio::test]
async fn what_relies_on_a_consent_needs_it_as_it_was() {
    for f in engines().await {
        let given = consent("c", "u", &["a", "b"], false);
        f.store.commit(f.store.upsert_consent(TENANT, &given)).await.unwrap();
        let seen = f.store.consent_by_id(TENANT, "c").await.unwrap().unwrap();
        f.store.commit(f.store.require_consent(TENANT, &seen)).await.unwrap();
        let narrowed = Consent { declined: vec!["b".to_owned()], ..consent("c", "u", &["a"], false) };
        f.store.commit(f.store.upsert_consent(TENANT, &narrowed)).await.unwrap();
        let stale = f.store.commit(f.store.require_consent(TENANT, &seen)).await;
        assert!(matches!(stale, Err(Error::Guard)), "{stale:?}");
        let seen = f.store.consent_by_id(TENANT, "c").await.unwrap().unwrap();
        f.store.commit(f.store.require_consent(TENANT, &seen)).await.unwrap();
        assert!(f.store.delete_consent(TENANT, "c").await.unwrap());
        let gone = f.store.commit(f.store.require_consent(TENANT, &seen)).await;
        assert!(matches!(gone, Err(Error::Guard)), "{gone:?}");
    }
}
