//! `/connections`: databases of users.

use std::time::Duration;

use chancery_store::Batch;
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_new_database() {
    let app = TestApp::new().await;
    let body = json!({"name": "Staff", "strategy": "auth0", "options": {"disable_signup": true}});
    let connection = app.api("POST", "/connections", body.clone()).await.expect(201).json();
    assert!(connection["id"].as_str().unwrap().starts_with("con_"));
    assert_eq!(connection["options"]["disable_signup"], true);
    assert_eq!(connection["options"]["passwordPolicy"], "good");
    assert_eq!(connection["realms"], json!(["Staff"]));
    assert_eq!(connection["enabled_clients"], json!([]));
    app.api("POST", "/connections", body).await.expect(409);
    let found = app.manage("GET", "/connections?name=Staff&strategy=auth0", Value::Null).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    for bad in [
        json!({"name": "no spaces", "strategy": "auth0"}),
        json!({"name": "Staff2", "strategy": "nonsense"}),
        json!({"name": "Staff2", "strategy": "auth0", "options": {"passwordPolicy": "strongest"}}),
        json!({"name": "Staff2", "strategy": "auth0", "options": {"disable_signup": "true"}}),
    ] {
        app.api("POST", "/connections", bad).await.expect(400);
    }
}

/// A setting that cannot be read must never turn into the laxer default.
#[tokio::test]
async fn null_settings_do_not_open_sign_up() {
    let app = TestApp::new().await;
    let body = json!({"name": "Staff", "strategy": "auth0", "options": {"disable_signup": true, "passwordPolicy": null}});
    let connection = app.manage("POST", "/connections", body).await;
    let stored = app.app.catalog.snapshot(TENANT).await.unwrap();
    let stored = stored.connection(connection["id"].as_str().unwrap()).unwrap().settings();
    assert!(stored.disable_signup);
}

#[tokio::test]
async fn who_may_use_it() {
    let app = TestApp::new().await;
    let body = json!({"name": "Staff", "strategy": "auth0"});
    let connection = app.manage("POST", "/connections", body).await;
    let path = format!("/connections/{}/clients", connection["id"].as_str().unwrap());
    let web = app.clients.web.client_id.clone();
    app.api("PATCH", &path, json!([{"client_id": web, "status": true}])).await.expect(204);
    assert_eq!(app.manage("GET", &path, Value::Null).await, json!({"clients": [{"client_id": web}]}));
    app.api("PATCH", &path, json!([{"client_id": web, "status": false}])).await.expect(204);
    assert_eq!(app.manage("GET", &path, Value::Null).await, json!({"clients": []}));
    app.api("PATCH", &path, json!([{"client_id": "nobody", "status": true}])).await.expect(404);
}

#[tokio::test]
async fn its_users_go_with_it() {
    for app in engines().await {
        let token = app.management_token().await;
        let staff = app.manage("POST", "/connections", json!({"name": "Staff", "strategy": "auth0"})).await;
        let body =
            json!({"connection": "Staff", "email": "clerk@example.com", "password": "Correct-Horse-7"});
        let clerk = app.manage("POST", "/users", body).await;
        let path = format!("/connections/{}", staff["id"].as_str().unwrap());
        let gone = app.api_as(&token, "DELETE", &path, Value::Null).await.expect(202).json();
        assert!(gone["deleted_at"].is_string());
        let clerk = segment(clerk["user_id"].as_str().unwrap());
        app.api_as(&token, "GET", &format!("/users/{clerk}"), Value::Null).await.expect(404);
        app.jane().await;
        app.api_as(&token, "DELETE", &path, Value::Null).await.expect(204);
    }
}

/// More users than go in one commit, and two who want them gone.
#[tokio::test]
async fn hundreds_of_users_go_once_with_it() {
    for app in engines().await {
        let body = json!({"name": "Many", "strategy": "auth0"});
        let made = app.manage("POST", "/connections", body.clone()).await;
        let path = format!("/connections/{}", made["id"].as_str().unwrap());
        let before = app.manage("GET", "/users?include_totals=true&q=*", Value::Null).await["total"].clone();
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) \
                   INSERT INTO users (tenant, id, connection, created_ms, updated_ms, logins_count, doc) \
                   SELECT (SELECT id FROM tenants), 'auth0|many' || i, 'Many', 1, 1, 0, '{}' FROM n";
        app.app.store.commit(Batch::default().run(sql, Vec::new())).await.unwrap();

        let token = app.management_token().await;
        let delete = || app.api_as(&token, "DELETE", &path, Value::Null);
        let (one, other) = tokio::join!(delete(), delete());
        for answer in [&one, &other] {
            assert!([202, 204].contains(&answer.status.as_u16()), "{}: {}", app.engine, answer.body);
        }
        // An answer does not wait for long.
        let is_gone = async || app.api_as(&token, "GET", &path, Value::Null).await.status == 404;
        until(Duration::from_secs(60), is_gone).await;
        let left: Option<i64> = app
            .app
            .store
            .db()
            .query_one("SELECT COUNT(*) FROM users WHERE connection = 'Many'", Vec::new())
            .await
            .unwrap();
        assert_eq!(left, Some(0), "{}", app.engine);
        assert_eq!(app.manage("GET", "/users?include_totals=true&q=*", Value::Null).await["total"], before);
        // The name is free again.
        app.api_as(&token, "POST", "/connections", body).await.expect(201);
    }
}

