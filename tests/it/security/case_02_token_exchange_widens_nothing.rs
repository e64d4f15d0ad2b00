//! A token that was made of another is never worth more: the token is the caller's to exchange, and what comes of it lies
//! within the token, the client grant and the permissions of the user. (The rules, over random worlds: `core::scope::laws`.)

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{API, Answer, INVOICES, ISSUER, Middle, TestApp, decode, engines, segment};

const ALL: &str = "openid profile offline_access read:contacts delete:contacts read:invoices write:invoices";

fn scopes(answer: &Answer) -> BTreeSet<String> {
    let claims = decode(&answer.text("access_token")).1;
    let listed = claims["scope"].as_str().unwrap_or_default().split(' ').filter(|s| !s.is_empty());
    let permissions = claims["permissions"].as_array().cloned().unwrap_or_default();
    listed.map(str::to_owned).chain(permissions.iter().map(|p| p.as_str().unwrap().to_owned())).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[track_caller]
fn no_token_of_theirs(answer: &Answer) {
    answer.is_error(400, "invalid_request", "The subject_token is not valid for this client");
}

async fn users_token(app: &TestApp, scope: &str) -> String {
    app.sign_in(scope).await["access_token"].as_str().unwrap().to_owned()
}

/// What was sent to one API is exchanged by the application of that API, and by no other.
#[tokio::test]
async fn case_02_the_subject_token_belongs_to_the_caller() {
    for app in engines().await {
        let middle = Middle::new(&app).await;
        let other = Middle::of(&app, INVOICES).await;
        other.grant(&app, json!(["read:invoices"])).await;
        let token = users_token(&app, "openid read:contacts").await;
        no_token_of_theirs(&other.exchange(&app, &token, INVOICES, "read:invoices").await);
        let passed_on = middle.exchange(&app, &token, INVOICES, "read:invoices").await.expect(200);
        let passed_on = passed_on.text("access_token");
        no_token_of_theirs(&middle.exchange(&app, &passed_on, INVOICES, "read:invoices").await);
        other.exchange(&app, &passed_on, INVOICES, "read:invoices").await.expect(200);
        // Neither an ID token, nor a refresh token, nor one for /userinfo, nor a machine's, nor one that somebody changed.
        let all = app.sign_in("openid offline_access read:contacts").await;
        let secret = app.m2m_secret();
        let machine = [
            ("grant_type", "client_credentials"),
            ("client_id", app.clients.m2m.client_id.as_str()),
            ("client_secret", &secret),
            ("audience", API),
        ];
        let machine = app.token(&machine).await.expect(200).text("access_token");
        let opaque = crate::support::Ask::code(&app.clients.web.client_id, "openid");
        let opaque = app.redeem(&app.code_for(&opaque).await).await.expect(200).text("access_token");
        let (id_token, refresh_token) =
            (all["id_token"].as_str().unwrap(), all["refresh_token"].as_str().unwrap());
        for foreign in [id_token, refresh_token, &machine, &opaque, &token[..token.len() - 3], "x"] {
            no_token_of_theirs(&middle.exchange(&app, foreign, INVOICES, "read:invoices").await);
        }
        // Of another host, which is another issuer.
        let form = middle.form(&token, &[("audience", INVOICES)]);
        let elsewhere = crate::support::Call::post("/oauth/token").host("second.example").form(&form);
        no_token_of_theirs(&app.send(elsewhere).await);
    }
}

#[tokio::test]
async fn case_02_for_the_same_api_it_only_narrows() {
    let app = TestApp::new().await;
    let middle = Middle::new(&app).await;
    app.set_api(json!({ "enforce_policies": false, "token_dialect": "access_token_authz", "allow_offline_access": true })).await;
    let token = users_token(&app, "openid read:contacts").await;
    let answer = middle.exchange(&app, &token, API, ALL).await.expect(200);
    assert_eq!(scopes(&answer), set(&["openid", "read:contacts"]));
    let narrow = middle.exchange(&app, &token, API, "read:contacts").await.expect(200);
    assert_eq!(scopes(&narrow), set(&["read:contacts"]));
    assert_eq!(decode(&narrow.text("access_token")).1["aud"], API);
    let again = middle.exchange(&app, &narrow.text("access_token"), API, ALL).await.expect(200);
    assert_eq!(scopes(&again), set(&["read:contacts"]), "what was left out does not come back");
    for answer in [&answer, &narrow, &again] {
        assert_eq!((answer.json().get("refresh_token"), answer.json().get("id_token")), (None, None));
    }
    // Permissions in tokens are no way around it.
    app.set_api(json!({ "enforce_policies": true })).await;
    let token = users_token(&app, "openid").await;
    let answer = middle.exchange(&app, &token, API, ALL).await.expect(200);
    assert_eq!(scopes(&answer), set(&["openid"]));
}

#[tokio::test]
async fn case_02_for_another_api_a_grant_and_the_user_decide() {
    let app = TestApp::new().await;
    let middle = Middle::new(&app).await;
    let token = users_token(&app, "openid read:contacts").await;
    // The API is open to every application, and still: what the grant does not list is not there.
    let answer = middle.exchange(&app, &token, INVOICES, ALL).await.expect(200);
    assert_eq!(scopes(&answer), set(&["openid", "read:invoices"]));
    let path = format!("/resource-servers/{}", INVOICES.replace(':', "%3A").replace('/', "%2F"));
    app.manage("PATCH", &path, json!({ "enforce_policies": true, "token_dialect": "access_token_authz" }))
        .await;
    let answer = middle.exchange(&app, &token, INVOICES, "read:invoices").await.expect(200);
    assert_eq!(scopes(&answer), set(&[]), "Jane holds nothing there");
    let held = json!({ "permissions": [
        { "resource_server_identifier": INVOICES, "permission_name": "read:invoices" },
        { "resource_server_identifier": INVOICES, "permission_name": "write:invoices" },
    ] });
    app.manage("POST", &format!("/users/{}/permissions", segment(&app.jane().await)), held).await;
    let answer = middle.exchange(&app, &token, INVOICES, ALL).await.expect(200);
    assert_eq!(scopes(&answer), set(&["openid", "read:invoices"]), "she holds more, the application may not");

    let other = Middle::of(&app, API).await;
    let text =
        format!("Client \"{}\" is not authorized to access resource server \"{INVOICES}\".", other.client_id);
    other.exchange(&app, &token, INVOICES, "read:invoices").await.is_error(400, "invalid_request", &text);
    // An API that does not know the user's sign-in does not administer with it.
    let management = format!("{ISSUER}api/v2/");
    let grant = json!({
        "client_id": middle.client_id, "audience": management, "scope": ["read:users"], "subject_type": "user",
    });
    app.manage("POST", "/client-grants", grant).await;
    let text = format!(
        "Client \"{}\" is not authorized to access resource server \"{management}\".",
        middle.client_id
    );
    let answer = middle.exchange(&app, &token, &management, "read:users read:current_user").await;
    answer.is_error(400, "invalid_request", &text);
}

/// Whatever ends the user's way in ends this way too (security case 19).
#[tokio::test]
async fn case_02_blocked_and_deleted() {
    for app in engines().await {
        let middle = Middle::new(&app).await;
        let token = users_token(&app, "openid read:contacts").await;
        let path = format!("/users/{}", segment(&app.jane().await));
        app.manage("PATCH", &path, json!({ "blocked": true })).await;
        no_token_of_theirs(&middle.exchange(&app, &token, INVOICES, "read:invoices").await);
        app.manage("PATCH", &path, json!({ "blocked": false })).await;
        middle.exchange(&app, &token, INVOICES, "read:invoices").await.expect(200);
        app.manage("DELETE", &path, Value::Null).await;
        no_token_of_theirs(&middle.exchange(&app, &token, INVOICES, "read:invoices").await);
    }
}

/// A deleted application's tokens are nobody's any more.
#[tokio::test]
async fn case_02_the_first_application_is_gone() {
    let app = TestApp::new().await;
    let middle = Middle::new(&app).await;
    let token = users_token(&app, "openid read:contacts").await;
    app.manage("DELETE", &format!("/clients/{}", app.clients.web.client_id), Value::Null).await;
    no_token_of_theirs(&middle.exchange(&app, &token, INVOICES, "read:invoices").await);
}
