//! A `client_id` that is a URL makes the server fetch what a stranger names: it looks at nothing within, follows nothing, reads
//! no more than it must, and believes nothing that is not said at that very address.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::*;

/// Asks with this `client_id`, and gives what the page says.
async fn asked(app: &TestApp, client_id: &str) -> Answer {
    app.get(&Ask::code(client_id, "read:contacts").with("resource", API).challenged(&"v".repeat(43)).path())
        .await
}

#[tokio::test]
async fn case_07_nothing_within_is_fetched() {
    let publisher = Publisher::start().await;
    let app = TestApp::new().await;
    app.let_agents_in(json!({})).await;
    for url in [
        publisher.url("/agents/one.json"),
        "https://169.254.169.254/latest/meta-data".into(),
        "https://[::1]/a".into(),
        "https://[::ffff:127.0.0.1]/a".into(),
        "https://127.0.0.1/a".into(),
        "https://localhost/a".into(),
        "https://100.64.0.1/a".into(),
        "https://10.0.0.1/a".into(),
    ] {
        let page = asked(&app, &url).await.expect(400);
        // The URL parser writes the mapped address otherwise, which makes it no identifier at all.
        let said =
            page.body.contains("its host is not one of the internet") || page.body.contains("Unknown client");
        assert!(said, "{url}: {}", page.body);
    }
    assert_eq!(publisher.asked(), 0);
}

#[tokio::test]
async fn case_07_what_comes_is_bounded_and_nothing_is_followed() {
    let (agent, app) = Agent::and_server().await;
    let publisher = &agent.publisher;
    publisher.publish_redirect("/moved", &agent.id());
    publisher.publish_redirect("/within", "https://169.254.169.254/latest/meta-data");
    publisher.publish_as("application/json", "/large", format!("{{\"a\":\"{}\"}}", "x".repeat(20_000)));
    publisher.publish_as("application/json", "/deep", "[".repeat(10_000));
    publisher.publish_as("text/html", "/page", "<html>".to_owned());
    for (path, why) in [
        ("/moved", "redirect"),
        ("/within", "redirect"),
        ("/large", "more than"),
        ("/deep", "not JSON"),
        ("/page", "not JSON"),
        ("/none", "status 404"),
    ] {
        let page = asked(&app, &publisher.url(path)).await.expect(400);
        assert!(page.body.contains(why), "{path}: {}", page.body);
    }
}

/// Documents that are slow on purpose hold two of the eight places, from wherever they are asked for.
#[tokio::test]
async fn case_07_slow_documents_leave_room() {
    let (agent, app) = Agent::and_server().await;
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = deaf.local_addr().unwrap().port();
    let slow = |name: &str| {
        let url = format!("https://localhost:{port}/{name}.json");
        let ask = Ask::code(&url, "read:contacts").challenged(&"v".repeat(43));
        app.send(Call::get(&ask.path()).sent_from([192, 0, 2, 1]))
    };
    let others = async {
        // The system has taken both connections: they are under way.
        let _both = (deaf.accept().await.unwrap(), deaf.accept().await.unwrap());
        let refused = slow("three").await.expect(400);
        assert!(refused.body.contains("too many"), "{}", refused.body);
        let ask = agent.ask("read:contacts").path();
        app.send(Call::get(&ask).sent_from([192, 0, 2, 2])).await.expect(302)
    };
    tokio::select! {
        _ = others => {}
        _ = async { tokio::join!(slow("one"), slow("two")) } => panic!("the deaf one answered"),
    }
}

/// Cases 4 and 5: what it says of itself is judged before anybody is sent anywhere.
#[tokio::test]
async fn case_07_descriptions_that_are_none() {
    let (agent, app) = Agent::and_server().await;
    for (changes, why) in [
        (json!({ "client_id": "https://other.example/agents/one.json" }), "client_id"),
        (json!({ "client_id": null }), "client_id"),
        (json!({ "client_secret": "s" }), "client_secret"),
        (json!({ "client_secret_expires_at": 0 }), "client_secret"),
        (json!({ "token_endpoint_auth_method": "client_secret_post" }), "shared secret"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "redirect_uris"),
        (json!({ "redirect_uris": ["data:text/html,x"] }), "redirect_uris"),
        (json!({ "redirect_uris": ["https://*.agent.example/"] }), "redirect_uris"),
        (json!({ "redirect_uris": ["https://good.example@evil.example/"] }), "redirect_uris"),
        (json!({ "redirect_uris": [] }), "redirect_uris"),
        (json!({ "client_name": "a\u{202e}b" }), "client_name"),
        (json!({ "grant_types": ["client_credentials"] }), "grant_types"),
    ] {
        agent.publish(changes.clone());
        let page = app.get(&agent.ask("read:contacts").path()).await.expect(400);
        assert!(page.body.contains(why) && page.location().is_none(), "{changes}: {}", page.body);
    }
    agent.publish(json!({ "client_name": "<script>alert(1)</script>" }));
    let page = app.get(&agent.ask("read:contacts").path()).await;
    assert!(!page.body.contains("<script>"), "{}", page.body);
}

