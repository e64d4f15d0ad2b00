//! From rows to a snapshot, and from one snapshot to the next.

use std::{collections::HashMap, sync::Arc};

use chancery_core::model::{Client, TenantSettings};
use chancery_db::params;
use serde::de::DeserializeOwned;

use super::{
    PreparedClient, Snapshot,
    snapshot::{Apis, Connections, Grants, Map},
};
use crate::{KeyRing, Kind, Result, Store, docs::EVERYTHING, error::parse, sweep::CHANGES_KEPT};

/// A document as it is now; `None` when it is gone.
type Document = (String, Option<String>);

/// A revision with a document: kind, id, JSON.
type Row = (i64, Option<String>, Option<String>, Option<String>);

/// With more changes than this, reading everything is cheaper.
const TOO_MANY: usize = 500;

/// Everything, in one statement and so at one point in time. `None` where there is no such tenant.
pub(super) async fn everything(store: &Store, tenant: &str) -> Result<Option<Snapshot>> {
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.is_in_snapshots());
    let kinds: Vec<_> = kinds.map(|kind| format!("'{}'", kind.as_str())).collect();
    let rows: Vec<Row> = store
        .db
        .query_scan(
            format!(
                "SELECT t.config_rev, d.kind, d.id, d.doc FROM tenants t LEFT JOIN docs d ON d.tenant = t.id \
                 AND d.kind IN ({}) WHERE t.id = $1",
                kinds.join(", ")
            ),
            params![tenant],
        )
        .await?;
    let Some(rev) = rows.first().map(|row| row.0) else { return Ok(None) };
    let documents = rows.into_iter().filter_map(|(_, kind, id, doc)| Some((kind?, id?, doc)));
    apply(store, empty(store, tenant)?, rev, documents).map(Some)
}

/// The next snapshot after `old`, or `None` when it is the newest.
pub(super) async fn news(store: &Store, old: &Snapshot, newest: i64) -> Result<Option<Snapshot>> {
    if newest <= old.rev {
        return Ok(None);
    }
    if newest - old.rev > CHANGES_KEPT / 2 {
        return everything(store, &old.tenant).await;
    }
    // One statement: the documents belong to the changes, whatever is written meanwhile.
    let rows: Vec<(i64, String, String, Option<String>)> = store
        .db
        .query_scan(
            "SELECT c.seq, c.kind, c.id, d.doc FROM changes c \
             LEFT JOIN docs d ON d.tenant = c.tenant AND d.kind = c.kind AND d.id = c.id \
             WHERE c.tenant = $1 AND c.seq > $2 ORDER BY c.seq",
            params![old.tenant.as_str(), old.rev],
        )
        .await?;
    if rows.len() > TOO_MANY || rows.iter().any(|(_, kind, _, _)| kind == EVERYTHING) {
        return everything(store, &old.tenant).await;
    }
    // A change without documents leaves no line, but moves the revision.
    let rev = rows.last().map_or(newest, |row| row.0.max(newest));
    let documents = rows.into_iter().map(|(_, kind, id, doc)| (kind, id, doc));
    apply(store, old.clone(), rev, documents).map(Some)
}

fn empty(store: &Store, tenant: &str) -> Result<Snapshot> {
    Ok(Snapshot {
        tenant: tenant.to_owned(),
        rev: 0,
        settings: Arc::default(),
        keys: Arc::new(KeyRing::read(&store.vault, tenant, Vec::new())?),
        clients: Map::default(),
        apis: Apis::default(),
        grants: Grants::default(),
        roles: Map::default(),
        connections: Connections::default(),
        others: HashMap::new(),
        key_documents: Map::default(),
    })
}

