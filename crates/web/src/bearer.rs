//! Access tokens of this server, presented to this server: `/userinfo` and the Management API.

use std::collections::BTreeSet;

use chancery_core::oauth::OAuthError;
use chancery_jose::{Algorithm, Unverified};
use chancery_store::{Origin, Snapshot};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::Value;

/// What a good access token says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessTokenClaims {
    /// The user, or `CLIENT@clients`.
    pub sub: String,
    /// Granted scopes.
    pub scope: BTreeSet<String>,
    /// The application it was issued to (`azp`, or `client_id` in RFC 9068).
    pub client_id: String,
    /// Seconds.
    pub exp: i64,
    /// Permissions of the user, where the API puts them into tokens.
    pub permissions: Vec<String>,
    /// Where the user signed in.
    pub organization_id: Option<String>,
    /// Thumbprint of the key that its sender must hold (RFC 9449): see [`Ctx::check_possession`](crate::Ctx::check_possession).
    pub jkt: Option<String>,
    /// SHA-256 of the certificate that its sender must show (RFC 8705), base64url.
    pub x5t: Option<String>,
    /// For whom.
    pub audiences: Vec<String>,
    /// Seconds.
    pub iat: Option<i64>,
    /// Its own id, in RFC 9068 dialects.
    pub jti: Option<String>,
    /// Who acts for the user (RFC 8693, section 4.1).
    pub act: Option<Value>,
    /// What exactly the user allowed (RFC 9396).
    pub authorization_details: Option<Value>,
    /// The user showed a second factor for it.
    pub second_factor: bool,
    /// When the user's password was last set (Unix time in milliseconds), where the API looks for that.
    pub password_set_at: Option<i64>,
}

impl AccessTokenClaims {
    /// What its sender must show to have.
    pub fn bound(&self) -> Bound<'_> {
        Bound { jkt: self.jkt.as_deref(), x5t: self.x5t.as_deref() }
    }

    /// Whether the scope was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.contains(scope)
    }
}

/// What an access token is bound to, if to anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound<'a> {
    /// Thumbprint of a key (RFC 9449).
    pub jkt: Option<&'a str>,
    /// SHA-256 of a certificate (RFC 8705).
    pub x5t: Option<&'a str>,
}

/// How an access token was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenScheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449, section 7.1.
    Dpop,
}

/// The token of `Authorization: Bearer` or `DPoP`; the scheme in any case (RFC 9110 section 11.1). `None` without the header.
///
/// # Errors
/// [`OAuthError::TokenInvalid`] where the header is there twice, or has another scheme, or no token.
pub fn access_token(headers: &HeaderMap) -> Result<Option<(TokenScheme, &str)>, OAuthError> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(MALFORMED_HEADER);
    }
    let (scheme, token) = line.to_str().ok().and_then(|l| l.split_once(' ')).ok_or(MALFORMED_HEADER)?;
    let token = token.trim_matches(' ');
    let scheme = match scheme {
        bearer if bearer.eq_ignore_ascii_case("bearer") => TokenScheme::Bearer,
        dpop if dpop.eq_ignore_ascii_case("dpop") => TokenScheme::Dpop,
        _ => return Err(MALFORMED_HEADER),
    };
    if token.is_empty() { Err(MALFORMED_HEADER) } else { Ok(Some((scheme, token))) }
}

/// The token of `Authorization: Bearer` alone.
///
/// # Errors
/// As [`access_token`].
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, OAuthError> {
    match access_token(headers)? {
        None => Ok(None),
        Some((TokenScheme::Bearer, token)) => Ok(Some(token)),
        Some((TokenScheme::Dpop, _)) => Err(MALFORMED_HEADER),
    }
}

/// Proves that `token` is an access token of this tenant, issued at this origin for `audience`, and still good at `now`
/// (seconds). The key comes from the tenant's ring alone, and the algorithm must fit the key (security case 15).
///
/// # Errors
/// [`OAuthError::TokenInvalid`] with the reason, in words fit for the caller.
pub fn verify_access_token(
    tenant: &Snapshot,
    origin: &Origin,
    token: &str,
    audience: &str,
    now: i64,
) -> Result<AccessTokenClaims, OAuthError> {
    let claims = proven(tenant, token)?;
    judge(claims, &origin.issuer, Some(audience), now)
}

