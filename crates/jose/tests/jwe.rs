//! Encrypted tokens: the examples of the RFCs open here, what is encrypted here opens for its key alone, and what was tampered with
//! does not open at all.

#![cfg(test)]

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents};
use aws_lc_rs::signature::RsaPublicKeyComponents;
use chancery_jose::{
    ContentEncryption, DecryptionKey, EncryptionKey, Error, Jwk, KeyManagement, MAX_ENCRYPTED_LENGTH,
    SigningKey, base64url, base64url_decode, generate_es256, generate_rsa, pem,
};
use proptest::prelude::*;
use serde_json::json;

const ALL: [ContentEncryption; 4] = ContentEncryption::ALL;

fn decode(text: &str) -> Vec<u8> {
    base64url_decode(text).unwrap()
}

/// RFC 7516, appendix A.1: RSA-OAEP and A256GCM.
#[test]
fn rfc_7516_a1() {
    let [n, d, p, q, dp, dq, qinv] = [
        "oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-BVvxkeDNjbC4he8rUWcJoZmds2h7M70imEVhRU5djINXtqllXI4DFqcI1DgjT9LewND8MW2Krf3Spsk_ZkoFnilakGygTwpZ3uesH-PFABNIUYpOiN15dsQRkgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXTq4h-QChLOln0_mtUZwfsRaMStPs6mS6XrgxnxbWhojf663tuEQueGC-FCMfra36C9knDFGzKsNa7LZK2djYgyD3JR_MB_4NUJW_TqOQtwHYbxevoJArm-L5StowjzGy-_bq6Gw",
        "kLdtIj6GbDks_ApCSTYQtelcNttlKiOyPzMrXHeI-yk1F7-kpDxY4-WY5NWV5KntaEeXS1j82E375xxhWMHXyvjYecPT9fpwR_M9gV8n9Hrh2anTpTD93Dt62ypW3yDsJzBnTnrYu1iwWRgBKrEYY46qAZIrA2xAwnm2X7uGR1hghkqDp0Vqj3kbSCz1XyfCs6_LehBwtxHIyh8Ripy40p24moOAbgxVw3rxT_vlt3UVe4WO3JkJOzlpUf-KTVI2Ptgm-dARxTEtE-id-4OJr0h-K-VFs3VSndVTIznSxfyrj8ILL6MG_Uv8YAu7VILSB3lOW085-4qE3DzgrTjgyQ",
        "1r52Xk46c-LsfB5P442p7atdPUrxQSy4mti_tZI3Mgf2EuFVbUoDBvaRQ-SWxkbkmoEzL7JXroSBjSrK3YIQgYdMgyAEPTPjXv_hI2_1eTSPVZfzL0lffNn03IXqWF5MDFuoUYE0hzb2vhrlN_rKrbfDIwUbTrjjgieRbwC6Cl0",
        "wLb35x7hmQWZsWJmB_vle87ihgZ19S8lBEROLIsZG4ayZVe9Hi9gDVCOBmUDdaDYVTSNx_8Fyw1YYa9XGrGnDew00J28cRUoeBB_jKI1oma0Orv1T9aXIWxKwd4gvxFImOWr3QRL9KEBRzk2RatUBnmDZJTIAfwTs0g68UZHvtc",
        "ZK-YwE7diUh0qR1tR7w8WHtolDx3MZ_OTowiFvgfeQ3SiresXjm9gZ5KLhMXvo-uz-KUJWDxS5pFQ_M0evdo1dKiRTjVw_x4NyqyXPM5nULPkcpU827rnpZzAJKpdhWAgqrXGKAECQH0Xt4taznjnd_zVpAmZZq60WPMBMfKcuE",
        "Dq0gfgJ1DdFGXiLvQEZnuKEN0UUmsJBxkjydc3j4ZYdBiMRAy86x0vHCjywcMlYYg4yoC4YZa9hNVcsjqA3FeiL19rk8g6Qn29Tt0cj8qqyFpz9vNDBUfCAiJVeESOjJDZPYHdHY8v1b-o-Z2X5tvLx-TCekf7oxyeKDUqKWjis",
        "VIMpMYbPf47dT1w_zDUXfPimsSegnMOA1zTaX7aGk_8urY6R8-ZW1FxU7AlWAyLWybqq6t16VFd7hQd0y6flUK4SlOydB61gwanOsXGOAOv82cHq0E3eL4HrtZkUuKvnPrMnsUUFlfUdybVzxyjz9JF_XyaY14ardLSjf4L_FNY",
    ]
    .map(decode);
    let e = vec![1, 0, 1];
    let public_key = RsaPublicKeyComponents { n: &n, e: &e };
    let components = KeyPairComponents { public_key, d: &d, p: &p, q: &q, dP: &dp, dQ: &dq, qInv: &qinv };
    let pair = KeyPair::from_components(&components).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let token = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGeipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iGdXKHzg.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A.XFBoMYUZodetZdvTiFvSkQ";
    let key = DecryptionKey::from_pkcs8(KeyManagement::RsaOaep, pkcs8.as_ref()).unwrap();
    assert_eq!(
        key.decrypt(token, &ALL).unwrap(),
        b"The true sign of intelligence is not knowledge but imagination."
    );
    // The same key is for one algorithm.
    let other = DecryptionKey::from_pkcs8(KeyManagement::RsaOaep256, pkcs8.as_ref()).unwrap();
    assert_eq!(other.decrypt(token, &ALL), Err(Error::KeyMismatch));
    assert_eq!(key.decrypt(token, &[ContentEncryption::A128Gcm]), Err(Error::AlgorithmNotAllowed));
}

