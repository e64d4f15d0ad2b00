//! A hundred redemptions at one moment, on three nodes over one database, of each engine: one wins, and what it won is
//! revoked, because the others were replays.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{Answer, Ask, Browser, CONNECTION, Call, JANE, TestApp, engines};

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

/// A double click on the last page, a hundredfold: one answer, and no server error for the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_08_one_transaction_answers_once() {
    for app in engines().await {
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid read:contacts")).await;
        let consent = browser.log_in(&login, &JANE).await.expect(200);
        browser.submit(&consent, &[("action", "accept")]).await.expect(303);
        let cookies: Vec<String> =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let path = format!("/authorize/resume?state={}", consent.form().value("state"));
        drop(browser);
        let nodes = nodes(app).await;
        let cookies = cookies.join("; ");
        let answers = at_once(&nodes, &path, move |app, path| {
            let call = Call::get(&path).header("cookie", &cookies);
            async move { app.send(call).await }
        })
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.location().is_some());
        assert_eq!(won.len(), 1);
        for answer in lost {
            assert_eq!(answer.status, 400, "{answer:?}");
        }
    }
}

/// Reset links and sign-ups: one account, one new password.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_08_one_account_and_one_new_password() {
    for app in engines().await {
        let nodes = nodes(app).await;
        let body =
            json!({ "email": "new@example.com", "password": "Some-4-Password", "connection": CONNECTION });
        let signup = body.to_string();
        // Fewer hands: each costs a password hash, and the queue for those is short on purpose.
        let answers = with_hands(20, &nodes, &signup, |app, body| async move {
            app.send(Call::post("/dbconnections/signup").body("application/json", body)).await
        })
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 400)), "{answers:?}");
        nodes[0].send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
        let ticket = nodes[0].mailed_ticket("new@example.com");
        let answers = with_hands(20, &nodes, &ticket, |app, ticket| async move {
            let typed = [
                ("state", ticket.as_str()),
                ("password", "Other-4-Somebody"),
                ("password-repeat", "Other-4-Somebody"),
            ];
            app.send(Call::post("/u/reset-verify").form(&typed)).await
        })
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 400)), "{answers:?}");
    }
}

/// Silent authentication of many tabs at once is no race: all of them get an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_08_many_tabs_of_one_session() {
    for app in engines().await {
        let mut browser = Browser::new(&app);
        let ask = Ask::code(&app.clients.web.client_id, "openid");
        browser.authorize(&ask, &JANE).await.get("code");
        let cookie = format!("auth0={}", browser.session_cookie().unwrap());
        drop(browser);
        app.clock.advance(120);
        // An application new to the session: each tab wants to write it down.
        let path = Ask::code(&app.clients.spa.client_id, "openid").with("prompt", "none").path();
        let nodes = nodes(app).await;
        let answers = at_once(&nodes, &path, move |app, path| {
            let call = Call::get(&path).header("cookie", &cookie);
            async move { app.send(call).await }
        })
        .await;
        for answer in &answers {
            assert!(answer.location().is_some_and(|location| location.contains("code=")), "{answer:?}");
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
    with_hands(HANDS, nodes, artefact, act).await
}

async fn with_hands<F: Future<Output = Answer> + Send + 'static>(
    count: usize,
    nodes: &[Arc<TestApp>],
    artefact: &str,
    act: impl Fn(Arc<TestApp>, String) -> F + Clone + Send + 'static,
) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(count));
    let mut hands = JoinSet::new();
    for n in 0..count {
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
