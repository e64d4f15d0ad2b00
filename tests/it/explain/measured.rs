//! What the lists of access cost in a large tenant: 100,000 users, 10,000 applications, 1,000 APIs with 100 scopes each, half of
//! which anybody may ask for, and 200 roles with 500 permissions each. Prints the figures:
//! `cargo test --workspace --locked --test it -- --ignored --nocapture lists_of_access`.

use std::time::Duration;

use chancery_db::Batch;
use chancery_store::{Change, Kind};
use serde_json::{Value, json};

use super::both_ways::who;
use crate::management::escaped;
use crate::support::*;

const APIS: usize = 1_000;
const ROLES: usize = 200;
const APPLICATIONS: usize = 10_000;
const ORGANIZATIONS: usize = 1_000;
/// Documents written at once.
const BATCH: usize = 500;

#[tokio::test]
#[ignore = "measures"]
async fn lists_of_access() {
    let mut slow = Vec::new();
    for app in engines().await {
        let large = Large::fill(&app).await;
        let (ordinary, heavy) = (segment("auth0|150000"), segment("auth0|100000"));
        let of_user = |id: &str| format!("/explain/users/{id}");
        let of_application = |id: &str| format!("/explain/applications/{id}");
        let scope = |kind, api: usize| {
            format!("/explain/{kind}?audience={}&scope=read%3Athing7", escaped(&identifier(api)))
        };
        let lists = [
            ("an ordinary user", of_user(&ordinary)),
            ("a user with everything", of_user(&heavy)),
            ("an application with everything", of_application(&large.granted)),
            ("an application with no grant", of_application(&large.bare)),
            ("who has a scope", scope("users", 1)),
            ("applications, of a scope of all", scope("applications", 0)),
            ("applications, of a scope of one", scope("applications", 3)),
            ("applications, of no scope", who("applications", "nothing")),
        ];
        for (name, path) in lists {
            let separator = if path.contains('?') { '&' } else { '?' };
            for (form, csv) in [("page", false), ("table", true)] {
                let take = if csv { 1000 } else { 50 };
                let path = format!("{path}{separator}take={take}");
                let (first, next) = large.times(&app, &path, csv).await;
                let mut line = format!("{}: {name}, {form} of {take}: {first:?}", app.engine);
                let mut slowest = first[0];
                if let Some(mut next) = next {
                    // As far in as anybody will read: the eleventh.
                    for _ in 0..10 {
                        let path = format!("{path}&from={}", escaped(&next));
                        match large.ask(&app, &path, csv).await.1 {
                            Some(behind) => next = behind,
                            None => break,
                        }
                    }
                    let (last, _) = large.times(&app, &format!("{path}&from={}", escaped(&next)), csv).await;
                    line.push_str(&format!(", far in {last:?}"));
                    slowest = slowest.max(last[0]);
                }
                println!("{line}");
                if slowest > Duration::from_millis(100) {
                    slow.push(line);
                }
            }
        }
    }
    assert!(slow.is_empty(), "above 100 ms: {slow:#?}");
}

/// What there is in the large tenant.
struct Large {
    token: String,
    granted: String,
    bare: String,
}

impl Large {
    async fn fill(app: &TestApp) -> Self {
        let tenant = app.app.store.tenants().await.unwrap()[0].id.clone();
        let (api, client, grant) = (
            stored(app, &tenant, Kind::Api, |api| api["is_system"] != true).await,
            stored(app, &tenant, Kind::Client, |client| client["client_id"] == *app.clients.spa.client_id)
                .await,
            stored(app, &tenant, Kind::ClientGrant, |grant| grant["client_id"] == *app.clients.m2m.client_id)
                .await,
        );
        let scopes: Vec<Value> = (0..100).map(|s| json!({"value": format!("read:thing{s}")})).collect();
        let documents = (0..APIS).map(|n| {
            let api = with(&api, &json!({
                "id": format!("large{n:019}"), "identifier": identifier(n), "name": format!("API {n}"), "scopes": scopes,
                "enforce_policies": n % 2 == 1,
                "subject_type_authorization": {"user": {"policy": if n % 2 == 1 { "require_client_grant" } else { "allow_all" }}},
            }));
            (Kind::Api, format!("large{n:019}"), Some(identifier(n)), api)
        });
        let documents = documents.chain((0..ROLES).map(|n| {
            let permissions: Vec<Value> = (0..500)
                .map(|p| {
                    json!({"resource_server_identifier": identifier((n * 5 + p / 100) % APIS),
                        "permission_name": format!("read:thing{}", p % 100)})
                })
                .collect();
            let role = json!({"id": role(n), "name": format!("Role {n}"), "permissions": permissions, "type": "tenant"});
            (Kind::Role, role["id"].as_str().unwrap().to_owned(), Some(format!("Role {n}")), role)
        }));
        let documents = documents.chain((0..APPLICATIONS).map(|n| {
            let id = format!("large{n:027}");
            let client = with(
                &client,
                &json!({
                    "client_id": id, "name": format!("Application {n}"),
                    "grant_types": ["authorization_code", "client_credentials"],
                }),
            );
            (Kind::Client, id, None, client)
        }));
        let granted = format!("large{:027}", 5_000);
        let documents = documents.chain((0..APIS * 2).map(|n| {
            let (kind, id) = (["user", "client"][n % 2], format!("cgr_large{n:011}"));
            let names: Vec<String> = (0..100).map(|s| format!("read:thing{s}")).collect();
            let grant = with(&grant, &json!({
                "id": id, "client_id": granted, "audience": identifier(n / 2), "scope": names, "subject_type": kind,
            }));
            let unique = format!("{granted} {} {kind}", identifier(n / 2));
            (Kind::ClientGrant, id, Some(unique), grant)
        }));
        let documents: Vec<_> = documents.collect();
        for part in documents.chunks(BATCH) {
            let change = part.iter().fold(Change::new(&tenant), |change, (kind, id, unique, document)| {
                change.insert(*kind, id, unique.as_deref(), document.to_string())
            });
            app.app.store.apply(change).await.unwrap();
        }
        records(app, &tenant).await;
        let token = app.management_token().await;
        let seen = app.manage("GET", &format!("/clients/{granted}"), Value::Null).await;
        assert_eq!(seen["name"], "Application 5000", "the configuration is in memory");
        Self { token, granted, bare: format!("large{:027}", 1) }
    }

