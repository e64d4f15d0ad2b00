//! ID tokens of ours that come back as hints. Expired ones are good enough: they name somebody, they prove nothing
//! (OpenID Connect RP-Initiated Logout section 2).

use chancery_jose::{Algorithm, Unverified};
use chancery_web::Ctx;
use serde::Deserialize;

/// What a hint names.
pub(crate) struct Hint {
    pub(crate) subject: String,
    pub(crate) client_id: String,
    pub(crate) session_id: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    sid: Option<String>,
}

const BY_TENANT_KEY: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::RS512, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// Verifies a hint with the tenant's keys, or, for HS256, with the secret of the application it was issued to. The key
/// decides which algorithms it can verify, so a public key is never taken for a secret (security case 15).
pub(crate) fn verify(ctx: &Ctx, token: &str) -> Option<Hint> {
    let unverified = Unverified::parse(token).ok()?;
    if !unverified.header().is_typ("JWT") {
        return None;
    }
    let payload = match unverified.header().kid.as_deref() {
        Some(kid) => unverified.verify(ctx.tenant.keys.verifying(kid)?, &BY_TENANT_KEY).ok()?,
        None => {
            let unproven: Claims = serde_json::from_slice(&unverified.payload_unverified().ok()?).ok()?;
            let signer = ctx.tenant.client(&unproven.aud)?.id_token_signer.clone()?;
            unverified.verify(&signer.verifying_key(), &[Algorithm::HS256]).ok()?
        }
    };
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    (claims.iss == ctx.origin.issuer).then_some(Hint {
        subject: claims.sub,
        client_id: claims.aud,
        session_id: claims.sid,
    })
}
