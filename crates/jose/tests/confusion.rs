//! Security case 15: tokens that try to choose their own rules. Every one of them must be refused.

#![cfg(test)]

use chancery_jose::{
    Algorithm, Error, Jwk, SigningKey, Typ, Unverified, VerifyingKey, base64url, base64url_decode,
    generate_ed25519, generate_es256, generate_rsa, pem,
};
use serde_json::{Value, json};

/// HS256 with anything public about the RSA key as the secret.
#[test]
fn a_public_key_is_no_hmac_secret() {
    let signer = rsa();
    let spki = signer.public_key_der().unwrap();
    let jwk = signer.public_jwk().unwrap();
    let text = pem("PUBLIC KEY", &spki);
    let secrets: Vec<(&str, Vec<u8>)> = vec![
        ("SPKI DER", spki),
        ("n", base64url_decode(jwk.n.as_deref().unwrap()).unwrap()),
        ("n as text", jwk.n.clone().unwrap().into_bytes()),
        ("JWK", serde_json::to_vec(&jwk).unwrap()),
        ("kid", b"rsa-1".to_vec()),
        ("one zero byte", vec![0]),
    ];
    for (name, secret) in secrets {
        let forger = SigningKey::from_secret(Algorithm::HS256, Some("rsa-1".into()), &secret).unwrap();
        let token = forger.sign(Typ::Jwt, b"{}").unwrap();
        for key in every_form(&signer) {
            assert_eq!(verify(&token, &key, &Algorithm::ALL), Err(Error::KeyMismatch), "{name}");
            assert_eq!(verify(&token, &key, &[Algorithm::RS256]), Err(Error::AlgorithmNotAllowed), "{name}");
        }
    }
    // The PEM itself, as file or trimmed, is not even taken as a secret by those who sign or verify HS256.
    for secret in [text.as_str(), text.trim_end(), &format!("\n {text}")] {
        assert!(matches!(VerifyingKey::from_secret(secret.as_bytes()), Err(Error::Key(_))));
        assert!(matches!(
            SigningKey::from_secret(Algorithm::HS256, None, secret.as_bytes()),
            Err(Error::Key(_))
        ));
    }
}

/// The empty secret that a key without `k` turned into elsewhere.
#[test]
fn there_is_no_empty_secret() {
    assert!(matches!(VerifyingKey::from_secret(b""), Err(Error::Key(_))));
    assert!(matches!(SigningKey::from_secret(Algorithm::HS256, None, b""), Err(Error::Key(_))));
    let oct: Jwk = serde_json::from_value(json!({"kty": "oct"})).unwrap();
    assert!(matches!(VerifyingKey::from_jwk(&oct), Err(Error::Key(_))));
}

#[test]
fn none_is_refused_whatever_is_allowed() {
    for alg in ["none", "None", "NONE", "nOnE", "", "none "] {
        for signature in ["", "AAAA"] {
            let token =
                format!("{}.{}.{signature}", encode(&json!({"alg": alg})), encode(&json!({"sub": "a"})));
            for key in keys() {
                let result = verify(&token, &key.verifying_key(), &Algorithm::ALL);
                assert_eq!(result, Err(Error::UnsupportedAlgorithm), "{alg:?}");
            }
        }
    }
}

/// Every key against every algorithm name: only the pairs that belong together verify.
#[test]
fn the_key_decides() {
    for signer in keys() {
        let token = signer.sign(Typ::Jwt, br#"{"sub":"a"}"#).unwrap();
        let (_, rest) = token.split_once('.').unwrap();
        for claimed in Algorithm::ALL {
            let forged = format!("{}.{rest}", encode(&json!({"alg": claimed, "typ": "JWT"})));
            assert!(verify(&forged, &signer.verifying_key(), &Algorithm::ALL).is_err(), "{claimed}");
            for other in keys() {
                let result = verify(&token, &other.verifying_key(), &Algorithm::ALL);
                assert_eq!(result.is_ok(), other.algorithm() == signer.algorithm(), "{signer:?} {other:?}");
            }
        }
        let allowed: Vec<_> =
            Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != signer.algorithm()).collect();
        assert_eq!(verify(&token, &signer.verifying_key(), &allowed), Err(Error::AlgorithmNotAllowed));
        assert_eq!(verify(&token, &signer.verifying_key(), &[]), Err(Error::AlgorithmNotAllowed));
    }
}

#[test]
fn types_of_keys_do_not_mix() {
    for signer in keys() {
        let key = signer.verifying_key();
        for algorithm in Algorithm::ALL {
            let fits = algorithm == signer.algorithm() || algorithm.is_rsa() && signer.algorithm().is_rsa();
            assert_eq!(key.supports(algorithm), fits, "{key:?} {algorithm}");
            assert_eq!(signer.with_algorithm(algorithm).is_ok(), fits, "{key:?} {algorithm}");
        }
    }
}

