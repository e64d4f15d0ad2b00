//! What is encrypted for applications (OpenID Connect Core 10.2), and what they encrypt (RFC 9101, section 6.1).

use std::sync::{Arc, Mutex};

use chancery_core::Clock;
use chancery_jose::{
    Algorithm, ContentEncryption, DecryptionKey, EncryptionKey, Jwk, KeyManagement, SigningKey, Typ,
    generate_es256, generate_rsa,
};
use serde_json::{Value, json};

use crate::support::{
    Answer, Ask, Browser, CALLBACK, Call, ISSUER, JANE, Registered, Service, TestApp, decode, engines,
};

/// Keys of an application: one reads, the other signs.
struct Reader {
    der: Vec<u8>,
    jwk: Value,
    signing: SigningKey,
}

impl Reader {
    fn new(alg: KeyManagement) -> Self {
        let is_rsa = alg.as_str().starts_with("RSA");
        let (kind, der) = match is_rsa {
            true => (Algorithm::RS256, generate_rsa(2048).unwrap()),
            false => (Algorithm::ES256, generate_es256().unwrap()),
        };
        let public = SigningKey::from_pkcs8(kind, "enc-1", &der).unwrap().public_jwk().unwrap();
        let jwk = Jwk { use_: Some("enc".to_owned()), alg: None, ..public };
        let signing =
            SigningKey::from_pkcs8(Algorithm::RS256, "sig-1", &generate_rsa(2048).unwrap()).unwrap();
        Self { der: der.to_vec(), jwk: serde_json::to_value(jwk).unwrap(), signing }
    }

    fn set(&self) -> Value {
        json!({ "keys": [serde_json::to_value(self.signing.public_jwk().unwrap()).unwrap(), self.jwk] })
    }

    fn read(&self, alg: KeyManagement, enc: ContentEncryption, token: &str) -> Vec<u8> {
        assert_eq!(token.split('.').count(), 5, "{token}");
        DecryptionKey::from_pkcs8(alg, &self.der).unwrap().decrypt(token, &[enc]).unwrap()
    }
}

fn header(token: &str) -> Value {
    let header = chancery_jose::base64url_decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&header).unwrap()
}

async fn signed_in(app: &TestApp, made: &Registered) -> Answer {
    let code = Browser::new(app).authorize(&made.code("openid email"), &JANE).await.get("code");
    made.redeem(app, &code).await
}

#[tokio::test]
async fn id_tokens_and_userinfo_are_for_the_application_alone() {
    let app = Registered::app(false).await;
    for (alg, enc) in [
        (KeyManagement::RsaOaep, ContentEncryption::A128CbcHs256),
        (KeyManagement::RsaOaep256, ContentEncryption::A256Gcm),
        (KeyManagement::EcdhEs, ContentEncryption::A256CbcHs512),
        (KeyManagement::EcdhEsA128Kw, ContentEncryption::A128Gcm),
        (KeyManagement::EcdhEsA256Kw, ContentEncryption::A128CbcHs256),
    ] {
        let reader = Reader::new(alg);
        let wish = json!({
            "id_token_encrypted_response_alg": alg.as_str(), "id_token_encrypted_response_enc": enc.as_str(),
            "userinfo_encrypted_response_alg": alg.as_str(), "userinfo_encrypted_response_enc": enc.as_str(),
            "userinfo_signed_response_alg": "ES256", "id_token_signed_response_alg": "RS256", "jwks": reader.set(),
        });
        let made = Registered::new(&app, wish.clone()).await;
        for (name, value) in wish.as_object().unwrap() {
            assert_eq!(made.all[name], *value, "{name}");
        }
        let tokens = signed_in(&app, &made).await.expect(200);
        let id_token = tokens.text("id_token");
        let said = header(&id_token);
        assert_eq!(
            (&said["cty"], &said["kid"], &said["alg"]),
            (&json!("JWT"), &json!("enc-1"), &json!(alg.as_str()))
        );
        // Signed within.
        let inner = String::from_utf8(reader.read(alg, enc, &id_token)).unwrap();
        let claims = app.verified(&inner).await;
        assert_eq!((&claims["aud"], &claims["iss"]), (&json!(made.client_id), &json!(ISSUER)));
        let answer = app.userinfo(&tokens.text("access_token")).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/jwt"));
        let inner = String::from_utf8(reader.read(alg, enc, &answer.body)).unwrap();
        assert_eq!(decode(&inner).0["alg"], "ES256");
        assert_eq!(decode(&inner).1["email"], JANE.email);
    }
}

