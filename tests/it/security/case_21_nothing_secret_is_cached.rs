//! Whatever sets a cookie or holds a token is kept by no cache. Every answer of every test is held against this (see
//! `support/app.rs`); here are the places themselves, success and error.

use crate::support::{Ask, Browser, Call, JANE, TestApp};

#[tokio::test]
async fn case_21_no_store_wherever_a_secret_may_be() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let ask = Ask::code(&app.clients.spa.client_id, "openid offline_access");
    let mut answers = vec![browser.get(&ask.path()).await];
    let login = browser.follow(answers[0].clone()).await;
    let typed = [("username", JANE.email), ("password", JANE.password)];
    answers.push(browser.submit(&login, &typed).await);
    let state = login.form().value("state");
    answers.push(browser.get(&format!("/authorize/resume?state={state}")).await);
    answers.push(login);
    for mode in ["query", "fragment", "form_post", "web_message"] {
        let ask = ask.clone().with("response_mode", mode).with("prompt", "none");
        answers.push(browser.get(&ask.path()).await);
        answers.push(Browser::new(&app).get(&ask.path()).await);
    }
    for kind in ["token", "id_token", "code id_token token"] {
        answers.push(browser.get(&ask.clone().with("response_type", kind).with("nonce", "n").path()).await);
    }
    let code = app.code_for(&Ask::code(&app.clients.web.client_id, "openid offline_access")).await;
    let tokens = app.redeem(&code).await.expect(200);
    answers.push(app.redeem(&code).await);
    answers.push(app.token(&[]).await);
    answers.push(app.userinfo(&tokens.text("access_token")).await);
    answers.push(app.userinfo("nonsense").await);
    answers.push(tokens);
    answers
        .push(app.send(Call::get("/api/v2/clients").bearer(&app.management_token().await)).await.expect(200));
    answers.push(app.get("/api/v2/clients").await);
    answers.push(browser.get("/v2/logout").await);
    answers.push(browser.get("/oidc/logout").await);
    answers.push(app.get("/u/login?state=nonsense").await);
    for answer in answers {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    }
}

/// Cookies are out of reach of scripts, of other hosts and of plain HTTP, and travel with silent authentication only where
/// that is safe.
#[tokio::test]
async fn case_21_cookies_are_guarded() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let ask = Ask::code(&app.clients.web.client_id, "openid");
    let first = browser.get(&ask.path()).await;
    let login = browser.follow(first.clone()).await;
    let second = browser.submit(&login, &[("username", JANE.email), ("password", JANE.password)]).await;
    let lines = [&first, &second].into_iter().flat_map(|answer| answer.headers.get_all("set-cookie"));
    let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap()).collect();
    assert_eq!(lines.len(), 4);
    for line in lines {
        for part in ["; HttpOnly", "; Secure", "; Path=/"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.to_ascii_lowercase().contains("domain"), "{line}");
        assert_eq!(line.contains("SameSite=None"), !line.contains("_compat"), "{line}");
    }
    let plain = app.send(Call::get(&ask.path()).host("localhost:4000")).await;
    for line in plain.headers.get_all("set-cookie") {
        assert!(!line.to_str().unwrap().contains("Secure"), "{line:?}");
    }
}

#[tokio::test]
async fn case_21_what_everybody_may_have_may_be_kept() {
    let app = TestApp::new().await;
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let answer = app.get(path).await.expect(200);
        assert!(answer.header("cache-control").unwrap().starts_with("public, max-age="), "{path}");
    }
}
