//! `/branding/phone/*/try`: messages to telephones that are really handed over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chancery_web::{ServerConfig, Services};
use serde_json::{Value, json};

use crate::support::*;

const SECRET: &str = "S3CRET-T0KEN";
const PROVIDERS: &str = "/branding/phone/providers";
const TEMPLATES: &str = "/branding/phone/templates";

async fn twilio() -> Service {
    Service::start(|_| (201, json!({"sid": "SM1", "status": "queued"}))).await
}

fn calls(service: &Service) -> ServerConfig {
    ServerConfig {
        services: Services { twilio: service.origin.clone(), ..Services::default() },
        ..Service::config()
    }
}

fn account(methods: &[&str]) -> Value {
    json!({
        "name": "twilio", "credentials": {"auth_token": SECRET},
        "configuration": {"sid": "AC123", "default_from": "+15550100", "mssid": "MG1", "delivery_methods": methods},
    })
}

async fn made(app: &TestApp, path: &str, body: Value) -> String {
    let made = app.manage("POST", path, body).await;
    format!("{path}/{}", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_provider_is_tried() {
    let service = twilio().await;
    let app = TestApp::configured(calls(&service)).await;
    let provider = made(&app, PROVIDERS, account(&["text", "voice"])).await;
    let attempt = format!("{provider}/try");

    let body = app.api("POST", &attempt, json!({"to": "+15550199"})).await.expect(202).json();
    assert_eq!(body["code"], 202);
    let heard = service.heard().remove(0);
    assert_eq!(
        (heard.method.as_str(), heard.path.as_str()),
        ("POST", "/2010-04-01/Accounts/AC123/Messages.json")
    );
    assert_eq!(heard.authorization, format!("Basic {}", STANDARD.encode(format!("AC123:{SECRET}"))));
    assert_eq!(heard.field("To").as_deref(), Some("+15550199"));
    assert_eq!(heard.field("MessagingServiceSid").as_deref(), Some("MG1"));
    assert!(heard.field("Body").unwrap().contains("test message"), "{heard:?}");

    let call = json!({"to": "+15550199", "delivery_method": "voice"});
    app.api("POST", &attempt, call).await.expect(202);
    let heard = service.heard().remove(0);
    assert_eq!(heard.path, "/2010-04-01/Accounts/AC123/Calls.json");
    assert_eq!(heard.field("From").as_deref(), Some("+15550100"));
    assert!(heard.field("Twiml").unwrap().starts_with("<Response><Say>This is a test message"), "{heard:?}");

    app.api("POST", &attempt, json!({"to": "5550199"})).await.expect(400);
    app.api("POST", &format!("{PROVIDERS}/pro_none/try"), json!({"to": "+15550199"})).await.expect(404);
    assert!(service.heard().is_empty(), "nothing was sent");
    assert!(!app.at_rest().await.contains(SECRET));
}

/// What Twilio says is passed on, and nothing secret with it; what it cannot do is said before it is asked.
#[tokio::test]
async fn what_goes_wrong_is_said() {
    let service = twilio().await;
    let app = TestApp::configured(calls(&service)).await;
    let provider = made(&app, PROVIDERS, account(&["text"])).await;
    let attempt = format!("{provider}/try");
    let to = json!({"to": "+15550199"});

    service.answers(|_| {
        (
            400,
            json!({"code": 21211, "message": "The 'To' number is not a valid phone number.", "status": 400}),
        )
    });
    let refused = app.api("POST", &attempt, to.clone()).await.expect(400).json();
    assert_eq!(refused["errorCode"], "phone_provider_error");
    assert_eq!(
        refused["message"],
        "No message was sent: Twilio refused it with status 400: The 'To' number is not a valid phone number. (error 21211)."
    );
    service.answers(|_| (302, json!({})));
    let refused = app.api("POST", &attempt, to.clone()).await.expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("a redirect"), "{refused}");
    service.heard();

    let voice = json!({"to": "+15550199", "delivery_method": "voice"});
    let refused = app.api("POST", &attempt, voice).await.expect(400).json();
    assert_eq!(refused["message"], "No message was sent: the provider has no delivery method \"voice\".");
    app.manage(
        "PATCH",
        &provider,
        json!({"configuration": {"sid": "../x", "default_from": "+1", "delivery_methods": ["text"]}}),
    )
    .await;
    let refused = app.api("POST", &attempt, to.clone()).await.expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("configuration.sid"), "{refused}");
    app.api("DELETE", &provider, Value::Null).await.expect(204);

    let custom =
        json!({"name": "custom", "configuration": {"delivery_methods": ["text"]}, "credentials": {}});
    let custom = made(&app, PROVIDERS, custom).await;
    let refused = app.api("POST", &format!("{custom}/try"), to).await.expect(409).json();
    assert!(refused["message"].as_str().unwrap().contains("runs no Actions"), "{refused}");
    assert!(service.heard().is_empty(), "nothing was sent");
}

/// An address within is not called, whoever set it (security case 7).
#[tokio::test]
async fn the_way_out_is_guarded() {
    let service = twilio().await;
    let config = ServerConfig { fetch_networks: chancery_web::Networks::default(), ..calls(&service) };
    let app = TestApp::configured(config).await;
    let provider = made(&app, PROVIDERS, account(&["text"])).await;
    let refused =
        app.api("POST", &format!("{provider}/try"), json!({"to": "+15550199"})).await.expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("not one of the internet"), "{refused}");
    assert!(service.heard().is_empty());
}

#[tokio::test]
async fn a_template_is_tried() {
    let service = twilio().await;
    let app = TestApp::configured(calls(&service)).await;
    let body = json!({
        "text": "{{ code }} for {{ friendly_name }}{% if message_type == \"otp_enroll\" %}, new{% endif %}",
        "voice": "<b> {{ code }}",
    });
    let template = json!({"type": "otp_enroll", "content": {"from": "+15550111", "body": body}});
    let template = made(&app, TEMPLATES, template).await;
    let attempt = format!("{template}/try");
    let to = json!({"to": "+15550199"});
    let refused = app.api("POST", &attempt, to.clone()).await.expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("no phone provider"), "{refused}");

    let provider = made(&app, PROVIDERS, account(&["text", "voice"])).await;
    app.manage("PATCH", "/tenants/settings", json!({"friendly_name": "Acme"})).await;
    let answer = app.api("POST", &attempt, to.clone()).await.expect(202).json();
    assert!(answer["message"].is_string());
    let heard = service.heard().remove(0);
    assert_eq!(heard.field("Body").as_deref(), Some("123456 for Acme, new"));
    assert_eq!(heard.field("From").as_deref(), Some("+15550111"), "the template's own sender");
    app.api("POST", &attempt, json!({"to": "+15550199", "delivery_method": "voice"})).await.expect(202);
    let spoken = service.heard().remove(0).field("Twiml").unwrap();
    assert_eq!(spoken, "<Response><Say>&lt;b&gt; 123456</Say></Response>", "text, never markup");

    let unreadable = json!({"content": {"body": {"text": "{% for a in b %}"}}});
    app.manage("PATCH", &template, unreadable).await;
    let refused = app.api("POST", &attempt, to.clone()).await.expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("cannot be rendered"), "{refused}");
    app.manage("PATCH", &provider, json!({"disabled": true})).await;
    let refused = app.api("POST", &attempt, to).await.expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("disabled"), "{refused}");
    assert!(service.heard().is_empty(), "nothing was sent");
}
