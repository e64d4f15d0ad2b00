//! Proofs of possession in requests (RFC 9449): whose key it is, and that each proof is good once, on all nodes.

use chancery_core::oauth::{OAuthError, PROOF_SKEW, Proof, ProofFor, ProofNonce, is_fresh_nonce, nonce};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::bearer::{Bound, TokenScheme};
use crate::{Ctx, Failure};

/// The header of a proof.
pub const DPOP: HeaderName = HeaderName::from_static("dpop");
/// The header of a nonce for the next one.
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A request, as far as a proof speaks of it.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path.
    pub path: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

impl Ctx {
    /// The thumbprint of the key that the sender of a request showed to hold, `None` where the request has no proof. With
    /// `needs_nonce` a proof must have a nonce of ours.
    ///
    /// # Errors
    /// [`OAuthError::Proof`] or [`OAuthError::NonceNeeded`], with a nonce, where the proof does not hold.
    pub async fn shown_key(&self, sent: &Sent<'_>, needs_nonce: bool) -> Result<Option<String>, Failure> {
        let Some(proof) = self.proof(sent, None)? else { return Ok(None) };
        match proof.nonce {
            ProofNonce::Fresh => {}
            ProofNonce::Absent if !needs_nonce => {}
            ProofNonce::Absent | ProofNonce::Stale => return Err(self.nonce_needed()),
        }
        self.spend(&proof).await?;
        Ok(Some(proof.jkt))
    }

    /// Whether an access token came as what it is bound to demands: with its scheme and with a proof of the key for this
    /// request, or with the certificate.
    ///
    /// # Errors
    /// [`OAuthError::TokenInvalid`] where the scheme is not that of the token; what [`Ctx::shown_key`] says of the proof.
    pub async fn check_possession(
        &self,
        sent: &Sent<'_>,
        (scheme, token): (TokenScheme, &str),
        bound: Bound<'_>,
    ) -> Result<(), Failure> {
        if let Some(x5t) = bound.x5t {
            let shown = self.certificate.as_ref().is_some_and(|certificate| certificate.thumbprint == x5t);
            return match (scheme, shown) {
                (TokenScheme::Bearer, true) => Ok(()),
                _ => Err(OAuthError::TokenInvalid(
                    "The access token is bound to a client certificate: show it, and send the token with Bearer",
                )
                .into()),
            };
        }
        let jkt = match (scheme, bound.jkt) {
            (TokenScheme::Bearer, None) => return Ok(()),
            (TokenScheme::Bearer, Some(_)) => {
                return Err(OAuthError::TokenInvalid(
                    "The access token is bound to a key: send it with DPoP",
                )
                .into());
            }
            (TokenScheme::Dpop, None) => {
                return Err(OAuthError::TokenInvalid("The access token is bound to no key").into());
            }
            (TokenScheme::Dpop, Some(jkt)) => jkt,
        };
        let proof = self.proof(sent, Some(token))?;
        let proof = proof.ok_or(OAuthError::Proof("A DPoP proof is missing"))?;
        if proof.jkt != jkt {
            return Err(OAuthError::Proof("The DPoP proof is of another key than the access token").into());
        }
        self.spend(&proof).await
    }

    /// A nonce for proofs, for a header.
    pub fn dpop_nonce(&self) -> HeaderValue {
        let text = nonce(self.now(), &|time| self.nonce_tag(time));
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }

    fn proof(&self, sent: &Sent<'_>, access_token: Option<&str>) -> Result<Option<Proof>, Failure> {
        let mut lines = sent.headers.get_all(DPOP).iter();
        let Some(line) = lines.next() else { return Ok(None) };
        if lines.next().is_some() {
            return Err(OAuthError::Proof("More than one DPoP proof was sent").into());
        }
        let text = line.to_str().map_err(|_| OAuthError::Proof("The DPoP proof is not a JWT"))?;
        let is_fresh = |sent: &str| is_fresh_nonce(sent, self.now(), &|time| self.nonce_tag(time));
        let check = |base: &str| {
            let url = format!("{base}{}", sent.path);
            let expected =
                ProofFor { method: sent.method.as_str(), url: &url, access_token, now: self.now() };
            Proof::check(text, &expected, is_fresh)
        };
        let alias = self.origin.certificate_base.as_deref().filter(|_| self.certificate.is_some());
        let checked = check(&self.origin.base);
        match alias.filter(|_| checked.is_err()).map_or(checked, check) {
            Ok(proof) => Ok(Some(proof)),
            Err(OAuthError::NonceNeeded) => Err(self.nonce_needed()),
            Err(other) => Err(other.into()),
        }
    }

    /// Last of all, so that only what holds is remembered, and remembered longer than any node accepts it.
    async fn spend(&self, proof: &Proof) -> Result<(), Failure> {
        let until = proof.ends_at.saturating_add(2 * PROOF_SKEW);
        match self.app.store.remember_proof(&self.tenant.tenant, &proof.jkt, &proof.jti, until).await {
            Ok(()) => Ok(()),
            Err(chancery_store::Error::Conflict) => {
                Err(OAuthError::Proof("The DPoP proof was used before").into())
            }
            Err(other) => Err(other.into()),
        }
    }

    fn nonce_needed(&self) -> Failure {
        Failure { nonce: Some(Box::new(self.dpop_nonce())), ..Failure::new(OAuthError::NonceNeeded) }
    }

    fn nonce_tag(&self, time: &[u8]) -> [u8; 32] {
        self.app.store.vault().tag(&format!("dpop nonce/{}", self.tenant.tenant), time)
    }
}
