//! The routes that do without the router answer as the router does.

use chancery_web::{Answers, Caller, Front, Networks, ServerConfig};
use http::HeaderMap;
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::support::{Call, TestApp};

const TOKEN: &str = "/oauth/token";
const USERINFO: &str = "/userinfo";
const KEY_SET: &str = "/.well-known/jwks.json";
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Status, headers that do not count requests, and the body.
async fn answered(front: &impl Answers, call: Call) -> (u16, HeaderMap, String) {
    let request = call.into_request("auth.example");
    let caller = Caller::of(request.extensions());
    let (parts, body) = front.answer(request, &caller).await.into_parts();
    let mut headers = parts.headers;
    let id = headers.remove("x-request-id").unwrap().to_str().unwrap().to_owned();
    assert_eq!(id.len(), 22);
    // The router says what the library says otherwise when it sends the answer.
    headers.remove("content-length");
    let body = body.collect().await.unwrap().to_bytes();
    // Pages show it.
    (parts.status.as_u16(), headers, String::from_utf8(body.to_vec()).unwrap().replace(&id, ""))
}

async fn both_ways(front: &Front, call: Call) -> (u16, HeaderMap, String) {
    let here = answered(front, call.clone()).await;
    assert_eq!(here, answered(front.routes(), call).await);
    here
}

#[tokio::test]
async fn both_ways_answer_alike() {
    let app = TestApp::new().await;
    let token = app.sign_in("openid email").await["access_token"].as_str().unwrap().to_owned();
    let bearing = |token: &str| Call::get(USERINFO).header("authorization", &format!("Bearer {token}"));
    let long = "a".repeat(3 << 20);
    let cases = [
        (Call::get(KEY_SET), 200),
        (Call::get("/.well-known/jwks.json?x=1"), 200),
        (Call::get(KEY_SET).host("evil.example"), 404),
        (Call::get(KEY_SET).header("origin", "https://app.example"), 200),
        (Call::new("HEAD", KEY_SET), 200),
        (Call::post(KEY_SET), 405),
        (Call::get("/.well-known/jwks.json/"), 404),
        (Call::get(DISCOVERY), 200),
        (Call::get(DISCOVERY).host("second.example"), 200),
        (bearing(&token), 200),
        (bearing("nothing"), 401),
        (Call::get(USERINFO), 401),
        (Call::get(&format!("/userinfo?access_token={token}")), 200),
        (Call::new("DELETE", USERINFO), 405),
        (Call::get(TOKEN), 405),
        (Call::post(TOKEN).form(&[("grant_type", "nothing")]), 403),
        (Call::post(TOKEN).form(&[("grant_type", &long)]), 413),
        (Call::post(TOKEN).header("content-type", "text/xml"), 415),
        (Call::post(TOKEN).host("evil.example"), 404),
    ];
    for (call, status) in cases {
        let (said, headers, body) = both_ways(&app.front, call).await;
        assert_eq!(said, status, "{headers:?} {body}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(headers.contains_key("strict-transport-security"));
    }
}

/// Every method of every path and of what looks like it, whoever sends it.
#[tokio::test]
async fn whatever_is_asked_both_ways_answer_alike() {
    const PATHS: [&str; 15] = [
        TOKEN,
        USERINFO,
        KEY_SET,
        DISCOVERY,
        "/oauth/token/",
        "/oauth%2ftoken",
        "/oauth/../oauth/token",
        "//userinfo",
        "/%75serinfo",
        "/userinfo;x",
        "/userinfo?access_token=a&access_token=b",
        "/userinfo?%ff",
        "http://second.example/.well-known/jwks.json",
        "https://evil.example/userinfo",
        "/.well-known/jwks.json?",
    ];
    let proxy = || Networks(vec!["10.0.0.7".parse().unwrap()]);
    let config =
        ServerConfig { trusted_proxies: proxy(), certificate_proxies: proxy(), ..ServerConfig::default() };
    let app = TestApp::configured(config).await;
    let client_id = app.clients.m2m.client_id.as_str();
    let dress: [&dyn Fn(Call) -> Call; 12] = [
        &|call| call,
        &|call| call.host("second.example"),
        &|call| call.header("host", "auth.example").header("host", "second.example"),
        &|call| call.host("auth.example."),
        &|call| call.header("x-forwarded-host", "second.example").header("x-forwarded-proto", "http"),
        &|call| call.sent_from([10, 0, 0, 7]).header("x-forwarded-host", "evil.example, second.example"),
        &|call| {
            call.sent_from([10, 0, 0, 7])
                .header("client-certificate", "rubbish")
                .form(&[("client_id", client_id)])
        },
        &|call| call.header("accept", "text/html").header("dpop", "a.b.c").header("authorization", "DPoP x"),
        &|call| call.header("authorization", "Basic eDp5").body("application/json", "{\"grant_type\":1}"),
        &|call| call.body("application/json", "{\"grant_type\":\"client_credentials\""),
        &|call| call.body("application/x-www-form-urlencoded; charset=x", "grant_type=a&grant_type=b"),
        &|call| call.header("origin", "null").header("access-control-request-method", "POST"),
    ];
    for path in PATHS {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"] {
            for dressed in dress {
                both_ways(&app.front, dressed(Call::new(method, path))).await;
            }
        }
    }
}

#[tokio::test]
async fn tokens_come_either_way() {
    let app = TestApp::new().await;
    let machine = &app.clients.m2m;
    let asked = [
        ("grant_type", "client_credentials"),
        ("client_id", machine.client_id.as_str()),
        ("client_secret", machine.client_secret.as_ref().unwrap().expose_secret()),
        ("audience", "https://contacts.example/api"),
    ];
    let call = Call::post(TOKEN).form(&asked);
    for (status, headers, body) in
        [answered(&app.front, call.clone()).await, answered(app.front.routes(), call).await]
    {
        assert_eq!((status, headers["cache-control"].to_str().unwrap()), (200, "no-store"));
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["scope"], "read:contacts");
    }
}
