//! `/u/login`, and what all pages have in common.

use crate::support::{Browser, Call, JANE, TestApp};

#[tokio::test]
async fn what_automation_looks_for() {
    let app = TestApp::new().await;
    let page = Browser::new(&app).open(&app.ask("openid")).await.expect(200);
    for part in [
        "id=\"username\"",
        "id=\"password\"",
        "name=\"action\" value=\"default\">Continue</button>",
        "<html lang=\"en\">",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let form = page.form();
    assert_eq!(form.inputs, ["state", "username", "password"]);
    assert_eq!(page.body.matches("Continue<").count(), 1);
    assert!(!page.body.contains("value=\"Read"), "passwords are never written back");
}

#[tokio::test]
async fn a_wrong_password_and_then_the_right_one() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let again = browser.submit(&login, &[("username", JANE.email), ("password", "wrong")]).await.expect(400);
    assert!(
        again.body.contains("role=\"alert\"") && !again.body.contains("value=\"wrong\""),
        "{}",
        again.body
    );
    let consent = browser.log_in(&again, &JANE).await.expect(200);
    assert_eq!(consent.form().action, "/u/consent");
}

#[tokio::test]
async fn languages() {
    let app = TestApp::new().await;
    // The demo tenant speaks both.
    for (header, locales, lang) in [
        (None, None, "en"),
        (Some("de-CH, en;q=0.5"), None, "de"),
        (Some("fr, ja"), None, "en"),
        (Some("en"), Some("de en"), "de"),
        (Some("de"), Some("xx"), "de"),
    ] {
        let ask = app.ask("openid");
        let ask = match locales {
            Some(locales) => ask.with("ui_locales", locales),
            None => ask,
        };
        let browser = Browser::new(&app);
        let mut browser = match header {
            Some(header) => browser.with_header("accept-language", header),
            None => browser,
        };
        let page = browser.open(&ask).await;
        assert!(page.body.contains(&format!("<html lang=\"{lang}")), "{header:?} {locales:?}");
        assert!(page.header("content-language").unwrap().starts_with(lang));
    }
    // What is wrong with a request is told in its language too.
    let wrong =
        app.ask("openid").with("redirect_uri", "https://elsewhere.example").with("ui_locales", "xx <b> de");
    let mut browser = Browser::new(&app).with_header("accept-language", "en");
    let page = browser.open(&wrong).await.expect(403);
    assert!(page.body.contains("<html lang=\"de"), "{}", page.body);
    assert!(!page.body.contains("<b>"));
    app.manage("PATCH", "/tenants/settings", serde_json::json!({ "enabled_locales": ["en"] })).await;
    let mut browser = Browser::new(&app).with_header("accept-language", "de");
    let page = browser.open(&app.ask("openid")).await;
    assert!(page.body.contains("<html lang=\"en"), "what the tenant has not enabled is not spoken");
}

#[tokio::test]
async fn assets_are_there_and_kept() {
    let app = TestApp::new().await;
    let page = Browser::new(&app).open(&app.ask("openid")).await;
    let assets: Vec<&str> = page.body.split('"').filter(|text| text.starts_with("/u/static/")).collect();
    assert!(assets.len() >= 2, "{assets:?}");
    for asset in assets {
        let answer = app.get(asset).await.expect(200);
        assert!(answer.header("cache-control").unwrap().contains("immutable"), "{asset}");
    }
}

#[tokio::test]
async fn patience_ends() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    app.clock.advance(3601);
    let late = browser.submit(&login, &[("username", JANE.email), ("password", JANE.password)]).await;
    assert_eq!((late.status.as_u16(), browser.session_cookie()), (400, None));
}

/// Bookmarked pages.
#[tokio::test]
async fn without_a_login_under_way() {
    let app = TestApp::new().await;
    for path in ["/u/login", "/login", "/u/consent", "/u/signup", "/authorize/resume", "/u/reset-verify"] {
        app.get(path).await.expect(400);
        let posted = app.send(Call::post(path).form(&[])).await;
        assert!(matches!(posted.status.as_u16(), 400 | 405), "{path}: {posted:?}");
    }
}
