//! Signing in with a passkey: the credential itself says whose it is, and nobody is asked for a name first (security case 14).

use std::net::IpAddr;

use chancery_core::model::{Client, Connection, User};
use chancery_core::records::LogEvent;
use chancery_core::webauthn::{Assertion, Challenge, PASSKEY, Refused, Request, Verification, method_id};
use chancery_db::Batch;
use serde_json::Value;

use crate::second_factors::Method;
use crate::security_keys::{Terms, after, host, verify};
use crate::{Ctx, Failure, Rate};

/// What came of a passkey.
#[derive(Debug)]
pub enum PasskeyCheck {
    /// It is this user's. Whether the user is blocked is for the caller to look at.
    Good(Box<PasskeyHolder>),
    /// It does not hold, or is nobody's here.
    Wrong,
    /// Tried too often.
    TooMany,
}

/// Who showed a passkey.
#[derive(Debug)]
pub struct PasskeyHolder {
    /// The user.
    pub user: User,
    /// To be committed with what it allows; fails with [`Guard`](chancery_store::Error::Guard) where it was used meanwhile.
    pub proof: Batch,
    /// It is on another machine than the browser.
    pub is_roaming: bool,
}

/// Tries from one address: each costs a signature to check.
const TRIES: Rate = Rate { name: "passkey", burst: 30, every: 10 };

impl Ctx {
    /// What the browser is to ask its authenticators for: any passkey for this host. Says nothing of who there is.
    pub fn passkey_request(&self, challenge: &Challenge) -> Value {
        let verification = Verification::Required;
        Request { challenge: &challenge.value, relying_party: host(self), allow: &[], verification }.to_json()
    }

    /// Checks what an authenticator signed, as the browser wrote it, for users of this connection. `client`: the application
    /// that asked the authenticator itself.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn check_passkey(
        &self,
        connection: &Connection,
        typed: &str,
        challenge: &Challenge,
        client: Option<&Client>,
    ) -> Result<PasskeyCheck, Failure> {
        let address: IpAddr = self.ip;
        if self.app.rates.take(TRIES, address, self.tenant.tenant.as_str(), self.now()).is_err() {
            return Ok(PasskeyCheck::TooMany);
        }
        let assertion = match Assertion::parse(typed) {
            Ok(assertion) => assertion,
            Err(refused) => return Ok(self.refused_passkey(refused, None)),
        };
        let id = method_id(PASSKEY, &assertion.id);
        let (store, tenant) = (&self.app.store, &self.tenant.tenant);
        let Some((user_id, doc)) = store.authentication_method(tenant, &id).await? else {
            return Ok(self.refused_passkey(Refused::Key, None));
        };
        let value: Value = serde_json::from_str(&doc).map_err(Failure::server)?;
        let key = Method { doc, value };
        let user = store.user(tenant, &user_id).await?;
        let is_of = |user: &User| user.identities.iter().any(|of| of.connection == connection.name);
        let Some(user) = user.filter(is_of) else {
            return Ok(self.refused_passkey(Refused::Key, None));
        };
        // Whoever names no user must name the account (WebAuthn, section 7.2, step 6).
        let named = assertion.user_handle.is_some();
        let shown = match named {
            true => verify(self, &key, &assertion, &Terms { challenge, verified: true, client }),
            false => Err(Refused::UserHandle),
        };
        Ok(match shown {
            Err(refused) => self.refused_passkey(refused, Some(&user)),
            Ok(shown) => {
                let after = after(self, &key, shown).to_string();
                let proof = store.update_authentication_method(tenant, &user_id, &id, &key.doc, &after);
                PasskeyCheck::Good(Box::new(PasskeyHolder { user, proof, is_roaming: assertion.is_roaming }))
            }
        })
    }

    fn refused_passkey(&self, refused: Refused, user: Option<&User>) -> PasskeyCheck {
        self.log(LogEvent {
            kind: "f".to_owned(),
            description: Some(format!("Passkey refused: {refused}")),
            user_id: user.map(|user| user.user_id.clone()),
            user_name: user.and_then(|user| user.email.clone()),
            ..LogEvent::default()
        });
        PasskeyCheck::Wrong
    }
}
