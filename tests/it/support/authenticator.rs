//! A security key made of software, with the browser in front of it: reads what a page asks for, and answers as browsers do.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use chancery_jose::{base64url, base64url_decode, sha256};
use serde_json::{Value, json};

use super::{Answer, unescape};

/// Somebody's authenticator. What is public may be bent by a test.
pub(crate) struct Authenticator {
    /// Where its browser believes to be.
    pub(crate) origin: String,
    /// It makes sure whose finger it is.
    pub(crate) verifies: bool,
    /// What its counter says next.
    pub(crate) count: u32,
    /// It is another machine than the browser.
    pub(crate) is_roaming: bool,
    pub(crate) held: Vec<Held>,
}

/// A credential.
pub(crate) struct Held {
    pub(crate) id: Vec<u8>,
    pub(crate) handle: Vec<u8>,
    relying_party: String,
    key: EcdsaKeyPair,
}

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const ATTESTED: u8 = 1 << 6;

/// What a page asks its browser for.
#[track_caller]
pub(crate) fn options(page: &Answer) -> Value {
    let rest =
        page.body.split("data-options=\"").nth(1).unwrap_or_else(|| panic!("asks for no key: {page:?}"));
    serde_json::from_str(&unescape(rest.split('"').next().unwrap())).unwrap()
}

impl Authenticator {
    pub(crate) fn new() -> Self {
        let origin = super::ISSUER.trim_end_matches('/').to_owned();
        Self { origin, verifies: true, count: 1, is_roaming: false, held: Vec::new() }
    }

    /// Makes the credential that a page asks for.
    #[track_caller]
    pub(crate) fn create(&mut self, page: &Answer) -> String {
        let id = base64url_decode(&format!("Q{:03}", self.held.len() + 1)).unwrap();
        let id = [id, options(page)["challenge"].as_str().unwrap().as_bytes()[..9].to_vec()].concat();
        self.create_as(&options(page), &id)
    }

    pub(crate) fn create_as(&mut self, options: &Value, id: &[u8]) -> String {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = key.public_key().as_ref();
        let cose = [
            &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20],
            &point[1..33],
            &[0x22, 0x58, 0x20],
            &point[33..],
        ]
        .concat();
        let relying_party = options["rp"]["id"].as_str().unwrap().to_owned();
        let handle = base64url_decode(options["user"]["id"].as_str().unwrap()).unwrap();
        self.held.push(Held { id: id.to_vec(), handle, relying_party, key });
        self.attest(options, id, &cose)
    }

    /// Answers with a public key of any kind (COSE).
    pub(crate) fn attest(&mut self, options: &Value, id: &[u8], cose: &[u8]) -> String {
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        let relying_party = options["rp"]["id"].as_str().unwrap().to_owned();
        let data = self.data(&relying_party, &[&[0; 16], &length[..], id, cose].concat());
        let length = u8::try_from(data.len()).unwrap();
        let object = [
            &[0xa3, 0x63][..],
            b"fmt",
            &[0x64],
            b"none",
            &[0x67],
            b"attStmt",
            &[0xa0, 0x68],
            b"authData",
            &[0x58, length],
            &data,
        ]
        .concat();
        self.count += 1;
        let client_data = self.client_data("webauthn.create", options);
        let response = json!({
            "clientDataJSON": base64url(client_data.as_bytes()),
            "attestationObject": base64url(&object),
            "transports": ["internal"],
        });
        self.answer(id, &response)
    }

    /// Signs what a page asks for.
    #[track_caller]
    pub(crate) fn get(&mut self, page: &Answer) -> String {
        self.get_as(&options(page))
    }

    #[track_caller]
    pub(crate) fn get_as(&mut self, options: &Value) -> String {
        let allowed = options["allowCredentials"].as_array();
        let is_allowed = |held: &&Held| {
            let id = base64url(&held.id);
            held.relying_party == options["rpId"].as_str().unwrap()
                && allowed.is_none_or(|all| all.iter().any(|one| one["id"] == id.as_str()))
        };
        let held = self.held.iter().find(is_allowed).unwrap_or_else(|| panic!("no such key: {options}"));
        let data = self.data(&held.relying_party, &[]);
        let client_data = self.client_data("webauthn.get", options);
        let message = [&data[..], &sha256(client_data.as_bytes())].concat();
        let signature = held.key.sign(&SystemRandom::new(), &message).unwrap();
        let response = json!({
            "clientDataJSON": base64url(client_data.as_bytes()),
            "authenticatorData": base64url(&data),
            "signature": base64url(signature.as_ref()),
            "userHandle": base64url(&held.handle),
        });
        let answer = self.answer(&held.id, &response);
        self.count += 1;
        answer
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        json!({"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false})
            .to_string()
    }

    fn data(&self, relying_party: &str, attested: &[u8]) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let has_key = if attested.is_empty() { 0 } else { ATTESTED };
        let count = self.count.to_be_bytes();
        [&sha256(relying_party.as_bytes())[..], &[PRESENT | verified | has_key], &count, attested].concat()
    }

    fn answer(&self, id: &[u8], response: &Value) -> String {
        let id = base64url(id);
        let attachment = if self.is_roaming { "cross-platform" } else { "platform" };
        let kind = "public-key";
        json!({"id": id, "rawId": id, "type": kind, "authenticatorAttachment": attachment, "response": response})
            .to_string()
    }
}
