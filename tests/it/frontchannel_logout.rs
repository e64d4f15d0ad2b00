//! Applications log out in frames on the page after a logout (OpenID Connect Front-Channel Logout 1.0), and ask a frame whether the
//! session is still there (Session Management 1.0).

use serde_json::{Value, json};

use crate::support::{Ask, Browser, CALLBACK, ISSUER, JANE, TestApp, decode, encode, unescape};

async fn framed(app: &TestApp, settings: Value) {
    app.set_web(json!({"oidc_logout": settings})).await;
}

async fn signed_in(app: &TestApp) -> (Browser<'_>, String) {
    let mut browser = Browser::new(app);
    let ask = Ask::code(&app.clients.web.client_id, "openid");
    let code = browser.authorize(&ask, &JANE).await.get("code");
    let id_token = app.redeem(&code).await.expect(200).text("id_token");
    (browser, id_token)
}

#[tokio::test]
async fn the_page_frames_who_took_part_and_nobody_else() {
    let app = TestApp::new().await;
    framed(
        &app,
        json!({"frontchannel_logout_uri": "https://app.example/out?x=1", "frontchannel_logout_session_required": true}),
    )
    .await;
    let (mut browser, id_token) = signed_in(&app).await;
    let sid = decode(&id_token).1["sid"].as_str().unwrap().to_owned();
    let query = encode(&[
        ("id_token_hint", id_token.as_str()),
        ("post_logout_redirect_uri", "http://localhost:3000"),
        ("state", "s"),
    ]);
    let page = browser.get(&format!("/oidc/logout?{query}")).await.expect(200);
    let text = unescape(&page.body);
    let frame = format!("https://app.example/out?x=1&{}", encode(&[("iss", ISSUER), ("sid", &sid)]));
    assert!(text.contains(&format!("<iframe src=\"{frame}\"")), "{text}");
    assert!(text.contains("id=\"go-on\""));
    assert!(text.contains("href=\"http://localhost:3000?state=s\""));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-src https://app.example;"), "{policy}");
    assert!(!policy.contains("unsafe"));
    assert_eq!(browser.session_cookie(), None);
    // Where nobody is to be shown, nobody waits.
    let again = browser.get(&format!("/oidc/logout?{query}")).await;
    assert_eq!(again.location(), Some("http://localhost:3000?state=s"));
}

#[tokio::test]
async fn without_the_session_where_it_is_not_wanted() {
    let app = TestApp::new().await;
    framed(&app, json!({"frontchannel_logout_uri": "https://app.example/out"})).await;
    let (mut browser, _) = signed_in(&app).await;
    let page = browser.get("/v2/logout").await.expect(200);
    assert!(page.body.contains("<iframe src=\"https://app.example/out\""), "{}", page.body);
    assert!(!page.body.contains("go-on"));
}

/// Security case 5: an address that would run is never framed, and cannot widen the policy.
#[tokio::test]
async fn case_05_no_script_in_a_frame() {
    let app = TestApp::new().await;
    let path = format!("/api/v2/clients/{}", app.clients.web.client_id);
    let token = app.management_token().await;
    for bad in [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://app.example;script-src *",
        "//app.example/",
        "/out",
        "https://app.example/#x",
        "com.example.app:/out",
        "",
    ] {
        let call = crate::support::Call::new("PATCH", &path).bearer(&token);
        let call = call.json(&json!({"oidc_logout": {"frontchannel_logout_uri": bad}}));
        assert_eq!(app.send(call).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn session_state_is_what_the_frame_computes() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/oidc/check_session").await.status, 404);
    assert!(!app.get("/.well-known/openid-configuration").await.body.contains("check_session_iframe"));
    let ask = Ask::code(&app.clients.web.client_id, "openid");
    let plain = Browser::new(&app).authorize(&ask, &JANE).await;
    assert_eq!(plain.find("session_state"), None, "who does not want it sees no difference");

    app.manage("PATCH", "/tenants/settings", json!({"flags": {"enable_session_management": true}})).await;
    let found = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(found["check_session_iframe"], format!("{ISSUER}oidc/check_session"));
    let frame = app.get("/oidc/check_session").await.expect(200);
    assert_eq!(
        frame.header("content-security-policy"),
        Some("default-src 'none'; base-uri 'none'; script-src 'self'; form-action 'none'")
    );
    assert_eq!(frame.header("x-frame-options"), None);
    assert!(!frame.body.contains("style"), "it shows nothing");

    let mut browser = Browser::new(&app);
    let answer = browser.open(&ask).await;
    let answer = browser.log_in(&answer, &JANE).await;
    let state = crate::support::Landing::of(&answer).get("session_state");
    let op_state = browser.cookies["op_state"].clone();
    let computed = |op_state: &str| {
        let (_, salt) = state.split_once('.').unwrap();
        let origin = "https://auth.example";
        assert!(CALLBACK.starts_with(origin));
        let text = format!("{} {origin} {op_state} {salt}", app.clients.web.client_id);
        let hash = chancery_jose::sha256(text.as_bytes());
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}.{salt}")
    };
    assert_eq!(computed(&op_state), state);
    assert!(!browser.session_cookie().unwrap().contains(&op_state));
    // The same session goes on to be the same; another one is another.
    let again = browser.authorize(&ask.clone().with("prompt", "none"), &JANE).await;
    assert_ne!(again.get("session_state"), state, "salted");
    assert_eq!(browser.cookies["op_state"], op_state);
    browser.get("/v2/logout").await.expect(200);
    assert!(!browser.cookies.contains_key("op_state"));
    browser.authorize(&ask, &JANE).await;
    assert_ne!(computed(&browser.cookies["op_state"]), state);
}
