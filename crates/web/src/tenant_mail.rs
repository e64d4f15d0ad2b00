//! Mail of a tenant: in its own words and through its own mail server, where an administrator said so; else in the
//! server's words and through the server's own.

use chancery_core::liquid::{Liquid, Writing};
use chancery_core::model::User;
use chancery_store::Kind;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::mail_text::plain;
use crate::{Ctx, Mail, Route};

/// The longest mail that a template may make.
const MOST: usize = 512 * 1024;
/// Bounds of `urlLifetimeInSeconds`: a minute, thirty days.
const LIFETIMES: (i64, i64) = (60, 30 * 86_400);

impl Ctx {
    /// Sends a mail. `standard` is what the server says by itself; `given` is what the tenant's template may speak of.
    pub(crate) fn post(&self, template: &str, standard: Mail, given: Map<String, Value>) {
        let provider = self.setting(Kind::EmailProvider, "provider").unwrap_or_default();
        let mut mail = standard;
        if let Some(own) = self.own_words(template, given) {
            mail.text = plain(&own.html);
            mail.subject = own.subject.unwrap_or(mail.subject);
            mail.html = own.html;
            mail.from = own.from;
        }
        mail.route = self.route(&provider);
        // What leaves by the server's own way is from the server's own sender: others share it.
        mail.from = mail.route.as_ref().and_then(|_| {
            mail.from.or_else(|| Some(provider.get("default_from_address")?.as_str()?.to_owned()))
        });
        self.app.outbox.send(mail);
    }

    /// Whether a template is switched off. One that nobody wrote is not.
    pub(crate) fn is_mail_off(&self, template: &str) -> bool {
        let found = self.setting(Kind::EmailTemplate, template);
        found.is_some_and(|template| template.get("enabled") == Some(&Value::Bool(false)))
    }

    /// Whether a template is switched on and says something.
    pub(crate) fn is_mail_written(&self, template: &str) -> bool {
        self.setting(Kind::EmailTemplate, template).is_some_and(|template| {
            let body = template.get("body").and_then(Value::as_str).unwrap_or_default();
            template.get("enabled") == Some(&Value::Bool(true)) && !body.trim().is_empty()
        })
    }

    /// How long the link in a mail is good for, in seconds.
    pub(crate) fn link_lifetime(&self, template: &str, standard: i64) -> i64 {
        let seconds = self.setting(Kind::EmailTemplate, template);
        let seconds = seconds.and_then(|template| template.get("urlLifetimeInSeconds")?.as_i64());
        seconds
            .filter(|seconds| *seconds > 0)
            .map_or(standard, |seconds| seconds.clamp(LIFETIMES.0, LIFETIMES.1))
    }

    /// The tenant's template, where it is switched on, says something and can be read.
    fn own_words(&self, name: &str, mut given: Map<String, Value>) -> Option<OwnWords> {
        let template = self.setting(Kind::EmailTemplate, name)?;
        let text = |member: &str| {
            template.get(member).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
        };
        if template.get("enabled") != Some(&Value::Bool(true)) {
            return None;
        }
        let settings = &self.tenant.settings;
        for (member, value) in [
            ("friendly_name", settings.friendly_name.as_deref()),
            ("support_email", settings.support_email.as_deref()),
            ("support_url", settings.support_url.as_deref()),
            ("picture_url", settings.picture_url.as_deref()),
        ] {
            given.insert(member.to_owned(), value.unwrap_or_default().into());
        }
        let tenant = json!({"name": self.tenant.tenant, "friendly_name": given["friendly_name"], "support_email": given["support_email"], "support_url": given["support_url"]});
        given.insert("tenant".to_owned(), tenant);
        let values = Value::Object(given);
        // Checked when they were written; a template of an older release may say what this one does not know.
        let read = |text: &str, writing, most| match Liquid::parse(text) {
            Ok(read) => Some(read.render(&values, writing, most)),
            Err(error) => {
                tracing::error!(template = name, "the mail template {name} cannot be read: {error}");
                None
            }
        };
        let html = read(text("body")?, Writing::Html, MOST)?;
        let line = |member: &str| {
            text(member).and_then(|text| read(text, Writing::Plain, 1000)).map(|line| one_line(&line))
        };
        let (subject, from) = (line("subject"), line("from"));
        Some(OwnWords { html, subject, from })
    }

    /// The tenant's own mail server. Providers other than SMTP are kept, and nothing is sent through them.
    fn route(&self, provider: &Value) -> Option<Route> {
        let is_on = provider.get("enabled") != Some(&Value::Bool(false));
        if provider.get("name").and_then(Value::as_str) != Some("smtp") || !is_on {
            return None;
        }
        let credentials = provider.get("credentials")?;
        let text =
            |member: &str| credentials.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let sealed = provider.get("sealed").and_then(Value::as_str);
        let opened = sealed.map(|sealed| {
            self.app.store.open_setting(&self.tenant.tenant, Kind::EmailProvider, "provider", sealed)
        });
        let secrets = match opened.transpose() {
            Ok(secrets) => {
                secrets.and_then(|text| serde_json::from_str::<Value>(&text).ok()).unwrap_or_default()
            }
            Err(error) => {
                tracing::error!("the password of the tenant's mail server cannot be read: {error}");
                return None;
            }
        };
        let password = secrets.get("smtp_pass").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Route {
            host: text("smtp_host"),
            port: credentials.get("smtp_port")?.as_u64()?.try_into().ok()?,
            user: text("smtp_user"),
            password: Zeroizing::new(password),
        })
    }

    fn setting(&self, kind: Kind, id: &str) -> Option<Value> {
        self.tenant.document(kind, id).and_then(|json| serde_json::from_str(json).ok())
    }

    /// What a template may say of a user, and of the application they came from.
    pub(crate) fn spoken_of(&self, user: &User, client_id: Option<&str>, link: &str) -> Map<String, Value> {
        let client = client_id.and_then(|id| self.tenant.client(id)).map(|client| client.client.clone());
        let connection = user.identities.first().map(|identity| identity.connection.clone());
        let application = json!({
            "name": client.as_ref().map(|client| client.name.clone()).unwrap_or_default(),
            "clientID": client.as_ref().map(|client| client.client_id.clone()).unwrap_or_default(),
        });
        let mut shown = serde_json::to_value(user).unwrap_or_default();
        if let Some(members) = shown.as_object_mut() {
            members.retain(|name, _| USER.contains(&name.as_str()));
        }
        let all = json!({
            "user": shown,
            "email": user.email,
            "application": application,
            "connection": {"name": connection},
            "url": link,
        });
        all.as_object().cloned().unwrap_or_default()
    }
}

/// Members of a user that a template may name.
const USER: &[&str] = &[
    "user_id",
    "email",
    "email_verified",
    "username",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
    "phone_number",
    "user_metadata",
    "app_metadata",
    "created_at",
];

struct OwnWords {
    html: String,
    subject: Option<String>,
    from: Option<String>,
}

/// No second header line can begin in it.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
