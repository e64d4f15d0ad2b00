//! Logout tokens go to addresses that administrators of tenants name: never within the network of the machine, nowhere by a
//! redirect, and no longer than five seconds. What is fetched elsewhere is tested where it is (`client_documents`, `fetch`).

use chancery_store::{Change, Kind};
use serde_json::{Value, json};

use crate::support::{Ask, Browser, JANE, Service, TENANT, TestApp};

async fn log_out_with(app: &TestApp, url: &str) -> Vec<Value> {
    let client_id = app.clients.web.client_id.as_str();
    let stored = app.app.store.doc(TENANT, Kind::Client, client_id).await.unwrap().unwrap();
    let mut document: Value = serde_json::from_str(&stored.json).unwrap();
    document["oidc_logout"] = json!({"backchannel_logout_urls": [url]});
    let change = Change::new(TENANT).update(Kind::Client, client_id, None, document.to_string(), stored.rev);
    app.app.catalog.apply(change).await.unwrap();
    let mut browser = Browser::new(app);
    browser.authorize(&Ask::code(client_id, "openid"), &JANE).await.get("code");
    browser.get("/v2/logout").await.expect(200);
    for pause in [0, 10, 60, 300, 1800] {
        app.clock.advance(pause);
        chancery_oauth::tell_due(&app.app).await.unwrap();
    }
    app.app.logs.flush().await.unwrap();
    let path = "/logs?q=type%3Aoidc_backchannel_logout_failed";
    app.manage("GET", path, Value::Null).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn case_07_logout_tokens_stay_outside() {
    let app = TestApp::new().await;
    let service = Service::start(|_| (200, json!({}))).await;
    let port = service.origin.rsplit_once(':').unwrap().1.to_owned();
    let urls = [
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://100.64.0.1/".to_owned(),
        service.origin.clone(),
        format!("https://user@127.0.0.1:{port}/"),
    ];
    for (count, url) in urls.iter().enumerate() {
        let failed = log_out_with(&app, url).await;
        assert_eq!(failed.len(), count + 1, "{url}");
        let why = failed[0]["description"].as_str().unwrap();
        assert!(
            why.contains("is not one of the internet") || why.contains("is not an https URL"),
            "{url}: {why}"
        );
    }
    assert!(service.heard().is_empty());
}

#[tokio::test]
async fn case_07_no_redirect_is_followed() {
    let app = TestApp::configured(Service::config()).await;
    let service = Service::start(|_| (307, json!({}))).await;
    let failed = log_out_with(&app, &format!("{}/out", service.origin)).await;
    assert_eq!(failed.len(), 1);
    assert!(failed[0]["description"].as_str().unwrap().contains("redirect"), "{failed:?}");
    assert_eq!(service.heard().len(), 1);
}

#[tokio::test]
async fn case_07_the_contract_takes_https_alone() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let path = format!("/api/v2/clients/{}", app.clients.web.client_id);
    for bad in ["http://app.example/out", "ftp://app.example/", "javascript:alert(1)", "/out"] {
        let body = json!({"oidc_logout": {"backchannel_logout_urls": [bad]}});
        let answer = app.send(crate::support::Call::new("PATCH", &path).bearer(&token).json(&body)).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}
