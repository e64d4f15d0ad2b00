//! Documents made ready: keys parsed, digests decoded.

use std::{fmt, ops::Deref, sync::Arc};

use chancery_core::{
    iso::{format_ms, parse_ms},
    model::{Api, CertificateNames, Client, CredentialRef, SigningAlg},
};
use chancery_jose::{
    Algorithm, Certificate, ContentEncryption, DistinguishedName, EncryptionKey, Jwk, KeyManagement,
    SigningKey, Unverified, VerifyingKey, base64url_decode, constant_time_eq,
};

use crate::{Error, KeyRing, Result, Store};

/// An application, ready to authenticate and to be issued ID tokens for.
pub struct PreparedClient {
    /// The document.
    pub client: Client,
    /// SHA-256 of its secret.
    pub secret_digest: Option<[u8; 32]>,
    /// Keys its assertions may be signed with.
    pub assertion_keys: Vec<AssertionKey>,
    /// Keys its requests of `/authorize` may be signed with.
    pub request_keys: Vec<AssertionKey>,
    /// What its certificates must be, where it shows one.
    pub certificates: Vec<KnownCertificate>,
    /// Signs ID tokens with the application's secret where they are HS256; `None` where the tenant's key does.
    pub id_token_signer: Option<Arc<SigningKey>>,
    /// Seconds that its access tokens live at most, whatever the API says; only applications that describe themselves have it.
    pub longest_token: Option<i64>,
}

/// What a certificate of an application must be.
#[derive(Clone, Debug)]
pub struct KnownCertificate {
    kind: CertificateKind,
    /// Seconds; not accepted afterwards.
    expires_at: Option<i64>,
}

#[derive(Clone, Debug)]
enum CertificateKind {
    /// Of an authority that the server trusts, with this subject (`tls_client_auth`).
    Subject(DistinguishedName),
    /// This one: SHA-256, base64url (`self_signed_tls_client_auth`).
    Thumbprint(String),
}

impl KnownCertificate {
    /// Whether a certificate that was shown is this one, at `now` (seconds). `is_trusted` says that an authority answered for it when
    /// it was shown, which may be long ago: connections live on, and certificates end.
    pub fn is(&self, der: &[u8], thumbprint: &str, is_trusted: bool, now: i64) -> bool {
        if self.expires_at.is_some_and(|end| end <= now) {
            return false;
        }
        let Some(certificate) = Certificate::from_der(der) else { return false };
        let is_this = match &self.kind {
            CertificateKind::Subject(subject) => is_trusted && subject.is_of(&certificate),
            CertificateKind::Thumbprint(known) => constant_time_eq(known.as_bytes(), thumbprint.as_bytes()),
        };
        is_this && is_of_now(&certificate, now)
    }
}

/// Whether the certificate has begun, and has not ended (RFC 5280, section 4.1.2.5).
fn is_of_now(certificate: &Certificate, now: i64) -> bool {
    let now = format_ms(now.saturating_mul(1000));
    certificate.not_before <= now && now <= certificate.not_after
}

/// A public key of an application.
#[derive(Clone, Debug)]
pub struct AssertionKey {
    /// `cred_...`.
    pub id: String,
    /// Key id expected in the assertion's header.
    pub kid: Option<String>,
    /// The only algorithm accepted, where one was named.
    pub alg: Option<Algorithm>,
    /// Seconds; not accepted afterwards.
    pub expires_at: Option<i64>,
    /// The key.
    pub key: VerifyingKey,
}