/// OpenID Connect Core 5.3.2: encrypted without a signature, the content is the JSON.
#[tokio::test]
async fn userinfo_that_is_not_signed() {
    let app = Registered::app(false).await;
    let (alg, enc) = (KeyManagement::EcdhEs, ContentEncryption::A128CbcHs256);
    let reader = Reader::new(alg);
    let made = Registered::new(
        &app,
        json!({ "userinfo_encrypted_response_alg": alg.as_str(), "jwks": reader.set() }),
    )
    .await;
    let tokens = signed_in(&app, &made).await.expect(200);
    assert_eq!(tokens.text("id_token").split('.').count(), 3, "that was not asked for");
    let answer = app.userinfo(&tokens.text("access_token")).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/jwt"));
    assert_eq!(header(&answer.body).get("cty"), None);
    let claims: Value = serde_json::from_slice(&reader.read(alg, enc, &answer.body)).unwrap();
    assert_eq!((&claims["email"], &claims["aud"]), (&json!(JANE.email), &json!(made.client_id)));
}

/// In the open instead is never the answer, and what was asked with is good when the key is back.
#[tokio::test]
async fn without_a_key_nothing_is_spent() {
    let app = Registered::app(false).await;
    let alg = KeyManagement::RsaOaep256;
    let reader = Reader::new(alg);
    let set = Arc::new(Mutex::new(json!({ "keys": [reader.signing.public_jwk().unwrap()] })));
    let told = Arc::clone(&set);
    let service = Service::start(move |_| (200, told.lock().unwrap().clone())).await;
    let made = Registered::new(
        &app,
        json!({
            "id_token_encrypted_response_alg": alg.as_str(), "userinfo_encrypted_response_alg": alg.as_str(),
            "jwks_uri": format!("{}/jwks.json", service.origin), "response_types": ["code", "code id_token"],
            "grant_types": ["authorization_code", "implicit", "refresh_token"],
        }),
    )
    .await;
    let ask = made.code("openid email offline_access");
    let mut browser = Browser::new(&app);
    let code = browser.authorize(&ask, &JANE).await.get("code");
    let text = "The application has no key for id_token_encrypted_response_alg RSA-OAEP-256";
    made.redeem(&app, &code).await.is_error(400, "invalid_client_metadata", text);
    let front = made.code("openid").with("response_type", "code id_token").with("nonce", "n");
    browser.authorize(&front, &JANE).await.is_error("invalid_client_metadata", text);
    *set.lock().unwrap() = reader.set();
    app.clock.advance(3);
    let tokens = made.redeem(&app, &code).await.expect(200);
    assert_eq!(tokens.text("id_token").split('.').count(), 5);
    let answer = browser.authorize(&front, &JANE).await;
    assert_eq!(answer.get("id_token").split('.').count(), 5);
    // Gone again: neither the refresh token is spent, nor is anything told.
    service.answers(|_| (404, json!({})));
    app.clock.advance(301);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &tokens.text("refresh_token"))];
    made.token(&app, &refresh).await.is_error(400, "invalid_client_metadata", text);
    let answer = app.userinfo(&tokens.text("access_token")).await;
    assert!(answer.status == 400 && !answer.body.contains(JANE.email), "{answer:?}");
    let told = Arc::clone(&set);
    service.answers(move |_| (200, told.lock().unwrap().clone()));
    app.clock.advance(3);
    let again = made.token(&app, &refresh).await.expect(200);
    assert_eq!(again.text("id_token").split('.').count(), 5);
}

