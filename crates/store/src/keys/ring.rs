//! The keys of a tenant, ready to sign and to verify.

use std::{collections::HashMap, fmt, sync::Arc};

use chancery_jose::{Algorithm, JwkSet, SigningKey, VerifyingKey};

use super::{Family, KeyState, SigningKeyDoc, context, material::algorithm};
use crate::{Error, Result, Vault, error::print};

/// Every key that is not revoked: the current ones parsed for signing, all of them for verifying.
pub struct KeyRing {
    current: HashMap<Algorithm, Arc<SigningKey>>,
    verifying: HashMap<String, VerifyingKey>,
    jwks: Arc<str>,
    jwks_without_alg: Arc<str>,
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

    /// The answer of `/.well-known/jwks.json`: current, next and previous keys, RSA first.
    #[must_use]
    pub fn jwks(&self, with_alg: bool) -> &Arc<str> {
        if with_alg { &self.jwks } else { &self.jwks_without_alg }
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
            verifying.insert(key.kid.clone(), VerifyingKey::from_jwk(&jwk).map_err(unfit)?);
            let (KeyState::Current, Some(sealed)) = (key.state, &key.sealed) else { continue };
            let pkcs8 = vault.open(&context(tenant, &key.kid), sealed)?;
            let first = algorithm(key.family);
            let signing = SigningKey::from_pkcs8(first, key.kid.as_str(), &pkcs8).map_err(unfit)?;
            for also in further(key.family) {
                current.insert(*also, Arc::new(signing.with_algorithm(*also).map_err(unfit)?));
            }
            current.insert(first, Arc::new(signing));
        }
        let set = JwkSet { keys: keys.iter().map(|key| key.jwk.clone()).collect() };
        let jwks = print("key set", &set)?.into();
        let bare = set.keys.into_iter().map(|jwk| chancery_jose::Jwk { alg: None, ..jwk });
        let jwks_without_alg = print("key set", &JwkSet { keys: bare.collect() })?.into();
        let certificates =
            keys.iter().filter_map(|key| Some((key.kid.clone(), key.certificate()?.to_owned())));
        Ok(Self { current, verifying, jwks, jwks_without_alg, certificates: certificates.collect() })
    }
}

/// Shows key ids alone.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.verifying.keys()).finish()
    }
}

/// What a family signs with beside its first algorithm.
fn further(family: Family) -> &'static [Algorithm] {
    match family {
        Family::Rsa => &[Algorithm::RS512, Algorithm::PS256],
        Family::Ec | Family::Okp => &[],
    }
}
