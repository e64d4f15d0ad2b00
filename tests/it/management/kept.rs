//! Settings that are kept for the tools that write them: looks, prompts, mail, telephone, token exchange. What is secret in
//! them is never shown and lies sealed.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn looks_and_the_page_template() {
    let app = TestApp::new().await;
    let body = json!({"colors": {"primary": "#ea5323"}, "logo_url": "https://example.com/logo.png"});
    assert_eq!(app.manage("PATCH", "/branding", body.clone()).await, body);
    assert_eq!(app.manage("GET", "/branding", Value::Null).await, body);
    app.api("PATCH", "/branding", json!({"logo_url": "http://example.com/logo.png"})).await.expect(400);
    app.api("PATCH", "/branding", json!({"colors": {"primary": "red"}})).await.expect(400);

    let template = "/branding/templates/universal-login";
    app.api("GET", template, Value::Null).await.expect(404);
    let page = "<html><head>{%- auth0:head -%}</head><body>{%- auth0:widget -%}</body></html>";
    app.api("PUT", template, json!({"template": "<html></html>"})).await.expect(400);
    let token = app.management_token().await;
    let itself = |kind: &str| {
        Call::new("PUT", "/api/v2/branding/templates/universal-login").bearer(&token).body(kind, page)
    };
    app.send(itself("text/html; charset=utf-8")).await.expect(201);
    app.send(itself("application/json")).await.expect(204);
    app.api("PUT", template, json!({"template": page})).await.expect(204);
    assert_eq!(app.manage("GET", template, Value::Null).await, json!({"body": page}));
    app.api("DELETE", template, Value::Null).await.expect(204);
    app.api("GET", template, Value::Null).await.expect(404);
}

#[tokio::test]
async fn prompts_texts_and_renderings() {
    let app = TestApp::new().await;
    let after = app.manage("PATCH", "/prompts", json!({"identifier_first": true})).await;
    assert_eq!(after, json!({"universal_login_experience": "new", "identifier_first": true}));
    let texts = "/prompts/login/custom-text/en";
    assert_eq!(app.manage("GET", texts, Value::Null).await, json!({}));
    app.manage("PUT", texts, json!({"login": {"title": "Welcome"}, "login-id": {}})).await;
    assert_eq!(app.manage("GET", texts, Value::Null).await, json!({"login": {"title": "Welcome"}}));
    app.api("PUT", texts, json!({"login": {"title": 1}})).await.expect(400);
    app.api("GET", "/prompts/login/custom-text/e%2Fn", Value::Null).await.expect(400);
    app.api("GET", "/prompts/mfa/partials", Value::Null).await.expect(400);
    let partials = json!({"login": {"form-content-start": "<b>Hello</b>"}});
    assert_eq!(app.manage("PUT", "/prompts/login/partials", partials.clone()).await, partials);

    let rendering = "/prompts/login/screen/login/rendering";
    assert_eq!(app.manage("GET", rendering, Value::Null).await["rendering_mode"], "standard");
    app.manage("PATCH", rendering, json!({"rendering_mode": "advanced", "head_tags": [{"tag": "script"}]}))
        .await;
    let all = app.manage("GET", "/prompts/rendering?include_totals=true", Value::Null).await;
    assert_eq!((&all["total"], &all["configs"][0]["rendering_mode"]), (&json!(1), &json!("advanced")));
}

