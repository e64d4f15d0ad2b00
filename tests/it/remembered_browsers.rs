//! Browsers that need not show a second factor again for thirty days.

use chancery::seed::Person;
use chancery_core::second_factor::MULTI_FACTOR;
use serde_json::{Value, json};

use crate::security_keys::{SHOW, asked, enrol, is_page, send, turn_on};
use crate::support::{Answer, Authenticator, Browser, JANE, Landing, SAM, TestApp, engines, segment};

const DAY: i64 = 86_400;

async fn set(app: &TestApp, remember: bool) {
    app.manage_own("PATCH", "/second-factors", json!({"remember_browsers": remember})).await;
}

/// Shows the key, and has the browser remembered or not.
async fn show(browser: &mut Browser<'_>, page: &Answer, response: &str, remember: bool) -> Answer {
    let state = page.form().value("state");
    let mut pairs = vec![("state", state.as_str()), ("response", response)];
    if remember {
        pairs.push(("remember", "yes"));
    }
    let answer = browser.post(SHOW, &pairs).await;
    browser.follow(answer).await
}

/// Jane's browser, remembered, with her session gone.
async fn remembered<'a>(app: &'a TestApp, key: &mut Authenticator) -> Browser<'a> {
    enrol(app, key).await;
    let (mut browser, page) = asked(app).await;
    assert!(page.body.contains("name=\"remember\""));
    let next = show(&mut browser, &page, &key.get(&page), true).await;
    let landing = Landing::of(&browser.go_through(next, &JANE).await);
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    assert_eq!(app.verified(&tokens.text("id_token")).await["amr"], json!(["mfa"]));
    browser.get("/v2/logout").await;
    browser
}

/// The page after the password.
async fn logged_in(app: &TestApp, browser: &mut Browser<'_>, person: &Person) -> Answer {
    let login = browser.open(&app.ask("openid").and("prompt", "login")).await;
    browser.log_in(&login, person).await
}

/// Whether Jane is asked for her key when she logs in.
async fn is_asked(app: &TestApp, browser: &mut Browser<'_>) -> bool {
    is_asked_of(app, browser, &JANE).await
}

async fn is_asked_of(app: &TestApp, browser: &mut Browser<'_>, person: &Person) -> bool {
    let page = logged_in(app, browser, person).await;
    page.status == 200 && page.form().action == SHOW
}

#[tokio::test]
async fn not_asked_again_for_thirty_days() {
    for app in engines().await {
        turn_on(&app, &["webauthn-roaming"], true).await;
        let mut key = Authenticator::new();
        let mut browser = remembered(&app, &mut key).await;
        let login = browser.open(&app.ask("openid")).await;
        let next = browser.log_in(&login, &JANE).await;
        let landing = Landing::of(&browser.go_through(next, &JANE).await);
        let tokens = app.redeem(&landing.get("code")).await.expect(200);
        // Nothing is claimed that was not shown.
        assert_eq!(app.verified(&tokens.text("id_token")).await.get("amr"), None);
        // An application that asks is not put off.
        let stepped = browser.open(&app.ask("openid").and("acr_values", MULTI_FACTOR)).await;
        is_page(&stepped, 200, SHOW);
        // Nor is the page on which keys are taken away.
        let keys = browser.get("/u/account/keys").await;
        is_page(&browser.follow(keys).await, 200, SHOW);
        assert!(is_asked(&app, &mut Browser::new(&app)).await, "another browser");
        app.clock.advance(29 * DAY);
        assert!(!is_asked(&app, &mut browser).await);
        app.clock.advance(DAY + 1);
        assert!(is_asked(&app, &mut browser).await);
    }
}

#[tokio::test]
async fn forgotten_at_somebodys_word() {
    let app = TestApp::new().await;
    turn_on(&app, &["webauthn-roaming"], true).await;
    let mut key = Authenticator::new();
    let mut browser = remembered(&app, &mut key).await;
    let jane = segment(&app.jane().await);
    assert!(!is_asked(&app, &mut browser).await);
    let path = format!("/users/{jane}/multifactor/actions/invalidate-remember-browser");
    app.api("POST", &path, Value::Null).await.expect(204);
    // Also where she is signed in.
    let page = browser.open(&app.ask("openid")).await;
    is_page(&page, 200, SHOW);
    let next = show(&mut browser, &page, &key.get(&page), true).await;
    browser.go_through(next, &JANE).await;
    assert!(!is_asked(&app, &mut browser).await);
    // By the tenant's.
    set(&app, false).await;
    assert!(is_asked(&app, &mut browser).await);
    let (_, page) = asked(&app).await;
    assert!(!page.body.contains("name=\"remember\""));
    set(&app, true).await;
    assert!(!is_asked(&app, &mut browser).await);
    // With a new password.
    app.manage("PATCH", &format!("/users/{jane}"), json!({"password": JANE.password})).await;
    assert!(is_asked(&app, &mut browser).await);
    let shown = app.manage_own("GET", "/second-factors", Value::Null).await;
    assert_eq!(shown, json!({"remember_browsers": true}));
}

/// The cookie is one user's, of one browser; nobody writes one.
#[tokio::test]
async fn whose_browser_it_is() {
    let app = TestApp::new().await;
    turn_on(&app, &["webauthn-roaming"], true).await;
    let mut key = Authenticator::new();
    enrol(&app, &mut key).await;
    // Not without the tick, nor where no such tick is offered.
    let (mut plain, page) = asked(&app).await;
    let next = show(&mut plain, &page, &key.get(&page), false).await;
    plain.go_through(next, &JANE).await;
    assert!(is_asked(&app, &mut plain).await);
    set(&app, false).await;
    let (mut sly, page) = asked(&app).await;
    let next = show(&mut sly, &page, &key.get(&page), true).await;
    sly.go_through(next, &JANE).await;
    set(&app, true).await;
    assert!(is_asked(&app, &mut sly).await);
    // Nor where the key did not hold.
    let (mut wrong, page) = asked(&app).await;
    is_page(&show(&mut wrong, &page, "{}", true).await, 400, SHOW);
    assert!(is_asked(&app, &mut wrong).await);
    for value in ["x", "", "0.0", &"A".repeat(3000)] {
        let mut forged = Browser::new(&app);
        forged.cookies.insert("auth0-mf".to_owned(), value.to_owned());
        assert!(is_asked(&app, &mut forged).await, "{value}");
    }
}

/// Security case 12: the secret that a browser had before somebody showed their factor in it is worth nothing after. Others whom it
/// remembers are remembered by the new one.
#[tokio::test]
async fn a_shared_browser() {
    for app in engines().await {
        turn_on(&app, &["webauthn-roaming"], true).await;
        let (mut of_jane, mut of_sam) = (Authenticator::new(), Authenticator::new());
        let mut browser = remembered(&app, &mut of_jane).await;
        let planted = browser.cookies["auth0-mf"].clone();
        let page = logged_in(&app, &mut browser, &SAM).await;
        let made = of_sam.create(&page);
        send(&mut browser, &page, &made).await;
        let page = logged_in(&app, &mut browser, &SAM).await;
        is_page(&page, 200, SHOW);
        show(&mut browser, &page, &of_sam.get(&page), true).await;
        assert!(!is_asked_of(&app, &mut browser, &SAM).await);
        assert!(!is_asked_of(&app, &mut browser, &JANE).await);
        for person in [&JANE, &SAM] {
            let mut thief = Browser::new(&app);
            thief.cookies.insert("auth0-mf".to_owned(), planted.clone());
            assert!(is_asked_of(&app, &mut thief, person).await);
        }
    }
}
