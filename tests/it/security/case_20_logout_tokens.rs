//! Logout tokens can be told from every other token, and only our ID tokens are hints.

use chancery_core::Clock;
use chancery_core::claims::LogoutToken;
use chancery_jose::{Algorithm, SigningKey, Typ, base64url, generate_rsa};
use serde_json::json;

use crate::support::{API, Ask, Browser, Call, ISSUER, JANE, TestApp, decode, encode};

/// A logout token is signed by the key of ID tokens and says much of what they say.
#[tokio::test]
async fn case_20_a_logout_token_is_nothing_else() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let ask = Ask::code(&app.clients.web.client_id, "openid");
    let code = browser.authorize(&ask, &JANE).await.get("code");
    let id_token = app.redeem(&code).await.expect(200).text("id_token");
    let claims = decode(&id_token).1;
    let tenant = app.app.catalog.snapshot(crate::support::TENANT).await.unwrap();
    let key = tenant.keys.current(Algorithm::RS256).unwrap();
    let token = LogoutToken {
        issuer: ISSUER,
        client_id: &app.clients.web.client_id,
        subject: claims["sub"].as_str().unwrap(),
        session_id: claims["sid"].as_str().unwrap(),
        issued_at: app.clock.now(),
        jti: "1",
        trace_id: None,
        session_metadata: None,
    };
    let token = key.sign(Typ::LogoutJwt, &token.payload()).unwrap();
    // No hint, no access token, no subject token.
    let answer = browser.get(&format!("/oidc/logout?{}", encode(&[("id_token_hint", &token)]))).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (400, None));
    assert!(browser.session_cookie().is_some());
    let silent = ask.with("prompt", "none").with("id_token_hint", &token);
    assert!(browser.authorize(&silent, &JANE).await.find("error").is_some());
    assert_eq!(app.userinfo(&token).await.status, 401);
    assert_eq!(app.send(Call::get("/api/v2/clients").bearer(&token)).await.status, 401);
    let form = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &app.web_secret()),
        ("token", &token),
    ];
    let said = app.send(Call::post("/oauth/introspect").form(&form)).await.expect(200);
    assert_eq!(said.json(), json!({"active": false}));
}

/// Security cases 15 and 20: who forges a hint logs nobody out and goes nowhere.
#[tokio::test]
async fn case_20_forged_hints_are_refused() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let tokens = app.sign_in("openid read:contacts").await;
    let code = browser.authorize(&Ask::code(&app.clients.web.client_id, "openid"), &JANE).await.get("code");
    let id_token = app.redeem(&code).await.expect(200).text("id_token");
    let (header, claims) = decode(&id_token);
    let payload = base64url(claims.to_string().as_bytes());
    let unsigned =
        |header: &serde_json::Value| format!("{}.{payload}.", base64url(header.to_string().as_bytes()));
    let mut none = header.clone();
    none["alg"] = "none".into();
    let stranger = generate_rsa(2048).unwrap();
    let kid = header["kid"].as_str().unwrap();
    let stranger = SigningKey::from_pkcs8(Algorithm::RS256, kid, &stranger).unwrap();
    let other_issuer = json!({"iss": "https://evil.example/", "sub": claims["sub"], "aud": claims["aud"], "exp": claims["exp"]});
    let tenant = app.app.catalog.snapshot(crate::support::TENANT).await.unwrap();
    let own = tenant.keys.current(Algorithm::RS256).unwrap();
    // With the public key as the secret of an HMAC.
    let jwks = app.get("/.well-known/jwks.json").await.body;
    let public = SigningKey::from_secret(Algorithm::HS256, Some(kid.to_owned()), jwks.as_bytes()).unwrap();
    for (what, hint) in [
        ("none", unsigned(&none)),
        ("no signature", unsigned(&header)),
        ("another key", stranger.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap()),
        ("a public key as secret", public.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap()),
        ("another issuer", own.sign(Typ::Jwt, other_issuer.to_string().as_bytes()).unwrap()),
        ("an access token of another kind", own.sign(Typ::AtJwt, claims.to_string().as_bytes()).unwrap()),
        ("cut", id_token[..id_token.len() - 1].to_owned()),
    ] {
        let query = encode(&[
            ("id_token_hint", hint.as_str()),
            ("post_logout_redirect_uri", "http://localhost:3000"),
        ]);
        let answer = browser.get(&format!("/oidc/logout?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (400, None), "{what}");
        assert!(browser.session_cookie().is_some(), "{what}");
    }
    // An access token of an API has its own audience and logs nobody out.
    let access_token = tokens["access_token"].as_str().unwrap();
    assert!(decode(access_token).1["aud"].to_string().contains(API));
    let answer = browser.get(&format!("/oidc/logout?{}", encode(&[("id_token_hint", access_token)]))).await;
    assert_eq!(answer.status, 400);
}
