//! What users let applications do, and taking it back.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{API, Answer, Browser, CONNECTION, JANE, SAM, TestApp, engines, segment};

const PAGE: &str = "/u/account/consents";

/// The `name=value` pairs of the form that withdraws the consent at a place on the page.
fn form(page: &Answer, at: usize) -> Vec<(String, String)> {
    let forms: Vec<&str> = page.body.split("<form ").skip(1).collect();
    let value = |name: &str| {
        let rest = forms[at].split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        (name.to_owned(), rest.split('"').next().unwrap().to_owned())
    };
    ["_csrf", "consent", "action"].map(value).to_vec()
}

async fn post(browser: &mut Browser<'_>, pairs: &[(String, String)]) -> Answer {
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(PAGE, &pairs).await
}

async fn allow_offline(app: &TestApp) {
    app.set_api(json!({"allow_offline_access": true})).await;
}

#[tokio::test]
async fn withdrawing_ends_what_hangs_on_it() {
    for app in engines().await {
        allow_offline(&app).await;
        let mut browser = Browser::new(&app);
        let landing = browser.authorize(&app.ask("openid offline_access read:contacts"), &JANE).await;
        let tokens = app.redeem(&landing.get("code")).await.expect(200);
        let waiting = browser.authorize(&app.ask("openid read:contacts"), &JANE).await.get("code");
        let page = browser.get(PAGE).await.expect(200);
        assert!(
            page.body.contains("Demo Web")
                && page.body.contains("<strong>Contacts:</strong> read your contacts")
        );
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );

        let done = post(&mut browser, &form(&page, 0)).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        let after = browser.follow(done).await.expect(200);
        assert!(after.body.contains("Demo Web has lost this access."), "{}", after.body);
        assert!(after.body.contains("No application has access to your account."), "{}", after.body);
        app.refresh(&tokens.text("refresh_token"), &[]).await.expect(403);
        app.redeem(&waiting).await.expect(403);
        assert_eq!(
            app.manage("GET", &format!("/grants?user_id={}", segment(&app.jane().await)), Value::Null).await,
            json!([])
        );
        app.app.logs.flush().await.unwrap();
        let log =
            app.manage("GET", &format!("/users/{}/logs", segment(&app.jane().await)), Value::Null).await;
        let event = log.as_array().unwrap().iter().find(|event| event["type"] == "srrt").unwrap();
        assert_eq!(event["audience"], API);

        // Asked again, and the form is worth nothing twice.
        let again = browser.open(&app.ask("openid read:contacts")).await;
        assert_eq!(again.form().action, "/u/consent");
        post(&mut browser, &form(&page, 0)).await.expect(303);
    }
}

/// Opaque tokens hang on the consent without an API.
#[tokio::test]
async fn opaque_tokens_end_too() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let landing = browser.authorize(&app.ask("openid email offline_access").without("audience"), &JANE).await;
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    let token = tokens.text("access_token");
    app.userinfo(&token).await.expect(200);
    let page = browser.get(PAGE).await.expect(200);
    assert!(page.body.contains("See your email address"));
    post(&mut browser, &form(&page, 0)).await.expect(303);
    app.userinfo(&token).await.expect(401);
    app.refresh(&tokens.text("refresh_token"), &[]).await.expect(403);
}

