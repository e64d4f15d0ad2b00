//! Keys of strangers: JWK, key sets, PEM, and the DER within.
#![no_main]

use chancery_jose::{Algorithm, Jwk, JwkSet, VerifyingKey, pem, pem_decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(jwk) = serde_json::from_slice::<Jwk>(input) {
        is_public(&jwk);
        let thumbprint = jwk.thumbprint();
        if let Ok(key) = VerifyingKey::from_jwk(&jwk) {
            assert!(thumbprint.is_ok(), "a key without a thumbprint");
            assert_eq!(key.kid(), jwk.kid.as_deref());
            is_sound(&key);
        }
    }
    if let Ok(set) = serde_json::from_slice::<JwkSet>(input) {
        for jwk in &set.keys {
            is_public(jwk);
            let named = jwk.kid.as_deref().and_then(|kid| set.find(kid));
            assert_eq!(named.is_some(), jwk.kid.is_some());
        }
    }
    if let Ok(text) = std::str::from_utf8(input) {
        if let Ok(key) = VerifyingKey::from_pem(text) {
            is_sound(&key);
        }
        if let Ok((label, der)) = pem_decode(text) {
            assert_eq!(
                pem_decode(&pem(label, &der)),
                Ok((label, der)),
                "PEM survives being written and read"
            );
        }
    }
    for label in ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"] {
        if let Ok(key) = VerifyingKey::from_pem(&pem(label, input)) {
            is_sound(&key);
        }
    }
    assert!(VerifyingKey::from_pem(&pem("RSA PRIVATE KEY", input)).is_err());
});

/// No private member survives parsing.
fn is_public(jwk: &Jwk) {
    let written = serde_json::to_value(jwk).expect("a JWK is JSON");
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(written.get(name).is_none(), "{name} was kept");
    }
    assert_eq!(serde_json::from_value::<Jwk>(written).ok().as_ref(), Some(jwk));
}

/// A public key is of one type, never a secret, and the same after a trip over the wire.
fn is_sound(key: &VerifyingKey) {
    let _ = format!("{key:?}");
    assert!(!key.supports(Algorithm::HS256));
    let fits: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(|a| key.supports(*a)).collect();
    assert!(!fits.is_empty());
    assert!(fits.len() == 1 || fits.iter().all(|a| a.is_rsa()), "{fits:?}");
    for algorithm in Algorithm::ALL {
        let signature = [0x5a; 64];
        assert!(key.verify_raw(algorithm, b"message", &signature).is_err(), "{algorithm}");
    }
    let jwk = key.to_jwk().expect("a public key");
    let again = VerifyingKey::from_jwk(&jwk).expect("what is written can be read");
    let rewritten = again.to_jwk().expect("a public key");
    assert_eq!(rewritten, jwk);
    assert_eq!(rewritten.thumbprint(), jwk.thumbprint());
}
