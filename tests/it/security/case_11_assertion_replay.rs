//! A client assertion is good once. And what could not be written down is not reported as done.

use std::sync::Arc;

use chancery_core::Clock;
use chancery_jose::base64url;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{API, Answer, Call, ISSUER, KID, KeyedClient, TestApp, engines};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_11_an_assertion_is_good_once() {
    for app in engines().await {
        let client = KeyedClient::new(&app).await;
        let neighbour = app.neighbour(1).await;
        let assertion = client.assertion(&app, "once");
        client.machine_token(&app, &assertion).await.expect(200);
        for node in [&app, &neighbour] {
            let again = client.machine_token(node, &assertion).await;
            again.is_error(401, "invalid_client", "client_assertion was used before");
        }
        client.machine_token(&app, &client.assertion(&app, "twice")).await.expect(200);
    }
}

/// RFC 8725, section 3.11: what the application signs for browsers to carry about is no proof of who it is, nor is a proof of
/// possession.
#[tokio::test]
async fn case_11_other_tokens_of_the_application_are_no_assertions() {
    let app = TestApp::new().await;
    let client = KeyedClient::new(&app).await;
    let now = app.clock.now();
    let claims = |jti: &str| {
        json!({
            "iss": client.client_id, "sub": client.client_id, "aud": ISSUER, "iat": now, "exp": now + 240, "jti": jti,
        })
    };
    let typed = |typ: Value, jti: &str| {
        let mut header = json!({ "alg": "RS256", "kid": KID });
        if !typ.is_null() {
            header["typ"] = typ;
        }
        let header = header.to_string();
        let input =
            format!("{}.{}", base64url(header.as_bytes()), base64url(claims(jti).to_string().as_bytes()));
        format!("{input}.{}", base64url(&client.key.sign_raw(input.as_bytes()).unwrap()))
    };
    for typ in ["oauth-authz-req+jwt", "dpop+jwt", "at+jwt", "x"] {
        let answer = client.machine_token(&app, &typed(json!(typ), typ)).await;
        let text = "typ of client_assertion must be JWT or client-authentication+jwt";
        answer.is_error(401, "invalid_client", text);
    }
    for (n, typ) in
        [json!("JWT"), json!("jwt"), json!("client-authentication+jwt"), Value::Null].into_iter().enumerate()
    {
        client.machine_token(&app, &typed(typ, &format!("good-{n}"))).await.expect(200);
    }
    let mut request = claims("request");
    request["response_type"] = json!("code");
    let answer = client.machine_token(&app, &client.sign(&request)).await;
    answer.is_error(401, "invalid_client", "A request object is no client_assertion");
}

/// Whichever of its times says so.
#[tokio::test]
async fn case_11_an_assertion_from_the_future_is_not_good_yet() {
    let app = TestApp::new().await;
    let client = KeyedClient::new(&app).await;
    let now = app.clock.now();
    let assertion = |iat: i64, nbf: Option<i64>, jti: &str| {
        let mut claims = json!({
            "iss": client.client_id, "sub": client.client_id, "aud": ISSUER, "iat": iat, "exp": now + 240, "jti": jti,
        });
        if let Some(nbf) = nbf {
            claims["nbf"] = json!(nbf);
        }
        client.sign(&claims)
    };
    for (iat, nbf) in [(now + 60, Some(now)), (now, Some(now + 60)), (now + 60, None)] {
        let answer = client.machine_token(&app, &assertion(iat, nbf, "later")).await;
        answer.is_error(401, "invalid_client", "client_assertion is not valid yet");
    }
    client.machine_token(&app, &assertion(now, Some(now), "later")).await.expect(200);
}

