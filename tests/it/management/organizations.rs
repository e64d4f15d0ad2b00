//! `/organizations`: what belongs to them, who belongs to them, and what goes with them.

use serde_json::{Value, json};

use crate::support::*;

const NONE: &str = "No organization found by that id or name";

async fn organization(app: &TestApp, name: &str) -> String {
    let made = app.api("POST", "/organizations", json!({"name": name})).await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

async fn user(app: &TestApp, email: &str) -> String {
    let body = json!({"connection": CONNECTION, "email": email, "password": "Correct-Horse-7"});
    app.manage("POST", "/users", body).await["user_id"].as_str().unwrap().to_owned()
}

/// As it stands in a path.
fn escaped(id: &str) -> String {
    id.replace('|', "%7C")
}

#[tokio::test]
async fn life_of_an_organization() {
    let app = TestApp::new().await;
    let body = json!({"name": "acme", "display_name": "Acme Inc.", "metadata": {"plan": "gold"}});
    let made = app.api("POST", "/organizations", body).await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("org_") && id.len() == 20, "{id}");
    assert_eq!(
        made,
        json!({"id": id, "name": "acme", "display_name": "Acme Inc.", "metadata": {"plan": "gold"},
            "third_party_client_access": "block", "is_app_entitlement_active": false})
    );
    let path = format!("/organizations/{id}");
    assert_eq!(app.manage("GET", &path, Value::Null).await, made);
    assert_eq!(app.manage("GET", "/organizations/name/acme", Value::Null).await, made);
    app.api("GET", "/organizations/name/nobody", Value::Null).await.is_problem(404, None, NONE);

    let after = app.manage("PATCH", &path, json!({"is_app_entitlement_active": true})).await;
    assert_eq!(
        (&after["is_app_entitlement_active"], &after["display_name"]),
        (&json!(true), &json!("Acme Inc."))
    );
    organization(&app, "zebra").await;
    let taken = "An organization with this name already exists.";
    app.api("POST", "/organizations", json!({"name": "acme"})).await.is_problem(409, Some("conflict"), taken);
    app.api("PATCH", &path, json!({"name": "zebra"})).await.is_problem(409, Some("conflict"), taken);

    let names = async |query: &str| -> Vec<String> {
        let all = app.manage("GET", &format!("/organizations{query}"), Value::Null).await;
        let list = all.get("organizations").unwrap_or(&all).as_array().unwrap().clone();
        list.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("?sort=name:1").await, ["acme", "zebra"]);
    assert_eq!(names("?sort=name:-1&take=1").await, ["zebra"]);
    assert_eq!(names("?include_totals=true&per_page=1").await.len(), 1);
    app.api("GET", "/organizations?sort=secret:1", Value::Null).await.expect(400);

    app.api("DELETE", &path, Value::Null).await.expect(204);
    app.api("DELETE", &path, Value::Null).await.is_problem(404, None, NONE);
    app.api("GET", &path, Value::Null).await.is_problem(404, None, NONE);
    organization(&app, "acme").await;
}

#[tokio::test]
async fn names_and_looks_are_checked() {
    let app = TestApp::new().await;
    for name in ["", "Acme", "a b", "-a", "_a", "ä", &"a".repeat(51)] {
        app.api("POST", "/organizations", json!({"name": name})).await.expect(400);
    }
    let with = |branding: Value| json!({"name": "acme", "branding": branding});
    for branding in [
        json!({"logo_url": "javascript:alert(1)"}),
        json!({"logo_url": "http://x.example/a.png"}),
        json!({"colors": {"primary": "red", "page_background": "#ffffff"}}),
        json!({"colors": {"primary": "#ffffff"}}),
    ] {
        app.api("POST", "/organizations", with(branding)).await.expect(400);
    }
    let good = json!({"colors": {"primary": "#57ddff", "page_background": "#fff"}});
    app.api("POST", "/organizations", with(good)).await.expect(201);
}

