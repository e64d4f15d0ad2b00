//! Page 1,000 must cost what page 1 costs: how both engines find what comes behind a checkpoint.

use chancery_db::{Value, params};
use chancery_pgtest::{fresh_database, skip};

use crate::{Options, Store, access, docs, logs, organizations};

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

async fn filled(url: &str) -> Store {
    let store = Store::open(url, Options::new([1; 32])).await.unwrap();
    store.migrate().await.unwrap();
    let numbers =
        format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})");
    let all = [
        ("docs (tenant, kind, id, rev, doc)", "'t', 'role', 'n' || i, 1, '{}'"),
        ("logs (tenant, id, at_ms, doc)", "'t', 'n' || i, i, '{}'"),
        ("user_roles (tenant, user_id, role_id)", "'t', 'n' || i, 'r'"),
        ("organization_members (tenant, organization_id, user_id)", "'t', 'o', 'n' || i"),
        (
            "users (tenant, id, connection, created_ms, updated_ms, logins_count, doc)",
            "'t', 'n' || i, 'c', i, i, 0, '{}'",
        ),
    ];
    let batch = all.iter().fold(crate::Batch::default(), |batch, (table, values)| {
        batch.run(format!("{numbers} INSERT INTO {table} SELECT {values} FROM n"), params![])
    });
    store.commit(batch.run("ANALYZE", params![])).await.unwrap();
    store
}

#[tokio::test]
async fn sqlite_begins_behind_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&format!("sqlite:{}", folder.path().join("plans.db").display())).await;
    for (table, sql, values) in queries() {
        let plan: Vec<(i64, i64, i64, String)> =
            store.db.query(format!("EXPLAIN QUERY PLAN {sql}"), values).await.unwrap();
        let plan: Vec<_> = plan.into_iter().map(|row| row.3).collect();
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
        let plan: Vec<String> = store.db.query(format!("EXPLAIN (COSTS OFF) {sql}"), values).await.unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains(" > "), "{table}:\n{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("Seq Scan"), "{table}:\n{plan}");
    }
}
