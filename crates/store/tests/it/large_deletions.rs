//! What a deletion takes along when it is thousands of rows: all but a slice goes before the change, and nothing else does.

use chancery_db::{Batch, params};
use chancery_store::{Change, Ending, Error, Going, Kind, Store};

use crate::fixture::{Fixture, NOW, TENANT, connection, engines, new_user, rows};

/// Two slices and a half.
const MANY: i64 = 2500;

/// Rows of a table, of `i` from 1 up to `count`.
async fn fill(store: &Store, count: i64, table: &str, columns: &str, values: &str) {
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         INSERT INTO {table} ({columns}) SELECT {values} FROM n"
    );
    store.commit(Batch::default().run(sql, params![])).await.unwrap();
}

async fn count(f: &Fixture, sql: &str) -> i64 {
    let found: Option<i64> = f.store.db().query_one(sql.to_owned(), params![]).await.unwrap();
    found.unwrap_or(0)
}

/// Families of an application, each with one token of a kind.
async fn tokens(store: &Store, table: &str, client_id: &str, audience: &str) {
    let more = match table {
        "codes" => (", spent", ", FALSE"),
        "refresh_tokens" => (", rotating, created_at", ", TRUE, 1"),
        _ => ("", ""),
    };
    let columns =
        format!("tenant, id, digest, authorization_id, user_id, client_id, audience, ends_at, doc{}", more.0);
    let id = format!("'{table} {client_id} ' || i");
    let bytes = "(SELECT digest FROM assertions)";
    let values = format!(
        "'{TENANT}', {id}, {bytes}, {id}, 'u' || i, '{client_id}', '{audience}', {NOW}, '{{}}'{}",
        more.1
    );
    fill(store, MANY, table, &columns, &values).await;
}

const TOKENS: [&str; 3] = ["codes", "refresh_tokens", "opaque_tokens"];

const API: Going<'_> = Going::Api { id: "api_1", identifier: "https://goes.example/" };

/// Tokens of two applications at two APIs.
async fn two_applications(store: &Store) {
    let api = Change::new(TENANT).insert(Kind::Api, "api_1", Some("https://goes.example/"), "{}".to_owned());
    store.apply(api).await.unwrap();
    let digest = params![TENANT, vec![1_u8; 32], NOW];
    let sql = "INSERT INTO assertions (tenant, digest, ends_at) VALUES ($1, $2, $3)";
    store.commit(Batch::default().run(sql, digest)).await.unwrap();
    for table in TOKENS {
        tokens(store, table, "goes", "https://goes.example/").await;
        tokens(store, table, "stays", "https://stays.example/").await;
    }
    for (client_id, audience) in [("goes", "https://goes.example/"), ("stays", "https://stays.example/")] {
        let columns = "tenant, id, user_id, client_id, audience, organization_id, implicit, scope, declined";
        let values = format!(
            "'{TENANT}', '{client_id} ' || i, 'u' || i, '{client_id}', '{audience}', '', FALSE, ' read  write ', ' extra '"
        );
        fill(store, MANY, "consents", columns, &values).await;
    }
}

/// What is left of both, whose tokens were marked, after a look at that the others are untouched.
async fn left(f: &Fixture, table: &str) -> i64 {
    let stays = count(f, &format!("SELECT COUNT(*) FROM {table} WHERE client_id = 'stays'")).await;
    assert_eq!(stays, MANY, "{} {table}", f.engine);
    rows(&f.store, table, TENANT).await - stays
}

