//! `/u/signup`.

use crate::support::{Ask, Browser, Landing, TestApp};

#[tokio::test]
async fn a_new_account_and_straight_on() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let ask = Ask::code(&app.clients.web.client_id, "openid email").with("screen_hint", "signup");
    let page = browser.open(&ask).await.expect(200);
    let weak = browser.submit(&page, &[("email", "new@example.com"), ("password", "weak")]).await.expect(400);
    assert_eq!(weak.form().action, "/u/signup");
    let done = browser.submit(&weak, &[("email", "new@example.com"), ("password", "Some-4-Password")]).await;
    let landing = Landing::of(&browser.follow(done).await);
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    let claims = app.verified(&tokens.text("id_token")).await;
    assert_eq!(
        (claims["email"].as_str(), claims["email_verified"].as_bool()),
        (Some("new@example.com"), Some(false))
    );
    assert!(!app.mailed_ticket("new@example.com").is_empty());
}

#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let page = browser.open(&app.ask("openid").with("screen_hint", "signup")).await.expect(200);
    for (email, password) in [
        ("jane@example.com", "Some-4-Password"),
        ("no address", "Some-4-Password"),
        ("", "Some-4-Password"),
        ("new@example.com", ""),
        ("new@example.com", "weak"),
    ] {
        let again = browser.submit(&page, &[("email", email), ("password", password)]).await;
        assert_eq!((again.status.as_u16(), browser.session_cookie()), (400, None), "{email} {password}");
    }
}
