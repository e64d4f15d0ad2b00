//! Rich authorization requests (RFC 9396, fact sheet 2.10): what exactly an application wants to do, from the consent page to the API.

use serde_json::{Value, json};

use crate::support::{API, Answer, Ask, Browser, Call, JANE, TestApp, decode, engines, unescape};

const PAYMENT: &str = r#"{"type":"payment","amount":{"value":"12.50","currency":"EUR"},"to":"Sam"}"#;
const ACCOUNT: &str = r#"{"type":"account","actions":["read"]}"#;

async fn know(app: &TestApp) {
    app.set_api(json!({"authorization_details": [{"type": "payment"}, {"type": "account"}]})).await;
}

fn ask(app: &TestApp, details: &str) -> Ask {
    app.ask("openid offline_access read:contacts").with("authorization_details", details)
}

async fn redeem(app: &TestApp, code: &str, details: Option<&str>) -> Answer {
    let form =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", crate::support::CALLBACK)];
    let more = details.map(|details| ("authorization_details", details));
    app.web_token(&form.into_iter().chain(more).collect::<Vec<_>>()).await
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn from_the_page_to_every_token() {
    for app in engines().await {
        know(&app).await;
        let both = format!("[{PAYMENT},{ACCOUNT}]");
        let mut browser = Browser::new(&app);
        let page = browser.open(&ask(&app, &both)).await;
        let page = browser.log_in(&page, &JANE).await;
        assert_eq!(page.form().action, "/u/consent", "{}", app.engine);
        let text = unescape(&page.body);
        for shown in ["payment", "value: 12.50, currency: EUR", "Sam", "account", "read"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        let landing = crate::support::Landing::of(&browser.go_through(page, &JANE).await);
        let tokens = redeem(&app, &landing.get("code"), None).await.expect(200).json();
        assert_eq!(tokens["authorization_details"], value(&both));
        let access_token = tokens["access_token"].as_str().unwrap();
        assert_eq!(decode(access_token).1["authorization_details"], value(&both));
        let refreshed = app.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await.expect(200).json();
        assert_eq!(refreshed["authorization_details"], value(&both));
        for token in ["access_token", "refresh_token"] {
            let form = [
                ("client_id", app.clients.web.client_id.as_str()),
                ("client_secret", &app.web_secret()),
                ("token", tokens[token].as_str().unwrap()),
            ];
            let said = app.send(Call::post("/oauth/introspect").form(&form)).await.expect(200).json();
            assert_eq!(
                (&said["active"], &said["authorization_details"]),
                (&json!(true), &value(&both)),
                "{token}"
            );
        }
    }
}

/// Whoever was asked before is asked again: this is about another payment.
#[tokio::test]
async fn nobody_agreed_to_it_before() {
    let app = TestApp::new().await;
    know(&app).await;
    let mut browser = Browser::new(&app);
    let details = format!("[{PAYMENT}]");
    browser.authorize(&ask(&app, &details), &JANE).await.get("code");
    assert_eq!(browser.open(&ask(&app, &details)).await.form().action, "/u/consent");
    let silent = ask(&app, &details).with("prompt", "none");
    browser.authorize(&silent, &JANE).await.is_error("consent_required", "Consent required");
    // A first-party application that may skip consent may not skip this.
    app.set_api(json!({"skip_consent_for_verifiable_first_party_clients": true})).await;
    assert_eq!(browser.open(&ask(&app, &details)).await.form().action, "/u/consent");
    let page = browser.open(&ask(&app, &details)).await;
    let no = browser.submit(&page, &[("action", "decline")]).await;
    let no = browser.follow(no).await;
    crate::support::Landing::of(&no).is_error("access_denied", "User did not authorize the request");
}

/// Security case 2: what comes after the consent lies within it.
#[tokio::test]
async fn case_02_details_are_narrowed_and_never_widened() {
    let app = TestApp::new().await;
    know(&app).await;
    let both = format!("[{PAYMENT},{ACCOUNT}]");
    let one = format!("[{ACCOUNT}]");
    let more = format!("[{}]", PAYMENT.replace("12.50", "1250"));
    let code = async || {
        let landing = Browser::new(&app).authorize(&ask(&app, &both), &JANE).await;
        landing.get("code")
    };
    for bad in [more.as_str(), "[]", "{}", r#"[{"type":"account"}]"#] {
        let answer = redeem(&app, &code().await, Some(bad)).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_authorization_details", "{bad}");
    }
    let tokens = redeem(&app, &code().await, Some(&one)).await.expect(200).json();
    assert_eq!(tokens["authorization_details"], value(&one));
    let refresh_token = tokens["refresh_token"].as_str().unwrap().to_owned();
    for bad in [both.as_str(), more.as_str()] {
        let answer = app.refresh(&refresh_token, &[("authorization_details", bad)]).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_authorization_details", "{bad}");
    }
    let refreshed = app.refresh(&refresh_token, &[]).await.expect(200).json();
    assert_eq!(refreshed["authorization_details"], value(&one));
    // What the API knows no more is handed out no more.
    app.set_api(json!({"authorization_details": [{"type": "payment"}]})).await;
    let refreshed = app.refresh(&refresh_token, &[]).await.expect(200).json();
    assert_eq!(refreshed["authorization_details"], Value::Null);
    let claims = decode(refreshed["access_token"].as_str().unwrap()).1;
    assert_eq!(claims["authorization_details"], Value::Null);
}

/// Security case 3: the access policy holds for details as it does for scopes.
#[tokio::test]
async fn case_03_types_follow_the_access_policy() {
    let app = TestApp::new().await;
    let details = format!("[{PAYMENT}]");
    let refused = async |why: &str| {
        let landing = Browser::new(&app).authorize(&ask(&app, &details), &JANE).await;
        assert_eq!(landing.find("error"), Some("invalid_authorization_details"), "{why}: {landing:?}");
    };
    refused("the API knows no types").await;
    know(&app).await;
    Browser::new(&app).authorize(&ask(&app, &details), &JANE).await.get("code");
    let policy = |policy: &str| json!({"subject_type_authorization": {"user": {"policy": policy}, "client": {"policy": "require_client_grant"}}});
    app.set_api(policy("require_client_grant")).await;
    let grant = json!({
        "client_id": app.clients.web.client_id, "audience": API, "scope": ["read:contacts"], "subject_type": "user",
        "authorization_details_types": ["account"],
    });
    let grant = app.manage("POST", "/client-grants", grant).await;
    refused("the grant allows another").await;
    let path = format!("/client-grants/{}", grant["id"].as_str().unwrap());
    app.manage("PATCH", &path, json!({"authorization_details_types": ["payment"]})).await;
    Browser::new(&app).authorize(&ask(&app, &details), &JANE).await.get("code");
    // Without an API there is nothing that would know them.
    let plain = Ask::code(&app.clients.web.client_id, "openid").with("authorization_details", &details);
    let landing = Browser::new(&app).authorize(&plain, &JANE).await;
    assert_eq!(landing.find("error"), Some("invalid_authorization_details"));
    // Machines have nobody to ask.
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", app.clients.m2m.client_id.as_str()),
        ("client_secret", &app.m2m_secret()),
        ("audience", API),
        ("authorization_details", &details),
    ];
    let answer = app.token(&form).await.expect(400).json();
    assert_eq!(answer["error"], "invalid_authorization_details");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let app = TestApp::new().await;
    know(&app).await;
    let many = format!("[{}]", [ACCOUNT; 6].join(","));
    let deep = format!(r#"[{{"type":"account","a":{}1{}}}]"#, "[".repeat(200), "]".repeat(200));
    for bad in ["x", "{}", "[]", "[1]", r#"[{"a":1}]"#, &many, &deep] {
        let landing = Browser::new(&app).authorize(&ask(&app, bad), &JANE).await;
        assert_eq!(landing.find("error"), Some("invalid_authorization_details"), "{bad}");
    }
}

/// Security case 5: what applications say is text on the page, whatever it says.
#[tokio::test]
async fn case_05_details_are_text() {
    let app = TestApp::new().await;
    know(&app).await;
    let hostile =
        json!([{"type": "payment", "to": "\"><img src=x onerror=alert(1)>", "note": "a\u{202e}b\nc"}]);
    let mut browser = Browser::new(&app);
    let page = browser.open(&ask(&app, &hostile.to_string())).await;
    let page = browser.log_in(&page, &JANE).await;
    assert_eq!(page.form().action, "/u/consent");
    assert!(!page.body.contains("<img src=x"), "{}", page.body);
    assert!(!page.body.contains('\u{202e}'));
}

#[tokio::test]
async fn discovery_names_the_types() {
    let app = TestApp::new().await;
    let types = async || {
        let found = app.get("/.well-known/openid-configuration").await.json();
        found["authorization_details_types_supported"].clone()
    };
    assert_eq!(types().await, Value::Null);
    know(&app).await;
    assert_eq!(types().await, json!(["account", "payment"]));
}
