//! `POST /explain`.

use serde_json::{Value, json};

use super::{chain, fixes, scope};
use crate::support::*;

#[tokio::test]
async fn a_scope_has_the_role_that_gives_it() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let told = app.what_if("openid read:contacts delete:contacts", &json!({"user_id": jane})).await;
    assert_eq!((&told["decision"], &told["scope"]), (&json!("issued"), &json!("openid read:contacts")));
    assert_eq!(told["audience"], API);
    assert_eq!(told["consent"], "first");
    assert_eq!(
        chain(&told, "read:contacts"),
        ["api:on_api", "application:open_api", "user:role", "consent:consent_needed"]
    );
    let roles = app.manage("GET", &format!("/users/{}/roles", segment(&jane)), Value::Null).await;
    let role = &scope(&told, "read:contacts")["reasons"][2]["role"];
    assert_eq!((&role["id"], &role["name"]), (&roles[0]["id"], &json!("Contacts Reader")));
    // What Jane lacks, the admin's role has.
    assert_eq!(
        chain(&told, "delete:contacts"),
        ["api:on_api", "application:open_api", "!user:not_permitted_to_user"]
    );
    let fix = &fixes(&told, "delete:contacts")[0];
    assert_eq!((&fix["kind"], &fix["user_id"]), (&json!("permit_user"), &json!(jane)));
    assert_eq!(fix["roles"][0]["name"], "Contacts Admin");
    // What she could have had beside it.
    assert_eq!(told["available"], json!(["profile", "email", "address", "phone", "offline_access"]));
}

/// Nobody signs in to a machine, so nobody has to say which flow is meant.
#[tokio::test]
async fn a_machine_is_asked_about_in_its_own_name() {
    let app = TestApp::new().await;
    let m2m = &app.clients.m2m.client_id;
    let told = app.what_if("read:contacts", &json!({ "client_id": m2m })).await;
    assert_eq!((&told["flow"], &told["scope"]), (&json!("client_credentials"), &json!("read:contacts")));
    let told = app.what_if("read:contacts", &json!({ "client_id": m2m, "flow": "authorization_code" })).await;
    assert_eq!(told["decision"], "denied", "what was said counts");
    let told = app.what_if("read:contacts", &json!({})).await;
    assert_eq!(told["flow"], "authorization_code");
}

/// The fix that is offered is one that works.
#[tokio::test]
async fn the_fixes_lead_to_the_scope() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    app.set_api(json!({"subject_type_authorization": {"user": {"policy": "require_client_grant"}}})).await;
    let asked = json!({"user_id": jane});
    let told = app.what_if("delete:contacts new:contacts", &asked).await;
    assert_eq!((&told["decision"], &told["scope"]), (&json!("denied"), &json!("")));
    assert_eq!(
        (&told["denied"]["code"], &told["denied"]["error"]),
        (&json!("no_client_grant"), &json!("invalid_request"))
    );
    assert_eq!(chain(&told, "delete:contacts"), ["!request:request_refused"]);
    let fix = &told["denied"]["fix"];
    assert_eq!((&fix["kind"], &fix["subject_type"]), (&json!("create_client_grant"), &json!("user")));

    let grant = json!({"client_id": fix["client_id"], "audience": fix["audience"], "subject_type": "user", "scope": []});
    app.manage("POST", "/client-grants", grant).await;
    let told = app.what_if("delete:contacts new:contacts", &asked).await;
    assert_eq!(
        chain(&told, "delete:contacts"),
        ["api:on_api", "!application:outside_client_grant", "!user:not_permitted_to_user"]
    );
    assert_eq!(chain(&told, "new:contacts"), ["!api:not_on_api"]);
    assert_eq!(fixes(&told, "new:contacts")[0]["kind"], "add_scope_to_api");

    let [grant, permit] = &fixes(&told, "delete:contacts")[..] else { panic!("{told:#}") };
    let path = format!("/client-grants/{}", grant["client_grant_id"].as_str().unwrap());
    app.manage("PATCH", &path, json!({"scope": [grant["scope"]]})).await;
    let roles = json!({"roles": [permit["roles"][0]["id"]]});
    app.manage("POST", &format!("/users/{}/roles", segment(&jane)), roles).await;
    let told = app.what_if("delete:contacts", &asked).await;
    assert_eq!(told["scope"], "delete:contacts");
    let id = &scope(&told, "delete:contacts")["reasons"][1]["client_grant_id"];
    assert_eq!(id, &grant["client_grant_id"]);
    assert_eq!(app.sign_in("delete:contacts").await["scope"], "delete:contacts");
}

