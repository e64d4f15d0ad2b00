//! Applications of a seed: their ids and secrets.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chancery_core::{Rng, ids};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::master_key::MasterKey;

/// What an application proves itself with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// 32 alphanumerics.
    pub client_id: String,
    /// 64 URL-safe characters; `None` for public applications.
    pub client_secret: Option<SecretString>,
}

/// The applications of a seed; `fresh` has the last one alone.
#[derive(Clone, Debug)]
pub struct DemoClients {
    /// Public, in the browser.
    pub spa: Credentials,
    /// Confidential, on a server.
    pub web: Credentials,
    /// Without a user.
    pub m2m: Credentials,
    /// May do everything through the Management API.
    pub management: Credentials,
}

impl DemoClients {
    /// The management application and no demo ones: for `fresh`.
    pub(crate) fn only(management: Credentials) -> Self {
        Self { management, ..Self::none() }
    }

    /// Where nothing of a seed is made.
    pub(crate) fn none() -> Self {
        let none = Credentials { client_id: String::new(), client_secret: None };
        Self { spa: none.clone(), web: none.clone(), m2m: none.clone(), management: none }
    }
}

/// The applications of dev mode. Ids are the same everywhere; secrets follow from the master key, so that each data folder
/// has its own and a reset or a restart changes none.
pub fn demo_clients(master_key: &MasterKey) -> DemoClients {
    let key = hmac::Key::new(hmac::HMAC_SHA512, master_key.as_ref());
    let confidential = |client_id: &str| {
        let tag = hmac::sign(&key, format!("chancery demo client secret {client_id}").as_bytes());
        let text = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref()));
        Credentials { client_id: client_id.to_owned(), client_secret: Some(text[..64].to_owned().into()) }
    };
    DemoClients {
        spa: Credentials { client_id: SPA_ID.to_owned(), client_secret: None },
        web: confidential(WEB_ID),
        m2m: confidential(M2M_ID),
        management: confidential(MANAGEMENT_ID),
    }
}

/// A management application with an id and a secret that nobody has seen before.
pub(crate) fn random_management(rng: &dyn Rng) -> Credentials {
    Credentials { client_id: ids::client_id(rng), client_secret: Some(ids::client_secret(rng).into()) }
}

const SPA_ID: &str = "DemoSpa6QvYt2mKx9RfLz4NcPw8BsJdH";
const WEB_ID: &str = "DemoWebT5hGn3jXq7UyVb9KrMa2WcEoZ";
const M2M_ID: &str = "DemoM2mB8pLs4dQw6FgJk3NzXv7RyTiC";
const MANAGEMENT_ID: &str = "ManagementHx7Zq3Tn5Vd9Lw2Rk8Yb4J";

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn shapes_and_steadiness() {
        let (one, other) = (MasterKey::new([1; 32]), MasterKey::new([2; 32]));
        let clients = demo_clients(&one);
        let secret = |c: &Credentials| c.client_secret.as_ref().unwrap().expose_secret().to_owned();
        for client in [&clients.spa, &clients.web, &clients.m2m, &clients.management] {
            assert_eq!(client.client_id.len(), 32, "{}", client.client_id);
            assert!(client.client_id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert!(clients.spa.client_secret.is_none());
        assert_eq!(secret(&clients.web).len(), 64);
        assert_ne!(secret(&clients.web), secret(&clients.m2m));
        assert_eq!(secret(&clients.web), secret(&demo_clients(&one).web));
        assert_ne!(secret(&clients.web), secret(&demo_clients(&other).web));
        assert!(!format!("{clients:?}").contains(&secret(&clients.web)));
    }
}
