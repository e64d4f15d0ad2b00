//! Answers of security keys and passkeys: as they come, and with the input in the place of what an authenticator wrote. The key
//! is made afresh by each process, so whatever it is said to have signed is a forgery.
#![no_main]

use std::sync::LazyLock;

use chancery_core::webauthn::{Assertion, Expected, Known, Registration};
use chancery_jose::{
    Algorithm, Cbor, CredentialKey, SigningKey, base64url, base64url_decode, generate_es256,
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const EXPECTED: Expected<'_> = Expected {
    challenge: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    origins: &["https://login.example.com"],
    relying_party: "login.example.com",
    verified: false,
};

fuzz_target!(|input: &[u8]| {
    if let Ok((value, rest)) = Cbor::read(input) {
        // What was read is read again.
        let read = &input[..input.len() - rest.len()];
        assert_eq!(Cbor::read_all(read), Ok(value));
    }
    if let Ok(text) = std::str::from_utf8(input) {
        judge(text);
    }
    let client_data = |kind: &str| {
        let Expected { challenge, origins: [origin, ..], .. } = EXPECTED else { unreachable!() };
        base64url(json!({"type": kind, "challenge": challenge, "origin": origin}).to_string().as_bytes())
    };
    let written = base64url(input);
    let create = json!({"clientDataJSON": client_data("webauthn.create"), "attestationObject": written});
    judge(&json!({"id": "AQ", "rawId": "AQ", "type": "public-key", "response": create}).to_string());
    let half = input.len() / 2;
    let get = json!({
        "clientDataJSON": client_data("webauthn.get"),
        "authenticatorData": base64url(&input[..half]),
        "signature": base64url(&input[half..]),
    });
    judge(&json!({"id": "AQ", "rawId": "AQ", "type": "public-key", "response": get}).to_string());
});

fn judge(text: &str) {
    if let Ok(registration) = Registration::parse(text)
        && let Ok(made) = registration.verify(&EXPECTED)
    {
        assert!(CredentialKey::from_cose(&made.public_key).is_ok(), "a key that cannot be read: {text}");
        assert!(made.backup_eligible || !made.backed_up);
    }
    if let Ok(assertion) = Assertion::parse(text) {
        let known = Known { public_key: &KEY, sign_count: 0, backup_eligible: None, user_handle: None };
        assert!(assertion.verify(&EXPECTED, &known).is_err(), "forged: {text}");
    }
}

/// A `COSE_Key` whose private half nobody kept.
static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let der = generate_es256().expect("randomness");
    let key = SigningKey::from_pkcs8(Algorithm::ES256, "ES256", &der).expect("a key");
    let jwk = key.verifying_key().to_jwk().expect("a public key");
    let number = |text: Option<String>| base64url_decode(&text.unwrap_or_default()).unwrap_or_default();
    let (x, y) = (number(jwk.x), number(jwk.y));
    [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20], &x[..], &[0x22, 0x58, 0x20], &y[..]].concat()
});
