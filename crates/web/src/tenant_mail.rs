//! Mail of a tenant: in its own words and through its own mail server, where an administrator said so; else in the
//! server's words and through the server's own.

use std::sync::Arc;

use chancery_core::iso::format_ms;
use chancery_core::liquid::{Budget, Liquid, Spent, Writing};
use chancery_core::model::User;
use chancery_core::records::LogEvent;
use chancery_store::{Kind, Snapshot};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::mail_text::{one_line, plain};
use crate::{Ctx, Letter, Mail, Route};

/// The longest mail that a template may make.
const MOST: usize = 512 * 1024;
/// How many bytes the templates of one mail may look at and make: some milliseconds of work.
const BUDGET: usize = 4 << 20;
/// Bounds of `urlLifetimeInSeconds`: a minute, thirty days.
const LIFETIMES: (i64, i64) = (60, 30 * 86_400);

impl Ctx {
    /// Sends a mail. `standard` is what the server says by itself; `given` is what the tenant's template may speak of, put
    /// together and rendered on the way of the mail rather than in the request.
    pub(crate) fn post<G>(&self, standard: Mail, given: G)
    where
        G: FnOnce() -> Map<String, Value> + Send + 'static,
    {
        let own = setting(&self.tenant, Kind::EmailTemplate, standard.template);
        self.post_as(standard, own, given);
    }

    /// The same with a template that lies elsewhere.
    pub(crate) fn post_as<G>(&self, standard: Mail, own: Option<Value>, given: G)
    where
        G: FnOnce() -> Map<String, Value> + Send + 'static,
    {
        let template = standard.template;
        let provider = setting(&self.tenant, Kind::EmailProvider, "provider").unwrap_or_default();
        let route = self.route(&provider);
        let (tenant, complain) = (Arc::clone(&self.tenant), self.complaint(template));
        let letter = Letter::later(route.clone().as_ref(), move || {
            let mut mail = standard;
            match own_words(&tenant, template, own, given) {
                Ok(Some(own)) => own.into_mail(&mut mail),
                Ok(None) => {}
                Err(spent) => complain(spent),
            }
            mail.route = route;
            // What leaves by the server's own way is from the server's own sender: others share it.
            mail.from = mail.route.as_ref().and_then(|_| {
                mail.from.or_else(|| Some(provider.get("default_from_address")?.as_str()?.to_owned()))
            });
            mail
        });
        self.app.outbox.send(letter);
    }

    /// Says that a template was given up. Holds the app weakly: the app holds the outbox, which holds the letter.
    fn complaint(&self, template: &'static str) -> impl FnOnce(Spent) + Send + use<> {
        let (app, tenant, now_ms) = (Arc::downgrade(&self.app), self.tenant.tenant.clone(), self.now_ms);
        let (ip, hostname) = (self.ip.to_string(), self.origin.authority.clone());
        move |spent| {
            tracing::error!(template, "the mail template {template} was given up: {spent}");
            let Some(app) = app.upgrade() else { return };
            let event = LogEvent {
                log_id: app.log_ids.next(now_ms),
                date: format_ms(now_ms),
                kind: "fn".to_owned(),
                description: Some(format!(
                    "The template {template} was given up ({spent}), and the mail sent in standard words."
                )),
                ip: Some(ip),
                hostname: Some(hostname),
                ..LogEvent::default()
            };
            app.logs.send(&tenant, event, now_ms);
        }
    }

    /// Whether a template is switched off. One that nobody wrote is not.
    pub fn is_mail_off(&self, template: &str) -> bool {
        let found = setting(&self.tenant, Kind::EmailTemplate, template);
        found.is_some_and(|template| template.get("enabled") == Some(&Value::Bool(false)))
    }

    /// Whether a template is switched on and says something.
    pub(crate) fn is_mail_written(&self, template: &str) -> bool {
        setting(&self.tenant, Kind::EmailTemplate, template).is_some_and(|template| {
            let body = template.get("body").and_then(Value::as_str).unwrap_or_default();
            template.get("enabled") == Some(&Value::Bool(true)) && !body.trim().is_empty()
        })
    }