/// The `alg` of a JWK narrows it: a key published for RS256 does not verify PS256.
#[test]
fn alg_of_the_jwk_narrows() {
    let signer = rsa();
    let mut jwk = signer.public_jwk().unwrap();
    assert_eq!(jwk.alg.as_deref(), Some("RS256"));
    let token = signer.with_algorithm(Algorithm::PS256).unwrap().sign(Typ::Jwt, b"{}").unwrap();
    let narrow = VerifyingKey::from_jwk(&jwk).unwrap();
    assert_eq!(verify(&token, &narrow, &Algorithm::ALL), Err(Error::KeyMismatch));
    jwk.alg = None;
    assert!(verify(&token, &VerifyingKey::from_jwk(&jwk).unwrap(), &Algorithm::ALL).is_ok());
    for (alg, error) in
        [("HS256", Error::Key("its alg does not fit its type")), ("none", Error::UnsupportedAlgorithm)]
    {
        jwk.alg = Some(alg.into());
        assert_eq!(VerifyingKey::from_jwk(&jwk).unwrap_err(), error);
    }
}

/// A key in the header signs for nobody but itself.
#[test]
fn an_embedded_key_is_not_used() {
    let (trusted, attacker) = (es256(), es256());
    let jwk = attacker.public_jwk().unwrap();
    let certificate = "MIIB";
    let headers = [
        json!({"alg": "ES256", "jwk": jwk}),
        json!({"alg": "ES256", "kid": "es-1", "jwk": jwk}),
        json!({"alg": "ES256", "jku": "https://attacker.example/jwks.json"}),
        json!({"alg": "ES256", "x5u": "https://attacker.example/cert.pem", "x5c": [certificate]}),
    ];
    for header in headers {
        let token = sign_with_header(&attacker, &header);
        assert_eq!(
            verify(&token, &trusted.verifying_key(), &Algorithm::ALL),
            Err(Error::Signature),
            "{header}"
        );
        // The members are no reason to refuse a token that the trusted key did sign.
        let token = sign_with_header(&trusted, &header);
        assert!(verify(&token, &trusted.verifying_key(), &Algorithm::ALL).is_ok(), "{header}");
    }
}

#[test]
fn critical_extensions_are_refused() {
    let signer = es256();
    for crit in [json!(["b64"]), json!(["exp"]), json!([]), json!(null), json!("alg"), json!(["alg"])] {
        let token = sign_with_header(&signer, &json!({"alg": "ES256", "crit": crit, "b64": true}));
        assert_eq!(Unverified::parse(&token).unwrap_err(), Error::Critical, "{crit}");
    }
}

#[test]
fn another_key_id_is_refused() {
    let signer = es256();
    let key = signer.verifying_key();
    let token = sign_with_header(&signer, &json!({"alg": "ES256", "kid": "es-2"}));
    assert_eq!(verify(&token, &key, &Algorithm::ALL), Err(Error::KeyMismatch));
    // Keys without an id, and tokens without one, fit all.
    let anonymous = VerifyingKey::from_pem(&pem("PUBLIC KEY", &signer.public_key_der().unwrap())).unwrap();
    assert!(verify(&token, &anonymous, &Algorithm::ALL).is_ok());
    let token = sign_with_header(&signer, &json!({"alg": "ES256"}));
    assert!(verify(&token, &key, &Algorithm::ALL).is_ok());
}