    /// The least and the median of nine, and where the next page begins. The least is what a busy machine adds nothing to.
    async fn times(&self, app: &TestApp, path: &str, csv: bool) -> ([Duration; 2], Option<String>) {
        let (mut times, mut next) = (Vec::new(), None);
        for _ in 0..9 {
            let (taken, behind) = self.ask(app, path, csv).await;
            times.push(taken);
            next = behind;
        }
        times.sort_unstable();
        ([times[0], times[4]], next)
    }

    async fn ask(&self, app: &TestApp, path: &str, csv: bool) -> (Duration, Option<String>) {
        let accept = if csv { "text/csv" } else { "application/json" };
        let call = Call::get(&format!("/api/chancery/v1{path}")).bearer(&self.token).header("accept", accept);
        let (taken, answer) = app.timed(call).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}: {answer:?}");
        if !csv {
            return (taken, answer.json()["next"].as_str().map(str::to_owned));
        }
        let next = answer.header("link").map(|link| {
            let (_, from) = link.split_once("from=").unwrap();
            let (from, _) = from.split_once('>').unwrap();
            let mut decoded = form_urlencoded::parse(from.as_bytes());
            decoded.next().unwrap().0.into_owned()
        });
        (taken, next)
    }
}

fn identifier(n: usize) -> String {
    format!("https://api{n}.example/")
}

fn role(n: usize) -> String {
    format!("rol_large{n:011}")
}

fn with(document: &Value, changes: &Value) -> Value {
    let mut document = document.clone();
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

/// A stored document, to make others of.
async fn stored(app: &TestApp, tenant: &str, kind: Kind, fits: impl Fn(&Value) -> bool) -> Value {
    let all = app.app.store.docs_page(tenant, kind, 0, 100).await.unwrap();
    let mut all = all.iter().map(|document| serde_json::from_str::<Value>(&document.json).unwrap());
    all.find(fits).unwrap()
}

/// Users with a role, one of them with every role, a thousand permissions, and roles in a thousand organizations.
async fn records(app: &TestApp, tenant: &str) {
    let numbers = |from: usize, to: usize| {
        format!("WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {})", to - 1)
    };
    let users = numbers(100_000, 200_000);
    let tables = [
        (
            &users,
            "users (tenant, id, connection, email, created_ms, updated_ms, logins_count, doc)",
            format!(
                "'{tenant}', 'auth0|' || i, 'c', 'u' || i || '@x.example', i, i, 0, \
                 '{{\"user_id\":\"auth0|' || i || '\",\"identities\":[]}}'"
            ),
        ),
        (
            &users,
            "user_roles (tenant, user_id, role_id)",
            format!("'{tenant}', 'auth0|' || i, '{}' || (100 + i % 100)", &role(0)[..17]),
        ),
        (
            &numbers(100, 200),
            "user_roles (tenant, user_id, role_id)",
            format!("'{tenant}', 'auth0|100000', '{}' || i", &role(0)[..17]),
        ),
        (
            &numbers(0, 1_000),
            "user_permissions (tenant, user_id, api, scope)",
            format!(
                "'{tenant}', 'auth0|100000', 'https://api' || (i % {APIS}) || '.example/', 'read:thing' || (i % 100)"
            ),
        ),
        (
            &numbers(100, 100 + ORGANIZATIONS),
            "organization_members (tenant, organization_id, user_id)",
            format!("'{tenant}', 'org_' || i, 'auth0|100000'"),
        ),
        (
            &numbers(100, 100 + ORGANIZATIONS),
            "organization_member_roles (tenant, organization_id, user_id, role_id)",
            format!("'{tenant}', 'org_' || i, 'auth0|100000', '{}' || (100 + i % 100)", &role(0)[..17]),
        ),
    ];
    let batch = tables.iter().fold(Batch::default(), |batch, (numbers, table, values)| {
        let sql =
            format!("{numbers} INSERT INTO {table} SELECT {values} FROM n WHERE true ON CONFLICT DO NOTHING");
        batch.run(sql, Vec::new())
    });
    app.app.store.commit(batch.run("ANALYZE", Vec::new())).await.unwrap();
}
