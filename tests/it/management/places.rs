//! Searches among members of an organization and users of a role, under `/api/chancery/v1`.

use serde_json::{Value, json};

use crate::support::*;

/// An organization with three members, one of whom has no name, and a role that they have.
async fn places(app: &TestApp) -> (String, String) {
    let mut ids = Vec::new();
    for (name, email) in [
        (Some("Ada Lovelace"), "ada@x.example"),
        (None, "alan@x.example"),
        (Some("Grace"), "grace@y.example"),
    ] {
        let mut user = json!({
            "email": email, "password": "Correct-Horse-9-Battery", "connection": "Username-Password-Authentication",
            "app_metadata": {"salary": "100"},
        });
        if let Some(name) = name {
            user["name"] = name.into();
        }
        ids.push(app.manage("POST", "/users", user).await["user_id"].clone());
    }
    let organization = app.manage("POST", "/organizations", json!({"name": "acme"})).await;
    let role = app.manage("POST", "/roles", json!({"name": "Member"})).await;
    let [organization, role] = [&organization["id"], &role["id"]].map(|id| id.as_str().unwrap().to_owned());
    app.manage("POST", &format!("/organizations/{organization}/members"), json!({"members": ids})).await;
    app.manage("POST", &format!("/roles/{role}/users"), json!({"users": ids})).await;
    let path = format!("/organizations/{organization}/members/{}/roles", segment(ids[0].as_str().unwrap()));
    app.manage("POST", &path, json!({"roles": [role]})).await;
    (format!("/organizations/{organization}/members/search?q="), format!("/roles/{role}/users/search?q="))
}

fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn addresses(list: &Value) -> Vec<&str> {
    let list = list["members"].as_array().or_else(|| list["users"].as_array()).unwrap();
    let mut found: Vec<&str> = list.iter().map(|user| user["email"].as_str().unwrap()).collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn members_and_users_are_found() {
    for app in engines().await {
        let (members, users) = places(&app).await;
        for path in [&members, &users] {
            for (q, expected) in [
                ("", vec!["ada@x.example", "alan@x.example", "grace@y.example"]),
                ("ada*", vec!["ada@x.example"]),
                ("email.domain:x.example", vec!["ada@x.example", "alan@x.example"]),
                ("app_metadata.salary:100 AND NOT name:Grace", vec!["ada@x.example", "alan@x.example"]),
                ("sam*", vec![]),
            ] {
                let found =
                    app.own("GET", &format!("{path}{}", escaped(q)), &Value::Null).await.expect(200).json();
                assert_eq!(addresses(&found), expected, "{}: {path}{q}", app.engine);
            }
            let (mut walked, mut from) = (Vec::new(), String::new());
            loop {
                let part =
                    app.own("GET", &format!("{path}&take=1{from}"), &Value::Null).await.expect(200).json();
                walked.extend(addresses(&part).into_iter().map(str::to_owned));
                let Some(next) = part["next"].as_str() else { break };
                from = format!("&from={next}");
            }
            walked.sort_unstable();
            assert_eq!(walked, ["ada@x.example", "alan@x.example", "grace@y.example"]);
        }
        let found = app.own("GET", &format!("{members}ada*"), &Value::Null).await.expect(200).json();
        assert_eq!(found["members"][0]["roles"][0]["name"], "Member");
    }
}

#[tokio::test]
async fn a_search_tells_no_more_than_the_list() {
    let app = TestApp::new().await;
    let (members, users) = places(&app).await;
    let few = app.token_with(&["read:organization_members"]).await;
    let found = app.own_as(&few, "GET", &format!("{members}ada"), &Value::Null).await.expect(200).json();
    assert_eq!(addresses(&found), Vec::<&str>::new(), "the whole value, as everywhere");
    let found = app.own_as(&few, "GET", &format!("{members}ada*"), &Value::Null).await.expect(200).json();
    assert_eq!(addresses(&found), ["ada@x.example"]);
    for q in [
        "app_metadata.salary:100",
        "NOT app_metadata.salary:100",
        "name:Ada* AND blocked:true",
        "last_ip:1*",
        "organization_id:x",
    ] {
        let answer =
            app.own_as(&few, "GET", &format!("{members}{}", escaped(q)), &Value::Null).await.expect(403);
        assert_eq!(answer.json()["errorCode"], "insufficient_scope", "{q}");
    }
    for scopes in [&["read:roles"][..], &["read:users"], &["read:role_members", "read:roles"]] {
        let token = app.token_with(scopes).await;
        app.own_as(&token, "GET", &users, &Value::Null).await.expect(403);
        app.own_as(&token, "GET", &members, &Value::Null).await.expect(403);
    }
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let app = TestApp::new().await;
    let (members, users) = places(&app).await;
    for (path, status) in [
        ("/organizations/org_nothing/members/search".to_owned(), 404),
        ("/roles/rol_nothing/users/search".to_owned(), 404),
        (format!("{members}name%3A%5B"), 400),
        (format!("{users}(((("), 400),
        (format!("{members}&take=0"), 400),
        (format!("{members}&take=101"), 400),
        (format!("{users}&from=%21"), 400),
        (format!("{users}&from=AA"), 200),
        (format!("{users}{}", "a".repeat(8193)), 400),
    ] {
        app.own("GET", &path, &Value::Null).await.expect(status);
    }
}
