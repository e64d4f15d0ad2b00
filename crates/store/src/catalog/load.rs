//! From rows to a snapshot, and from one snapshot to the next.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chancery_core::attack::AttackProtection;
use chancery_core::model::{AgentAccess, TenantSettings};
use chancery_core::second_factor::SecondFactors;
use chancery_db::params;
use serde::de::DeserializeOwned;

use super::{
    Snapshot,
    collections::{Apis, Clients, Collection, Connections, Grants, Keys, Map, Plain, Preparing},
};
use crate::{
    Error, KeyRing, Kind, RequestKeys, Result, Store, docs::EVERYTHING, error::parse, sweep::CHANGES_KEPT,
};

/// Documents as they are now, by id; `None` where one is gone.
type Documents = BTreeMap<String, Option<String>>;

/// A revision with a document: kind, id, JSON.
type Row = (i64, Option<String>, Option<String>, Option<String>);

/// Changes that are read where one stands.
const FEW: i64 = 32;

/// With more changes than this, and more than a part of what there is, reading everything is cheaper.
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
    let sql = "SELECT c.seq, c.kind, c.id, d.doc FROM changes c \
               LEFT JOIN docs d ON d.tenant = c.tenant AND d.kind = c.kind AND d.id = c.id \
               WHERE c.tenant = $1 AND c.seq > $2 ORDER BY c.seq";
    let params = params![old.tenant.as_str(), old.rev];
    // Nearly always it is one change, or the few of those who wrote at the same moment: not worth a thread of its own.
    let rows: Vec<(i64, String, String, Option<String>)> = match newest - old.rev {
        ..=FEW => store.db.query(sql, params).await?,
        _ => store.db.query_scan(sql, params).await?,
    };
    let too_many = TOO_MANY.max(old.size() / 4);
    if rows.len() > too_many || rows.iter().any(|(_, kind, _, _)| kind == EVERYTHING) {
        return everything(store, &old.tenant).await;
    }
    // A change without documents leaves no line, but moves the revision.
    let rev = rows.last().map_or(newest, |row| row.0.max(newest));
    let documents = rows.into_iter().map(|(_, kind, id, doc)| (kind, id, doc));
    apply(store, old.clone(), rev, documents).map(Some)
}

/// The snapshot as it would be with these documents: id and JSON, `None` where it is gone.
pub(crate) fn amended(
    store: &Store,
    old: &Snapshot,
    documents: impl Iterator<Item = (Kind, String, Option<String>)>,
) -> Result<Snapshot> {
    let documents = documents.map(|(kind, id, doc)| (kind.as_str().to_owned(), id, doc));
    apply(store, old.clone(), old.rev, documents)
}

fn empty(store: &Store, tenant: &str) -> Result<Snapshot> {
    Ok(Snapshot {
        tenant: tenant.to_owned(),
        rev: 0,
        settings: Arc::default(),
        second_factors: SecondFactors::default(),
        attack_protection: Arc::default(),
        agents: Arc::default(),
        keys: Arc::new(KeyRing::read(&store.vault, tenant, Vec::new())?),
        clients: Clients::default(),
        apis: Apis::default(),
        grants: Grants::default(),
        roles: Map::default(),
        trusted_issuers: Map::default(),
        connections: Connections::default(),
        others: HashMap::new(),
        key_documents: Map::default(),
        request_keys: Arc::default(),
        request_key_documents: Map::default(),
        jwks: r#"{"keys":[]}"#.into(),
    })
}

