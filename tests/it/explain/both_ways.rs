//! Who and what can obtain a scope, and everything that a user or an application can.

use serde_json::{Value, json};

use super::scope;
use crate::management::escaped;
use crate::support::*;

impl TestApp {
    async fn listed(&self, path: &str) -> Value {
        self.own("GET", path, &Value::Null).await.expect(200).json()
    }

    async fn table(&self, path: &str) -> Answer {
        let token = self.management_token().await;
        let call = Call::get(&format!("/api/chancery/v1{path}")).bearer(&token).header("accept", "text/csv");
        self.send(call).await
    }
}

pub(super) fn who(kind: &str, scope: &str) -> String {
    format!("/explain/{kind}?audience={}&scope={}", escaped(API), escaped(scope))
}

fn ids<'a>(list: &'a Value, member: &str, id: &str) -> Vec<&'a str> {
    list[member].as_array().unwrap().iter().map(|item| item[id].as_str().unwrap()).collect()
}

#[tokio::test]
async fn users_through_roles_directly_and_in_organizations() {
    for app in engines().await {
        let jane = app.jane().await;
        let told = app.listed(&who("users", "read:contacts")).await;
        assert_eq!((&told["defined"], &told["everybody"]), (&json!(true), &json!(false)));
        let users = told["users"].as_array().unwrap();
        assert_eq!(users.len(), 2, "{told:#}");
        assert_eq!((&users[0]["user_id"], &users[0]["email"]), (&json!(jane), &json!("jane@example.com")));
        assert_eq!(users[0]["through"][0]["role"]["name"], "Contacts Reader");
        let told = app.listed(&who("users", "delete:contacts")).await;
        assert_eq!(told["users"].as_array().unwrap().len(), 1, "Sam alone");

        let permission = json!({"permissions": [{"resource_server_identifier": API, "permission_name": "delete:contacts"}]});
        app.manage("POST", &format!("/users/{}/permissions", segment(&jane)), permission).await;
        let organization = app.manage("POST", "/organizations", json!({"name": "acme"})).await;
        let path = format!("/organizations/{}/members", organization["id"].as_str().unwrap());
        app.manage("POST", &path, json!({"members": [jane]})).await;
        let roles = app.manage("GET", "/roles?name_filter=Contacts%20Admin", Value::Null).await;
        let role = json!({"roles": [roles[0]["id"]]});
        app.manage("POST", &format!("{path}/{}/roles", segment(&jane)), role).await;
        let told = app.listed(&who("users", "delete:contacts")).await;
        let ways = &told["users"][0]["through"];
        assert_eq!(ways[0], json!({"through": "direct"}));
        assert_eq!(
            (&ways[1]["organization_id"], &ways[1]["organizations"]),
            (&organization["id"], &json!(1))
        );

        // The other way round, the same.
        let told = app.listed(&format!("/explain/users/{}", segment(&jane))).await;
        let rows: Vec<(&str, &str)> = told["access"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["audience"] == API)
            .map(|row| (row["scope"].as_str().unwrap(), row["through"].as_str().unwrap()))
            .collect();
        let expected = [
            ("delete:contacts", "direct"),
            ("delete:contacts", "role"),
            ("read:contacts", "role"),
            ("read:contacts", "role"),
        ];
        assert_eq!(rows, expected, "{told:#}");

        // An API that asks nobody for a permission.
        app.set_api(json!({"enforce_policies": false})).await;
        let told = app.listed(&who("users", "read:contacts")).await;
        assert_eq!((&told["everybody"], &told["users"]), (&json!(true), &json!([])));
        let told = app.listed(&who("users", "nothing")).await;
        assert_eq!((&told["defined"], &told["everybody"]), (&json!(false), &json!(false)));
    }
}