#[tokio::test]
async fn of_an_application_or_an_api_the_last_slice_goes_with_the_document() {
    for going in [Going::Client("goes"), Going::TokensOf("goes"), API] {
        for f in engines().await {
            two_applications(&f.store).await;
            f.store.clear(TENANT, going).await.unwrap();
            let consents = if matches!(going, Going::TokensOf(_)) { None } else { Some("consents") };
            for table in TOKENS.into_iter().chain(consents) {
                let left = left(&f, table).await;
                assert!(left <= 1000, "{} {going:?} {table}: {left} left", f.engine);
            }
            let gone = match going {
                Going::Client(id) => f.store.delete_consents_of_client(TENANT, id),
                Going::TokensOf(id) => f.store.revoke_by_client(TENANT, id),
                _ => f.store.delete_consents_of_api(TENANT, "https://goes.example/"),
            };
            f.store.commit(gone).await.unwrap();
            for table in TOKENS.into_iter().chain(consents) {
                assert_eq!(left(&f, table).await, 0, "{} {going:?} {table}", f.engine);
            }
            // Each family, so that no successor lives.
            let marked =
                count(&f, "SELECT COUNT(*) FROM revoked WHERE authorization_id LIKE '% goes %'").await;
            assert_eq!(
                (marked, rows(&f.store, "revoked", TENANT).await),
                (3 * MANY, 3 * MANY),
                "{}",
                f.engine
            );
        }
    }
}

#[tokio::test]
async fn a_lost_scope_is_taken_out_of_thousands_of_consents() {
    for f in engines().await {
        two_applications(&f.store).await;
        for scope in ["read", "other"] {
            let values = format!("'{TENANT}', 'u' || i, 'https://goes.example/', '{scope}'");
            fill(&f.store, MANY, "user_permissions", "tenant, user_id, api, scope", &values).await;
        }
        let scopes = ["read", "extra"];
        let going = Going::Scopes { id: "api_1", identifier: "https://goes.example/", scopes: &scopes };
        f.store.clear(TENANT, going).await.unwrap();
        let named = "SELECT COUNT(*) FROM consents WHERE client_id = 'goes' AND (scope <> ' write ' OR declined <> '')";
        assert!(count(&f, named).await <= 1000, "{}", f.engine);
        let held = "SELECT COUNT(*) FROM user_permissions WHERE scope = 'read'";
        assert!(count(&f, held).await <= 1000, "{}", f.engine);
        assert!(
            count(&f, "SELECT COUNT(*) FROM codes WHERE client_id = 'goes'").await <= 1000,
            "{}",
            f.engine
        );

        let api = "https://goes.example/";
        let rest =
            f.store.drop_permissions(TENANT, api, &scopes).and(f.store.drop_consented(TENANT, api, &scopes));
        f.store.commit(rest).await.unwrap();
        assert_eq!((count(&f, named).await, count(&f, held).await), (0, 0), "{}", f.engine);
        let others = "SELECT COUNT(*) FROM consents WHERE client_id = 'stays' AND scope = ' read  write '";
        assert_eq!(count(&f, others).await, MANY, "{}", f.engine);
        assert_eq!(rows(&f.store, "user_permissions", TENANT).await, MANY, "{}", f.engine);
    }
}

#[tokio::test]
async fn holders_of_a_role_and_members_go_in_slices() {
    for f in engines().await {
        for (role, organization) in [("goes", "goes"), ("stays", "stays")] {
            let (user, tenant) = ("'u' || i", format!("'{TENANT}'"));
            let values = format!("{tenant}, {user}, '{role}'");
            fill(&f.store, MANY, "user_roles", "tenant, user_id, role_id", &values).await;
            let values = format!("{tenant}, '{organization}', {user}");
            fill(&f.store, MANY, "organization_members", "tenant, organization_id, user_id", &values).await;
            let columns = "tenant, organization_id, user_id, role_id";
            fill(&f.store, MANY, "organization_member_roles", columns, &format!("{values}, 'stays'")).await;
            let columns = "tenant, group_id, account, user_id, created_at";
            fill(
                &f.store,
                MANY,
                "group_members",
                columns,
                &format!("{tenant}, '{organization}', {user}, {user}, 1"),
            )
            .await;
        }
        let goings = [Going::Role("goes"), Going::Organization("goes"), Going::Group("goes")];
        for going in goings {
            f.store.clear(TENANT, going).await.unwrap();
        }
        let tables = ["user_roles", "organization_members", "organization_member_roles", "group_members"];
        for table in tables {
            let left = rows(&f.store, table, TENANT).await;
            assert!((MANY..=MANY + 1000).contains(&left), "{} {table}: {left} left", f.engine);
        }
        let rest = f
            .store
            .remove_role_everywhere(TENANT, "goes")
            .and(f.store.remove_all_members(TENANT, "goes"))
            .and(f.store.delete_group(TENANT, "goes"));
        f.store.commit(rest).await.unwrap();
        for table in tables {
            assert_eq!(rows(&f.store, table, TENANT).await, MANY, "{} {table}", f.engine);
        }
    }
}

