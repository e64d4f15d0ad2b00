//! Keys of applications (`jwks`, `jwks_uri`), and answers that are signed for them.

use std::sync::{Arc, Mutex};

use chancery_core::Clock;
use chancery_jose::{Algorithm, JwkSet, SigningKey, Typ, Unverified, VerifyingKey, generate_es256};
use serde_json::{Value, json};

use crate::support::{Answer, Browser, CALLBACK, ISSUER, JANE, Registered, Service, TestApp};

fn key(kid: &str) -> SigningKey {
    SigningKey::from_pkcs8(Algorithm::ES256, kid, &generate_es256().unwrap()).unwrap()
}

fn jwk(key: &SigningKey) -> Value {
    serde_json::to_value(key.verifying_key().to_jwk().unwrap()).unwrap()
}

async fn redeemed(app: &TestApp, made: &Registered, key: &SigningKey, jti: &str) -> Answer {
    let code = Browser::new(app).authorize(&made.code("openid"), &JANE).await.get("code");
    let now = app.clock.now();
    let claims = json!({
        "iss": made.client_id, "sub": made.client_id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": jti,
    });
    let assertion = key.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap();
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ];
    app.token(&grant).await
}

#[tokio::test]
async fn by_value() {
    let app = Registered::app(false).await;
    let (own, other) = (key("own"), key("other"));
    let by_keys = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [jwk(&own)] } });
    let made = Registered::new(&app, by_keys).await;
    assert_eq!(made.all.get("client_secret"), None);
    redeemed(&app, &made, &own, "1").await.expect(200);
    redeemed(&app, &made, &own, "1").await.expect(401);
    redeemed(&app, &made, &other, "2").await.expect(401);
}

/// `oidcc-registration-jwks-uri` and `oidcc-refresh-token-rp-key-rotation`.
#[tokio::test]
async fn by_reference_and_changed() {
    let app = Registered::app(false).await;
    let (old, new) = (key("old"), key("new"));
    let set = Arc::new(Mutex::new(json!({ "keys": [jwk(&old)] })));
    let told = Arc::clone(&set);
    let service = Service::start(move |_| (200, told.lock().unwrap().clone())).await;
    let uri = format!("{}/jwks.json", service.origin);
    let made =
        Registered::new(&app, json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri }))
            .await;
    assert!(service.heard().is_empty(), "asked when it is needed, not before");
    redeemed(&app, &made, &old, "1").await.expect(200);
    redeemed(&app, &made, &old, "2").await.expect(200);
    assert_eq!(service.heard().len(), 1, "kept");
    *set.lock().unwrap() = json!({ "keys": [jwk(&new)] });
    app.clock.advance(3);
    redeemed(&app, &made, &new, "3").await.expect(200);
    redeemed(&app, &made, &old, "4").await.expect(401);
    // Whatever is asked for that is not there: no more often than every other second.
    service.heard();
    for jti in ["5", "6", "7"] {
        redeemed(&app, &made, &key("made-up"), jti).await.expect(401);
    }
    assert!(service.heard().len() <= 1, "{:?}", service.heard());
    // What is gone is believed for five minutes, no longer.
    service.answers(|_| (404, json!({})));
    app.clock.advance(301);
    redeemed(&app, &made, &new, "8").await.expect(401);
}

/// OpenID Connect Core 5.3.2: `oidcc-userinfo-rs256`.
#[tokio::test]
async fn userinfo_is_signed() {
    let app = Registered::app(false).await;
    for alg in ["RS256", "ES256", "EdDSA"] {
        let made = Registered::new(&app, json!({ "userinfo_signed_response_alg": alg })).await;
        let code = Browser::new(&app).authorize(&made.code("openid email"), &JANE).await.get("code");
        let tokens = made.redeem(&app, &code).await.expect(200);
        let answer = app.userinfo(&tokens.text("access_token")).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/jwt"));
        let token = Unverified::parse(&answer.body).unwrap();
        assert_eq!(token.header().alg, alg);
        let published: JwkSet = serde_json::from_str(&app.get("/.well-known/jwks.json").await.body).unwrap();
        let kid = token.header().kid.clone().unwrap();
        let key = VerifyingKey::from_jwk(published.find(&kid).unwrap()).unwrap();
        let claims: Value =
            serde_json::from_slice(&token.verify(&key, &[alg.parse().unwrap()]).unwrap()).unwrap();
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!(made.client_id)));
        assert_eq!((&claims["email"], claims["sub"].is_string()), (&json!(JANE.email), true));
        // It passes for no other token (security case 15).
        assert_eq!(app.userinfo(&answer.body).await.status, 401);
        let hint = made.code("openid").with("prompt", "none").with("id_token_hint", &answer.body);
        assert_eq!(Browser::new(&app).authorize(&hint, &JANE).await.find("error"), Some("invalid_request"));
    }
}

#[tokio::test]
async fn id_tokens_by_the_algorithm_asked_for() {
    let app = Registered::app(false).await;
    for alg in ["RS256", "PS256", "RS512", "ES256", "EdDSA", "HS256"] {
        let made = Registered::new(&app, json!({ "id_token_signed_response_alg": alg })).await;
        let code = Browser::new(&app).authorize(&made.code("openid"), &JANE).await.get("code");
        let id_token = made.redeem(&app, &code).await.expect(200).text("id_token");
        assert_eq!(Unverified::parse(&id_token).unwrap().header().alg, alg);
    }
}

/// RFC 7517, section 4.4: a reader that holds a key to its `alg` finds one for PS256, and one who knows RS256 alone sees no other
/// until somebody needs it.
#[tokio::test]
async fn published_keys_are_for_what_they_sign() {
    let app = Registered::app(false).await;
    let keys = async || app.get("/.well-known/jwks.json").await.json()["keys"].as_array().unwrap().clone();
    let before = keys().await;
    assert!(before.iter().all(|key| key["kty"] == "RSA"), "auth0-python reads no set with another kind");
    for alg in ["PS256", "RS512", "ES256", "EdDSA", "RS256"] {
        let made = Registered::new(&app, json!({ "id_token_signed_response_alg": alg })).await;
        let code = Browser::new(&app).authorize(&made.code("openid"), &JANE).await.get("code");
        let id_token = made.redeem(&app, &code).await.expect(200).text("id_token");
        let header = Unverified::parse(&id_token).unwrap().header().clone();
        let all = keys().await;
        assert_eq!(all[..before.len()], before, "those that were there are as they were");
        let named: Vec<&Value> = all.iter().filter(|key| key["kid"] == json!(header.kid)).collect();
        assert_eq!((named.len(), &named[0]["alg"]), (1, &json!(alg)));
        let is_of_use = |key: &Value| key["alg"] == alg || key["alg"] == "RS256";
        assert!(all.iter().all(is_of_use), "{alg}: {all:?}");
        let key = VerifyingKey::from_jwk(&serde_json::from_value(named[0].clone()).unwrap()).unwrap();
        Unverified::parse(&id_token).unwrap().verify(&key, &[alg.parse().unwrap()]).unwrap();
        // It is a hint here, by the same name.
        let hint = made.code("openid").with("id_token_hint", &id_token);
        Browser::new(&app).authorize(&hint, &JANE).await.get("code");
        app.send(made.manage("DELETE", made.text("registration_access_token"))).await.expect(204);
        assert_eq!(keys().await, before, "nobody needs it any more");
    }
}
