//! Tokens: as they come, with every part replaced, and tampered with. Keys are made afresh by each process, so no token
//! of a corpus can be genuine and whatever verifies is a forgery.
#![no_main]

use std::sync::LazyLock;

use chancery_jose::{
    Algorithm, SigningKey, Typ, Unverified, VerifyingKey, base64url, generate_ed25519, generate_es256,
    generate_rsa,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        as_it_comes(text);
    }
    let signer = &SIGNERS[usize::from(input.first().copied().unwrap_or(0)) % SIGNERS.len()];
    in_parts(signer, input);
    tampered(signer, input);
});

/// Nothing that was not signed verifies, whatever the header asks for.
fn as_it_comes(text: &str) {
    let Ok(token) = Unverified::parse(text) else { return };
    assert_eq!(text.matches('.').count(), 2);
    let header = token.header();
    let _ = (header.is_typ("JWT"), header.is_typ("at+jwt"), format!("{token:?}"), token.payload_unverified());
    for signer in SIGNERS.iter() {
        let key = signer.verifying_key();
        assert!(token.verify(&key, &Algorithm::ALL).is_err(), "forged: {text}");
        // Also without the key id, which a forger would simply leave out.
        if let Some(bare) = without_kid(&key) {
            assert!(token.verify(&bare, &Algorithm::ALL).is_err(), "forged: {text}");
        }
    }
}

/// The input as header, as payload and as signature, among genuine parts.
fn in_parts(signer: &SigningKey, input: &[u8]) {
    let Ok(genuine) = signer.sign(Typ::Jwt, PAYLOAD) else { panic!("signing failed") };
    let parts: Vec<&str> = genuine.split('.').collect();
    let encoded = base64url(input);
    for at in 0..3 {
        let mut forged = parts.clone();
        forged[at] = &encoded;
        must_be_genuine(signer, &genuine, &forged.join("."));
    }
}

/// Two bytes say where, one how much is cut out, the rest is put there.
fn tampered(signer: &SigningKey, input: &[u8]) {
    let [_, high, low, cut, insert @ ..] = input else { return };
    let Ok(genuine) = signer.sign(Typ::AtJwt, PAYLOAD) else { panic!("signing failed") };
    let mut bytes = genuine.clone().into_bytes();
    let from = usize::from(u16::from_be_bytes([*high, *low])) % (bytes.len() + 1);
    let to = (from + usize::from(*cut)).min(bytes.len());
    bytes.splice(from..to, insert.iter().copied());
    if let Ok(text) = String::from_utf8(bytes) {
        must_be_genuine(signer, &genuine, &text);
    }
}

/// Only the very text that was signed verifies, with its own payload, and with no algorithm but its own.
fn must_be_genuine(signer: &SigningKey, genuine: &str, text: &str) {
    let Ok(token) = Unverified::parse(text) else { return assert_ne!(genuine, text) };
    let key = signer.verifying_key();
    match token.verify(&key, &Algorithm::ALL) {
        Ok(payload) => {
            assert_eq!(genuine, text, "two texts for one token");
            assert_eq!(payload, PAYLOAD);
            assert!(token.verify(&key, &[]).is_err());
        }
        Err(_) => assert_ne!(genuine, text),
    }
}

fn without_kid(key: &VerifyingKey) -> Option<VerifyingKey> {
    let mut jwk = key.to_jwk()?;
    (jwk.kid, jwk.alg) = (None, None);
    VerifyingKey::from_jwk(&jwk).ok()
}

const PAYLOAD: &[u8] = br#"{"iss":"https://tenant.example/","sub":"auth0|jane","scope":"read:contacts"}"#;

static SIGNERS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    let rsa = generate_rsa(2048).expect("an RSA key");
    let es256 = generate_es256().expect("a P-256 key");
    let ed25519 = generate_ed25519().expect("an Ed25519 key");
    let key = |algorithm: Algorithm, pkcs8: &[u8]| {
        SigningKey::from_pkcs8(algorithm, algorithm.as_str(), pkcs8).expect("a signing key")
    };
    let secret = chancery_jose::sha256(&ed25519);
    vec![
        key(Algorithm::ES256, &es256),
        key(Algorithm::EdDSA, &ed25519),
        SigningKey::from_secret(Algorithm::HS256, None, &secret).expect("a secret"),
        key(Algorithm::RS256, &rsa),
        key(Algorithm::PS256, &rsa),
    ]
});
