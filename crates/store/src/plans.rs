//! Page 1,000 must cost what page 1 costs, and a sign-in among a million users what it costs among three: how both engines find
//! what comes behind a checkpoint, and who is asked for.

use chancery_db::{Value, params};
use chancery_pgtest::{fresh_database, skip};

use crate::{
    Going, Options, Store, access, docs, logs, organizations, revocation,
    rows::places,
    slices::{deletion, plain},
    user_deletion::OWNED,
    user_terms, users,
};

/// Enough for a planner to prefer an index where it can use one.
const ROWS: i64 = 20_000;

/// Every query behind a checkpoint, with the table it walks.
fn queries() -> Vec<(&'static str, &'static str, Vec<Value>)> {
    let after = "n15000";
    vec![
        ("docs", docs::AFTER, params!["t", "role", after, 51_i64]),
        ("logs", logs::AFTER, params!["t", after, 51_i64]),
        ("user_roles", access::MEMBERS_AFTER, params!["t", "r", after, 51_i64]),
        ("organization_members", organizations::MEMBERS, params!["t", "o", after, 51_i64, 0_i64]),
    ]
}

/// Queries for a few, with the index on SQLite, or the table, that leads to them.
fn queries_for_few() -> Vec<(&'static str, String, Vec<Value>)> {
    let marked = revocation::mark("refresh_tokens", revocation::OF_USER);
    vec![
        ("MULTI-INDEX OR", users::CREDENTIAL.to_owned(), params!["t", "c", "n15000@example.com"]),
        ("SCAN n", user_terms::UNINDEXED.to_owned(), params![500_i64]),
        ("users_email", users::BY_EMAIL.to_owned(), params!["t", "n15000@example.com"]),
        ("logs_user", logs::OF_USER.to_owned(), params!["t", "n15000", 50_i64]),
        ("refresh_tokens_user", marked, params!["t", "n15000"]),
    ]
}

async fn opened(url: &str) -> Store {
    let store = Store::open(url, Options::new([1; 32])).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn filled(url: &str) -> Store {
    let store = opened(url).await;
    fill(&store, 0, ROWS).await;
    store
}

/// Numbers behind the first up to the last, with what the engine says of the tables then.
async fn fill(store: &Store, behind: i64, last: i64) {
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT {behind} + 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
    );
    let all = [
        ("docs (tenant, kind, id, rev, doc)", "'t', 'role', 'n' || i, 1, '{}'"),
        ("logs (tenant, id, at_ms, doc)", "'t', 'n' || i, i, '{}'"),
        ("user_roles (tenant, user_id, role_id)", "'t', 'n' || i, 'r'"),
        ("organization_members (tenant, organization_id, user_id)", "'t', 'o', 'n' || i"),
        (
            "users (tenant, id, connection, created_ms, updated_ms, logins_count, doc)",
            "'t', 'n' || i, 'c', i, i, 0, '{}'",
        ),
        (
            "credentials (tenant, connection, account, user_id, email)",
            "'t', 'c', 'n' || i, 'n' || i, 'n' || i || '@example.com'",
        ),
    ];
    let batch = all.iter().fold(crate::Batch::default(), |batch, (table, values)| {
        batch.run(format!("{numbers} INSERT INTO {table} SELECT {values} FROM n"), params![])
    });
    store.commit(batch.run("ANALYZE", params![])).await.unwrap();
}

async fn plan_on_sqlite(store: &Store, sql: &str, values: Vec<Value>) -> Vec<String> {
    // A statement that runs sees that the schema was written; one that is explained does not look.
    let _: Vec<String> = store.db.query("SELECT id FROM tenants", params![]).await.unwrap();
    let plan: Vec<(i64, i64, i64, String)> =
        store.db.query(format!("EXPLAIN QUERY PLAN {sql}"), values).await.unwrap();
    plan.into_iter().map(|row| row.3).collect()
}

async fn plan_on_postgresql(store: &Store, sql: &str, values: Vec<Value>) -> String {
    let plan: Vec<String> = store.db.query(format!("EXPLAIN (COSTS OFF) {sql}"), values).await.unwrap();
    plan.join("\n")
}

#[tokio::test]
async fn sqlite_begins_behind_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&format!("sqlite:{}", folder.path().join("plans.db").display())).await;
    for (table, sql, values) in queries() {
        let plan = plan_on_sqlite(&store, sql, values).await;
        let walk = plan.first().unwrap();
        assert!(walk.starts_with("SEARCH") && walk.contains(">?"), "{table}: {plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{table} is sorted: {plan:?}");
    }
}

#[tokio::test]
async fn postgresql_begins_behind_the_checkpoint() {
    let Some(url) = skip(fresh_database().await) else { return };
    let store = filled(&url).await;
    for (table, sql, values) in queries() {
        let plan = plan_on_postgresql(&store, sql, values).await;
        assert!(plan.contains(" > "), "{table}:\n{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("Seq Scan"), "{table}:\n{plan}");
    }
}

/// What the planner knew when the tenant had three users says nothing of it now.
#[tokio::test]
async fn sqlite_finds_a_few_users_in_a_tenant_that_grew() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("plans.db").display());
    let small = opened(&url).await;
    fill(&small, 0, 3).await;
    small.close().await;
    let store = opened(&url).await;
    for (table, sql, values) in queries_for_few() {
        let plan = plan_on_sqlite(&store, &sql, values).await;
        let walked = |step: &String| step.contains("(tenant=?)") || step.starts_with("SCAN users");
        assert!(plan.iter().any(|step| step.contains(table)), "{table}: {plan:?}");
        assert!(!plan.iter().any(walked), "{table}: {plan:?}");
    }
}

/// By a planner that takes every index but the primary key to lead to a few, each slice would pass all rows again.
#[tokio::test]
async fn sqlite_takes_slices_by_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&format!("sqlite:{}", folder.path().join("plans.db").display())).await;
    let goings = [
        Going::Client("c"),
        Going::Api { id: "a", identifier: "a" },
        Going::Scopes { id: "a", identifier: "a", scopes: &["s"] },
        Going::Role("r"),
        Going::Organization("o"),
        Going::Group("g"),
        Going::Directory("d"),
    ];
    let slices = goings.into_iter().flat_map(|going| plain("t", going)).map(|rows| {
        // A user has a few of each, which is as good as the whole key.
        let key = match rows.key.contains("user_id") {
            true => "user_id=?".to_owned(),
            false => format!("(tenant=? AND {}=?)", rows.key.replace(", ", "=? AND ")),
        };
        (rows.table, deletion(&rows), rows.params, key)
    });
    let ids = places(2, 100);
    let of_users = OWNED.map(|table| {
        let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND user_id IN ({ids})");
        (table, sql, vec!["t".into(); 101], "(tenant=? AND user_id=?".to_owned())
    });
    for (table, sql, values, key) in slices.chain(of_users) {
        let plan = plan_on_sqlite(&store, &sql, values).await;
        let search = plan.first().unwrap();
        assert!(search.starts_with("SEARCH") && search.contains(&key), "{table} by {key}: {plan:?}");
    }
}

#[tokio::test]
async fn postgresql_finds_a_few_users() {
    let Some(url) = skip(fresh_database().await) else { return };
    let store = filled(&url).await;
    for (table, sql, values) in queries_for_few() {
        let plan = plan_on_postgresql(&store, &sql, values).await;
        assert!(
            !plan.contains("Seq Scan on users") && !plan.contains("Seq Scan on credentials"),
            "{table}:\n{plan}"
        );
    }
}