/// The same for any audience: what is said of it is the caller's to judge.
///
/// # Errors
/// As [`verify_access_token`].
pub fn verify_any_access_token(
    tenant: &Snapshot,
    origin: &Origin,
    token: &str,
    now: i64,
) -> Result<AccessTokenClaims, OAuthError> {
    judge(proven(tenant, token)?, &origin.issuer, None, now)
}

fn proven(tenant: &Snapshot, token: &str) -> Result<Claims, OAuthError> {
    let token = Unverified::parse(token).map_err(|_| NOT_OURS)?;
    if !token.header().is_typ("JWT") && !token.header().is_typ("at+jwt") {
        return Err(NOT_OURS);
    }
    let key = token.header().kid.as_deref().and_then(|kid| tenant.keys.verifying(kid)).ok_or(NOT_OURS)?;
    let payload = token.verify(key, &ALGORITHMS).map_err(|_| NOT_OURS)?;
    chancery_jose::read_object(&payload).map_err(|_| NOT_OURS)
}

/// What tenants' keys sign access tokens with; never HS256, which others can make too.
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::RS512, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

const MALFORMED_HEADER: OAuthError =
    OAuthError::TokenInvalid("The Authorization header holds no Bearer token");
const NOT_OURS: OAuthError = OAuthError::TokenInvalid("The access token is not valid here");

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    org_id: Option<String>,
    #[serde(default)]
    cnf: Option<Confirmation>,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    act: Option<Value>,
    #[serde(default)]
    authorization_details: Option<Value>,
    #[serde(default)]
    amr: Option<Value>,
    #[serde(default)]
    password_set_at: Option<i64>,
    // Marks of an ID token, which must never pass for an access token.
    #[serde(default)]
    nonce: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    at_hash: Option<serde::de::IgnoredAny>,
}

/// Bound to anything else, a token is none of ours.
#[derive(Deserialize)]
enum Confirmation {
    #[serde(rename = "jkt")]
    Key(String),
    #[serde(rename = "x5t#S256")]
    Certificate(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn all(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Several(several) => several,
        }
    }

    fn has(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|a| a == audience),
        }
    }
}

fn judge(
    claims: Claims,
    issuer: &str,
    audience: Option<&str>,
    now: i64,
) -> Result<AccessTokenClaims, OAuthError> {
    if claims.iss != issuer || claims.nonce.is_some() || claims.at_hash.is_some() {
        return Err(NOT_OURS);
    }
    if audience.is_some_and(|audience| !claims.aud.has(audience)) {
        return Err(OAuthError::TokenInvalid("The access token is for another audience"));
    }
    if claims.exp <= now {
        return Err(OAuthError::TokenInvalid("The access token has expired"));
    }
    if claims.nbf.is_some_and(|nbf| nbf > now) {
        return Err(OAuthError::TokenInvalid("The access token is not valid yet"));
    }
    let (jkt, x5t) = match claims.cnf {
        Some(Confirmation::Key(jkt)) => (Some(jkt), None),
        Some(Confirmation::Certificate(x5t)) => (None, Some(x5t)),
        None => (None, None),
    };
    let client_id = claims.azp.or(claims.client_id).unwrap_or_default();
    Ok(AccessTokenClaims {
        scope: claims.scope.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        sub: claims.sub,
        client_id,
        exp: claims.exp,
        permissions: claims.permissions,
        organization_id: claims.org_id,
        jkt,
        x5t,
        audiences: claims.aud.all(),
        iat: claims.iat,
        jti: claims.jti,
        act: claims.act,
        authorization_details: claims.authorization_details,
        second_factor: claims.amr.is_some_and(|amr| amr == serde_json::json!(["mfa"])),
        password_set_at: claims.password_set_at,
    })
}

#[cfg(test)]
mod tests {
    use chancery_jose::{SigningKey, Typ, base64url, generate_es256};
    use serde_json::json;

    use super::*;