#[tokio::test]
async fn secrets_of_providers_are_written_and_never_shown() {
    let app = TestApp::new().await;
    app.api("GET", "/emails/provider", Value::Null).await.expect(404);
    let incomplete = json!({"name": "ses", "credentials": {"region": "eu"}});
    app.api("POST", "/emails/provider", incomplete).await.expect(400);
    let ses = json!({"name": "ses", "credentials": {"accessKeyId": "AK-1", "secretAccessKey": "S3CRET-1", "region": "eu"}});
    let made = app.manage("POST", "/emails/provider", ses.clone()).await;
    assert_eq!(made, json!({"name": "ses", "enabled": true, "credentials": {"region": "eu"}}));
    app.api("POST", "/emails/provider", ses).await.expect(409);
    let off = app.manage("PATCH", "/emails/provider", json!({"enabled": false})).await;
    assert_eq!(off["enabled"], false);
    let other = json!({"name": "smtp", "credentials": {"smtp_host": "mail.example.com", "smtp_port": 25, "smtp_user": "u", "smtp_pass": "S3CRET-2"}});
    let other = app.manage("PATCH", "/emails/provider", other).await;
    assert_eq!(
        other["credentials"],
        json!({"smtp_host": "mail.example.com", "smtp_port": 25, "smtp_user": "u"})
    );

    let phone = json!({"name": "twilio", "configuration": {"sid": "s", "delivery_methods": ["text"]}, "credentials": {"auth_token": "S3CRET-3"}});
    app.api("POST", "/branding/phone/providers", phone.clone()).await.expect(400);
    let mut phone = phone;
    phone["configuration"]["default_from"] = "+15550100".into();
    let made = app.manage("POST", "/branding/phone/providers", phone).await;
    assert_eq!(made.get("credentials"), None);
    let one = format!("/branding/phone/providers/{}", made["id"].as_str().unwrap());
    app.manage("PATCH", &one, json!({"disabled": true})).await;
    let all = app.manage("GET", "/branding/phone/providers", Value::Null).await;
    assert_eq!(all["providers"][0]["disabled"], true);

    let captcha =
        json!({"active_provider_id": "hcaptcha", "hcaptcha": {"site_key": "k", "secret": "S3CRET-4"}});
    let captcha = app.manage("PATCH", "/attack-protection/captcha", captcha).await;
    assert_eq!(captcha["hcaptcha"], json!({"site_key": "k"}));
    let more = json!({"recaptcha_v2": {"site_key": "k2", "secret": "S3CRET-5"}});
    app.manage("PATCH", "/attack-protection/captcha", more).await;

    let mut kept = String::new();
    for kind in [
        chancery_store::Kind::EmailProvider,
        chancery_store::Kind::PhoneProvider,
        chancery_store::Kind::AttackProtection,
    ] {
        for doc in app.app.store.docs_all(TENANT, kind).await.unwrap() {
            kept.push_str(&doc.json);
        }
    }
    assert_eq!(kept.matches("\"sealed\"").count(), 3);
    assert!(!kept.contains("S3CRET") && !kept.contains("AK-1"), "secrets lie sealed");
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("DELETE", &one, Value::Null).await.expect(404);
    app.api("DELETE", "/emails/provider", Value::Null).await.expect(204);
}

#[tokio::test]
async fn mail_templates_and_token_exchange_profiles() {
    let app = TestApp::new().await;
    // A new tenant has two.
    let verify = app.manage("GET", "/email-templates/verify_email", Value::Null).await;
    assert_eq!((&verify["enabled"], &verify["urlLifetimeInSeconds"]), (&json!(true), &json!(432_000)));
    let welcome = app.manage("PATCH", "/email-templates/welcome_email", json!({"subject": "Hi"})).await;
    assert_eq!((&welcome["enabled"], &welcome["subject"]), (&json!(false), &json!("Hi")));
    let template = json!({"template": "reset_email", "body": "Hi", "from": "", "subject": "Hi", "syntax": "liquid", "enabled": true});
    app.api("GET", "/email-templates/reset_email", Value::Null).await.expect(404);
    app.api("PATCH", "/email-templates/reset_email", json!({"enabled": false})).await.expect(404);
    assert_eq!(app.manage("POST", "/email-templates", template.clone()).await, template);
    app.api("POST", "/email-templates", template.clone()).await.expect(409);
    let off = app.manage("PATCH", "/email-templates/reset_email", json!({"enabled": false})).await;
    assert_eq!(off["enabled"], false);
    app.api("PUT", "/email-templates/verify_email", template).await.expect(400);

    let profile = json!({"name": "Legacy", "subject_token_type": "https://example.com/legacy", "action_id": "a", "type": "custom_authentication"});
    let made = app.manage("POST", "/token-exchange-profiles", profile.clone()).await;
    app.api("POST", "/token-exchange-profiles", profile.clone()).await.expect(409);
    let mut reserved = profile;
    reserved["subject_token_type"] = "urn:ietf:params:oauth:token-type:jwt".into();
    app.api("POST", "/token-exchange-profiles", reserved).await.expect(400);
    let one = format!("/token-exchange-profiles/{}", made["id"].as_str().unwrap());
    assert_eq!(app.manage("PATCH", &one, json!({"name": "Older"})).await["name"], "Older");
    let all = app.manage("GET", "/token-exchange-profiles", Value::Null).await;
    assert_eq!(all["token_exchange_profiles"].as_array().unwrap().len(), 1);
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("GET", &one, Value::Null).await.expect(404);
}

