//! `/emails/provider` and `/email-templates`: mail in the tenant's own words, by the tenant's own way.

use serde_json::{Value, json};

use crate::support::*;

/// A new account in the demo tenant's database.
async fn sign_up(app: &TestApp, email: &str) {
    let body = json!({"client_id": app.clients.web.client_id, "connection": CONNECTION, "email": email, "password": "Correct-Horse-7", "name": "Ann <b>Bee</b>"});
    app.send(Call::post("/dbconnections/signup").json(&body)).await.expect(200);
}

/// The path that a mail leads to.
fn link(text: &str) -> String {
    let word = text.split_whitespace().find(|word| word.contains("?ticket=")).unwrap();
    let address = word.trim_start_matches('<').split('>').next().unwrap();
    address.replace(ISSUER.trim_end_matches('/'), "")
}

#[tokio::test]
async fn a_template_is_what_the_mail_says() {
    let app = TestApp::new().await;
    sign_up(&app, "before@example.com").await;
    assert!(app.app.outbox.kept()[0].subject.starts_with("Confirm your email address"));

    let body = "<p>Hi {{ user.email }}, {% if user.email_verified %}again{% else %}welcome to {{ friendly_name | default: 'us' }}{% endif %}: <a href=\"{{ url }}\">yes</a></p>";
    let template =
        json!({"body": body, "subject": "Hello\n{{ email }}", "from": "Acme <hello@acme.example>"});
    app.manage("PATCH", "/email-templates/verify_email", template).await;
    sign_up(&app, "after@example.com").await;
    let mail = app.app.outbox.kept().remove(0);
    assert_eq!(mail.subject, "Helloafter@example.com", "one line");
    assert_eq!((mail.from, mail.route), (None, None), "the server's own sender is nobody else's to choose");
    assert!(mail.html.starts_with("<p>Hi after@example.com, welcome to "), "{}", mail.html);
    assert!(mail.html.contains("/u/email-verification?ticket=") && mail.text.contains("?ticket="));
    assert!(
        mail.text.starts_with("Hi after@example.com, welcome to ") && mail.text.contains(": yes <http"),
        "{}",
        mail.text
    );

    // Whoever has proven the address is greeted, where there are words for it, and once.
    let welcome =
        json!({"enabled": true, "body": "<h1>Welcome {{ user.email | upcase }}</h1>", "subject": "Hi"});
    app.manage("PATCH", "/email-templates/welcome_email", welcome).await;
    let link = link(&mail.text);
    for _ in 0..2 {
        app.send(Call::get(&link)).await;
    }
    let kept = app.app.outbox.kept();
    let greetings: Vec<_> = kept.iter().filter(|mail| mail.subject == "Hi").collect();
    assert_eq!(greetings.len(), 1);
    assert_eq!(
        (greetings[0].html.as_str(), greetings[0].text.as_str()),
        ("<h1>Welcome AFTER@EXAMPLE.COM</h1>", "Welcome AFTER@EXAMPLE.COM\n")
    );

    // Switched off it is not sent, unless an administrator asks.
    app.manage("PATCH", "/email-templates/verify_email", json!({"enabled": false})).await;
    app.app.outbox.forget();
    sign_up(&app, "off@example.com").await;
    assert!(app.app.outbox.kept().is_empty());
}

#[tokio::test]
async fn values_are_not_markup_and_templates_are_read_when_written() {
    let app = TestApp::new().await;
    let reset = json!({"template": "reset_email", "body": "<i>{{ user.user_metadata.nick }}</i> {{ url }} {{ tenant }}{{ user.user_metadata }}", "from": "", "subject": "", "syntax": "liquid", "enabled": true, "urlLifetimeInSeconds": 120});
    app.manage("POST", "/email-templates", reset).await;
    let jane = app.jane().await;
    app.manage(
        "PATCH",
        &format!("/users/{}", jane.replace('|', "%7C")),
        json!({"user_metadata": {"nick": "<script>"}}),
    )
    .await;
    let ask = json!({"client_id": app.clients.web.client_id, "connection": CONNECTION, "email": JANE.email});
    app.send(Call::post("/dbconnections/change_password").json(&ask)).await.expect(200);
    let mail = app.app.outbox.kept().remove(0);
    assert!(mail.html.starts_with("<i>&lt;script&gt;</i> "), "{}", mail.html);
    assert!(mail.html.ends_with(" demo"), "a thing is spoken of by its name, or not at all: {}", mail.html);
    assert!(mail.text.starts_with("<script> http"), "{}", mail.text);
    assert!(mail.subject.starts_with("Choose a new password"), "an empty subject is ours");
    // The link is good for as long as the template says.
    let link = link(&mail.text);
    app.send(Call::get(&link)).await.expect(200);
    app.clock.advance(121);
    assert!(!app.send(Call::get(&link)).await.body.contains("type=\"password\""));

    for bad in ["{% for a in (1..1000000000) %}{% endfor %}", "{{ url", "{% if a %}", "{{ a | strip_html }}"]
    {
        let said = app.api("PATCH", "/email-templates/reset_email", json!({"body": bad})).await.expect(400);
        assert!(said.text("message").contains("line 1"), "{said:?}");
    }
}

