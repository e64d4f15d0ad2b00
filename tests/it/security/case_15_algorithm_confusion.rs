//! The key decides how a token is verified, never the token: at the client's assertion, at ID tokens that come back as
//! hints, and at access tokens that come to `/userinfo` and to the Management API.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chancery_core::Clock;
use chancery_jose::{Algorithm, SigningKey, Typ, VerifyingKey};
use serde_json::{Value, json};

use crate::support::{Browser, Call, ISSUER, JANE, KID, KeyedClient, TestApp, decode, encode, pem};

#[tokio::test]
async fn case_15_client_assertions() {
    let app = TestApp::new().await;
    let client = KeyedClient::new(&app).await;
    let good = client.assertion(&app, "good");
    let claims = decode(&good).1;
    let public = client.key.verifying_key();
    for (how, forged) in forgeries(&good, &public, &pem(&client.key), KID) {
        let answer = client.machine_token(&app, &forged).await;
        assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (401, "invalid_client"), "{how}");
    }
    // The application's other secret, where it has one, signs no assertion either.
    let by_secret = hs256(app.web_secret().as_bytes(), Some(KID), &claims);
    assert_eq!(client.machine_token(&app, &by_secret).await.status, 401);
    // PS256 is a sound algorithm; the credential was registered for RS256 alone.
    let other = client.key.with_algorithm(Algorithm::PS256).unwrap();
    let other = other.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap();
    assert_eq!(client.machine_token(&app, &other).await.status, 401);
    client.machine_token(&app, &good).await.expect(200);
}

#[tokio::test]
async fn case_15_hints() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let code = browser.authorize(&app.ask("openid"), &JANE).await.get("code");
    let good = app.redeem(&code).await.expect(200).text("id_token");
    let (public, pem, kid) = tenant_key(&app).await;
    for (how, forged) in forgeries(&good, &public, &pem, &kid) {
        let ask = app.ask("openid").with("prompt", "none").with("id_token_hint", &forged);
        let landing = Browser::new(&app).authorize(&ask, &JANE).await;
        landing.is_error("invalid_request", "id_token_hint is not an ID token of this application");
        let query = encode(&[("id_token_hint", forged.as_str())]);
        let answer = browser.clone().get(&format!("/oidc/logout?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (400, None), "{how}");
    }
    let ask = app.ask("openid").with("prompt", "none").with("id_token_hint", &good);
    browser.clone().authorize(&ask, &JANE).await.get("code");
    // An access token is no ID token, though the same key signed it.
    let access = app.sign_in("openid").await["access_token"].as_str().unwrap().to_owned();
    let query = encode(&[("id_token_hint", access.as_str())]);
    assert_eq!(browser.get(&format!("/oidc/logout?{query}")).await.status, 400);
}

#[tokio::test]
async fn case_15_access_tokens() {
    let app = TestApp::new().await;
    let (public, pem, kid) = tenant_key(&app).await;
    let user = app.sign_in("openid read:contacts").await["access_token"].as_str().unwrap().to_owned();
    app.userinfo(&user).await.expect(200);
    let manager = app.management_token().await;
    let clients = |token: &str| Call::get("/api/v2/clients").bearer(token);
    app.send(clients(&manager)).await.expect(200);
    for (how, forged) in forgeries(&user, &public, &pem, &kid) {
        assert_eq!(app.userinfo(&forged).await.status, 401, "{how}");
    }
    for (how, forged) in forgeries(&manager, &public, &pem, &kid) {
        assert_eq!(app.send(clients(&forged)).await.status, 401, "{how}");
    }
    // Good tokens in the wrong place.
    assert_eq!(app.send(clients(&user)).await.status, 401, "for another API");
    assert_eq!(app.userinfo(&manager).await.status, 401, "for another API");
    let id_token = app.sign_in("openid").await["id_token"].as_str().unwrap().to_owned();
    assert_eq!(app.userinfo(&id_token).await.status, 401, "an ID token is no access token");
    assert_eq!(app.send(clients(&id_token)).await.status, 401, "an ID token is no access token");
    let elsewhere = app.send(clients(&manager).host("second.example")).await;
    assert_eq!(elsewhere.status, 401, "issued by another host");
    app.clock.advance(86_400);
    assert_eq!(app.userinfo(&user).await.status, 401, "expired");
    assert_eq!(app.send(clients(&manager)).await.status, 401, "expired");
}

/// HS256 APIs share their secret with us: what such a secret signs is good for that API and for nothing of ours.
#[tokio::test]
async fn case_15_an_api_secret_opens_nothing_else() {
    let app = TestApp::new().await;
    let secret = "0123456789abcdef0123456789abcdef";
    app.set_api(json!({ "signing_alg": "HS256", "signing_secret": secret })).await;
    let token = app.sign_in("openid read:contacts").await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(decode(&token).0["alg"], "HS256");
    assert_eq!(
        app.userinfo(&token).await.status,
        401,
        "userinfo takes no token that an API could have written"
    );
    let now = app.clock.now();
    let claims = json!({
        "iss": ISSUER, "sub": "x@clients", "aud": format!("{ISSUER}api/v2/"), "iat": now, "exp": now + 60,
        "scope": "read:clients", "azp": app.clients.management.client_id, "gty": "client-credentials",
    });
    for kid in [None, Some("x")] {
        let forged = hs256(secret.as_bytes(), kid, &claims);
        assert_eq!(app.send(Call::get("/api/v2/clients").bearer(&forged)).await.status, 401);
    }
}

/// Reserved claims are ours: nothing a client sends or an administrator writes about a user gets into them.
#[tokio::test]
async fn case_15_reserved_claims_stay() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let hostile = json!({ "iss": "https://evil.example/", "sub": "auth0|admin", "aud": "evil", "exp": 9_999_999_999_i64, "scope": "all" });
    let path = format!("/users/{}", crate::support::segment(&jane));
    app.manage(
        "PATCH",
        &path,
        json!({ "user_metadata": hostile, "app_metadata": { "permissions": ["delete:contacts"] } }),
    )
    .await;
    let tokens = app.sign_in("openid profile email read:contacts").await;
    for name in ["access_token", "id_token"] {
        let claims = app.verified(tokens[name].as_str().unwrap()).await;
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(ISSUER), &json!(jane)), "{name}");
        assert!(
            !claims.to_string().contains("evil") && !claims.to_string().contains("delete:contacts"),
            "{claims}"
        );
    }
    let userinfo = app.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(userinfo["sub"], json!(jane));
}

