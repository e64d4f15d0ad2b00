//! The examples printed in the RFCs: what others signed verifies here, and where the algorithm is deterministic, what is
//! signed here is byte for byte the same.

#![cfg(test)]

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaPublicKeyComponents,
};
use chancery_jose::{
    Algorithm, Error, Jwk, SigningKey, Unverified, VerifyingKey, base64url, base64url_decode,
};
use serde_json::{Value, json};

/// RFC 7515, appendix A.1: `{"typ":"JWT",\r\n "alg":"HS256"}`.
#[test]
fn rfc_7515_a1_hs256() {
    let secret =
        decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    let token = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD_7515}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let key = VerifyingKey::from_secret(&secret).unwrap();
    assert_eq!(
        verify(&token, &key, Algorithm::HS256),
        json!({"iss": "joe", "exp": 1300819380, "http://example.com/is_root": true})
    );

    let signer = SigningKey::from_secret(Algorithm::HS256, None, &secret).unwrap();
    assert_signs_the_same(&signer, &token);
    let parsed = Unverified::parse(&token).unwrap();
    assert_eq!(parsed.header().typ.as_deref(), Some("JWT"));
    assert_eq!(parsed.header().kid, None);
}

#[test]
fn rfc_7515_a2_rs256() {
    let jwk = json!({
        "kty": "RSA",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "e": "AQAB",
    });
    let token = format!(
        "eyJhbGciOiJSUzI1NiJ9.{PAYLOAD_7515}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    assert_eq!(verify(&token, &from_jwk(jwk), Algorithm::RS256)["iss"], "joe");
}

#[test]
fn rfc_7515_a3_es256() {
    let (x, y) =
        ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let key = from_jwk(json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}));
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{PAYLOAD_7515}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    assert_eq!(verify(&token, &key, Algorithm::ES256)["iss"], "joe");

    // ECDSA is not deterministic: what the private key of the example signs, its public key verifies.
    let point = [&[4][..], &decode(x), &decode(y)].concat();
    let private = decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    let pair =
        EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &private, &point)
            .unwrap();
    let signer = SigningKey::from_pkcs8(Algorithm::ES256, "k", pair.to_pkcs8v1().unwrap().as_ref()).unwrap();
    let signature = signer.sign_raw(b"message").unwrap();
    assert_eq!(signature.len(), 64);
    assert_eq!(key.verify_raw(Algorithm::ES256, b"message", &signature), Ok(()));
    let jwk = signer.public_jwk().unwrap();
    assert_eq!((jwk.x.as_deref(), jwk.y.as_deref()), (Some(x), Some(y)));
}

/// RFC 7515, appendix A.5: the unsecured token is not a token.
#[test]
fn rfc_7515_a5_none() {
    let token = format!("eyJhbGciOiJub25lIn0.{PAYLOAD_7515}.");
    let key = VerifyingKey::from_secret(b"secret").unwrap();
    let parsed = Unverified::parse(&token).unwrap();
    assert_eq!(parsed.verify(&key, &Algorithm::ALL), Err(Error::UnsupportedAlgorithm));
}

/// RFC 7515, appendix E: an unknown extension that the header calls critical.
#[test]
fn rfc_7515_e_critical() {
    let token = "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.";
    assert_eq!(Unverified::parse(token).unwrap_err(), Error::Critical);
}