/// RFC 7520, section 5.5: ECDH-ES and A128CBC-HS256.
#[test]
fn rfc_7520_5_5() {
    let private =
        PrivateKey::from_private_key(&ECDH_P256, &decode("r_kHyZ-a06rmxM3yESK84r1otSg-aQcVStkRhA-iCM8"));
    let der: EcPrivateKeyRfc5915Der<'_> = private.unwrap().as_der().unwrap();
    let token = "eyJhbGciOiJFQ0RILUVTIiwia2lkIjoibWVyaWFkb2MuYnJhbmR5YnVja0BidWNrbGFuZC5leGFtcGxlIiwiZXBrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoibVBVS1RfYkFXR0hJaGcwVHBqanFWc1AxclhXUXVfdndWT0hIdE5rZFlvQSIsInkiOiI4QlFBc0ltR2VBUzQ2ZnlXdzVNaFlmR1RUMElqQnBGdzJTUzM0RHY0SXJzIn0sImVuYyI6IkExMjhDQkMtSFMyNTYifQ..yc9N8v5sYyv3iGQT926IUg.BoDlwPnTypYq-ivjmQvAYJLb5Q6l-F3LIgQomlz87yW4OPKbWE1zSTEFjDfhU9IPIOSA9Bml4m7iDFwA-1ZXvHteLDtw4R1XRGMEsDIqAYtskTTmzmzNa-_q4F_evAPUmwlO-ZG45Mnq4uhM1fm_D9rBtWolqZSF3xGNNkpOMQKF1Cl8i8wjzRli7-IXgyirlKQsbhhqRzkv8IcY6aHl24j03C-AR2le1r7URUhArM79BY8soZU0lzwI-sD5PZ3l4NDCCei9XkoIAfsXJWmySPoeRb2Ni5UZL4mYpvKDiwmyzGd65KqVw7MsFfI_K767G9C9Azp73gKZD0DyUn1mn0WW5LmyX_yJ-3AROq8p1WZBfG-ZyJ6195_JGG2m9Csg.WCCkNa-x4BeB9hIDIfFuhg";
    let key = DecryptionKey::from_pkcs8(KeyManagement::EcdhEs, der.as_ref()).unwrap();
    let text = String::from_utf8(key.decrypt(token, &ALL).unwrap()).unwrap();
    assert!(text.starts_with("You can trust us to stick with you through thick and thin"), "{text}");
    assert!(text.ends_with("We are your friends, Frodo."), "{text}");
}

/// The side that encrypts, with whatever encryption of the content.
type Seal = Box<dyn Fn(ContentEncryption) -> EncryptionKey>;

