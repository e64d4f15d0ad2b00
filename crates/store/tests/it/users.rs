use chancery_core::model::User;
use chancery_store::{Error, NewUser, UserOrder};

use crate::fixture::{NOW, TENANT, engines, new_user};

#[tokio::test]
async fn a_user_comes_back_as_made() {
    for f in engines().await {
        let mut new = new_user("auth0|1", "Jane@Example.com");
        new.user.username = Some("Jane".to_owned());
        let odd = serde_json::from_str(r#"{"z":1,"a":{"b":[1.5,"\u0000"]}}"#).unwrap();
        new.user.user_metadata = Some(odd);
        f.store.create_user(TENANT, &new).await.unwrap();
        assert_eq!(f.store.user(TENANT, "auth0|1").await.unwrap().unwrap(), new.user, "{}", f.engine);
        for missing in ["auth0|2", "AUTH0|1", "", "auth0|1\0"] {
            assert!(f.store.user(TENANT, missing).await.unwrap().is_none(), "{missing:?}");
        }
    }
}

#[tokio::test]
async fn a_credential_is_found_by_either_name_in_any_case() {
    for f in engines().await {
        let mut jane = new_user("auth0|1", "Jane@Example.com");
        jane.user.username = Some("JayDoe".to_owned());
        f.store.create_user(TENANT, &jane).await.unwrap();
        let mut sly = new_user("auth0|2", "sly@example.com");
        sly.user.username = Some("jane@example.com".to_owned());
        f.store.create_user(TENANT, &sly).await.unwrap();

        for name in ["jane@example.com", "JANE@EXAMPLE.COM", "jaydoe", "JayDoe"] {
            let found = f.store.credential(TENANT, "db", name).await.unwrap().unwrap();
            assert_eq!(found.user.user_id, "auth0|1", "{} {name}", f.engine);
            assert_eq!(found.password_hash.as_deref(), Some("$argon2id$hash"));
            assert!(!format!("{found:?}").contains("argon2"));
        }
        for name in ["", "jane", "jane@example.com\0", "' OR 1=1 --", "%"] {
            assert!(f.store.credential(TENANT, "db", name).await.unwrap().is_none(), "{name:?}");
        }
        assert!(f.store.credential(TENANT, "other", "jaydoe").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn names_are_taken_once_per_connection() {
    for f in engines().await {
        f.store.create_user(TENANT, &new_user("auth0|1", "jane@example.com")).await.unwrap();
        let same_email = new_user("auth0|2", "JANE@example.com");
        assert!(
            matches!(f.store.create_user(TENANT, &same_email).await, Err(Error::Conflict)),
            "{}",
            f.engine
        );
        assert!(f.store.user(TENANT, "auth0|2").await.unwrap().is_none(), "nothing of it happened");
        let same_id = new_user("auth0|1", "other@example.com");
        assert!(matches!(f.store.create_user(TENANT, &same_id).await, Err(Error::Conflict)));
        let elsewhere = NewUser { connection: "staff".to_owned(), ..same_email };
        f.store.create_user(TENANT, &elsewhere).await.unwrap();
        let found = f.store.users_by_email(TENANT, "Jane@Example.com").await.unwrap();
        let ids: Vec<_> = found.iter().map(|u| u.user_id.as_str()).collect();
        assert_eq!(ids, ["auth0|1", "auth0|2"]);
        assert!(f.store.users_by_email(TENANT, "a\0").await.unwrap().is_empty());

        // Nobody without an address stands in the way of another.
        for id in ["auth0|3", "auth0|4"] {
            let mut nameless = new_user(id, "");
            nameless.user.email = None;
            f.store.create_user(TENANT, &nameless).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_update_moves_the_names_one_signs_in_with() {
    for f in engines().await {
        f.store.create_user(TENANT, &new_user("auth0|1", "jane@example.com")).await.unwrap();
        f.store.create_user(TENANT, &new_user("auth0|2", "sam@example.com")).await.unwrap();
        let mut jane = f.store.user(TENANT, "auth0|1").await.unwrap().unwrap();
        jane.email = Some("Jane.Doe@Example.com".to_owned());
        jane.updated_at = "2024-11-01T00:00:00.000Z".to_owned();
        f.store.update_user(TENANT, &jane).await.unwrap();
        assert_eq!(f.store.user(TENANT, "auth0|1").await.unwrap().unwrap(), jane, "{}", f.engine);
        assert!(f.store.credential(TENANT, "db", "jane@example.com").await.unwrap().is_none());
        assert!(f.store.credential(TENANT, "db", "jane.doe@example.com").await.unwrap().is_some());
        assert_eq!(f.store.users_by_email(TENANT, "jane.doe@example.com").await.unwrap().len(), 1);

        jane.email = Some("SAM@example.com".to_owned());
        assert!(matches!(f.store.update_user(TENANT, &jane).await, Err(Error::Conflict)));
        jane.user_id = "auth0|9".to_owned();
        assert!(matches!(f.store.update_user(TENANT, &jane).await, Err(Error::Guard)));
    }
}

/// An administrator blocks a user while the user edits their own record: whichever comes second starts over.
#[tokio::test]
async fn an_edit_does_not_undo_another() {
    for f in engines().await {
        f.store.create_user(TENANT, &new_user("auth0|1", "jane@example.com")).await.unwrap();
        let seen = f.store.user_to_edit(TENANT, "auth0|1").await.unwrap().unwrap();
        let commit =
            async |user: &User| f.store.commit(f.store.edit_user_batch(TENANT, &seen, user).unwrap()).await;
        f.store.record_login(TENANT, "auth0|1", "192.0.2.7", NOW).await.unwrap();
        commit(&User { blocked: Some(true), ..seen.user.clone() }).await.unwrap();
        let late = commit(&User { nickname: Some("jj".to_owned()), ..seen.user.clone() }).await;
        assert!(matches!(late, Err(Error::Guard)), "{}: {late:?}", f.engine);
        assert!(f.store.user(TENANT, "auth0|1").await.unwrap().unwrap().is_blocked());
        assert!(f.store.user_to_edit(TENANT, "gone").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn signing_in_and_editing_do_not_overwrite_each_other() {
    for f in engines().await {
        f.store.create_user(TENANT, &new_user("auth0|1", "jane@example.com")).await.unwrap();
        let read_before: User = f.store.user(TENANT, "auth0|1").await.unwrap().unwrap();
        f.store.record_login(TENANT, "auth0|1", "192.0.2.7", NOW).await.unwrap();
        f.store.record_login(TENANT, "auth0|1", "192.0.2.8", NOW + 1).await.unwrap();
        f.store.update_user(TENANT, &read_before).await.unwrap();
        let user = f.store.user(TENANT, "auth0|1").await.unwrap().unwrap();
        assert_eq!(user.logins_count, Some(2), "{}", f.engine);
        assert_eq!(user.last_ip.as_deref(), Some("192.0.2.8"));
        assert_eq!(user.last_login.as_deref(), Some("2027-01-15T08:00:01.000Z"));
        f.store.record_login(TENANT, "gone", "192.0.2.8", NOW).await.unwrap();
    }
}

#[tokio::test]
async fn a_password_is_set_and_rehashed() {
    for f in engines().await {
        f.store.create_user(TENANT, &new_user("auth0|1", "jane@example.com")).await.unwrap();
        let hash = async || {
            let found = f.store.credential(TENANT, "db", "jane@example.com").await.unwrap().unwrap();
            (found.password_hash.unwrap(), found.user.last_password_reset)
        };
        f.store.replace_hash_if(TENANT, "auth0|1", "db", "stale", "wrong").await.unwrap();
        assert_eq!(hash().await, ("$argon2id$hash".to_owned(), None), "{}", f.engine);
        f.store.replace_hash_if(TENANT, "auth0|1", "db", "$argon2id$hash", "better").await.unwrap();
        assert_eq!(hash().await, ("better".to_owned(), None));
        f.store.set_password(TENANT, "auth0|1", "db", "new", NOW).await.unwrap();
        assert_eq!(hash().await, ("new".to_owned(), Some("2027-01-15T08:00:00.000Z".to_owned())));
        f.store.set_password(TENANT, "auth0|1", "db", "newer", NOW).await.unwrap();
        let later = Some("2027-01-15T08:00:00.001Z".to_owned());
        assert_eq!(hash().await, ("newer".to_owned(), later), "another password, another time");
        let wrong = f.store.set_password(TENANT, "auth0|1", "staff", "x", NOW).await;
        assert!(matches!(wrong, Err(Error::Guard)));
    }
}

#[tokio::test]
async fn lists_are_by_time_of_creation() {
    for f in engines().await {
        for (id, day) in [("auth0|b", 2), ("auth0|c", 1), ("auth0|a", 3)] {
            let mut new = new_user(id, &format!("{day}@example.com"));
            new.user.created_at = format!("2024-01-0{day}T00:00:00.000Z");
            f.store.create_user(TENANT, &new).await.unwrap();
        }
        let page = async |order, offset, limit| {
            let users = f.store.users_page(TENANT, order, offset, limit).await.unwrap();
            users.into_iter().map(|u| u.user_id).collect::<Vec<_>>()
        };
        assert_eq!(page(UserOrder::CreatedAscending, 0, 9).await, ["auth0|c", "auth0|b", "auth0|a"]);
        assert_eq!(page(UserOrder::CreatedDescending, 1, 1).await, ["auth0|b"], "{}", f.engine);
        assert_eq!(f.store.users_count(TENANT).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn who_signed_in_since_a_moment_is_counted_once() {
    for f in engines().await {
        for (name, at) in [("a", NOW - 10), ("b", NOW), ("c", NOW + 10)] {
            f.store.create_user(TENANT, &new_user(name, &format!("{name}@example.com"))).await.unwrap();
            f.store.record_login(TENANT, name, "192.0.2.1", NOW - 100).await.unwrap();
            f.store.record_login(TENANT, name, "192.0.2.1", at).await.unwrap();
        }
        f.store.create_user(TENANT, &new_user("never", "never@example.com")).await.unwrap();
        for (since, count) in [(NOW - 100, 3), (NOW, 2), (NOW + 11, 0)] {
            assert_eq!(
                f.store.users_active_since(TENANT, since * 1000).await.unwrap(),
                count,
                "{}",
                f.engine
            );
        }
    }
}
