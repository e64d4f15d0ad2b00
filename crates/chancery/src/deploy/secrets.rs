//! Secrets never go into files: markers stand for them, which `--var` or the environment gives a value. Nor are they shown.

use serde_json::{Map, Value};

use super::unit::Type;

/// Puts markers in the places of secrets, of those that a server shows and of those that it does not.
pub(super) fn hide(of: Type, value: &mut Map<String, Value>) {
    match of {
        Type::Connection => {
            let strategy = upper(value.get("strategy"));
            let options = value.get_mut("options").and_then(Value::as_object_mut);
            for (name, member) in options.into_iter().flatten() {
                if is_secret(name) && member.is_string() {
                    let what = match name.as_str() {
                        "client_secret" => "SECRET".to_owned(),
                        other => other.to_uppercase(),
                    };
                    *member = format!("##CONNECTIONS_{strategy}_{what}##").into();
                }
            }
        }
        Type::EmailProvider => {
            let name = upper(value.get("name"));
            let hidden: &[&str] = match name.as_str() {
                "MAILGUN" | "MANDRILL" | "SENDGRID" | "SPARKPOST" | "RESEND" => &["api_key"],
                "SMTP" => &["smtp_pass"],
                "SES" => &["accessKeyId", "secretAccessKey"],
                "AZURE_CS" => &["connectionString"],
                "MS365" => &["clientSecret"],
                _ => &[],
            };
            let Some(credentials) = value.get_mut("credentials").and_then(Value::as_object_mut) else {
                return;
            };
            for member in hidden {
                let what = member.to_uppercase();
                let what = what.strip_prefix(&format!("{name}_")).unwrap_or(&what);
                credentials.insert((*member).to_owned(), format!("##{name}_{what}##").into());
            }
        }
        Type::LogStream => {
            let marker = format!("##LOGSTREAMS_{}_SECRET##", upper(value.get("type")));
            let sink = value.get_mut("sink").and_then(Value::as_object_mut);
            for (name, member) in sink.into_iter().flatten() {
                if is_secret(name) && member.is_string() {
                    *member = marker.as_str().into();
                }
            }
        }
        // Other tools for this layout want them there, whatever provider is in use.
        Type::AttackProtection if value.contains_key("active_provider_id") => {
            for (provider, member) in [
                ("arkose", "secret"),
                ("friendly_captcha", "secret"),
                ("hcaptcha", "secret"),
                ("recaptcha_enterprise", "api_key"),
                ("recaptcha_v2", "secret"),
            ] {
                if let Some(settings) = value.get_mut(provider).and_then(Value::as_object_mut) {
                    let marker = format!("##CAPTCHA_{}_{}##", provider.to_uppercase(), member.to_uppercase());
                    settings.insert(member.to_owned(), marker.into());
                }
            }
        }
        _ => {}
    }
}

fn upper(text: Option<&Value>) -> String {
    let text = text.and_then(Value::as_str).unwrap_or_default().to_uppercase();
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// A value as it may be shown, whoever asks.
pub(super) fn concealed(path: &str, value: &Value) -> Value {
    let name = path.rsplit('.').next().unwrap_or(path);
    match value {
        Value::String(_) if is_secret(name) => "(secret)".into(),
        Value::Object(members) => {
            let each = members.iter().map(|(name, value)| (name.clone(), concealed(name, value)));
            Value::Object(each.collect())
        }
        Value::Array(items) => items.iter().map(|item| concealed(path, item)).collect(),
        other => other.clone(),
    }
}

/// Whether files may leave a member open: a secret, or what other tools for this layout take for one and write a marker for,
/// whether there is one or not.
pub(super) fn may_be_missing(name: &str) -> bool {
    is_secret(name) || name == "project_id"
}

/// Whether a member is a secret, by its name.
pub(super) fn is_secret(name: &str) -> bool {
    const ENDS: [&str; 16] = [
        "secret",
        "password",
        "smtp_pass",
        "api_key",
        "_token",
        "private_key",
        "signing_key",
        "secretaccesskey",
        "accesskeyid",
        "connectionstring",
        "credentials",
        // Of log streams.
        "httpauthorization",
        "datadogapikey",
        "splunktoken",
        "segmentwritekey",
        "sumosourceaddress",
    ];
    let name = name.to_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let value = json!({"client_secret": "s3", "smtp_host": "h", "list": [{"api_key": "k"}], "credentials": {"x": "y"}});
        let expected = json!({"client_secret": "(secret)", "smtp_host": "h", "list": [{"api_key": "(secret)"}], "credentials": {"x": "y"}});
        assert_eq!(concealed("options", &value), expected);
        assert_eq!(concealed("credentials.smtp_pass", &json!("x")), json!("(secret)"));
    }

    #[test]
    fn markers_stand_for_secrets() {
        let hidden = |of: Type, value: Value| {
            let mut value = value.as_object().cloned().unwrap();
            hide(of, &mut value);
            Value::Object(value)
        };
        let connection =
            json!({"strategy": "google-oauth2", "options": {"client_secret": "x", "client_id": "y"}});
        assert_eq!(
            hidden(Type::Connection, connection)["options"]["client_secret"],
            "##CONNECTIONS_GOOGLE_OAUTH2_SECRET##"
        );
        let provider = json!({"name": "smtp", "credentials": {"smtp_host": "h"}});
        assert_eq!(
            hidden(Type::EmailProvider, provider)["credentials"],
            json!({"smtp_host": "h", "smtp_pass": "##SMTP_PASS##"})
        );
        let provider = json!({"name": "mailgun", "credentials": {}});
        assert_eq!(hidden(Type::EmailProvider, provider)["credentials"]["api_key"], "##MAILGUN_API_KEY##");
    }
}
