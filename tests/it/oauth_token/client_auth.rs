//! Who calls (fact sheet 6.1).

use chancery_core::Clock;
use serde_json::{Value, json};

use crate::support::{API, Call, ISSUER, KeyedClient, TestApp};

fn grant() -> [(&'static str, &'static str); 2] {
    [("grant_type", "client_credentials"), ("audience", API)]
}

#[tokio::test]
async fn post_and_basic_and_json() {
    let app = TestApp::new().await;
    let (id, secret) = (app.clients.m2m.client_id.as_str(), app.m2m_secret());
    app.token(&[&grant()[..], &[("client_id", id), ("client_secret", &secret)]].concat()).await.expect(200);
    app.send(Call::post("/oauth/token").form(&grant()).basic(id, &secret)).await.expect(200);
    // Both halves are form-encoded (RFC 6749 section 2.3.1).
    let escaped = secret.replace('-', "%2D").replace('_', "%5F");
    app.send(Call::post("/oauth/token").form(&grant()).basic(id, &escaped)).await.expect(200);
    let body = json!({ "grant_type": "client_credentials", "audience": API, "client_id": id, "client_secret": secret });
    app.send(Call::post("/oauth/token").json(&body)).await.expect(200);
}

#[tokio::test]
async fn unknown_clients_and_wrong_secrets_look_alike() {
    let app = TestApp::new().await;
    let id = app.clients.m2m.client_id.as_str();
    for (id, secret) in
        [(id, Some("wrong")), (id, None), ("nobody", Some("wrong")), ("nobody", None), (id, Some(""))]
    {
        let mut own = vec![("client_id", id)];
        own.extend(secret.map(|secret| ("client_secret", secret)));
        let answer = app.token(&[&grant()[..], &own].concat()).await;
        answer.is_error(401, "access_denied", "Unauthorized");
        assert_eq!(answer.header("www-authenticate"), None);
        let basic =
            app.send(Call::post("/oauth/token").form(&grant()).basic(id, secret.unwrap_or_default())).await;
        basic.is_error(401, "access_denied", "Unauthorized");
        assert_eq!(basic.header("www-authenticate"), Some("Basic realm=\"Users\", charset=\"UTF-8\""));
    }
    app.token(&grant()).await.is_error(400, "invalid_request", "Missing required parameter: client_id");
}

#[tokio::test]
async fn one_way_at_a_time() {
    let app = TestApp::new().await;
    let (id, secret) = (app.clients.m2m.client_id.as_str(), app.m2m_secret());
    let text = "More than one way of client authentication was used";
    let both = [&grant()[..], &[("client_id", id), ("client_secret", &secret)]].concat();
    app.send(Call::post("/oauth/token").form(&both).basic(id, &secret)).await.is_error(
        400,
        "invalid_request",
        text,
    );
    let other = [&grant()[..], &[("client_id", app.clients.web.client_id.as_str())]].concat();
    app.send(Call::post("/oauth/token").form(&other).basic(id, &secret)).await.is_error(
        400,
        "invalid_request",
        text,
    );
    let same = [&grant()[..], &[("client_id", id)]].concat();
    app.send(Call::post("/oauth/token").form(&same).basic(id, &secret)).await.expect(200);
}

#[tokio::test]
async fn malformed_basic() {
    let app = TestApp::new().await;
    for header in ["Basic !!!", "Basic bm9jb2xvbg==", "Basic \u{7f}", "Basic"] {
        let Ok(_) = http::HeaderValue::from_str(header) else { continue };
        let answer =
            app.send(Call::post("/oauth/token").form(&grant()).header("authorization", header)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text("error").as_str()),
            (400, "invalid_request"),
            "{header}"
        );
    }
}

#[tokio::test]
async fn private_key_jwt() {
    let app = TestApp::new().await;
    let client = KeyedClient::new(&app).await;
    let answer = client.machine_token(&app, &client.assertion(&app, "a")).await.expect(200);
    let claims = app.verified(&answer.text("access_token")).await;
    assert_eq!(claims["sub"], json!(format!("{}@clients", client.client_id)));
    // A client with keys has no secret to fall back on.
    let made = app.manage("GET", &format!("/clients/{}", client.client_id), serde_json::Value::Null).await;
    let secret = made["client_secret"].as_str().unwrap_or("none").to_owned();
    let own = [("client_id", client.client_id.as_str()), ("client_secret", &secret)];
    app.token(&[&grant()[..], &own].concat()).await.is_error(401, "access_denied", "Unauthorized");
    let assertion = client.assertion(&app, "b");
    let type_only = |kind: &str| {
        let pairs = [("client_assertion_type", kind), ("client_assertion", assertion.as_str())];
        [&grant()[..], &pairs]
            .concat()
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect::<Vec<_>>()
    };
    let pairs = type_only("urn:something");
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert!(matches!(app.token(&pairs).await.status.as_u16(), 400 | 401));
}

/// Moments may have fractions (RFC 7519, section 2), and each endpoint that takes assertions may be meant (RFC 7523, RFC 9126, CIBA).
#[tokio::test]
async fn assertions_as_others_write_them() {
    let app = TestApp::new().await;
    let client = KeyedClient::new(&app).await;
    let now = app.clock.now();
    let claims = |number: usize, aud: &str, exp: Value| {
        json!({
            "iss": client.client_id, "sub": client.client_id, "aud": aud, "iat": now as f64 - 0.25, "exp": exp,
            "jti": format!("j{number}"),
        })
    };
    for (number, path) in ["", "oauth/token", "oauth/par", "bc-authorize"].into_iter().enumerate() {
        let assertion = client.sign(&claims(number, &format!("{ISSUER}{path}"), json!(now as f64 + 60.5)));
        client.machine_token(&app, &assertion).await.expect(200);
    }
    let elsewhere = client.sign(&claims(9, &format!("{ISSUER}oauth/revoke"), json!(now + 60)));
    client.machine_token(&app, &elsewhere).await.expect(401);
    let text = "client_assertion lacks iss, sub, aud or exp, or one of its claims is of another type";
    for exp in [json!("1"), json!(null), json!(1e300)] {
        let assertion = client.sign(&claims(10, ISSUER, exp));
        client.machine_token(&app, &assertion).await.is_error(401, "invalid_client", text);
    }
}

/// Public clients have no secret; one sent along is left over from a sample and ignored.
#[tokio::test]
async fn public_clients() {
    let app = TestApp::new().await;
    let answer = app.spa_token(&[("grant_type", "client_credentials"), ("audience", API)]).await;
    assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (403, "unauthorized_client"));
    let pairs = [("grant_type", "authorization_code"), ("code", "x"), ("client_secret", "left over")];
    app.spa_token(&pairs).await.is_error(403, "invalid_grant", "Invalid authorization code");
}

/// A rotated secret counts at once, the old one no longer.
#[tokio::test]
async fn rotated_secrets() {
    let app = TestApp::new().await;
    let id = app.clients.m2m.client_id.clone();
    let new = app.manage("POST", &format!("/clients/{id}/rotate-secret"), serde_json::Value::Null).await;
    let old = app.m2m_secret();
    let own = |secret: &str| {
        vec![("client_id".to_owned(), id.clone()), ("client_secret".to_owned(), secret.to_owned())]
    };
    for (secret, status) in [(old.as_str(), 401), (new["client_secret"].as_str().unwrap(), 200)] {
        let own = own(secret);
        let own: Vec<(&str, &str)> = own.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(app.token(&[&grant()[..], &own].concat()).await.status, status);
    }
}
