//! Mix-up: a client that talks to several servers learns from `iss` which one answered (RFC 9207). It stands in every
//! answer of `/authorize`, good or bad, whichever way it travels, and is the issuer that discovery names.

use crate::support::{Ask, Browser, Call, JANE, Landing, TestApp};

#[tokio::test]
async fn mix_up_every_answer_names_its_issuer() {
    let app = TestApp::new().await;
    let discovery = app.get("/.well-known/openid-configuration").await;
    let issuer = discovery.text("issuer");
    assert_eq!(discovery.json()["authorization_response_iss_parameter_supported"], true);
    let mut browser = Browser::new(&app);
    let ask = app.ask("openid read:contacts");
    assert_eq!(browser.authorize(&ask, &JANE).await.get("iss"), issuer);
    for kind in
        ["code", "token", "id_token", "id_token token", "code id_token", "code token", "code id_token token"]
    {
        for (name, value) in [
            ("prompt", "none"),
            ("audience", "https://nothing.example"),
            ("max_age", "x"),
            ("scope", "\u{7}"),
        ] {
            let ask = ask.clone().with("response_type", kind).with("nonce", "n").with(name, value);
            assert_eq!(browser.authorize(&ask, &JANE).await.get("iss"), issuer, "{kind} {name}");
            for (mode, begin) in [("form_post", "name=\"iss\" value=\""), ("web_message", "iss&#34;:&#34;")] {
                let page = browser.get(&ask.clone().with("response_mode", mode).path()).await.expect(200);
                assert!(
                    page.body.contains(&format!("{begin}{issuer}")),
                    "{kind} {name} {mode}: {}",
                    page.body
                );
            }
        }
    }
    let declined = Browser::new(&app).decline(&ask.with("prompt", "consent")).await;
    assert_eq!(declined.get("iss"), issuer);
}

#[tokio::test]
async fn mix_up_each_origin_names_itself() {
    let app = TestApp::new().await;
    for (host, issuer) in
        [("second.example", "https://second.example/"), ("localhost:4000", "http://localhost:4000/")]
    {
        let discovery = app.send(Call::get("/.well-known/openid-configuration").host(host)).await;
        assert_eq!(discovery.text("issuer"), issuer);
        let ask = Ask::code(&app.clients.web.client_id, "openid").with("prompt", "none");
        let answer = app.send(Call::get(&ask.path()).host(host)).await;
        assert_eq!(Landing::of(&answer).get("iss"), issuer);
    }
}

/// An issuer cannot be brought along.
#[tokio::test]
async fn mix_up_iss_is_never_the_clients_own() {
    let app = TestApp::new().await;
    let ask = Ask::code(&app.clients.web.client_id, "openid")
        .with("prompt", "none")
        .with("iss", "https://evil.example/");
    let landing = Landing::of(&app.get(&ask.path()).await);
    let all: Vec<&(String, String)> = landing.params.iter().filter(|(name, _)| name == "iss").collect();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1, "https://auth.example/");
}