#[tokio::test]
async fn login_comes_first() {
    let app = TestApp::new().await;
    // Whatever application a database of users serves, its people see their page.
    let found = app.manage("GET", "/connections", Value::Null).await;
    let connection =
        found.as_array().unwrap().iter().find(|c| c["name"] == CONNECTION).unwrap()["id"].clone();
    let path = format!("/connections/{}", connection.as_str().unwrap());
    app.manage(
        "PATCH",
        &path,
        json!({"is_domain_connection": false, "enabled_clients": [app.clients.web.client_id]}),
    )
    .await;

    let mut browser = Browser::new(&app);
    let first = browser.get(PAGE).await;
    let login = browser.follow(first).await.expect(200);
    assert_eq!(login.form().action, "/u/login");
    assert!(!login.body.contains("/u/signup"), "accounts are made on the way to an application");
    browser.get(&format!("/u/signup?state={}", login.form().value("state"))).await.expect(303);
    let wrong = [("username", JANE.email), ("password", "not it"), ("action", "default")];
    browser.submit(&login, &wrong).await.expect(400);
    let typed = [("username", JANE.email), ("password", JANE.password), ("action", "default")];
    let resumed = browser.submit(&login, &typed).await.expect(303);
    let home = browser.get(resumed.location().unwrap()).await.expect(302);
    assert_eq!(home.location(), Some("https://auth.example/u/account/consents"));
    browser.get(PAGE).await.expect(200);

    // A database that is switched off lets nobody in.
    app.manage("PATCH", &path, json!({"is_domain_connection": false, "enabled_clients": []})).await;
    let refused = Browser::new(&app).get(PAGE).await.expect(400);
    assert!(refused.body.contains("no connections enabled"));
    app.manage("PATCH", &path, json!({"enabled_clients": [app.clients.web.client_id]})).await;

    // Skipping the login leads back to it; a stranger's session opens nothing of this login.
    let mut other = Browser::new(&app);
    let login = other.get(PAGE).await;
    let resume = login.location().unwrap().replace("/u/login", "/authorize/resume");
    assert!(other.get(&resume).await.location().unwrap().starts_with("/u/login"));
    assert!(!Browser::new(&app).get(&resume).await.body.contains("account/consents"));
}

#[tokio::test]
async fn nobody_withdraws_for_somebody_else() {
    let app = TestApp::new().await;
    let (mut jane, mut sam) = (Browser::new(&app), Browser::new(&app));
    jane.authorize(&app.ask("openid read:contacts"), &JANE).await.get("code");
    sam.authorize(&app.ask("openid read:contacts"), &SAM).await.get("code");
    let (of_jane, of_sam) = (jane.get(PAGE).await, sam.get(PAGE).await);
    let (good, foreign) = (form(&of_jane, 0), form(&of_sam, 0));
    let with = |name: &str, value: &str| {
        let mut changed = good.clone();
        changed.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| value.clone_into(v));
        changed
    };
    // Another's consent, with a proof of one's own.
    post(&mut jane, &with("consent", &foreign[1].1)).await.expect(303);
    // Proofs of others, or none: a form of another site.
    for proof in [foreign[0].1.as_str(), "", "x"] {
        post(&mut jane, &with("_csrf", proof)).await.expect(403);
    }
    let origin = crate::support::Call::post(PAGE)
        .form(&good.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>())
        .header("origin", "https://evil.example");
    jane.send(origin).await.expect(403);
    // What says something twice, nothing, or something else.
    let twice = [good.clone(), vec![("consent".to_owned(), foreign[1].1.clone())]].concat();
    for hostile in [twice, with("action", "accept"), good[..2].to_vec()] {
        post(&mut jane, &hostile).await.expect(400);
    }
    post(&mut jane, &with("consent", "nothing\0here")).await.expect(303);
    let grants = app.manage("GET", "/grants", Value::Null).await;
    assert_eq!(grants.as_array().unwrap().len(), 2, "both are there");
    let signed_out = Browser::new(&app).post(PAGE, &[]).await;
    assert!(signed_out.location().unwrap().starts_with("/u/login"));
}

#[tokio::test]
async fn in_the_language_of_the_reader() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app).with_header("accept-language", "de");
    let first = browser.get(PAGE).await;
    let login = browser.follow(first).await;
    browser.log_in(&login, &JANE).await;
    let page = browser.get(PAGE).await.expect(200);
    assert!(page.body.contains("Keine Anwendung hat Zugriff"), "{}", page.body);
    assert_eq!(page.header("content-language"), Some("de"));
}

/// An API of which nothing but the account was allowed has no heading of its own among the scopes.
#[tokio::test]
async fn two_apis_of_one_application_are_told_apart() {
    let app = TestApp::new().await;
    let invoices = json!({"identifier": "https://invoices.example/api", "name": "Invoices"});
    app.manage("POST", "/resource-servers", invoices).await;
    let mut browser = Browser::new(&app);
    browser.authorize(&app.ask("openid profile read:contacts"), &JANE).await;
    let other = app.ask("openid profile").with("audience", "https://invoices.example/api");
    browser.authorize(&other, &JANE).await;
    let page = browser.get(PAGE).await.expect(200).body;
    assert!(page.contains("<h3>Contacts API</h3>"), "{page}");
    assert_eq!(
        (page.matches(" · Invoices<").count(), page.matches(" · Contacts API").count()),
        (1, 0),
        "{page}"
    );
}
