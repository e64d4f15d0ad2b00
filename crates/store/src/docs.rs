//! Configuration documents: everything an administrator edits, one row each. Small in number, read on every request, so
//! read through the [`Catalog`](crate::Catalog).

use std::collections::BTreeSet;

use chancery_db::{Batch, FromRow, Row, params};

use crate::{Result, Store, rows::is_text};

/// What a document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `TenantSettings`; its one document has the id `settings`.
    Settings,
    /// `Api`.
    Api,
    /// `Client`.
    Client,
    /// `ClientGrant`.
    ClientGrant,
    /// `Role`.
    Role,
    /// `Connection`.
    Connection,
    /// [`SigningKeyDoc`](crate::SigningKeyDoc).
    SigningKey,
    /// [`RequestKeyDoc`](crate::RequestKeyDoc).
    RequestKey,
    /// Looks of the hosted pages.
    Branding,
    /// How mail leaves.
    EmailProvider,
    /// What mail says.
    EmailTemplate,
    /// Texts of the hosted pages.
    PromptText,
    /// `Organization`. They may be many, so no snapshot holds them.
    Organization,
    /// Settings of attack protection, each under its name.
    AttackProtection,
    /// How a connection takes users by SCIM (RFC 7644); its id is the connection's.
    ScimConfiguration,
    /// How a connection takes users from a directory; its id is the connection's.
    DirectoryProvisioning,
    /// A kind of subject token that may be exchanged (RFC 8693).
    TokenExchangeProfile,
    /// Looks of the hosted pages in detail.
    Theme,
    /// A name that the tenant would like to be reached by.
    CustomDomain,
    /// How text messages and calls leave.
    PhoneProvider,
    /// What they say.
    PhoneTemplate,
    /// How the hosted pages ask; its one document has the id `settings`.
    Prompts,
    /// How one screen of the hosted pages is rendered; its id is `prompt/screen`.
    Rendering,
    /// Public keys that an administrator uploads; one document with the id `keys`.
    CustomSigningKeys,
    /// A key that an administrator would like secrets to be sealed with.
    EncryptionKey,
    /// A key that requests may be signed with.
    NetworkAclKey,
    /// Keys with which a connection proves who it is to the other side; its id is the connection's.
    ConnectionKey,
    /// Which CAPTCHA is asked of whom.
    CaptchaPolicy,
    /// Where log events are to be sent.
    LogStream,
    /// Which addresses may reach what.
    NetworkAcl,
    /// What a company's administrator may set up without help.
    SelfServiceProfile,
    /// Texts of the pages for that; its id is `profile/language/page`.
    SelfServiceText,
    /// What attributes of a user are called elsewhere.
    UserAttributeProfile,
    /// What connections made by a company's administrator begin with.
    ConnectionProfile,
    /// A value for scripts, under its key.
    RuleConfig,
    /// Steps that forms run.
    Flow,
    /// A service that flows call.
    FlowConnection,
    /// A form of the hosted pages.
    Form,
    /// Where events about users are to be sent.
    EventStream,
    /// Settings of second factors, each under its name.
    GuardianSetting,
    /// `SecondFactors`: which there are, and when one is due. Its one document has the id `settings`.
    SecondFactors,
    /// `AgentAccess`: how applications come in that nobody registered. Its one document has the id `settings`.
    AgentAccess,
    /// `TrustedIssuer`: whose tokens stand for users here.
    TrustedIssuer,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 43] = [
        Self::Settings,
        Self::Api,
        Self::Client,
        Self::ClientGrant,
        Self::Role,
        Self::Connection,
        Self::SigningKey,
        Self::RequestKey,
        Self::Branding,
        Self::EmailProvider,
        Self::EmailTemplate,
        Self::PromptText,
        Self::Organization,
        Self::AttackProtection,
        Self::ScimConfiguration,
        Self::DirectoryProvisioning,
        Self::TokenExchangeProfile,
        Self::Theme,
        Self::CustomDomain,
        Self::PhoneProvider,
        Self::PhoneTemplate,
        Self::Prompts,
        Self::Rendering,
        Self::CustomSigningKeys,
        Self::EncryptionKey,
        Self::NetworkAclKey,
        Self::ConnectionKey,
        Self::CaptchaPolicy,
        Self::LogStream,
        Self::NetworkAcl,
        Self::SelfServiceProfile,
        Self::SelfServiceText,
        Self::UserAttributeProfile,
        Self::ConnectionProfile,
        Self::RuleConfig,
        Self::Flow,
        Self::FlowConnection,
        Self::Form,
        Self::EventStream,
        Self::GuardianSetting,
        Self::SecondFactors,
        Self::AgentAccess,
        Self::TrustedIssuer,
    ];

    /// As in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Api => "api",
            Self::Client => "client",
            Self::ClientGrant => "client_grant",
            Self::Role => "role",
            Self::Connection => "connection",
            Self::SigningKey => "signing_key",
            Self::RequestKey => "request_key",
            Self::Branding => "branding",
            Self::EmailProvider => "email_provider",
            Self::EmailTemplate => "email_template",
            Self::PromptText => "prompt_text",
            Self::Organization => "organization",
            Self::AttackProtection => "attack_protection",
            Self::ScimConfiguration => "scim_configuration",
            Self::DirectoryProvisioning => "directory_provisioning",
            Self::TokenExchangeProfile => "token_exchange_profile",
            Self::Theme => "theme",
            Self::CustomDomain => "custom_domain",
            Self::PhoneProvider => "phone_provider",
            Self::PhoneTemplate => "phone_template",
            Self::Prompts => "prompts",
            Self::Rendering => "rendering",
            Self::CustomSigningKeys => "custom_signing_keys",
            Self::EncryptionKey => "encryption_key",
            Self::NetworkAclKey => "network_acl_key",
            Self::ConnectionKey => "connection_key",
            Self::CaptchaPolicy => "captcha_policy",
            Self::LogStream => "log_stream",
            Self::NetworkAcl => "network_acl",
            Self::SelfServiceProfile => "self_service_profile",
            Self::SelfServiceText => "self_service_text",
            Self::UserAttributeProfile => "user_attribute_profile",
            Self::ConnectionProfile => "connection_profile",
            Self::RuleConfig => "rule_config",
            Self::Flow => "flow",
            Self::FlowConnection => "flow_connection",
            Self::Form => "form",
            Self::EventStream => "event_stream",
            Self::GuardianSetting => "guardian_setting",
            Self::SecondFactors => "second_factors",
            Self::AgentAccess => "agent_access",
            Self::TrustedIssuer => "trusted_issuer",
        }
    }

    /// Whether snapshots of the catalog hold documents of this kind. Those that no token and no page is made from are
    /// read from the database when an administrator asks for them.
    #[must_use]
    pub const fn is_in_snapshots(self) -> bool {
        !matches!(
            self,
            Self::Organization
                | Self::ScimConfiguration
                | Self::DirectoryProvisioning
                | Self::TokenExchangeProfile
                | Self::CustomDomain
                | Self::PhoneProvider
                | Self::PhoneTemplate
                | Self::Rendering
                | Self::CustomSigningKeys
                | Self::EncryptionKey
                | Self::NetworkAclKey
                | Self::ConnectionKey
                | Self::CaptchaPolicy
                | Self::LogStream
                | Self::NetworkAcl
                | Self::SelfServiceProfile
                | Self::SelfServiceText
                | Self::UserAttributeProfile
                | Self::ConnectionProfile
                | Self::RuleConfig
                | Self::Flow
                | Self::FlowConnection
                | Self::Form
                | Self::EventStream
                | Self::GuardianSetting
        )
    }

    /// The reverse; `None` for kinds of other releases.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A document as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// Byte for byte as it was written.
    pub json: String,
    /// Grows by one with each update.
    pub rev: i64,
}

