//! Organizations in the decision (fact sheet 3.3, 3.5, 11.4): who gets in, by which connection, with whose roles, and what
//! tokens say of it.

use serde_json::{Value, json};

use crate::support::*;

const SCOPE: &str = "openid offline_access read:contacts delete:contacts";

/// An organization with the demo database, and Demo Web that may name it.
pub(crate) struct Acme {
    pub(crate) id: String,
    path: String,
}

impl Acme {
    pub(crate) async fn new(app: &TestApp) -> Self {
        app.set_web(json!({"organization_usage": "allow"})).await;
        Self::named(app, "acme", "Acme Inc.").await
    }

    pub(crate) async fn named(app: &TestApp, name: &str, title: &str) -> Self {
        let body = json!({"name": name, "display_name": title});
        let id = app.manage("POST", "/organizations", body).await["id"].as_str().unwrap().to_owned();
        let acme = Self { path: format!("/organizations/{id}"), id };
        acme.connect(app, json!({})).await;
        acme
    }

    /// Gives it the demo database, with these settings.
    pub(crate) async fn connect(&self, app: &TestApp, settings: Value) {
        let connection = connection_id(app).await;
        let one = format!("{}/connections/{connection}", self.path);
        app.api("DELETE", &one, Value::Null).await.expect(204);
        let mut body = json!({"connection_id": connection, "assign_membership_on_login": false});
        for (name, value) in settings.as_object().unwrap() {
            body[name] = value.clone();
        }
        app.manage("POST", &format!("{}/connections", self.path), body).await;
    }

    pub(crate) async fn add(&self, app: &TestApp, user_id: &str) {
        app.manage("POST", &format!("{}/members", self.path), json!({"members": [user_id]})).await;
    }

    pub(crate) async fn give_role(&self, app: &TestApp, user_id: &str, role: &str) {
        let roles = app.manage("GET", "/roles", Value::Null).await;
        let role = roles.as_array().unwrap().iter().find(|r| r["name"] == role).unwrap()["id"].clone();
        let path = format!("{}/members/{}/roles", self.path, segment(user_id));
        app.manage("POST", &path, json!({"roles": [role]})).await;
    }

    pub(crate) fn ask(&self, app: &TestApp) -> Ask {
        app.ask(SCOPE).with("organization", &self.id)
    }
}

async fn connection_id(app: &TestApp) -> String {
    let all = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    all[0]["id"].as_str().unwrap().to_owned()
}

pub(crate) fn scopes(answer: &Value) -> Vec<&str> {
    answer["scope"].as_str().unwrap_or_default().split(' ').collect()
}

#[tokio::test]
async fn roles_held_there_count_and_tokens_say_where() {
    for app in engines().await {
        let acme = Acme::new(&app).await;
        let jane = app.jane().await;
        acme.add(&app, &jane).await;
        // Tenant-wide Jane may read; in the organization nothing, until she is given a role there.
        let code = app.code_for(&acme.ask(&app)).await;
        let none = app.redeem(&code).await.expect(200).json();
        assert_eq!(scopes(&none), ["openid", "offline_access"], "{}", app.engine);

        acme.give_role(&app, &jane, "Contacts Admin").await;
        let code = app.code_for(&acme.ask(&app)).await;
        let answer = app.redeem(&code).await.expect(200).json();
        assert!(scopes(&answer).contains(&"delete:contacts"), "{answer}");
        let access = app.verified(answer["access_token"].as_str().unwrap()).await;
        assert_eq!((&access["org_id"], access.get("org_name")), (&json!(acme.id), None));
        let (_, id_token) = decode(answer["id_token"].as_str().unwrap());
        assert_eq!(id_token["org_id"], acme.id);
        // Outside of it she is who she was, and nothing speaks of it.
        let outside = app.sign_in(SCOPE).await;
        assert!(
            !scopes(&outside).contains(&"delete:contacts") && scopes(&outside).contains(&"read:contacts")
        );
        assert_eq!(app.verified(outside["access_token"].as_str().unwrap()).await.get("org_id"), None);

        // The refresh token speaks for the same place, as it is today.
        let refresh = answer["refresh_token"].as_str().unwrap();
        let again = app.refresh(refresh, &[]).await.expect(200).json();
        assert_eq!(app.verified(again["access_token"].as_str().unwrap()).await["org_id"], acme.id);
        let members = format!("{}/members", acme.path);
        app.manage("DELETE", &members, json!({"members": [jane]})).await;
        app.refresh(refresh, &[]).await.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
    }
}

