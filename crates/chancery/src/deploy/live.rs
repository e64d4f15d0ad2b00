//! What a server has, in the form of units. Everything is read in a few requests, and belongs to one revision.

mod build;
mod reads;

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, bail};
use chancery_core::dashboard;
use serde_json::{Map, Value};

use self::build::Builder;
use self::reads::Reads;
use super::assets::grant_name;
use super::set::{Refused, Sets};
use super::unit::{Type, Unit};

/// A tenant at one revision.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) revision: i64,
    pub(crate) units: Vec<Unit>,
    /// Applications by id.
    pub(super) client_names: HashMap<String, String>,
    /// The placeholder for all applications.
    pub(super) global_client: Option<String>,
    /// The application that asks; it and its grants are left alone.
    pub(super) own_client: String,
    /// Parts that are only compared, by their name in files.
    pub(super) fixed: Map<String, Value>,
}

/// Tries, where somebody changes the configuration while it is read.
const TRIES: usize = 5;

/// Prompts with texts, and those that take partials.
const PROMPTS: [&str; 35] = [
    "login",
    "login-id",
    "login-password",
    "login-passwordless",
    "login-email-verification",
    "signup",
    "signup-id",
    "signup-password",
    "phone-identifier-enrollment",
    "phone-identifier-challenge",
    "email-identifier-challenge",
    "reset-password",
    "custom-form",
    "consent",
    "customized-consent",
    "logout",
    "mfa-push",
    "mfa-otp",
    "mfa-voice",
    "mfa-phone",
    "mfa-webauthn",
    "mfa-sms",
    "mfa-email",
    "mfa-recovery-code",
    "mfa",
    "status",
    "device-flow",
    "email-verification",
    "email-otp-challenge",
    "organizations",
    "invitation",
    "common",
    "captcha",
    "passkeys",
    "brute-force-protection",
];
const PARTIALS: [&str; 8] = [
    "login",
    "login-id",
    "login-password",
    "login-passwordless",
    "signup",
    "signup-id",
    "signup-password",
    "passkeys",
];
const TEMPLATES: [&str; 13] = [
    "verify_email",
    "verify_email_by_code",
    "reset_email",
    "reset_email_by_code",
    "welcome_email",
    "blocked_account",
    "stolen_credentials",
    "enrollment_email",
    "mfa_oob_code",
    "change_password",
    "password_reset",
    "user_invitation",
    "async_approval",
];
const ATTACK_PROTECTION: [(&str, &str); 5] = [
    ("botDetection", "bot-detection"),
    ("breachedPasswordDetection", "breached-password-detection"),
    ("bruteForceProtection", "brute-force-protection"),
    ("captcha", "captcha"),
    ("suspiciousIpThrottling", "suspicious-ip-throttling"),
];
/// Parts whose only form here is what the server answers: one thing, several under their names, or (in brackets) a list of
/// things that have names.
const FIXED: [(&str, &[(&str, &str)]); 7] = [
    ("guardianFactors", &[("", "/guardian/factors")]),
    ("guardianPolicies", &[("policies", "/guardian/policies")]),
    (
        "guardianFactorTemplates",
        &[("[phone]", "/guardian/factors/phone/templates"), ("[sms]", "/guardian/factors/sms/templates")],
    ),
    ("guardianPhoneFactorSelectedProvider", &[("", "/guardian/factors/phone/selected-provider")]),
    ("guardianPhoneFactorMessageTypes", &[("", "/guardian/factors/phone/message-types")]),
    (
        "riskAssessment",
        &[
            ("settings", "/risk-assessments/settings"),
            ("new_device", "/risk-assessments/settings/new-device"),
        ],
    ),
    ("supplementalSignals", &[("", "/supplemental-signals")]),
];

impl Live {
    /// Reads these parts, and what they speak of.
    pub(crate) async fn read(sets: &Sets, parts: &BTreeSet<String>) -> Result<Self> {
        for _ in 0..TRIES {
            match Self::try_read(sets, parts).await {
                Err(error) if error.downcast_ref::<Refused>().is_some_and(Refused::is_change) => {}
                other => return other,
            }
        }
        bail!("the configuration is changed by somebody else all the time; try again later")
    }

