//! What is signed here verifies here, in every algorithm and form of key; a single flipped bit does not.

#![cfg(test)]

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use chancery_jose::{
    Algorithm, Error, Jwk, JwkSet, SigningKey, Typ, Unverified, VerifyingKey, base64url, base64url_decode,
    generate_ed25519, generate_es256, generate_rsa, pem,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

#[test]
fn every_algorithm_in_every_form() {
    for signer in SIGNERS.iter() {
        let algorithm = signer.algorithm();
        for (typ, name) in [
            (Typ::Jwt, "JWT"),
            (Typ::AtJwt, "at+jwt"),
            (Typ::LogoutJwt, "logout+jwt"),
            (Typ::Introspection, "token-introspection+jwt"),
        ] {
            let token = signer.sign(typ, br#"{"sub":"a"}"#).unwrap();
            // The room was measured right: nothing grew, nothing was left over.
            assert_eq!(token.capacity(), token.len(), "{algorithm}");
            let parsed = Unverified::parse(&token).unwrap();
            assert_eq!(parsed.header().alg, algorithm.as_str());
            assert_eq!(parsed.header().typ.as_deref(), Some(name));
            assert_eq!(parsed.header().kid.as_deref(), Some(KID));
            assert!(
                parsed.header().is_typ(name)
                    && parsed.header().is_typ(&format!("application/{name}").to_uppercase())
            );
            assert!(!parsed.header().is_typ("dpop+jwt"));
            for key in every_form(signer) {
                assert_eq!(parsed.verify(&key, &[algorithm]).unwrap(), br#"{"sub":"a"}"#, "{algorithm}");
            }
        }
    }
}

/// The order that readers of raw headers see, and a key id that needs escaping.
#[test]
fn the_header_is_alg_typ_kid() {
    let header = |key: &SigningKey, typ| {
        let token = key.sign(typ, b"").unwrap();
        String::from_utf8(base64url_decode(token.split('.').next().unwrap()).unwrap()).unwrap()
    };
    let document = generate_es256().unwrap();
    let key = SigningKey::from_pkcs8(Algorithm::ES256, "a\"\\\n\u{e9}", &document).unwrap();
    assert_eq!(
        header(&key, Typ::AtJwt),
        "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"a\\\"\\\\\\n\u{e9}\"}"
    );
    let key = SigningKey::from_secret(Algorithm::HS256, None, b"secret").unwrap();
    assert_eq!(header(&key, Typ::Jwt), r#"{"alg":"HS256","typ":"JWT"}"#);
}

#[test]
fn one_rsa_key_has_many_roles() {
    let rsa = signer(Algorithm::RS256);
    let other = rsa.with_algorithm(Algorithm::PS256).unwrap();
    assert_eq!(other.algorithm(), Algorithm::PS256);
    assert_eq!(other.kid(), rsa.kid());
    assert_eq!(other.public_jwk().unwrap().n, rsa.public_jwk().unwrap().n);
    assert_eq!(other.public_jwk().unwrap().alg.as_deref(), Some("PS256"));
    assert_eq!(other.public_jwk().unwrap().thumbprint(), rsa.public_jwk().unwrap().thumbprint());
    let token = other.sign(Typ::Jwt, b"{}").unwrap();
    assert!(Unverified::parse(&token).unwrap().verify(&rsa.verifying_key(), &[Algorithm::PS256]).is_ok());
    for signer in SIGNERS.iter() {
        assert_eq!(signer.is_costly(), signer.algorithm().is_rsa());
    }
}

#[test]
fn a_set_survives_the_wire() {
    let keys: Vec<Jwk> = SIGNERS.iter().filter_map(SigningKey::public_jwk).collect();
    assert_eq!(keys.len(), SIGNERS.len() - 1);
    let text = serde_json::to_string(&JwkSet { keys: keys.clone() }).unwrap();
    assert_eq!(serde_json::from_str::<JwkSet>(&text).unwrap().keys, keys);
    for key in &keys {
        assert_eq!(VerifyingKey::from_jwk(key).unwrap().to_jwk().as_ref(), Some(key));
    }
}

#[test]
fn private_keys_of_another_type_are_refused() {
    let documents = [generate_rsa(2048).unwrap(), generate_es256().unwrap(), generate_ed25519().unwrap()];
    for (index, document) in documents.iter().enumerate() {
        for algorithm in Algorithm::ALL {
            let fits = match index {
                0 => algorithm.is_rsa(),
                1 => algorithm == Algorithm::ES256,
                _ => algorithm == Algorithm::EdDSA,
            };
            assert_eq!(SigningKey::from_pkcs8(algorithm, "k", document).is_ok(), fits, "{index} {algorithm}");
        }
        // A private key is not read where a public one is due.
        let text = pem("PRIVATE KEY", document);
        assert_eq!(VerifyingKey::from_pem(&text).unwrap_err(), Error::Key("it is a private key"));
        assert!(VerifyingKey::from_pem(&pem("PUBLIC KEY", document)).is_err());
    }
    assert!(SigningKey::from_pkcs8(Algorithm::RS256, "k", b"").is_err());
    assert!(SigningKey::from_secret(Algorithm::RS256, None, b"secret").is_err());
}

#[test]
fn unfit_public_keys_are_refused() {
    let rsa = serde_json::to_value(signer(Algorithm::RS256).public_jwk().unwrap()).unwrap();
    let ec = serde_json::to_value(signer(Algorithm::ES256).public_jwk().unwrap()).unwrap();
    let okp = serde_json::to_value(signer(Algorithm::EdDSA).public_jwk().unwrap()).unwrap();
    let n = base64url_decode(rsa["n"].as_str().unwrap()).unwrap();
    let x = base64url_decode(ec["x"].as_str().unwrap()).unwrap();
    let encode = |bytes: &[u8]| json!(base64url(bytes));
    let mut odd_one_out = n.clone();
    odd_one_out[0] = 0x7f;
    let mut off_the_curve = x.clone();
    off_the_curve[31] ^= 1;
    let cases: Vec<(&Value, &str, Value)> = vec![
        (&rsa, "n", encode(&n[128..])),         // 1024 bits
        (&rsa, "n", encode(&odd_one_out)),      // 2047 bits
        (&rsa, "n", encode(&vec![0xff; 1025])), // 8200 bits
        (&rsa, "n", json!("")),
        (&rsa, "n", Value::Null),
        (&rsa, "e", json!("")),
        (&rsa, "e", encode(&[0])),
        (&rsa, "e", encode(&[1])),
        (&rsa, "e", encode(&[4])),
        (&rsa, "e", Value::Null),
        (&rsa, "kty", json!("rsa")),
        (&rsa, "kty", json!("oct")),
        (&rsa, "use", json!("enc")),
        (&rsa, "key_ops", json!(["encrypt"])),
        (&rsa, "alg", json!("RSA-OAEP")),
        (&ec, "x", encode(&off_the_curve)),
        (&ec, "x", encode(&[&[0], &x[..]].concat())),
        (&ec, "x", encode(&x[1..])),
        (&ec, "y", Value::Null),
        (&ec, "crv", json!("P-384")),
        (&ec, "crv", json!("secp256k1")),
        (&ec, "crv", Value::Null),
        (&ec, "alg", json!("ES384")),
        (&okp, "crv", json!("X25519")),
        (&okp, "x", encode(&[7; 31])),
        (&okp, "x", encode(&[7; 33])),
        (&okp, "x", json!("not base64url!")),
    ];
    for (whole, member, value) in cases {
        let mut jwk = whole.clone();
        jwk[member] = value.clone();
        let jwk: Jwk = serde_json::from_value(jwk).unwrap();
        assert!(VerifyingKey::from_jwk(&jwk).is_err(), "{member} {value}");
    }
    for whole in [&rsa, &ec, &okp] {
        assert!(VerifyingKey::from_jwk(&serde_json::from_value(whole.clone()).unwrap()).is_ok());
    }
    // A sign byte before the modulus is a known habit and means the same key.
    let mut jwk = rsa.clone();
    jwk["n"] = encode(&[&[0], &n[..]].concat());
    let key = VerifyingKey::from_jwk(&serde_json::from_value(jwk).unwrap()).unwrap();
    assert_eq!(serde_json::to_value(key.to_jwk()).unwrap(), rsa);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_payload_comes_back(payload in proptest::collection::vec(any::<u8>(), 0..600), index in 0..SIGNERS.len()) {
        let signer = &SIGNERS[index];
        let token = signer.sign(Typ::Jwt, &payload).unwrap();
        let parsed = Unverified::parse(&token).unwrap();
        prop_assert_eq!(parsed.verify(&signer.verifying_key(), &[signer.algorithm()]).unwrap(), payload);
    }

    #[test]
    fn a_flipped_bit_is_noticed(at in any::<prop::sample::Index>(), bit in 0..8u8, index in 0..TOKENS.len()) {
        let (signer, token) = (&SIGNERS[index], &TOKENS[index]);
        let mut bytes = token.clone().into_bytes();
        bytes[at.index(token.len())] ^= 1 << bit;
        // What is no longer text cannot even be handed in.
        if let Ok(token) = String::from_utf8(bytes) {
            let result = Unverified::parse(&token).and_then(|parsed| parsed.verify(&signer.verifying_key(), &Algorithm::ALL));
            prop_assert!(result.is_err(), "{}", token);
        }
    }

    #[test]
    fn a_flipped_bit_of_the_bytes_is_noticed(at in any::<prop::sample::Index>(), bit in 0..8u8, index in 0..TOKENS.len()) {
        let signer = &SIGNERS[index];
        let mut signature = signer.sign_raw(b"message").unwrap();
        let at = at.index(signature.len());
        signature[at] ^= 1 << bit;
        let result = signer.verifying_key().verify_raw(signer.algorithm(), b"message", &signature);
        prop_assert_eq!(result, Err(Error::Signature));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", key in 0..SIGNERS.len()) {
        let _ = Unverified::parse(&text).and_then(|parsed| parsed.verify(&SIGNERS[key].verifying_key(), &Algorithm::ALL));
        prop_assert!(VerifyingKey::from_pem(&text).is_err());
        let _ = serde_json::from_str::<Jwk>(&text);
    }

    #[test]
    fn no_der_makes_it_panic(mut der in proptest::collection::vec(any::<u8>(), 0..200), head in any::<bool>()) {
        if head {
            der.splice(0..0, [0x30, der.len().min(127) as u8]);
        }
        for label in ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"] {
            prop_assert!(VerifyingKey::from_pem(&pem(label, &der)).is_err());
        }
        prop_assert!(SigningKey::from_pkcs8(Algorithm::ES256, "k", &der).is_err());
    }

    #[test]
    fn a_broken_public_key_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), index in 0..SIGNERS.len()) {
        if let Some(mut der) = SIGNERS[index].public_key_der() {
            let at = at.index(der.len());
            der[at] = byte;
            let _ = VerifyingKey::from_pem(&pem("PUBLIC KEY", &der));
            der.truncate(at);
            prop_assert!(VerifyingKey::from_pem(&pem("PUBLIC KEY", &der)).is_err());
        }
    }
}

fn every_form(signer: &SigningKey) -> Vec<VerifyingKey> {
    let mut forms = vec![signer.verifying_key()];
    if let Some(jwk) = signer.public_jwk() {
        forms.push(VerifyingKey::from_jwk(&jwk).unwrap());
        forms.push(VerifyingKey::from_jwk(&Jwk { alg: None, kid: None, ..jwk }).unwrap());
        forms.push(VerifyingKey::from_pem(&pem("PUBLIC KEY", &signer.public_key_der().unwrap())).unwrap());
    }
    forms
}

fn signer(algorithm: Algorithm) -> &'static SigningKey {
    SIGNERS.iter().find(|signer| signer.algorithm() == algorithm).unwrap()
}

const KID: &str = "key-1";

/// One signer for each algorithm; making RSA keys is slow, so all tests share them.
static SIGNERS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let rsa = SigningKey::from_pkcs8(Algorithm::RS256, KID, &generate_rsa(2048).unwrap()).unwrap();
    Algorithm::ALL
        .into_iter()
        .map(|algorithm| match algorithm {
            Algorithm::HS256 => {
                SigningKey::from_secret(algorithm, Some(KID.into()), b"a secret between two").unwrap()
            }
            Algorithm::ES256 => SigningKey::from_pkcs8(algorithm, KID, &generate_es256().unwrap()).unwrap(),
            Algorithm::ES384 => SigningKey::from_pkcs8(algorithm, KID, p384.as_ref()).unwrap(),
            Algorithm::EdDSA => SigningKey::from_pkcs8(algorithm, KID, &generate_ed25519().unwrap()).unwrap(),
            rsa_algorithm => rsa.with_algorithm(rsa_algorithm).unwrap(),
        })
        .collect()
});

static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    SIGNERS.iter().map(|signer| signer.sign(Typ::Jwt, br#"{"sub":"a"}"#).unwrap()).collect()
});