/// A short template may ask for much: then the mail comes in standard words. Whoever asks for a mail does not wait for its
/// template either way.
#[tokio::test]
async fn a_template_that_asks_for_too_much_is_given_up_after_the_answer() {
    let app = TestApp::new().await;
    let condition = ["user.user_metadata.note contains 'y'"; 16].join(" or ");
    let body = format!("{}Hello {{{{ url }}}}", format!("{{% if {condition} %}}{{% endif %}}").repeat(10));
    let reset = json!({"template": "reset_email", "body": body, "from": "", "subject": "Mine", "syntax": "liquid", "enabled": true});
    app.manage("POST", "/email-templates", reset).await;
    let path = format!("/users/{}", segment(&app.jane().await));
    let ask = json!({"client_id": app.clients.web.client_id, "connection": CONNECTION, "email": JANE.email});
    for (length, subject, given_up) in [(10, "Mine", 0), (60_000, "Choose a new password - ", 1)] {
        app.manage("PATCH", &path, json!({"user_metadata": {"note": "x".repeat(length)}})).await;
        app.send(Call::post("/dbconnections/change_password").json(&ask)).await.expect(200);
        assert_eq!(logged(&app).await, 0, "nothing is rendered before the answer");
        let mail = app.app.outbox.kept().remove(0);
        assert!(mail.subject.starts_with(subject) && mail.html.contains("ticket="), "{}", mail.subject);
        assert_eq!(logged(&app).await, given_up);
    }
}

/// How many failed notifications the tenant's log tells of.
async fn logged(app: &TestApp) -> usize {
    app.app.logs.flush().await.unwrap();
    let events = app.manage("GET", "/logs?per_page=100", Value::Null).await;
    let events = events.as_array().unwrap();
    events.iter().filter(|event| event["type"] == "fn").count()
}

#[tokio::test]
async fn mail_leaves_by_the_tenants_own_server() {
    let app = TestApp::new().await;
    let smtp = json!({"name": "smtp", "default_from_address": "no-reply@acme.example", "credentials": {"smtp_host": "mail.acme.example", "smtp_port": 465, "smtp_user": "u", "smtp_pass": "S3CRET"}});
    app.manage("POST", "/emails/provider", smtp).await;
    sign_up(&app, "a@example.com").await;
    let mail = app.app.outbox.kept().remove(0);
    let route = mail.route.clone().unwrap();
    assert_eq!((route.host.as_str(), route.port, route.user.as_str()), ("mail.acme.example", 465, "u"));
    assert_eq!((route.password.as_str(), mail.from.as_deref()), ("S3CRET", Some("no-reply@acme.example")));
    assert!(!format!("{mail:?}{route:?}").contains("S3CRET"));
    let from = json!({"body": "{{ url }}", "from": "{{ friendly_name }} <hello@acme.example>"});
    app.manage("PATCH", "/email-templates/verify_email", from).await;
    sign_up(&app, "own@example.com").await;
    let from = app.app.outbox.kept()[0].from.clone().unwrap();
    assert!(from.ends_with(" <hello@acme.example>"), "{from}");
    app.manage("PATCH", "/emails/provider", json!({"enabled": false})).await;
    sign_up(&app, "b@example.com").await;
    assert_eq!(app.app.outbox.kept()[0].route, None, "switched off");
    // Other providers are kept, and nothing is sent through them.
    app.api("DELETE", "/emails/provider", Value::Null).await.expect(204);
    app.manage("POST", "/emails/provider", json!({"name": "sendgrid", "credentials": {"api_key": "S3CRET"}}))
        .await;
    sign_up(&app, "c@example.com").await;
    assert_eq!(app.app.outbox.kept()[0].route, None);
}
