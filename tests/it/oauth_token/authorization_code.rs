//! grant_type=authorization_code.

use serde_json::json;

use crate::support::{API, Ask, CALLBACK, Call, ISSUER, TestApp, decode};

#[tokio::test]
async fn the_whole_answer() {
    let app = TestApp::new().await;
    let code = app.code("openid profile email read:contacts offline_access").await;
    let answer = app.redeem(&code).await.expect(200);
    let tokens = answer.json();
    let names: Vec<&String> = tokens.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "refresh_token", "id_token", "scope", "expires_in", "token_type"]);
    assert_eq!(tokens["scope"], "openid profile email read:contacts offline_access");
    assert_eq!((&tokens["expires_in"], &tokens["token_type"]), (&json!(86_400), &json!("Bearer")));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        (Some("no-store"), Some("no-cache"))
    );

    let access = app.verified(tokens["access_token"].as_str().unwrap()).await;
    insta::assert_json_snapshot!(access, @r#"
    {
      "iss": "https://auth.example/",
      "sub": "auth0|6a00000000000000000000a1",
      "aud": [
        "https://contacts.example/api",
        "https://auth.example/userinfo"
      ],
      "iat": 1785585600,
      "exp": 1785672000,
      "scope": "openid profile email read:contacts offline_access",
      "azp": "DemoWebT5hGn3jXq7UyVb9KrMa2WcEoZ"
    }
    "#);
    let header = decode(tokens["access_token"].as_str().unwrap()).0;
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    let id = app.verified(tokens["id_token"].as_str().unwrap()).await;
    insta::assert_json_snapshot!(id, { ".sid" => "[sid]", ".at_hash" => "[at_hash]" }, @r#"
    {
      "name": "Jane Doe",
      "family_name": "Doe",
      "given_name": "Jane",
      "nickname": "jane",
      "picture": "https://s.gravatar.com/avatar/9e26471d35a78862c17e467d87cddedf?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fja.png",
      "updated_at": "2026-08-01T12:00:00.000Z",
      "email": "jane@example.com",
      "email_verified": true,
      "iss": "https://auth.example/",
      "sub": "auth0|6a00000000000000000000a1",
      "aud": "DemoWebT5hGn3jXq7UyVb9KrMa2WcEoZ",
      "iat": 1785585600,
      "exp": 1785621600,
      "sid": "[sid]",
      "at_hash": "[at_hash]"
    }
    "#);
}

#[tokio::test]
async fn json_is_as_good_as_a_form() {
    let app = TestApp::new().await;
    let code = app.code("openid").await;
    let body = json!({
        "grant_type": "authorization_code", "client_id": app.clients.web.client_id, "client_secret": app.web_secret(),
        "code": code, "redirect_uri": CALLBACK,
    });
    app.send(Call::post("/oauth/token").json(&body)).await.expect(200);
}

#[tokio::test]
async fn codes_end() {
    let app = TestApp::new().await;
    let code = app.code("openid").await;
    app.clock.advance(59);
    app.redeem(&code).await.expect(200);
    let code = app.code("openid").await;
    app.clock.advance(60);
    app.redeem(&code).await.is_error(403, "invalid_grant", "Invalid authorization code");
    app.redeem("my-invalid-code").await.is_error(403, "invalid_grant", "Invalid authorization code");
}

#[tokio::test]
async fn missing_and_repeated_parameters() {
    let app = TestApp::new().await;
    app.token(&[]).await.is_error(400, "invalid_request", "Missing required parameter: grant_type");
    let grant = [("grant_type", "authorization_code")];
    app.web_token(&grant).await.is_error(400, "invalid_request", "Missing required parameter: code");
    let twice = [("grant_type", "authorization_code"), ("code", "a"), ("code", "b")];
    app.web_token(&twice).await.is_error(400, "invalid_request", "Parameter sent more than once: code");
    let unknown = [("grant_type", "magic")];
    app.web_token(&unknown).await.is_error(403, "unsupported_grant_type", "Unsupported grant type: magic");
}

#[tokio::test]
async fn the_grant_must_be_allowed() {
    let app = TestApp::new().await;
    let code = app.code("openid").await;
    app.set_web(json!({ "grant_types": ["refresh_token"] })).await;
    let text = "Grant type 'authorization_code' not allowed for the client.";
    app.redeem(&code).await.is_error(403, "unauthorized_client", text);
}

/// `aud`, lifetimes and issuer follow the API and the host.
#[tokio::test]
async fn lifetimes_and_issuers() {
    let app = TestApp::new().await;
    app.set_api(json!({ "token_lifetime": 600, "token_lifetime_for_web": 300 })).await;
    let tokens = app.redeem(&app.code("openid read:contacts").await).await.expect(200);
    assert_eq!(tokens.json()["expires_in"], 600);
    let claims = app.verified(&tokens.text("access_token")).await;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    app.set_web(json!({ "jwt_configuration": { "lifetime_in_seconds": 60 } })).await;
    let tokens = app.redeem(&app.code("openid").await).await.expect(200);
    let claims = app.verified(&tokens.text("id_token")).await;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
}

/// ID tokens are signed as the application wants.
#[tokio::test]
async fn id_tokens_by_algorithm() {
    let app = TestApp::new().await;
    for (wanted, typ) in [("RS256", "JWT"), ("PS256", "JWT"), ("HS256", "JWT")] {
        app.set_web(json!({ "jwt_configuration": { "alg": wanted } })).await;
        let tokens = app.redeem(&app.code("openid").await).await.expect(200);
        let (header, claims) = decode(&tokens.text("id_token"));
        assert_eq!((&header["alg"], &header["typ"]), (&json!(wanted), &json!(typ)));
        assert_eq!(header.get("kid").is_some(), wanted != "HS256", "{header}");
        assert_eq!(claims["iss"], ISSUER);
    }
}

#[tokio::test]
async fn a_deleted_api_gives_no_tokens() {
    let app = TestApp::new().await;
    let code = app.code("openid read:contacts").await;
    let path = format!("/resource-servers/{}", API.replace(':', "%3A").replace('/', "%2F"));
    app.manage("DELETE", &path, serde_json::Value::Null).await;
    app.redeem(&code).await.is_error(403, "invalid_grant", "Invalid authorization code");
}

/// Claims come with their scopes.
#[tokio::test]
async fn claims_by_scope() {
    let app = TestApp::new().await;
    for (scope, has_name, has_email) in
        [("openid", false, false), ("openid profile", true, false), ("openid email", false, true)]
    {
        let ask = Ask::code(&app.clients.web.client_id, scope);
        let tokens = app.redeem(&app.code_for(&ask).await).await.expect(200);
        for claims in [
            app.verified(&tokens.text("id_token")).await,
            app.userinfo(&tokens.text("access_token")).await.json(),
        ] {
            assert_eq!(
                (claims.get("name").is_some(), claims.get("email").is_some()),
                (has_name, has_email),
                "{claims}"
            );
        }
    }
}
