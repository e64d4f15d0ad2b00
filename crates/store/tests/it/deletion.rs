//! What goes with a user, an application or a session (security case 19).

use chancery_core::records::Consent;
use chancery_store::Group;

use crate::fixture::{
    NOW, TENANT, authorization, code, connection, engines, handle, issue_all, lines, new_user, opaque,
    refresh, rows, session, ticket,
};

/// Every table that holds something of a user.
const OWNED: [&str; 18] = [
    "users",
    "credentials",
    "user_roles",
    "user_permissions",
    "organization_members",
    "organization_member_roles",
    "group_members",
    "sessions",
    "codes",
    "refresh_tokens",
    "opaque_tokens",
    "consents",
    "tickets",
    "remembered_browsers",
    "authentication_methods",
    "password_history",
    "device_keys",
    "logs",
];

async fn everything_of(store: &chancery_store::Store, user: &str) {
    store.create_user(TENANT, &new_user(user, &format!("{user}@example.com"))).await.unwrap();
    store
        .commit(store.set_password_batch(TENANT, user, "db", (&format!("new of {user}"), 3), 1))
        .await
        .unwrap();
    store.assign_roles(TENANT, user, &["rol_a".to_owned()]).await.unwrap();
    let member = store.add_members(TENANT, "org_a", &[user.to_owned()]).and(store.assign_member_roles(
        TENANT,
        "org_a",
        user,
        &["rol_a".to_owned()],
    ));
    store.commit(member).await.unwrap();
    let group = Group { id: format!("grp_{user}"), name: user.to_owned(), ..Group::default() };
    let accounts = [user.to_owned()];
    let in_group = store.insert_group(TENANT, &group).and(store.add_group_members(
        TENANT,
        &group.id,
        ("db", &accounts),
        1,
    ));
    store.commit(in_group).await.unwrap();
    let permission = chancery_core::model::Permission {
        resource_server_identifier: "api".to_owned(),
        permission_name: "read".to_owned(),
    };
    store.add_permissions(TENANT, user, &[permission]).await.unwrap();
    store.commit(store.insert_authentication_method(TENANT, user, "email|dev_1", "{}")).await.unwrap();
    let id = format!("dcr_{user}");
    let key = chancery_store::DeviceKey { id: &id, user_id: user, client_id: "app", device_id: "d" };
    store.insert_device_key(TENANT, &key, "{}").await.unwrap();
    let cookie = handle();
    store.insert_session(TENANT, &session(&cookie, user), &cookie.digest()).await.unwrap();
    let (one, two, three) = (handle(), handle(), handle());
    let given = || authorization(&format!("of {user}"), user);
    let consent = Consent {
        id: format!("consent of {user}"),
        user_id: user.to_owned(),
        client_id: "app".to_owned(),
        audience: "https://api.example/".to_owned(),
        ..Consent::default()
    };
    issue_all(
        store,
        [
            store.insert_code_batch(TENANT, &one, &code(given())),
            store.insert_refresh_token(TENANT, &two, &refresh(&two, given())),
            store.insert_opaque_token(TENANT, &three, &opaque(given())),
            Ok(store.upsert_consent(TENANT, &consent)),
        ],
    )
    .await;
    store.insert_ticket(TENANT, &handle(), &ticket(user)).await.unwrap();
    store.commit(store.remember_browser(TENANT, &handle(), user, NOW + 10)).await.unwrap();
    let event = chancery_core::records::LogEvent {
        log_id: format!("log of {user}"),
        date: "2024-10-14T13:27:44.558Z".to_owned(),
        user_id: Some(user.to_owned()),
        ..chancery_core::records::LogEvent::default()
    };
    store.append_logs(TENANT, &lines(&[event])).await.unwrap();
}

#[tokio::test]
async fn a_deleted_user_leaves_nothing_but_the_log() {
    for f in engines().await {
        everything_of(&f.store, "u").await;
        everything_of(&f.store, "v").await;
        for table in OWNED {
            assert_eq!(rows(&f.store, table, TENANT).await, 2, "{table}");
        }
        f.store.delete_user(TENANT, "u").await.unwrap();
        for table in OWNED {
            let left = if table == "logs" { 2 } else { 1 };
            assert_eq!(rows(&f.store, table, TENANT).await, left, "{} {table}", f.engine);
        }
        assert!(f.store.user(TENANT, "v").await.unwrap().is_some());
        f.store.delete_user(TENANT, "u").await.unwrap();
        f.store.create_user(TENANT, &new_user("u", "u@example.com")).await.expect("the name is free again");
    }
}

/// Of a user, or of everybody in a connection.
#[tokio::test]
async fn every_table_that_names_users_is_thought_of() {
    let engines = engines().await;
    let sql = "SELECT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
               WHERE t.type = 'table' AND c.name = 'user_id'";
    let naming: Vec<String> = engines[0].store.db().query(sql, vec![]).await.unwrap();
    // The index goes with the user; what is told of them stays.
    let others = ["user_terms", "log_block_users", "logout_notices"];
    for table in &naming {
        assert!(OWNED.contains(&table.as_str()) || others.contains(&table.as_str()), "{table}");
    }
    assert!(naming.len() > 15, "{naming:?}");

    for f in engines {
        everything_of(&f.store, "u").await;
        connection(&f.store, "con_1", "db").await;
        let gone = f.store.delete_all_of_connection(TENANT, ("con_1", "db"), None).await.unwrap();
        f.store.commit(gone).await.unwrap();
        for table in OWNED.into_iter().chain(["user_terms"]) {
            let left = i64::from(table == "logs");
            assert_eq!(rows(&f.store, table, TENANT).await, left, "{} {table}", f.engine);
        }
    }
}

#[tokio::test]
async fn each_revocation_reaches_codes_refresh_and_access_tokens() {
    for f in engines().await {
        let api = "https://api.example/";
        let cases = [
            ("family", f.store.revoke_family(TENANT, "of u"), 1),
            ("user", f.store.revoke_by_user(TENANT, "u"), 1),
            ("consent", f.store.revoke_by_consent(TENANT, "u", "app", api), 1),
            ("session", f.store.revoke_by_session(TENANT, "u", "s1"), 1),
            ("client", f.store.revoke_by_client(TENANT, "app"), 0),
            ("other client", f.store.revoke_by_client(TENANT, "other"), 2),
            ("other session", f.store.revoke_by_session(TENANT, "u", "s2"), 2),
            ("other API", f.store.revoke_by_consent(TENANT, "u", "app", ""), 2),
        ];
        for (name, revocation, left) in cases {
            f.store.wipe_tenant(TENANT, &[]).await.unwrap();
            everything_of(&f.store, "u").await;
            everything_of(&f.store, "v").await;
            f.store.commit(revocation).await.unwrap();
            for table in ["codes", "refresh_tokens", "opaque_tokens"] {
                assert_eq!(rows(&f.store, table, TENANT).await, left, "{} {name} {table}", f.engine);
            }
        }
    }
}