#[tokio::test]
async fn a_user_by_address() {
    let app = TestApp::new().await;
    let all = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let path = format!("/connections/{}/users", all[0]["id"].as_str().unwrap());
    app.api("DELETE", &path, Value::Null).await.expect(400);
    app.api("DELETE", &format!("{path}?email=nobody@example.com"), Value::Null).await.expect(204);
    app.jane().await;
    app.api("DELETE", &format!("{path}?email=Jane@example.com"), Value::Null).await.expect(204);
    let found = app.manage("GET", "/users-by-email?email=jane@example.com", Value::Null).await;
    assert_eq!(found, json!([]));
}

#[tokio::test]
async fn strategies_complete_their_settings() {
    let app = TestApp::new().await;
    let new = |strategy: &str, options: Value| json!({"name": format!("my-{strategy}"), "strategy": strategy, "options": options});
    let github =
        app.manage("POST", "/connections", new("github", json!({"email": true, "repo": true}))).await;
    assert_eq!(github["options"]["scope"], json!(["user:email", "repo"]));
    let one = format!("/connections/{}", github["id"].as_str().unwrap());
    let narrower = app.manage("PATCH", &one, json!({"options": {"email": true}})).await;
    assert_eq!(narrower["options"], json!({"email": true, "scope": ["user:email"]}));

    let okta = app.manage("POST", "/connections", new("okta", json!({"client_id": "c"}))).await;
    assert_eq!(okta["options"]["type"], "back_channel");
    assert_eq!(okta["options"]["connection_settings"]["pkce"], "auto");
    assert_eq!((&okta["show_as_button"], &okta["display_name"]), (&json!(false), &json!("my-okta")));

    let ad = app.manage("POST", "/connections", new("ad", json!({}))).await;
    let ticket = ad["provisioning_ticket_url"].as_str().unwrap();
    assert!(ticket.contains("/p/ad/"), "{ticket}");
    let one = format!("/connections/{}", ad["id"].as_str().unwrap());
    let after = app.manage("PATCH", &one, json!({"options": {"ips": ["192.0.2.1"]}})).await;
    assert_eq!(after["provisioning_ticket_url"], ticket, "the ticket stays");
}

#[tokio::test]
async fn scim_is_configured_and_its_tokens_are_seen_once() {
    let app = TestApp::new().await;
    let okta = json!({"name": "company", "strategy": "okta", "options": {"client_id": "c"}});
    let okta = app.manage("POST", "/connections", okta).await;
    let scim = format!("/connections/{}/scim-configuration", okta["id"].as_str().unwrap());
    app.api("GET", &scim, Value::Null).await.expect(404);
    app.api("POST", &format!("{scim}/tokens"), json!({})).await.expect(404);
    let made = app.manage("POST", &scim, json!({})).await;
    assert_eq!(made["user_id_attribute"], "externalId");
    assert_eq!(
        made["mapping"],
        app.manage("GET", &format!("{scim}/default-mapping"), Value::Null).await["mapping"]
    );
    app.api("POST", &scim, json!({})).await.expect(409);

    let token = app.manage("POST", &format!("{scim}/tokens"), json!({"scopes": ["get:users"]})).await;
    let secret = token["token"].as_str().unwrap();
    app.manage("POST", &format!("{scim}/tokens"), json!({"token_lifetime": 900})).await;
    app.api("POST", &format!("{scim}/tokens"), json!({})).await.expect(409);
    app.api("POST", &format!("{scim}/tokens"), json!({"token_lifetime": 1})).await.expect(400);
    let listed = app.manage("GET", &format!("{scim}/tokens"), Value::Null).await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(secret), "a secret is shown once");
    assert!(listed[0].get("sha256").is_none());
    let changed =
        json!({"user_id_attribute": "userName", "mapping": [{"auth0": "email", "scim": "userName"}]});
    let changed = app.manage("PATCH", &scim, changed).await;
    assert_eq!(changed["user_id_attribute"], "userName");
    assert!(changed.get("tokens").is_none());
    let id = token["token_id"].as_str().unwrap();
    app.api("DELETE", &format!("{scim}/tokens/{id}"), Value::Null).await.expect(204);
    assert_eq!(app.manage("GET", &format!("{scim}/tokens"), Value::Null).await.as_array().unwrap().len(), 1);
    app.api("DELETE", &scim, Value::Null).await.expect(204);
    app.api("GET", &scim, Value::Null).await.expect(404);
    app.api("POST", "/connections/con_0000000000000000/scim-configuration", json!({})).await.expect(404);
}

