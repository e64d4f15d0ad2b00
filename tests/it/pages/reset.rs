//! A forgotten password, from the login page to the new one.

use chancery::seed::Person;

use crate::support::{Browser, Call, JANE, TestApp};

#[tokio::test]
async fn the_whole_way() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let state = login.form().value("state");
    let page = browser.get(&format!("/u/reset-password?state={state}")).await.expect(200);
    let sent = browser.submit(&page, &[("email", JANE.email)]).await.expect(200);
    assert!(sent.body.contains("jane@example.com") || sent.body.contains("jane&#64;example.com"));
    let ticket = app.mailed_ticket(JANE.email);
    // The mail may be opened anywhere; looking does not use the link up.
    let mut phone = Browser::new(&app);
    for _ in 0..2 {
        phone.get(&format!("/u/reset-verify?ticket={ticket}")).await.expect(200);
    }
    let page = phone.get(&format!("/u/reset-verify?ticket={ticket}")).await.expect(200);
    let differ =
        phone.submit(&page, &[("password", "New-4-Somebody"), ("password-repeat", "New-4-Somebodx")]).await;
    assert_eq!(differ.status, 400);
    phone
        .submit(&page, &[("password", "New-4-Somebody"), ("password-repeat", "New-4-Somebody")])
        .await
        .expect(200);
    assert_eq!(phone.session_cookie(), None, "a mailed link signs nobody in");
    phone.get(&format!("/u/reset-verify?ticket={ticket}")).await.expect(400);
    // Back where it began, with the new password.
    let old = browser.submit(&login, &[("username", JANE.email), ("password", JANE.password)]).await;
    assert_eq!(old.status, 400);
    let new = browser.submit(&login, &[("username", JANE.email), ("password", "New-4-Somebody")]).await;
    assert_eq!(browser.follow(new).await.form().action, "/u/consent");
    let _: &Person = &JANE;
}

/// A second link does not bring the first one back, and a new password ends both.
#[tokio::test]
async fn the_last_link_and_the_first() {
    let app = TestApp::new().await;
    let body = serde_json::json!({ "email": JANE.email, "connection": crate::support::CONNECTION });
    let mut tickets = Vec::new();
    for _ in 0..2 {
        app.send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
        tickets.push(app.mailed_ticket(JANE.email));
    }
    let form = |ticket: &str| {
        let pairs =
            [("state", ticket), ("password", "New-4-Somebody"), ("password-repeat", "New-4-Somebody")];
        Call::post("/u/reset-verify").form(&pairs)
    };
    app.send(form(&tickets[1])).await.expect(200);
    for ticket in &tickets {
        app.send(form(ticket)).await.expect(400);
    }
}

/// A link is not spent by a password that is refused, and each may be compared with two dozen earlier ones: an address has so
/// many tries.
#[tokio::test]
async fn a_link_is_no_way_to_keep_the_server_busy() {
    let app = TestApp::new().await;
    let body = serde_json::json!({ "email": JANE.email, "connection": crate::support::CONNECTION });
    app.send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
    let ticket = app.mailed_ticket(JANE.email);
    let attempt = |password: &str| {
        let pairs = [("state", ticket.as_str()), ("password", password), ("password-repeat", password)];
        app.send(Call::post("/u/reset-verify").form(&pairs))
    };
    for _ in 0..20 {
        attempt("weak").await.expect(400);
    }
    attempt("weak").await.expect(429);
    attempt("New-4-Somebody").await.expect(429);
    app.clock.advance(3600);
    let ended = attempt("New-4-Somebody").await;
    assert_eq!(ended.status, 400, "the link has ended, the address may try again");
}
