//! New key pairs, before they are stored.

use std::fmt;

use chancery_core::{Rng, ids};
use chancery_jose::{
    Algorithm, SigningKey, generate_ed25519, generate_es256, generate_rsa, self_signed_certificate,
};
use zeroize::Zeroizing;

use super::{Family, KeyState, SigningKeyDoc, context};
use crate::{Error, Result, Vault};

/// One new key pair of each family.
pub struct KeyMaterial {
    keys: [Pair; 3],
    serial: [u8; 16],
}

struct Pair {
    family: Family,
    kid: String,
    pkcs8: Zeroizing<Vec<u8>>,
}

/// Seconds a certificate is good for. Nobody judges it; some tools refuse one that has ended.
const TEN_YEARS: i64 = 10 * 365 * 86_400;

impl KeyMaterial {
    /// Makes the key pairs. The RSA one takes from 50 ms to a second of CPU: not on a thread that serves.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the cryptographic library fails.
    pub fn generate(rng: &dyn Rng) -> Result<Self> {
        let failed = |_| Error::corrupt("key generation failed");
        let pair = |family, pkcs8| Pair { family, kid: ids::url_safe(rng, 21), pkcs8 };
        let keys = [
            pair(Family::Rsa, generate_rsa(2048).map_err(failed)?),
            pair(Family::Ec, generate_es256().map_err(failed)?),
            pair(Family::Okp, generate_ed25519().map_err(failed)?),
        ];
        let mut serial = [0; 16];
        rng.fill(&mut serial);
        Ok(Self { keys, serial })
    }

    /// The stored form of its key of one family; `now` is in seconds.
    pub(super) fn document(
        &self,
        owner: Owner<'_>,
        family: Family,
        state: KeyState,
        now: i64,
    ) -> Result<SigningKeyDoc> {
        let pair = self.keys.iter().find(|pair| pair.family == family);
        let Pair { kid, pkcs8, .. } = pair.ok_or_else(|| Error::corrupt("key material without a family"))?;
        let unfit = |error: chancery_jose::Error| Error::Corrupt(format!("new key {kid}: {error}"));
        let key = SigningKey::from_pkcs8(algorithm(family), kid.as_str(), pkcs8).map_err(unfit)?;
        let mut jwk = key.public_jwk().ok_or_else(|| Error::corrupt("a key pair without a public key"))?;
        if family == Family::Rsa {
            let ends = now.saturating_add(TEN_YEARS);
            let certificate = self_signed_certificate(&key, owner.common_name, now, ends, &self.serial);
            jwk = jwk.with_certificate(&certificate.map_err(unfit)?);
        }
        Ok(SigningKeyDoc {
            kid: kid.clone(),
            family,
            state,
            jwk,
            sealed: Some(owner.vault.seal(&context(owner.tenant, kid), pkcs8)?),
            created_at: now,
            current_since: (state == KeyState::Current).then_some(now),
            rotated_at: None,
            revoked_at: None,
        })
    }
}

/// Shows the key ids.
impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|pair| &pair.kid)).finish()
    }
}

/// Whose keys they become.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) vault: &'a Vault,
    pub(super) tenant: &'a str,
    pub(super) common_name: &'a str,
}

/// The algorithm a family is published under.
pub(super) fn algorithm(family: Family) -> Algorithm {
    match family {
        Family::Rsa => Algorithm::RS256,
        Family::Ec => Algorithm::ES256,
        Family::Okp => Algorithm::EdDSA,
    }
}
