//! An application that proves itself with a key (RFC 7523).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chancery_core::Clock;
use chancery_jose::{Algorithm, SigningKey, Typ};
use serde_json::{Value, json};

use super::{API, Answer, ISSUER, TestApp};

/// The name of the key.
pub(crate) const KID: &str = "key-of-the-test";

/// May do client_credentials for the demo API.
pub(crate) struct KeyedClient {
    pub(crate) client_id: String,
    pub(crate) key: SigningKey,
}

impl KeyedClient {
    pub(crate) async fn new(app: &TestApp) -> Self {
        let key = chancery_jose::generate_rsa(2048).unwrap();
        let key = SigningKey::from_pkcs8(Algorithm::RS256, KID, &key).unwrap();
        let wish = json!({
            "name": "Keyed", "app_type": "non_interactive", "grant_types": ["client_credentials"], "oidc_conformant": true,
            "client_authentication_methods": { "private_key_jwt": { "credentials": [
                { "name": "key", "credential_type": "public_key", "pem": pem(&key), "alg": "RS256", "kid": KID },
            ] } },
        });
        let made = app.manage("POST", "/clients", wish).await;
        let client_id = made["client_id"].as_str().unwrap().to_owned();
        let grant = json!({ "client_id": client_id, "audience": API, "scope": ["read:contacts"] });
        app.manage("POST", "/client-grants", grant).await;
        Self { client_id, key }
    }

    /// Good for five minutes, with this `jti`.
    pub(crate) fn assertion(&self, app: &TestApp, jti: &str) -> String {
        let now = app.clock.now();
        self.sign(&json!({
            "iss": self.client_id, "sub": self.client_id, "aud": ISSUER, "iat": now, "exp": now + 300, "jti": jti,
        }))
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.key.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap()
    }

    /// client_credentials with this assertion.
    pub(crate) async fn machine_token(&self, app: &TestApp, assertion: &str) -> Answer {
        let grant = [
            ("grant_type", "client_credentials"),
            ("audience", API),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ];
        app.token(&grant).await
    }
}

/// The public half as administrators paste it.
pub(crate) fn pem(key: &SigningKey) -> String {
    let encoded = BASE64_STANDARD.encode(key.public_key_der().unwrap());
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
