//! `/emails/provider` and `/email-templates`: how mail leaves and what it says (`web/src/tenant_mail.rs` acts on them).
//! Providers other than SMTP are kept only, and so are templates of mails that this server does not send.

use chancery_core::liquid::Liquid;
use chancery_core::problem::{Missing, Problem};
use chancery_store::Kind;
use serde_json::{Value, json};

use crate::call::{Answer, Call, missing};
use crate::document::{find, rewrite};
use crate::ops::Table;
use crate::page::chosen;
use crate::secrets::{seal, split, without_secrets};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /emails/provider", show);
    table.bind("POST /emails/provider", create);
    table.bind("PATCH /emails/provider", update);
    table.bind("DELETE /emails/provider", delete);
    table.bind("POST /email-templates", create_template);
    table.bind("GET /email-templates/{templateName}", show_template);
    table.bind("PUT /email-templates/{templateName}", set_template);
    table.bind("PATCH /email-templates/{templateName}", update_template);
}

const PROVIDER: &str = "provider";
const NO_PROVIDER: Missing = missing("There is not a configured email provider", "inexistent_email_provider");
const NO_TEMPLATE: Missing = missing("The template does not exist.", "inexistent_email_template");

async fn show(call: Call) -> Result<Answer, Problem> {
    let found = find(&call, Kind::EmailProvider, PROVIDER).await?.ok_or(Problem::NotFound(NO_PROVIDER))?;
    Ok(Answer::ok(chosen(without_secrets(found), &call.query, &[])))
}

/// What each provider cannot do without.
fn judge(provider: &Value) -> Result<(), Problem> {
    let name = provider.get("name").and_then(Value::as_str).unwrap_or_default();
    let needed: &[&str] = match name {
        "mailgun" => &["api_key", "domain"],
        "mandrill" | "sendgrid" | "resend" | "sparkpost" => &["api_key"],
        "ses" => &["accessKeyId", "secretAccessKey", "region"],
        "smtp" => &["smtp_host", "smtp_port"],
        "azure_cs" => &["connectionString"],
        "ms365" => &["tenantId", "clientId", "clientSecret"],
        _ => &[],
    };
    let credentials = provider.get("credentials").unwrap_or(&Value::Null);
    match needed.iter().find(|name| credentials.get(**name).is_none()) {
        Some(member) => {
            let why = format!("Missing required property: {member}, which {name} needs");
            Err(Problem::payload(&why, "credentials"))
        }
        None => Ok(()),
    }
}

/// Secret parts of credentials; everything else is shown.
fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "api_key" | "accessKeyId" | "secretAccessKey" | "smtp_pass" | "connectionString" | "clientSecret"
    )
}

fn hide(call: &Call, provider: &mut Value) -> Result<(), Problem> {
    let secrets = provider.get_mut("credentials").map(|all| split(all, is_secret)).unwrap_or_default();
    seal(call, Kind::EmailProvider, PROVIDER, provider, secrets)
}

async fn create(call: Call) -> Result<Answer, Problem> {
    judge(&call.body)?;
    let mut value = json!({"name": call.body["name"], "enabled": true});
    for (name, member) in call.members().into_iter().filter(|(_, member)| !member.is_null()) {
        value[name] = member;
    }
    hide(&call, &mut value)?;
    let (value, rev) = rewrite(&call, Kind::EmailProvider, PROVIDER, |found| match found {
        Some(_) => Err(Problem::conflict("There is already a configured email provider.")),
        None => Ok(Some(value.clone())),
    })
    .await?;
    Ok(Answer::created(without_secrets(value.unwrap_or_default())).at(rev))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    let renews = call.body.get("credentials").is_some_and(|credentials| !credentials.is_null());
    let (value, rev) = rewrite(&call, Kind::EmailProvider, PROVIDER, |found| {
        let mut value = found.ok_or(Problem::NotFound(NO_PROVIDER))?;
        let renamed = call.body.get("name").is_some_and(|name| value.get("name") != Some(name));
        for (name, member) in call.members() {
            match member {
                Value::Null => {
                    value.as_object_mut().and_then(|members| members.shift_remove(&name));
                }
                member => value[name] = member,
            }
        }
        if renews {
            judge(&value)?;
            value = without_secrets(value);
            hide(&call, &mut value)?;
        } else if renamed {
            // The old provider's keys are of no use to the new one, and no business of it.
            value = without_secrets(value);
            value["credentials"] = json!({});
        }
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::ok(without_secrets(value.unwrap_or_default())).at(rev))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let (_, rev) = rewrite(&call, Kind::EmailProvider, PROVIDER, |_| Ok(None)).await?;
    Ok(Answer::no_content().at(rev))
}

/// Templates that a new tenant has already (D85); of the others there is none until somebody writes it.
fn standard(name: &str) -> Option<Value> {
    let (seconds, enabled) = match name {
        "verify_email" => (432_000, true),
        "welcome_email" => (3_600, false),
        _ => return None,
    };
    Some(json!({
        "template": name,
        "body": "",
        "from": "",
        "resultUrl": "",
        "subject": "",
        "syntax": "liquid",
        "urlLifetimeInSeconds": seconds,
        "includeEmailInRedirect": false,
        "enabled": enabled,
    }))
}

/// Whoever writes a template is told what cannot be read in it; who gets the mail could not be told.
fn readable(call: &Call) -> Result<(), Problem> {
    for member in ["body", "subject", "from"] {
        let text = call.body.get(member).and_then(Value::as_str).unwrap_or_default();
        Liquid::parse(text).map_err(|error| Problem::payload(&error.to_string(), member))?;
    }
    Ok(())
}

async fn create_template(call: Call) -> Result<Answer, Problem> {
    readable(&call)?;
    let name = call.body.get("template").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (value, rev) =
        rewrite(&call, Kind::EmailTemplate, &name, |found| match found.or_else(|| standard(&name)) {
            Some(_) => Err(Problem::conflict(format!("Template {name} already exists."))),
            None => Ok(Some(call.body.clone())),
        })
        .await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}

async fn show_template(call: Call) -> Result<Answer, Problem> {
    let found = find(&call, Kind::EmailTemplate, call.at("templateName")).await?;
    let found = found.or_else(|| standard(call.at("templateName")));
    Ok(Answer::ok(found.ok_or(Problem::NotFound(NO_TEMPLATE))?))
}

/// The name in the body and the one in the path are one.
fn same_name(call: &Call) -> Result<(), Problem> {
    match call.body.get("template").and_then(Value::as_str) {
        Some(name) if name != call.at("templateName") => {
            Err(Problem::payload("template must be the name in the path", "template"))
        }
        _ => Ok(()),
    }
}

async fn set_template(call: Call) -> Result<Answer, Problem> {
    same_name(&call)?;
    readable(&call)?;
    let (value, rev) =
        rewrite(&call, Kind::EmailTemplate, call.at("templateName"), |_| Ok(Some(call.body.clone()))).await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}

async fn update_template(call: Call) -> Result<Answer, Problem> {
    same_name(&call)?;
    readable(&call)?;
    let (value, rev) = rewrite(&call, Kind::EmailTemplate, call.at("templateName"), |found| {
        let found = found.or_else(|| standard(call.at("templateName")));
        let value = found.ok_or(Problem::NotFound(NO_TEMPLATE))?;
        Ok(Some(crate::resource::merged(value, call.members())))
    })
    .await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}