/// What is listed is what the judge says of each.
#[tokio::test]
async fn applications_through_grants() {
    let app = TestApp::new().await;
    let told = app.listed(&who("applications", "read:contacts")).await;
    let [spa, web, m2m] = [&app.clients.spa, &app.clients.web, &app.clients.m2m].map(|c| c.client_id.clone());
    let listed = ids(&told, "applications", "client_id");
    assert!([&spa, &web, &m2m].iter().all(|id| listed.contains(&id.as_str())), "{told:#}");
    let of = |told: &Value, id: &str| {
        let found = told["applications"].as_array().unwrap().iter().find(|c| c["client_id"] == id);
        found.map(|c| c["through"].clone())
    };
    let by = of(&told, &m2m).unwrap();
    assert_eq!(
        (&by[0]["through"], &by[0]["subject_type"], &by[1]),
        (&json!("client_grant"), &json!("client"), &Value::Null)
    );
    assert_eq!(of(&told, &spa).unwrap(), json!([{"through": "open_api", "subject_type": "user"}]));
    let told = app.listed(&who("applications", "delete:contacts")).await;
    assert_eq!(of(&told, &m2m), None, "its grant has no such scope");
    app.set_api(json!({"subject_type_authorization": {"user": {"policy": "require_client_grant"}}})).await;
    let told = app.listed(&who("applications", "delete:contacts")).await;
    assert_eq!(told["applications"], json!([]));
    let grant =
        json!({"client_id": web, "audience": API, "subject_type": "user", "scope": ["delete:contacts"]});
    let grant = app.manage("POST", "/client-grants", grant).await;
    let told = app.listed(&who("applications", "delete:contacts")).await;
    assert_eq!(of(&told, &web).unwrap()[0]["client_grant_id"], grant["id"]);

    let told = app.listed(&format!("/explain/applications/{web}")).await;
    let here: Vec<&Value> =
        told["access"].as_array().unwrap().iter().filter(|row| row["audience"] == API).collect();
    assert_eq!(here.len(), 1, "{told:#}");
    assert_eq!((&here[0]["scope"], &here[0]["client_grant_id"]), (&json!("delete:contacts"), &grant["id"]));
    let told = app.what_if("delete:contacts", &json!({})).await;
    assert_eq!(scope(&told, "delete:contacts")["granted"], true);
    // Reserved names are nobody's access.
    assert_eq!(app.listed(&who("applications", "openid")).await["applications"], json!([]));
}

#[tokio::test]
async fn page_by_page() {
    let app = TestApp::new().await;
    let whole = app.listed(&who("applications", "read:contacts")).await;
    let mut walked = Vec::new();
    let mut from = String::new();
    loop {
        let part = app
            .listed(&format!("{}&take=1&from={}", who("applications", "read:contacts"), escaped(&from)))
            .await;
        walked.extend(part["applications"].as_array().unwrap().clone());
        match part["next"].as_str() {
            Some(next) => next.clone_into(&mut from),
            None => break,
        }
    }
    assert_eq!(Value::Array(walked), whole["applications"]);
    let first = app.listed(&format!("{}&take=1", who("users", "read:contacts"))).await;
    let next = first["next"].as_str().unwrap();
    let second =
        app.listed(&format!("{}&take=1&from={}", who("users", "read:contacts"), escaped(next))).await;
    assert_eq!((ids(&second, "users", "user_id").len(), &second["next"]), (1, &Value::Null));
    assert_ne!(first["users"], second["users"]);
    let path = format!("/explain/applications/{}", app.clients.management.client_id);
    let part = app.listed(&format!("{path}?take=2")).await;
    let rest = app.listed(&format!("{path}?take=1000&from={}", part["next"].as_str().unwrap())).await;
    assert!(rest["access"].as_array().unwrap().len() > 100 && part["access"].as_array().unwrap().len() == 2);
}

