//! What users leave out on the consent page.

use serde_json::{Value, json};

use crate::support::{API, Answer, Browser, JANE, Landing, TestApp, decode, engines};

const ALL: &str = "openid offline_access read:contacts update:contacts share:contacts";

/// The demo API without RBAC: `read:contacts` is required, `update:contacts` may be unticked, `share:contacts` ticked.
async fn furnish(app: &TestApp) {
    app.set_api(json!({
        "enforce_policies": false,
        "scopes": [
            {"value": "read:contacts"},
            {"value": "update:contacts", "consent": "optional"},
            {"value": "share:contacts", "consent": "sensitive"},
        ],
    }))
    .await;
}

/// The boxes of the page that are ticked.
fn ticked(page: &Answer) -> Vec<String> {
    let tags = page.body.split("<input").filter(|tag| tag.contains("checkbox") && tag.contains(" checked"));
    tags.map(|tag| tag.split("name=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()).collect()
}

async fn consent_page(browser: &mut Browser<'_>, app: &TestApp, scope: &str) -> Answer {
    let login = browser.open(&app.ask(scope)).await;
    browser.log_in(&login, &JANE).await
}

async fn allow(browser: &mut Browser<'_>, page: &Answer, boxes: &[&str]) -> Landing {
    let mut typed = vec![("action", "accept")];
    typed.extend(boxes.iter().map(|name| (*name, "yes")));
    let answer = browser.submit(page, &typed).await;
    Landing::of(&browser.follow(answer).await)
}

#[tokio::test]
async fn the_token_carries_what_was_left() {
    for app in engines().await {
        furnish(&app).await;
        let mut browser = Browser::new(&app);
        let page = consent_page(&mut browser, &app, ALL).await;
        assert_eq!(ticked(&page), ["allow:update:contacts"]);
        assert!(page.body.contains("Sensitive") && page.body.contains("/u/account/consents"));
        let landing = allow(&mut browser, &page, &["allow:share:contacts"]).await;
        let tokens = app.redeem(&landing.get("code")).await.expect(200);
        let left = "openid offline_access read:contacts share:contacts";
        assert_eq!(tokens.text("scope"), left);
        assert_eq!(decode(&tokens.text("access_token")).1["scope"], left);
        let grants = app.manage("GET", "/grants", Value::Null).await;
        let own = grants.as_array().unwrap().iter().find(|grant| grant["audience"] == API).unwrap();
        assert_eq!(own["scope"], json!(left.split(' ').collect::<Vec<_>>()));

        let refresh = tokens.text("refresh_token");
        for more in ["", "read:contacts update:contacts"] {
            let refreshed = app.refresh(&refresh, &[("scope", more)]).await.expect(200).text("scope");
            assert!(!refreshed.contains("update:contacts"), "{refreshed}");
        }

        // Nobody is asked again about what they said no to, and the application does not get it.
        let silent = browser.open(&app.ask(ALL).with("prompt", "none")).await;
        let tokens = app.redeem(&Landing::of(&silent).get("code")).await.expect(200);
        assert_eq!(tokens.text("scope"), left);
        let again = browser.open(&app.ask(ALL)).await;
        assert!(again.location().unwrap().contains("code="), "{again:?}");
    }
}

/// Where the application insists, the page is as it was left; what is taken back ends the tokens that hold it.
#[tokio::test]
async fn asked_again_where_the_application_insists() {
    let app = TestApp::new().await;
    furnish(&app).await;
    let mut browser = Browser::new(&app);
    let page = consent_page(&mut browser, &app, ALL).await;
    let landing = allow(&mut browser, &page, &["allow:share:contacts"]).await;
    let first = app.redeem(&landing.get("code")).await.expect(200).text("refresh_token");

    let page = browser.open(&app.ask(ALL).with("prompt", "consent")).await;
    assert_eq!(ticked(&page), ["allow:share:contacts"]);
    let landing = allow(&mut browser, &page, &["allow:update:contacts"]).await;
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    assert_eq!(tokens.text("scope"), "openid offline_access read:contacts update:contacts");
    app.refresh(&first, &[]).await.expect(403);
    app.refresh(&tokens.text("refresh_token"), &[]).await.expect(200);
}

/// An API that lets first-party applications skip consent does not take a no back.
#[tokio::test]
async fn a_no_outlives_the_question() {
    let app = TestApp::new().await;
    furnish(&app).await;
    let mut browser = Browser::new(&app);
    let page = consent_page(&mut browser, &app, ALL).await;
    allow(&mut browser, &page, &[]).await.get("code");
    app.set_api(json!({"skip_consent_for_verifiable_first_party_clients": true})).await;
    let landing = Landing::of(&browser.open(&app.ask(ALL)).await);
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    assert_eq!(tokens.text("scope"), "openid offline_access read:contacts");
    // Nor does a policy of the application's refresh tokens.
    let client = decode(&tokens.text("access_token")).1["azp"].as_str().unwrap().to_owned();
    let policy = json!({"audience": API, "scope": ["read:contacts", "update:contacts", "share:contacts"]});
    let patch = json!({"refresh_token": {"rotation_type": "rotating", "expiration_type": "expiring", "policies": [policy]}});
    app.api("PATCH", &format!("/clients/{client}"), patch).await.expect(200);
    let refreshed = app.refresh(&tokens.text("refresh_token"), &[]).await.expect(200);
    assert_eq!(refreshed.text("scope"), "openid offline_access read:contacts");
    // Somebody who was never asked is not asked now, and everything is had.
    let login = Browser::new(&app).authorize(&app.ask(ALL), &crate::support::SAM).await;
    assert_eq!(app.redeem(&login.get("code")).await.expect(200).text("scope"), ALL);
}

/// A scope that nobody answered yet asks again; so does one that may be left out no more.
#[tokio::test]
async fn asked_again_for_what_is_new() {
    let app = TestApp::new().await;
    furnish(&app).await;
    let mut browser = Browser::new(&app);
    let page = consent_page(&mut browser, &app, "openid read:contacts update:contacts").await;
    allow(&mut browser, &page, &[]).await.get("code");
    let page = browser.open(&app.ask(ALL)).await.expect(200);
    assert_eq!(ticked(&page), Vec::<String>::new(), "as it was left, and sensitive ones begin without");
    allow(&mut browser, &page, &[]).await.get("code");

    app.set_api(json!({"scopes": [{"value": "read:contacts"}, {"value": "update:contacts"}]})).await;
    let silent = app.ask("openid update:contacts").with("prompt", "none");
    Landing::of(&browser.open(&silent).await).is_error("consent_required", "Consent required");
}

#[tokio::test]
async fn forms_say_nothing_beyond_their_boxes() {
    let app = TestApp::new().await;
    furnish(&app).await;
    let mut browser = Browser::new(&app);
    let page = consent_page(&mut browser, &app, "openid read:contacts share:contacts").await;
    // Ticking what was not offered, and unticking what must be.
    let forged = ["allow:update:contacts", "allow:delete:users", "allow:", "allow:openid"];
    let landing = allow(&mut browser, &page, &forged).await;
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    assert_eq!(tokens.text("scope"), "openid read:contacts");

    // A form that showed other choices, or says something twice, is shown again.
    for typed in [
        &[("action", "accept"), ("choices", "update:contacts")][..],
        &[("action", "accept"), ("allow:share:contacts", "yes"), ("allow:share:contacts", "no")],
    ] {
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask(ALL).with("prompt", "consent login")).await;
        let page = browser.log_in(&login, &JANE).await;
        browser.submit(&page, typed).await.expect(400);
    }
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid update:contacts").with("prompt", "consent login")).await;
    let page = browser.log_in(&login, &JANE).await;
    app.set_api(json!({"scopes": [{"value": "update:contacts"}]})).await;
    let answer = browser.submit(&page, &[("action", "accept")]).await.expect(400);
    assert!(
        answer.form().inputs.iter().all(|name| name != "allow:update:contacts"),
        "it is no choice any more"
    );
}

/// Each kind is kept and shown; others are refused.
#[tokio::test]
async fn kinds_of_scopes() {
    let app = TestApp::new().await;
    furnish(&app).await;
    let api = crate::support::segment(API);
    let shown = app.manage("GET", &format!("/resource-servers/{api}"), Value::Null).await;
    assert_eq!(shown["scopes"][2], json!({"value": "share:contacts", "consent": "sensitive"}));
    assert_eq!(shown["scopes"][0], json!({"value": "read:contacts"}));
    let wrong = json!({"scopes": [{"value": "a", "consent": "maybe"}]});
    let refused = app.api("PATCH", &format!("/resource-servers/{api}"), wrong).await.expect(400);
    assert_eq!(refused.text("errorCode"), "invalid_body");
    assert!(refused.body.contains("consent"), "{refused:?}");
}
