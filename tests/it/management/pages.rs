//! Lists and single reads of configuration: from the snapshot, page after page, and on several nodes.

use chancery_store::{Change, Kind};
use serde_json::{Value, json};

use crate::support::*;

/// Every page of a list, one after the other, with what happens between two of them.
async fn walk(app: &TestApp, list: &str, member: &str, mut between: impl AsyncFnMut(usize)) -> Vec<Value> {
    let (mut all, mut from) = (Vec::new(), String::new());
    for number in 0.. {
        let page = app.manage("GET", &format!("{list}{from}"), Value::Null).await;
        all.extend(page[member].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { return all };
        from = format!("&from={next}");
        between(number).await;
    }
    all
}

/// Makes roles; answers the ids of all there are, in order.
async fn roles(app: &TestApp, count: usize) -> Vec<String> {
    for number in 0..count {
        app.manage("POST", "/roles", json!({"name": format!("Role {number}")})).await;
    }
    let all = app.manage("GET", "/roles?per_page=100", Value::Null).await;
    let mut ids: Vec<String> = ids(all.as_array().unwrap()).into_iter().map(str::to_owned).collect();
    ids.sort();
    ids
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_checkpoint_outlives_the_item_it_names() {
    let app = TestApp::new().await;
    let expected = roles(&app, 7).await;
    let walked = walk(&app, "/roles?take=3", "roles", async |number| {
        // The last of the first page and of the second: what the checkpoints were made of.
        app.api("DELETE", &format!("/roles/{}", expected[number * 3 + 2]), Value::Null).await.expect(200);
    });
    assert_eq!(ids(&walked.await), expected);
    let filtered = walk(&app, "/roles?name_filter=role&take=2", "roles", async |_| {}).await;
    let expected = app.manage("GET", "/roles?name_filter=role&per_page=100", Value::Null).await;
    assert_eq!(filtered.len(), expected.as_array().unwrap().len());
    assert!(filtered.is_sorted_by_key(|role| role["id"].as_str().unwrap().to_owned()));
}

#[tokio::test]
async fn pages_by_checkpoint_see_every_application_once() {
    let app = TestApp::new().await;
    for number in 0..8 {
        app.manage("POST", "/clients", json!({"name": format!("App {number}")})).await;
    }
    let every = app.manage("GET", "/clients?per_page=100", Value::Null).await;
    let mut expected: Vec<&str> =
        every.as_array().unwrap().iter().map(|client| client["client_id"].as_str().unwrap()).collect();
    expected.sort_unstable();
    let walked = walk(&app, "/clients?take=3", "clients", async |_| {}).await;
    let walked: Vec<&str> = walked.iter().map(|client| client["client_id"].as_str().unwrap()).collect();
    assert_eq!(walked, expected);
    let page = app.manage("GET", "/clients?per_page=2&page=1&include_totals=true", Value::Null).await;
    assert_eq!((page["total"].as_u64(), page["length"].as_u64()), (Some(expected.len() as u64), Some(2)));
    let one = app.manage("GET", "/clients?app_type=spa&take=1", Value::Null).await;
    assert!(one["clients"].as_array().unwrap().iter().all(|client| client["app_type"] == "spa"));
}

#[tokio::test]
async fn the_applications_of_a_connection_come_in_pages() {
    let app = TestApp::new().await;
    let connection = app.manage("GET", "/connections", Value::Null).await[0].clone();
    let list = format!("/connections/{}/clients?take=1", connection["id"].as_str().unwrap());
    let walked = walk(&app, &list, "clients", async |_| {}).await;
    assert_eq!(walked.len(), connection["enabled_clients"].as_array().unwrap().len());
    assert!(walked.is_sorted_by_key(|client| client["client_id"].as_str().unwrap().to_owned()));
}

#[tokio::test]
async fn a_node_sees_its_own_writes_at_once_and_those_of_others_soon() {
    let app = TestApp::new().await;
    let other = app.neighbour(1).await;
    let role = app.manage("POST", "/roles", json!({"name": "One"})).await;
    let path = format!("/roles/{}", role["id"].as_str().unwrap());
    let name = async |node: &TestApp| node.manage("GET", &path, Value::Null).await["name"].clone();
    // What is new is found wherever one asks: what the snapshot lacks is looked for in the database.
    assert_eq!((name(&app).await, name(&other).await), (json!("One"), json!("One")));
    other.app.catalog.sync().await.unwrap();
    app.manage("PATCH", &path, json!({"name": "Two"})).await;
    assert_eq!((name(&app).await, name(&other).await), (json!("Two"), json!("One")), "until it looks again");
    other.app.catalog.sync().await.unwrap();
    assert_eq!(name(&other).await, "Two");
    // A write starts from what is stored, not from what was known.
    app.manage("PATCH", &path, json!({"description": "Kept"})).await;
    let both = other.manage("PATCH", &path, json!({"name": "Three"})).await;
    assert_eq!((&both["name"], &both["description"]), (&json!("Three"), &json!("Kept")));
}

/// What needs no database cannot tell that there is none.
#[tokio::test]
async fn reads_of_configuration_run_no_sql() {
    let app = TestApp::new().await;
    let role = roles(&app, 1).await.remove(0);
    let client = app.clients.management.client_id.clone();
    let connection = app.manage("GET", "/connections", Value::Null).await[0]["id"].clone();
    let grant = app.manage("GET", "/client-grants", Value::Null).await[0]["id"].clone();
    let token = app.management_token().await;
    app.app.store.close().await;
    for path in [
        format!("/roles/{role}"),
        format!("/clients/{client}"),
        format!("/connections/{}", connection.as_str().unwrap()),
        format!("/client-grants/{}", grant.as_str().unwrap()),
        super::api_path(),
        "/roles?take=5".to_owned(),
        "/clients?include_totals=true".to_owned(),
        "/client-grants?client_id=none&take=1".to_owned(),
        "/resource-servers?per_page=1&page=1".to_owned(),
        "/connections?name=nobody".to_owned(),
    ] {
        app.api_as(&token, "GET", &path, Value::Null).await.expect(200);
    }
    app.api_as(&token, "GET", "/roles/rol_none", Value::Null).await.expect(503);
}

/// One unreadable document does not take the list down, and is no 404 either.
#[tokio::test]
async fn an_unreadable_document_is_left_out_of_lists() {
    let app = TestApp::new().await;
    let change = Change::new(TENANT).insert(Kind::Role, "rol_bad", None, r#"{"id":7}"#);
    app.app.catalog.apply(change).await.unwrap();
    let expected = roles(&app, 2).await;
    assert_eq!(
        ids(app.manage("GET", "/roles?take=9", Value::Null).await["roles"].as_array().unwrap()),
        expected
    );
    app.api("GET", "/roles/rol_bad", Value::Null).await.expect(500);
}
