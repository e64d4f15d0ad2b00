//! Several APIs in one request (RFC 8707): one sign-in, and tokens each of which is for one of them.

use serde_json::{Value, json};

use crate::support::{API, Answer, Ask, Browser, CALLBACK, Call, JANE, Landing, Pairs, TestApp, engines};

const INVOICES: &str = "https://invoices.example/api";
const SCOPE: &str = "openid offline_access read:contacts pay:invoices";

async fn with_invoices(app: &TestApp) -> String {
    let api = json!({
        "identifier": INVOICES, "name": "Invoices", "allow_offline_access": true,
        "scopes": [{"value": "pay:invoices", "description": "Pay your invoices"}, {"value": "read:contacts"}],
    });
    app.manage("POST", "/resource-servers", api).await["id"].as_str().unwrap().to_owned()
}

fn ask(app: &TestApp) -> Ask {
    Ask::code(&app.clients.web.client_id, SCOPE).with("resource", API).and("resource", INVOICES)
}

async fn redeem(app: &TestApp, code: &str, resources: &[&str]) -> Answer {
    let mut grant = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    grant.extend(resources.iter().map(|resource| ("resource", *resource)));
    app.web_token(&grant).await
}

/// What the token is for and says, as the first API and the answer see it.
async fn told(app: &TestApp, answer: &Answer) -> (Value, String) {
    let claims = app.verified(&answer.text("access_token")).await;
    let audience = if claims["aud"].is_array() { claims["aud"][0].clone() } else { claims["aud"].clone() };
    assert_eq!(claims["scope"], answer.text("scope"));
    (audience, answer.text("scope"))
}

#[tokio::test]
async fn one_sign_in_and_a_token_for_each() {
    for app in engines().await {
        with_invoices(&app).await;
        let mut browser = Browser::new(&app);
        let login = browser.open(&ask(&app)).await;
        let page = browser.log_in(&login, &JANE).await;
        // Each API is asked about by itself, the first last.
        assert!(page.form().action == "/u/consent" && page.body.contains("Invoices"), "{page:?}");
        let next = browser.submit(&page, &[("action", "accept")]).await;
        let page = browser.follow(next).await;
        assert!(page.form().action == "/u/consent" && !page.body.contains("Invoices"), "{page:?}");
        let next = browser.submit(&page, &[("action", "accept")]).await;
        let landing = Landing::of(&browser.follow(next).await);
        let first = redeem(&app, &landing.get("code"), &[]).await.expect(200);
        assert_eq!(told(&app, &first).await, (json!(API), "openid offline_access read:contacts".into()));
        // Nobody is asked again.
        let code = browser.authorize(&ask(&app).with("prompt", "none"), &JANE).await.get("code");
        let second = redeem(&app, &code, &[INVOICES, INVOICES]).await.expect(200);
        assert_eq!(told(&app, &second).await.0, json!(INVOICES), "{}", app.engine);
        assert!(second.text("scope").contains("pay:invoices"));
        assert!(second.text("id_token").contains('.'));
        for answer in [first, second] {
            let refresh = answer.text("refresh_token");
            let at = async |more: Pairs<'_>| app.refresh(&refresh, more).await;
            let there = at(&[("resource", INVOICES)]).await.expect(200);
            assert_eq!(told(&app, &there).await.0, json!(INVOICES));
            let here = at(&[]).await.expect(200);
            assert_eq!(told(&app, &here).await, (json!(API), "openid offline_access read:contacts".into()));
            let less = at(&[("resource", INVOICES), ("scope", "pay:invoices")]).await.expect(200);
            assert_eq!(told(&app, &less).await.1, "pay:invoices");
        }
        let jane = crate::support::segment(&app.jane().await);
        let listed = app.manage("GET", &format!("/users/{jane}/refresh-tokens"), Value::Null).await;
        let audiences: Vec<&Value> = listed["tokens"][0]["resource_servers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["audience"])
            .collect();
        assert_eq!(audiences, [API, INVOICES]);
    }
}

/// Each page says which of the APIs it is about, and an answer counts for what its page showed: whoever goes back to the first one and
/// agrees there has not agreed to the second.
#[tokio::test]
async fn case_03_an_answer_is_about_the_api_that_was_shown() {
    let app = TestApp::new().await;
    with_invoices(&app).await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask(&app)).await;
    let first = browser.log_in(&login, &JANE).await;
    assert!(first.body.contains("API 1 of 2: Invoices"), "{}", first.body);
    let next = browser.submit(&first, &[("action", "accept")]).await;
    let second = browser.follow(next).await;
    assert!(second.body.contains("API 2 of 2: Contacts API"), "{}", second.body);
    let state = second.form().value("state");
    let unsaid = browser.post("/u/consent", &[("state", &state), ("action", "accept")]).await.expect(400);
    assert!(unsaid.body.contains("API 2 of 2: Contacts API"), "{}", unsaid.body);
    let again = browser.submit(&first, &[("action", "accept")]).await.expect(400);
    assert!(again.body.contains("API 2 of 2: Contacts API"), "{}", again.body);
    let jane = crate::support::segment(&app.jane().await);
    let grants = app.manage("GET", &format!("/grants?user_id={jane}"), Value::Null).await;
    let audiences: Vec<&Value> = grants.as_array().unwrap().iter().map(|grant| &grant["audience"]).collect();
    assert_eq!(audiences, [INVOICES], "{grants}");
    let next = browser.submit(&again, &[("action", "accept")]).await;
    let landing = Landing::of(&browser.follow(next).await);
    redeem(&app, &landing.get("code"), &[]).await.expect(200);
    // The event of the sign-in names both.
    let logs = app.manage("GET", "/logs?q=type:s", Value::Null).await;
    let event = &logs[0];
    assert_eq!(
        (&event["audience"], &event["scope"]),
        (&json!(API), &json!("openid offline_access read:contacts"))
    );
    let further =
        json!([{ "audience": INVOICES, "scope": "openid offline_access read:contacts pay:invoices" }]);
    assert_eq!(event["details"]["further_resource_servers"], further, "{event:#}");
}

