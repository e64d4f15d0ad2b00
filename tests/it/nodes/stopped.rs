//! The server itself is stopped and started, as by an upgrade of PostgreSQL.

use std::time::Duration;

use chancery_pgtest::OwnServer;
use chancery_web::{Background, ServerConfig};

use crate::support::{TestApp, until};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_returns_with_the_server() {
    let Some(server) = chancery_pgtest::skip(OwnServer::start()) else { return };
    let first = TestApp::at(server.url(), ServerConfig::default()).await;
    let second = first.neighbour(1).await;
    let backgrounds = [Background::start(&first.app), Background::start(&second.app)];
    let held = first.sign_in("openid offline_access read:contacts").await;
    let refresh_token = held["refresh_token"].as_str().unwrap();
    let token = second.management_token().await;
    for round in 0..2 {
        server.stop().unwrap();
        for node in [&first, &second] {
            until(PATIENCE, || async { node.get("/readyz").await.status == 503 }).await;
            let refused = node.refresh(refresh_token, &[]).await;
            assert_eq!(
                (refused.status.as_u16(), refused.text("error").as_str()),
                (503, "temporarily_unavailable")
            );
            first.verified(&node.management_token().await).await;
        }
        server.resume().unwrap();
        for node in [&first, &second] {
            until(PATIENCE, || async { node.get("/readyz").await.status == 200 }).await;
            node.refresh(refresh_token, &[]).await.expect(200);
        }
        let name = format!("Made after round {round}");
        let made = first.manage("POST", "/roles", serde_json::json!({"name": name})).await;
        let shown = crate::support::Call::get(&format!("/api/v2/roles/{}", made["id"].as_str().unwrap()));
        until(PATIENCE, || async { second.send(shown.clone().bearer(&token)).await.status == 200 }).await;
    }
    for background in backgrounds {
        background.stop().await;
    }
}
