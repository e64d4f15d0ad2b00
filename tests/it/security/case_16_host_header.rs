//! What a request says about the host chooses among the origins that an administrator wrote down. It never becomes part of
//! a link, a redirect or a token by itself.

use serde_json::json;

use crate::support::{Ask, Browser, CONNECTION, Call, ISSUER, JANE, TestApp};

const FORWARDED: [(&str, &str); 8] = [
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-host", "evil.example, auth.example"),
    ("x-forwarded-host", "second.example"),
    ("x-host", "evil.example"),
    ("x-forwarded-server", "evil.example"),
    ("forwarded", "host=evil.example;proto=http"),
    ("x-original-url", "https://evil.example/"),
    ("x-forwarded-proto", "http"),
];

#[tokio::test]
async fn case_16_foreign_hosts_have_no_tenant() {
    let app = TestApp::new().await;
    let hosts = [
        "evil.example",
        "auth.example.evil.example",
        "auth.example:4444",
        "auth.example@evil.example",
        "evil.example#auth.example",
        "auth.example.",
        "evilauth.example",
        "[::1]",
    ];
    for host in hosts {
        for path in [
            "/.well-known/openid-configuration",
            "/authorize?client_id=x",
            "/u/login?state=x",
            "/oidc/logout",
            "/api/v2/clients",
        ] {
            let answer = app.send(Call::get(path).host(host)).await;
            assert_eq!((answer.status.as_u16(), answer.location()), (404, None), "{host} {path}: {answer:?}");
            assert!(!answer.body.contains(host), "{host} {path}: {answer:?}");
        }
    }
    for port in ["auth.example:443", "AUTH.example"] {
        let answer = app.send(Call::get("/.well-known/openid-configuration").host(port)).await.expect(200);
        assert_eq!(answer.text("issuer"), ISSUER);
    }
}

#[tokio::test]
async fn case_16_forwarded_hosts_of_strangers_change_nothing() {
    let app = TestApp::new().await;
    let discovery = app.get("/.well-known/openid-configuration").await.body;
    for (name, value) in FORWARDED {
        let answer = app.send(Call::get("/.well-known/openid-configuration").header(name, value)).await;
        assert_eq!(answer.body, discovery, "{name}: {value}");
        let body = json!({ "email": JANE.email, "connection": CONNECTION });
        app.send(Call::post("/dbconnections/change_password").json(&body).header(name, value))
            .await
            .expect(200);
        let mail = &app.app.outbox.kept()[0];
        assert_eq!(mail.to, JANE.email);
        for text in [&mail.text, &mail.html] {
            assert!(text.contains("https://auth.example/u/reset-verify?ticket="), "{text}");
            assert!(!text.contains("evil.example") && !text.contains("second.example"), "{text}");
        }
        let mut browser = Browser::new(&app).with_header(name, value);
        let ask = Ask::code(&app.clients.web.client_id, "openid");
        let landing = browser.authorize(&ask, &JANE).await;
        assert_eq!(
            (landing.url.as_str(), landing.find("iss")),
            (crate::support::CALLBACK, Some(ISSUER)),
            "{name}"
        );
        let tokens = app.redeem(&landing.get("code")).await.expect(200);
        assert_eq!(app.verified(&tokens.text("id_token")).await["iss"], ISSUER);
        let logout = browser.get("/v2/logout").await;
        assert!(logout.location().is_none_or(|l| !l.contains("evil")), "{logout:?}");
    }
}

/// Each configured origin is an issuer of its own, and what one issued is not the other's.
#[tokio::test]
async fn case_16_origins_do_not_mix() {
    let app = TestApp::new().await;
    let second = app.send(Call::get("/.well-known/openid-configuration").host("second.example")).await;
    assert_eq!(second.text("issuer"), "https://second.example/");
    let tokens = app.sign_in("openid read:contacts").await;
    let access = tokens["access_token"].as_str().unwrap();
    app.userinfo(access).await.expect(200);
    let elsewhere = app.send(Call::get("/userinfo").bearer(access).host("second.example")).await;
    assert_eq!(elsewhere.status, 401);
    let body = json!({ "email": JANE.email, "connection": CONNECTION });
    app.send(Call::post("/dbconnections/change_password").json(&body).host("second.example"))
        .await
        .expect(200);
    assert!(app.app.outbox.kept()[0].text.contains("https://second.example/u/reset-verify"));
}

#[tokio::test]
async fn case_16_two_hosts_are_none() {
    let app = TestApp::new().await;
    let call = Call::get("/.well-known/openid-configuration")
        .header("host", "auth.example")
        .header("host", "evil.example");
    assert_eq!(app.send(call).await.status, 404);
    let absolute = Call::get("https://evil.example/.well-known/openid-configuration").host("auth.example");
    assert_eq!(app.send(absolute).await.status, 404);
}

/// `returnTo` and its like go where an administrator said, and nowhere else.
#[tokio::test]
async fn case_16_no_open_redirect() {
    let app = TestApp::new().await;
    let client = &app.clients.web.client_id;
    for url in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "https://auth.example@evil.example",
        "https:evil.example",
        "https://auth.example.evil.example",
        "https://auth.example\\@evil.example",
        "javascript:alert(1)",
        "https://auth.example/other",
        "\thttps://evil.example",
        "https://localhost:3000",
        "http://localhost:3000@evil.example",
    ] {
        for (path, name) in [("/v2/logout", "returnTo"), ("/oidc/logout", "post_logout_redirect_uri")] {
            for with_client in [true, false] {
                let own: &[(&str, &str)] = if with_client { &[("client_id", client)] } else { &[] };
                let query = crate::support::encode(&[own, &[(name, url)]].concat());
                let answer = app.get(&format!("{path}?{query}")).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.location()),
                    (400, None),
                    "{path} {url}: {answer:?}"
                );
            }
        }
    }
}
