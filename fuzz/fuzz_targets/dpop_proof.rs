//! Proofs of possession (RFC 9449): a proof as it comes; and first line the header, the rest the claims, signed by a key of ours.
#![no_main]

use std::sync::LazyLock;

use chancery_core::oauth::{PROOF_LIFETIME_WITH_NONCE, Proof, ProofFor, ProofNonce, is_thumbprint};
use chancery_jose::{Algorithm, SigningKey, base64url, generate_es256, sha256};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use url::Url;

const NOW: i64 = 1_000_000;
const PLACE: &str = "https://acme.example/oauth/token";

fuzz_target!(|text: &str| {
    let _ = check(text, None);
    let (header, claims) = text.split_once('\n').unwrap_or(("", text));
    // An empty line stands for a header that is good.
    let header = if header.is_empty() { GOOD_HEADER.as_str() } else { header };
    let input = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let Ok(signature) = KEY.sign_raw(input.as_bytes()) else { panic!("signing failed") };
    let proof = format!("{input}.{}", base64url(&signature));
    for token in [None, Some("token")] {
        if let Some(good) = check(&proof, token) {
            holds(header, claims, token, &good);
            let other = base64url(&sha256(proof.as_bytes()));
            assert!(check(&format!("{input}.{other}{other}"), token).is_none(), "another signature");
        }
    }
});

fn check(proof: &str, access_token: Option<&str>) -> Option<Proof> {
    let expected = ProofFor { method: "POST", url: PLACE, access_token, now: NOW };
    Proof::check(proof, &expected, |nonce| nonce == "fresh").ok()
}

/// It is of this key, for this request, of now, and for the token that came with it.
fn holds(header: &str, claims: &str, token: Option<&str>, proof: &Proof) {
    let header: Value = serde_json::from_str(header).unwrap();
    assert_eq!(header["alg"], "ES256");
    assert!(header["typ"].as_str().unwrap().to_ascii_lowercase().ends_with("dpop+jwt"));
    assert!(header["jwk"].get("d").is_none() && is_thumbprint(&proof.jkt));
    assert_eq!(header["jwk"]["x"], PUBLIC["x"], "the key that signed");
    let claims: Value = serde_json::from_str(claims).unwrap();
    assert_eq!(claims["htm"], "POST");
    let mut url = Url::parse(claims["htu"].as_str().unwrap()).unwrap();
    url.set_query(None);
    url.set_fragment(None);
    assert_eq!(url.as_str(), PLACE);
    let is_fresh = claims["nonce"] == "fresh";
    assert_eq!(proof.nonce == ProofNonce::Fresh, is_fresh);
    let off = (NOW - claims["iat"].as_i64().unwrap()).abs();
    assert!(off <= if is_fresh { PROOF_LIFETIME_WITH_NONCE } else { 70 });
    assert!(proof.ends_at > NOW && !proof.jti.is_empty());
    if let Some(token) = token {
        assert_eq!(claims["ath"], base64url(&sha256(token.as_bytes())));
    }
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let Ok(pkcs8) = generate_es256() else { panic!("no key") };
    let Ok(key) = SigningKey::from_pkcs8(Algorithm::ES256, "", &pkcs8) else { panic!("no key") };
    key
});
static PUBLIC: LazyLock<Value> = LazyLock::new(|| json!(KEY.public_jwk()));
static GOOD_HEADER: LazyLock<String> =
    LazyLock::new(|| json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": *PUBLIC }).to_string());
