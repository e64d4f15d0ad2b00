//! `/v2/logout` and `/oidc/logout` (fact sheet 8.3 and 8.4). What dies with the session is security case 19.

use crate::support::{Ask, Browser, JANE, TestApp, encode};

async fn signed_in(app: &TestApp) -> (Browser<'_>, String) {
    let mut browser = Browser::new(app);
    let code = browser.authorize(&Ask::code(&app.clients.web.client_id, "openid"), &JANE).await.get("code");
    let id_token = app.redeem(&code).await.expect(200).text("id_token");
    (browser, id_token)
}

#[tokio::test]
async fn v2_goes_where_it_may() {
    let app = TestApp::new().await;
    let client = app.clients.web.client_id.as_str();
    for (pairs, to) in [
        (vec![("client_id", client), ("returnTo", "http://localhost:3000")], Some("http://localhost:3000")),
        (
            vec![("client_id", client), ("returnTo", "http://localhost:3000?x=1#y")],
            Some("http://localhost:3000?x=1#y"),
        ),
        (vec![("client_id", client)], Some("https://auth.example/dev")),
        (vec![], None),
        (vec![("federated", "")], None),
    ] {
        let (mut browser, _) = signed_in(&app).await;
        let answer = browser.get(&format!("/v2/logout?{}", encode(&pairs))).await;
        assert_eq!(answer.location(), to, "{pairs:?}: {answer:?}");
        assert_eq!(browser.session_cookie(), None);
    }
}

#[tokio::test]
async fn v2_says_what_is_not_allowed() {
    let app = TestApp::new().await;
    let answer = app.get("/v2/logout?returnTo=https%3A%2F%2Fevil.example").await.expect(400);
    let text = crate::support::unescape(&answer.body);
    assert!(text.contains("The \"returnTo\" querystring parameter \"https://evil.example\" is not defined as a valid URL in \"Allowed Logout URLs\"."), "{text}");
}

#[tokio::test]
async fn oidc_with_a_hint_asks_nothing() {
    let app = TestApp::new().await;
    let (mut browser, id_token) = signed_in(&app).await;
    let pairs = [
        ("id_token_hint", id_token.as_str()),
        ("post_logout_redirect_uri", "http://localhost:3000"),
        ("state", "s 1"),
    ];
    let answer = browser.get(&format!("/oidc/logout?{}", encode(&pairs))).await;
    assert_eq!(answer.location(), Some("http://localhost:3000?state=s+1"));
    assert_eq!(browser.session_cookie(), None);
    // Nobody is signed in: there is nothing to confirm.
    let again = browser.get(&format!("/oidc/logout?{}", encode(&pairs))).await;
    assert_eq!(again.location(), Some("http://localhost:3000?state=s+1"));
}

#[tokio::test]
async fn oidc_without_a_hint_asks() {
    let app = TestApp::new().await;
    let (mut browser, _) = signed_in(&app).await;
    let pairs = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("post_logout_redirect_uri", "http://localhost:3000"),
    ];
    let path = format!("/oidc/logout?{}", encode(&pairs));
    let answer = browser.get(&path).await;
    let page = browser.follow(answer).await.expect(200);
    assert_eq!(page.form().action, "/u/logout");
    assert!(page.body.contains("Demo Web"));
    let no = browser.submit(&page, &[("action", "decline")]).await;
    assert_eq!(no.location(), Some("http://localhost:3000"));
    assert!(browser.session_cookie().is_some());
    let answer = browser.post("/oidc/logout", &pairs).await;
    let page = browser.follow(answer).await.expect(200);
    let yes = browser.submit(&page, &[("action", "accept")]).await;
    assert_eq!((yes.location(), browser.session_cookie()), (Some("http://localhost:3000"), None));
}

#[tokio::test]
async fn oidc_hints_must_agree() {
    let app = TestApp::new().await;
    let (mut browser, id_token) = signed_in(&app).await;
    for (name, value) in [
        ("client_id", app.clients.spa.client_id.as_str()),
        ("logout_hint", "another session"),
        ("post_logout_redirect_uri", "https://evil.example"),
        ("post_logout_redirect_uri", "http://localhost:3000?x=1"),
    ] {
        let query = encode(&[("id_token_hint", &id_token), (name, value)]);
        let answer = browser.get(&format!("/oidc/logout?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (400, None), "{name}={value}");
        assert!(browser.session_cookie().is_some());
    }
}

/// Somebody else's ID token ends nobody's session unasked.
#[tokio::test]
async fn oidc_with_another_sessions_hint_asks() {
    let app = TestApp::new().await;
    let (_, strange) = signed_in(&app).await;
    let (mut browser, _) = signed_in(&app).await;
    let answer = browser.get(&format!("/oidc/logout?{}", encode(&[("id_token_hint", &strange)]))).await;
    assert_eq!(browser.follow(answer).await.form().action, "/u/logout");
    assert!(browser.session_cookie().is_some());
}
