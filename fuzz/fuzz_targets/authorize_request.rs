//! `/authorize`: a query against public, confidential, old, strict third-party, placeholder and no application.
#![no_main]

#[path = "../../crates/core/tests/redirect_rules/mod.rs"]
#[expect(dead_code, reason = "only the comparison of bytes is used here")]
mod redirect_rules;

use std::sync::LazyLock;

use chancery_core::model::{Client, ClientOrganizationUsage, TenantSettings};
use chancery_core::oauth::{
    AuthorizeRequest, ChallengeMethod, CheckFailure, RedirectUri, ResponseMode, Surroundings, check,
    origin_of,
};
use chancery_core::params::Params;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const API: &str = "https://contacts.example/api";
const OTHER_API: &str = "https://other.example/api";
const USERINFO: &str = "https://tenant.example/userinfo";
const GOOD_HINT: &str = "good.hint";

fuzz_target!(|query: &[u8]| {
    let Ok(params) = Params::from_form(query) else { return };
    for settings in SETTINGS.iter() {
        for client in CLIENTS.iter().map(Some).chain([None]) {
            look_at(&params, settings, client);
        }
    }
});

fn look_at(params: &Params, settings: &TenantSettings, client: Option<&Client>) {
    let around = Surroundings {
        settings,
        client,
        is_api: &|audience| [API, OTHER_API].contains(&audience),
        userinfo_audience: USERINFO,
        is_pushed: false,
        is_signed: false,
        has_second_factors: true,
        hint_subject: &|hint| (hint == GOOD_HINT).then(|| "auth0|jane".to_owned()),
    };
    match check(params, &around) {
        Ok(request) => {
            let Some(client) = client else { panic!("a request of nobody passed") };
            belongs_to(&request.redirect_uri, request.response_mode, params, client);
            is_what_was_sent(&request, params);
            keeps_the_rules(&request, client, settings);
        }
        Err(CheckFailure::Page { status, error }) => {
            assert!(matches!(status, 400 | 403), "{status}");
            assert!(!error.code.is_empty() && !error.text.is_empty());
        }
        Err(CheckFailure::Redirect { redirect_uri, mode, state, error }) => {
            let Some(client) = client else { panic!("an error went to nobody") };
            belongs_to(&redirect_uri, mode, params, client);
            assert_eq!(state.as_deref(), params.get("state"));
            assert!(!error.code.is_empty() && !error.text.is_empty());
            assert!(!client.is_strict_third_party(), "an open redirect for {:?}", client.client_id);
        }
    }
}

/// The answer goes to a registered callback; by `postMessage`, to a registered origin.
fn belongs_to(uri: &RedirectUri, mode: ResponseMode, params: &Params, client: &Client) {
    let callbacks = || client.callbacks.iter().flatten();
    assert!(client.global != Some(true));
    match params.get("redirect_uri") {
        Some(sent) => assert_eq!(uri.as_str(), sent, "what was checked is what is sent"),
        None => assert_eq!(Some(uri.as_str()), callbacks().next().map(String::as_str)),
    }
    let stars = !client.is_strict_third_party();
    let registered = |c: &String| (stars || !c.contains('*')) && redirect_rules::bytes_match(c, uri.as_str());
    if callbacks().any(registered) {
        return;
    }
    assert_eq!(mode, ResponseMode::WebMessage, "{uri:?} is not registered");
    let origins = client.web_origins.iter().flatten().chain(callbacks());
    let origin = origin_of(uri.as_str());
    assert!(origin.is_some() && origins.into_iter().any(|o| origin_of(o) == origin), "{uri:?}");
}

fn is_what_was_sent(request: &AuthorizeRequest, params: &Params) {
    let sent = |name: &str| params.get(name);
    assert_eq!(params.repeated(), None);
    assert_eq!(request.redirect_uri_sent, sent("redirect_uri").is_some());
    assert_eq!(request.state.as_deref(), sent("state"));
    assert_eq!(request.nonce.as_deref(), sent("nonce"));
    assert_eq!(request.scope, sent("scope").unwrap_or_default());
    assert_eq!(request.challenge.as_ref().map(|c| c.value.as_str()), sent("code_challenge"));
    let demanded = sent("claims").is_some();
    assert!(demanded || request.hinted_user.is_some() == (sent("id_token_hint") == Some(GOOD_HINT)));
    assert!(request.max_age.is_none_or(|seconds| seconds >= 0));
    assert_eq!(request.max_age.is_some(), sent("max_age").is_some());
    for unserved in ["request", "request_uri"] {
        assert_eq!(sent(unserved), None);
    }
    let said = |name: &str| sent(name).filter(|value| !value.is_empty());
    assert_eq!(request.organization.as_deref(), said("organization"));
    assert_eq!(request.invitation.is_some(), said("invitation").is_some());
    assert!(request.invitation.is_none() || sent("organization").is_some(), "an invitation to nowhere");
    let kept = serde_json::to_string(request).ok().and_then(|text| serde_json::from_str(&text).ok());
    assert_eq!(kept.as_ref(), Some(request), "a transaction remembers the request as it was");
}

