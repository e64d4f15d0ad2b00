//! Requests that an application signed (JAR), of `/authorize` and of `/bc-authorize`: the payload behind a signature that holds.
#![no_main]

use chancery_core::oauth::{
    RequestObjectFor, signed_backchannel_request, signed_request, unsigned_request,
};
use chancery_core::params::Params;
use chancery_jose::base64url;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const NOW: i64 = 1_000_000;
const ISSUER: &str = "https://acme.example/";
const OWN_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

fuzz_target!(|payload: &[u8]| {
    let strict =
        RequestObjectFor { client_id: "app", issuer: ISSUER, may_be_bare: false, is_bounded: false, now: NOW };
    let bounded = RequestObjectFor { is_bounded: true, ..strict };
    let bare = RequestObjectFor { may_be_bare: true, ..strict };
    let read = |rules: &RequestObjectFor<'_>| signed_request(payload, rules).ok();

    for rules in [strict, bounded, bare, RequestObjectFor { may_be_bare: true, ..bounded }] {
        let Some(request) = read(&rules) else { continue };
        let claims = claims(payload, &request);
        assert_eq!(claims["client_id"], "app");
        is_ours_and_good(&claims, &rules);
    }
    // What more is wanted of some is never less.
    assert!(read(&bounded).is_none() || read(&strict) == read(&bounded));
    assert!(read(&strict).is_none() || read(&bare) == read(&strict));
    // Without a signature the same counts, for those who may do without one.
    let object = format!("e30.{}.", base64url(payload));
    assert_eq!(unsigned_request(&object, &strict).ok(), read(&bare));
    assert!(unsigned_request(&format!("{object}x"), &strict).is_err());

    for rules in [strict, bounded] {
        let Ok(request) = signed_backchannel_request(payload, &rules) else { continue };
        let claims = claims(payload, &request);
        assert!(["iss", "aud", "exp", "nbf", "iat", "jti"].iter().all(|name| !claims[*name].is_null()));
        is_ours_and_good(&claims, &rules);
    }
    if let Ok(text) = std::str::from_utf8(payload) {
        let _ = unsigned_request(text, &bare);
    }
});

/// Nothing of the token itself is a parameter, and no request holds another one.
fn claims(payload: &[u8], request: &Params) -> Value {
    for name in OWN_CLAIMS.iter().chain(&["request", "request_uri"]) {
        assert!(!request.has(name), "{name}");
    }
    serde_json::from_slice(payload).unwrap()
}

fn is_ours_and_good(claims: &Value, rules: &RequestObjectFor<'_>) {
    let is_there = |name: &str| !claims[name].is_null();
    assert!(claims["iss"] == "app" || (rules.may_be_bare && !is_there("iss")));
    let aud = &claims["aud"];
    let is_for_us = aud == ISSUER || aud.as_array().is_some_and(|all| all.iter().any(|aud| aud == ISSUER));
    assert!(is_for_us || (rules.may_be_bare && !is_there("aud")));
    let time = |name: &str| claims[name].as_i64();
    assert!(time("exp").is_none_or(|end| end > NOW - 60));
    assert!(["nbf", "iat"].iter().all(|name| time(name).is_none_or(|from| from < NOW + 60)));
    if rules.is_bounded {
        assert!(time("exp").unwrap() - time("nbf").unwrap() <= 3600);
    }
}
