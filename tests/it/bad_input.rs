//! Whatever comes in, what goes out is a clear error in the envelope of the place, never a 500.

use http::Method;
use serde_json::Value;

use crate::support::{Answer, Call, TestApp, TestRng};

const POSTED: [&str; 6] = [
    "/oauth/token",
    "/oauth/revoke",
    "/dbconnections/signup",
    "/dbconnections/change_password",
    "/authorize",
    "/oidc/logout",
];

#[track_caller]
fn is_json_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (status, error), "{answer:?}");
    assert!(!answer.text("error_description").is_empty());
}

#[tokio::test]
async fn content_types() {
    let app = TestApp::new().await;
    for path in POSTED {
        for kind in [
            "text/plain",
            "application/xml",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded2",
            "",
        ] {
            let answer = app.send(Call::post(path).body(kind, "grant_type=x")).await;
            is_json_error(&answer, 415, "invalid_request");
        }
    }
    let charset = "application/x-www-form-urlencoded; charset=ISO-8859-1";
    is_json_error(
        &app.send(Call::post("/oauth/token").body(charset, "grant_type=x")).await,
        403,
        "unsupported_grant_type",
    );
    is_json_error(
        &app.send(Call::post("/oauth/token").body("APPLICATION/JSON", "{\"grant_type\":\"x\"}")).await,
        403,
        "unsupported_grant_type",
    );
}

#[tokio::test]
async fn unknown_paths() {
    let app = TestApp::new().await;
    for path in ["/nothing", "/u/nothing", "/oauth/nothing", "/.well-known/nothing"] {
        is_json_error(&app.send(Call::get(path)).await, 404, "not_found");
        is_json_error(
            &app.send(Call::get(path).header("accept", "application/json")).await,
            404,
            "not_found",
        );
        let page = app.send(Call::get(path).header("accept", "text/html,*/*;q=0.8")).await;
        assert_eq!((page.status.as_u16(), page.header("x-frame-options")), (404, Some("DENY")), "{page:?}");
        assert!(page.header("content-type").unwrap().starts_with("text/html"));
        assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"), "{page:?}");
    }
}

#[tokio::test]
async fn malformed_bodies() {
    let app = TestApp::new().await;
    for path in POSTED {
        for body in
            ["{", "[]", "null", "\"x\"", "1", "{\"a\":}", "{\"a\":1}x", "\u{feff}{}", "{'a':1}", "\u{0}"]
        {
            is_json_error(
                &app.send(Call::post(path).body("application/json", body)).await,
                400,
                "invalid_request",
            );
        }
        for body in [&b"a=%ff"[..], b"a=\xff\xfe", b"%80=1"] {
            let answer = app.send(Call::post(path).body("application/x-www-form-urlencoded", body)).await;
            is_json_error(&answer, 400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn types_that_json_has_and_forms_have_not() {
    let app = TestApp::new().await;
    for value in ["null", "true", "1", "1e400", "[]", "{}", "[[]]", "[\"a\",\"b\"]", "{\"a\":[1]}"] {
        for name in [
            "grant_type",
            "client_id",
            "client_secret",
            "code",
            "scope",
            "audience",
            "refresh_token",
            "username",
        ] {
            let rest = if name == "grant_type" { "" } else { ",\"grant_type\":\"authorization_code\"" };
            let body = format!("{{\"{name}\":{value}{rest}}}");
            let answer = app.send(Call::post("/oauth/token").body("application/json", body.as_str())).await;
            assert!(answer.status.is_client_error(), "{body}: {answer:?}");
            assert!(answer.json()["error"].is_string());
        }
    }
}

#[tokio::test]
async fn methods_and_paths() {
    let app = TestApp::new().await;
    for (method, path, status) in [
        ("GET", "/oauth/token", 405),
        ("PUT", "/oauth/token", 405),
        ("DELETE", "/authorize", 405),
        ("POST", "/.well-known/jwks.json", 405),
        ("GET", "/nothing", 404),
        ("GET", "/oauth/token/", 404),
        ("GET", "//authorize", 404),
        ("GET", "/dev/reset", 404),
        ("POST", "/dev/clock", 404),
        ("GET", "/u/static/../../etc/passwd", 404),
        ("GET", "/u/static/%2e%2e%2fetc", 404),
        ("BREW", "/authorize", 405),
    ] {
        let answer = app.send(Call::new(method, path)).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(Method::from_bytes(method.as_bytes()).is_ok());
    }
}

#[tokio::test]
async fn the_management_api_has_its_own_envelope() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let post = |body: &str| Call::post("/api/v2/clients").bearer(&token).body("application/json", body);
    for (call, status) in [
        (Call::get("/api/v2/clients"), 401),
        (Call::get("/api/v2/clients").bearer("nonsense"), 401),
        (post("{"), 400),
        (post("[]"), 400),
        (post("{}"), 400),
        (post("{\"name\":1}"), 400),
        (Call::post("/api/v2/clients").bearer(&token).body("text/plain", "x"), 415),
        (Call::get("/api/v2/nothing").bearer(&token), 404),
        (Call::get("/api/v2/clients/nobody").bearer(&token), 404),
        (Call::get("/api/v2/clients?per_page=x").bearer(&token), 400),
    ] {
        let answer = app.send(call).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
        let body: Value = answer.json();
        assert_eq!(body["statusCode"], status, "{answer:?}");
        assert!(body["error"].is_string() && body["message"].is_string(), "{answer:?}");
    }
}

/// Random requests, the same in every run: words of the protocol and rubbish, anywhere.
#[tokio::test]
async fn nothing_at_random_is_a_server_error() {
    let app = TestApp::new().await;
    let rng = TestRng::seeded(77);
    let web = app.clients.web.client_id.clone();
    let words = [
        "client_id",
        "grant_type",
        "code",
        "redirect_uri",
        "scope",
        "audience",
        "state",
        "nonce",
        "prompt",
        "none",
        "login",
        "openid",
        "read:contacts",
        "authorization_code",
        "refresh_token",
        "password",
        "username",
        "client_credentials",
        &web,
        "https://auth.example/dev/callback",
        "https://contacts.example/api",
        "response_type",
        "id_token",
        "token",
        "=",
        "&",
        "%",
        "%00",
        "\u{0}",
        "\u{ffff}",
        "'",
        "\"",
        "--",
        ";",
        "{}",
        "[]",
        "null",
        "-1",
        "9223372036854775808",
        "../",
        "max_age",
        "returnTo",
        "id_token_hint",
        "post_logout_redirect_uri",
        "email",
        "connection",
        "a@b.c",
        "1' OR '1'='1",
        "$where",
        "${x}",
    ];
    for _ in 0..800 {
        let pairs: Vec<(&str, &str)> = (0..rng.below(9))
            .map(|_| (words[rng.below(words.len())], words[rng.below(words.len())]))
            .collect();
        let query = crate::support::encode(&pairs);
        let path = [
            "/authorize",
            "/oauth/token",
            "/oauth/revoke",
            "/userinfo",
            "/v2/logout",
            "/oidc/logout",
            "/u/login",
            "/u/consent",
            "/u/signup",
            "/u/reset-verify",
            "/dbconnections/signup",
            "/dbconnections/change_password",
            "/authorize/resume",
            "/oauth/device/code",
            "/activate",
            "/u/device",
        ][rng.below(16)];
        let call = match rng.below(2) {
            0 => Call::get(&format!("{path}?{query}")),
            _ => Call::post(path).form(&pairs),
        };
        let answer = app.send(call).await;
        assert!(!answer.status.is_server_error(), "{path} {pairs:?}: {answer:?}");
    }
}
