//! The same ids in two tenants never meet (security case 18).

use chancery_core::{model::Permission, records::Consent};
use chancery_store::{Catalog, Change, ConsentFilter, Error, Kind, StoredTransaction, Tenant, UserOrder};

use crate::fixture::{
    NOW, TENANT, authorization, code, engines, handle, issue_all, new_user, opaque, refresh, session, ticket,
};

const OTHER: &str = "t2";

#[tokio::test]
async fn what_one_tenant_has_another_cannot_see_or_touch() {
    for f in engines().await {
        let store = &f.store;
        let origins = vec!["https://two.example".to_owned()];
        store.create_tenant(&Tenant { id: OTHER.to_owned(), origins }).await.unwrap();
        store.create_user(TENANT, &new_user("u", "jane@example.com")).await.unwrap();
        store.assign_roles(TENANT, "u", &["r".to_owned()]).await.unwrap();
        let permission =
            Permission { resource_server_identifier: "api".to_owned(), permission_name: "read".to_owned() };
        store.add_permissions(TENANT, "u", &[permission]).await.unwrap();
        store.apply(Change::new(TENANT).insert(Kind::Role, "r", Some("n"), "{}")).await.unwrap();
        let held = handle();
        store.insert_session(TENANT, &session(&held, "u"), &held.digest()).await.unwrap();
        store.insert_ticket(TENANT, &held, &ticket("u")).await.unwrap();
        let consent = Consent {
            id: "c".to_owned(),
            user_id: "u".to_owned(),
            client_id: "app".to_owned(),
            ..Consent::default()
        };
        let given = || authorization("a", "u");
        issue_all(
            store,
            [
                store.insert_code_batch(TENANT, &held, &code(given())),
                store.insert_refresh_token(TENANT, &held, &refresh(&held, given())),
                store.insert_opaque_token(TENANT, &held, &opaque(given())),
                Ok(store.upsert_consent(TENANT, &consent)),
            ],
        )
        .await;
        let transaction = StoredTransaction {
            id: "x".to_owned(),
            digest: vec![1],
            doc: "{}".to_owned(),
            expires_at: NOW + 60,
            rev: 1,
        };
        store.insert_transaction(TENANT, &transaction).await.unwrap();
        store.remember_assertion(TENANT, "app", "j", NOW).await.unwrap();

        // Nothing is seen from the other tenant.
        assert!(store.user(OTHER, "u").await.unwrap().is_none());
        assert!(store.credential(OTHER, "db", "jane@example.com").await.unwrap().is_none());
        assert!(store.users_by_email(OTHER, "jane@example.com").await.unwrap().is_empty());
        assert!(store.users_page(OTHER, UserOrder::CreatedAscending, 0, 9).await.unwrap().is_empty());
        assert_eq!(store.access_of(OTHER, "u").await.unwrap(), chancery_store::UserAccess::default());
        assert!(store.role_members(OTHER, "r", 0, 9).await.unwrap().is_empty());
        assert!(store.doc(OTHER, Kind::Role, "r").await.unwrap().is_none());
        assert!(store.doc_by_uniq(OTHER, Kind::Role, "n").await.unwrap().is_none());
        assert!(store.docs_all(OTHER, Kind::Role).await.unwrap().is_empty());
        assert!(store.session(OTHER, &held, NOW).await.unwrap().is_none());
        assert!(store.sessions_of(OTHER, "u", NOW).await.unwrap().is_empty());
        assert!(store.ticket(OTHER, &held, NOW).await.unwrap().is_none());
        assert!(store.code(OTHER, &held).await.unwrap().is_none());
        assert!(store.refresh_token(OTHER, &held).await.unwrap().is_none());
        assert!(store.refresh_tokens_of(OTHER, "u", None, NOW).await.unwrap().is_empty());
        assert!(store.opaque_token(OTHER, &held, NOW).await.unwrap().is_none());
        assert!(store.consents(OTHER, &ConsentFilter::default(), 0, 9).await.unwrap().is_empty());
        assert!(store.transaction(OTHER, "x", NOW).await.unwrap().is_none());
        let catalog = Catalog::new(store.clone());
        assert!(catalog.snapshot(OTHER).await.unwrap().role("r").is_none());

        // Nothing is done from there.
        for batch in [
            store.spend_code(OTHER, &held.id),
            store.spend_ticket(OTHER, &held.id),
            store.finish_transaction(OTHER, "x", 1),
            store.touch_refresh_token(OTHER, &held.id, NOW, None, None),
            store.set_password_batch(OTHER, "u", "db", ("x", 3), NOW),
        ] {
            assert!(matches!(store.commit(batch).await, Err(Error::Guard)), "{}", f.engine);
        }
        let user = new_user("u", "other@example.com").user;
        assert!(matches!(store.update_user(OTHER, &user).await, Err(Error::Guard)));
        assert!(!store.delete_consent(OTHER, "c").await.unwrap());
        store.delete_user(OTHER, "u").await.unwrap();
        store.delete_session(OTHER, &held.id).await.unwrap();
        store.wipe_tenant(OTHER, &[]).await.unwrap();
        for batch in [
            store.revoke_family(OTHER, "a"),
            store.revoke_by_user(OTHER, "u"),
            store.revoke_by_client(OTHER, "app"),
            store.remove_role_everywhere(OTHER, "r"),
            store.drop_all_permissions(OTHER, "api"),
            store.revoke_token(OTHER, &held.id),
            store.revoke_opaque_token(OTHER, &held.id),
        ] {
            store.commit(batch).await.unwrap();
        }
        store.apply(Change::new(OTHER).delete(Kind::Role, "r")).await.unwrap();
        store.remember_assertion(OTHER, "app", "j", NOW).await.expect("its own memory");
        store.create_user(OTHER, &new_user("u", "jane@example.com")).await.expect("its own names");

        // All of it is still there.
        assert!(store.credential(TENANT, "db", "jane@example.com").await.unwrap().is_some());
        let access = store.access_of(TENANT, "u").await.unwrap();
        assert_eq!((access.role_ids.len(), access.permissions.len()), (1, 1));
        assert!(store.doc(TENANT, Kind::Role, "r").await.unwrap().is_some());
        assert!(store.session(TENANT, &held, NOW).await.unwrap().is_some());
        assert!(store.ticket(TENANT, &held, NOW).await.unwrap().is_some());
        assert!(store.code(TENANT, &held).await.unwrap().is_some());
        assert!(store.refresh_token(TENANT, &held).await.unwrap().is_some());
        assert!(store.opaque_token(TENANT, &held, NOW).await.unwrap().is_some());
        assert!(store.consent_by_id(TENANT, "c").await.unwrap().is_some());
        assert!(store.transaction(TENANT, "x", NOW).await.unwrap().is_some());
    }
}
