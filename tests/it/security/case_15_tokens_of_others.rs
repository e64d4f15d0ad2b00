//! Cases 1, 2 and 15 for tokens of servers of others: they are proven by the key of whom they name, meant for this server, and
//! brought by an application that may; and what comes of them is no more than that application gets for that user.

use chancery_core::Clock;
use chancery_jose::{Algorithm, SigningKey, Typ, base64url, generate_es256};
use serde_json::{Value, json};

use crate::support::*;
use crate::trusted_issuers::{Foreign, ISS};

#[track_caller]
fn is_refused(answer: &Answer, what: &str) {
    let told = (answer.status.as_u16(), answer.text("error"));
    assert!(
        told == (400, "invalid_request".into()) || told == (400, "invalid_grant".into()),
        "{what}: {answer:?}"
    );
    assert!(!answer.body.contains("access_token\":"), "{what}");
}

/// By every way.
async fn refused(app: &TestApp, foreign: &Foreign, token: &str, what: &str) {
    is_refused(&foreign.exchange(app, token, "read:contacts").await, what);
    is_refused(&foreign.assert(app, token, &[("audience", API)]).await, what);
}

#[tokio::test]
async fn case_15_signatures_that_prove_nothing() {
    let app = TestApp::new().await;
    let foreign = Foreign::new(&app).await;
    let good = foreign.signed(&app, json!({}));
    let (input, _) = good.rsplit_once('.').unwrap();
    let payload = good.split('.').nth(1).unwrap().to_owned();
    let with_header = |header: Value| format!("{}.{payload}", base64url(header.to_string().as_bytes()));
    let stranger = SigningKey::from_pkcs8(Algorithm::ES256, "one", &generate_es256().unwrap()).unwrap();
    let by_stranger =
        |input: String| format!("{input}.{}", base64url(&stranger.sign_raw(input.as_bytes()).unwrap()));
    let by_owner =
        |input: String| format!("{input}.{}", base64url(&foreign.key.sign_raw(input.as_bytes()).unwrap()));
    let public = foreign.key.public_key_der().unwrap();
    let shared = SigningKey::from_secret(Algorithm::HS256, Some("one".into()), &public).unwrap();
    let claims = foreign.claims(&app, json!({})).to_string();
    let own_key = stranger.public_jwk().unwrap();
    for (what, token) in [
        ("none", format!("{}.", with_header(json!({ "alg": "none", "typ": "JWT" })))),
        ("none with a signature", by_owner(with_header(json!({ "alg": "none", "kid": "one" })))),
        ("HS256 with the public key", shared.sign(Typ::Jwt, claims.as_bytes()).unwrap()),
        ("another key of that name", by_stranger(with_header(json!({ "alg": "ES256", "kid": "one" })))),
        ("another key without a name", by_stranger(with_header(json!({ "alg": "ES256" })))),
        ("its own key", by_stranger(with_header(json!({ "alg": "ES256", "jwk": own_key })))),
        (
            "a key elsewhere",
            by_stranger(with_header(json!({ "alg": "ES256", "jku": "https://evil.example/keys" }))),
        ),
        ("another name of the key", by_owner(with_header(json!({ "alg": "ES256", "kid": "two" })))),
        ("crit", by_owner(with_header(json!({ "alg": "ES256", "kid": "one", "crit": ["x"], "x": 1 })))),
        ("another algorithm", by_owner(with_header(json!({ "alg": "RS256", "kid": "one" })))),
        (
            "another kind of token",
            by_owner(with_header(json!({ "alg": "ES256", "kid": "one", "typ": "dpop+jwt" }))),
        ),
        ("no signature", format!("{input}.")),
        ("cut off", good[..good.len() - 4].to_owned()),
        ("no JWT", "x".to_owned()),
        ("too long", format!("{good}{}", "A".repeat(9000))),
    ] {
        refused(&app, &foreign, &token, what).await;
    }
    foreign.exchange(&app, &good, "read:contacts").await.expect(200);
}