#[tokio::test]
async fn what_is_only_tried_takes_nothing_along() {
    for f in engines().await {
        two_applications(&f.store).await;
        let staged = f.store.staged(TENANT);
        staged.store().clear(TENANT, Going::Client("goes")).await.unwrap();
        let gone = staged.store().delete_all_of_connection(TENANT, ("con_1", "db"), None).await.unwrap();
        assert!(!gone.is_empty());
        for table in TOKENS {
            assert_eq!(rows(&f.store, table, TENANT).await, 2 * MANY, "{} {table}", f.engine);
        }
    }
}

/// Users of a connection with something of theirs; the last of them has an account that belongs to somebody else.
async fn users(store: &Store, connection: &str, count: i64) {
    let id = format!("'{connection}|' || i");
    let columns = "tenant, id, connection, created_ms, updated_ms, logins_count, doc";
    fill(store, count, "users", columns, &format!("'{TENANT}', {id}, '{connection}', 1, 1, 0, '{{}}'")).await;
    let columns = "tenant, connection, account, user_id";
    fill(store, count, "credentials", columns, &format!("'{TENANT}', '{connection}', {id}, {id}")).await;
    fill(store, count, "user_roles", "tenant, user_id, role_id", &format!("'{TENANT}', {id}, 'r'")).await;
    let columns = "tenant, id, digest, user_id, created_at, authenticated_at, last_active_at, expires_at, \
                   idle_expires_at, ends_at, connection, clients";
    let values = format!(
        "'{TENANT}', 'session ' || {id}, (SELECT digest FROM assertions), {id}, 1, 1, 1, {NOW}, {NOW}, {NOW}, '{connection}', ' app '"
    );
    fill(store, count, "sessions", columns, &values).await;
    let columns = "tenant, id, digest, user_id";
    fill(
        store,
        count,
        "remembered_browsers",
        &format!("{columns}, ends_at"),
        &format!("'{TENANT}', 'b ' || {id}, (SELECT digest FROM assertions), {id}, {NOW}"),
    )
    .await;
}

const OF_USERS: [&str; 5] = ["users", "credentials", "user_roles", "sessions", "remembered_browsers"];

#[tokio::test]
async fn users_of_a_connection_go_a_hundred_at_a_time() {
    for f in engines().await {
        two_applications(&f.store).await;
        users(&f.store, "goes", 250).await;
        users(&f.store, "stays", 250).await;
        let linked = "INSERT INTO credentials (tenant, connection, account, user_id) VALUES ($1, 'goes', 'linked', 'stays|1')";
        f.store.commit(Batch::default().run(linked, params![TENANT])).await.unwrap();

        let ending =
            Ending { initiator: chancery_core::logout::Initiator::AccountDeleted, at: NOW, trace: "t" };
        connection(&f.store, "con_1", "goes").await;
        let rest = f.store.delete_all_of_connection(TENANT, ("con_1", "goes"), Some(ending)).await.unwrap();
        assert_eq!(rows(&f.store, "users", TENANT).await, 300, "{}: two slices", f.engine);
        assert_eq!(rows(&f.store, "logout_notices", TENANT).await, 200, "{}", f.engine);
        f.store.commit(rest).await.unwrap();
        for table in OF_USERS {
            assert_eq!(rows(&f.store, table, TENANT).await, 250, "{} {table}", f.engine);
            let key = if table == "users" { "id" } else { "user_id" };
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {key} LIKE 'stays|%'");
            assert_eq!(count(&f, &sql).await, 250, "{} {table}", f.engine);
        }
        assert_eq!(rows(&f.store, "logout_notices", TENANT).await, 250, "{}", f.engine);
    }
}