#[tokio::test]
async fn names_where_the_tenant_lets_them_be_used() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    acme.add(&app, &app.jane().await).await;
    let named = app.ask(SCOPE).with("organization", "ACME");
    let refused = Landing::of(&app.get(&named.path()).await);
    refused.is_error("invalid_request", "parameter organization is invalid: ACME");
    app.manage("PATCH", "/tenants/settings", json!({"allow_organization_name_in_authentication_api": true}))
        .await;
    let code = app.code_for(&named).await;
    let answer = app.redeem(&code).await.expect(200).json();
    let access = app.verified(answer["access_token"].as_str().unwrap()).await;
    assert_eq!((&access["org_id"], &access["org_name"]), (&json!(acme.id), &json!("acme")));
}

#[tokio::test]
async fn whether_an_application_may_or_must_name_one() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    app.set_web(json!({"organization_usage": "deny"})).await;
    let answer = Landing::of(&app.get(&acme.ask(&app).path()).await);
    answer.is_error("invalid_request", "parameter organization is not allowed for this client");
    app.set_web(json!({"organization_usage": "require"})).await;
    let answer = Landing::of(&app.get(&app.ask(SCOPE).path()).await);
    answer.is_error("invalid_request", "parameter organization is required");
    let answer = Landing::of(&app.get(&app.ask(SCOPE).with("organization", "org_none").path()).await);
    answer.is_error("invalid_request", "parameter organization is invalid: org_none");
    // Nobody could sign in there.
    acme.connect(&app, json!({"is_enabled": false})).await;
    let answer = Landing::of(&app.get(&acme.ask(&app).path()).await);
    answer.is_error("invalid_request", "no connections enabled for the client");
}

#[tokio::test]
async fn strangers_stay_out_and_a_connection_may_make_members() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    let jane = app.jane().await;
    let mut browser = Browser::new(&app);
    let text = format!("user {jane} is not part of the {} organization", acme.id);
    browser.authorize(&acme.ask(&app), &JANE).await.is_error("access_denied", &text);
    // The session that was opened is good elsewhere, and no way in either.
    browser.authorize(&acme.ask(&app).with("prompt", "none"), &JANE).await.is_error("access_denied", &text);

    acme.connect(&app, json!({"assign_membership_on_login": true})).await;
    let code = browser.authorize(&acme.ask(&app), &JANE).await.get("code");
    app.redeem(&code).await.expect(200);
    let members = app.manage("GET", &format!("{}/members", acme.path), Value::Null).await;
    assert_eq!(members[0]["user_id"], jane);
    app.at_rest().await;
}

#[tokio::test]
async fn an_account_is_made_there_only_where_sign_up_is_open() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    let mut browser = Browser::new(&app);
    let page = browser.open(&acme.ask(&app)).await.expect(200);
    assert!(page.body.contains("Acme Inc."), "the page says where one signs in");
    assert!(!page.body.contains("/u/signup"));
    let state = page.form().value("state");
    let closed = browser.get(&format!("/u/signup?state={state}")).await.expect(303);
    assert_eq!(closed.header("location").unwrap(), format!("/u/login?state={state}"));
    acme.connect(&app, json!({"is_signup_enabled": true, "assign_membership_on_login": true})).await;
    assert!(browser.get(&format!("/u/login?state={state}")).await.body.contains("/u/signup"));
    let signup = browser.get(&format!("/u/signup?state={state}")).await.expect(200);
    let typed = [("email", "new@example.com"), ("password", "Correct-Horse-7")];
    let posted = browser.submit(&signup, &typed).await;
    let answer = browser.follow(posted).await;
    let landed = Landing::of(&browser.go_through(answer, &JANE).await);
    app.redeem(&landed.get("code")).await.expect(200);
    let members = app.manage("GET", &format!("{}/members", acme.path), Value::Null).await;
    assert_eq!(members[0]["email"], "new@example.com");
}

#[tokio::test]
async fn consent_is_given_for_each_organization() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    acme.add(&app, &app.jane().await).await;
    acme.give_role(&app, &app.jane().await, "Contacts Reader").await;
    let mut browser = Browser::new(&app);
    browser.authorize(&app.ask("openid read:contacts"), &JANE).await.get("code");
    let there = app.ask("openid read:contacts").with("organization", &acme.id).with("prompt", "none");
    let answer = browser.authorize(&there, &JANE).await;
    assert_eq!(answer.get("error"), "consent_required", "what was agreed to outside is not agreed to here");
    browser.authorize(&there.without("prompt"), &JANE).await.get("code");
    let silent = app.ask("openid read:contacts").with("organization", &acme.id).with("prompt", "none");
    browser.authorize(&silent, &JANE).await.get("code");
}

