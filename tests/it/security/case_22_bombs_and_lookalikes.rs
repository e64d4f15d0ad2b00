//! Depth and length bombs on every parser, and origins that only look like ours.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use crate::passkeys::{LOG_IN, make, turn_on_passkeys};
use crate::support::{Answer, Ask, Authenticator, Browser, Call, JANE, TestApp, encode, options, segment};

const DEEP: usize = 100_000;

#[tokio::test]
async fn case_22_depth_bombs() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let lists = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    let objects = format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP));
    for bomb in
        [&lists, &objects, &"[".repeat(DEEP), &"{\"a\":".repeat(DEEP), &format!("{{\"grant_type\":{lists}}}")]
    {
        for path in
            ["/oauth/token", "/oauth/revoke", "/dbconnections/signup", "/dbconnections/change_password"]
        {
            is_refused(&timed(&app, Call::post(path).body("application/json", bomb.as_str())).await);
        }
        for (method, path) in [("POST", "/users"), ("POST", "/clients"), ("PATCH", "/tenants/settings")] {
            let call = Call::new(method, &format!("/api/v2{path}")).bearer(&token);
            is_refused(&timed(&app, call.body("application/json", bomb.as_str())).await);
        }
    }
    let inside = format!("{{\"user_metadata\":{}1{}}}", "{\"a\":".repeat(100), "}".repeat(100));
    let path = format!("/api/v2/users/{}", segment(&app.jane().await));
    let call = Call::new("PATCH", &path).bearer(&token).body("application/json", inside);
    assert!(!timed(&app, call).await.status.is_server_error());
    for bomb in [
        "(".repeat(3000),
        format!("{}email:x", "NOT ".repeat(1000)),
        "a:".repeat(2000),
        "*".repeat(3000),
        "\"".repeat(3001),
    ] {
        let query = encode(&[("q", bomb.as_str()), ("search_engine", "v3")]);
        let answer = timed(&app, Call::get(&format!("/api/v2/users?{query}")).bearer(&token)).await;
        assert!(!answer.status.is_server_error(), "{answer:?}");
    }
}

/// A body as deep as the parser takes it would lie still deeper where it is kept: whatever is accepted can be read again, listed,
/// logged and exported, and what could not is refused where bodies are read.
#[tokio::test]
async fn case_22_what_was_accepted_is_read_again() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let jane = format!("/users/{}", segment(&app.jane().await));
    let web = format!("/clients/{}", app.clients.web.client_id);
    let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let call = |method: &str, path: &str, body: String| {
        Call::new(method, &format!("/api/v2{path}")).bearer(&token).body("application/json", body)
    };
    let session = {
        let id_token = app.sign_in("openid").await["id_token"].as_str().unwrap().to_owned();
        format!("/sessions/{}", crate::support::decode(&id_token).1["sid"].as_str().unwrap())
    };
    let tree = |member: &str, levels: usize| format!("{{\"{member}\":{}}}", nested(levels - 1));
    let flat = |member: &str, levels: usize| format!("{{\"{member}\":{{\"x\":{}}}}}", nested(levels - 2));
    for (method, path, member) in [
        ("PATCH", jane.as_str(), "user_metadata"),
        ("PATCH", jane.as_str(), "app_metadata"),
        ("PATCH", session.as_str(), "session_metadata"),
        ("PATCH", web.as_str(), "addons"),
    ] {
        for levels in [65, 100, 126, 127] {
            let answer = timed(&app, call(method, path, tree(member, levels))).await;
            assert_eq!(answer.status, 400, "{member} {levels}: {answer:?}");
        }
        let answer = timed(&app, call(method, path, flat(member, 64))).await;
        assert!(!answer.status.is_server_error(), "{member}: {answer:?}");
    }
    // An object of this name is read as the JSON in its text, in which the parser begins to count anew.
    let inner = serde_json::to_string(&nested(120)).unwrap();
    let wrapped = format!("{{\"a\":{{\"$serde_json::private::RawValue\":{inner}}}}}");
    let smuggled = format!("{{\"user_metadata\":{wrapped}}}");
    assert_eq!(timed(&app, call("PATCH", &jane, smuggled)).await.status, 400);
    // Files of users, whose text is read by itself.
    let connections = app.manage("GET", "/connections", serde_json::Value::Null).await;
    let file = format!("[{{\"email\":\"deep@example.com\",\"user_metadata\":{}}}]", nested(120));
    let import = json!({ "connection_id": connections[0]["id"], "users": file });
    assert_eq!(timed(&app, call("POST", "/jobs/users-imports", import.to_string())).await.status, 400);
    // Directories, in bodies and in the paths of changes.
    let directory = crate::scim::Directory::new(&app, "company").await;
    let user = directory.user(&app, "ada").await;
    let deep: serde_json::Value = serde_json::from_str(&nested(100)).unwrap();
    let put = json!({ "schemas": [], "userName": "ada", "active": true, "urn:x:y": { "a": deep } });
    let path = format!("/Users/{user}");
    assert_eq!(directory.ask(&app, "PUT", &path, &put).await.status, 400);
    let value = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let change =
        json!([{ "op": "add", "path": format!("emails[type eq {value}].value"), "value": "a@b.example" }]);
    assert_eq!(directory.ask(&app, "PATCH", &path, &crate::scim::operations(&change)).await.status, 400);
    // Everything is there and can be read.
    app.app.logs.flush().await.unwrap();
    for list in [
        "/users",
        "/users?search_engine=v3&q=*",
        "/clients",
        "/connections",
        "/logs",
        "/jobs",
        &jane,
        &web,
        &session,
    ] {
        let answer = app.send(Call::get(&format!("/api/v2{list}")).bearer(&token)).await;
        assert!(!answer.status.is_server_error(), "{list}: {answer:?}");
        assert!(list == "/jobs" || answer.status == 200, "{list}: {answer:?}");
        serde_json::from_str::<serde_json::Value>(&answer.body).expect("what a client reads, too");
    }
}