#[tokio::test]
async fn who_signs_up_while_a_connection_goes_is_not_left_behind() {
    for f in engines().await {
        connection(&f.store, "con_1", "db").await;
        f.store.create_user(TENANT, &new_user("early", "early@example.com")).await.unwrap();
        let rest = f.store.delete_all_of_connection(TENANT, ("con_1", "db"), None).await.unwrap();
        f.store.create_user(TENANT, &new_user("late", "late@example.com")).await.unwrap();
        let gone = |batch| Change::new(TENANT).also(batch).delete(Kind::Connection, "con_1");
        assert!(matches!(f.store.apply(gone(rest)).await, Err(Error::Guard)), "{}", f.engine);
        assert_eq!(rows(&f.store, "users", TENANT).await, 2, "{}: nothing happened", f.engine);

        let rest = f.store.delete_all_of_connection(TENANT, ("con_1", "db"), None).await.unwrap();
        f.store.apply(gone(rest)).await.unwrap();
        for table in ["users", "credentials", "docs"] {
            assert_eq!(rows(&f.store, table, TENANT).await, 0, "{} {table}", f.engine);
        }
    }
}

/// Two that delete the same are done once: what takes its name afterwards is somebody else's.
#[tokio::test]
async fn what_took_the_name_since_is_left_alone() {
    for f in engines().await {
        two_applications(&f.store).await;
        users(&f.store, "goes", 250).await;
        connection(&f.store, "con_2", "goes").await;
        let gone = f.store.delete_all_of_connection(TENANT, ("con_1", "goes"), None).await;
        assert!(matches!(gone, Err(Error::Guard)), "{}", f.engine);
        let cleared =
            f.store.clear(TENANT, Going::Api { id: "api_0", identifier: "https://goes.example/" }).await;
        assert!(matches!(cleared, Err(Error::Guard)), "{}", f.engine);
        assert_eq!(rows(&f.store, "users", TENANT).await, 250, "{}", f.engine);
        assert_eq!(rows(&f.store, "consents", TENANT).await, 2 * MANY, "{}", f.engine);

        // Where less than a slice is left, it is the last commit that sees it.
        users(&f.store, "small", 3).await;
        connection(&f.store, "con_3", "small").await;
        let named = ("con_3", "small");
        let first = f.store.delete_all_of_connection(TENANT, named, None).await.unwrap();
        let second = f.store.delete_all_of_connection(TENANT, named, None).await.unwrap();
        let delete = |batch| Change::new(TENANT).also(batch).delete(Kind::Connection, "con_3");
        f.store.apply(delete(first)).await.unwrap();
        connection(&f.store, "con_4", "small").await;
        users(&f.store, "small", 3).await;
        assert!(matches!(f.store.apply(delete(second)).await, Err(Error::Guard)), "{}", f.engine);
        assert_eq!(rows(&f.store, "users", TENANT).await, 253, "{}", f.engine);
    }
}

/// They hold an account of the connection, but are users of another one.
#[tokio::test]
async fn accounts_that_belong_to_users_of_others_go_without_those_who_sign_up() {
    for f in engines().await {
        two_applications(&f.store).await;
        connection(&f.store, "con_1", "goes").await;
        let values = format!("'{TENANT}', 'goes', 'linked|' || i, 'stays|' || i");
        fill(&f.store, MANY, "credentials", "tenant, connection, account, user_id", &values).await;
        let named = ("con_1", "goes");
        let rest = f.store.delete_all_of_connection(TENANT, named, None).await.unwrap();
        assert!(rows(&f.store, "credentials", TENANT).await < 1000, "{}", f.engine);
        users(&f.store, "goes", 1).await;
        assert!(matches!(f.store.commit(rest).await, Err(Error::Guard)), "{}", f.engine);
        let rest = f.store.delete_all_of_connection(TENANT, named, None).await.unwrap();
        f.store.commit(rest).await.unwrap();
        for table in ["users", "credentials"] {
            assert_eq!(rows(&f.store, table, TENANT).await, 0, "{} {table}", f.engine);
        }
    }
}
