//! What a configuration is made of: units that are compared and written each by itself, in one form whether they come
//! from files or from a server. References are names, lists without an order are sorted, what the server adds is gone.

use std::fmt;

use serde_json::{Map, Value};

use super::files::Place;

/// Kinds of units, in the order in which they are written: each may speak of those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Type {
    Api,
    Client,
    ClientGrant,
    Role,
    Database,
    Connection,
    Organization,
    Tenant,
    Page,
    EmailProvider,
    EmailTemplate,
    Branding,
    BrandingTemplate,
    Theme,
    Prompts,
    PromptText,
    PromptPartials,
    ScreenRenderer,
    AttackProtection,
}

impl Type {
    pub(crate) const ALL: [Self; 19] = [
        Self::Api,
        Self::Client,
        Self::ClientGrant,
        Self::Role,
        Self::Database,
        Self::Connection,
        Self::Organization,
        Self::Tenant,
        Self::Page,
        Self::EmailProvider,
        Self::EmailTemplate,
        Self::Branding,
        Self::BrandingTemplate,
        Self::Theme,
        Self::Prompts,
        Self::PromptText,
        Self::PromptPartials,
        Self::ScreenRenderer,
        Self::AttackProtection,
    ];

    /// The part of the files that it belongs to.
    pub(crate) const fn part(self) -> &'static str {
        match self {
            Self::Api => "resourceServers",
            Self::Client => "clients",
            Self::ClientGrant => "clientGrants",
            Self::Role => "roles",
            Self::Database => "databases",
            Self::Connection => "connections",
            Self::Organization => "organizations",
            Self::Tenant => "tenant",
            Self::Page => "pages",
            Self::EmailProvider => "emailProvider",
            Self::EmailTemplate => "emailTemplates",
            Self::Branding | Self::BrandingTemplate => "branding",
            Self::Theme => "themes",
            Self::Prompts | Self::PromptText | Self::PromptPartials | Self::ScreenRenderer => "prompts",
            Self::AttackProtection => "attackProtection",
        }
    }

    /// For people.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Client => "application",
            Self::ClientGrant => "client grant",
            Self::Role => "role",
            Self::Database => "database",
            Self::Connection => "connection",
            Self::Organization => "organization",
            Self::Tenant => "tenant settings",
            Self::Page => "page",
            Self::EmailProvider => "email provider",
            Self::EmailTemplate => "email template",
            Self::Branding => "branding",
            Self::BrandingTemplate => "page template",
            Self::Theme => "theme",
            Self::Prompts => "prompt settings",
            Self::PromptText => "texts of",
            Self::PromptPartials => "partials of",
            Self::ScreenRenderer => "rendering of",
            Self::AttackProtection => "attack protection",
        }
    }

    /// Whether files that speak of its part, but not of one on the server, may have it deleted.
    pub(crate) const fn is_deletable(self) -> bool {
        matches!(
            self,
            Self::Api
                | Self::Client
                | Self::ClientGrant
                | Self::Role
                | Self::Database
                | Self::Connection
                | Self::Organization
                | Self::EmailProvider
                | Self::Theme
        )
    }
}

/// The parts of files that are read and written here.
pub(crate) fn parts() -> Vec<&'static str> {
    let mut parts: Vec<_> = Type::ALL.iter().map(|of| of.part()).collect();
    parts.dedup();
    parts
}

/// Something that is compared and written by itself.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) of: Type,
    /// What it is matched by, and what people know it by.
    pub(crate) name: String,
    pub(crate) value: Map<String, Value>,
    /// Where it stands in the files.
    pub(crate) place: Option<Place>,
    /// On the server.
    pub(crate) id: Option<String>,
    /// As the server has it.
    pub(crate) raw: Map<String, Value>,
}

impl Unit {
    pub(super) fn new(of: Type, name: impl Into<String>, value: Map<String, Value>) -> Self {
        Self { of, name: name.into(), value, place: None, id: None, raw: Map::new() }
    }

    pub(super) fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    pub(super) fn text(&self, member: &str) -> Option<&str> {
        self.value.get(member).and_then(Value::as_str)
    }

    /// Whether there is only one of its kind, so that its name says nothing.
    fn is_single(&self) -> bool {
        matches!(
            self.of,
            Type::Tenant
                | Type::EmailProvider
                | Type::Branding
                | Type::BrandingTemplate
                | Type::Theme
                | Type::Prompts
        )
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() {
            f.write_str(self.of.word())
        } else {
            write!(f, "{} {}", self.of.word(), self.name)
        }
    }
}

/// Lists whose entries are known by members, so that their order says nothing.
pub(super) fn list_keys(member: &str) -> Option<&'static [&'static str]> {
    match member {
        "scopes" => Some(&["value"]),
        "permissions" => Some(&["permission_name", "resource_server_identifier"]),
        "connections" => Some(&["name"]),
        "client_grants" | "clients" => Some(&["client_id"]),
        "discovery_domains" => Some(&["domain"]),
        _ => None,
    }
}

/// What an entry of such a list is known by.
pub(super) fn entry_key(keys: &[&str], entry: &Value) -> String {
    let parts = keys.iter().filter_map(|key| entry.get(*key).and_then(Value::as_str));
    parts.collect::<Vec<_>>().join(" @ ")
}

/// Members in the order of other tools for this layout: what an object is known by, then the alphabet.
pub(super) fn ordered(mut members: Map<String, Value>) -> Map<String, Value> {
    const FIRST: [&str; 6] = ["name", "client_id", "audience", "template", "identifier", "strategy"];
    let mut out = Map::new();
    for name in FIRST {
        if let Some(value) = members.shift_remove(name) {
            out.insert(name.to_owned(), value);
        }
    }
    members.sort_keys();
    out.extend(members);
    out
}