#[tokio::test]
async fn case_22_token_bombs() {
    let app = TestApp::new().await;
    let base64 = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    let bombs = [
        format!("{}.{}.x", base64(&format!("{{\"alg\":\"RS256\",\"x\":{deep}}}")), base64("{}")),
        format!("{}.{}.x", base64("{\"alg\":\"RS256\"}"), base64(&deep)),
        ".".repeat(10_000),
        "a".repeat(15_000),
        format!("{}..", "A".repeat(10_000)),
    ];
    for bomb in bombs {
        assert_eq!(timed(&app, Call::get("/userinfo").bearer(&bomb)).await.status, 401);
        assert_eq!(timed(&app, Call::get("/api/v2/clients").bearer(&bomb)).await.status, 401);
        let ask = app.ask("openid").with("id_token_hint", &bomb).with("prompt", "none");
        assert!(!timed(&app, Call::get(&ask.path())).await.status.is_server_error());
        let grant = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", bomb.as_str()),
        ];
        assert_eq!(timed(&app, Call::post("/oauth/token").form(&grant)).await.status, 401);
    }
}

#[tokio::test]
async fn case_22_length_bombs() {
    let app = TestApp::new().await;
    let words = "scope ".repeat(3000);
    let names: Vec<String> = (0..20_000).map(|n| format!("p{n}=")).collect();
    let many = names.join("&");
    let mut browser = Browser::new(&app);
    for (name, value) in [
        ("scope", words.as_str()),
        ("state", &words),
        ("nonce", &words),
        ("ui_locales", &words),
        ("prompt", &words),
        ("login_hint", &words),
        ("audience", &words),
        ("response_type", &words),
        ("redirect_uri", &words),
    ] {
        let answer = timed(&app, Call::get(&app.ask("openid").with(name, value).path())).await;
        assert!(!answer.status.is_server_error(), "{name}: {answer:?}");
    }
    for path in
        ["/oauth/token", "/oauth/revoke", "/authorize", "/u/login", "/dbconnections/signup", "/oidc/logout"]
    {
        let call = Call::post(path).body("application/x-www-form-urlencoded", many.as_str());
        is_refused(&timed(&app, call).await);
        let large = Call::post(path).body("application/x-www-form-urlencoded", vec![b'a'; (1 << 20) + 1]);
        assert_eq!(timed(&app, large).await.status, 413, "{path}");
    }
    let cookies = "a=b; ".repeat(5000);
    let call = Call::get("/u/login?state=x")
        .header("cookie", &cookies)
        .header("accept-language", &"en,".repeat(5000));
    assert_eq!(timed(&app, call).await.status, 400);
    browser.authorize(&Ask::code(&app.clients.web.client_id, "openid"), &JANE).await.get("code");
}

