//! Access tokens: their verification, and the scopes they carry.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode, request::Parts};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::RwLock;

/// What a verified access token says.
#[derive(Debug, Deserialize)]
pub struct AccessToken {
    /// Granted scopes, separated by spaces.
    #[serde(default)]
    scope: String,
}

impl AccessToken {
    /// Passes where the token carries the scope.
    ///
    /// # Errors
    /// [`Refusal::InsufficientScope`], which answers 403.
    pub fn require(&self, scope: &'static str) -> Result<(), Refusal> {
        let granted = self.scope.split(' ').any(|granted| granted == scope);
        if granted { Ok(()) } else { Err(Refusal::InsufficientScope(scope)) }
    }
}

impl<S> FromRequestParts<S> for AccessToken
where
    S: Send + Sync,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let token = bearer(&parts.headers).ok_or(Refusal::NoToken)?;
        Arc::<Verifier>::from_ref(state).verify(token).await
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

/// Verifies access tokens of one issuer for one API.
pub struct Verifier {
    http: reqwest::Client,
    jwks_uri: String,
    keys: RwLock<JwkSet>,
    rules: Validation,
}

impl Verifier {
    /// Reads the issuer's metadata and keys.
    ///
    /// # Errors
    /// The issuer cannot be reached or its documents cannot be read.
    pub async fn discover(issuer: &str, audience: &str) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::new();
        let metadata: Metadata = fetch(&http, &format!("{issuer}.well-known/openid-configuration")).await?;
        let keys = fetch(&http, &metadata.jwks_uri).await?;

        // The algorithm is fixed here: what a token says of itself decides nothing.
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_issuer(&[issuer]);
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        Ok(Self { http, jwks_uri: metadata.jwks_uri, keys: RwLock::new(keys), rules })
    }

    async fn verify(&self, token: &str) -> Result<AccessToken, Refusal> {
        let header = decode_header(token).map_err(|_| Refusal::BadToken)?;
        let kid = header.kid.ok_or(Refusal::BadToken)?;
        let key = self.key(&kid).await.ok_or(Refusal::BadToken)?;
        decode(token, &key, &self.rules).map(|verified| verified.claims).map_err(|_| Refusal::BadToken)
    }

    /// A key that is not known may be new: issuers rotate their keys. An API with many callers limits how often it asks.
    async fn key(&self, kid: &str) -> Option<DecodingKey> {
        let known = self.keys.read().await.find(kid).cloned();
        let key = match known {
            Some(key) => key,
            None => {
                let fresh: JwkSet = fetch(&self.http, &self.jwks_uri).await.ok()?;
                let found = fresh.find(kid).cloned();
                *self.keys.write().await = fresh;
                found?
            }
        };
        DecodingKey::from_jwk(&key).ok()
    }
}

#[derive(Deserialize)]
struct Metadata {
    jwks_uri: String,
}

async fn fetch<T: serde::de::DeserializeOwned>(
    http: &reqwest::Client,
    url: &str,
) -> Result<T, reqwest::Error> {
    http.get(url).send().await?.error_for_status()?.json().await
}

/// Why a call is not served: RFC 6750, section 3.
#[derive(Debug)]
pub enum Refusal {
    /// The request carries no token.
    NoToken,
    /// The token is not from this issuer, not for this API, expired or no token at all.
    BadToken,
    /// The token does not carry this scope.
    InsufficientScope(&'static str),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, challenge, error) = match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, "Bearer".to_owned(), "unauthorized"),
            Self::BadToken => {
                (StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\"".to_owned(), "invalid_token")
            }
            Self::InsufficientScope(scope) => (
                StatusCode::FORBIDDEN,
                format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""),
                "insufficient_scope",
            ),
        };
        (status, [(WWW_AUTHENTICATE, challenge)], Json(json!({"error": error}))).into_response()
    }
}