#[tokio::test]
async fn a_code_is_not_redeemed_by_who_was_put_out_meanwhile() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    let jane = app.jane().await;
    acme.add(&app, &jane).await;
    let code = app.code_for(&acme.ask(&app)).await;
    app.manage("DELETE", &format!("{}/members", acme.path), json!({"members": [jane]})).await;
    app.redeem(&code).await.is_error(403, "invalid_grant", "Invalid authorization code");
}

#[tokio::test]
async fn machines_act_for_organizations_that_were_given_their_grant() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    let (id, secret) = (app.clients.m2m.client_id.clone(), app.m2m_secret());
    let ask = |organization: &'static str| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", ""),
            ("client_secret", ""),
            ("audience", API),
            ("organization", organization),
        ]
    };
    let token = async |organization: &str| {
        let mut pairs: Vec<(&str, &str)> = ask("").to_vec();
        (pairs[1].1, pairs[2].1) = (&id, &secret);
        match organization {
            "" => drop(pairs.pop()),
            named => pairs[4].1 = named,
        }
        app.token(&pairs).await
    };
    let grants = app.manage("GET", &format!("/client-grants?client_id={id}"), Value::Null).await;
    let grant = grants[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/client-grants/{grant}");
    let text = "parameter organization is not allowed for this client";
    token(&acme.id).await.is_error(400, "invalid_request", text);

    app.manage("PATCH", &path, json!({"organization_usage": "allow"})).await;
    assert_eq!(token(&acme.id).await.status, 403, "this one was not given the grant");
    assert_eq!(token("org_none").await.status, 403, "one that there is not looks alike");
    app.manage("POST", &format!("{}/client-grants", acme.path), json!({"grant_id": grant})).await;
    let answer = token(&acme.id).await.expect(200).json();
    let claims = app.verified(answer["access_token"].as_str().unwrap()).await;
    assert_eq!((&claims["org_id"], claims.get("org_name")), (&json!(acme.id), None));
    let without = token("").await.expect(200).json();
    assert_eq!(app.verified(without["access_token"].as_str().unwrap()).await.get("org_id"), None);

    app.manage("PATCH", &path, json!({"allow_any_organization": true, "organization_usage": "require"}))
        .await;
    token("org_none").await.is_error(400, "invalid_request", "parameter organization is invalid: org_none");
    token("").await.is_error(400, "invalid_request", "parameter organization is required");
    let default =
        json!({"default_organization": {"organization_id": acme.id, "flows": ["client_credentials"]}});
    app.set_client(&id, default).await;
    let answer = token("").await.expect(200).json();
    assert_eq!(app.verified(answer["access_token"].as_str().unwrap()).await["org_id"], acme.id);
}

/// Invites somebody to an organization; the path of the request that accepts.
async fn invited(app: &TestApp, acme: &Acme, email: &str, more: Value) -> (Value, Ask) {
    app.set_web(json!({"initiate_login_uri": "https://app.example/login"})).await;
    let mut body = json!({"inviter": {"name": "<Sam>"}, "invitee": {"email": email}, "client_id": app.clients.web.client_id});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let made = app.manage("POST", &format!("{}/invitations", acme.path), body).await;
    let ask = acme.ask(app).with("invitation", made["ticket_id"].as_str().unwrap());
    (made, ask)
}