#[tokio::test]
async fn connections() {
    let app = TestApp::new().await;
    let path = format!("/organizations/{}", organization(&app, "acme").await);
    let new = json!({"strategy": "auth0", "name": "Partners"});
    let database = app.manage("POST", "/connections", new).await["id"].as_str().unwrap().to_owned();
    let new = json!({"strategy": "okta", "name": "Works", "options": {"client_id": "x", "issuer": "https://x.okta.com"}});
    let okta = app.manage("POST", "/connections", new).await["id"].as_str().unwrap().to_owned();

    let newer = format!("{path}/connections");
    let added = app.api("POST", &newer, json!({"connection_id": database})).await.expect(201).json();
    let mut wanted = json!({"connection_id": database, "assign_membership_on_login": false, "show_as_button": true,
        "is_signup_enabled": false, "is_enabled": true, "organization_access_level": "none",
        "connection": {"name": "Partners", "strategy": "auth0"}});
    assert_eq!(added, wanted);
    app.api("POST", &newer, json!({"connection_id": database})).await.expect(409);
    let missing = app.api("POST", &newer, json!({"connection_id": "con_0000000000000000"})).await;
    missing.is_problem(404, None, "No connection found by that id");

    let one = format!("{newer}/{database}");
    let refused = app.api("PATCH", &one, json!({"is_signup_enabled": true})).await;
    let text =
        "Only database connections with assign_membership_on_login = true support is_signup_enabled = true.";
    refused.is_problem(400, Some("invalid_body"), text);
    let both = json!({"is_signup_enabled": true, "assign_membership_on_login": true});
    let after = app.manage("PATCH", &one, both).await;
    wanted["is_signup_enabled"] = true.into();
    wanted["assign_membership_on_login"] = true.into();
    assert_eq!(after, wanted);

    let older = format!("{path}/enabled_connections");
    let added = app.api("POST", &older, json!({"connection_id": okta})).await.expect(201).json();
    assert_eq!(
        added,
        json!({"connection_id": okta, "assign_membership_on_login": false, "show_as_button": true,
            "connection": {"name": "Works", "strategy": "okta"}})
    );
    app.manage("PATCH", &format!("{newer}/{okta}"), json!({"is_enabled": false})).await;
    let count = async |path: &str| app.manage("GET", path, Value::Null).await["total"].clone();
    assert_eq!(count(&format!("{newer}?include_totals=true")).await, 2);
    assert_eq!(count(&format!("{newer}?include_totals=true&is_enabled=true")).await, 1);
    assert_eq!(
        count(&format!("{older}?include_totals=true")).await,
        1,
        "the older name knows the enabled ones"
    );
    app.api("GET", &format!("{older}/{okta}"), Value::Null).await.expect(404);

    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("DELETE", &format!("/connections/{okta}"), Value::Null).await.expect(202);
    assert_eq!(count(&format!("{newer}?include_totals=true")).await, 0, "a deleted connection is not shown");
}

#[tokio::test]
async fn members_and_their_roles() {
    let app = TestApp::new().await;
    let id = organization(&app, "acme").await;
    let path = format!("/organizations/{id}/members");
    let (ann, bob) = (user(&app, "ann@example.com").await, user(&app, "bob@example.com").await);
    app.api("POST", &path, json!({"members": [ann, bob]})).await.expect(204);
    app.api("POST", &path, json!({"members": [ann]})).await.expect(204);
    app.api("POST", &path, json!({"members": ["auth0|nobody"]})).await.expect(404);
    let list = app.manage("GET", &format!("{path}?include_totals=true"), Value::Null).await;
    assert_eq!((&list["total"], list["members"].as_array().unwrap().len()), (&json!(2), 2));
    let list = app.manage("GET", &format!("{path}?fields=user_id&take=1"), Value::Null).await;
    let first = list["members"][0].clone();
    assert_eq!(first.as_object().unwrap().len(), 1);
    let next = list["next"].as_str().unwrap();
    let list = app.manage("GET", &format!("{path}?fields=user_id&take=1&from={next}"), Value::Null).await;
    assert_ne!(list["members"][0], first);
    let of_ann = format!("/users/{}/organizations", escaped(&ann));
    assert_eq!(app.manage("GET", &of_ann, Value::Null).await[0]["id"], id.as_str());

    let role =
        app.manage("POST", "/roles", json!({"name": "Clerk"})).await["id"].as_str().unwrap().to_owned();
    let roles = format!("{path}/{}/roles", escaped(&ann));
    app.api("POST", &roles, json!({"roles": [role]})).await.expect(204);
    let held = app.manage("GET", &roles, Value::Null).await;
    assert_eq!(held, json!([{"id": role, "name": "Clerk", "description": ""}]));
    let effective =
        app.manage("GET", &format!("{path}/{}/effective-roles", escaped(&ann)), Value::Null).await;
    assert_eq!(effective["roles"][0]["sources"], json!(["direct"]));
    let held = app.manage("GET", &format!("/organizations/{id}/roles/{role}/members"), Value::Null).await;
    assert_eq!(held["members"][0]["user_id"], ann.as_str());
    assert_eq!(
        app.manage("GET", &format!("/users/{}/roles", escaped(&ann)), Value::Null).await,
        json!([]),
        "a role held in an organization is not held elsewhere"
    );
    let stranger = user(&app, "cid@example.com").await;
    let not_his = format!("{path}/{}/roles", escaped(&stranger));
    let said = "The user is not a member of the organization.";
    app.api("POST", &not_his, json!({"roles": [role]})).await.is_problem(
        404,
        Some("inexistent_member"),
        said,
    );
    let other = organization(&app, "zebra").await;
    let foreign = json!({"name": "Theirs", "type": "organization", "owner_id": other});
    let foreign = app.manage("POST", "/roles", foreign).await["id"].as_str().unwrap().to_owned();
    app.api("POST", &roles, json!({"roles": [foreign]})).await.expect(404);

    // Who leaves and comes back has no roles, and neither has who was given one that is gone.
    app.api("DELETE", &path, json!({"members": [ann]})).await.expect(204);
    app.api("GET", &roles, Value::Null).await.expect(404);
    app.api("POST", &path, json!({"members": [ann]})).await.expect(204);
    assert_eq!(app.manage("GET", &roles, Value::Null).await, json!([]));
    app.api("POST", &roles, json!({"roles": [role]})).await.expect(204);
    app.api("DELETE", &format!("/roles/{role}"), Value::Null).await.expect(200);
    assert_eq!(app.manage("GET", &roles, Value::Null).await, json!([]));
    app.api("DELETE", &format!("/users/{}", escaped(&bob)), Value::Null).await.expect(204);
    assert_eq!(app.manage("GET", &path, Value::Null).await.as_array().unwrap().len(), 1);
    app.api("DELETE", &format!("/organizations/{id}"), Value::Null).await.expect(204);
    assert_eq!(app.manage("GET", &of_ann, Value::Null).await, json!([]));
}

