//! ID tokens of ours that come back: as hints, which may be expired, since they name somebody and prove nothing (OpenID
//! Connect RP-Initiated Logout section 2), and as proof of an account that is to be linked, which may not.

use chancery_jose::{Algorithm, Unverified, read_object};
use serde::Deserialize;

use crate::Ctx;

/// What an ID token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenClaims {
    /// Id of the user: `sub`.
    pub subject: String,
    /// The application it was issued to: `aud`.
    pub client_id: String,
    /// The session: `sid`.
    pub session_id: Option<String>,
    /// Its end, seconds: `exp`.
    pub expires_at: i64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    sid: Option<String>,
}

const BY_TENANT_KEY: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::RS512, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// Verifies an ID token, expired or not, with the tenant's keys, or, for HS256, with the secret of the application it was issued to. The key
/// decides which algorithms it can verify, so a public key is never taken for a secret (security case 15).
pub fn verify_id_token(ctx: &Ctx, token: &str) -> Option<IdTokenClaims> {
    let unverified = Unverified::parse(token).ok()?;
    if !unverified.header().is_typ("JWT") {
        return None;
    }
    let payload = match unverified.header().kid.as_deref() {
        Some(kid) => unverified.verify(ctx.tenant.keys.verifying(kid)?, &BY_TENANT_KEY).ok()?,
        None => {
            let unproven: Claims = read_object(&unverified.payload_unverified().ok()?).ok()?;
            let signer = ctx.tenant.client(&unproven.aud)?.id_token_signer.clone()?;
            unverified.verify(&signer.verifying_key(), &[Algorithm::HS256]).ok()?
        }
    };
    let claims: Claims = read_object(&payload).ok()?;
    (claims.iss == ctx.origin.issuer).then_some(IdTokenClaims {
        subject: claims.sub,
        client_id: claims.aud,
        session_id: claims.sid,
        expires_at: claims.exp,
    })
}