#[tokio::test]
async fn case_22_look_alike_origins_get_no_permission() {
    let app = TestApp::new().await;
    app.set_client(
        &app.clients.spa.client_id,
        json!({ "allowed_origins": ["https://app.example"], "web_origins": [] }),
    )
    .await;
    let origin = |origin: &str| Call::post("/oauth/token").form(&[]).header("origin", origin);
    let allowed = app.send(origin("https://app.example")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    for strange in [
        "https://badapp.example",
        "https://app.example.evil.example",
        "https://app.example:8443",
        "http://app.example",
        "https://sub.app.example",
        "https://app.exampl",
        "https://app.example@evil.example",
        "null",
        "https://app-example",
        "https://evil.example/https://app.example",
        "https://app.example\\evil",
        "file://",
        "",
    ] {
        let answer = app.send(origin(strange)).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{strange}");
        let preflight = Call::new("OPTIONS", "/oauth/token").header("origin", strange);
        let answer = app.send(preflight.header("access-control-request-method", "POST")).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{strange}");
    }
}

/// Origins that `web_message` may answer to.
#[tokio::test]
async fn case_22_look_alike_origins_get_no_message() {
    let app = TestApp::new().await;
    app.set_client(&app.clients.spa.client_id, json!({ "web_origins": ["https://app.example"] })).await;
    let ask = |uri: &str| {
        let ask = Ask::code(&app.clients.spa.client_id, "openid").with("redirect_uri", uri);
        ask.with("response_mode", "web_message").with("prompt", "none").path()
    };
    let answer = app.get(&ask("https://app.example")).await.expect(200);
    assert!(answer.body.contains("data-target-origin=\"https://app.example\""), "{}", answer.body);
    for strange in [
        "https://badapp.example",
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:444",
        "https://app.example@evil.example",
    ] {
        assert_eq!(app.get(&ask(strange)).await.status, 403, "{strange}");
    }
}

async fn timed(app: &TestApp, call: Call) -> Answer {
    let start = Instant::now();
    let answer = app.send(call).await;
    // Debug builds on a busy machine: what is meant is "not for ever".
    assert!(start.elapsed() < Duration::from_secs(10), "{:?} for {answer:?}", start.elapsed());
    answer
}

#[track_caller]
fn is_refused(answer: &Answer) {
    assert_eq!(answer.status, 400, "{answer:?}");
}

/// What proves somebody is compared in constant time: no source of ours holds such a thing against another with `==`.
#[test]
fn case_22_secrets_are_not_compared_byte_by_byte() {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut seen = 0;
    for file in crate::architecture::sources(&crates)
        .iter()
        .filter(|f| f.components().any(|c| c.as_os_str() == "src"))
    {
        let text = std::fs::read_to_string(file).unwrap();
        for line in text
            .split("#[cfg(test)]")
            .next()
            .unwrap()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            // What one person typed twice is held against itself.
            let line = if line.contains("\"password-repeat\"") { "" } else { line };
            for sign in [" == ", " != "] {
                let Some((left, right)) = line.split_once(sign) else { continue };
                seen += 1;
                let left = left.rsplit([' ', '(', '!']).next().unwrap_or_default();
                let right = right.split([' ', ')', ',', ';']).next().unwrap_or_default();
                let secret = |side: &str| {
                    let bytes = ["secret", "digest", "verifier", "signature", "password", "cookie", "expose"];
                    bytes.iter().any(|word| side.contains(word))
                        && !side.contains("len(")
                        && !side.contains("::")
                };
                assert!(!secret(left) && !secret(right), "{}: {line}", file.display());
            }
        }
    }
    assert!(seen > 50, "the sources were not found");
}

/// What a passkey signed for a site that looks like ours is nothing here.
#[tokio::test]
async fn case_22_passkeys_of_sites_that_look_like_ours() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let mut key = Authenticator::new();
    make(&app, &mut key).await;
    let own = key.origin.clone();
    for origin in [
        "https://badauth.example",
        "https://auth.example.evil.test",
        "https://evil.test/auth.example",
        "https://auth.example@evil.test",
        "https://auth.example.",
        "https://auth.example:443",
        "https://AUTH.example",
        "https://second.example",
        "http://auth.example",
        "null",
        "",
    ] {
        app.clock.advance(60);
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        origin.clone_into(&mut key.origin);
        let signed = key.get(&login);
        let posted = [("state", login.form().value("state")), ("response", signed)];
        let pairs: Vec<(&str, &str)> = posted.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refused = browser.post(LOG_IN, &pairs).await.expect(400);
        assert!(browser.session_cookie().is_none(), "{origin}");
        // The same key at the same page, from our own.
        own.clone_into(&mut key.origin);
        let signed = key.get_as(&options(&refused));
        browser.post(LOG_IN, &[pairs[0], ("response", &signed)]).await.expect(303);
        assert!(browser.session_cookie().is_some(), "{origin}");
    }
}

#[tokio::test]
async fn case_22_bombs_in_the_place_of_passkeys() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let lists = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    // CBOR that nests, and CBOR that says it is long.
    let cbor = [vec![0x81; 9000], vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]];
    let answers = cbor.map(|bytes| {
        let data = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let response = json!({"clientDataJSON": "e30", "authenticatorData": data, "signature": "AA"});
        json!({"id": "AQ", "rawId": "AQ", "type": "public-key", "response": response}).to_string()
    });
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let state = login.form().value("state");
    for bomb in [lists, answers[0].clone(), answers[1].clone()] {
        let begun = Instant::now();
        browser.post(LOG_IN, &[("state", &state), ("response", &bomb)]).await.expect(400);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