#[tokio::test]
async fn by_the_administrator() {
    let app = TestApp::new().await;
    let (alg, enc) = (KeyManagement::EcdhEsA128Kw, ContentEncryption::A128Gcm);
    let reader = Reader::new(alg);
    let at = format!("/api/chancery/v1/clients/{}/openid", app.clients.web.client_id);
    let set = async |wish: Value| {
        app.send(Call::new("PATCH", &at).bearer(&app.management_token().await).json(&wish)).await
    };
    let wish = json!({ "id_token_encrypted_response_alg": alg.as_str(), "id_token_encrypted_response_enc": enc.as_str() });
    assert_eq!(set(wish.clone()).await.status, 400, "there are no keys");
    let mut with_keys = wish.clone();
    with_keys["jwks"] = reader.set();
    let shown = set(with_keys).await.expect(200).json();
    assert_eq!(
        (&shown["id_token_encrypted_response_enc"], &shown["jwks"]),
        (&json!(enc.as_str()), &reader.set())
    );
    let tokens = app.sign_in("openid").await;
    let inner = reader.read(alg, enc, tokens["id_token"].as_str().unwrap());
    app.verified(std::str::from_utf8(&inner).unwrap()).await;
    assert_eq!(set(json!({ "jwks": null })).await.status, 400, "they are still needed");
    let shown =
        set(json!({ "id_token_encrypted_response_alg": null, "jwks": null })).await.expect(200).json();
    assert_eq!((shown.get("id_token_encrypted_response_enc"), shown.get("jwks")), (None, None));
    assert_eq!(app.sign_in("openid").await["id_token"].as_str().unwrap().split('.').count(), 3);
}

async fn published(app: &TestApp) -> Vec<Value> {
    app.get("/.well-known/jwks.json").await.json()["keys"].as_array().unwrap().clone()
}

async fn announced(app: &TestApp) -> Value {
    app.get("/.well-known/openid-configuration").await.json()["request_object_encryption_alg_values_supported"].clone()
}

