//! What pages of other origins and programs that only look may do.

use serde_json::json;

use crate::support::{Ask, Browser, CONNECTION, Call, JANE, TestApp};

/// A third-party application, or a script in any application, sends the browser's cookies along and reads what
/// `/authorize` answers to another application: a code, an ID token.
#[tokio::test]
async fn no_page_reads_what_a_cookie_decides() {
    const EVIL: &str = "https://evil.example";
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let ask = Ask::code(&app.clients.web.client_id, "openid");
    browser.authorize(&ask, &JANE).await.get("code");
    app.set_client(&app.clients.spa.client_id, json!({ "web_origins": [EVIL] })).await;
    let cookie = format!("auth0={}", browser.session_cookie().unwrap());
    let silent = ask.with("prompt", "none").with("response_mode", "form_post").path();
    let get = |path: &str| Call::get(path).header("origin", EVIL).header("cookie", &cookie);
    let answer = app.send(get(&silent)).await.expect(200);
    assert!(answer.body.contains("name=\"code\""), "the test looks at the right page");
    for path in [silent.as_str(), "/u/login", "/v2/logout", "/dev/mail", "/"] {
        let answer = app.send(get(path)).await;
        let preflight =
            Call::new("OPTIONS", path).header("origin", EVIL).header("access-control-request-method", "GET");
        for answer in [answer, app.send(preflight).await] {
            assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
        }
    }
    // Endpoints for pages give no leave for cookies either.
    for path in
        ["/oauth/token", "/userinfo", "/dbconnections/signup", "/passwordless/start", "/api/v2/clients"]
    {
        let call = Call::post(path).form(&[]).header("origin", EVIL);
        let answer = app.send(call).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(EVIL), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
    }
}

#[tokio::test]
async fn looking_at_a_link_verifies_no_address() {
    let app = TestApp::new().await;
    let signup = json!({
        "client_id": app.clients.web.client_id, "connection": CONNECTION,
        "email": "new@example.com", "password": "Some-4-Password",
    });
    app.send(Call::post("/dbconnections/signup").json(&signup)).await.expect(200);
    let path = format!("/u/email-verification?ticket={}", app.mailed_ticket("new@example.com"));
    let verified = async || {
        let found =
            app.manage("GET", "/users-by-email?email=new%40example.com", serde_json::Value::Null).await;
        found[0]["email_verified"].as_bool()
    };
    app.send(Call::new("HEAD", &path)).await.expect(200);
    assert_eq!(verified().await, Some(false));
    app.send(Call::get(&path)).await.expect(200);
    assert_eq!(verified().await, Some(true));
}

#[tokio::test]
async fn nobody_signs_up_where_no_application_leads() {
    let app = TestApp::new().await;
    app.manage("POST", "/connections", json!({ "name": "Internal", "strategy": "auth0" })).await;
    let ask = |client_id: Option<&str>| {
        let body = json!({
            "client_id": client_id, "connection": "Internal",
            "email": "new@example.com", "password": "Some-4-Password",
        });
        app.send(Call::post("/dbconnections/signup").json(&body))
    };
    for client_id in [None, Some(app.clients.web.client_id.as_str())] {
        let answer = ask(client_id).await.expect(400);
        assert_eq!(answer.text("code"), "invalid_connection", "{client_id:?}");
    }
}

/// A picture in a forum, or one that a logo's address leads to, logged out whoever looked at it. Windows, frames and requests by
/// scripts are how applications log somebody out.
#[tokio::test]
async fn no_part_of_a_page_logs_anybody_out() {
    let app = TestApp::new().await;
    for path in ["/v2/logout", "/oidc/logout"] {
        let parts = ["image", "script", "style", "font", "audio", "video", "track", "object", "embed"];
        let ahead = ["prefetch", "prefetch;prerender"].map(|purpose| ("sec-purpose", purpose));
        for (name, value) in parts.map(|dest| ("sec-fetch-dest", dest)).into_iter().chain(ahead) {
            let mut browser = Browser::new(&app);
            let ask = Ask::code(&app.clients.web.client_id, "openid");
            browser.authorize(&ask, &JANE).await.get("code");
            let answer = browser.send(Call::get(path).header(name, value)).await;
            assert_eq!(answer.status, 400, "{path} {value}");
            browser.open(&ask.with("prompt", "none")).await.location().unwrap();
            assert!(browser.session_cookie().is_some(), "{path} {value}");
        }
        for dest in ["document", "iframe", "empty"] {
            let mut browser = Browser::new(&app);
            let ask = Ask::code(&app.clients.web.client_id, "openid");
            browser.authorize(&ask, &JANE).await.get("code");
            let answer = browser.send(Call::get(path).header("sec-fetch-dest", dest)).await;
            assert_ne!(answer.status, 400, "{path} {dest}");
        }
    }
}
