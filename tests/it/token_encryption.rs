//! Access tokens that the API alone can read (`token_encryption`, fact sheet 1.6; RFC 7516, RFC 7519 section 11.2).

use chancery_jose::{
    Algorithm, ContentEncryption, DecryptionKey, KeyManagement, SigningKey, generate_es256, generate_rsa, pem,
};
use serde_json::{Value, json};

use crate::support::{API, Browser, Call, JANE, TestApp, decode};

struct Reader {
    pem: String,
    key: DecryptionKey,
}

impl Reader {
    fn new(alg: KeyManagement) -> Self {
        let der = generate_rsa(2048).unwrap();
        let public = SigningKey::from_pkcs8(Algorithm::RS256, "k", &der).unwrap().public_key_der().unwrap();
        Self { pem: pem("PUBLIC KEY", &public), key: DecryptionKey::from_pkcs8(alg, &der).unwrap() }
    }

    fn read(&self, token: &str) -> String {
        String::from_utf8(self.key.decrypt(token, &[ContentEncryption::A256Gcm]).unwrap()).unwrap()
    }
}

async fn encrypt(app: &TestApp, reader: &Reader, alg: &str) {
    let key = json!({"name": "key", "alg": alg, "kid": "enc-1", "pem": reader.pem});
    app.set_api(json!({"token_encryption": {"format": "compact-nested-jwe", "encryption_key": key}})).await;
}

#[tokio::test]
async fn the_api_alone_reads_them() {
    let app = TestApp::new().await;
    for alg in [KeyManagement::RsaOaep256, KeyManagement::RsaOaep384, KeyManagement::RsaOaep512] {
        let reader = Reader::new(alg);
        encrypt(&app, &reader, alg.as_str()).await;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", app.clients.m2m.client_id.as_str()),
            ("client_secret", &app.m2m_secret()),
            ("audience", API),
        ];
        let token = app.token(&form).await.expect(200).text("access_token");
        assert_eq!(token.split('.').count(), 5);
        let (header, _) = token.split_once('.').unwrap();
        let header: Value =
            serde_json::from_slice(&chancery_jose::base64url_decode(header).unwrap()).unwrap();
        assert_eq!(header, json!({"alg": alg.as_str(), "enc": "A256GCM", "kid": "enc-1", "cty": "JWT"}));
        // Signed within: the API knows whose it is.
        let claims = app.verified(&reader.read(&token)).await;
        assert_eq!(claims["aud"], API);
    }
    // Where it is taken away, tokens are in the open again.
    app.set_api(json!({"token_encryption": null})).await;
    let tokens = app.sign_in("openid read:contacts").await;
    assert_eq!(tokens["access_token"].as_str().unwrap().split('.').count(), 3);
}

/// What exactly was allowed is the API's to know.
#[tokio::test]
async fn the_answer_says_the_types_of_details_alone() {
    let app = TestApp::new().await;
    let reader = Reader::new(KeyManagement::RsaOaep256);
    encrypt(&app, &reader, "RSA-OAEP-256").await;
    app.set_api(json!({"authorization_details": [{"type": "payment"}]})).await;
    let details = json!([{"type": "payment", "to": "Sam"}]);
    let ask = app.ask("openid read:contacts").with("authorization_details", &details.to_string());
    let code = Browser::new(&app).authorize(&ask, &JANE).await.get("code");
    let tokens = app.redeem(&code).await.expect(200).json();
    assert_eq!(tokens["authorization_details"], json!([{"type": "payment"}]));
    let (_, claims) = decode(&reader.read(tokens["access_token"].as_str().unwrap()));
    assert_eq!(claims["authorization_details"], details);
}

#[tokio::test]
async fn what_is_no_such_key_is_refused_and_never_shown() {
    let app = TestApp::new().await;
    let api = format!("/api/v2/resource-servers/{}", API.replace(':', "%3A").replace('/', "%2F"));
    let token = app.management_token().await;
    let ec = SigningKey::from_pkcs8(Algorithm::ES256, "k", &generate_es256().unwrap()).unwrap();
    for bad in ["x".to_owned(), pem("PUBLIC KEY", &ec.public_key_der().unwrap()), pem("PRIVATE KEY", &[1])] {
        let key = json!({"alg": "RSA-OAEP-256", "pem": bad});
        let body = json!({"token_encryption": {"format": "compact-nested-jwe", "encryption_key": key}});
        let answer = app.send(Call::new("PATCH", &api).bearer(&token).json(&body)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains("token_encryption.encryption_key.pem"), "{answer:?}");
    }
    let reader = Reader::new(KeyManagement::RsaOaep256);
    encrypt(&app, &reader, "RSA-OAEP-256").await;
    let shown = app.send(Call::get(&api).bearer(&token)).await.expect(200).json();
    let key = &shown["token_encryption"]["encryption_key"];
    assert_eq!((&key["pem"], &key["kid"]), (&Value::Null, &json!("enc-1")));
    assert!(key["thumbprint_sha256"].is_string());
}

/// That it cannot be read here is no reason to pretend that it was revoked.
#[tokio::test]
async fn case_19_revoking_an_encrypted_token_is_not_pretended() {
    let app = TestApp::new().await;
    let reader = Reader::new(KeyManagement::RsaOaep256);
    encrypt(&app, &reader, "RSA-OAEP-256").await;
    let own = [("client_id", app.clients.m2m.client_id.as_str()), ("client_secret", &app.m2m_secret())];
    let form = [("grant_type", "client_credentials"), ("audience", API)];
    let token = app.token(&[&own[..], &form].concat()).await.expect(200).text("access_token");
    let answer = app.send(Call::post("/oauth/revoke").form(&[&own[..], &[("token", &token)]].concat())).await;
    assert_eq!(answer.expect(400).text("error"), "unsupported_token_type");
}