/// Where the user holds nothing at one of the APIs there is nothing to agree to: what signs them in is asked about with the other one.
#[tokio::test]
async fn an_api_that_gives_nothing_is_not_asked_about() {
    for app in engines().await {
        let api = with_invoices(&app).await;
        app.manage("PATCH", &format!("/resource-servers/{api}"), json!({"enforce_policies": true})).await;
        let mut browser = Browser::new(&app);
        let login = browser.open(&ask(&app)).await;
        let page = browser.log_in(&login, &JANE).await;
        assert!(page.form().action == "/u/consent" && page.body.contains("Contacts API"), "{page:?}");
        assert!(!page.body.contains("Invoices") && !page.body.contains(" of 2"), "{}", page.body);
        let next = browser.submit(&page, &[("action", "accept")]).await;
        let landing = Landing::of(&browser.follow(next).await);
        let there = redeem(&app, &landing.get("code"), &[INVOICES]).await.expect(200);
        assert_eq!(told(&app, &there).await, (json!(INVOICES), "openid offline_access".into()));
        let here = app.refresh(&there.text("refresh_token"), &[]).await.expect(200);
        assert_eq!(told(&app, &here).await.1, "openid offline_access read:contacts", "{}", app.engine);
        // Once there is something they are asked.
        let pay = json!({"permissions": [{"resource_server_identifier": INVOICES, "permission_name": "pay:invoices"}]});
        let jane = crate::support::segment(&app.jane().await);
        app.api("POST", &format!("/users/{jane}/permissions"), pay).await.expect(201);
        let page = browser.open(&ask(&app)).await;
        assert!(page.form().action == "/u/consent" && page.body.contains("Invoices"), "{page:?}");
    }
}

