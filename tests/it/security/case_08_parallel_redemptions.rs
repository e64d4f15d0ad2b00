//! A hundred redemptions at one moment, on three nodes over one database, of each engine: one wins, and what it won is
//! revoked, because the others were replays.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{Answer, TestApp, engines};

const HANDS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_08_one_code_is_redeemed_once() {
    for app in engines().await {
        let code = app.code("openid offline_access read:contacts").await;
        let nodes = nodes(app).await;
        let answers = at_once(&nodes, &code, |app, code| async move { app.redeem(&code).await }).await;
        let winner = only_winner(&answers, "Invalid authorization code");
        let refresh_token = winner.text("refresh_token");
        let answer = nodes[1].refresh(&refresh_token, &[]).await;
        answer.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_08_one_rotating_refresh_token_is_exchanged_once() {
    for app in engines().await {
        app.rotate_refresh_tokens(0).await;
        let first = app.sign_in("openid offline_access read:contacts").await;
        let token = first["refresh_token"].as_str().unwrap().to_owned();
        let nodes = nodes(app).await;
        let answers =
            at_once(&nodes, &token, |app, token| async move { app.refresh(&token, &[]).await }).await;
        let winner = only_winner(&answers, "Unknown or invalid refresh token.");
        for spent in [token, winner.text("refresh_token")] {
            let answer = nodes[2].refresh(&spent, &[]).await;
            answer.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
        }
    }
}

/// Within the leeway the others may come again, so that nobody is logged out by a double click; what they get is still one
/// family, and ends as one when the token comes back after the leeway.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_08_a_leeway_forks_no_family() {
    for app in engines().await {
        app.rotate_refresh_tokens(30).await;
        let first = app.sign_in("openid offline_access read:contacts").await;
        let token = first["refresh_token"].as_str().unwrap().to_owned();
        let nodes = nodes(app).await;
        let answers =
            at_once(&nodes, &token, |app, token| async move { app.refresh(&token, &[]).await }).await;
        let won: Vec<String> =
            answers.iter().filter(|a| a.status == 200).map(|a| a.text("refresh_token")).collect();
        assert!(!won.is_empty());
        nodes.iter().for_each(|node| node.clock.advance(31));
        for spent in std::iter::once(&token).chain(&won) {
            let answer = nodes[0].refresh(spent, &[]).await;
            answer.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
        }
    }
}

async fn nodes(app: TestApp) -> [Arc<TestApp>; 3] {
    let (second, third) = (app.neighbour(1).await, app.neighbour(2).await);
    [Arc::new(app), Arc::new(second), Arc::new(third)]
}

async fn at_once<F: Future<Output = Answer> + Send + 'static>(
    nodes: &[Arc<TestApp>],
    artefact: &str,
    act: impl Fn(Arc<TestApp>, String) -> F + Clone + Send + 'static,
) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(HANDS));
    let mut hands = JoinSet::new();
    for n in 0..HANDS {
        let (node, start, act) = (Arc::clone(&nodes[n % nodes.len()]), Arc::clone(&start), act.clone());
        let artefact = artefact.to_owned();
        hands.spawn(async move {
            start.wait().await;
            act(node, artefact).await
        });
    }
    hands.join_all().await
}

#[track_caller]
fn only_winner<'a>(answers: &'a [Answer], refusal: &str) -> &'a Answer {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, HANDS - 1));
    for answer in lost {
        answer.is_error(403, "invalid_grant", refusal);
    }
    won[0]
}