#[tokio::test]
async fn settings_that_do_nothing_are_named_at_the_start() {
    let app = TestApp::new().await;
    let told = async || {
        let tenant = app.app.catalog.snapshot(TENANT).await.unwrap();
        let kept = chancery_management::kept_only(&app.app.store, &tenant).await.unwrap();
        kept.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told().await, [""; 0], "the demo tenant relies on nothing of that kind");
    app.set_web(json!({"sso": true, "description": "for people"})).await;
    app.set_api(json!({"consent_policy": "transactional-authorization-with-mfa"})).await;
    app.manage(
        "PATCH",
        "/branding",
        json!({"logo_url": "https://example.com/logo.png", "font": {"url": "https://example.com/f"}}),
    )
    .await;
    let github = json!({"name": "github", "strategy": "github"});
    app.manage("POST", "/connections", github).await;
    let jane = format!("/users/{}/authentication-methods", segment(&app.jane().await));
    app.manage("POST", &jane, json!({"type": "email", "email": "a@example.com"})).await;
    let wanted = [
        "applications: sso (1)",
        "APIs: consent_policy (1)",
        "connections that nobody can sign in with (1)",
        "authentication methods of users (1)",
        "branding: font (1)",
    ];
    assert_eq!(told().await, wanted);
}

#[tokio::test]
async fn what_cannot_be_turned_on_stays_off() {
    let app = TestApp::new().await;
    let factors = app.manage("GET", "/guardian/factors", Value::Null).await;
    assert!(factors.as_array().unwrap().iter().all(|factor| factor["enabled"] == false));
    app.api("PUT", "/guardian/factors/sms", json!({"enabled": false})).await.expect(200);
    app.api("PUT", "/guardian/factors/sms", json!({"enabled": true})).await.expect(400);
    app.api("PUT", "/guardian/factors/smoke", json!({"enabled": true})).await.expect(400);
    app.api("PUT", "/guardian/policies", json!(["confidence-score"])).await.expect(400);
    app.api("POST", "/actions/actions", json!({"name": "a"})).await.expect(501);
    let flows = app.manage("GET", "/flows?include_totals=true&per_page=7", Value::Null).await;
    assert_eq!(flows, json!({"flows": [], "start": 0, "limit": 7, "total": 0}));
    assert_eq!(app.manage("GET", "/log-streams", Value::Null).await, json!([]));
}

#[tokio::test]
async fn custom_domains_wait_for_whoever_configures_origins() {
    let app = TestApp::new().await;
    assert_eq!(
        app.manage("GET", "/custom-domains/default", Value::Null).await,
        json!({"domain": "auth.example"})
    );
    let body = json!({"domain": "Login.Example.com", "type": "auth0_managed_certs", "domain_metadata": {"a": "1", "b": "2"}});
    let made = app.manage("POST", "/custom-domains", body.clone()).await;
    assert_eq!(
        (&made["domain"], &made["status"]),
        (&json!("login.example.com"), &json!("pending_verification"))
    );
    app.api("POST", "/custom-domains", body).await.expect(409);
    app.api("POST", "/custom-domains", json!({"domain": "no domain", "type": "self_managed_certs"}))
        .await
        .expect(400);
    let one = format!("/custom-domains/{}", made["custom_domain_id"].as_str().unwrap());
    let after = app.manage("PATCH", &one, json!({"domain_metadata": {"a": null, "c": "3"}})).await;
    assert_eq!(after["domain_metadata"], json!({"b": "2", "c": "3"}));
    let verified = app.api("POST", &format!("{one}/verify"), Value::Null).await.expect(200).json();
    assert_eq!(verified["status"], "pending_verification");
    let own = json!({"domain": "auth.example", "type": "self_managed_certs"});
    assert_eq!(
        app.manage("POST", "/custom-domains", own).await["status"],
        "ready",
        "it is reached by this one"
    );
    app.api("PATCH", "/custom-domains/default", json!({"domain": "nobody.example"})).await.expect(404);
    app.manage("PATCH", "/custom-domains/default", json!({"domain": "login.example.com"})).await;
    assert_eq!(app.manage("GET", "/custom-domains/default", Value::Null).await["is_default"], true);
    assert_eq!(
        app.manage("GET", "/custom-domains?q=domain%3Alogin*", Value::Null).await.as_array().unwrap().len(),
        1
    );
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("GET", &one, Value::Null).await.expect(404);
    assert_eq!(app.manage("GET", "/custom-domains", Value::Null).await.as_array().unwrap().len(), 1);
}