#[test]
fn malformed_headers_are_refused() {
    let rest = "e30.AAAA";
    let headers = [
        "",
        "{",
        "[]",
        "null",
        "7",
        "\"ES256\"",
        "{}",
        r#"{"alg":7}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["ES256"]}"#,
        r#"{"alg":"ES256"} x"#,
        r#"{"alg":"ES256"}{}"#,
        r#"{"alg":"ES256","kid":7}"#,
        r#"{"alg":"ES256","typ":{}}"#,
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"HS256","alg":"ES256"}"#,
        r#"{"alg":"HS256","\u0061lg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"a","kid":"b"}"#,
        r#"{"alg":"ES256","x":1,"x":1}"#,
    ];
    for header in headers {
        let token = format!("{}.{rest}", base64url(header.as_bytes()));
        assert_eq!(Unverified::parse(&token).unwrap_err(), Error::Malformed("header"), "{header}");
    }
    // Deep nesting in a member that is not read costs no stack.
    let deep = format!(r#"{{"alg":"ES256","x":{}{}}}"#, "[".repeat(6000), "]".repeat(6000));
    assert!(Unverified::parse(&format!("{}.{rest}", base64url(deep.as_bytes()))).is_ok());
    let deep = format!(r#"{{"alg":{}{}}}"#, "[".repeat(6000), "]".repeat(6000));
    assert!(Unverified::parse(&format!("{}.{rest}", base64url(deep.as_bytes()))).is_err());
    // Bytes that are not UTF-8.
    let bytes = base64url(b"{\"alg\":\"ES256\",\"kid\":\"\xff\"}");
    assert_eq!(Unverified::parse(&format!("{bytes}.{rest}")).unwrap_err(), Error::Malformed("header"));
}

#[test]
fn the_form_of_a_token_is_strict() {
    let signer = es256();
    let key = signer.verifying_key();
    let token = signer.sign(Typ::Jwt, br#"{"sub":"a"}"#).unwrap();
    let [header, payload, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let malformed = [
        String::new(),
        ".".into(),
        header.into(),
        format!("{header}.{payload}"),
        format!("{token}."),
        format!("{token}.e30"),
        format!("{token}.e30.e30"),
        format!(".{payload}.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}\n"),
        format!(" {token}"),
        format!("{header}.{payload}.{}", &signature[..signature.len() - 1]),
    ];
    for token in malformed {
        let result = verify(&token, &key, &Algorithm::ALL);
        assert!(matches!(result, Err(Error::Malformed(_))), "{token:?}: {result:?}");
    }
    for token in
        [format!("{header}.{payload}."), format!("{header}..{signature}"), format!("{header}.{payload}.AAAA")]
    {
        assert_eq!(verify(&token, &key, &Algorithm::ALL), Err(Error::Signature), "{token:?}");
    }
}

#[test]
fn long_tokens_are_refused_unread() {
    let signer = es256();
    let overhead = signer.sign(Typ::Jwt, b"").unwrap().len();
    let longest = "x".repeat((chancery_jose::MAX_TOKEN_LENGTH - overhead) / 4 * 3);
    let token = signer.sign(Typ::Jwt, longest.as_bytes()).unwrap();
    assert_eq!(verify(&token, &signer.verifying_key(), &[Algorithm::ES256]).unwrap(), longest.as_bytes());
    let token = signer.sign(Typ::Jwt, format!("{longest}xxxx").as_bytes()).unwrap();
    assert_eq!(Unverified::parse(&token).unwrap_err(), Error::TooLong);
    assert_eq!(Unverified::parse(&"a".repeat(1 << 20)).unwrap_err(), Error::TooLong);
}

/// A token read by `Debug`, an error or a key shows nothing that could be used.
#[test]
fn nothing_secret_is_shown() {
    let secret = "correct horse battery staple";
    let signer = SigningKey::from_secret(Algorithm::HS256, Some("k".into()), secret.as_bytes()).unwrap();
    assert_eq!(format!("{signer:?}"), r#"SigningKey { kid: Some("k"), alg: HS256 }"#);
    assert_eq!(format!("{:?}", signer.verifying_key()), "VerifyingKey { kid: None, algorithms: [HS256] }");
    let token = signer.sign(Typ::Jwt, b"{}").unwrap();
    let shown = format!("{:?}", Unverified::parse(&token).unwrap());
    assert!(!shown.contains(token.rsplit('.').next().unwrap()), "{shown}");
    let rsa = rsa();
    assert_eq!(format!("{rsa:?}"), r#"SigningKey { kid: Some("rsa-1"), alg: RS256 }"#);
    assert_eq!(signer.public_jwk(), None);
    assert_eq!(signer.public_key_der(), None);
}

fn verify(token: &str, key: &VerifyingKey, allowed: &[Algorithm]) -> Result<Vec<u8>, Error> {
    Unverified::parse(token)?.verify(key, allowed)
}

fn sign_with_header(signer: &SigningKey, header: &Value) -> String {
    let input = format!("{}.{}", encode(header), encode(&json!({"sub": "a"})));
    let signature = base64url(&signer.sign_raw(input.as_bytes()).unwrap());
    format!("{input}.{signature}")
}

fn encode(value: &Value) -> String {
    base64url(value.to_string().as_bytes())
}

/// The public key in each form in which one may come to hold it.
fn every_form(signer: &SigningKey) -> Vec<VerifyingKey> {
    let jwk = signer.public_jwk().unwrap();
    let without_alg = Jwk { alg: None, ..jwk.clone() };
    let spki = pem("PUBLIC KEY", &signer.public_key_der().unwrap());
    vec![
        signer.verifying_key(),
        VerifyingKey::from_jwk(&jwk).unwrap(),
        VerifyingKey::from_jwk(&without_alg).unwrap(),
        VerifyingKey::from_pem(&spki).unwrap(),
    ]
}

fn rsa() -> SigningKey {
    SigningKey::from_pkcs8(Algorithm::RS256, "rsa-1", &generate_rsa(2048).unwrap()).unwrap()
}

fn es256() -> SigningKey {
    SigningKey::from_pkcs8(Algorithm::ES256, "es-1", &generate_es256().unwrap()).unwrap()
}

/// One key of each kind, and the RSA key in three of its roles, none with an id in common use.
fn keys() -> Vec<SigningKey> {
    use std::sync::LazyLock;
    static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
        let rsa = SigningKey::from_pkcs8(Algorithm::RS256, "k", &generate_rsa(2048).unwrap()).unwrap();
        vec![
            SigningKey::from_pkcs8(Algorithm::ES256, "k", &generate_es256().unwrap()).unwrap(),
            SigningKey::from_pkcs8(Algorithm::EdDSA, "k", &generate_ed25519().unwrap()).unwrap(),
            SigningKey::from_secret(Algorithm::HS256, Some("k".into()), b"a secret between two").unwrap(),
            rsa,
        ]
    });
    KEYS.clone()
}