fn keeps_the_rules(request: &AuthorizeRequest, client: &Client, settings: &TenantSettings) {
    let kind = request.response_type;
    let strict = client.is_strict_third_party();
    assert!(kind.code || kind.is_front_channel());
    assert!(!kind.code || client.may_use("authorization_code"));
    assert!(!kind.is_front_channel() || (client.may_use("implicit") && !strict));
    assert!(!kind.is_front_channel() || request.response_mode != ResponseMode::Query, "tokens in a query");
    assert!(!kind.id_token || request.nonce.is_some());
    let known = |audience: &str| [API, OTHER_API].contains(&audience);
    assert!(request.audience.as_deref().is_none_or(known));
    assert!(request.further.iter().all(|other| known(other) && request.audience.as_ref() != Some(other)));
    let is_code_alone = kind.code && !kind.is_front_channel() && request.authorization_details.is_empty();
    assert!(request.further.is_empty() || is_code_alone, "a token that comes at once is for one API");
    let challenge = request.challenge.as_ref();
    assert!(challenge.is_none_or(|c| c.value.len() >= 43));
    let by_flag = client.is_public() && settings.flags.require_pkce_for_public_clients == Some(true);
    assert!(!(kind.code && (strict || by_flag)) || challenge.is_some(), "PKCE was lost");
    assert!(!strict || challenge.is_none_or(|c| c.method == ChallengeMethod::S256));
    let usage = client.organization_usage;
    let may_name = strict
        || (client.is_first_party && usage.is_some_and(|usage| usage != ClientOrganizationUsage::Deny));
    assert!(request.organization.is_none() || may_name, "an organization was named unasked");
    assert!(usage != Some(ClientOrganizationUsage::Require) || request.organization.is_some());
    let prompts = request.prompts;
    assert!(!(prompts.none && (prompts.login || prompts.consent || prompts.select_account)));
    if request.response_mode == ResponseMode::WebMessage {
        assert!(request.redirect_uri.origin().is_some(), "a message without a target origin");
    }
}

static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
    let both = ["authorization_code", "implicit", "refresh_token"];
    [
        json!({"client_id": "spa", "token_endpoint_auth_method": "none", "oidc_conformant": true,
            "grant_types": both, "web_origins": ["https://embed.example"],
            "callbacks": ["https://app.example/cb", "http://localhost:3000/cb", "https://*.preview.example/cb"]}),
        json!({"client_id": "web", "token_endpoint_auth_method": "client_secret_post", "oidc_conformant": true,
            "grant_types": both, "callbacks": ["com.app://cb", "https://web.example/cb?from=login"]}),
        json!({"client_id": "old", "grant_types": ["implicit"], "callbacks": ["https://old.example/"]}),
        json!({"client_id": "tpc_strict", "is_first_party": false, "third_party_security_mode": "strict",
            "grant_types": both, "callbacks": ["https://third.example/cb", "https://*.third.example/cb"]}),
        json!({"client_id": "b2b", "organization_usage": "allow", "grant_types": both, "callbacks": ["https://b2b.example/cb"]}),
        json!({"client_id": "member", "organization_usage": "require", "grant_types": both,
            "callbacks": ["https://member.example/cb"]}),
        json!({"client_id": "none", "grant_types": both}),
        json!({"client_id": "all", "global": true, "grant_types": both, "callbacks": ["https://app.example/cb"]}),
    ]
    .map(|client| serde_json::from_value(client).expect("a client"))
    .into()
});

static SETTINGS: LazyLock<Vec<TenantSettings>> = LazyLock::new(|| {
    [
        json!({}),
        json!({"default_audience": API, "resource_parameter_profile": "audience",
            "flags": {"require_pkce_for_public_clients": true}}),
    ]
    .map(|settings| serde_json::from_value(settings).expect("settings"))
    .into()
});