#[tokio::test]
async fn machines_have_their_grant() {
    let app = TestApp::new().await;
    let own = json!({"client_id": app.clients.m2m.client_id, "flow": "client_credentials"});
    let told = app.what_if("", &own).await;
    assert_eq!((&told["scope"], &told["consent"]), (&json!("read:contacts"), &json!("not_in_flow")));
    assert_eq!(chain(&told, "read:contacts"), ["api:on_api", "application:client_grant"]);
    let told = app.what_if("read:contacts delete:contacts openid", &own).await;
    assert_eq!((&told["denied"]["code"], &told["permissions"]), (&json!("scopes_not_granted"), &Value::Null));
    assert_eq!(told["denied"]["text"], "Client has not been granted scopes: delete:contacts, openid");
    assert_eq!(scope(&told, "read:contacts")["code"], "request_refused");
    assert_eq!(fixes(&told, "delete:contacts")[0]["kind"], "extend_client_grant");
    assert_eq!(chain(&told, "openid"), ["!flow:no_user_in_flow"]);
}

/// Without a user it is told what users can have who hold everything.
#[tokio::test]
async fn a_user_flow_without_a_user() {
    let app = TestApp::new().await;
    let told = app.what_if("delete:contacts", &json!({})).await;
    assert_eq!((&told["scope"], &told["permissions"]), (&json!("delete:contacts"), &Value::Null));
    assert!(chain(&told, "delete:contacts").contains(&"user:permission_needed".to_owned()));
    let link = &scope(&told, "delete:contacts")["reasons"][2];
    assert_eq!(link["fix"]["roles"][0]["name"], "Contacts Admin");
}

#[tokio::test]
async fn consent_is_recorded_skipped_or_due() {
    let app = TestApp::new().await;
    let asked = json!({"user_id": app.jane().await});
    app.sign_in("openid read:contacts").await;
    let told = app.what_if("openid read:contacts", &asked).await;
    assert_eq!(told["consent"], "recorded");
    assert_eq!(chain(&told, "read:contacts").last().unwrap(), "consent:consented");
    let told = app.what_if("openid read:contacts profile", &asked).await;
    assert_eq!(told["consent"], "more_wanted");
    assert_eq!(told["scope"], "openid read:contacts profile", "what comes of it when the user agrees");
    app.set_api(json!({"skip_consent_for_verifiable_first_party_clients": true})).await;
    let told = app.what_if("profile", &json!({"user_id": app.jane().await, "redirect_uri": CALLBACK})).await;
    assert_eq!(chain(&told, "profile"), ["flow:standard", "consent:consent_skipped"]);
}

