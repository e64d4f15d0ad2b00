//! `/dashboard/*`. Whether the dashboard was built or not: the tests hold in both cases.

use crate::support::{Call, ISSUER, TestApp};

#[tokio::test]
async fn every_address_below_is_the_page() {
    let app = TestApp::new().await;
    let root = app.get("/dashboard").await.expect(302);
    assert_eq!(root.header("location"), Some("/dashboard/"));
    for path in
        ["/dashboard/", "/dashboard/apis", "/dashboard/apis/x/permissions?q=1", "/dashboard/no/such/screen"]
    {
        let page = app.get(path).await.expect(200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(page.header("x-frame-options"), Some("DENY"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(page.body.contains("id=\"root\"") || page.body.contains("make dashboard"), "{path}");
    }
}

/// Nobody may guess it, and it is worth nothing at the next request.
#[tokio::test]
async fn the_nonce_is_fresh() {
    let app = TestApp::new().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let page = app.get("/dashboard/").await.expect(200);
        let policy = page.header("content-security-policy").unwrap().to_owned();
        assert!(!page.body.contains("__NONCE__"));
        let Some((_, rest)) = policy.split_once("'nonce-") else { return };
        let nonce = rest.split('\'').next().unwrap().to_owned();
        assert!(nonce.len() >= 32 && page.body.contains(&format!("nonce=\"{nonce}\"")), "{policy}");
        seen.push(nonce);
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn nothing_else_of_the_disk_is_served() {
    let app = TestApp::new().await;
    for name in
        ["nothing.js", "..%2Findex.html", ".gitignore", "%2e%2e%2f%2e%2e%2fpackage.json", "index.html"]
    {
        app.get(&format!("/dashboard/assets/{name}")).await.expect(404);
    }
}

#[tokio::test]
async fn what_it_signs_in_with() {
    let app = TestApp::new().await;
    let config = app.send(Call::get("/dashboard/config.json")).await;
    match config.status.as_u16() {
        200 => {
            assert_eq!(config.json()["client_id"], "chancery-dashboard");
            assert_eq!(config.json()["audience"], format!("{ISSUER}api/v2/"));
        }
        _ => {
            assert_eq!(config.status, 404);
            assert!(config.body.contains("chancery admin create"), "{}", config.body);
        }
    }
}