/// Both sides of every algorithm.
fn pairs() -> Vec<(KeyManagement, Seal, DecryptionKey)> {
    let rsa = generate_rsa(2048).unwrap();
    let ec = generate_es256().unwrap();
    let spki = |algorithm, der: &[u8]| {
        SigningKey::from_pkcs8(algorithm, "k", der).unwrap().public_key_der().unwrap()
    };
    let rsa_pem = pem("PUBLIC KEY", &spki(chancery_jose::Algorithm::RS256, &rsa));
    let ec_pem = pem("PUBLIC KEY", &spki(chancery_jose::Algorithm::ES256, &ec));
    let asymmetric = KeyManagement::ALL.into_iter().filter(|alg| *alg != KeyManagement::Dir);
    asymmetric
        .map(|alg| {
            let is_rsa = alg.as_str().starts_with("RSA");
            let (der, pem) = if is_rsa { (&rsa, rsa_pem.clone()) } else { (&ec, ec_pem.clone()) };
            let encrypt: Seal =
                Box::new(move |enc| EncryptionKey::from_pem((alg, enc), &pem, Some("k")).unwrap());
            (alg, encrypt, DecryptionKey::from_pkcs8(alg, der).unwrap())
        })
        .collect()
}

#[test]
fn every_algorithm_comes_back() {
    let all = pairs();
    for (alg, encrypt, decrypt) in &all {
        for enc in ALL {
            for plain in [&b""[..], b"{}", &[7; 5000]] {
                let token = encrypt(enc).encrypt(plain, Some("JWT")).unwrap();
                assert_eq!(decrypt.decrypt(&token, &[enc]).unwrap(), plain, "{alg:?} {enc:?}");
                assert_ne!(encrypt(enc).encrypt(plain, None).unwrap(), token);
                let header: serde_json::Value =
                    serde_json::from_slice(&decode(token.split('.').next().unwrap())).unwrap();
                assert_eq!(
                    (&header["alg"], &header["enc"], &header["kid"], &header["cty"]),
                    (&json!(alg.as_str()), &json!(enc.as_str()), &json!("k"), &json!("JWT"))
                );
            }
        }
    }
    for enc in ALL {
        let secret = vec![9; enc.key_length()];
        let token = EncryptionKey::from_secret(enc, &secret, None).unwrap().encrypt(b"x", None).unwrap();
        assert_eq!(DecryptionKey::from_secret(&secret).decrypt(&token, &ALL).unwrap(), b"x");
        assert!(EncryptionKey::from_secret(enc, &secret[1..], None).is_err());
        let wrong = vec![8; enc.key_length()];
        assert_eq!(DecryptionKey::from_secret(&wrong).decrypt(&token, &ALL), Err(Error::Decryption));
        assert_eq!(DecryptionKey::from_secret(&wrong[1..]).decrypt(&token, &ALL), Err(Error::Decryption));
    }
}

#[test]
fn nothing_opens_that_was_changed() {
    for (alg, encrypt, decrypt) in pairs() {
        for enc in ALL {
            let token = encrypt(enc).encrypt(b"{\"sub\":\"jane\"}", None).unwrap();
            let parts: Vec<&str> = token.split('.').collect();
            for (at, part) in parts.iter().enumerate() {
                let mut bytes = decode(part);
                if bytes.is_empty() {
                    continue;
                }
                for flip in [0, bytes.len() / 2, bytes.len() - 1] {
                    bytes[flip] ^= 1;
                    let mut changed: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
                    changed[at] = base64url(&bytes);
                    assert!(
                        decrypt.decrypt(&changed.join("."), &ALL).is_err(),
                        "{alg:?} {enc:?} {at} {flip}"
                    );
                    bytes[flip] ^= 1;
                }
                // A shorter tag could be guessed.
                bytes.pop();
                let mut shorter: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
                shorter[at] = base64url(&bytes);
                assert!(decrypt.decrypt(&shorter.join("."), &ALL).is_err(), "{alg:?} {enc:?} {at} shorter");
            }
        }
    }
}