impl FromRow for Stored {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self { id: row.take()?, json: row.take()?, rev: row.take()? })
    }
}

/// Documents of one tenant changed together, in one batch with one step of the configuration's revision.
#[derive(Debug)]
#[must_use = "a change does nothing until it is applied"]
pub struct Change {
    pub(crate) tenant: String,
    pub(crate) steps: Vec<Step>,
    /// Only where the configuration still has this revision.
    pub(crate) seen: Option<i64>,
}

/// A part of a change.
#[derive(Debug)]
pub(crate) enum Step {
    Insert { kind: Kind, id: String, uniq: Option<String>, json: String },
    Update { kind: Kind, id: String, uniq: Option<String>, json: String, seen: i64 },
    Delete { kind: Kind, id: String },
    Also(Batch),
}

impl Change {
    /// Nothing yet.
    pub fn new(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), steps: Vec::new(), seen: None }
    }

    /// Nothing happens unless the configuration of the tenant still has the revision `seen`: fails with `Guard` then.
    pub fn only_at(self, seen: i64) -> Self {
        Self { seen: Some(seen), ..self }
    }

    /// Adds a document. No two of a kind may have the same id or the same `uniq`: that fails with `Conflict`.
    pub fn insert(self, kind: Kind, id: &str, uniq: Option<&str>, json: impl Into<String>) -> Self {
        self.step(Step::Insert { kind, id: id.to_owned(), uniq: uniq.map(str::to_owned), json: json.into() })
    }

    /// Replaces a document; fails with `Guard` unless it still has the revision `seen`.
    pub fn update(
        self,
        kind: Kind,
        id: &str,
        uniq: Option<&str>,
        json: impl Into<String>,
        seen: i64,
    ) -> Self {
        let (id, uniq) = (id.to_owned(), uniq.map(str::to_owned));
        self.step(Step::Update { kind, id, uniq, json: json.into(), seen })
    }

    /// Removes a document; one that is not there is no error.
    pub fn delete(self, kind: Kind, id: &str) -> Self {
        self.step(Step::Delete { kind, id: id.to_owned() })
    }

    /// Records written in the same batch.
    pub fn also(self, batch: Batch) -> Self {
        self.step(Step::Also(batch))
    }

    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The revision steps first: its row lock puts the changes of a tenant in one order on every engine.
    pub(crate) fn into_batch(self) -> Batch {
        let Self { tenant, steps, seen } = self;
        let mut touched = BTreeSet::new();
        let first = match seen {
            None => step(&tenant),
            Some(seen) => Batch::default().guard(
                "UPDATE tenants SET config_rev = config_rev + 1 WHERE id = $1 AND config_rev = $2",
                params![tenant.as_str(), seen],
            ),
        };
        let batch = steps.into_iter().fold(first, |batch, step| match step {
            Step::Insert { kind, id, uniq, json } => {
                touched.insert((kind, id.clone()));
                batch.run(
                    "INSERT INTO docs (tenant, kind, id, uniq, rev, doc) VALUES ($1, $2, $3, $4, 1, $5)",
                    params![tenant.as_str(), kind.as_str(), id, uniq, json],
                )
            }
            Step::Update { kind, id, uniq, json, seen } => {
                touched.insert((kind, id.clone()));
                batch.guard(
                    "UPDATE docs SET doc = $1, uniq = $2, rev = rev + 1 \
                     WHERE tenant = $3 AND kind = $4 AND id = $5 AND rev = $6",
                    params![json, uniq, tenant.as_str(), kind.as_str(), id, seen],
                )
            }
            Step::Delete { kind, id } => {
                touched.insert((kind, id.clone()));
                batch.run(
                    "DELETE FROM docs WHERE tenant = $1 AND kind = $2 AND id = $3",
                    params![tenant.as_str(), kind.as_str(), id],
                )
            }
            Step::Also(also) => batch.and(also),
        });
        touched.iter().fold(batch, |batch, (kind, id)| announce(batch, &tenant, kind.as_str(), id))
    }
}

