//! What a configuration is made of: units that are compared and written each by itself, in one form whether they come
//! from files or from a server. References are names, lists without an order are sorted, what the server adds is gone.

use std::fmt;

use serde_json::{Map, Value};

use super::files::Place;
use crate::output::printable;

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
    CustomDomain,
    TokenExchangeProfile,
    LogStream,
    UserAttributeProfile,
    ConnectionProfile,
}

/// A part that is a plain list: its entries are made, changed and removed by operations of one form.
#[derive(Debug)]
pub(crate) struct Plain {
    /// The part of the files.
    pub(super) part: &'static str,
    /// The folder of the layout that is one.
    pub(super) folder: &'static str,
    /// For people.
    word: &'static str,
    /// Lists and makes them.
    pub(super) all: &'static str,
    /// Changes and removes one.
    pub(super) one: &'static str,
    /// The query of the first page.
    pub(super) page: &'static str,
    /// The member that holds its id.
    pub(super) id: &'static str,
    /// What it is known by.
    pub(super) known_by: &'static str,
    /// Chosen when it is made.
    pub(super) fixed: &'static [&'static str],
    /// Taken by a change alone.
    pub(super) later: &'static [&'static str],
    /// Kept by the server.
    pub(super) read_only: &'static [&'static str],
}

const CUSTOM_DOMAINS: Plain = Plain {
    part: "customDomains",
    folder: "custom-domains",
    word: "custom domain",
    all: "/custom-domains",
    one: "/custom-domains/{id}",
    page: "take=100",
    id: "custom_domain_id",
    known_by: "domain",
    fixed: &["domain", "type"],
    later: &[],
    read_only: &[
        "custom_domain_id",
        "primary",
        "is_default",
        "status",
        "verification",
        "verification_method",
        "certificate",
        "origin_domain_name",
        "created_at",
        "updated_at",
    ],
};
const TOKEN_EXCHANGE_PROFILES: Plain = Plain {
    part: "tokenExchangeProfiles",
    folder: "token-exchange-profiles",
    word: "token exchange profile",
    all: "/token-exchange-profiles",
    one: "/token-exchange-profiles/{id}",
    page: "take=100",
    id: "id",
    known_by: "subject_token_type",
    fixed: &["action_id", "type"],
    later: &[],
    read_only: &["id", "created_at", "updated_at"],
};
const LOG_STREAMS: Plain = Plain {
    part: "logStreams",
    folder: "log-streams",
    word: "log stream",
    all: "/log-streams",
    one: "/log-streams/{id}",
    page: "",
    id: "id",
    known_by: "name",
    fixed: &["type"],
    later: &["status"],
    read_only: &["id"],
};
const USER_ATTRIBUTE_PROFILES: Plain = Plain {
    part: "userAttributeProfiles",
    folder: "user-attribute-profiles",
    word: "user attribute profile",
    all: "/user-attribute-profiles",
    one: "/user-attribute-profiles/{id}",
    page: "take=100",
    id: "id",
    known_by: "name",
    fixed: &[],
    later: &[],
    read_only: &["id"],
};
const CONNECTION_PROFILES: Plain = Plain {
    part: "connectionProfiles",
    folder: "connection-profiles",
    word: "connection profile",
    all: "/connection-profiles",
    one: "/connection-profiles/{id}",
    page: "take=10",
    id: "id",
    known_by: "name",
    fixed: &[],
    later: &[],
    read_only: &["id"],
};

impl Type {
    /// How entries of a plain list are written.
    pub(crate) const fn plain(self) -> Option<&'static Plain> {
        match self {
            Self::CustomDomain => Some(&CUSTOM_DOMAINS),
            Self::TokenExchangeProfile => Some(&TOKEN_EXCHANGE_PROFILES),
            Self::LogStream => Some(&LOG_STREAMS),
            Self::UserAttributeProfile => Some(&USER_ATTRIBUTE_PROFILES),
            Self::ConnectionProfile => Some(&CONNECTION_PROFILES),
            _ => None,
        }
    }

    /// The plain lists.
    pub(super) fn plains() -> impl Iterator<Item = (Self, &'static Plain)> {
        Self::ALL.into_iter().filter_map(|of| Some((of, of.plain()?)))
    }

    pub(crate) const ALL: [Self; 24] = [
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
        Self::CustomDomain,
        Self::TokenExchangeProfile,
        Self::LogStream,
        Self::UserAttributeProfile,
        Self::ConnectionProfile,
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
            Self::CustomDomain => CUSTOM_DOMAINS.part,
            Self::TokenExchangeProfile => TOKEN_EXCHANGE_PROFILES.part,
            Self::LogStream => LOG_STREAMS.part,
            Self::UserAttributeProfile => USER_ATTRIBUTE_PROFILES.part,
            Self::ConnectionProfile => CONNECTION_PROFILES.part,
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
            Self::CustomDomain => CUSTOM_DOMAINS.word,
            Self::TokenExchangeProfile => TOKEN_EXCHANGE_PROFILES.word,
            Self::LogStream => LOG_STREAMS.word,
            Self::UserAttributeProfile => USER_ATTRIBUTE_PROFILES.word,
            Self::ConnectionProfile => CONNECTION_PROFILES.word,
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
        ) || self.plain().is_some()
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
    /// What it is, and its name as it is.
    pub(super) fn as_named(&self) -> String {
        match self.is_single() {
            true => self.of.word().to_owned(),
            false => format!("{} {}", self.of.word(), self.name),
        }
    }

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

/// For people: others may have chosen the name.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.as_named()))
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