/// Makes the changes. What they do not touch is shared with the old snapshot.
fn apply(
    store: &Store,
    old: Snapshot,
    rev: i64,
    documents: impl Iterator<Item = (String, String, Option<String>)>,
) -> Result<Snapshot> {
    let mut kinds = HashMap::<Kind, Documents>::new();
    for (kind, id, doc) in documents {
        // Kinds of a newer release mean nothing here.
        if let Some(kind) = Kind::parse(&kind).filter(|kind| kind.is_in_snapshots()) {
            kinds.entry(kind).or_default().insert(id, doc);
        }
    }
    let shown_before = old.published();
    let mut next = Snapshot { rev, ..old };
    // Keys first: other documents are made ready with them.
    let new_keys = kinds.remove(&Kind::SigningKey);
    let keys_changed = new_keys.is_some();
    if let Some(changed) = new_keys {
        follow(Kind::SigningKey, changed, &mut Plain(&mut next.key_documents, read));
        let keys = next.key_documents.values().map(|key| (**key).clone()).collect();
        next.keys = Arc::new(KeyRing::read(&store.vault, &next.tenant, keys)?);
    }
    let new_request_keys = kinds.remove(&Kind::RequestKey);
    let request_keys_changed = new_request_keys.is_some();
    if let Some(changed) = new_request_keys {
        follow(Kind::RequestKey, changed, &mut Plain(&mut next.request_key_documents, read));
        let documents: Vec<_> = next.request_key_documents.values().cloned().collect();
        next.request_keys = Arc::new(RequestKeys::read(&store.vault, &next.tenant, &documents)?);
    }
    let keys = Keys { store, tenant: &next.tenant, ring: &next.keys };
    for (kind, changed) in kinds {
        match kind {
            Kind::Settings => next.settings = settings(changed)?,
            Kind::AttackProtection => next.attack_protection = attack_protection(&next, changed)?,
            Kind::SecondFactors => next.second_factors = second_factors(changed)?,
            Kind::AgentAccess => next.agents = agent_access(changed)?,
            Kind::Api => follow(kind, changed, &mut Preparing(&mut next.apis, keys)),
            Kind::Client => follow(kind, changed, &mut Preparing(&mut next.clients, keys)),
            Kind::ClientGrant => follow(kind, changed, &mut next.grants),
            Kind::TrustedIssuer => follow(kind, changed, &mut Plain(&mut next.trusted_issuers, read)),
            Kind::Role => follow(kind, changed, &mut Plain(&mut next.roles, read)),
            Kind::Connection => follow(kind, changed, &mut next.connections),
            Kind::Branding
            | Kind::Theme
            | Kind::Prompts
            | Kind::EmailProvider
            | Kind::EmailTemplate
            | Kind::PromptText => {
                let all = next.others.entry(kind).or_default();
                follow(kind, changed, &mut Plain(all, |json| Ok(json.into())));
            }
            // Keys are above; the others are in no snapshot.
            Kind::SigningKey
            | Kind::RequestKey
            | Kind::Organization
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
    if keys_changed {
        next.apis = next.apis.with_keys(keys);
    }
    if keys_changed || request_keys_changed || next.published() != shown_before {
        next.jwks = next.keys.jwks(next.published(), next.request_keys.public())?.into();
    }
    Ok(next)
}

/// What goes goes first: a name may have moved from one document to another.
///
/// One unreadable document must not take the tenant down: it is left out, and the log says so.
fn follow(kind: Kind, changed: Documents, all: &mut impl Collection) {
    changed.keys().for_each(|id| all.take(id));
    for (id, doc) in changed {
        if let Some(json) = doc
            && let Err(error) = all.put(&id, &json)
        {
            tracing::error!(kind = kind.as_str(), id, "{} {id} is left out: {error}", kind.as_str());
        }
    }
}

fn read<T: DeserializeOwned>(json: &str) -> Result<Arc<T>> {
    parse("document", json).map(Arc::new)
}

/// One that cannot be read must not let people in without their second factor: the tenant stays as it was.
fn second_factors(changed: Documents) -> Result<SecondFactors> {
    match changed.into_iter().next_back() {
        Some((_, Some(json))) => parse("second factors", &json),
        _ => Ok(SecondFactors::default()),
    }
}

/// Settings that cannot be read must not let down a guard: the tenant stays as it was.
fn attack_protection(old: &Snapshot, changed: Documents) -> Result<Arc<AttackProtection>> {
    let mut all = (*old.attack_protection).clone();
    for (id, json) in changed {
        all =
            all.with(&id, json.as_deref()).map_err(|_| Error::corrupt(format!("attack protection, {id}")))?;
    }
    Ok(Arc::new(all))
}

/// One that cannot be read must not show what was hidden: the tenant stays as it was.
fn agent_access(changed: Documents) -> Result<Arc<AgentAccess>> {
    match changed.into_iter().next_back() {
        Some((_, Some(json))) => parse("agent access", &json).map(Arc::new),
        _ => Ok(Arc::default()),
    }
}

fn settings(changed: Documents) -> Result<Arc<TenantSettings>> {
    match changed.into_iter().next_back() {
        Some((_, Some(json))) => parse("settings", &json).map(Arc::new),
        _ => Ok(Arc::default()),
    }
}