/// One API is no step of several.
#[tokio::test]
async fn one_api_is_asked_about_without_a_number() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask(&app).with("resource", API)).await;
    let page = browser.log_in(&login, &JANE).await;
    assert!(page.form().action == "/u/consent" && !page.body.contains("API 1 of"), "{page:?}");
}

/// Security case 2: what was allowed at one API is worth nothing at another, and what was not asked for nothing anywhere.
#[tokio::test]
async fn case_02_nothing_widens() {
    let app = TestApp::new().await;
    with_invoices(&app).await;
    app.manage(
        "POST",
        "/resource-servers",
        json!({"identifier": "https://third.example", "allow_offline_access": true, "scopes": [{"value": "read:contacts"}]}),
    )
    .await;
    let mut browser = Browser::new(&app);
    let only = "openid offline_access pay:invoices";
    let code = browser.authorize(&ask(&app).with("scope", only), &JANE).await.get("code");
    for (resources, why) in [
        (vec!["https://third.example"], "never asked for"),
        (vec!["https://nothing.example"], "there is none"),
        (vec![API, INVOICES], "a token is for one"),
        (vec![INVOICES, API], "a token is for one"),
    ] {
        let answer = redeem(&app, &code, &resources).await.expect(400);
        assert_eq!(answer.text("error"), "invalid_target", "{why}");
    }
    let tokens = redeem(&app, &code, &[INVOICES]).await.expect(200);
    redeem(&app, &code, &[API]).await.expect(403);
    // The replay took everything.
    app.refresh(&tokens.text("refresh_token"), &[]).await.expect(403);
    let code = browser.authorize(&ask(&app).with("scope", only), &JANE).await.get("code");
    let refresh = redeem(&app, &code, &[]).await.expect(200).text("refresh_token");
    // `read:contacts` is a scope of both, and was asked for at neither.
    for resource in [API, INVOICES] {
        let more = [("resource", resource), ("scope", "read:contacts pay:invoices")];
        let scope =
            app.refresh(&refresh, &more).await.json()["scope"].as_str().unwrap_or_default().to_owned();
        assert!(!scope.contains("read:contacts"), "{resource}: {scope}");
    }
    let third = app.refresh(&refresh, &[("resource", "https://third.example")]).await;
    assert!(third.status.is_client_error(), "{third:?}");
}

/// Whoever takes back what they allowed at one API ends what the application can do there.
#[tokio::test]
async fn consents_are_looked_at_each_time() {
    for app in engines().await {
        let api = with_invoices(&app).await;
        let mut browser = Browser::new(&app);
        let code = browser.authorize(&ask(&app), &JANE).await.get("code");
        let refresh = redeem(&app, &code, &[]).await.expect(200).text("refresh_token");
        let waiting = browser.authorize(&ask(&app), &JANE).await.get("code");
        // What the API allows without the user is decided each time too.
        let path = format!("/resource-servers/{api}");
        app.manage("PATCH", &path, json!({"scopes": [{"value": "read:contacts"}]})).await;
        let left = app.refresh(&refresh, &[("resource", INVOICES)]).await.expect(200);
        assert!(!left.text("scope").contains("pay:invoices"));
        let jane = crate::support::segment(&app.jane().await);
        let all =
            app.manage("GET", &format!("/grants?user_id={jane}&audience={INVOICES}"), Value::Null).await;
        let id = all[0]["id"].as_str().unwrap();
        app.manage("DELETE", &format!("/grants/{id}"), Value::Null).await;
        let gone = app.refresh(&refresh, &[("resource", INVOICES)]).await;
        assert!(gone.status.is_client_error(), "{}: {gone:?}", app.engine);
        app.refresh(&refresh, &[]).await.expect(200);
        let gone = redeem(&app, &waiting, &[INVOICES]).await;
        assert!(gone.status.is_client_error(), "{gone:?}");
        redeem(&app, &waiting, &[API]).await.expect(200);
    }
}