/// The tenant's current RSA key as everybody may have it.
async fn tenant_key(app: &TestApp) -> (VerifyingKey, String, String) {
    let token = app.management_token().await;
    let kid = decode(&token).0["kid"].as_str().unwrap().to_owned();
    let keys: chancery_jose::JwkSet =
        serde_json::from_str(&app.get("/.well-known/jwks.json").await.body).unwrap();
    let key = VerifyingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let all = app.manage("GET", "/keys/signing", Value::Null).await;
    let pem = all.as_array().unwrap().iter().find(|k| k["kid"] == kid.as_str()).unwrap()["cert"].clone();
    (key, pem.as_str().unwrap().to_owned(), kid)
}

/// Ways to make a token that no private key signed, each with the claims of a good one.
fn forgeries(good: &str, public: &VerifyingKey, pem: &str, kid: &str) -> Vec<(String, String)> {
    let (header, claims) = decode(good);
    let stranger = chancery_jose::generate_es256().unwrap();
    let stranger = SigningKey::from_pkcs8(Algorithm::ES256, kid, &stranger).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let put = |header: Value, signature: &str| format!("{}.{}.{signature}", base64(&header), parts[1]);
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let jwk = serde_json::to_value(public.to_jwk().unwrap()).unwrap();
    let mut all: Vec<(String, String)> = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "RS1", "ES256", "HS512", "RSA-OAEP"] {
        all.push((format!("alg {alg}, no signature"), put(with("alg", json!(alg)), "")));
        all.push((format!("alg {alg}, old signature"), put(with("alg", json!(alg)), parts[2])));
    }
    all.push(("alg missing".to_owned(), put(json!({ "typ": "JWT", "kid": kid }), parts[2])));
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    for (secret, what) in [
        (pem.as_bytes(), "PEM"),
        (pem.trim().as_bytes(), "trimmed PEM"),
        (modulus.as_slice(), "modulus"),
        (jwk["n"].as_str().unwrap().as_bytes(), "modulus as text"),
        (jwk.to_string().as_bytes(), "JWK"),
        (kid.as_bytes(), "kid"),
    ] {
        for named in [Some(kid), None] {
            all.push((format!("HS256 with the {what}"), hs256(secret, named, &claims)));
        }
    }
    let own = stranger.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap();
    all.push(("another key under the same kid".to_owned(), own));
    let embedded = json!({ "alg": "ES256", "typ": "JWT", "jwk": serde_json::to_value(stranger.public_jwk().unwrap()).unwrap() });
    all.push(("a key of its own in jwk".to_owned(), signed_by(&stranger, &embedded, &claims)));
    let fetched = json!({ "alg": "ES256", "typ": "JWT", "kid": kid, "jku": "https://evil.example/jwks.json", "x5u": "https://evil.example/x" });
    all.push(("a key to be fetched".to_owned(), signed_by(&stranger, &fetched, &claims)));
    all.push(("crit".to_owned(), put(with("crit", json!(["exp"])), parts[2])));
    all.push(("b64 false".to_owned(), put(with("b64", json!(false)), parts[2])));
    all.push(("another kid".to_owned(), put(with("kid", json!("../../dev/null")), parts[2])));
    let mut more = claims;
    more["sub"] = json!("auth0|admin");
    all.push(("other claims".to_owned(), format!("{}.{}.{}", parts[0], base64(&more), parts[2])));
    all.push(("no signature".to_owned(), format!("{}.{}.", parts[0], parts[1])));
    all.push(("two parts".to_owned(), format!("{}.{}", parts[0], parts[1])));
    all.push(("four parts".to_owned(), format!("{good}.{}", parts[2])));
    all.push(("five parts".to_owned(), format!("{good}..")));
    all
}

fn signed_by(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let input = format!("{}.{}", base64(header), base64(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign_raw(input.as_bytes()).unwrap());
    format!("{input}.{signature}")
}

fn hs256(secret: &[u8], kid: Option<&str>, claims: &Value) -> String {
    // By hand: our own key type refuses secrets too short to be one.
    let header = match kid {
        Some(kid) => json!({ "alg": "HS256", "typ": "JWT", "kid": kid }),
        None => json!({ "alg": "HS256", "typ": "JWT" }),
    };
    let input = format!("{}.{}", base64(&header), base64(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    let tag = aws_lc_rs::hmac::sign(&key, input.as_bytes());
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

fn base64(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}
