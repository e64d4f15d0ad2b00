//! `/.well-known/*` (fact sheet 9.1 and 9.2).

use serde_json::{Value, json};

use crate::support::{Call, ISSUER, TestApp};

#[tokio::test]
async fn the_document() {
    let app = TestApp::new().await;
    let answer = app.get("/.well-known/openid-configuration").await.expect(200);
    let document = answer.json();
    assert_eq!(document["issuer"], ISSUER);
    for (name, path) in [
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "oauth/token"),
        ("device_authorization_endpoint", "oauth/device/code"),
        ("backchannel_authentication_endpoint", "bc-authorize"),
        ("userinfo_endpoint", "userinfo"),
        ("jwks_uri", ".well-known/jwks.json"),
        ("introspection_endpoint", "oauth/introspect"),
        ("revocation_endpoint", "oauth/revoke"),
        ("end_session_endpoint", "oidc/logout"),
    ] {
        assert_eq!(document[name], format!("{ISSUER}{path}"), "{name}");
        // What is announced is there.
        let found = app.send(Call::get(&format!("/{path}"))).await;
        assert_ne!(found.status, 404, "{name}");
    }
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256", "plain"]));
    assert_eq!(
        document["response_modes_supported"],
        json!(["query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt"])
    );
    for absent in ["grant_types_supported", "registration_endpoint", "acr_values_supported"] {
        assert_eq!(document.get(absent), None, "{absent}");
    }
    assert!(!document.to_string().contains("read:contacts"), "scopes of APIs are nobody's business");
    let alias = app.get("/.well-known/oauth-authorization-server").await.expect(200);
    assert_eq!(alias.body, answer.body);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

/// What is accepted is what is announced: applications under a financial-grade profile sign with ES256 and EdDSA too.
#[tokio::test]
async fn algorithms_of_financial_grade_applications_are_announced_where_there_are_any() {
    let app = TestApp::new().await;
    let listed = async || {
        let document = app.get("/.well-known/openid-configuration").await.expect(200).json();
        ["request_object", "token_endpoint_auth"]
            .map(|what| document[format!("{what}_signing_alg_values_supported")].clone())
    };
    let usual = json!(["RS256", "RS384", "PS256"]);
    let usual_assertions = json!(["RS256", "RS384", "PS256", "PS384", "ES256", "ES384"]);
    assert_eq!(listed().await, [usual.clone(), usual_assertions.clone()]);
    let web = app.clients.web.client_id.clone();
    app.set_client(&web, json!({ "compliance_level": "fapi2_sp_pkj_mtls" })).await;
    let more = json!(["RS256", "RS384", "PS256", "ES256", "EdDSA"]);
    let more_assertions = json!(["RS256", "RS384", "PS256", "PS384", "ES256", "ES384", "EdDSA"]);
    assert_eq!(listed().await, [more, more_assertions]);
    app.set_client(&web, json!({ "compliance_level": "none" })).await;
    assert_eq!(listed().await, [usual, usual_assertions]);
}

#[tokio::test]
async fn the_keys() {
    let app = TestApp::new().await;
    let keys = app.get("/.well-known/jwks.json").await.expect(200).json();
    let keys = keys["keys"].as_array().unwrap();
    let rsa: Vec<&Value> = keys.iter().filter(|key| key["kty"] == "RSA").collect();
    assert_eq!(rsa.len(), 2, "the current one and the next");
    for key in rsa {
        for name in ["kid", "x5t", "n"] {
            assert!(key[name].is_string(), "{name}: {key}");
        }
        assert_eq!((&key["use"], &key["alg"], &key["e"]), (&json!("sig"), &json!("RS256"), &json!("AQAB")));
        assert!(key["x5c"][0].is_string());
    }
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert_eq!(key.get(private), None);
        }
    }
    app.manage("PATCH", "/tenants/settings", json!({ "flags": { "remove_alg_from_jwks": true } })).await;
    let keys = app.get("/.well-known/jwks.json").await.json();
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key.get("alg").is_none()));
}

/// After a rotation both verify; after the old one is revoked it does not.
#[tokio::test]
async fn rotation() {
    let app = TestApp::new().await;
    let before = app.sign_in("openid read:contacts").await["access_token"].as_str().unwrap().to_owned();
    let old = crate::support::decode(&before).0["kid"].as_str().unwrap().to_owned();
    app.manage("POST", "/keys/signing/rotate", Value::Null).await;
    let after = app.sign_in("openid read:contacts").await["access_token"].as_str().unwrap().to_owned();
    assert_ne!(crate::support::decode(&after).0["kid"], json!(old));
    for token in [&before, &after] {
        app.verified(token).await;
        app.userinfo(token).await.expect(200);
    }
    app.manage("PUT", &format!("/keys/signing/{old}/revoke"), Value::Null).await;
    assert!(!app.get("/.well-known/jwks.json").await.body.contains(&old));
    assert_eq!(app.userinfo(&before).await.status, 401);
    app.userinfo(&after).await.expect(200);
}
