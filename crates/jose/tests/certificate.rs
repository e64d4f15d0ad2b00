//! Certificates made here, read back here and, where the tool is installed, by OpenSSL.

#![cfg(test)]

use chancery_jose::{
    Algorithm, Error, SigningKey, Typ, Unverified, VerifyingKey, base64url, generate_es256, generate_rsa,
    pem, pem_decode, self_signed_certificate, sha1,
};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// 2026-01-02T03:04:05Z and 2052-02-29T23:59:59Z: one time in each of the two forms.
const TIMES: (i64, i64) = (1_767_323_045, 2_592_863_999);

#[test]
fn the_key_is_read_from_it() {
    let certificate = certificate("tenant.example");
    let key = VerifyingKey::from_pem(&pem("CERTIFICATE", &certificate)).unwrap();
    let token = KEY.sign(Typ::Jwt, b"{}").unwrap();
    assert!(Unverified::parse(&token).unwrap().verify(&key, &[Algorithm::RS256]).is_ok());
    assert_eq!(key.to_jwk().unwrap().n, KEY.public_jwk().unwrap().n);
}

#[test]
fn it_is_signed_by_itself() {
    let certificate = certificate("tenant.example");
    // SEQUENCE(4 bytes of head) { fields, algorithm (15 bytes), BIT STRING (5 bytes of head, 256 of signature) }.
    let (fields, rest) = certificate[4..].split_at(certificate.len() - 4 - 15 - 5 - 256);
    assert_eq!(KEY.verifying_key().verify_raw(Algorithm::RS256, fields, &rest[15 + 5..]), Ok(()));
}

#[test]
fn its_fields_stand_in_it() {
    let certificate = certificate("tenant.example");
    let contains =
        |needle: &[u8]| certificate.windows(needle.len()).filter(|window| *window == needle).count();
    assert_eq!(contains(b"\x0c\x0etenant.example"), 2, "issuer and subject");
    assert_eq!(contains(b"\x17\x0d260102030405Z"), 1);
    assert_eq!(contains(b"\x18\x0f20520229235959Z"), 1);
    assert_eq!(contains(&[&[2, 17, 0][..], &SERIAL].concat()), 1);
    assert_eq!(contains(&KEY.public_key_der().unwrap()), 1);
}

#[test]
fn the_jwk_carries_it() {
    let certificate = certificate("tenant.example");
    let jwk = KEY.public_jwk().unwrap().with_certificate(&certificate);
    assert_eq!(jwk.x5t.as_deref(), Some(base64url(&sha1(&certificate)).as_str()));
    let text =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", jwk.x5c.as_ref().unwrap()[0]);
    assert_eq!(pem_decode(&text).unwrap().1, certificate);
    let names: Vec<_> = serde_json::to_value(&jwk).unwrap().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["kty", "use", "n", "e", "kid", "x5t", "x5c", "alg"]);
}

#[test]
fn dates_are_those_of_the_calendar() {
    for (epoch, text) in [
        (-631_152_000, "\x17\x0d500101000000Z"),
        (-1, "\x17\x0d691231235959Z"),
        (0, "\x17\x0d700101000000Z"),
        (951_782_400, "\x17\x0d000229000000Z"),
        (951_868_800, "\x17\x0d000301000000Z"),
        (2_524_607_999, "\x17\x0d491231235959Z"),
        (2_524_608_000, "\x18\x0f20500101000000Z"),
        (4_107_542_400, "\x18\x0f21000301000000Z"),
        (253_402_300_799, "\x18\x0f99991231235959Z"),
    ] {
        let der = self_signed_certificate(&KEY, "x", epoch, epoch, &SERIAL).unwrap();
        let found = der.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
        assert_eq!(found, 2, "{epoch} {text:?}");
    }
    for epoch in [-631_152_001, 253_402_300_800, i64::MIN, i64::MAX] {
        assert_eq!(
            self_signed_certificate(&KEY, "x", epoch, 0, &SERIAL),
            Err(Error::Malformed("time")),
            "{epoch}"
        );
    }
}

#[test]
fn other_keys_and_names() {
    let ec = SigningKey::from_pkcs8(Algorithm::ES256, "k", &generate_es256().unwrap()).unwrap();
    assert!(matches!(self_signed_certificate(&ec, "x", 0, 0, &SERIAL), Err(Error::Key(_))));
    assert_eq!(self_signed_certificate(&KEY, "", 0, 0, &SERIAL), Err(Error::Malformed("common name")));
    // The role of the key does not matter, the signature of the certificate is always RS256.
    let role = KEY.with_algorithm(Algorithm::PS512).unwrap();
    assert_eq!(
        self_signed_certificate(&role, "x", 0, 0, &SERIAL),
        self_signed_certificate(&KEY, "x", 0, 0, &SERIAL)
    );
    // 64 characters is all that a name may have.
    let long = "é".repeat(100);
    let der = certificate(&long);
    assert!(der.windows(130).any(|window| window == [&[0x0c, 0x81, 0x80], &long.as_bytes()[..127]].concat()));
    assert!(VerifyingKey::from_pem(&pem("CERTIFICATE", &der)).is_ok());
}

/// A second opinion. Machines without the tool skip it, and say so.
#[test]
fn openssl_agrees() {
    let text = pem("CERTIFICATE", &certificate("tenant.example"));
    let arguments = [
        "x509",
        "-noout",
        "-subject",
        "-issuer",
        "-serial",
        "-dates",
        "-ext",
        "basicConstraints,keyUsage",
        "-fingerprint",
        "-sha1",
    ];
    let child = Command::new("openssl").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: openssl is not installed");
        return;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    for expected in [
        "notBefore=Jan  2 03:04:05 2026 GMT",
        "notAfter=Feb 29 23:59:59 2052 GMT",
        "serial=F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF",
        "CA:TRUE",
        "Digital Signature, Certificate Sign",
        "tenant.example",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

fn certificate(common_name: &str) -> Vec<u8> {
    self_signed_certificate(&KEY, common_name, TIMES.0, TIMES.1, &SERIAL).unwrap()
}

const SERIAL: [u8; 16] =
    [0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::from_pkcs8(Algorithm::RS256, "key-1", &generate_rsa(2048).unwrap()).unwrap()
});
