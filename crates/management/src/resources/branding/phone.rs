//! `/branding/phone`: who carries text messages and calls, and what they say. Administrators send test messages; nothing else
//! sends any yet.

use axum::http::StatusCode;
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::phone::{DeliveryMethod, PhoneMessage};
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Kind};
use chancery_web::{PhoneProvider, PhoneTrouble};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, read_stored, stored};
use crate::document::rewrite;
use crate::ops::Table;
use crate::resource::{Crud, Resource};
use crate::secrets::{seal, without_secrets};

pub(super) fn bind(table: &mut Table) {
    Crud::<Providers>::bind_at(table, "/branding/phone/providers/{id}");
    Crud::<Templates>::bind_at(table, "/branding/phone/templates/{id}");
    table.bind("GET /branding/phone/providers", |call| list(call, Kind::PhoneProvider, "providers"));
    table.bind("GET /branding/phone/templates", |call| list(call, Kind::PhoneTemplate, "templates"));
    table.bind("PATCH /branding/phone/templates/{id}/reset", reset);
    table.bind("POST /branding/phone/providers/{id}/try", try_provider);
    table.bind("POST /branding/phone/templates/{id}/try", try_template);
}

const MISSING: Missing = Missing { message: "Notification Resource not found", code: None };

struct Providers;

impl Resource for Providers {
    type Model = Value;
    const KIND: Kind = Kind::PhoneProvider;
    const PATH: &'static str = "/branding/phone/providers";
    const MEMBER: &'static str = "providers";
    const MISSING: Missing = MISSING;
    const DELETED_ONCE: bool = true;
    const TAKEN: &'static str = "There is already a phone provider.";

    fn id(provider: &Value) -> &str {
        text(provider, "id")
    }

    /// One is all a tenant has.
    fn unique(_: &Value) -> Option<String> {
        Some("phone".to_owned())
    }

    fn show(_: &Call, provider: &Value) -> Result<Value, Problem> {
        Ok(without_secrets(provider.clone()))
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(Value, Change), Problem> {
        let credentials = body.shift_remove("credentials");
        let mut provider = new(call, "pro_", body);
        judge(&provider)?;
        hide(call, &mut provider, credentials.as_ref())?;
        Ok((provider, change))
    }

    async fn update(call: &Call, _: &Value, after: &mut Value, change: Change) -> Result<Change, Problem> {
        let credentials = after.as_object_mut().and_then(|members| members.shift_remove("credentials"));
        judge(after)?;
        hide(call, after, credentials.as_ref())?;
        after["updated_at"] = format_ms(call.ctx.now_ms).into();
        Ok(change)
    }

    async fn delete(_: &Call, _: &Value, change: Change) -> Result<Change, Problem> {
        Ok(change)
    }
}

/// A document with what both kinds have.
fn new(call: &Call, prefix: &str, body: Map<String, Value>) -> Value {
    let now = format_ms(call.ctx.now_ms);
    let mut value = json!({
        "id": format!("{prefix}{}", ids::alphanumeric(&*call.ctx.app.rng, 22)),
        "tenant": call.tenant(),
        "channel": "phone",
        "disabled": false,
        "created_at": now,
        "updated_at": now,
    });
    for (name, member) in body {
        value[name] = member;
    }
    value
}

/// Somebody has to be the sender.
fn judge(provider: &Value) -> Result<(), Problem> {
    let configuration = |name: &str| provider.pointer(&format!("/configuration/{name}")).is_some();
    if text(provider, "name") == "twilio" && !configuration("default_from") && !configuration("mssid") {
        return Err(Problem::refused("configuration needs default_from or mssid"));
    }
    Ok(())
}

fn hide(call: &Call, provider: &mut Value, credentials: Option<&Value>) -> Result<(), Problem> {
    let secrets = credentials.and_then(Value::as_object).cloned().unwrap_or_default();
    let id = text(provider, "id").to_owned();
    seal(call, Kind::PhoneProvider, &id, provider, secrets)
}

struct Templates;

impl Resource for Templates {
    type Model = Value;
    const KIND: Kind = Kind::PhoneTemplate;
    const PATH: &'static str = "/branding/phone/templates";
    const MEMBER: &'static str = "templates";
    const MISSING: Missing = MISSING;
    const DELETED_ONCE: bool = true;
    const TAKEN: &'static str = "There is already a template of this type.";

    fn id(template: &Value) -> &str {
        text(template, "id")
    }

    fn unique(template: &Value) -> Option<String> {
        Some(text(template, "type").to_owned())
    }

