//! Descriptions of applications at a URL, and what tokens of trusted servers say: first line what the URL is, the rest the document.
#![no_main]

use chancery_core::model::{DescribedClients, ForeignUse, TrustedIssuer};
use chancery_core::oauth::{ClientDocument, ForeignClaims, ForeignRules, RedirectUri, check_client_id_url};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use url::Url;

fuzz_target!(|text: &str| {
    let (url, document) = text.split_once('\n').unwrap_or(("https://agent.example/client.json", text));
    let any = DescribedClients { enabled: true, ..DescribedClients::default() };
    assert_eq!(any.admit(url), check_client_id_url(url).is_ok());
    if any.admit(url) {
        let parsed = Url::parse(url).unwrap();
        assert!(parsed.scheme() == "https" && parsed.as_str() == url && parsed.username().is_empty());
    }
    if let Ok(document) = serde_json::from_str::<Value>(document) {
        describes(url, &document);
    }
    claims(document);
});

/// What is valid names itself, holds no secret, and is called back only where a browser goes as it seems.
fn describes(url: &str, document: &Value) {
    let read = ClientDocument::read(url, document);
    if !read.is_valid() {
        return;
    }
    assert_eq!(document["client_id"], url);
    assert!(document.get("client_secret").is_none());
    let mapped = &read.mapped;
    assert!(
        mapped["grant_types"]
            .as_array()
            .unwrap()
            .iter()
            .all(|grant| { grant == "authorization_code" || grant == "refresh_token" })
    );
    let name = mapped["name"].as_str().unwrap();
    assert!(!name.contains(['<', '>', '\n', '\u{202e}']));
    for callback in mapped["callbacks"].as_array().unwrap() {
        let callback = callback.as_str().unwrap();
        let parsed = Url::parse(callback).unwrap();
        assert!(!["javascript", "data", "vbscript", "file", "blob"].contains(&parsed.scheme()), "{callback}");
        if let Some(allowed) = RedirectUri::allowed_at_any_port(callback, [callback]) {
            assert_eq!(allowed.as_str(), callback);
        }
        for other in ["https://evil.example/", "http://127.0.0.1:1@evil.example/", "javascript:alert(1)"] {
            assert!(callback == other || RedirectUri::allowed_at_any_port(other, [callback]).is_none());
        }
    }
}

/// Whatever it says, a token is good only for whom it names and in its time.
fn claims(payload: &str) {
    let Some(claims) = ForeignClaims::read(payload.as_bytes()) else { return };
    let issuer = TrustedIssuer {
        issuer: "https://idp.example".to_owned(),
        clients: vec!["app".to_owned()],
        token_exchange_profiles: vec!["tep_1".to_owned()],
        jwt_bearer: true,
        identity_assertions: true,
        ..TrustedIssuer::default()
    };
    for wanted in [ForeignUse::Profile("tep_1"), ForeignUse::Assertion, ForeignUse::IdentityAssertion] {
        let own_audiences = ["https://acme.example/", "https://acme.example/oauth/token"];
        let rules = ForeignRules { issuer: &issuer, wanted, client_id: "app", own_audiences, now: 1_000_000 };
        if claims.judge(&rules).is_ok() {
            assert!(claims.iss == "https://idp.example" && claims.exp > 999_900);
            assert!(matches!(wanted, ForeignUse::Profile(_)) || claims.jti.is_some());
        }
    }
}