    fn judged(change: &Value) -> Result<AccessTokenClaims, OAuthError> {
        let mut claims = json!({
            "iss": "https://acme.example/",
            "sub": "auth0|1",
            "aud": ["https://api.example", "https://acme.example/userinfo"],
            "exp": 100,
            "azp": "app",
            "scope": "openid  read:x",
            "permissions": ["read:x"],
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = serde_json::from_value(claims).map_err(|_| NOT_OURS)?;
        judge(claims, "https://acme.example/", Some("https://acme.example/userinfo"), 99)
    }

    #[test]
    fn good() {
        let claims = judged(&json!({})).unwrap();
        assert!(claims.has_scope("openid") && claims.has_scope("read:x") && !claims.has_scope(""));
        assert_eq!((claims.client_id.as_str(), claims.exp), ("app", 100));
        let claims = judged(&json!({ "azp": null, "client_id": "app2" })).unwrap();
        assert_eq!(claims.client_id, "app2");
        assert!(judged(&json!({ "aud": "https://acme.example/userinfo" })).is_ok());
        assert_eq!(judged(&json!({ "cnf": { "jkt": "k" } })).unwrap().jkt.as_deref(), Some("k"));
        let claims = judged(&json!({ "cnf": { "x5t#S256": "x" } })).unwrap();
        assert_eq!(claims.bound(), Bound { jkt: None, x5t: Some("x") });
    }

    #[test]
    fn bad() {
        for change in [
            json!({ "iss": "https://acme.example" }),
            json!({ "aud": "https://acme.example/userinfo/" }),
            json!({ "aud": [] }),
            json!({ "exp": 99 }),
            json!({ "exp": "100" }),
            json!({ "nbf": 100 }),
            json!({ "nonce": "n" }),
            json!({ "at_hash": "h" }),
            json!({ "sub": 1 }),
            json!({ "cnf": {} }),
            json!({ "cnf": { "x5t#S512": "x" } }),
            json!({ "cnf": { "jkt": "k", "x5t#S256": "x" } }),
        ] {
            assert!(matches!(judged(&change), Err(OAuthError::TokenInvalid(_))), "{change}");
        }
    }

    #[test]
    fn headers() {
        let of = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(AUTHORIZATION, line.parse().unwrap());
            }
            bearer_token(&headers).map(|t| t.map(str::to_owned))
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["Bearer abc"]), Ok(Some("abc".to_owned())));
        assert_eq!(of(&["bEARER  abc"]), Ok(Some("abc".to_owned())));
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, "dpop abc".parse().unwrap());
        assert_eq!(access_token(&headers), Ok(Some((TokenScheme::Dpop, "abc"))));
        for bad in [
            &["Basic abc"][..],
            &["DPoP abc"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a", "Bearer b"],
            &["abc"],
        ] {
            assert!(of(bad).is_err(), "{bad:?}");
        }
    }

    /// Security case 15, on a tenant's own keys.
    #[tokio::test]
    async fn only_tokens_of_this_tenant() {
        let test = crate::testing::app(crate::ServerConfig::default()).await;
        let tenant = test.app.catalog.snapshot("acme").await.unwrap();
        let origin = &test.app.catalog.tenant_by_host("acme.example").unwrap().origin;
        let other = &test.app.catalog.tenant_by_host("localhost:4000").unwrap().origin;
        let payload = json!({ "iss": origin.issuer, "sub": "u", "aud": origin.userinfo_audience, "exp": 100, "scope": "openid" });
        let payload = payload.to_string().into_bytes();
        let verify =
            |token: &str, at: &Origin| verify_access_token(&tenant, at, token, &at.userinfo_audience, 50);
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            let key = tenant.keys.current(algorithm).unwrap();
            let token = key.sign(Typ::AtJwt, &payload).unwrap();
            assert!(verify(&token, origin).unwrap().has_scope("openid"), "{algorithm}");
            assert!(verify(&token, other).is_err(), "another origin is another issuer");
            assert!(verify(&key.sign(Typ::LogoutJwt, &payload).unwrap(), origin).is_err());
            let mut changed = token.clone();
            changed.replace_range(
                token.len() - 9..token.len() - 8,
                if token.as_bytes()[token.len() - 9] == b'A' { "B" } else { "A" },
            );
            assert!(verify(&changed, origin).is_err());
        }
        let kid = tenant.keys.current(Algorithm::RS256).unwrap().kid().unwrap().to_owned();
        let public = tenant.keys.current(Algorithm::RS256).unwrap().public_key_der().unwrap();
        let forged = SigningKey::from_secret(Algorithm::HS256, Some(kid.clone()), &public).unwrap();
        assert!(
            verify(&forged.sign(Typ::Jwt, &payload).unwrap(), origin).is_err(),
            "HS256 with the public key"
        );
        let stranger = SigningKey::from_pkcs8(Algorithm::ES256, kid, &generate_es256().unwrap()).unwrap();
        assert!(
            verify(&stranger.sign(Typ::Jwt, &payload).unwrap(), origin).is_err(),
            "another key under our id"
        );
        let none = format!("{}.{}.", base64url(br#"{"alg":"none","typ":"JWT"}"#), base64url(&payload));
        assert!(verify(&none, origin).is_err());
    }
}