#[test]
fn rfc_7520_4_1_rs256() {
    let token = format!(
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{PAYLOAD_7520}.MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"
    );
    let key = from_jwk(
        json!({"kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "n": HOBBITON_N, "e": "AQAB"}),
    );
    assert_eq!(payload(&token, &key, Algorithm::RS256), decode(PAYLOAD_7520));

    let signer = hobbiton_rsa();
    assert_signs_the_same(&signer, &token);
    let jwk = signer.public_jwk().unwrap();
    assert_eq!((jwk.n.as_deref(), jwk.e.as_deref()), (Some(HOBBITON_N), Some("AQAB")));
    assert!(serde_json::to_string(&jwk).unwrap().starts_with(r#"{"kty":"RSA","use":"sig","n":"n4EP"#));
}

#[test]
fn rfc_7520_4_2_ps384() {
    let token = format!(
        "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{PAYLOAD_7520}.cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"
    );
    let key = from_jwk(
        json!({"kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "n": HOBBITON_N, "e": "AQAB"}),
    );
    assert_eq!(payload(&token, &key, Algorithm::PS384), decode(PAYLOAD_7520));
}

#[test]
fn rfc_7520_4_4_hs256() {
    let secret = decode("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg");
    let token = format!(
        "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.{PAYLOAD_7520}.s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"
    );
    let key = VerifyingKey::from_secret(&secret).unwrap();
    assert_eq!(payload(&token, &key, Algorithm::HS256), decode(PAYLOAD_7520));
    let signer = SigningKey::from_secret(Algorithm::HS256, None, &secret).unwrap();
    assert_signs_the_same(&signer, &token);
}

/// RFC 7638, section 3.1, whose key carries members that do not count.
#[test]
fn rfc_7638_thumbprint() {
    let jwk: Jwk = serde_json::from_value(json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }))
    .unwrap();
    assert_eq!(base64url(&jwk.thumbprint().unwrap()), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

/// RFC 8037, appendices A.1 to A.5.
#[test]
fn rfc_8037_eddsa() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let jwk: Jwk = serde_json::from_value(json!({"kty": "OKP", "crv": "Ed25519", "x": x})).unwrap();
    assert_eq!(base64url(&jwk.thumbprint().unwrap()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");

    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let key = VerifyingKey::from_jwk(&jwk).unwrap();
    assert_eq!(payload(token, &key, Algorithm::EdDSA), b"Example of Ed25519 signing");

    let pair = Ed25519KeyPair::from_seed_and_public_key(
        &decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"),
        &decode(x),
    )
    .unwrap();
    assert_eq!(pair.public_key().as_ref(), decode(x));
    for document in [pair.to_pkcs8v1().unwrap(), pair.to_pkcs8().unwrap()] {
        let signer = SigningKey::from_pkcs8(Algorithm::EdDSA, "k", document.as_ref()).unwrap();
        assert_signs_the_same(&signer, token);
        assert_eq!(signer.public_jwk().unwrap().x.as_deref(), Some(x));
    }
}

fn payload(token: &str, key: &VerifyingKey, algorithm: Algorithm) -> Vec<u8> {
    let token = Unverified::parse(token).unwrap();
    let payload = token.verify(key, &[algorithm]).unwrap();
    assert_eq!(token.payload_unverified().unwrap(), payload);
    payload
}

fn verify(token: &str, key: &VerifyingKey, algorithm: Algorithm) -> Value {
    serde_json::from_slice(&payload(token, key, algorithm)).unwrap()
}

/// The examples order their headers in their own way, so the signing input is taken from them.
fn assert_signs_the_same(signer: &SigningKey, token: &str) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(base64url(&signer.sign_raw(input.as_bytes()).unwrap()), signature);
}

fn from_jwk(jwk: Value) -> VerifyingKey {
    VerifyingKey::from_jwk(&serde_json::from_value(jwk).unwrap()).unwrap()
}

fn decode(text: &str) -> Vec<u8> {
    base64url_decode(text).unwrap()
}

/// The key of RFC 7520, section 3.4.
fn hobbiton_rsa() -> SigningKey {
    let pair = KeyPair::from_components(&KeyPairComponents {
        public_key: RsaPublicKeyComponents { n: decode(HOBBITON_N), e: decode("AQAB") },
        d: decode("bWUC9B-EFRIo8kpGfh0ZuyGPvMNKvYWNtB_ikiH9k20eT-O1q_I78eiZkpXxXQ0UTEs2LsNRS-8uJbvQ-A1irkwMSMkK1J3XTGgdrhCku9gRldY7sNA_AKZGh-Q661_42rINLRCe8W-nZ34ui_qOfkLnK9QWDDqpaIsA-bMwWWSDFu2MUBYwkHTMEzLYGqOe04noqeq1hExBTHBOBdkMXiuFhUq1BU6l-DqEiWxqg82sXt2h-LMnT3046AOYJoRioz75tSUQfGCshWTBnP5uDjd18kKhyv07lhfSJdrPdM5Plyl21hsFf4L_mHCuoFau7gdsPfHPxxjVOcOpBrQzwQ"),
        p: decode("3Slxg_DwTXJcb6095RoXygQCAZ5RnAvZlno1yhHtnUex_fp7AZ_9nRaO7HX_-SFfGQeutao2TDjDAWU4Vupk8rw9JR0AzZ0N2fvuIAmr_WCsmGpeNqQnev1T7IyEsnh8UMt-n5CafhkikzhEsrmndH6LxOrvRJlsPp6Zv8bUq0k"),
        q: decode("uKE2dh-cTf6ERF4k4e_jy78GfPYUIaUyoSSJuBzp3Cubk3OCqs6grT8bR_cu0Dm1MZwWmtdqDyI95HrUeq3MP15vMMON8lHTeZu2lmKvwqW7anV5UzhM1iZ7z4yMkuUwFWoBvyY898EXvRD-hdqRxHlSqAZ192zB3pVFJ0s7pFc"),
        dP: decode("B8PVvXkvJrj2L-GYQ7v3y9r6Kw5g9SahXBwsWUzp19TVlgI-YV85q1NIb1rxQtD-IsXXR3-TanevuRPRt5OBOdiMGQp8pbt26gljYfKU_E9xn-RULHz0-ed9E9gXLKD4VGngpz-PfQ_q29pk5xWHoJp009Qf1HvChixRX59ehik"),
        dQ: decode("CLDmDGduhylc9o7r84rEUVn7pzQ6PF83Y-iBZx5NT-TpnOZKF1pErAMVeKzFEl41DlHHqqBLSM0W1sOFbwTxYWZDm6sI6og5iTbwQGIC3gnJKbi_7k_vJgGHwHxgPaX2PnvP-zyEkDERuf-ry4c_Z11Cq9AqC2yeL6kdKT1cYF8"),
        qInv: decode("3PiqvXQN0zwMeE-sBvZgi289XP9XCQF3VWqPzMKnIgQp7_Tugo6-NZBKCQsMf3HaEGBjTVJs_jcK8-TRXvaKe-7ZMaQj8VfBdYkssbu0NKDDhjJ-GtiseaDVWt7dcH0cfwxgFUHpQh7FoCrjFJ6h6ZEpMF6xmujs4qMpPz8aaI4"),
    })
    .unwrap();
    let document: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    SigningKey::from_pkcs8(Algorithm::RS256, "bilbo.baggins@hobbiton.example", document.as_ref()).unwrap()
}

const PAYLOAD_7515: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const PAYLOAD_7520: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

const HOBBITON_N: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";
