//! Settings in use that are kept but not acted on: what the log names at the start, so that nobody relies on them unawares.
//! `docs/COMPATIBILITY.md` names all that there could be.

use std::collections::BTreeMap;

use chancery_core::webauthn::{PLATFORM, ROAMING};
use chancery_store::{Kind, Snapshot, Store};
use serde_json::{Map, Value};

use crate::resources::{clients, tenant};

/// Settings of one kind that are in use and do nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOnly {
    /// Of what: `applications`, `the tenant`, `mail providers`.
    pub of: &'static str,
    /// The members, each with the number of documents that have it; empty where the whole kind does nothing.
    pub members: Vec<(String, usize)>,
    /// How many documents there are.
    pub documents: usize,
}

/// For people: `applications: form_template (2), sso (1)`.
impl std::fmt::Display for KeptOnly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.members.is_empty() {
            return write!(f, "{} ({})", self.of, self.documents);
        }
        let members: Vec<_> = self.members.iter().map(|(name, count)| format!("{name} ({count})")).collect();
        write!(f, "{}: {}", self.of, members.join(", "))
    }
}

/// Kinds of documents that nothing acts on.
const WHOLE: [(Kind, &str); 22] = [
    (Kind::CustomDomain, "custom domains"),
    (Kind::Prompts, "prompt settings"),
    (Kind::PromptText, "texts of prompts"),
    (Kind::Rendering, "renderings of prompts"),
    (Kind::PhoneProvider, "phone providers"),
    (Kind::PhoneTemplate, "phone templates"),
    (Kind::TokenExchangeProfile, "token exchange profiles"),
    (Kind::LogStream, "log streams"),
    (Kind::EventStream, "event streams"),
    (Kind::NetworkAcl, "network access lists"),
    (Kind::NetworkAclKey, "keys for network access lists"),
    (Kind::SelfServiceProfile, "self-service profiles"),
    (Kind::UserAttributeProfile, "user attribute profiles"),
    (Kind::ConnectionProfile, "connection profiles"),
    (Kind::RuleConfig, "values for rules"),
    (Kind::Flow, "flows"),
    (Kind::FlowConnection, "services that flows call"),
    (Kind::Form, "forms"),
    (Kind::GuardianSetting, "settings of second factors"),
    (Kind::CaptchaPolicy, "CAPTCHA policies"),
    (Kind::CustomSigningKeys, "custom signing keys"),
    (Kind::EncryptionKey, "encryption keys"),
];

/// Members that describe, and are not meant to do anything.
const INERT: &[&str] = &[
    "tenant",
    "owners",
    "client_metadata",
    "metadata",
    "logo_uri",
    "description",
    "sandbox_version",
    "sandbox_versions_available",
    "provisioning_ticket_url",
    "signing_keys",
    "created_at",
    "updated_at",
];

/// Members that act though they are kept as they came.
const ACTING: &[&str] = &["oidc_logout"];

/// What a database connection's options have from the start, or act on.
const OPTIONS: &[&str] = &[
    "mfa",
    "passwordPolicy",
    "strategy_version",
    "authentication_methods",
    "passkey_options",
    "brute_force_protection",
    "disable_signup",
    "requires_username",
];

/// Members of APIs that nothing acts on.
const OF_APIS: &[&str] = &[
    "access_token",
    "allow_online_access",
    "allow_online_access_with_ephemeral_sessions",
    "authorization_policy",
    "consent_policy",
    "require_consent_non_repudiation",
    "token_lifetime_for_anonymous_access_tokens",
];

/// Looks through a tenant.
///
/// # Errors
/// As every read of the store.
pub async fn kept_only(store: &Store, tenant: &Snapshot) -> Result<Vec<KeptOnly>, chancery_store::Error> {
    let mut found = Vec::new();
    let defaults = tenant::defaults();
    let settings = &tenant.settings;
    let flags = defaults.get("flags").cloned().unwrap_or_default();
    let mut own = Tally::default();
    own.count(&settings.rest, &defaults);
    own.count(&settings.flags.rest, &flags);
    found.extend(own.told("the tenant"));

    let new = clients::defaults("", false);
    let mut applications = Tally::default();
    for client in tenant.clients() {
        applications.count(&client.client.rest, &new);
    }
    found.extend(applications.told("applications"));

    let mut apis = Tally::default();
    for api in tenant.apis() {
        let mut members =
            serde_json::to_value(&api.api).ok().and_then(|v| v.as_object().cloned()).unwrap_or_default();
        members.retain(|name, _| OF_APIS.contains(&name.as_str()));
        apis.count(&members, &Value::Null);
    }
    found.extend(apis.told("APIs"));

    let (mut databases, mut others) = (Tally::default(), 0);
    for connection in tenant.connections() {
        if connection.strategy == "auth0" {
            let mut options = connection.options.clone();
            options.retain(|name, _| !OPTIONS.contains(&name.as_str()));
            databases.count(&options, &Value::Null);
        } else if connection.strategy != "email" {
            others += 1;
        }
    }
    found.extend(databases.told("options of databases"));
    if others > 0 {
        let of = "connections that nobody can sign in with";
        found.push(KeptOnly { of, members: Vec::new(), documents: others });
    }
    let (methods, keys) = store.authentication_means(&tenant.tenant).await?;
    for (of, count) in [("authentication methods of users", methods), ("public keys of devices", keys)] {
        if count > 0 {
            let documents = usize::try_from(count).unwrap_or(0);
            found.push(KeptOnly { of, members: Vec::new(), documents });
        }
    }
    found.extend(looks(tenant));
    found.extend(mail(tenant));
    for (kind, of) in WHOLE {
        let documents = store.docs_count(&tenant.tenant, kind).await?;
        let mut documents = usize::try_from(documents).unwrap_or(0);
        if kind == Kind::GuardianSetting {
            // Those of security keys act.
            for name in [ROAMING, PLATFORM] {
                let acts = store.doc(&tenant.tenant, kind, name).await?.is_some();
                documents = documents.saturating_sub(usize::from(acts));
            }
        }
        if documents > 0 {
            found.push(KeptOnly { of, members: Vec::new(), documents });
        }
    }
    Ok(found)
}