#[tokio::test]
async fn an_invitation_makes_a_member_once() {
    for app in engines().await {
        let acme = Acme::new(&app).await;
        let roles = app.manage("GET", "/roles", Value::Null).await;
        let admin =
            roles.as_array().unwrap().iter().find(|r| r["name"] == "Contacts Admin").unwrap()["id"].clone();
        let more = json!({"roles": [admin], "app_metadata": {"plan": "gold"}});
        let (made, ask) = invited(&app, &acme, "New@example.com", more).await;
        let url = made["invitation_url"].as_str().unwrap();
        let ticket = made["ticket_id"].as_str().unwrap();
        let wanted = format!(
            "https://app.example/login?invitation={ticket}&organization={}&organization_name=acme",
            acme.id
        );
        assert_eq!(url, wanted);
        let mail = app.app.outbox.kept().into_iter().next().unwrap();
        assert_eq!(mail.to, "New@example.com");
        assert!(mail.text.contains(url) && mail.html.contains("&lt;Sam&gt;") && !mail.html.contains("<Sam>"));
        assert!(!app.at_rest().await.contains(ticket), "the ticket lies sealed");

        // Somebody who is signed in already is not the one who was invited: the page asks.
        let mut browser = Browser::new(&app);
        browser.authorize(&app.ask("openid"), &JANE).await;
        let page = browser.open(&ask).await.expect(200);
        assert_eq!(page.form().action, "/u/signup", "who has no account yet makes one");
        assert!(page.body.contains("value=\"New@example.com\""));
        let typed = [("email", "other@example.com"), ("password", "Correct-Horse-7")];
        browser.submit(&page, &typed).await.expect(400);
        let typed = [("email", "new@example.com"), ("password", "Correct-Horse-7")];
        let posted = browser.submit(&page, &typed).await;
        let answer = browser.follow(posted).await;
        let landed = Landing::of(&browser.go_through(answer, &JANE).await);
        let tokens = app.redeem(&landed.get("code")).await.expect(200).json();
        assert!(scopes(&tokens).contains(&"delete:contacts"), "{tokens}");
        let (_, id_token) = decode(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["org_id"], acme.id);
        let user = id_token["sub"].as_str().unwrap();
        let user = app.manage("GET", &format!("/users/{}", segment(user)), Value::Null).await;
        assert_eq!(
            (&user["email_verified"], &user["app_metadata"]),
            (&json!(true), &json!({"plan": "gold"}))
        );

        let again = Landing::of(&app.get(&ask.path()).await);
        again.is_error("invalid_request", "invitation not found or already used");
        let left = app.manage("GET", &format!("{}/invitations", acme.path), Value::Null).await;
        assert_eq!(left, json!([]));
    }
}

#[tokio::test]
async fn an_invitation_is_for_one_address_and_one_application() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    let (made, ask) =
        invited(&app, &acme, "sam@example.com", json!({"send_invitation_email": false, "ttl_sec": 60})).await;
    assert!(app.app.outbox.kept().is_empty());
    let mut browser = Browser::new(&app);
    let text = "the specified account is not allowed to accept the current invitation";
    browser.authorize(&ask, &JANE).await.is_error("access_denied", text);
    let elsewhere = Ask::code(&app.clients.spa.client_id, "openid")
        .with("organization", &acme.id)
        .with("invitation", made["ticket_id"].as_str().unwrap());
    app.set_client(&app.clients.spa.client_id, json!({"organization_usage": "allow"})).await;
    let refused = Landing::of(&app.get(&elsewhere.challenged("a".repeat(43).as_str()).path()).await);
    refused.is_error("invalid_request", "invitation not found or already used");
    let refused = Landing::of(&app.get(&acme.ask(&app).with("invitation", "unknown").path()).await);
    refused.is_error("invalid_request", "invitation not found or already used");
    let refused = Landing::of(&app.get(&app.ask("openid").with("invitation", "x").path()).await);
    refused.is_error("invalid_request", "parameter organization is required");
    Browser::new(&app).authorize(&ask, &SAM).await.get("code");

    let (made, ask) = invited(&app, &acme, "jane@example.com", json!({"ttl_sec": 60})).await;
    let one = format!("{}/invitations/{}", acme.path, made["id"].as_str().unwrap());
    assert_eq!(app.manage("GET", &one, Value::Null).await, made);
    app.clock.advance(61);
    let late = Landing::of(&app.get(&ask.path()).await);
    late.is_error("invalid_request", "invitation not found or already used");
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("GET", &one, Value::Null).await.expect(404);
}

#[tokio::test]
async fn invitations_that_lead_nowhere_are_refused() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    let path = format!("{}/invitations", acme.path);
    let body = json!({"inviter": {"name": "Sam"}, "invitee": {"email": "new@example.com"}, "client_id": app.clients.m2m.client_id});
    let with = |name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    app.api("POST", &path, body.clone()).await.expect(400);
    app.set_client(&app.clients.m2m.client_id, json!({"initiate_login_uri": "https://app.example/login"}))
        .await;
    app.api("POST", &path, with("roles", json!(["rol_none"]))).await.expect(400);
    app.api("POST", &path, with("connection_id", json!("con_none"))).await.expect(400);
    app.api("POST", &path, with("invitee", json!({"email": "nobody"}))).await.expect(400);
    app.api("POST", &path, with("client_id", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))).await.expect(404);
    app.api("POST", &path, body).await.expect(201);
    assert_eq!(app.manage("GET", &format!("{path}?include_totals=true"), Value::Null).await["total"], 1);
    app.api("DELETE", &acme.path, Value::Null).await.expect(204);
    assert_eq!(app.app.store.invitations_count(TENANT, &acme.id).await.unwrap(), 0);
}
