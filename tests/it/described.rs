//! Applications whose `client_id` is the URL of their description, and which nobody registered.

use chancery_jose::{Algorithm, SigningKey, Typ, generate_es256};
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn signs_in_and_gets_what_the_template_allows() {
    let (agent, app) = Agent::and_server().await;
    let code = agent.code(&app, "openid offline_access read:contacts delete:contacts").await;
    let answer = agent.redeem(&app, &code, &[("resource", API)]).await.expect(200).json();
    assert_eq!(answer["scope"], "read:contacts", "{answer}");
    assert_eq!(answer["expires_in"], 3600, "an hour, though the API gives a day");
    for absent in ["refresh_token", "id_token"] {
        assert_eq!(answer.get(absent), None, "{absent}");
    }
    let claims = app.verified(answer["access_token"].as_str().unwrap()).await;
    assert_eq!((&claims["azp"], &claims["aud"]), (&json!(agent.id()), &json!(API)));
    // Nothing was registered by it.
    assert_eq!(app.manage("GET", "/clients?is_first_party=false", Value::Null).await, json!([]));
    // The description was fetched once for all of it.
    assert_eq!(agent.publisher.asked(), 1);
}

#[tokio::test]
async fn they_are_off_until_they_are_turned_on() {
    let (agent, app) = Agent::and_server().await;
    let announced = "client_id_metadata_document_supported";
    let discovery = || app.get("/.well-known/oauth-authorization-server");
    assert_eq!(discovery().await.json()[announced], true);
    for off in [json!({}), json!({ "client_id_metadata_documents": { "enabled": false } })] {
        app.set_agents(off).await.expect(200);
        assert_eq!(discovery().await.json().get(announced), None);
        let page = app.get(&agent.ask("read:contacts").path()).await.expect(400);
        assert!(page.body.contains("Unknown client"), "{}", page.body);
    }
    app.let_agents_in(json!({ "hosts": ["agent.example"] })).await;
    app.get(&agent.ask("read:contacts").path()).await.expect(400);
    assert_eq!(agent.publisher.asked(), 0, "nothing is fetched from other hosts");
    app.let_agents_in(json!({ "hosts": ["localhost"] })).await;
    agent.code(&app, "read:contacts").await;
}

/// Nobody agrees once and for all with what may be somebody else tomorrow.
#[tokio::test]
async fn consent_is_asked_each_time_and_names_the_host() {
    let (agent, app) = Agent::and_server().await;
    let mut browser = Browser::new(&app);
    browser.authorize(&agent.ask("read:contacts"), &JANE).await.get("code");
    let page = browser.open(&agent.ask("read:contacts")).await.expect(200);
    assert_eq!(page.form().action, "/u/consent");
    let host = agent.publisher.origin.split_once("://").unwrap().1;
    assert!(page.body.contains(&format!("known only by its address: {host}.")), "{}", page.body);
    // Strict third parties are told of errors on a page.
    let silent = browser.get(&agent.ask("read:contacts").with("prompt", "none").path()).await;
    assert_eq!(silent.status, 400);
    assert!(silent.body.contains("consent_required"), "{}", silent.body);
}

#[tokio::test]
async fn a_description_is_kept_for_as_long_as_it_says_within_bounds() {
    let (agent, app) = Agent::and_server().await;
    agent.code(&app, "read:contacts").await;
    agent.publish(json!({ "redirect_uris": ["https://agent.example/other"] }));
    app.get(&agent.ask("read:contacts").path()).await.expect(302);
    app.clock.advance(301);
    app.get(&agent.ask("read:contacts").path()).await.expect(403);
    // What is wrong is not kept at all.
    app.clock.advance(301);
    agent.publish(json!({ "client_secret": "s" }));
    app.get(&agent.ask("read:contacts").path()).await.expect(400);
    agent.publish(json!({}));
    app.get(&agent.ask("read:contacts").path()).await.expect(302);
}

#[tokio::test]
async fn keys_prove_who_it_is() {
    let (agent, app) = Agent::and_server().await;
    let key = SigningKey::from_pkcs8(Algorithm::ES256, "one", &generate_es256().unwrap()).unwrap();
    agent.publish(json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key.public_jwk().unwrap()] },
    }));
    let code = agent.code(&app, "read:contacts").await;
    assert_eq!(agent.redeem(&app, &code, &[]).await.status, 401, "without a proof");
    let now = chancery_core::Clock::now(&*app.clock);
    let signed = |key: &SigningKey, jti: &str| {
        let claims = json!({
            "iss": agent.id(), "sub": agent.id(), "aud": ISSUER, "iat": now, "exp": now + 60, "jti": jti,
        });
        key.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap()
    };
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let stranger = SigningKey::from_pkcs8(Algorithm::ES256, "one", &generate_es256().unwrap()).unwrap();
    let forged = signed(&stranger, "1");
    let refused = agent.redeem(&app, &code, &[kind, ("client_assertion", &forged)]).await;
    assert_eq!((refused.status.as_u16(), refused.text("error").as_str()), (401, "invalid_client"));
    let good = signed(&key, "2");
    agent.redeem(&app, &code, &[kind, ("client_assertion", &good)]).await.expect(200);
}