/// Of the looks of the pages, logo, colour and icon show.
fn looks(tenant: &Snapshot) -> Vec<KeptOnly> {
    let mut brand = Tally::default();
    for mut document in documents(tenant, Kind::Branding) {
        let background =
            document.get_mut("colors").and_then(|colors| colors.get_mut("page_background")).map(Value::take);
        let mut members = Map::new();
        members.insert("page_background".to_owned(), background.unwrap_or_default());
        members.insert("font".to_owned(), document.get("font").cloned().unwrap_or_default());
        members.insert("template".to_owned(), document.get("body").cloned().unwrap_or_default());
        brand.count(&members, &Value::Null);
    }
    let themes = documents(tenant, Kind::Theme).count();
    let of = "themes, but for the button's colour and the logo";
    brand
        .told("branding")
        .into_iter()
        .chain((themes > 0).then(|| KeptOnly { of, members: Vec::new(), documents: themes }))
        .collect()
}

/// Mail leaves by SMTP, and some templates are of mails that nobody sends.
fn mail(tenant: &Snapshot) -> Vec<KeptOnly> {
    let is_other = |provider: &Value| provider.get("name").is_some_and(|name| name != "smtp");
    let providers = documents(tenant, Kind::EmailProvider).filter(is_other).count();
    let mut templates = Tally::default();
    for template in documents(tenant, Kind::EmailTemplate) {
        let name = template.get("template").and_then(Value::as_str).unwrap_or_default();
        if !SENT.contains(&name) && template.get("enabled") == Some(&Value::Bool(true)) {
            templates.count(&Map::from_iter([(name.to_owned(), Value::Bool(true))]), &Value::Null);
        }
    }
    let of = "mail providers other than SMTP";
    let providers = (providers > 0).then(|| KeptOnly { of, members: Vec::new(), documents: providers });
    providers.into_iter().chain(templates.told("templates of mails that are not sent")).collect()
}

/// Templates of mails that are sent.
const SENT: [&str; 7] = [
    "verify_email",
    "welcome_email",
    "reset_email",
    "user_invitation",
    "blocked_account",
    "stolen_credentials",
    "async_approval",
];

fn documents(tenant: &Snapshot, kind: Kind) -> impl Iterator<Item = Value> {
    tenant.documents(kind).filter_map(|json| serde_json::from_str(json).ok())
}

#[derive(Default)]
struct Tally {
    members: BTreeMap<String, usize>,
    documents: usize,
}

impl Tally {
    /// Counts the members that say something else than nothing and than the default.
    fn count(&mut self, members: &Map<String, Value>, defaults: &Value) {
        let said = |(name, value): &(&String, &Value)| {
            !INERT.contains(&name.as_str())
                && !ACTING.contains(&name.as_str())
                && says_something(value)
                && defaults.get(name.as_str()) != Some(*value)
        };
        let names: Vec<&String> = members.iter().filter(said).map(|(name, _)| name).collect();
        if !names.is_empty() {
            self.documents += 1;
        }
        for name in names {
            *self.members.entry(name.clone()).or_default() += 1;
        }
    }

    fn told(self, of: &'static str) -> Option<KeptOnly> {
        let Self { members, documents } = self;
        (documents > 0).then(|| KeptOnly { of, members: members.into_iter().collect(), documents })
    }
}

/// Switches that are off and everything empty say nothing.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => members.values().any(says_something),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_says_something_is_named() {
        let mut tally = Tally::default();
        let members = json!({"form_template": "t", "sso": false, "addons": {}, "owners": ["a"], "custom_login_page_on": true});
        tally.count(members.as_object().unwrap(), &json!({"custom_login_page_on": true}));
        tally.count(json!({"sso": true}).as_object().unwrap(), &Value::Null);
        let told = tally.told("applications").unwrap();
        assert_eq!(told.to_string(), "applications: form_template (1), sso (1)");
        assert_eq!(Tally::default().told("applications"), None);
    }
}
