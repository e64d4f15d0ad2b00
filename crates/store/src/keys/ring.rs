//! The keys of a tenant, ready to sign and to verify.

use std::{collections::HashMap, fmt, sync::Arc};

use chancery_jose::{Algorithm, Jwk, JwkSet, SigningKey, VerifyingKey};

use super::{Family, KeyState, SigningKeyDoc, context, material::algorithm};
use crate::{Error, Result, Vault, error::print};

/// Every key that is not revoked: the current ones parsed for signing, all of them for verifying.
pub struct KeyRing {
    current: HashMap<Algorithm, Arc<SigningKey>>,
    verifying: HashMap<String, VerifyingKey>,
    public: Vec<Jwk>,
    certificates: Vec<(String, String)>,
}

impl KeyRing {
    /// The key that signs with this algorithm; `None` for HS256 and what tenants have no keys for.
    #[must_use]
    pub fn current(&self, algorithm: Algorithm) -> Option<&Arc<SigningKey>> {
        self.current.get(&algorithm)
    }

    /// The key with this id, unless it was revoked.
    #[must_use]
    pub fn verifying(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid)
    }

    /// The answer of `/.well-known/jwks.json`: current, next and previous keys, RSA first, as far as they are `published`, and behind them
    /// what is for requests.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where it cannot be written.
    pub fn jwks(&self, published: Published, for_requests: &[Jwk]) -> Result<String> {
        let further = published.further().flat_map(|algorithm| {
            let keys = self.public.iter().filter(|jwk| jwk.kty == "RSA");
            keys.map(move |jwk| Jwk {
                kid: jwk.kid.as_deref().map(|kid| kid_for(kid, algorithm)),
                alg: Some(algorithm.to_string()),
                ..jwk.clone()
            })
        });
        let used = self.public.iter().filter(|jwk| published.has(&jwk.kty)).cloned();
        let mut keys: Vec<Jwk> = used.chain(further).collect();
        if !published.alg {
            keys.iter_mut().for_each(|jwk| jwk.alg = None);
        }
        // Last: whoever looks at the first key alone finds one that signs.
        keys.extend_from_slice(for_requests);
        print("key set", &JwkSet { keys })
    }

    /// Key id and base64 DER of every certificate, in the order of the key set.
    pub fn certificates(&self) -> impl Iterator<Item = (&str, &str)> {
        self.certificates.iter().map(|(kid, der)| (kid.as_str(), der.as_str()))
    }

    /// Opens what signs and parses what verifies.
    pub(crate) fn read(vault: &Vault, tenant: &str, mut keys: Vec<SigningKeyDoc>) -> Result<Self> {
        keys.retain(|key| key.state != KeyState::Revoked);
        // A client that reads the first key alone should find the one that signs.
        keys.sort_by_key(|key| (key.family, key.state, std::cmp::Reverse(key.created_at)));
        let mut current = HashMap::new();
        let mut verifying = HashMap::new();
        for key in &keys {
            let unfit =
                |error: chancery_jose::Error| Error::Corrupt(format!("signing key {}: {error}", key.kid));
            // Without `alg`, since one RSA key verifies three.
            let jwk = chancery_jose::Jwk { alg: None, ..key.jwk.clone() };
            let verifies = VerifyingKey::from_jwk(&jwk).map_err(unfit)?;
            for also in further(key.family) {
                let kid = kid_for(&key.kid, *also);
                let named = verifies.with_kid(&kid);
                verifying.insert(kid, named);
            }
            verifying.insert(key.kid.clone(), verifies);
            let (KeyState::Current, Some(sealed)) = (key.state, &key.sealed) else { continue };
            let pkcs8 = vault.open(&context(tenant, &key.kid), sealed)?;
            let first = algorithm(key.family);
            let signing = SigningKey::from_pkcs8(first, key.kid.as_str(), &pkcs8).map_err(unfit)?;
            for also in further(key.family) {
                let other = signing.with_algorithm(*also).map_err(unfit)?;
                current.insert(*also, Arc::new(other.with_kid(&kid_for(&key.kid, *also))));
            }
            current.insert(first, Arc::new(signing));
        }
        let public = keys.iter().map(|key| key.jwk.clone()).collect();
        let certificates =
            keys.iter().filter_map(|key| Some((key.kid.clone(), key.certificate()?.to_owned())));
        Ok(Self { current, verifying, public, certificates: certificates.collect() })
    }
}

/// Shows key ids alone.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.verifying.keys()).finish()
    }
}

/// What the key set shows besides the keys of RS256: what somebody needs, and nothing else, since there are readers who take
/// every key for one of those (`auth0-python` reads no token at all where the set has a key that is not RSA).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Keys say what they are for.
    pub alg: bool,
    /// Something is signed with PS256.
    pub ps256: bool,
    /// Something is signed with RS512.
    pub rs512: bool,
    /// Something is signed with ES256.
    pub es256: bool,
    /// Something is signed with EdDSA.
    pub eddsa: bool,
}

impl Published {
    /// Whether keys of this kind (`kty`) are shown.
    fn has(self, kty: &str) -> bool {
        match kty {
            "EC" => self.es256,
            "OKP" => self.eddsa,
            _ => true,
        }
    }

    fn further(self) -> impl Iterator<Item = Algorithm> {
        let all = [(self.ps256, Algorithm::PS256), (self.rs512, Algorithm::RS512)];
        all.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, algorithm)| algorithm)
    }
}

/// The name of an RSA key where it signs with another algorithm than RS256: a reader that holds a key to its `alg` (RFC 7517,
/// section 4.4) finds one of its own there.
fn kid_for(kid: &str, algorithm: Algorithm) -> String {
    format!("{kid}-{}", algorithm.as_str())
}

/// What a family signs with beside its first algorithm.
fn further(family: Family) -> &'static [Algorithm] {
    match family {
        Family::Rsa => &[Algorithm::RS512, Algorithm::PS256],
        Family::Ec | Family::Okp => &[],
    }
}
