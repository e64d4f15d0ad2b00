//! Whoever holds a key and shows it (RFC 9449).

use std::sync::atomic::{AtomicU32, Ordering};

use chancery_core::Clock;
use chancery_jose::{Algorithm, SigningKey, base64url, generate_es256, sha256};
use serde_json::{Value, json};

use super::{Answer, Call, ISSUER, Pairs, TestApp};

/// A key, and as many proofs of it as are wanted.
pub(crate) struct Prover {
    pub(crate) key: SigningKey,
    made: AtomicU32,
}

impl Prover {
    pub(crate) fn new() -> Self {
        let key = SigningKey::from_pkcs8(Algorithm::ES256, "", &generate_es256().unwrap()).unwrap();
        Self { key, made: AtomicU32::default() }
    }

    /// What tokens are bound to.
    pub(crate) fn jkt(&self) -> String {
        base64url(&self.key.public_jwk().unwrap().thumbprint().unwrap())
    }

    /// Claims of a proof for a request, made now, with an id of its own; `path` begins with a slash.
    pub(crate) fn claims(&self, app: &TestApp, method: &str, path: &str) -> Value {
        let jti = format!("proof-{}", self.made.fetch_add(1, Ordering::Relaxed));
        let url = format!("{}{path}", ISSUER.trim_end_matches('/'));
        json!({ "jti": jti, "htm": method, "htu": url, "iat": app.clock.now() })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let jwk = self.key.public_jwk().unwrap();
        let jwk = json!({ "kty": jwk.kty, "crv": jwk.crv, "x": jwk.x, "y": jwk.y });
        self.sign_with(&json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": jwk }), claims)
    }

    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let input = format!("{}.{}", part(header), part(claims));
        format!("{input}.{}", base64url(&self.key.sign_raw(input.as_bytes()).unwrap()))
    }

    /// A proof for `POST /oauth/token`, with this nonce.
    pub(crate) fn proof(&self, app: &TestApp, nonce: Option<&str>) -> String {
        let mut claims = self.claims(app, "POST", "/oauth/token");
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        self.sign(&claims)
    }

    /// `POST /oauth/token` with a proof; again with a nonce, where the server wants one.
    pub(crate) async fn token(&self, app: &TestApp, form: Pairs<'_>) -> Answer {
        let send = |proof: String| app.send(Call::post("/oauth/token").form(form).header("dpop", &proof));
        let answer = send(self.proof(app, None)).await;
        if answer.status != 400 || answer.text("error") != "use_dpop_nonce" {
            return answer;
        }
        let nonce = answer.header("dpop-nonce").unwrap().to_owned();
        send(self.proof(app, Some(&nonce))).await
    }

    /// The call with a token that is bound to the key, and with a proof.
    pub(crate) fn bound(&self, app: &TestApp, (method, path): (&str, &str), token: &str) -> Call {
        let mut claims = self.claims(app, method, path.split('?').next().unwrap());
        claims["ath"] = base64url(&sha256(token.as_bytes())).into();
        let call = Call::new(method, path).header("authorization", &format!("DPoP {token}"));
        call.header("dpop", &self.sign(&claims))
    }
}