impl PreparedClient {
    /// # Errors
    /// [`Error::Corrupt`] where the secret cannot be opened: the server runs with another master key.
    pub(crate) fn prepare(store: &Store, tenant: &str, client: Client) -> Result<Self> {
        let corrupt = |what: &str| Error::Corrupt(format!("{what} of application {}", client.client_id));
        let secret_digest = match &client.secret {
            Some(secret) => {
                let digest = base64url_decode(&secret.sha256).ok().and_then(|bytes| bytes.try_into().ok());
                Some(digest.ok_or_else(|| corrupt("secret digest"))?)
            }
            None => None,
        };
        let id_token_signer = match &client.secret {
            Some(secret) if client.id_token_alg() == "HS256" => {
                let plain = store.open_client_secret(tenant, &client.client_id, secret)?;
                let key = SigningKey::from_secret(Algorithm::HS256, None, plain.as_bytes());
                Some(Arc::new(key.map_err(|_| corrupt("secret"))?))
            }
            _ => None,
        };
        let methods = client.client_authentication_methods.as_ref();
        let credentials = methods.and_then(|methods| methods.private_key_jwt.as_ref());
        let assertion_keys = credentials
            .iter()
            .flat_map(|keys| &keys.credentials)
            .filter_map(|credential| assertion_key(&client.client_id, credential))
            .chain(own_keys(&client))
            .collect();
        let named =
            client.signed_request_object.iter().flat_map(|signed| signed.credentials.iter().flatten());
        let request_keys = named
            .filter_map(|named| client.credentials.iter().find(|credential| credential.id == named.id))
            .filter_map(|credential| assertion_key(&client.client_id, credential))
            .chain(own_keys(&client))
            .collect();
        let certificates = known_certificates(&client);
        Ok(Self {
            secret_digest,
            assertion_keys,
            request_keys,
            certificates,
            id_token_signer,
            longest_token: None,
            client,
        })
    }

    /// One that describes itself: no secret, and keys only that stand in its description.
    #[must_use]
    pub fn described(client: Client, assertion_keys: Vec<AssertionKey>, longest_token: i64) -> Self {
        Self {
            client,
            secret_digest: None,
            assertion_keys,
            request_keys: Vec::new(),
            certificates: Vec::new(),
            id_token_signer: None,
            longest_token: Some(longest_token),
        }
    }
}

/// Keys that the application registered by value.
fn own_keys(client: &Client) -> Vec<AssertionKey> {
    let jwks = client.openid.as_ref().and_then(|openid| openid.jwks.as_ref());
    jwks.map(AssertionKey::of_set).unwrap_or_default()
}

impl AssertionKey {
    /// The keys of a JWK set that verify signatures, of the first twenty. The others are left out: a set may hold keys for other
    /// purposes.
    pub fn of_set(set: &serde_json::Value) -> Vec<Self> {
        let all = set.get("keys").and_then(|keys| keys.as_array()).into_iter().flatten().take(MOST_KEYS);
        let read = all.filter_map(|key| {
            let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
            let key = VerifyingKey::from_jwk(&jwk).ok()?;
            // A name that is unknown here is an algorithm that is not accepted.
            let alg = jwk.alg.as_deref().map(str::parse).transpose().ok()?;
            Some(Self { id: String::new(), kid: jwk.kid, alg, expires_at: None, key })
        });
        read.collect()
    }

    /// What the key proves of a token: its payload, where the token names the key or none, the key has not ended at `now`
    /// (seconds), and the algorithm is one of `allowed` and the one that was named for the key.
    pub fn prove(&self, token: &Unverified<'_>, allowed: &[Algorithm], now: i64) -> Option<Vec<u8>> {
        let kid = token.header().kid.as_deref();
        let is_meant = kid.is_none() || self.kid.is_none() || self.kid.as_deref() == kid;
        if !is_meant || self.expires_at.is_some_and(|end| end <= now) {
            return None;
        }
        match self.alg {
            Some(alg) if allowed.contains(&alg) => token.verify(&self.key, &[alg]).ok(),
            Some(_) => None,
            None => token.verify(&self.key, allowed).ok(),
        }
    }
}

impl Deref for PreparedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Shows which it is.
impl fmt::Debug for PreparedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedClient").field("client_id", &self.client.client_id).finish_non_exhaustive()
    }
}

/// Keys of a set that are looked at.
const MOST_KEYS: usize = 20;

/// One bad credential must not take the application or the tenant down: it is left out, and the log says so.
fn known_certificates(client: &Client) -> Vec<KnownCertificate> {
    let Some(methods) = &client.client_authentication_methods else { return Vec::new() };
    let named = |list: &Option<CertificateNames>| -> Vec<&CredentialRef> {
        let names = list.iter().flat_map(|names| &names.credentials);
        names.filter_map(|name| client.credentials.iter().find(|known| known.id == name.id)).collect()
    };
    let of_authorities = named(&methods.tls_client_auth).into_iter().map(|credential| {
        let subject = credential.subject_dn.as_deref().and_then(DistinguishedName::parse);
        (credential, subject.map(CertificateKind::Subject))
    });
    let own = named(&methods.self_signed_tls_client_auth).into_iter().map(|credential| {
        (credential, credential.thumbprint_sha256.clone().map(CertificateKind::Thumbprint))
    });
    let known = of_authorities.chain(own).filter_map(|(credential, kind)| match kind {
        Some(kind) => Some(KnownCertificate { kind, expires_at: end_of(credential) }),
        None => {
            let id = &credential.id;
            tracing::error!(client_id = client.client_id, "credential {id} is left out: no certificate");
            None
        }
    });
    known.collect()
}

