//! `GET /clients/search` and its like.

use serde_json::{Value, json};

use super::escaped;
use crate::support::*;

fn names(found: &Value, member: &str) -> Vec<String> {
    let items = found[member].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn both_notations_find_the_same() {
    let app = TestApp::new().await;
    for (name, kind) in [("Zebra", "spa"), ("Zebu", "spa"), ("Zenith", "native")] {
        app.manage("POST", "/clients", json!({"name": name, "app_type": kind})).await;
    }
    let ask = async |query: &str| app.manage("GET", &format!("/clients/search?{query}"), Value::Null).await;
    let scim = ask("parser=scim&sort=name&q=name+sw+%22ze%22+and+not+(app_type+eq+%22native%22)").await;
    assert_eq!(names(&scim, "clients"), ["Zebra", "Zebu"]);
    let lucene = ask("sort=name&q=name:ze*+AND+NOT+app_type:native").await;
    assert_eq!(names(&lucene, "clients"), ["Zebra", "Zebu"]);
    let first = ask("sort=name&q=name:ze*&take=2&fields=name").await;
    assert_eq!(
        first["clients"],
        json!([{"name": "Zebra", "tenant": "demo"}, {"name": "Zebu", "tenant": "demo"}])
    );
    let next = format!("sort=name&q=name:ze*&take=2&from={}", first["next"].as_str().unwrap());
    assert_eq!(names(&ask(&next).await, "clients"), ["Zenith"]);
    assert_eq!(
        names(&ask("sort=name&q=ZEB").await, "clients"),
        ["Zebra", "Zebu"],
        "a word alone is looked for within names"
    );
    app.api("GET", "/clients/search?q=name:", Value::Null).await.expect(400);
    app.api("GET", "/clients/search?parser=scim&q=name", Value::Null).await.expect(400);
    app.api("GET", "/clients/search?parser=sql", Value::Null).await.expect(400);
}

/// Searching is no way to guess what may not be read.
#[tokio::test]
async fn secrets_are_neither_shown_nor_found() {
    let app = TestApp::new().await;
    let found = app.manage("GET", "/clients/search?q=_exists_:client_secret", Value::Null).await;
    assert_eq!(found["clients"], json!([]));
    let found =
        app.manage("GET", "/resource-servers/search?parser=scim&q=signing_secret+pr", Value::Null).await;
    assert_eq!(found["resource_servers"], json!([]));
    let all = app.manage("GET", "/clients/search", Value::Null).await.to_string();
    assert!(!all.contains("client_secret\""), "{all}");
    let narrow = app.token_with(&["read:client_summary"]).await;
    let found = app.api_as(&narrow, "GET", "/clients/search?q=_exists_:grant_types", Value::Null).await;
    assert_eq!(found.expect(200).json()["clients"], json!([]));
    let other = app.token_with(&["read:clients"]).await;
    app.api_as(&other, "GET", "/organizations/search", Value::Null).await.expect(403);
}

#[tokio::test]
async fn organizations_grants_and_apis() {
    let app = TestApp::new().await;
    app.manage("POST", "/organizations", json!({"name": "acme", "display_name": "Acme Inc"})).await;
    let found = app.manage("GET", "/organizations/search?q=display_name:%22acme+inc%22", Value::Null).await;
    assert_eq!(names(&found, "organizations"), ["acme"]);
    let api = format!("parser=scim&q=identifier+eq+%22{}%22", escaped(API));
    let found = app.manage("GET", &format!("/resource-servers/search?{api}"), Value::Null).await;
    assert_eq!(found["resource_servers"][0]["identifier"], API);
    let audience = format!("parser=scim&q=audience+ew+%22{}%22", "%2Fapi%2Fv2%2F");
    let found = app.manage("GET", &format!("/client-grants/search?{audience}"), Value::Null).await;
    assert_eq!(found["client_grants"].as_array().unwrap().len(), 2, "of machines, and the dashboard's");
}

/// Applications are found through the organizations that their grants are good in, too.
#[tokio::test]
async fn applications_with_a_grant_in_an_organization() {
    let app = TestApp::new().await;
    let organization = app.manage("POST", "/organizations", json!({"name": "acme"})).await;
    let id = organization["id"].as_str().unwrap();
    let client = app.manage("POST", "/clients", json!({"name": "Machine"})).await;
    let grant = json!({"client_id": client["client_id"], "audience": API, "scope": [], "organization_usage": "allow"});
    let grant = app.manage("POST", "/client-grants", grant).await;
    let ask = async |id: &str| {
        let path = format!("/clients?q=client_grant.organization_id:{id}&take=50&fields=name");
        app.manage("GET", &path, Value::Null).await
    };
    assert_eq!(ask(id).await["clients"], json!([]));
    let given = json!({"grant_id": grant["id"]});
    app.manage("POST", &format!("/organizations/{id}/client-grants"), given).await;
    assert_eq!(names(&ask(id).await, "clients"), ["Machine"]);
    assert_eq!(ask("org_nobody").await["clients"], json!([]));
}
