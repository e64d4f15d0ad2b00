//! Access tokens that were proven good a moment ago. A program calls the Management API many times with one token, and a
//! signature over some kilobytes of scopes costs more than most of what is asked with it.

use std::collections::HashMap;
use std::sync::{Arc, RwLock, Weak};

use chancery_core::oauth::OAuthError;
use chancery_jose::sha256;
use chancery_store::{KeyRing, Origin, Snapshot};

use crate::{AccessTokenClaims, verify_access_token};

/// Remembered tokens, by their digest: what was proven is kept, not the token.
#[derive(Debug, Default)]
pub struct VerifiedTokens(RwLock<HashMap<[u8; 32], Arc<Verified>>>);

/// A proof is good for the same question alone: tenant, audience, keys, and a time within that of the token.
#[derive(Debug)]
struct Verified {
    tenant: String,
    audience: String,
    /// Whenever the tenant's keys change, by a revocation too, the proof is void. It keeps no key in memory.
    keys: Weak<KeyRing>,
    since: i64,
    claims: Arc<AccessTokenClaims>,
}

impl VerifiedTokens {
    /// As [`verify_access_token`], from memory where it said so before.
    ///
    /// # Errors
    /// As [`verify_access_token`]; what is refused is not remembered.
    pub fn claims(
        &self,
        (tenant, origin): (&Snapshot, &Origin),
        token: &str,
        audience: &str,
        now: i64,
    ) -> Result<Arc<AccessTokenClaims>, OAuthError> {
        let digest = sha256(token.as_bytes());
        let known = self.0.read().ok().and_then(|known| known.get(&digest).cloned());
        if let Some(known) = known.filter(|known| known.holds(tenant, audience, now)) {
            return Ok(Arc::clone(&known.claims));
        }
        let claims = Arc::new(verify_access_token(tenant, origin, token, audience, now)?);
        let verified = Verified {
            tenant: tenant.tenant.clone(),
            audience: audience.to_owned(),
            keys: Arc::downgrade(&tenant.keys),
            since: now,
            claims: Arc::clone(&claims),
        };
        if let Ok(mut known) = self.0.write() {
            if known.len() >= MOST {
                known.retain(|_, one| one.claims.exp > now && one.keys.strong_count() > 0);
            }
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(digest, Arc::new(verified));
        }
        Ok(claims)
    }
}

impl Verified {
    fn holds(&self, tenant: &Snapshot, audience: &str, now: i64) -> bool {
        self.tenant == tenant.tenant
            && self.audience == audience
            && std::ptr::eq(self.keys.as_ptr(), Arc::as_ptr(&tenant.keys))
            && (self.since..self.claims.exp).contains(&now)
    }
}

/// A token with every scope of the Management API takes some twenty kilobytes here.
const MOST: usize = 256;