#[tokio::test]
async fn directories_and_their_groups() {
    let app = TestApp::new().await;
    let made = json!({"name": "workspace", "strategy": "google-apps", "options": {"domain": "example.com"}});
    let made = app.manage("POST", "/connections", made).await;
    let directory = format!("/connections/{}/directory-provisioning", made["id"].as_str().unwrap());
    let groups = format!("{directory}/synchronized-groups");
    app.api("PUT", &groups, json!({"groups": []})).await.expect(404);
    let made = app.manage("POST", &directory, json!({"synchronize_groups": "selected"})).await;
    assert_eq!(made["synchronize_groups"], "selected");
    app.api("POST", &directory, json!({})).await.expect(409);
    let all = json!({"groups": [{"id": "b"}, {"id": "a", "name": "Engineering"}]});
    app.api("PUT", &groups, all).await.expect(204);
    app.api("POST", &groups, json!({"groups": [{"id": "a", "name": "Platform"}, {"id": "c"}]}))
        .await
        .expect(204);
    app.api("DELETE", &groups, json!({"groups": [{"id": "b"}]})).await.expect(204);
    let listed = app.manage("GET", &groups, Value::Null).await;
    assert_eq!(listed, json!({"groups": [{"id": "a", "name": "Platform"}, {"id": "c"}]}));
    let found = app.manage("GET", &format!("{groups}?q=plat"), Value::Null).await;
    assert_eq!(found["groups"].as_array().unwrap().len(), 1);
    let refused = app.api("POST", &groups, json!({"groups": [{"id": "a", "email": ""}]})).await;
    refused.expect(400);
    assert!(app.manage("GET", &directory, Value::Null).await.get("synchronized_groups").is_none());
    let listed = app.manage("GET", "/connections-directory-provisionings", Value::Null).await;
    assert_eq!(listed["directory_provisionings"].as_array().unwrap().len(), 1);
    app.api("DELETE", &directory, Value::Null).await.expect(204);
    app.api("GET", &directory, Value::Null).await.expect(404);
}

#[tokio::test]
async fn keys_of_a_connection_take_turns() {
    let app = TestApp::new().await;
    let options = json!({"client_id": "c", "issuer": "https://idp.example", "authorization_endpoint": "https://idp.example/a", "token_endpoint_auth_method": "private_key_jwt"});
    let made = app
        .manage("POST", "/connections", json!({"name": "Company", "strategy": "oidc", "options": options}))
        .await;
    let keys = format!("/connections/{}/keys", made["id"].as_str().unwrap());
    let first = app.manage("GET", &keys, Value::Null).await;
    assert_eq!((&first[0]["current"], &first[1]["next"]), (&json!(true), &json!(true)));
    assert_eq!((&first[0]["algorithm"], &first[0]["subject_dn"]), (&json!("RS256"), &json!("/CN=Company")));
    assert!(first[0]["pkcs"].as_str().unwrap().starts_with("-----BEGIN PKCS7-----"));
    app.api("POST", &keys, json!({})).await.expect(409);
    app.api("POST", &format!("{keys}/rotate"), json!({"signing_alg": "ES256"})).await.expect(400);
    let waiting = app.api("POST", &format!("{keys}/rotate"), json!({})).await.expect(201).json();
    let then = app.manage("GET", &keys, Value::Null).await;
    assert_eq!((&then[0]["kid"], &then[0]["current"]), (&first[1]["kid"], &json!(true)));
    assert_eq!((&then[1]["kid"], &then[1]["previous"]), (&first[0]["kid"], &json!(true)));
    assert_eq!(then[2]["kid"], waiting["kid"]);
    app.api("DELETE", &format!("/connections/{}", made["id"].as_str().unwrap()), Value::Null)
        .await
        .expect(202);
    let left = app.app.store.docs_all(TENANT, chancery_store::Kind::ConnectionKey).await.unwrap();
    assert!(left.is_empty(), "its keys go with it");
    let database = app.manage("POST", "/connections", json!({"name": "Staff", "strategy": "auth0"})).await;
    app.api("GET", &format!("/connections/{}/keys", database["id"].as_str().unwrap()), Value::Null)
        .await
        .expect(404);
    app.api("GET", &format!("/connections/{}/status", database["id"].as_str().unwrap()), Value::Null)
        .await
        .expect(200);
}