/// Documents behind an id.
pub(crate) const AFTER: &str =
    "SELECT id, doc, rev FROM docs WHERE tenant = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4";

/// The kind of a change after which everything is to be read again.
pub(crate) const EVERYTHING: &str = "*";

/// Raises the configuration's revision; fails with `Guard` where there is no such tenant.
pub(crate) fn step(tenant: &str) -> Batch {
    Batch::default().guard("UPDATE tenants SET config_rev = config_rev + 1 WHERE id = $1", params![tenant])
}

/// Does nothing where a document is there, and holds it; fails with `Guard` where it is gone.
pub(crate) fn still_there(tenant: &str, kind: Kind, id: &str) -> Batch {
    Batch::default().guard(
        "UPDATE docs SET rev = rev WHERE tenant = $1 AND kind = $2 AND id = $3",
        params![tenant, kind.as_str(), id],
    )
}

/// Leaves a line for the other nodes.
pub(crate) fn announce(batch: Batch, tenant: &str, kind: &str, id: &str) -> Batch {
    batch.run(
        "INSERT INTO changes (tenant, seq, kind, id) \
         SELECT id, config_rev, CAST($2 AS TEXT), CAST($3 AS TEXT) FROM tenants WHERE id = $1",
        params![tenant, kind, id],
    )
}

