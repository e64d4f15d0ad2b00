//! Nothing that came with a request runs in a page of ours, and no answer is sent to a URL that is code.

use serde_json::json;

use crate::support::{API, Answer, Ask, Browser, CALLBACK, JANE, TestApp};

/// Breaks out of attributes, text, script and style, where it is let.
const HOSTILE: &str = "\"'><img src=x onerror=alert(1)></script><script>alert(1)</script>";

#[tokio::test]
async fn case_05_script_schemes_are_no_callbacks() {
    let app = TestApp::new().await;
    let schemes = [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "javascript://auth.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "blob:https://auth.example/1",
        "file:///etc/passwd",
        "view-source:https://auth.example/",
        "about:blank",
    ];
    for uri in schemes {
        // Whether or not the Management API lets one be written down, no answer goes there.
        let token = app.management_token().await;
        let path = format!("/api/v2/clients/{}", app.clients.web.client_id);
        let call = crate::support::Call::new("PATCH", &path).bearer(&token);
        app.send(call.json(&json!({ "callbacks": [uri, CALLBACK] }))).await;
        for mode in ["query", "fragment", "form_post", "web_message"] {
            let ask = Ask::code(&app.clients.web.client_id, "openid").with("redirect_uri", uri);
            let answer = app.get(&ask.with("prompt", "none").with("response_mode", mode).path()).await;
            assert_eq!((answer.status.as_u16(), answer.location()), (403, None), "{uri} {mode}: {answer:?}");
            is_harmless(&answer);
        }
    }
}

#[tokio::test]
async fn case_05_parameters_are_text_on_every_page() {
    let app = TestApp::new().await;
    let names = [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "audience",
        "state",
        "nonce",
        "prompt",
        "login_hint",
        "screen_hint",
        "ui_locales",
        "connection",
        "max_age",
        "id_token_hint",
        "error",
        "organization",
    ];
    for name in names {
        let ask = app.ask("openid read:contacts").with(name, HOSTILE);
        is_harmless(&Browser::new(&app).open(&ask).await);
    }
    for path in [
        "/u/login",
        "/u/signup",
        "/u/consent",
        "/u/confirm",
        "/u/device",
        "/activate",
        "/u/reset-password",
        "/u/reset-verify",
        "/u/logout",
        "/u/email-verification",
        "/authorize/resume",
        "/v2/logout",
        "/oidc/logout",
        "/login",
    ] {
        for name in [
            "state",
            "ticket",
            "user_code",
            "returnTo",
            "post_logout_redirect_uri",
            "client_id",
            "error",
            "id_token_hint",
        ] {
            let query = crate::support::encode(&[(name, HOSTILE)]);
            is_harmless(&app.get(&format!("{path}?{query}")).await);
        }
    }
}

#[tokio::test]
async fn case_05_typed_text_comes_back_as_text() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid").with("login_hint", HOSTILE)).await;
    is_harmless(&login);
    let again = browser.submit(&login, &[("username", HOSTILE), ("password", HOSTILE)]).await.expect(400);
    is_harmless(&again);
    assert!(again.body.contains("&#60;img"), "what was typed is shown: {}", again.body);
    let state = login.form().value("state");
    for path in ["/u/signup", "/u/reset-password"] {
        let page = browser.get(&format!("{path}?state={state}")).await.expect(200);
        let typed = [("email", HOSTILE), ("username", HOSTILE), ("password", HOSTILE)];
        is_harmless(&browser.submit(&page, &typed).await);
    }
}

#[tokio::test]
async fn case_05_names_that_administrators_write_are_text() {
    let app = TestApp::new().await;
    let named = HOSTILE.replace(['<', '>'], "");
    app.set_web(json!({ "name": named, "logo_uri": "https://x.example/\"onerror=\"alert(1)" })).await;
    let scopes = json!([{ "value": "read:contacts", "description": HOSTILE }]);
    app.set_api(json!({ "name": named, "scopes": scopes })).await;
    app.manage(
        "PATCH",
        "/tenants/settings",
        json!({ "flags": { "use_scope_descriptions_for_consent": true } }),
    )
    .await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid read:contacts")).await;
    is_harmless(&login);
    let consent = browser.log_in(&login, &JANE).await.expect(200);
    assert_eq!(consent.form().action, "/u/consent");
    is_harmless(&consent);
}

#[tokio::test]
async fn case_05_form_post_escapes_and_targets_one_place() {
    let app = TestApp::new().await;
    let ask =
        app.ask("openid").with("response_mode", "form_post").with("state", HOSTILE).with("audience", API);
    let mut browser = Browser::new(&app);
    let page = browser.open(&ask).await;
    let page = browser.go_through(page, &JANE).await.expect(200);
    let form = page.form();
    assert_eq!((form.action.as_str(), form.value("state").as_str()), (CALLBACK, HOSTILE));
    is_harmless(&page);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' https://auth.example"), "{policy}");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
}

#[tokio::test]
async fn case_05_web_message_escapes_and_names_its_target() {
    let app = TestApp::new().await;
    let ask = Ask::code(&app.clients.spa.client_id, "openid").with("response_mode", "web_message");
    let page = app.get(&ask.with("prompt", "none").with("state", HOSTILE).path()).await.expect(200);
    is_harmless(&page);
    assert!(page.body.contains("data-target-origin=\"https://auth.example\""), "{}", page.body);
    assert!(!page.body.contains("data-target-origin=\"*\""));
}

/// No markup from outside, no inline code, and a policy that would stop both.
#[track_caller]
fn is_harmless(answer: &Answer) {
    let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    assert!(!answer.status.is_server_error(), "{answer:?}");
    if let Some(location) = answer.location() {
        assert!(location.starts_with('/') || location.starts_with("https://"), "{location}");
    }
    if !is_page {
        return;
    }
    let body = answer.body.to_ascii_lowercase();
    for hostile in ["<img src=x", "<script>", "</script><script", "onerror=\"", "=\"javascript:", "style=\""]
    {
        assert!(!body.contains(hostile), "{hostile} in {}", answer.body);
    }
    let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("no policy: {answer:?}"));
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && policy.contains("form-action"),
        "{policy}"
    );
    assert!(!policy.contains("script-src") || policy.contains("script-src 'self';"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}