/// Levels and single rules: whatever is stricter holds, and what is shown is what holds.
#[tokio::test]
async fn rules_for_passwords_act_one_by_one() {
    let app = TestApp::new().await;
    let complexity =
        json!({"min_length": 12, "character_types": ["number"], "identical_characters": "block"});
    let body = json!({"name": "Staff", "strategy": "auth0", "options": {"password_options": {"complexity": complexity}}});
    let staff = app.manage("POST", "/connections", body).await;
    assert_eq!(staff["options"].get("passwordPolicy"), None);
    assert_eq!(staff["options"]["password_options"]["complexity"]["min_length"], 12);
    let user =
        |password: &str| json!({"connection": "Staff", "email": "a@example.com", "password": password});
    for weak in ["short-1", "long enough, no digit", "aaaa long enough 1"] {
        app.api("POST", "/users", user(weak)).await.expect(400);
    }
    app.api("POST", "/users", user("long enough 1")).await.expect(201);

    let good = app.manage("POST", "/connections", json!({"name": "Good", "strategy": "auth0"})).await;
    let shown = &good["options"]["password_options"]["complexity"];
    assert_eq!((&shown["min_length"], &shown["character_type_rule"]), (&json!(8), &json!("three_of_four")));
    // Read and written back, it changes nothing.
    let one = format!("/connections/{}", good["id"].as_str().unwrap());
    let again = app.manage("PATCH", &one, json!({"options": good["options"]})).await;
    assert_eq!(again["options"], good["options"]);
    let twice = json!({"options": {"attributes": {"email": {"unique": false}}}});
    app.api("PATCH", &one, twice).await.expect(400);
}

/// What a provider says of itself is kept, and says what the connection does not say.
#[tokio::test]
async fn the_document_of_a_provider_is_read() {
    const PATH: &str = "/.well-known/openid-configuration";
    let publisher = Publisher::start().await;
    let issuer = publisher.url("");
    let document = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"), "scopes_supported": ["openid"],
    });
    publisher.publish(PATH, document.clone());
    let app = TestApp::configured(publisher.config.clone()).await;
    let new = json!({
        "name": "provider", "strategy": "oidc",
        "options": {"client_id": "c", "discovery_url": publisher.url(PATH), "token_endpoint": "https://own.example/token", "jwks_uri": null},
    });
    let made = app.manage("POST", "/connections", new).await;
    let options = &made["options"];
    assert_eq!(options["oidc_metadata"], document);
    assert_eq!(options["authorization_endpoint"], document["authorization_endpoint"]);
    assert_eq!(options["jwks_uri"], document["jwks_uri"]);
    assert_eq!(options["token_endpoint"], "https://own.example/token", "what was said stays");
    assert_eq!(options.get("userinfo_endpoint"), None);

    // The provider is away: what it said stands.
    let one = format!("/connections/{}", made["id"].as_str().unwrap());
    publisher.publish(PATH, json!("gone"));
    let rewritten = json!({"options": {"client_id": "d", "discovery_url": publisher.url(PATH)}});
    let after = app.manage("PATCH", &one, rewritten).await;
    assert_eq!(
        (&after["options"]["oidc_metadata"], &after["options"]["issuer"]),
        (&document, &document["issuer"])
    );

    // Nobody knows whose tokens these would be, unless the connection says so.
    let unknown = |more: Value| {
        let mut options = json!({"client_id": "c", "discovery_url": publisher.url("/nothing")});
        options.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        json!({"name": "other", "strategy": "oidc", "options": options})
    };
    let refused = app.api("POST", "/connections", unknown(json!({}))).await.expect(400).json();
    let text = refused["message"].as_str().unwrap();
    assert!(text.contains("options.discovery_url") && text.contains("status 404"), "{text}");
    let known = app.manage("POST", "/connections", unknown(json!({"issuer": "https://own.example/"}))).await;
    assert_eq!(known["options"].get("oidc_metadata"), None);

    publisher.publish(PATH, document.clone());
    let okta = json!({"name": "okta", "strategy": "okta", "options": {"client_id": "c", "domain": publisher.url("")}});
    let okta = app.manage("POST", "/connections", okta).await;
    assert_eq!(
        (&okta["options"]["oidc_metadata"], &okta["options"]["issuer"]),
        (&document, &document["issuer"])
    );
}

/// Addresses within are not called (security case 7).
#[tokio::test]
async fn a_document_within_is_not_read() {
    let publisher = Publisher::start().await;
    publisher.publish("/d", json!({"issuer": "https://within.example/"}));
    let app = TestApp::new().await;
    let new = json!({"name": "within", "strategy": "oidc", "options": {"client_id": "c", "discovery_url": publisher.url("/d")}});
    let refused = app.api("POST", "/connections", new).await.expect(400).json();
    assert!(!refused.to_string().contains("within.example"), "{refused}");
}