#[tokio::test]
async fn refusals_say_what_is_in_the_way() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let refused = async |more: Value| {
        let told = app.what_if("read:contacts", &more).await;
        assert_eq!((&told["decision"], &told["scope"]), (&json!("denied"), &json!("")), "{told:#}");
        assert_eq!((&told["available"], &told["permissions"]), (&json!([]), &Value::Null));
        assert!(told["scopes"].as_array().unwrap().iter().all(|scope| scope["granted"] == false), "{told:#}");
        let code = told["denied"]["code"].as_str().unwrap().to_owned();
        (code, told["denied"]["fix"]["kind"].as_str().unwrap_or_default().to_owned())
    };
    let pair = |code: &str, fix: &str| (code.to_owned(), fix.to_owned());
    let spa = &app.clients.spa.client_id;
    assert_eq!(refused(json!({"audience": "https://no.example"})).await, pair("no_such_api", "create_api"));
    assert_eq!(
        refused(json!({"client_id": spa, "flow": "password", "user_id": jane})).await,
        pair("grant_type_not_allowed", "allow_grant_type")
    );
    assert_eq!(
        refused(json!({"client_id": spa, "flow": "client_credentials"})).await,
        pair("grant_type_not_allowed", "allow_grant_type")
    );
    let organization = app.manage("POST", "/organizations", json!({"name": "acme"})).await;
    let there = json!({"user_id": jane, "organization": organization["id"]});
    assert_eq!(refused(there.clone()).await, pair("organization_not_for_application", "allow_organizations"));
    app.set_web(json!({"organization_usage": "allow"})).await;
    assert_eq!(
        refused(there.clone()).await,
        pair("organization_connection_not_enabled", "enable_organization_connection")
    );
    let connections = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let path = format!("/organizations/{}", organization["id"].as_str().unwrap());
    let enabled = json!({"connection_id": connections[0]["id"], "assign_membership_on_login": false});
    app.manage("POST", &format!("{path}/enabled_connections"), enabled).await;
    assert_eq!(refused(there.clone()).await, pair("not_a_member", "add_member"));
    let members = format!("{path}/members");
    app.manage("POST", &members, json!({"members": [jane]})).await;
    // Whoever is a member no more is told of the refresh token what the token endpoint says.
    let ask = app.ask("openid offline_access").and("organization", organization["id"].as_str().unwrap());
    let tokens = app.redeem(&app.code_for(&ask).await).await.expect(200).json();
    app.manage("DELETE", &members, json!({"members": [jane]})).await;
    let answer = app.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await.expect(403).json();
    let again = json!({"user_id": jane, "organization": organization["id"], "flow": "refresh_token"});
    let told = app.what_if("openid", &again).await;
    assert_eq!(
        (&told["denied"]["code"], &told["denied"]["error"]),
        (&json!("not_a_member"), &answer["error"])
    );
    app.manage("POST", &members, json!({"members": [jane]})).await;
    // Roles of the tenant do not count there.
    let told = app.what_if("read:contacts", &there).await;
    assert_eq!((&told["decision"], &told["scope"]), (&json!("issued"), &json!("")));
    assert_eq!(told["organization_id"], organization["id"]);
    app.set_web(json!({"organization_usage": "require", "organization_require_behavior": "no_prompt"})).await;
    assert_eq!(refused(json!({"user_id": jane})).await, pair("no_organization_named", "name_organization"));
    app.set_web(json!({"organization_usage": "deny"})).await;
    app.manage("PATCH", &format!("/users/{}", segment(&jane)), json!({"blocked": true})).await;
    assert_eq!(refused(json!({"user_id": jane})).await, pair("user_blocked", "unblock_user"));
    app.manage("PATCH", &format!("/users/{}", segment(&jane)), json!({"blocked": false})).await;
    let path = format!("/connections/{}", connections[0]["id"].as_str().unwrap());
    app.manage("PATCH", &path, json!({"enabled_clients": [spa]})).await;
    assert_eq!(refused(json!({"user_id": jane})).await, pair("connection_not_enabled", "enable_connection"));
}

#[tokio::test]
async fn who_may_be_told_what() {
    let app = TestApp::new().await;
    let base = ["read:clients", "read:resource_servers", "read:client_grants"];
    let token = app.token_with(&base).await;
    let mut body =
        json!({"client_id": app.clients.web.client_id, "audience": API, "scope": "delete:contacts"});
    let told = app.own_as(&token, "POST", "/explain", &body).await.expect(200);
    assert!(!told.body.contains("Contacts Admin"), "roles are for those who may read them: {told:?}");
    body["user_id"] = app.jane().await.into();
    let answer = app.own_as(&token, "POST", "/explain", &body).await;
    answer.is_problem(403, Some("insufficient_scope"), "Insufficient scope, missing: read:users,read:roles");
    body["organization"] = "acme".into();
    let token = app.token_with(&[&base[..], &["read:users", "read:roles"]].concat()).await;
    let answer = app.own_as(&token, "POST", "/explain", &body).await;
    answer.is_problem(403, Some("insufficient_scope"), "Insufficient scope, missing: read:organizations");
}

#[tokio::test]
async fn what_is_not_there_and_hostile_words() {
    let app = TestApp::new().await;
    let web = app.clients.web.client_id.clone();
    for (body, code) in [
        (json!({"client_id": "nobody"}), "inexistent_client"),
        (json!({"client_id": web, "user_id": "auth0|nobody"}), "inexistent_user"),
        (json!({"client_id": web, "organization": "org_nothing"}), "inexistent_organization"),
    ] {
        let answer = app.own("POST", "/explain", &body).await.expect(404);
        assert_eq!(answer.json()["errorCode"], code);
    }
    for body in [
        json!({}),
        json!({"client_id": web, "flow": "magic"}),
        json!({"client_id": web, "scope": ["read:contacts"]}),
        json!({"client_id": web, "scope": "x".repeat(20_000)}),
        json!({"client_id": web, "user": "auth0|x"}),
        json!({"client_id": "a\u{0}b"}),
    ] {
        let answer = app.own("POST", "/explain", &body).await.expect(400);
        assert_eq!(answer.json()["errorCode"], "invalid_body", "{answer:?}");
    }
    // As many as can be named, none of which there is.
    let many = (0..3000).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
    let told = app.what_if(&many[..16_000], &json!({"user_id": app.jane().await})).await;
    assert_eq!((&told["decision"], &told["scope"]), (&json!("issued"), &json!("")));
    assert_eq!(app.own("GET", "/explain", &Value::Null).await.status.as_u16(), 404);
}
