//! Every step of a flow on another node.

use serde_json::json;

use super::three;
use crate::support::{Ask, Browser, Call, JANE, Landing, TestApp, engines};

const SCOPE: &str = "openid profile offline_access read:contacts";
const BAD_REFRESH: &str = "Unknown or invalid refresh token.";

/// Login, consent and code, beginning at each of the nodes, so that each of them does each step once.
#[tokio::test]
async fn any_node_serves_any_step_of_a_login() {
    for app in engines().await {
        app.rotate_refresh_tokens(0).await;
        let nodes = three(app).await;
        for first in 0..nodes.len() {
            let turn = [&nodes[first], &nodes[(first + 1) % 3], &nodes[(first + 2) % 3]];
            signs_in_and_out(&turn).await;
        }
    }
}

async fn signs_in_and_out(nodes: &[&TestApp; 3]) {
    let [a, b, c] = nodes;
    let mut browser = Browser::among(&nodes[..]);
    // One request more than the last time each, so that the steps move on to other nodes.
    let login = browser.open(&a.ask(SCOPE)).await.expect(200);
    let agreed = browser.go_through(login, &JANE).await;
    let code = Landing::of(&agreed).get("code");
    let tokens = c.redeem(&code).await.expect(200);
    assert_eq!(tokens.text("scope"), SCOPE);
    for node in nodes {
        node.userinfo(&tokens.text("access_token")).await.expect(200);
    }
    let mut refresh_token = tokens.text("refresh_token");
    for node in [a, b, c, a, b] {
        refresh_token = node.refresh(&refresh_token, &[]).await.expect(200).text("refresh_token");
    }
    // The session is there on every node, too.
    for _ in 0..3 {
        let again = browser.open(&a.ask(SCOPE).with("prompt", "none")).await;
        Landing::of(&again).get("code");
    }
    let other = Browser::among(&[b, c, a]).authorize(&a.ask(SCOPE), &JANE).await.get("code");
    let other = a.redeem(&other).await.expect(200).text("refresh_token");
    let secret = b.web_secret();
    let body = json!({"client_id": b.clients.web.client_id, "client_secret": secret, "token": other});
    b.send(Call::post("/oauth/revoke").json(&body)).await.expect(200);
    for node in nodes {
        node.refresh(&other, &[]).await.is_error(403, "invalid_grant", BAD_REFRESH);
    }
    let kept = browser.clone();
    let out = browser.get("/v2/logout").await;
    assert!(out.status == 200 || out.location().is_some(), "{out:?}");
    for node in nodes {
        let mut thief = Browser::new(node);
        thief.cookies.clone_from(&kept.cookies);
        let ask = Ask::code(&node.clients.web.client_id, "openid").with("prompt", "none");
        Landing::of(&thief.open(&ask).await).is_error("login_required", "Login required");
        node.refresh(&refresh_token, &[]).await.is_error(403, "invalid_grant", BAD_REFRESH);
    }
}