#[tokio::test]
async fn case_15_claims_that_are_not_meant_for_us() {
    let app = TestApp::new().await;
    let foreign = Foreign::new(&app).await;
    let now = app.clock.now();
    for change in [
        json!({ "iss": "https://other.example" }),
        json!({ "iss": format!("{ISS}/") }),
        json!({ "iss": ISSUER }),
        json!({ "iss": null }),
        json!({ "aud": "https://other.example/" }),
        json!({ "aud": null }),
        json!({ "exp": now - 60 }),
        json!({ "exp": null }),
        json!({ "nbf": now + 600 }),
        json!({ "iat": now + 600 }),
        json!({ "sub": null }),
        json!({ "sub": ["a"] }),
        json!({ "sub": "auth0|nobody" }),
        json!({ "sub": "\u{0}" }),
    ] {
        refused(&app, &foreign, &foreign.signed(&app, change.clone()), &change.to_string()).await;
    }
    for change in [json!({ "client_id": "other" }), json!({ "client_id": null }), json!({ "jti": null })] {
        let token = foreign.identity(&app, change.clone());
        is_refused(&foreign.assert(&app, &token, &[]).await, &change.to_string());
    }
    // An identity assertion is no subject token, and our own tokens are none of somebody else's.
    let identity = foreign.identity(&app, json!({}));
    is_refused(
        &foreign.exchange(&app, &identity, "read:contacts").await,
        "an identity assertion as a subject token",
    );
    let own = app.sign_in("openid read:contacts").await;
    for name in ["access_token", "id_token"] {
        refused(&app, &foreign, own[name].as_str().unwrap(), name).await;
    }
}

#[tokio::test]
async fn case_01_only_those_bring_them_who_may() {
    let app = TestApp::new().await;
    let foreign = Foreign::new(&app).await;
    let other = foreign.twin(&app).await;
    let token = foreign.signed(&app, json!({}));
    refused(&app, &other, &token, "an application that is not named").await;
    is_refused(
        &other.assert(&app, &foreign.identity(&app, json!({})), &[]).await,
        "somebody else's assertion",
    );
    // A public application, and one without the grants.
    let spa = [("client_id", app.clients.spa.client_id.as_str())];
    let secret = app.web_secret();
    let web = [("client_id", app.clients.web.client_id.as_str()), ("client_secret", &secret)];
    for own in [&spa[..], &web] {
        let exchange = [
            ("grant_type", EXCHANGE),
            ("subject_token", token.as_str()),
            ("subject_token_type", "urn:acme:legacy-session"),
            ("audience", API),
        ];
        let assertion =
            [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &token)];
        for form in [&exchange[..], &assertion] {
            let answer = app.token(&[own, form].concat()).await;
            assert_eq!(answer.text("error"), "unauthorized_client");
        }
    }
    let unknown = [
        ("grant_type", EXCHANGE),
        ("subject_token", token.as_str()),
        ("subject_token_type", "urn:acme:unknown"),
        ("audience", API),
    ];
    let answer = app.token(&[&foreign.own()[..], &unknown].concat()).await;
    answer.is_error(400, "invalid_request", "Unsupported subject_token_type: urn:acme:unknown");
    foreign.exchange(&app, &token, "read:contacts").await.expect(200);
}

#[tokio::test]
async fn case_02_what_comes_of_them_is_no_more_than_user_and_grant_allow() {
    let app = TestApp::new().await;
    let foreign = Foreign::new(&app).await;
    let asked = "openid read:contacts delete:contacts read:nothing";
    let granted = async || {
        let answer = foreign.exchange(&app, &foreign.signed(&app, json!({})), asked).await;
        answer.expect(200).json()["scope"].as_str().unwrap_or(asked).to_owned()
    };
    // Jane's role lets her read.
    app.set_api(json!({ "enforce_policies": true })).await;
    assert_eq!(granted().await, "openid read:contacts");
    let policies = json!({ "user": { "policy": "require_client_grant" } });
    app.set_api(json!({ "subject_type_authorization": policies })).await;
    let refused = foreign.exchange(&app, &foreign.signed(&app, json!({})), asked).await;
    assert_eq!(refused.text("error"), "invalid_request");
    let grant = json!({ "client_id": foreign.client_id(), "audience": API, "scope": ["read:contacts"], "subject_type": "user" });
    app.manage("POST", "/client-grants", grant).await;
    app.set_api(json!({ "enforce_policies": false })).await;
    assert_eq!(granted().await, "openid read:contacts");
    // An identity assertion for reading does not delete, whatever is asked for.
    app.set_api(json!({ "subject_type_authorization": { "user": { "policy": "allow_all" } } })).await;
    let token = foreign.identity(&app, json!({ "jti": "only", "scope": "read:contacts" }));
    let answer = foreign.assert(&app, &token, &[("scope", asked)]).await.expect(200).json();
    assert_eq!(answer["scope"], "read:contacts");
}