/// A tenant has keys for it from when an application asks, behind those that sign, and they are for nothing else.
#[tokio::test]
async fn requests_that_the_tenant_alone_reads() {
    for app in engines().await {
        app.manage("PATCH", "/tenants/settings", json!({
            "flags": { "enable_dynamic_client_registration": true }, "dynamic_client_registration_security_mode": "permissive",
        }))
        .await;
        assert!(published(&app).await.iter().all(|key| key["use"] == "sig"));
        assert!(announced(&app).await.is_array());
        let reader = Reader::new(KeyManagement::EcdhEs);
        let wish = json!({ "request_object_encryption_alg": "RSA-OAEP-256", "jwks": reader.set() });
        let made = Registered::new(&app, wish.clone()).await;
        Registered::new(&app, wish).await;
        let keys = published(&app).await;
        let (signing, ours): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key["use"] == "sig");
        assert_eq!((ours.len(), keys[..signing.len()].iter().all(|key| key["use"] == "sig")), (2, true));
        assert!(ours.iter().all(|key| ["d", "p", "q", "alg"].iter().all(|name| key.get(*name).is_none())));
        let claims = |state: &str| {
            json!({
                "iss": made.client_id, "aud": ISSUER, "client_id": made.client_id, "response_type": "code",
                "redirect_uri": CALLBACK, "scope": "openid", "state": state, "exp": app.clock.now() + 60,
            })
        };
        let sign = |claims: &Value| reader.signing.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap();
        let ask = |object: &str| Ask::empty().with("client_id", &made.client_id).with("request", object);
        for (alg, kty) in [
            (KeyManagement::RsaOaep256, "RSA"),
            (KeyManagement::RsaOaep, "RSA"),
            (KeyManagement::EcdhEs, "EC"),
            (KeyManagement::EcdhEsA256Kw, "EC"),
        ] {
            let jwk = ours.iter().find(|key| key["kty"] == kty).unwrap();
            let jwk: Jwk = serde_json::from_value((*jwk).clone()).unwrap();
            let key = EncryptionKey::from_jwk((alg, ContentEncryption::A256Gcm), &jwk).unwrap();
            let seal = |inner: &str| key.encrypt(inner.as_bytes(), Some("JWT")).unwrap();
            let landing = Browser::new(&app).authorize(&ask(&seal(&sign(&claims("kept")))), &JANE).await;
            assert_eq!(landing.get("state"), "kept");
            let code = landing.get("code");
            made.redeem(&app, &code).await.expect(200);
            // Whoever encrypts vouches for nothing.
            let payload = chancery_jose::base64url(claims("forged").to_string().as_bytes());
            let none = format!("{}.{payload}.", chancery_jose::base64url(br#"{"alg":"none"}"#));
            let stranger = Reader::new(KeyManagement::EcdhEs);
            let other = stranger.signing.sign(Typ::Jwt, claims("forged").to_string().as_bytes()).unwrap();
            let twice = seal(&seal(&sign(&claims("forged"))));
            let plain = seal(&claims("forged").to_string());
            let mut cut = seal(&sign(&claims("forged")));
            cut.truncate(cut.len() - 4);
            for (how, object) in [
                ("none", seal(&none)),
                ("other", seal(&other)),
                ("twice", twice),
                ("plain", plain),
                ("cut", cut),
            ] {
                let answer = app.get(&ask(&object).path()).await;
                // An unsigned one is as if it were not there: nobody registered such.
                let kind = if how == "none" { "invalid_request" } else { "invalid_request_object" };
                assert!(
                    answer.status == 400 && answer.body.contains(&format!(">{kind}<")),
                    "{how}: {answer:?}"
                );
            }
        }
        // Signed alone is as good as before.
        Browser::new(&app).authorize(&ask(&sign(&claims("plain"))), &JANE).await.get("code");
        // Whoever did not register so has none opened.
        let other = Registered::new(&app, json!({ "jwks": reader.set() })).await;
        let jwk: Jwk = serde_json::from_value(ours[0].clone()).unwrap();
        let alg = if jwk.kty == "RSA" { KeyManagement::RsaOaep256 } else { KeyManagement::EcdhEs };
        let key = EncryptionKey::from_jwk((alg, ContentEncryption::A256Gcm), &jwk).unwrap();
        let mut own = claims("x");
        (own["iss"], own["client_id"]) = (json!(other.client_id), json!(other.client_id));
        let object = key.encrypt(sign(&own).as_bytes(), Some("JWT")).unwrap();
        let answer =
            app.get(&Ask::empty().with("client_id", &other.client_id).with("request", &object).path()).await;
        assert!(answer.body.contains("invalid_request_object"), "{answer:?}");
    }
}

/// They rotate with the keys that sign. What was encrypted for the ones before is read for a week, and then no more.
#[tokio::test]
async fn keys_for_requests_rotate() {
    const WEEK: i64 = 7 * 24 * 60 * 60;
    for app in engines().await {
        app.manage("PATCH", "/tenants/settings", json!({
            "flags": { "enable_dynamic_client_registration": true }, "dynamic_client_registration_security_mode": "permissive",
        }))
        .await;
        // A tenant without such keys gets none by it.
        app.manage("POST", "/keys/signing/rotate", json!({})).await;
        assert!(published(&app).await.iter().all(|key| key["use"] == "sig"));
        let reader = Reader::new(KeyManagement::EcdhEs);
        let made = Registered::new(
            &app,
            json!({ "request_object_encryption_alg": "RSA-OAEP-256", "jwks": reader.set() }),
        )
        .await;
        let current = async || -> Vec<Value> {
            published(&app).await.into_iter().filter(|key| key["use"] == "enc").collect()
        };
        let opens = async |jwk: &Value| {
            let claims = json!({
                "iss": made.client_id, "aud": ISSUER, "client_id": made.client_id, "response_type": "code",
                "redirect_uri": CALLBACK, "scope": "openid", "state": "kept", "exp": app.clock.now() + 60,
            });
            let signed = reader.signing.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap();
            let alg = if jwk["kty"] == "RSA" { KeyManagement::RsaOaep256 } else { KeyManagement::EcdhEs };
            let jwk: Jwk = serde_json::from_value(jwk.clone()).unwrap();
            let key = EncryptionKey::from_jwk((alg, ContentEncryption::A256Gcm), &jwk).unwrap();
            let object = key.encrypt(signed.as_bytes(), Some("JWT")).unwrap();
            let ask = Ask::empty().with("client_id", &made.client_id).with("request", &object);
            !app.get(&ask.path()).await.body.contains("invalid_request_object")
        };
        let first = current().await;
        app.manage("POST", "/keys/signing/rotate", json!({})).await;
        let second = current().await;
        assert_eq!((first.len(), second.len()), (2, 2));
        assert!(second.iter().all(|key| first.iter().all(|old| old["kid"] != key["kid"])), "{second:?}");
        app.clock.advance(WEEK - 60);
        for jwk in first.iter().chain(&second) {
            assert!(opens(jwk).await, "{} {jwk}", app.engine);
        }
        app.clock.advance(60);
        for jwk in &first {
            assert!(!opens(jwk).await, "{} {jwk}", app.engine);
        }
        for jwk in &second {
            assert!(opens(jwk).await, "{} {jwk}", app.engine);
        }
        // What opens nothing any more goes at the next turn.
        app.manage("POST", "/keys/signing/rotate", json!({})).await;
        let kept =
            app.app.store.docs_all(crate::support::TENANT, chancery_store::Kind::RequestKey).await.unwrap();
        assert_eq!(kept.len(), 4, "two in use and two that were replaced just now");

        // One that leaked opens nothing from now on, be it in use or replaced.
        let third = current().await;
        let revoke = async |jwk: &Value| {
            app.api("PUT", &format!("/keys/signing/{}/revoke", jwk["kid"].as_str().unwrap()), Value::Null)
                .await
        };
        for leaked in [&second[0], &third[0]] {
            assert!(opens(leaked).await, "{} {leaked}", app.engine);
            let revoked = revoke(leaked).await.expect(200).json();
            assert_eq!((&revoked["kid"], &revoked["revoked"]), (&leaked["kid"], &json!(true)));
            assert!(!opens(leaked).await, "{} {leaked}", app.engine);
            revoke(leaked).await.expect(404);
        }
        let fourth = current().await;
        assert_eq!(fourth.len(), 2, "another one took its place: {fourth:?}");
        assert!(fourth.contains(&third[1]) && !fourth.contains(&third[0]));
        for jwk in fourth.iter().chain([&second[1]]) {
            assert!(opens(jwk).await, "{} {jwk}", app.engine);
        }
    }
}

#[tokio::test]
async fn it_is_announced() {
    let app = TestApp::new().await;
    let document = app.get("/.well-known/openid-configuration").await.json();
    for what in ["id_token", "userinfo"] {
        for name in ["alg", "enc"] {
            let listed = document[format!("{what}_encryption_{name}_values_supported")].as_array().unwrap();
            assert!(
                listed.iter().any(|alg| *alg == if name == "alg" { "RSA-OAEP-256" } else { "A128CBC-HS256" })
            );
        }
    }
    assert_eq!(announced(&app).await, Value::Null, "nobody has asked for it");
    let at = format!("/api/chancery/v1/clients/{}/openid", app.clients.web.client_id);
    let wish =
        json!({ "request_object_encryption_alg": "RSA-OAEP-256", "request_object_signing_alg": "none" });
    app.send(Call::new("PATCH", &at).bearer(&app.management_token().await).json(&wish)).await.expect(200);
    assert!(announced(&app).await.is_array());
    assert_eq!(published(&app).await.iter().filter(|key| key["use"] == "enc").count(), 2);
}