#[tokio::test]
async fn case_04_answers_go_only_where_the_description_says() {
    let (agent, app) = Agent::and_server().await;
    for uri in [
        "http://127.0.0.1:49152/callback/",
        "http://127.0.0.1:49152/CALLBACK",
        "http://127.0.0.1:49152/callback?x=1",
        "http://localhost:49152/callback",
        "https://127.0.0.1:49152/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1:49152/callback%2f..",
        "https://agent.example/callback/..",
        "https://agent.example:8443/callback",
        "https://evil.example/callback",
        "javascript:alert(1)",
    ] {
        let answer = app.get(&agent.ask("read:contacts").with("redirect_uri", uri).path()).await;
        assert!(answer.location().is_none(), "{uri}: {answer:?}");
        assert!(answer.status == 403 || answer.status == 400, "{uri}");
    }
    for uri in ["http://127.0.0.1/callback", "http://127.0.0.1:1/callback", "https://agent.example/callback"]
    {
        app.get(&agent.ask("read:contacts").with("redirect_uri", uri).path()).await.expect(302);
    }
}

/// One address cannot have the server fetch without end, whatever it names.
#[tokio::test]
async fn case_07_fetching_is_rationed() {
    let (agent, app) = Agent::and_server().await;
    let mut statuses = Vec::new();
    for number in 0..30 {
        let answer = asked(&app, &agent.publisher.url(&format!("/none/{number}"))).await;
        statuses.push(answer.status.as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(agent.publisher.asked() <= 20, "{}", agent.publisher.asked());
}

/// PKCE cannot be left out, no other flow is there, and nobody else redeems.
#[tokio::test]
async fn case_01_and_06_codes_of_described_applications() {
    let (agent, app) = Agent::and_server().await;
    let bare = agent.ask("read:contacts").without("code_challenge").without("code_challenge_method");
    app.get(&bare.path()).await.expect(400);
    app.get(&agent.ask("read:contacts").with("code_challenge_method", "plain").path()).await.expect(400);
    for response_type in ["token", "id_token", "code token"] {
        let ask = agent.ask("openid read:contacts").with("response_type", response_type).with("nonce", "n");
        app.get(&ask.path()).await.expect(400);
    }
    let code = agent.code(&app, "read:contacts").await;
    let (id, other) = (agent.id(), agent.publisher.url("/agents/two.json"));
    agent.publisher.publish(
        "/agents/two.json",
        json!({ "client_id": other, "redirect_uris": ["http://127.0.0.1/callback"] }),
    );
    let form = |client_id: &str| {
        Call::post("/oauth/token").form(&[
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", &code),
            ("redirect_uri", Agent::CALLBACK),
            ("code_verifier", "a-verifier-of-at-least-forty-three-characters-for-tests"),
        ])
    };
    for stranger in [other.as_str(), app.clients.spa.client_id.as_str()] {
        let answer = app.send(form(stranger)).await;
        assert_eq!(answer.text("error"), "invalid_grant", "{stranger}");
    }
    for grant in ["client_credentials", "password", "refresh_token"] {
        let pairs = [
            ("grant_type", grant),
            ("client_id", id.as_str()),
            ("audience", API),
            ("username", JANE.email),
            ("password", JANE.password),
            ("refresh_token", "x"),
        ];
        assert_eq!(app.token(&pairs).await.text("error"), "unauthorized_client", "{grant}");
    }
    app.send(form(&id)).await.expect(200);
}

/// Cases 2 and 3: whatever is asked for, what comes lies within the template, the API and what the user holds. (The rule, over
/// random worlds: `core::model::agent_access`.)
#[tokio::test]
async fn case_03_nothing_widens_beyond_the_template() {
    let (agent, app) = Agent::and_server().await;
    let asked = "read:contacts delete:contacts openid profile offline_access read:current_user read:nothing";
    for enforces in [false, true] {
        app.set_api(json!({ "enforce_policies": enforces })).await;
        for template in
            [&[][..], &["read:contacts"], &["delete:contacts"], &["read:contacts", "delete:contacts"]]
        {
            app.let_agents_in(json!({ "apis": [{ "identifier": API, "scope": template }] })).await;
            let code = agent.code(&app, asked).await;
            let tokens = agent.redeem(&app, &code, &[]).await.expect(200).json();
            let granted =
                tokens["scope"].as_str().unwrap_or_default().split(' ').filter(|one| !one.is_empty());
            let granted: BTreeSet<&str> = granted.collect();
            // Jane's role lets her read.
            let held = |scope: &&str| !enforces || *scope == "read:contacts";
            let expected: BTreeSet<&str> = template.iter().copied().filter(held).collect();
            assert_eq!(granted, expected, "{template:?} {enforces}");
            assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
        }
    }
    // What is taken away between the user's word and the code's exchange is not handed out.
    app.set_api(json!({ "enforce_policies": false })).await;
    let code = agent.code(&app, asked).await;
    app.let_agents_in(json!({ "apis": [{ "identifier": API, "scope": ["delete:contacts"] }] })).await;
    let tokens = agent.redeem(&app, &code, &[]).await.expect(200).json();
    assert_eq!(tokens["scope"], "delete:contacts");
    let code = agent.code(&app, asked).await;
    app.let_agents_in(json!({ "apis": [] })).await;
    assert_eq!(agent.redeem(&app, &code, &[]).await.status, 403);
}
