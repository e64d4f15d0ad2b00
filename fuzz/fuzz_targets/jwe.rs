//! Encrypted tokens: as they come, with every part replaced, and tampered with. Keys are made afresh by each process, so whatever
//! opens is a forgery unless it is the very text that was encrypted.
#![no_main]

use std::sync::LazyLock;

use chancery_jose::{
    Algorithm, ContentEncryption, DecryptionKey, EncryptionKey, KeyManagement, SigningKey, base64url,
    generate_es256, generate_rsa, pem,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        for pair in PAIRS.iter() {
            assert!(pair.open.decrypt(text, &ContentEncryption::ALL).is_err(), "opened: {text}");
        }
    }
    let pair = &PAIRS[usize::from(input.first().copied().unwrap_or(0)) % PAIRS.len()];
    let encoded = base64url(input);
    let parts: Vec<&str> = pair.token.split('.').collect();
    for at in 0..5 {
        let mut forged = parts.clone();
        forged[at] = &encoded;
        must_be_genuine(pair, &forged.join("."));
    }
    let [_, high, low, cut, insert @ ..] = input else { return };
    let mut bytes = pair.token.clone().into_bytes();
    let from = usize::from(u16::from_be_bytes([*high, *low])) % (bytes.len() + 1);
    let to = (from + usize::from(*cut)).min(bytes.len());
    bytes.splice(from..to, insert.iter().copied());
    if let Ok(text) = String::from_utf8(bytes) {
        must_be_genuine(pair, &text);
    }
});

fn must_be_genuine(pair: &Pair, text: &str) {
    match pair.open.decrypt(text, &ContentEncryption::ALL) {
        Ok(plain) => {
            assert_eq!(pair.token, text, "two texts for one token");
            assert_eq!(plain, PAYLOAD);
        }
        Err(_) => assert_ne!(pair.token, text),
    }
}

struct Pair {
    open: DecryptionKey,
    token: String,
}

const PAYLOAD: &[u8] = br#"{"iss":"https://tenant.example/","sub":"auth0|jane"}"#;

static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let rsa = generate_rsa(2048).expect("an RSA key");
    let ec = generate_es256().expect("a P-256 key");
    let public = |algorithm, der: &[u8]| {
        let key = SigningKey::from_pkcs8(algorithm, "k", der).expect("a key");
        pem("PUBLIC KEY", &key.public_key_der().expect("a public key"))
    };
    let (rsa_pem, ec_pem) = (public(Algorithm::RS256, &rsa), public(Algorithm::ES256, &ec));
    let mut pairs = Vec::new();
    for (alg, enc) in [
        (KeyManagement::EcdhEs, ContentEncryption::A256CbcHs512),
        (KeyManagement::EcdhEsA128Kw, ContentEncryption::A128Gcm),
        (KeyManagement::EcdhEsA256Kw, ContentEncryption::A128CbcHs256),
        (KeyManagement::RsaOaep256, ContentEncryption::A256Gcm),
    ] {
        let is_rsa = alg == KeyManagement::RsaOaep256;
        let (der, pem) = if is_rsa { (&rsa, &rsa_pem) } else { (&ec, &ec_pem) };
        let seal = EncryptionKey::from_pem((alg, enc), pem, None).expect("a public key");
        let open = DecryptionKey::from_pkcs8(alg, der).expect("a private key");
        pairs.push(Pair { open, token: seal.encrypt(PAYLOAD, None).expect("a token") });
    }
    let secret = [7; 32];
    let seal = EncryptionKey::from_secret(ContentEncryption::A256Gcm, &secret, None).expect("a secret");
    let token = seal.encrypt(PAYLOAD, None).expect("a token");
    pairs.push(Pair { open: DecryptionKey::from_secret(&secret), token });
    pairs
});