#[tokio::test]
async fn tables_hold_no_formulas() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let role = json!({"name": "=HYPERLINK(\"https://evil.example\",\"click\")"});
    let role = app.manage("POST", "/roles", role).await;
    let permission =
        json!({"permissions": [{"resource_server_identifier": API, "permission_name": "delete:contacts"}]});
    app.manage("POST", &format!("/roles/{}/permissions", role["id"].as_str().unwrap()), permission).await;
    app.manage("POST", &format!("/users/{}/roles", segment(&jane)), json!({"roles": [role["id"]]})).await;
    let answer = app.table(&who("users", "delete:contacts")).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(answer.header("content-disposition").unwrap().starts_with("attachment"));
    let lines: Vec<&str> = answer.body.lines().collect();
    assert_eq!(lines[0], "user_id,email,through,role_id,role_name,organization_id,organizations");
    assert!(lines[1].starts_with(&format!("{jane},jane@example.com,role,rol_")), "{answer:?}");
    assert!(lines[1].contains(",\"'=HYPERLINK(\"\"https://evil.example\"\",\"\"click\"\")\","), "{answer:?}");
    let answer = app.table(&format!("{}&take=1", who("users", "read:contacts"))).await.expect(200);
    let link = answer.header("link").unwrap();
    assert!(
        link.starts_with("<?audience=https%3A%2F%2Fcontacts") && link.contains("&from=auth0%7C"),
        "{link}"
    );
    for path in [
        format!("/explain/users/{}", segment(&jane)),
        format!("/explain/applications/{}", app.clients.web.client_id),
        who("applications", "read:contacts"),
    ] {
        let answer = app.table(&path).await.expect(200);
        assert!(answer.body.lines().count() > 1 && !answer.body.contains('{'), "{answer:?}");
    }
    // Errors stay what they are.
    let answer = app.table(&who("users", "")).await.expect(400);
    assert_eq!(answer.json()["errorCode"], "invalid_query_string");
}

#[tokio::test]
async fn who_may_be_told_and_what_is_not_there() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let organization = app.manage("POST", "/organizations", json!({"name": "acme"})).await;
    let path = format!("/organizations/{}/members", organization["id"].as_str().unwrap());
    app.manage("POST", &path, json!({"members": [jane]})).await;
    let roles = app.manage("GET", "/roles?name_filter=Contacts%20Admin", Value::Null).await;
    app.manage("POST", &format!("{path}/{}/roles", segment(&jane)), json!({"roles": [roles[0]["id"]]})).await;
    let token = app.token_with(&["read:resource_servers", "read:users", "read:roles"]).await;
    for path in [who("users", "delete:contacts"), format!("/explain/users/{}", segment(&jane))] {
        let answer = app.own_as(&token, "GET", &path, &Value::Null).await.expect(200);
        assert!(
            !answer.body.contains("organization_id"),
            "organizations are for those who may read them: {answer:?}"
        );
    }
    for (path, status) in [
        ("/explain/users?audience=https%3A%2F%2Fno.example&scope=x".to_owned(), 404),
        ("/explain/applications?audience=x&scope=x".to_owned(), 404),
        ("/explain/users/nobody".to_owned(), 404),
        ("/explain/applications/nobody".to_owned(), 404),
        ("/explain/users".to_owned(), 400),
        (format!("{}&take=0", who("users", "x")), 400),
        (format!("{}&take=1001", who("users", "x")), 400),
        (format!("{}&from=%00", who("users", "x")), 400),
        (format!("/explain/users/{}?from=x", segment(&jane)), 400),
        (format!("/explain/users/{}?from=18446744073709551615", segment(&jane)), 400),
        // `{}` and `["~"]`: no key at all, and one behind everything.
        (format!("/explain/users/{}?from=e30", segment(&jane)), 400),
        (format!("/explain/users/{}?from=WyJ-Il0", segment(&jane)), 200),
        (format!("{}&from=%F0%9F%92%A9", who("users", "read:contacts")), 200),
    ] {
        app.own("GET", &path, &Value::Null).await.expect(status);
    }
}