impl Store {
    /// Applies a change and returns the configuration's revision, which is at least the one this change made.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where a document exists already, [`Error::Guard`](crate::Error::Guard)
    /// where one was changed by somebody else or the tenant is unknown. Nothing happened then.
    pub async fn apply(&self, change: Change) -> Result<i64> {
        if let Some(stage) = &self.stage {
            return Box::pin(stage.apply(change)).await;
        }
        let tenant = change.tenant.clone();
        self.commit(change.into_batch()).await?;
        self.config_rev(&tenant).await
    }

    /// One document.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn doc(&self, tenant: &str, kind: Kind, id: &str) -> Result<Option<Stored>> {
        if let Some(stage) = &self.stage {
            return Box::pin(stage.doc(tenant, kind, id)).await;
        }
        if !is_text(id) {
            return Ok(None);
        }
        let sql = "SELECT id, doc, rev FROM docs WHERE tenant = $1 AND kind = $2 AND id = $3";
        Ok(self.db.query_one(sql, params![tenant, kind.as_str(), id]).await?)
    }

    /// The document of a kind with this `uniq`.
    ///
    /// # Errors
    /// As [`Store::doc`].
    pub async fn doc_by_uniq(&self, tenant: &str, kind: Kind, uniq: &str) -> Result<Option<Stored>> {
        if let Some(stage) = &self.stage {
            return Box::pin(stage.doc_by_uniq(tenant, kind, uniq)).await;
        }
        if !is_text(uniq) {
            return Ok(None);
        }
        let sql = "SELECT id, doc, rev FROM docs WHERE tenant = $1 AND kind = $2 AND uniq = $3";
        Ok(self.db.query_one(sql, params![tenant, kind.as_str(), uniq]).await?)
    }

    /// `limit` documents by id, after the first `offset`.
    ///
    /// # Errors
    /// As [`Store::doc`].
    pub async fn docs_page(&self, tenant: &str, kind: Kind, offset: i64, limit: i64) -> Result<Vec<Stored>> {
        if let Some(stage) = &self.stage {
            return Box::pin(stage.page(tenant, kind, offset, limit)).await;
        }
        let sql =
            "SELECT id, doc, rev FROM docs WHERE tenant = $1 AND kind = $2 ORDER BY id LIMIT $3 OFFSET $4";
        Ok(self.db.query(sql, params![tenant, kind.as_str(), limit, offset]).await?)
    }

    /// `limit` documents by id, beginning behind `after` (empty is the beginning).
    ///
    /// # Errors
    /// As [`Store::doc`].
    pub async fn docs_after(&self, tenant: &str, kind: Kind, after: &str, limit: i64) -> Result<Vec<Stored>> {
        if let Some(stage) = &self.stage {
            return Box::pin(stage.after(tenant, kind, after, limit)).await;
        }
        let after = crate::rows::storable(after);
        Ok(self.db.query(AFTER, params![tenant, kind.as_str(), after, limit]).await?)
    }

    /// How many documents of a kind there are.
    ///
    /// # Errors
    /// As [`Store::doc`].
    pub async fn docs_count(&self, tenant: &str, kind: Kind) -> Result<i64> {
        if let Some(stage) = &self.stage {
            return Box::pin(stage.count(tenant, kind)).await;
        }
        let sql = "SELECT COUNT(*) FROM docs WHERE tenant = $1 AND kind = $2";
        Ok(self.db.query_one(sql, params![tenant, kind.as_str()]).await?.unwrap_or(0))
    }

    /// Every document of a kind, by id.
    ///
    /// # Errors
    /// As [`Store::doc`].
    pub async fn docs_all(&self, tenant: &str, kind: Kind) -> Result<Vec<Stored>> {
        if let Some(stage) = &self.stage {
            return Box::pin(stage.all(tenant, kind)).await;
        }
        let sql = "SELECT id, doc, rev FROM docs WHERE tenant = $1 AND kind = $2 ORDER BY id";
        Ok(self.db.query(sql, params![tenant, kind.as_str()]).await?)
    }
}