/// Copies the maps of the kinds that changed; all others are shared with the old snapshot.
fn apply(
    store: &Store,
    old: Snapshot,
    rev: i64,
    documents: impl Iterator<Item = (String, String, Option<String>)>,
) -> Result<Snapshot> {
    let mut kinds = HashMap::<Kind, Vec<Document>>::new();
    for (kind, id, doc) in documents {
        // Kinds of a newer release mean nothing here.
        if let Some(kind) = Kind::parse(&kind).filter(|kind| kind.is_in_snapshots()) {
            kinds.entry(kind).or_default().push((id, doc));
        }
    }
    let mut next = Snapshot { rev, ..old };
    // Keys first: APIs are made ready with them.
    let keys_changed = if let Some(changed) = kinds.remove(&Kind::SigningKey) {
        merge(&mut next.key_documents, Kind::SigningKey, changed, read);
        let keys = next.key_documents.values().map(|key| (**key).clone()).collect();
        next.keys = Arc::new(KeyRing::read(&store.vault, &next.tenant, keys)?);
        true
    } else {
        false
    };
    let apis = kinds.remove(&Kind::Api);
    if keys_changed || apis.is_some() {
        let mut all = next.apis.documents;
        merge(&mut all, Kind::Api, apis.unwrap_or_default(), read);
        next.apis = Apis::index(store, &next.tenant, all, &next.keys);
    }
    for (kind, changed) in kinds {
        match kind {
            Kind::Settings => next.settings = settings(changed)?,
            Kind::Client => {
                let tenant = next.tenant.clone();
                merge(&mut next.clients, kind, changed, |json| {
                    PreparedClient::prepare(store, &tenant, parse::<Client>("client", json)?).map(Arc::new)
                });
            }
            Kind::ClientGrant => {
                let mut all = next.grants.by_id;
                merge(&mut all, kind, changed, read);
                next.grants = Grants::index(all);
            }
            Kind::Role => merge(&mut next.roles, kind, changed, read),
            Kind::Connection => {
                let mut all = next.connections.by_id;
                merge(&mut all, kind, changed, read);
                next.connections = Connections::index(all);
            }
            Kind::Branding
            | Kind::Theme
            | Kind::Prompts
            | Kind::EmailProvider
            | Kind::EmailTemplate
            | Kind::PromptText => {
                merge(next.others.entry(kind).or_default(), kind, changed, |json| Ok(json.into()));
            }
            // Keys and APIs are above; the others are in no snapshot.
            Kind::SigningKey
            | Kind::Api
            | Kind::Organization
            | Kind::AttackProtection
            | Kind::ScimConfiguration
            | Kind::DirectoryProvisioning
            | Kind::TokenExchangeProfile
            | Kind::CustomDomain
            | Kind::PhoneProvider
            | Kind::PhoneTemplate
            | Kind::Rendering
            | Kind::CustomSigningKeys
            | Kind::EncryptionKey
            | Kind::NetworkAclKey
            | Kind::ConnectionKey
            | Kind::CaptchaPolicy
            | Kind::LogStream
            | Kind::NetworkAcl
            | Kind::SelfServiceProfile
            | Kind::SelfServiceText
            | Kind::UserAttributeProfile
            | Kind::ConnectionProfile
            | Kind::RuleConfig
            | Kind::Flow
            | Kind::FlowConnection
            | Kind::Form
            | Kind::EventStream
            | Kind::GuardianSetting => {}
        }
    }
    Ok(next)
}

/// One unreadable document must not take the tenant down: it is left out, and the log says so.
fn merge<T: ?Sized>(
    map: &mut Map<T>,
    kind: Kind,
    changed: Vec<Document>,
    read: impl Fn(&str) -> Result<Arc<T>>,
) {
    let map = Arc::make_mut(map);
    for (id, doc) in changed {
        let read = doc.map(|json| read(&json));
        match read {
            Some(Ok(document)) => {
                map.insert(id, document);
            }
            Some(Err(error)) => {
                tracing::error!(kind = kind.as_str(), id, "{} {id} is left out: {error}", kind.as_str());
                map.remove(&id);
            }
            None => {
                map.remove(&id);
            }
        }
    }
}

fn read<T: DeserializeOwned>(json: &str) -> Result<Arc<T>> {
    parse("document", json).map(Arc::new)
}

fn settings(changed: Vec<Document>) -> Result<Arc<TenantSettings>> {
    match changed.into_iter().next_back() {
        Some((_, Some(json))) => parse("settings", &json).map(Arc::new),
        _ => Ok(Arc::default()),
    }
}