    /// How long the link in a mail is good for, in seconds.
    pub(crate) fn link_lifetime(&self, template: &str, standard: i64) -> i64 {
        let seconds = setting(&self.tenant, Kind::EmailTemplate, template);
        let seconds = seconds.and_then(|template| template.get("urlLifetimeInSeconds")?.as_i64());
        seconds
            .filter(|seconds| *seconds > 0)
            .map_or(standard, |seconds| seconds.clamp(LIFETIMES.0, LIFETIMES.1))
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
            tenant: self.tenant.tenant.clone(),
            host: text("smtp_host"),
            port: credentials.get("smtp_port")?.as_u64()?.try_into().ok()?,
            user: text("smtp_user"),
            password: Zeroizing::new(password),
        })
    }

    /// What a template may say of a user, and of the application they came from.
    pub(crate) fn spoken_of(
        &self,
        user: &User,
        client_id: Option<&str>,
        link: &str,
    ) -> impl FnOnce() -> Map<String, Value> + Send + use<> {
        let client = client_id.and_then(|id| self.tenant.client(id)).cloned();
        let (user, link) = (user.clone(), link.to_owned());
        move || {
            let client = client.as_ref().map(|client| &client.client);
            let connection = user.identities.first().map(|identity| &identity.connection);
            let application = json!({
                "name": client.map(|client| client.name.as_str()).unwrap_or_default(),
                "clientID": client.map(|client| client.client_id.as_str()).unwrap_or_default(),
            });
            let mut all = Map::new();
            all.insert("email".to_owned(), json!(user.email));
            all.insert("application".to_owned(), application);
            all.insert("connection".to_owned(), json!({ "name": connection }));
            all.insert("url".to_owned(), link.into());
            let mut shown = serde_json::to_value(user).unwrap_or_default();
            if let Some(members) = shown.as_object_mut() {
                members.retain(|name, _| USER.contains(&name.as_str()));
            }
            all.insert("user".to_owned(), shown);
            all
        }
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

impl OwnWords {
    fn into_mail(self, mail: &mut Mail) {
        mail.text = plain(&self.html);
        if let Some(subject) = self.subject {
            mail.subject = subject;
        }
        mail.html = self.html;
        mail.from = self.from;
    }
}

/// The tenant's template, where it is switched on, says something and can be read.
fn own_words<G>(
    tenant: &Snapshot,
    name: &str,
    template: Option<Value>,
    given: G,
) -> Result<Option<OwnWords>, Spent>
where
    G: FnOnce() -> Map<String, Value>,
{
    let Some(template) = template else { return Ok(None) };
    let text =
        |member: &str| template.get(member).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let is_on = template.get("enabled") == Some(&Value::Bool(true));
    let (true, Some(body)) = (is_on, text("body")) else { return Ok(None) };
    let values = Value::Object(with_tenant(tenant, given()));
    let mut budget = Budget::new(BUDGET);
    // Checked when they were written; a template of an older release may say what this one does not know.
    let mut read = |text: &str, writing, most| match Liquid::parse(text) {
        Ok(read) => read.render(&values, writing, most, &mut budget).map(Some),
        Err(error) => {
            tracing::error!(template = name, "the mail template {name} cannot be read: {error}");
            Ok(None)
        }
    };
    let Some(html) = read(body, Writing::Html, MOST)? else { return Ok(None) };
    let mut line = |member: &str| match text(member) {
        Some(text) => Ok(read(text, Writing::Plain, 1000)?.map(|line| one_line(&line, 200))),
        None => Ok(None),
    };
    let (subject, from) = (line("subject")?, line("from")?);
    Ok(Some(OwnWords { html, subject, from }))
}

/// What a template may say of the tenant is the same for all.
pub(crate) fn with_tenant(tenant: &Snapshot, mut given: Map<String, Value>) -> Map<String, Value> {
    let settings = &tenant.settings;
    for (member, value) in [
        ("friendly_name", settings.friendly_name.as_deref()),
        ("support_email", settings.support_email.as_deref()),
        ("support_url", settings.support_url.as_deref()),
        ("picture_url", settings.picture_url.as_deref()),
    ] {
        given.insert(member.to_owned(), value.unwrap_or_default().into());
    }
    let tenant = json!({"name": tenant.tenant, "friendly_name": given["friendly_name"], "support_email": given["support_email"], "support_url": given["support_url"]});
    given.insert("tenant".to_owned(), tenant);
    given
}

fn setting(tenant: &Snapshot, kind: Kind, id: &str) -> Option<Value> {
    tenant.document(kind, id).and_then(|json| serde_json::from_str(json).ok())
}