    async fn try_read(sets: &Sets, parts: &BTreeSet<String>) -> Result<Self> {
        let wants = |part: &str| parts.contains(part);
        let clients = ["clients", "clientGrants", "databases", "connections", "organizations", "pages"];
        let grants = wants("clientGrants") || wants("organizations");
        let connections = wants("databases") || wants("connections") || wants("organizations");
        let mut asked = Reads::default();
        asked.list_if(wants("resourceServers"), "/resource-servers");
        asked.list_if(clients.into_iter().any(wants), "/clients");
        asked.list_if(grants, "/client-grants");
        asked.list_if(wants("roles"), "/roles");
        asked.list_if(connections, "/connections");
        asked.list_if(wants("organizations"), "/organizations");
        asked.one_if(wants("tenant") || wants("pages") || wants("prompts"), "/tenants/settings", &[]);
        asked.one_if(wants("emailProvider"), "/emails/provider", &[]);
        for template in TEMPLATES {
            asked.one_if(wants("emailTemplates"), "/email-templates/{templateName}", &[template]);
        }
        asked.one_if(wants("branding"), "/branding", &[]);
        asked.one_if(wants("branding"), "/branding/templates/universal-login", &[]);
        asked.one_if(wants("themes"), "/branding/themes/default", &[]);
        asked.one_if(wants("prompts"), "/prompts", &[]);
        asked.list_if(wants("prompts"), "/prompts/rendering");
        for prompt in PARTIALS {
            asked.one_if(wants("prompts"), "/prompts/{prompt}/partials", &[prompt]);
        }
        for (_, path) in ATTACK_PROTECTION {
            asked.one_if(wants("attackProtection"), &format!("/attack-protection/{path}"), &[]);
        }
        for (_, plain) in Type::plains() {
            asked.list_if(wants(plain.part), plain.all);
        }
        for (part, paths) in FIXED {
            paths.iter().for_each(|(_, path)| asked.one_if(wants(part), path, &[]));
        }
        asked.run(sets).await?;

        let ids = |found: &[Value]| -> Vec<String> {
            found.iter().filter_map(|each| each["id"].as_str().map(str::to_owned)).collect()
        };
        for id in ids(asked.items("/roles", &[])) {
            asked.list_of(wants("roles"), "/roles/{id}/permissions", &[&id]);
        }
        for id in ids(asked.items("/organizations", &[])) {
            for below in ["connections", "client-grants", "clients", "discovery-domains"] {
                asked.list_of(true, &format!("/organizations/{{id}}/{below}"), &[&id]);
            }
        }
        let locales =
            asked.one("/tenants/settings", &[]).and_then(|settings| settings.get("enabled_locales")).cloned();
        for locale in
            locales.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            for prompt in PROMPTS {
                asked.one_if(wants("prompts"), "/prompts/{prompt}/custom-text/{language}", &[prompt, locale]);
            }
        }
        for client in asked.items("/clients", &[]).to_vec() {
            let has_keys =
                client.get("client_authentication_methods").is_some_and(|methods| !methods.is_null());
            let id = client["client_id"].as_str().unwrap_or_default();
            asked.list_of(has_keys && wants("clients"), "/clients/{client_id}/credentials", &[id]);
        }
        asked.run(sets).await?;
        Ok(Builder::of(&asked, sets, wants).build())
    }

    /// A unit of files with applications by their names, where it names them by their ids; without the placeholder.
    pub(super) fn by_names(&self, unit: &Unit) -> Unit {
        let mut unit = unit.clone();
        let known = |value: &mut Value| {
            if let Some(name) = value.as_str().and_then(|id| self.shown_name(id)) {
                *value = name.into();
            }
        };
        match unit.of {
            Type::Database | Type::Connection => {
                if let Some(Value::Array(names)) = unit.value.get_mut("enabled_clients") {
                    names.retain(|name| name.as_str() != self.global_client.as_deref());
                    names.iter_mut().for_each(known);
                }
            }
            Type::ClientGrant => {
                if let Some(client) = unit.value.get_mut("client_id") {
                    known(client);
                }
                let text = |name: &str| unit.value.get(name).and_then(Value::as_str);
                if let (Some(who), Some(audience)) =
                    (text("client_id").or(text("default_for")), text("audience"))
                {
                    unit.name = grant_name(who, audience, text("subject_type").unwrap_or("client"));
                }
            }
            Type::Organization => {
                for list in ["clients", "client_grants"] {
                    let entries = unit.value.get_mut(list).and_then(Value::as_array_mut);
                    for entry in entries.into_iter().flatten().filter_map(|entry| entry.get_mut("client_id"))
                    {
                        known(entry);
                    }
                }
            }
            _ => {}
        }
        unit
    }

    /// Whether it is the name of the application that asks.
    pub(super) fn is_own_name(&self, name: Option<&str>) -> bool {
        name.is_some() && (name == Some(&self.own_client) || name == self.shown_name(&self.own_client))
    }

    /// Whether it is the dashboard, its grant or its role, as files of other tools hold them: none of the units here.
    pub(super) fn is_of_dashboard(&self, unit: &Unit) -> bool {
        let name = self.client_names.get(dashboard::CLIENT_ID);
        let is_it = |text: Option<&str>| {
            text.is_some_and(|text| text == dashboard::CLIENT_ID || name.is_some_and(|name| name == text))
        };
        match unit.of {
            Type::Client => is_it(unit.text("client_id")) || is_it(Some(&unit.name)),
            Type::ClientGrant => is_it(unit.text("client_id")),
            Type::Role => unit.name == dashboard::ROLE,
            _ => false,
        }
    }

    /// The name of an application, unless several share it.
    fn shown_name(&self, id: &str) -> Option<&str> {
        let name = self.client_names.get(id)?;
        let is_shared = self.client_names.values().filter(|other| *other == name).nth(1).is_some();
        (!is_shared).then_some(name.as_str())
    }

    pub(super) fn find(&self, of: Type, name: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.of == of && unit.name == name)
    }
}

/// Parts that are only compared, never changed.
pub(super) fn is_fixed(part: &str) -> bool {
    FIXED.iter().any(|(fixed, _)| *fixed == part)
}

pub(super) fn fixed_parts() -> impl Iterator<Item = &'static str> {
    FIXED.iter().map(|(part, _)| *part)
}

/// Pages by their names in files, and the members of the tenant's settings that they are.
pub(super) const PAGES: [(&str, &str); 3] = [
    ("password_reset", "change_password"),
    ("guardian_multifactor", "guardian_mfa_page"),
    ("error_page", "error_page"),
];

impl Live {
    /// The id of an application by its name or id.
    pub(super) fn client_id(&self, named: &str) -> Result<Option<String>> {
        if self.client_names.contains_key(named) {
            return Ok(Some(named.to_owned()));
        }
        let mut ids = self.client_names.iter().filter(|(_, name)| *name == named).map(|(id, _)| id);
        let first = ids.next().cloned();
        if ids.next().is_some() {
            bail!("several applications are called {named}: name it by its client_id");
        }
        Ok(first)
    }

    /// The id of the one theme.
    pub(super) fn theme_id(&self) -> Result<&str> {
        let theme = self.units.iter().find(|unit| unit.of == Type::Theme);
        theme.and_then(|theme| theme.id.as_deref()).context("the theme has no id")
    }
}