#[tokio::test]
async fn applications_grants_and_domains() {
    let app = TestApp::new().await;
    let id = organization(&app, "acme").await;
    let path = format!("/organizations/{id}");
    let new = json!({"name": "Robot", "app_type": "non_interactive", "grant_types": ["client_credentials"]});
    let client = app.manage("POST", "/clients", new).await["client_id"].as_str().unwrap().to_owned();

    let clients = format!("{path}/clients");
    let body = json!({"clients": [{"client_id": client, "use_for_member_access": true}]});
    let added = app.api("POST", &clients, body).await.expect(201).json();
    assert_eq!(
        added,
        json!([{"client_id": client, "use_for_member_access": true,
            "client": {"name": "Robot", "is_first_party": true, "grant_types": ["client_credentials"]}}])
    );
    let one = format!("{clients}/{client}");
    assert_eq!(
        app.manage("PATCH", &one, json!({"use_for_member_access": false})).await["use_for_member_access"],
        false
    );
    assert_eq!(app.manage("GET", &clients, Value::Null).await["clients"][0]["client_id"], client.as_str());
    let body = json!({"clients": [{"client_id": "nobody", "use_for_member_access": true}]});
    app.api("POST", &clients, body).await.expect(404);

    let grant = |usage: &str| json!({"client_id": client, "audience": API, "scope": ["read:contacts"], "organization_usage": usage});
    let denied = app.manage("POST", "/client-grants", grant("deny")).await["id"].as_str().unwrap().to_owned();
    let grants = format!("{path}/client-grants");
    app.api("POST", &grants, json!({"grant_id": denied})).await.expect(400);
    app.manage("PATCH", &format!("/client-grants/{denied}"), json!({"organization_usage": "allow"})).await;
    let added = app.api("POST", &grants, json!({"grant_id": denied})).await.expect(201).json();
    assert_eq!((&added["grant_id"], &added["audience"]), (&json!(denied), &json!(API)));
    app.api("POST", &grants, json!({"grant_id": denied})).await.expect(409);
    assert_eq!(app.manage("GET", &grants, Value::Null).await[0]["id"], denied.as_str());
    let of_grant = format!("/client-grants/{denied}/organizations");
    assert_eq!(app.manage("GET", &of_grant, Value::Null).await[0]["name"], "acme");
    app.api("DELETE", &format!("{grants}/{denied}"), Value::Null).await.expect(204);
    assert_eq!(app.manage("GET", &of_grant, Value::Null).await, json!([]));

    let domains = format!("{path}/discovery-domains");
    let made = app.api("POST", &domains, json!({"domain": "Acme.Example"})).await.expect(201).json();
    assert_eq!((&made["domain"], &made["status"]), (&json!("acme.example"), &json!("pending")));
    assert_eq!(made["verification_host"], format!("_ss-verification.{id}.acme.example"));
    app.api("POST", &domains, json!({"domain": "acme.example"})).await.expect(409);
    app.api("POST", &domains, json!({"domain": "not a domain"})).await.expect(400);
    let other = format!("/organizations/{}/discovery-domains", organization(&app, "zebra").await);
    app.api("POST", &other, json!({"domain": "acme.example"})).await.expect(409);
    app.api("POST", &domains, json!({"domain": "acme.test"})).await.expect(201);
    let page = app.manage("GET", &format!("{domains}?take=1"), Value::Null).await;
    assert_eq!(page["domains"], json!([made]));
    let next = format!("{domains}?take=1&from={}", page["next"].as_str().unwrap());
    let page = app.manage("GET", &next, Value::Null).await;
    assert_eq!((&page["domains"][0]["domain"], &page["next"]), (&json!("acme.test"), &Value::Null));
    let one = format!("{domains}/{}", made["id"].as_str().unwrap());
    assert_eq!(app.manage("PATCH", &one, json!({"status": "verified"})).await["status"], "verified");
    assert_eq!(
        app.manage("GET", &format!("{domains}/name/acme.example"), Value::Null).await["id"],
        made["id"]
    );
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("GET", &one, Value::Null).await.is_problem(404, None, "No organization domain found by that id");
    app.api("DELETE", &format!("/clients/{client}"), Value::Null).await.expect(204);
    assert_eq!(
        app.manage("GET", &clients, Value::Null).await["clients"],
        json!([]),
        "a deleted one is not shown"
    );
}
