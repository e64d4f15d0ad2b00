//! What was changed at one node is in force there at once, and at the others within a second.

use std::time::Duration;

use chancery_web::Background;
use serde_json::{Value, json};

use crate::support::{API, Answer, Browser, Call, ISSUER, JANE, TestApp, decode, engines, segment, until};

/// What a machine that does nothing else keeps to with ease; a loaded one gets the time that is written in the test.
const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);

async fn machine(node: &TestApp, secret: &str) -> Answer {
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", node.clients.m2m.client_id.as_str()),
        ("client_secret", secret),
        ("audience", API),
    ];
    node.token(&own).await
}

async fn scopes(node: &TestApp) -> String {
    machine(node, &node.m2m_secret()).await.expect(200).text("scope")
}

/// The id of the key that tokens are signed with.
async fn kid(node: &TestApp) -> String {
    let token = machine(node, &node.m2m_secret()).await.expect(200).text("access_token");
    decode(&token).0["kid"].as_str().unwrap().to_owned()
}

async fn publishes(node: &TestApp, kid: &str) -> bool {
    node.get("/.well-known/jwks.json").await.expect(200).body.contains(kid)
}

async fn is_grant_there(node: &TestApp) -> bool {
    machine(node, &node.m2m_secret()).await.status == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_nodes_follow_within_a_second() {
    for here in engines().await {
        let there = here.neighbour(1).await;
        let background = Background::start(&there.app);
        let mut took = Vec::new();

        // A scope of an API, given to an application.
        let api = here.manage("GET", &format!("/resource-servers/{}", segment_of(API)), Value::Null).await;
        let mut all = api["scopes"].as_array().unwrap().clone();
        all.push(json!({"value": "send:parcels", "description": "Send parcels"}));
        here.set_api(json!({"scopes": all})).await;
        let own = format!("/client-grants?client_id={}", here.clients.m2m.client_id);
        let grant = here.manage("GET", &own, Value::Null).await[0].clone();
        let mut granted = grant["scope"].as_array().unwrap().clone();
        granted.push("send:parcels".into());
        let grant = format!("/client-grants/{}", grant["id"].as_str().unwrap());
        here.manage("PATCH", &grant, json!({"scope": granted})).await;
        assert!(scopes(&here).await.contains("send:parcels"));
        took.push(until(PATIENCE, || async { scopes(&there).await.contains("send:parcels") }).await);

        // A setting of the tenant.
        here.manage("PATCH", "/tenants/settings", json!({"friendly_name": "Renamed & Co"})).await;
        let page = async |node: &TestApp| Browser::new(node).open(&node.ask("openid")).await.expect(200).body;
        assert!(page(&here).await.contains("Renamed &"));
        took.push(until(PATIENCE, || async { page(&there).await.contains("Renamed &") }).await);

        // A secret that was replaced.
        let old = here.m2m_secret();
        let rotate = format!("/clients/{}/rotate-secret", here.clients.m2m.client_id);
        let new = here.manage("POST", &rotate, json!({})).await["client_secret"].as_str().unwrap().to_owned();
        assert_eq!(machine(&here, &old).await.status, 401);
        took.push(until(PATIENCE, || async { machine(&there, &old).await.status == 401 }).await);
        machine(&there, &new).await.expect(200);
        let back = json!({"client_secret": old});
        here.set_client(&here.clients.m2m.client_id, back).await;
        until(PATIENCE, || is_grant_there(&there)).await;

        // A signing key that is replaced, then revoked; with it falls what it signed, remembered or not.
        let first = kid(&here).await;
        let signed_by_first = there.management_token().await;
        let ask = || Call::get("/api/v2/tenants/settings").bearer(&signed_by_first);
        there.send(ask()).await.expect(200);
        here.manage("POST", "/keys/signing/rotate", json!({})).await;
        let second = kid(&here).await;
        assert_ne!(first, second);
        took.push(until(PATIENCE, || async { kid(&there).await == second }).await);
        assert!(publishes(&there, &first).await, "good until it is revoked");
        here.manage("PUT", &format!("/keys/signing/{first}/revoke"), json!({})).await;
        assert!(!publishes(&here, &first).await);
        assert_eq!(here.send(ask()).await.status, 401);
        took.push(until(PATIENCE, || async { !publishes(&there, &first).await }).await);
        assert_eq!(there.send(ask()).await.status, 401);

        // A client grant that is taken away.
        here.manage("DELETE", &grant, Value::Null).await;
        assert!(!is_grant_there(&here).await);
        took.push(until(PATIENCE, || async { !is_grant_there(&there).await }).await);

        took.sort_unstable();
        println!("{}: {took:?}", here.engine);
        assert!(took[took.len() / 2] < SECOND, "{took:?}");
        background.stop().await;
    }
}

/// Nobody follows anything here: what is no configuration is asked of the database each time.
#[tokio::test]
async fn blocking_and_revoking_hold_everywhere_at_once() {
    for here in engines().await {
        let there = here.neighbour(1).await;
        let scope = "openid offline_access read:contacts";
        let held = here.sign_in(scope).await;
        let refresh_token = held["refresh_token"].as_str().unwrap();
        there.refresh(refresh_token, &[]).await.expect(200);
        there.userinfo(held["access_token"].as_str().unwrap()).await.expect(200);
        let jane = format!("/users/{}", segment(&here.jane().await));
        here.manage("PATCH", &jane, json!({"blocked": true})).await;
        assert!(matches!(there.refresh(refresh_token, &[]).await.status.as_u16(), 401 | 403));
        assert_eq!(there.userinfo(held["access_token"].as_str().unwrap()).await.status, 401);
        let login = Browser::new(&there).open(&there.ask(scope)).await;
        let refused = Browser::new(&there).log_in(&login, &JANE).await;
        assert!(refused.location().is_none(), "{refused:?}");
        here.manage("PATCH", &jane, json!({"blocked": false})).await;

        let held = here.sign_in(scope).await;
        let refresh_token = held["refresh_token"].as_str().unwrap();
        here.manage("DELETE", &format!("{jane}/refresh-tokens"), Value::Null).await;
        let refused = there.refresh(refresh_token, &[]).await;
        refused.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
    }
}

fn segment_of(identifier: &str) -> String {
    identifier.replace(':', "%3A").replace('/', "%2F")
}

/// A node that nothing was changed at has the same issuer, and its tokens are good at the others.
#[tokio::test]
async fn tokens_of_one_node_are_good_at_the_others() {
    for here in engines().await {
        let there = here.neighbour(1).await;
        let token = there.management_token().await;
        let answer = here.send(Call::get("/api/v2/tenants/settings").bearer(&token)).await;
        answer.expect(200);
        assert_eq!(here.verified(&token).await["iss"], ISSUER);
    }
}