/// As long as it would be accepted, and a while longer for clocks that differ.
#[tokio::test]
async fn case_11_it_is_remembered_as_long_as_it_lives() {
    for app in engines().await {
        let client = KeyedClient::new(&app).await;
        let assertion = client.assertion(&app, "lives");
        client.machine_token(&app, &assertion).await.expect(200);
        for seconds in [1, 238, 60, 9, 1, 1] {
            app.clock.advance(seconds);
            app.app.store.sweep(app.clock.now(), 86_400).await.unwrap();
            let again = client.machine_token(&app, &assertion).await;
            assert_eq!(
                (again.status.as_u16(), again.text("error")),
                (401, "invalid_client".to_owned()),
                "{again:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_11_of_many_at_once_one_is_accepted() {
    for app in engines().await {
        let client = Arc::new(KeyedClient::new(&app).await);
        let assertion = client.assertion(&app, "parallel");
        let nodes = [Arc::new(app.neighbour(1).await), Arc::new(app.neighbour(2).await), Arc::new(app)];
        let mut hands = JoinSet::new();
        for n in 0..50 {
            let (client, node, assertion) =
                (Arc::clone(&client), Arc::clone(&nodes[n % 3]), assertion.clone());
            hands.spawn(async move { client.machine_token(&node, &assertion).await });
        }
        let answers = hands.join_all().await;
        let accepted = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(accepted, 1);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            refused.is_error(401, "invalid_client", "client_assertion was used before");
        }
    }
}

/// A storage that fails shows as 5xx on every path that writes, never as success: above all where something is revoked.
#[tokio::test]
async fn case_11_failed_writes_are_not_successes() {
    for app in engines().await {
        writes_fail_in(&app).await;
    }
}

async fn writes_fail_in(app: &TestApp) {
    let tokens = app.sign_in("openid offline_access read:contacts").await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let code = app.code("openid offline_access read:contacts").await;
    let jane = crate::support::segment(&app.jane().await);
    let management = app.management_token().await;
    let client = KeyedClient::new(app).await;
    let assertion = client.assertion(app, "failing");
    refuse_writes(app).await;
    let secret = app.web_secret();
    let web = [("client_id", app.clients.web.client_id.as_str()), ("client_secret", secret.as_str())];
    let typed = [("grant_type", "password"), ("username", "jane@example.com"), ("password", "Read-4-Jane")];
    let api = |method: &str, path: &str| Call::new(method, &format!("/api/v2{path}")).bearer(&management);
    let failing: Vec<(&str, Answer)> = vec![
        (
            "revoke",
            app.send(Call::post("/oauth/revoke").form(&[&web[..], &[("token", refresh_token)]].concat()))
                .await,
        ),
        ("code", app.redeem(&code).await),
        ("refresh", app.refresh(refresh_token, &[]).await),
        ("password", app.web_token(&typed).await),
        ("assertion", client.machine_token(app, &assertion).await),
        ("authorize", app.get(&app.ask("openid").path()).await),
        ("block", app.send(api("PATCH", &format!("/users/{jane}")).json(&json!({ "blocked": true }))).await),
        ("delete user", app.send(api("DELETE", &format!("/users/{jane}"))).await),
        ("delete client", app.send(api("DELETE", &format!("/clients/{}", app.clients.web.client_id))).await),
        ("delete sessions", app.send(api("DELETE", &format!("/users/{jane}/sessions"))).await),
        ("change password", app.send(Call::post("/dbconnections/change_password").json(&reset())).await),
    ];
    for (what, answer) in failing {
        assert!(answer.status.is_server_error(), "{}, {what}: {answer:?}", app.engine);
        assert!(!answer.body.contains("disk"), "the cause stays inside: {answer:?}");
    }
}

/// Reads go on, every write fails.
async fn refuse_writes(app: &TestApp) {
    let tables = [
        "codes",
        "refresh_tokens",
        "opaque_tokens",
        "users",
        "sessions",
        "assertions",
        "transactions",
        "consents",
        "docs",
        "tickets",
        "revoked",
    ];
    let mut script = String::new();
    if app.engine == "PostgreSQL" {
        script.push_str(
            "CREATE FUNCTION no_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''disk''; END';",
        );
    }
    for table in tables {
        for event in ["INSERT", "UPDATE", "DELETE"] {
            script.push_str(&format!("CREATE TRIGGER no_{event}_{table} BEFORE {event} ON {table} "));
            script.push_str(match app.engine {
                "PostgreSQL" => "FOR EACH ROW EXECUTE FUNCTION no_write();",
                _ => "BEGIN SELECT RAISE(ABORT, 'disk'); END;",
            });
        }
    }
    app.app.store.db().script(&script).await.unwrap();
}

fn reset() -> Value {
    json!({ "email": "jane@example.com", "connection": crate::support::CONNECTION })
}

#[tokio::test]
async fn case_11_what_an_assertion_must_say() {
    let app = TestApp::new().await;
    let client = KeyedClient::new(&app).await;
    let now = app.clock.now();
    let good = json!({
        "iss": client.client_id, "sub": client.client_id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": "j",
    });
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let bad = [
        without("iss"),
        without("sub"),
        without("aud"),
        without("exp"),
        without("jti"),
        with("iss", json!("other")),
        with("aud", json!(API)),
        with("aud", json!([API])),
        with("aud", json!("https://second.example/")),
        with("exp", json!(now - 11)),
        with("exp", json!(now + 311)),
        with("jti", json!("")),
        with("jti", json!("x".repeat(65))),
        with("nbf", json!(now + 60)),
        with("sub", json!("nobody")),
    ];
    for claims in bad {
        let answer = client.machine_token(&app, &client.sign(&claims)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text("error").as_str()),
            (401, "invalid_client"),
            "{claims}"
        );
    }
    client.machine_token(&app, &client.sign(&good)).await.expect(200);
}