/// An end that cannot be read has passed.
fn end_of(credential: &CredentialRef) -> Option<i64> {
    credential.expires_at.as_deref().map(|at| parse_ms(at).unwrap_or(0).div_euclid(1000))
}

/// One bad credential must not take the application or the tenant down: it is left out, and the log says so.
fn assertion_key(client_id: &str, credential: &CredentialRef) -> Option<AssertionKey> {
    let alg = credential.alg.as_deref().map(str::parse).transpose();
    let key = credential.pem.as_deref().map(VerifyingKey::from_pem);
    let (Ok(alg), Some(Ok(key))) = (alg, key) else {
        tracing::error!(
            client_id,
            credential = credential.id,
            "credential {} is left out: unfit key",
            credential.id
        );
        return None;
    };
    Some(AssertionKey {
        id: credential.id.clone(),
        kid: credential.kid.clone(),
        alg,
        expires_at: end_of(credential),
        key,
    })
}

/// An API with the key that signs its access tokens.
pub struct PreparedApi {
    /// The document.
    pub api: Arc<Api>,
    /// The tenant's key with the API's algorithm, or the API's own secret.
    pub signer: Arc<SigningKey>,
    /// What its access tokens are encrypted for, where they are.
    pub encryption: Option<EncryptionKey>,
}

impl PreparedApi {
    /// `None`, and a line in the log, where there is no key: such an API cannot issue tokens, the others can.
    pub(crate) fn prepare(store: &Store, tenant: &str, api: Arc<Api>, keys: &KeyRing) -> Option<Self> {
        let signer = match (algorithm(api.signing_alg), &api.sealed_signing_secret) {
            (Algorithm::HS256, Some(sealed)) => {
                let plain = store.open_api_secret(tenant, &api.id, sealed).ok();
                let key =
                    plain.and_then(|p| SigningKey::from_secret(Algorithm::HS256, None, p.as_bytes()).ok());
                key.map(Arc::new)
            }
            (Algorithm::HS256, None) => None,
            (algorithm, _) => keys.current(algorithm).cloned(),
        };
        let Some(signer) = signer else {
            tracing::error!(api = api.id, "API {} is left out: no key for {:?}", api.id, api.signing_alg);
            return None;
        };
        let encryption = match encryption(&api) {
            Ok(encryption) => encryption,
            // What is meant to be read by the API alone is not sent in the open instead.
            Err(error) => {
                tracing::error!(api = api.id, "API {} is left out: its encryption key: {error}", api.id);
                return None;
            }
        };
        Some(Self { api, signer, encryption })
    }
}

impl Deref for PreparedApi {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

/// Shows which it is.
impl fmt::Debug for PreparedApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedApi").field("identifier", &self.api.identifier).finish_non_exhaustive()
    }
}

/// The key that access tokens of an API are encrypted for, with A256GCM (fact sheet 1.6); `None` where they are not.
///
/// # Errors
/// Where it is no key that its algorithm can use.
pub fn encryption(api: &Api) -> std::result::Result<Option<EncryptionKey>, chancery_jose::Error> {
    let Some(key) = api.token_encryption.as_ref().and_then(|encryption| encryption.get("encryption_key"))
    else {
        return Ok(None);
    };
    let text = |name: &str| key.get(name).and_then(serde_json::Value::as_str);
    let alg: KeyManagement = text("alg").unwrap_or_default().parse()?;
    let with = (alg, ContentEncryption::A256Gcm);
    EncryptionKey::from_pem(with, text("pem").unwrap_or_default(), text("kid")).map(Some)
}

fn algorithm(alg: SigningAlg) -> Algorithm {
    match alg {
        SigningAlg::HS256 => Algorithm::HS256,
        SigningAlg::RS256 => Algorithm::RS256,
        SigningAlg::RS512 => Algorithm::RS512,
        SigningAlg::PS256 => Algorithm::PS256,
        SigningAlg::ES256 => Algorithm::ES256,
        SigningAlg::EdDSA => Algorithm::EdDSA,
    }
}