#[tokio::test]
async fn pages_of_any_origin_may_redeem() {
    let (agent, app) = Agent::and_server().await;
    let code = agent.code(&app, "read:contacts").await;
    let origin = "https://inspector.example";
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    let call =
        || Call::post("/oauth/token").header("origin", origin).form(&[("grant_type", "x"), ("code", &code)]);
    assert_eq!(allowed(&app.send(call()).await).as_deref(), Some(origin));
    app.set_agents(json!({})).await.expect(200);
    assert_eq!(allowed(&app.send(call()).await), None);
}

#[tokio::test]
async fn tokens_are_told_about_while_such_applications_are_let_in() {
    let (agent, app) = Agent::and_server().await;
    let middle = Middle::new(&app).await;
    let code = agent.code(&app, "read:contacts").await;
    let token = agent.redeem(&app, &code, &[]).await.expect(200).text("access_token");
    let asked = async || {
        let form = [
            ("client_id", middle.client_id.as_str()),
            ("client_secret", &middle.client_secret),
            ("token", &token),
        ];
        app.send(Call::post("/oauth/introspect").form(&form)).await.expect(200).json()
    };
    let told = asked().await;
    assert_eq!((&told["active"], &told["client_id"]), (&json!(true), &json!(agent.id())));
    let late = agent.code(&app, "read:contacts").await;
    app.set_agents(json!({})).await.expect(200);
    assert_eq!(asked().await["active"], false);
    assert_eq!(agent.redeem(&app, &late, &[]).await.status, 401, "a code that was waiting");
}

#[tokio::test]
async fn the_settings_are_judged() {
    let app = TestApp::new().await;
    let refused = async |template: Value, place: &str| {
        let body = json!({ "client_id_metadata_documents": template });
        let answer = app.set_agents(body.clone()).await.expect(400).json();
        assert!(answer["message"].as_str().unwrap().contains(place), "{body}: {answer}");
    };
    let api =
        |identifier: &str, scope: &str| json!({ "apis": [{ "identifier": identifier, "scope": [scope] }] });
    refused(api("https://nothing.example", "x"), "apis[0].identifier").await;
    refused(api(&format!("{ISSUER}api/v2/"), "read:users"), "apis[0].identifier").await;
    refused(api(API, "read:nothing"), "read:nothing").await;
    refused(json!({ "connections": ["nothing"] }), "connections[0]").await;
    for host in ["com", "*.com", "a b.example", "https://a.example", "a.example/", "*.*.example"] {
        refused(json!({ "hosts": [host] }), "hosts[0]").await;
    }
    refused(json!({ "token_lifetime": 0 }), "token_lifetime").await;
    refused(json!({ "scopes": [] }), "scopes").await;
    app.let_agents_in(json!({ "hosts": ["*.agents.example"], "token_lifetime": 600 })).await;
    let token = app.management_token().await;
    let shown = app.send(Call::get("/api/chancery/v1/agent-access").bearer(&token)).await.expect(200).json();
    assert_eq!(shown["client_id_metadata_documents"]["token_lifetime"], 600);
    assert_eq!(shown["protected_resource_metadata"], json!({ "hidden": [] }));
}

/// Who describes itself asks nothing about tokens, with a key of its own neither: whoever writes the document would be an
/// application that authenticates.
#[tokio::test]
async fn they_ask_nothing_about_tokens() {
    let (agent, app) = Agent::and_server().await;
    let key = SigningKey::from_pkcs8(Algorithm::ES256, "one", &generate_es256().unwrap()).unwrap();
    let code = agent.code(&app, "read:contacts").await;
    let token = agent.redeem(&app, &code, &[]).await.expect(200).text("access_token");
    let id = agent.id();
    let alone = [("client_id", id.as_str()), ("token", token.as_str())];
    app.send(Call::post("/oauth/introspect").form(&alone)).await.expect(401);
    app.clock.advance(301);
    agent.publish(json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key.public_jwk().unwrap()] },
    }));
    let now = chancery_core::Clock::now(&*app.clock);
    let claims = json!({ "iss": id, "sub": id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": "1" });
    let assertion = key.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap();
    let signed = [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
        ("token", token.as_str()),
    ];
    let answer = app.send(Call::post("/oauth/introspect").form(&signed)).await.expect(401);
    assert_eq!(answer.text("error"), "invalid_client");
}

/// What is said of their tokens follows what the tenant lets in now, and the user.
#[tokio::test]
async fn case_19_tokens_end_with_their_host_and_their_user() {
    let (agent, app) = Agent::and_server().await;
    let middle = Middle::new(&app).await;
    let code = agent.code(&app, "read:contacts").await;
    let token = agent.redeem(&app, &code, &[]).await.expect(200).text("access_token");
    let is_active = async || {
        let form = [
            ("client_id", middle.client_id.as_str()),
            ("client_secret", &middle.client_secret),
            ("token", &token),
        ];
        let told = app.send(Call::post("/oauth/introspect").form(&form)).await.expect(200).json();
        if told["active"] == false {
            assert_eq!(told, json!({ "active": false }));
        }
        told["active"] == true
    };
    assert!(is_active().await);
    app.let_agents_in(json!({ "hosts": ["other.example"] })).await;
    assert!(!is_active().await, "its host is let in no longer");
    app.let_agents_in(json!({})).await;
    let path = format!("/users/{}", segment(&app.jane().await));
    app.manage("PATCH", &path, json!({ "blocked": true })).await;
    assert!(!is_active().await, "its user is blocked");
    app.manage("PATCH", &path, json!({ "blocked": false })).await;
    assert!(is_active().await);
    app.clock.advance(3600);
    assert!(!is_active().await, "an hour is over");
}
