//! What an application says of itself at `/oidc/register`, in both modes, and the parameter `claims`.
#![no_main]

use chancery_core::claims::is_standard_claim;
use chancery_core::model::SecurityMode;
use chancery_core::oauth::{ClaimsParameter, RedirectUri, Registration, RegistrationRules, registered};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|text: &[u8]| {
    if let Ok(text) = std::str::from_utf8(text) {
        claims(text);
    }
    let Ok(metadata) = serde_json::from_slice::<Map<String, Value>>(text) else { return };
    for mode in [SecurityMode::Strict, SecurityMode::Permissive] {
        for is_oidc_strict in [false, true] {
            registration(&metadata, &RegistrationRules { mode, is_oidc_strict, plain_http: false });
        }
    }
});

fn registration(metadata: &Map<String, Value>, rules: &RegistrationRules) {
    let read = match Registration::read(metadata, rules) {
        Ok(read) => read,
        Err(error) => {
            assert!(matches!(error.code, "invalid_redirect_uri" | "invalid_client_metadata"));
            assert!(!error.text.is_empty());
            return;
        }
    };
    if let Some(uri) = read.sector_document() {
        // Schemes are read without regard to case (RFC 3986, section 3.1).
        assert!(uri.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")), "{uri}");
    }
    let mut client = read.blank("id".to_owned());
    let needs_secret = read.needs_secret();
    read.describe(&mut client);
    assert!(!client.is_first_party, "nobody vouched for it");
    assert_eq!(client.is_strict_third_party(), rules.mode == SecurityMode::Strict);
    assert!(!needs_secret || !client.is_public());
    for grant in client.grant_types.iter().flatten() {
        assert!(!matches!(grant.as_str(), "client_credentials" | "password"), "{grant}");
        assert!(grant != "implicit" || rules.mode == SecurityMode::Permissive);
    }
    for uri in client.callbacks.iter().flatten() {
        assert!(RedirectUri::allowed(uri, [uri.as_str()]).is_some(), "{uri} would match nothing");
        let scheme = uri.split(':').next().unwrap_or_default().to_ascii_lowercase();
        assert!(!["javascript", "data", "vbscript", "blob", "file"].contains(&scheme.as_str()), "{uri}");
        assert!(!uri.contains(['*', '#', '\\', '{']), "{uri}");
    }
    assert!(client.openid.as_ref().is_none_or(|own| !own.pairwise || own.sector.is_some()));
    let kept = serde_json::to_string(&client).ok().and_then(|text| serde_json::from_str(&text).ok());
    assert_eq!(kept.as_ref(), Some(&client), "a document remembers the application as it was");
    // What is told can be said again, and means the same.
    let told = registered(&client);
    let again = Registration::read(&told, rules).unwrap_or_else(|error| panic!("{}: {told:?}", error.text));
    let mut second = again.blank("id".to_owned());
    again.describe(&mut second);
    assert_eq!(registered(&second), told);
}

fn claims(text: &str) {
    let Ok(asked) = ClaimsParameter::parse(text) else { return };
    for claim in asked.claims.id_token.iter().chain(&asked.claims.userinfo) {
        assert!(is_standard_claim(claim), "{claim}");
    }
    assert!(!asked.acr_is_essential || !asked.acr_values.is_empty());
    assert_eq!(asked.claims.within::<&str>(&[]), None);
    let scopes = asked.claims.scopes();
    assert_eq!(asked.claims.within(&scopes), Some(asked.claims.clone()).filter(|claims| !claims.is_empty()));
}