/// An application that nobody has to be asked about gets tokens for each, as long as nobody objects.
#[tokio::test]
async fn where_consent_is_skipped() {
    let app = TestApp::new().await;
    let api = with_invoices(&app).await;
    app.set_api(json!({"skip_consent_for_verifiable_first_party_clients": true})).await;
    let skip = json!({"skip_consent_for_verifiable_first_party_clients": true});
    app.manage("PATCH", &format!("/resource-servers/{api}"), skip).await;
    app.set_web(json!({"callbacks": ["https://app.example/cb"]})).await;
    let ask = ask(&app).with("redirect_uri", "https://app.example/cb");
    let mut browser = Browser::new(&app);
    let code = browser.authorize(&ask, &JANE).await.get("code");
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://app.example/cb"),
        ("resource", INVOICES),
    ];
    let tokens = app.web_token(&grant).await.expect(200);
    assert_eq!(told(&app, &tokens).await.0, json!(INVOICES));
    let again = app.refresh(&tokens.text("refresh_token"), &[("resource", INVOICES)]).await.expect(200);
    assert!(again.text("scope").contains("pay:invoices"));
}

#[tokio::test]
async fn a_no_to_one_is_a_no() {
    let app = TestApp::new().await;
    with_invoices(&app).await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask(&app)).await;
    let page = browser.log_in(&login, &JANE).await;
    let next = browser.submit(&page, &[("action", "accept")]).await;
    let page = browser.follow(next).await;
    let no = browser.submit(&page, &[("action", "decline")]).await;
    assert_eq!(Landing::of(&browser.follow(no).await).find("error"), Some("access_denied"));
    // What was said before stays; the other is still to be asked about.
    let silent = browser.authorize(&ask(&app).with("prompt", "none"), &JANE).await;
    silent.is_error("consent_required", "Consent required");
}

#[tokio::test]
async fn what_cannot_be_asked_for() {
    let app = TestApp::new().await;
    with_invoices(&app).await;
    let mut browser = Browser::new(&app);
    let text = "Several resources need response_type=code";
    let front = ask(&app).with("response_type", "code id_token").with("nonce", "n");
    browser.authorize(&front, &JANE).await.is_error("invalid_target", text);
    let details = ask(&app).with("authorization_details", r#"[{"type":"t"}]"#);
    assert_eq!(browser.authorize(&details, &JANE).await.find("error"), Some("invalid_target"));
    let many = (0..5).fold(ask(&app), |ask, n| ask.and("resource", &format!("https://{n}.example")));
    assert_eq!(browser.authorize(&many, &JANE).await.find("error"), Some("invalid_target"));
    // Where the tenant takes `resource` for something else, it names no API here.
    app.manage("PATCH", "/tenants/settings", json!({"resource_parameter_profile": "audience"})).await;
    let code = browser.authorize(&ask(&app).with("scope", "openid"), &JANE).await.get("code");
    let token = redeem(&app, &code, &[INVOICES]).await.expect(200).text("access_token");
    assert!(!token.contains('.'), "for /userinfo alone");
}

#[tokio::test]
async fn sent_ahead() {
    let app = TestApp::new().await;
    with_invoices(&app).await;
    app.manage("PATCH", "/tenants/settings", json!({"pushed_authorization_requests_supported": true})).await;
    let secret = app.web_secret();
    let form = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &secret),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", SCOPE),
        ("resource", API),
        ("resource", INVOICES),
    ];
    let pushed = app.send(Call::post("/oauth/par").form(&form)).await.expect(201);
    let ask = Ask::empty()
        .with("client_id", &app.clients.web.client_id)
        .with("request_uri", &pushed.text("request_uri"));
    let code = Browser::new(&app).authorize(&ask, &JANE).await.get("code");
    let token = redeem(&app, &code, &[INVOICES]).await.expect(200);
    assert_eq!(told(&app, &token).await.0, json!(INVOICES));
}
