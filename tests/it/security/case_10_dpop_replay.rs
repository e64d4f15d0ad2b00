//! A proof of possession is good once, on all nodes, and is remembered longer than anybody accepts it.

use std::sync::Arc;

use chancery_core::Clock;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{API, Answer, Call, Prover, TestApp, decode, engines};

async fn machine_token(app: &TestApp, proof: &str) -> Answer {
    let secret = app.m2m_secret();
    let grant = [
        ("grant_type", "client_credentials"),
        ("client_id", app.clients.m2m.client_id.as_str()),
        ("client_secret", &secret),
        ("audience", API),
    ];
    app.send(Call::post("/oauth/token").form(&grant).header("dpop", proof)).await
}

const USED: &str = "The DPoP proof was used before";

/// At every second up to the last in which the proof would be accepted, and the server forgets nothing meanwhile.
#[tokio::test]
async fn case_10_a_proof_is_good_once_as_long_as_it_lives() {
    for app in engines().await {
        let own = Prover::new();
        let neighbour = app.neighbour(1).await;
        // Of now, from the future as far as clocks may differ, and with a nonce, which makes it live longer.
        for (ahead, with_nonce, lives) in [(0, false, 69), (10, false, 79), (0, true, 299)] {
            let started = app.clock.now();
            let mut claims = own.claims(&app, "POST", "/oauth/token");
            claims["iat"] = json!(started + ahead);
            if with_nonce {
                let asked = machine_token(&app, &own.proof(&app, Some("x"))).await;
                claims["nonce"] = json!(asked.header("dpop-nonce").unwrap());
            }
            let proof = own.sign(&claims);
            machine_token(&app, &proof).await.expect(200);
            for passed in [0, 1, 24, 59, 60, 68, 69, 78, 79, 298, 299].into_iter().filter(|at| *at <= lives) {
                for node in [&app, &neighbour] {
                    node.clock.advance(started + passed - node.clock.now());
                    node.app.store.sweep(node.clock.now(), 86_400).await.unwrap();
                    let again = machine_token(node, &proof).await;
                    again.is_error(400, "invalid_dpop_proof", USED);
                }
            }
            for node in [&app, &neighbour] {
                node.clock.advance(1);
                let late = machine_token(node, &proof).await;
                late.is_error(400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_10_of_many_at_once_one_is_accepted() {
    for app in engines().await {
        let proof = Prover::new().proof(&app, None);
        let nodes = [Arc::new(app.neighbour(1).await), Arc::new(app.neighbour(2).await), Arc::new(app)];
        let mut hands = JoinSet::new();
        for n in 0..50 {
            let (node, proof) = (Arc::clone(&nodes[n % 3]), proof.clone());
            hands.spawn(async move { machine_token(&node, &proof).await });
        }
        let answers = hands.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            refused.is_error(400, "invalid_dpop_proof", USED);
        }
    }
}

/// The same where a token is used: what was seen on the wire opens nothing a second time.
#[tokio::test]
async fn case_10_where_tokens_are_used() {
    for app in engines().await {
        let own = Prover::new();
        let code = app.code("openid read:contacts").await;
        let secret = app.web_secret();
        let form = [
            ("client_id", app.clients.web.client_id.as_str()),
            ("client_secret", &secret),
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", crate::support::CALLBACK),
        ];
        let token = own.token(&app, &form).await.expect(200).text("access_token");
        let call = own.bound(&app, ("GET", "/userinfo"), &token);
        app.send(call.clone()).await.expect(200);
        let neighbour = app.neighbour(1).await;
        for node in [&app, &neighbour] {
            let again = node.send(call.clone()).await.expect(401);
            assert_eq!(
                (again.text("error").as_str(), again.text("error_description").as_str()),
                ("invalid_dpop_proof", USED)
            );
        }
    }
}

/// A nonce that one node gave is good on every other, and one of another tenant or another server is none.
#[tokio::test]
async fn case_10_nonces_are_of_the_server_and_not_of_the_node() {
    for app in engines().await {
        let own = Prover::new();
        let neighbour = app.neighbour(1).await;
        let nonce = machine_token(&neighbour, &own.proof(&app, Some("x"))).await;
        nonce.is_error(400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof");
        let nonce = nonce.header("dpop-nonce").unwrap().to_owned();
        machine_token(&app, &own.proof(&app, Some(&nonce))).await.expect(200);
        for at in 0..nonce.len() {
            let mut forged = nonce.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            let answer = machine_token(&app, &own.proof(&app, Some(&forged))).await;
            assert_eq!(answer.text("error"), "use_dpop_nonce", "byte {at}");
        }
    }
}

/// Security case 15 at this verifier: the key in the header is believed for its own signature, and nothing else is.
#[tokio::test]
async fn case_10_forged_proofs() {
    let app = TestApp::new().await;
    let (own, other) = (Prover::new(), Prover::new());
    let good = own.proof(&app, None);
    let (header, claims) = decode(&good);
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let none = format!("{}.{}.", good.split('.').next().unwrap(), good.split('.').nth(1).unwrap());
    let hs256 = {
        let key = own.key.public_key_der().unwrap();
        let input = format!(
            "{}.{}",
            chancery_jose::base64url(with("alg", json!("HS256")).to_string().as_bytes()),
            chancery_jose::base64url(claims.to_string().as_bytes())
        );
        format!("{input}.{}", chancery_jose::base64url(&chancery_jose::hmac_sha256(&key, input.as_bytes())))
    };
    let forged = [
        none,
        hs256,
        own.sign_with(&with("alg", json!("none")), &claims),
        own.sign_with(&with("alg", json!("RS256")), &claims),
        own.sign_with(&with("typ", json!("JWT")), &claims),
        own.sign_with(&with("crit", json!(["b64"])), &claims),
        own.sign_with(&with("jwk", Value::Null), &claims),
        other.sign_with(&header, &claims),
        good[..good.len() - 2].to_owned(),
        String::new(),
        "a.b.c".to_owned(),
        "x".repeat(5000),
    ];
    for proof in forged {
        let answer = machine_token(&app, &proof).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text("error").as_str()),
            (400, "invalid_dpop_proof"),
            "{proof}"
        );
    }
    machine_token(&app, &good).await.expect(200);
}