    fn show(_: &Call, template: &Value) -> Result<Value, Problem> {
        Ok(template.clone())
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(Value, Change), Problem> {
        let kind = body.entry("type").or_insert("otp_verify".into()).as_str().unwrap_or_default().to_owned();
        let mut content = standard(&kind);
        crate::document::overlay(&mut content, body.shift_remove("content").unwrap_or_default());
        body.insert("content".to_owned(), content);
        Ok((new(call, "tem_", body), change))
    }

    async fn update(
        call: &Call,
        before: &Value,
        after: &mut Value,
        change: Change,
    ) -> Result<Change, Problem> {
        let mut content = before.get("content").cloned().unwrap_or_default();
        crate::document::overlay(&mut content, after.get("content").cloned().unwrap_or_default());
        after["content"] = content;
        after["updated_at"] = format_ms(call.ctx.now_ms).into();
        Ok(change)
    }

    async fn delete(_: &Call, _: &Value, change: Change) -> Result<Change, Problem> {
        Ok(change)
    }
}

/// What a template of a type says until somebody changes it.
fn standard(kind: &str) -> Value {
    let (text, voice) = match kind {
        "otp_enroll" | "otp_verify" => (
            "{{ code }} is your verification code for {{ friendly_name }}",
            "Your verification code for {{ friendly_name }} is {{ code }}. Again: {{ code }}.",
        ),
        "change_password" => (
            "{{ code }} is your code to change the password at {{ friendly_name }}",
            "Your code to change the password at {{ friendly_name }} is {{ code }}. Again: {{ code }}.",
        ),
        "blocked_account" => (
            "Your account at {{ friendly_name }} is blocked after too many attempts to sign in.",
            "Your account at {{ friendly_name }} is blocked after too many attempts to sign in.",
        ),
        _ => (
            "Your password at {{ friendly_name }} was found in a list of stolen ones. Please change it.",
            "Your password at {{ friendly_name }} was found in a list of stolen ones. Please change it.",
        ),
    };
    json!({"syntax": "liquid", "body": {"text": text, "voice": voice}})
}

/// Back to what it said at first; the sender stays.
async fn reset(call: Call) -> Result<Answer, Problem> {
    let (value, rev) = rewrite(&call, Kind::PhoneTemplate, call.at("id"), |found| {
        let mut value = found.ok_or(Problem::NotFound(MISSING))?;
        let kind = text(&value, "type").to_owned();
        crate::document::overlay(&mut value["content"], standard(&kind));
        value["updated_at"] = format_ms(call.ctx.now_ms).into();
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}

/// A message in words of the server's own, by a provider that may not be switched on yet.
async fn try_provider(call: Call) -> Result<Answer, Problem> {
    let document = found(&call, Kind::PhoneProvider).await?;
    let provider = PhoneProvider::of(&call.ctx, &document).map_err(|trouble| refused(&trouble))?;
    let (to, method) = whom(&call, &provider)?;
    let name = call.snapshot().settings.friendly_name.as_deref().unwrap_or(call.tenant());
    let text = format!("This is a test message from {name}. Your phone provider works.");
    let message = PhoneMessage { to, method, text, from: None };
    call.ctx.send_to_phone(&provider, &message).await.map_err(|trouble| refused(&trouble))?;
    let body = json!({"code": 202, "message": "The phone notification was sent."});
    Ok(Answer::new(StatusCode::ACCEPTED, Some(body)))
}

/// What the template says, with a code that is good for nothing.
async fn try_template(call: Call) -> Result<Answer, Problem> {
    let template = found(&call, Kind::PhoneTemplate).await?;
    let all = call.store().docs_all(call.tenant(), Kind::PhoneProvider).await.map_err(stored)?;
    let document: Value = match all.first() {
        Some(doc) => read_stored(&doc.json)?,
        None => return Err(Problem::refused("The tenant has no phone provider to send the message with.")),
    };
    if document.get("disabled") == Some(&Value::Bool(true)) {
        return Err(Problem::refused("The phone provider is disabled."));
    }
    let provider = PhoneProvider::of(&call.ctx, &document).map_err(|trouble| refused(&trouble))?;
    let (to, method) = whom(&call, &provider)?;
    let mut given = Map::new();
    given.insert("code".to_owned(), "123456".into());
    given.insert("phone_number".to_owned(), to.as_str().into());
    given.insert("message_type".to_owned(), text(&template, "type").into());
    let message = call.ctx.phone_message(&template, (&to, method), given);
    let message = message.map_err(|trouble| refused(&trouble))?;
    call.ctx.send_to_phone(&provider, &message).await.map_err(|trouble| refused(&trouble))?;
    let body = json!({"message": "The phone notification of the template was sent."});
    Ok(Answer::new(StatusCode::ACCEPTED, Some(body)))
}

async fn found(call: &Call, kind: Kind) -> Result<Value, Problem> {
    crate::document::find(call, kind, call.at("id")).await?.ok_or(Problem::NotFound(MISSING))
}

/// The number and the way that the body names.
fn whom(call: &Call, provider: &PhoneProvider) -> Result<(String, DeliveryMethod), Problem> {
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    let method = provider.method(text("delivery_method").and_then(DeliveryMethod::read));
    Ok((text("to").unwrap_or_default().to_owned(), method.map_err(|trouble| refused(&trouble))?))
}

/// Nothing was sent, and why.
fn refused(trouble: &PhoneTrouble) -> Problem {
    let text = format!("No message was sent: {trouble}.");
    match trouble {
        PhoneTrouble::Custom => Problem::ConflictAs("operation_not_supported", text.into()),
        PhoneTrouble::Carrier(_) => Problem::RefusedAs("phone_provider_error", text.into()),
        PhoneTrouble::Method(_) | PhoneTrouble::NoSecret | PhoneTrouble::Template(_) => {
            Problem::refused(text)
        }
    }
}

async fn list(call: Call, kind: Kind, member: &'static str) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), kind).await.map_err(stored)?;
    let all: Result<Vec<Value>, _> = all.iter().map(|doc| read_stored::<Value>(&doc.json)).collect();
    let mut all: Vec<Value> = all?.into_iter().map(without_secrets).collect();
    if let Some(disabled) = call.query.flag("disabled") {
        all.retain(|item| item.get("disabled") == Some(&Value::Bool(disabled)));
    }
    Ok(Answer::ok(json!({member: all})))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
