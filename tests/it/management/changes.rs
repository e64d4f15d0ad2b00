//! `/api/chancery/v1/plan` and `/apply`: many operations, all of them or none.

use serde_json::{Value, json};

use super::api_path;
use crate::support::*;

impl TestApp {
    pub(super) async fn set(&self, which: &str, body: &Value) -> Answer {
        let token = self.management_token().await;
        self.send(Call::post(&format!("/api/chancery/v1/{which}")).bearer(&token).json(body)).await
    }

    pub(super) async fn plan(&self, operations: Value) -> Value {
        self.set("plan", &json!({"operations": operations})).await.expect(200).json()
    }

    pub(super) async fn revision(&self) -> i64 {
        self.plan(json!([])).await["revision"].as_i64().unwrap()
    }

    pub(super) async fn names(&self, path: &str) -> Vec<String> {
        let all = self.manage("GET", path, Value::Null).await;
        let mut names: Vec<_> =
            all.as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

/// An API, an application, its grant, a role and a connection that names the application: each speaks of those before.
fn everything() -> Value {
    json!([
        {"operation": "post_resource-servers", "body": {
            "identifier": "https://bills.example", "name": "Bills", "scopes": [{"value": "read:bills"}]}},
        {"operation": "post_clients", "body": {"name": "Biller", "app_type": "non_interactive"}},
        {"operation": "post_client-grants", "body": {
            "client_id": {"$result": [1, "client_id"]}, "audience": "https://bills.example", "scope": ["read:bills"]}},
        {"operation": "post_roles", "body": {"name": "Clerk"}},
        {"operation": "post_role_permission_assignment", "path": {"id": {"$result": [3, "id"]}}, "body": {
            "permissions": [{"resource_server_identifier": "https://bills.example", "permission_name": "read:bills"}]}},
        {"operation": "post_connections", "body": {"name": "Clerks", "strategy": "auth0"}},
        {"operation": "patch_clients", "path": {"id": {"$result": [5, "id"]}}, "body": [
            {"client_id": {"$result": [1, "client_id"]}, "status": true}]},
        {"operation": "patch_settings", "body": {"default_directory": "Clerks"}},
        {"operation": "get_roles_by_id", "path": {"id": {"$result": [3, "id"]}}},
    ])
}

#[tokio::test]
async fn a_set_is_planned_without_a_trace_and_applied_in_one_step() {
    for app in [Some(TestApp::new().await), TestApp::postgres().await].into_iter().flatten() {
        let revision = app.revision().await;
        let planned = app.plan(everything()).await;
        assert_eq!(planned["revision"], revision);
        assert_eq!(planned["operations"][1], json!({"status": 201}), "what a plan makes is not there");
        assert_eq!(planned["operations"][8]["body"]["name"], "Clerk", "what is read shows what was written");
        assert_eq!(planned["effects"], json!([]));
        assert!(!app.names("/roles").await.contains(&"Clerk".to_owned()), "{}", app.engine);
        assert_eq!(app.revision().await, revision);

        let body = json!({"revision": revision, "operations": everything()});
        let applied = app.set("apply", &body).await.expect(200).json();
        assert_eq!(applied["revision"], revision + 1, "one step");
        let client = &applied["operations"][1]["body"];
        assert_eq!(client["client_secret"].as_str().unwrap().len(), 64);
        // It works at once.
        let grant = [
            ("grant_type", "client_credentials"),
            ("client_id", client["client_id"].as_str().unwrap()),
            ("client_secret", client["client_secret"].as_str().unwrap()),
            ("audience", "https://bills.example"),
        ];
        assert_eq!(app.token(&grant).await.expect(200).text("scope"), "read:bills");
        let settings = app.manage("GET", "/tenants/settings", Value::Null).await;
        assert_eq!(settings["default_directory"], "Clerks");

        // The same again: the revision is an old one.
        app.set("apply", &body).await.is_problem(
            409,
            Some("configuration_changed"),
            &format!(
                "The configuration was changed by somebody else after revision {revision}. Nothing was done."
            ),
        );
    }
}

#[tokio::test]
async fn what_is_read_and_is_not_there_is_an_answer_too() {
    let app = TestApp::new().await;
    let read = app
        .plan(json!([
            {"operation": "get_roles_by_id", "path": {"id": "rol_none"}},
            {"operation": "get_roles", "query": "per_page=1&include_totals=true"},
        ]))
        .await;
    assert_eq!(read["operations"][0], json!({"status": 404}));
    assert_eq!(read["operations"][1]["body"]["total"], 3);
}

#[tokio::test]
async fn a_failure_in_the_middle_leaves_nothing() {
    let app = TestApp::new().await;
    let (revision, clients) = (app.revision().await, app.names("/clients").await);
    let mut set = everything().as_array().unwrap().clone();
    set.push(json!({"operation": "patch_resource-servers_by_id", "path": {"id": "https://bills.example"},
        "body": {"scopes": [{"value": "read:bills"}, {"value": "openid"}]}}));
    for which in ["plan", "apply"] {
        let answer = app.set(which, &json!({"revision": revision, "operations": set})).await;
        answer.is_problem(400, Some("invalid_body"), "The scope 'openid' is reserved.");
        assert_eq!(answer.json()["operation"], 9);
    }
    assert_eq!(app.revision().await, revision);
    assert_eq!(app.names("/clients").await, clients);
    assert!(!app.names("/connections").await.contains(&"Clerks".to_owned()));
}

#[tokio::test]
async fn another_node_was_first() {
    let app = TestApp::new().await;
    let other = app.neighbour(1).await;
    let revision = app.revision().await;
    let role = |name: &str| json!({"revision": revision, "operations": [{"operation": "post_roles", "body": {"name": name}}]});
    let (first, second) = (role("One"), role("Two"));
    let (one, two) = tokio::join!(app.set("apply", &first), other.set("apply", &second));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(app.revision().await, revision + 1);
}

#[tokio::test]
async fn what_a_removed_scope_takes_along() {
    let app = TestApp::new().await;
    app.sign_in("openid read:contacts offline_access").await;
    let permission = json!({"resource_server_identifier": API, "permission_name": "read:contacts"});
    let permissions = format!("/users/{}/permissions", segment(&app.jane().await));
    app.manage("POST", &permissions, json!({"permissions": [permission]})).await;
    let planned = app
        .plan(json!([{"operation": "patch_resource-servers_by_id", "path": {"id": API},
            "body": {"scopes": [{"value": "delete:contacts"}]}}]))
        .await;
    let effects = planned["effects"].as_array().unwrap();
    assert_eq!(effects.len(), 1, "said once, not again for each grant and role: {planned}");
    let effect = &effects[0];
    assert_eq!((&effect["effect"], &effect["scope"]), (&json!("scope_removed"), &json!("read:contacts")));
    assert_eq!(effect["applications"], json!({"count": 1, "first": ["Demo M2M"]}));
    assert_eq!(effect["roles"], json!({"count": 2, "first": ["Contacts Admin", "Contacts Reader"]}));
    // Jane twice, directly and by her role, and Sam by his alone.
    assert_eq!(effect["users"], json!({"count": 2, "first": ["jane@example.com", "sam@example.com"]}));
    assert_eq!(effect["consents"], json!({"count": 1, "first": ["jane@example.com"]}));
    assert_eq!(effect["refresh_tokens"], json!({"count": 1}));

    // The whole API, and other things that hang together.
    let roles = app.manage("GET", "/roles", Value::Null).await;
    let planned = app
        .plan(json!([
            {"operation": "delete_resource-servers_by_id", "path": {"id": API}},
            {"operation": "delete_roles_by_id", "path": {"id": roles[0]["id"]}},
            {"operation": "delete_clients_by_id", "path": {"id": app.clients.m2m.client_id}},
        ]))
        .await;
    let effects = planned["effects"].as_array().unwrap();
    let kinds: Vec<_> = effects.iter().map(|effect| effect["effect"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["api_deleted", "application_deleted", "role_deleted"]);
    assert_eq!(effects[0]["refresh_tokens"], json!({"count": 1}));
    assert_eq!(effects[2]["users"]["count"], 1, "{planned}");
    assert_eq!(planned["hidden_effects"], json!([]));
    app.api("GET", &api_path(), Value::Null).await.expect(200);

    // And then it happens.
    let set = json!({"revision": planned["revision"], "operations": [
        {"operation": "patch_resource-servers_by_id", "path": {"id": API},
            "body": {"scopes": [{"value": "delete:contacts"}]}}]});
    app.set("apply", &set).await.expect(200);
    let again = app.plan(json!([{"operation": "delete_resource-servers_by_id", "path": {"id": API}}])).await;
    assert_eq!(again["effects"][0]["users"], json!({"count": 1, "first": ["sam@example.com"]}), "{again}");
}

#[tokio::test]
async fn each_operation_takes_its_scope_and_numbers_take_theirs() {
    let app = TestApp::new().await;
    let token = app.token_with(&["update:resource_servers", "read:resource_servers", "read:roles"]).await;
    let send = async |operations: Value| {
        let call =
            Call::post("/api/chancery/v1/plan").bearer(&token).json(&json!({"operations": operations}));
        app.send(call).await
    };
    let narrowed =
        json!([{"operation": "patch_resource-servers_by_id", "path": {"id": API}, "body": {"scopes": []}}]);
    let planned = send(narrowed).await.expect(200).json();
    assert_eq!(planned["effects"][0]["roles"]["count"], 2, "{planned}");
    for hidden in ["users", "consents", "refresh_tokens", "applications"] {
        assert!(planned["effects"][0].get(hidden).is_none(), "{planned}");
    }
    assert_eq!(planned["hidden_effects"].as_array().unwrap().len(), 4, "{planned}");
    let refused = send(json!([{"operation": "post_roles", "body": {"name": "x"}}])).await.expect(403);
    assert_eq!(refused.json()["operation"], 0);
    let nobody = app.send(Call::post("/api/chancery/v1/apply").json(&json!({}))).await;
    nobody.expect(401);
}

#[tokio::test]
async fn hostile_sets() {
    let app = TestApp::new().await;
    let revision = app.revision().await;
    for (set, status) in [
        (json!(null), 400),
        (json!({}), 400),
        (json!({"operations": {}}), 400),
        (json!({"operations": [], "more": 1}), 400),
        (json!({"operations": [{"operation": "nothing"}]}), 400),
        (json!({"operations": [{"operation": "post_users", "body": {"connection": "x"}}]}), 400),
        (json!({"operations": [{"operation": "post_rotate-secret", "path": {"id": "x"}}]}), 400),
        (json!({"operations": [{"operation": "get_roles_by_id"}]}), 400),
        (json!({"operations": [{"operation": "get_roles_by_id", "path": {"id": 1}}]}), 400),
        (json!({"operations": [{"operation": "get_roles_by_id", "path": {"id": "x", "to": "y"}}]}), 400),
        (json!({"operations": [{"operation": "get_roles_by_id", "path": {"id": "a\u{0}"}}]}), 400),
        (json!({"operations": [{"operation": "get_roles", "query": "per_page=1000"}]}), 400),
        (json!({"operations": [{"operation": "get_roles", "body": {}}]}), 400),
        (json!({"operations": [{"operation": "post_roles", "body": {"name": "a\u{0}"}}]}), 400),
        (json!({"operations": [{"operation": "post_roles", "body": {"name": {"$result": [0, "id"]}}}]}), 400),
        (json!({"operations": vec![json!({"operation": "get_roles"}); 5001]}), 400),
        (json!({"revision": revision + 5, "operations": []}), 409),
    ] {
        let answer = app.set("plan", &set).await;
        assert_eq!(answer.status, status, "{set}: {answer:?}");
        assert!(answer.json()["message"].is_string());
    }
    app.set("apply", &json!({"operations": []})).await.expect(400);
    assert_eq!(app.revision().await, revision);
}