#[test]
fn what_is_refused_before_anything_is_opened() {
    let key = DecryptionKey::from_secret(&[0; 16]);
    let with = |header: serde_json::Value| format!("{}..AA.AA.AA", base64url(header.to_string().as_bytes()));
    for (token, error) in [
        ("a.b.c".to_owned(), Error::Malformed("token")),
        ("a.b.c.d.e.f".to_owned(), Error::Malformed("token")),
        ("....".to_owned(), Error::Malformed("header")),
        (with(json!([])), Error::Malformed("header")),
        (with(json!({"alg": "dir"})), Error::Malformed("header")),
        (with(json!({"alg": "dir", "enc": "A128GCM", "crit": ["x"]})), Error::Critical),
        (with(json!({"alg": "dir", "enc": "A128GCM", "zip": "DEF"})), Error::Critical),
        (with(json!({"alg": "RSA1_5", "enc": "A128GCM"})), Error::KeyMismatch),
        (with(json!({"alg": "none", "enc": "A128GCM"})), Error::KeyMismatch),
        (with(json!({"alg": "dir", "enc": "A128CTR"})), Error::AlgorithmNotAllowed),
        (with(json!({"alg": "dir", "enc": "A128GCM"})), Error::Decryption),
        ("a".repeat(MAX_ENCRYPTED_LENGTH + 1), Error::TooLong),
    ] {
        assert_eq!(key.decrypt(&token, &ALL), Err(error), "{token:.80}");
    }
    let twice = r#"{"alg":"dir","enc":"A128GCM","alg":"dir"}"#;
    let token = format!("{}..AA.AA.AA", base64url(twice.as_bytes()));
    assert_eq!(key.decrypt(&token, &ALL), Err(Error::Malformed("header")));
}

/// A point that is not on the curve would give bits of the private key away.
#[test]
fn ephemeral_keys_lie_on_the_curve() {
    let key = DecryptionKey::from_pkcs8(KeyManagement::EcdhEs, &generate_es256().unwrap()).unwrap();
    let point = base64url(&[1; 32]);
    for epk in [
        json!({"kty": "EC", "crv": "P-256", "x": point, "y": point}),
        json!({"kty": "EC", "crv": "P-384", "x": base64url(&[1; 48]), "y": base64url(&[1; 48])}),
        json!({"kty": "EC", "crv": "P-256", "x": "", "y": ""}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": point}),
        json!({"kty": "oct"}),
    ] {
        let header = json!({"alg": "ECDH-ES", "enc": "A128GCM", "epk": epk});
        let token = format!("{}..AA.AA.AA", base64url(header.to_string().as_bytes()));
        assert!(key.decrypt(&token, &ALL).is_err(), "{epk}");
    }
}

#[test]
fn keys_are_for_what_they_say() {
    let ec =
        SigningKey::from_pkcs8(chancery_jose::Algorithm::ES256, "k", &generate_es256().unwrap()).unwrap();
    let with = |alg| (alg, ContentEncryption::A256Gcm);
    let jwk = Jwk { use_: Some("enc".into()), alg: None, ..ec.public_jwk().unwrap() };
    assert!(EncryptionKey::from_jwk(with(KeyManagement::EcdhEs), &jwk).is_ok());
    for (alg, jwk) in [
        (KeyManagement::RsaOaep256, jwk.clone()),
        (KeyManagement::Dir, jwk.clone()),
        (KeyManagement::EcdhEs, Jwk { use_: Some("sig".into()), ..jwk.clone() }),
        (KeyManagement::EcdhEs, Jwk { alg: Some("ECDH-ES+A128KW".into()), ..jwk.clone() }),
        (KeyManagement::EcdhEs, Jwk { key_ops: Some(vec!["verify".into()]), ..jwk }),
    ] {
        assert!(EncryptionKey::from_jwk(with(alg), &jwk).is_err(), "{alg:?}");
    }
    let private = pem("PRIVATE KEY", &generate_es256().unwrap());
    assert!(EncryptionKey::from_pem(with(KeyManagement::EcdhEs), &private, None).is_err());
}

proptest! {
    #[test]
    fn any_text_is_refused_in_peace(token in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(DecryptionKey::from_secret(&[0; 16]).decrypt(&token, &ALL).is_err());
    }
}
