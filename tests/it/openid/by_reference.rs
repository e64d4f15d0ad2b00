//! Requests that lie where the application registered (`request_uri`, OpenID Connect Core 6.2), signed or not.

use chancery_jose::{Algorithm, SigningKey, Typ, base64url, generate_rsa};
use serde_json::{Value, json};

use crate::support::{Answer, Browser, CALLBACK, JANE, Registered, Service, TestApp};

fn unsigned(claims: &Value) -> String {
    let header = base64url(br#"{"alg":"none"}"#);
    format!("{header}.{}.", base64url(claims.to_string().as_bytes()))
}

fn request(made: &Registered) -> Value {
    json!({
        "client_id": made.client_id, "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "xyz",
    })
}

#[track_caller]
fn is_page(answer: &Answer, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.location()), (400, None), "{answer:?}");
    assert!(answer.body.contains(code), "{}", answer.body);
}

/// `oidcc-request-uri-unsigned`, `oidcc-request-uri-signed-rs256`.
#[tokio::test]
async fn unsigned_and_signed() {
    let app = Registered::app(false).await;
    let service = Service::start(|_| (404, json!({}))).await;
    let uri = format!("{}/request.jwt", service.origin);
    let plain = json!({ "request_uris": [format!("{uri}#first")], "request_object_signing_alg": "none" });
    let made = Registered::new(&app, plain).await;
    let object = unsigned(&request(&made));
    service.answers(move |_| (200, json!(object)));
    let ask = made.code("openid").with("state", "forged").with("request_uri", &format!("{uri}#second"));
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    assert_eq!(landing.get("state"), "xyz", "what lies there is the whole request");
    landing.get("code");

    let key = generate_rsa(2048).unwrap();
    let key = SigningKey::from_pkcs8(Algorithm::RS256, "k", &key).unwrap();
    let jwk = serde_json::to_value(key.verifying_key().to_jwk().unwrap()).unwrap();
    let keys =
        json!({ "request_uris": [uri], "request_object_signing_alg": "RS256", "jwks": { "keys": [jwk] } });
    let made = Registered::new(&app, keys).await;
    let object = key.sign(Typ::Jwt, request(&made).to_string().as_bytes()).unwrap();
    service.answers(move |_| (200, json!(object)));
    let ask = made.code("openid").with("request_uri", &uri);
    Browser::new(&app).authorize(&ask, &JANE).await.get("code");
    // Signed was registered, so that unsigned ones are none.
    let object = unsigned(&request(&made));
    service.answers(move |_| (200, json!(object)));
    Browser::new(&app)
        .authorize(&ask, &JANE)
        .await
        .is_error("request_uri_not_supported", "Parameter not supported: request_uri");
    let discovery = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(
        (&discovery["request_uri_parameter_supported"], &discovery["require_request_uri_registration"]),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn by_value_without_a_signature() {
    let app = Registered::app(false).await;
    let made = Registered::new(&app, json!({ "request_object_signing_alg": "none" })).await;
    let ask = made.code("openid").with("request", &unsigned(&request(&made))).with("state", "forged");
    assert_eq!(Browser::new(&app).authorize(&ask, &JANE).await.get("state"), "xyz");
    for (name, value) in
        [("client_id", json!("other")), ("iss", json!("other")), ("aud", json!("https://other.example/"))]
    {
        let mut claims = request(&made);
        claims[name] = value;
        let ask = made.code("openid").with("request", &unsigned(&claims));
        is_page(&Browser::new(&app).open(&ask).await, "invalid_request_object");
    }
    // Nobody else has unsigned ones: `oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported`.
    let other = Registered::new(&app, json!({})).await;
    let ask = other.code("openid").with("request", &unsigned(&request(&other)));
    Browser::new(&app)
        .authorize(&ask, &JANE)
        .await
        .is_error("request_not_supported", "Parameter not supported: request");
    // What an administrator demands counts before what it registered.
    app.set_client(&made.client_id, json!({ "signed_request_object": { "required": true } })).await;
    let ask = made.code("openid").with("request", &unsigned(&request(&made)));
    Browser::new(&app)
        .authorize(&ask, &JANE)
        .await
        .is_error("request_not_supported", "Parameter not supported: request");
}

/// `oidcc-request-uri-unsigned` and `oidcc-ensure-request-object-with-redirect-uri` register no algorithm, and keys besides.
#[tokio::test]
async fn without_a_signature_where_nothing_was_registered() {
    let app = Registered::app(false).await;
    let service = Service::start(|_| (404, json!({}))).await;
    let uri = format!("{}/request.jwt", service.origin);
    let key = SigningKey::from_pkcs8(Algorithm::RS256, "k", &generate_rsa(2048).unwrap()).unwrap();
    let jwk = serde_json::to_value(key.verifying_key().to_jwk().unwrap()).unwrap();
    let made = Registered::new(&app, json!({ "request_uris": [uri], "jwks": { "keys": [jwk] } })).await;
    let object = unsigned(&request(&made));
    let by_value = made
        .code("openid")
        .with("request", &object)
        .with("state", "forged")
        .with("redirect_uri", "https://evil.example/");
    let by_reference = made.code("openid").with("request_uri", &uri).with("state", "forged");
    service.answers(move |_| (200, json!(object)));
    assert_eq!(Browser::new(&app).open(&by_value).await.status, 403, "the wire's rules");
    app.manage_own("PATCH", "/openid", json!({ "oidc_strict": true })).await;
    for ask in [&by_value, &by_reference] {
        let landing = Browser::new(&app).authorize(ask, &JANE).await;
        assert_eq!(landing.get("state"), "xyz");
        landing.get("code");
    }
    // Signed ones are looked at as ever, and who signs all of its requests has no others.
    let forged = key.sign(Typ::Jwt, request(&made).to_string().as_bytes()).unwrap();
    let forged = format!("{}x", &forged[..forged.len() - 1]);
    is_page(
        &Browser::new(&app).open(&made.code("openid").with("request", &forged)).await,
        "invalid_request_object",
    );
    app.set_client(&made.client_id, json!({ "signed_request_object": { "required": true } })).await;
    let text = "Parameter not supported: request_uri";
    let ask = made.code("openid").with("request_uri", &uri);
    Browser::new(&app).authorize(&ask, &JANE).await.is_error("request_uri_not_supported", text);
}

/// Security case 7.
#[tokio::test]
async fn case_07_only_addresses_that_were_registered() {
    let app = Registered::app(false).await;
    let service = Service::start(|_| (200, json!("x.y.z"))).await;
    let uri = format!("{}/request.jwt", service.origin);
    let made =
        Registered::new(&app, json!({ "request_uris": [uri], "request_object_signing_alg": "none" })).await;
    let ask = |uri: &str| made.code("openid").with("request_uri", uri);
    for other in [
        format!("{}/other.jwt", service.origin),
        format!("{uri}?x"),
        "http://169.254.169.254/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        is_page(&Browser::new(&app).open(&ask(&other)).await, "invalid_request_uri");
    }
    assert!(service.heard().is_empty(), "nothing was asked");
    is_page(&Browser::new(&app).open(&ask(&uri)).await, "invalid_request_object");
    for status in [302, 404, 500] {
        service.answers(move |_| (status, json!("x")));
        is_page(&Browser::new(&app).open(&ask(&uri)).await, "invalid_request_uri");
    }
    service.answers(|_| (200, json!("x".repeat(20 << 10))));
    is_page(&Browser::new(&app).open(&ask(&uri)).await, "invalid_request_uri");
    // Applications that registered none are told that there is no such parameter.
    let plain = Registered::new(&app, json!({})).await;
    let ask = plain.code("openid").with("request_uri", &uri);
    let text = "Parameter not supported: request_uri";
    Browser::new(&app).authorize(&ask, &JANE).await.is_error("request_uri_not_supported", text);
    let closed = TestApp::new().await;
    assert_eq!(
        closed.get("/.well-known/openid-configuration").await.json()["request_uri_parameter_supported"],
        false
    );
}
