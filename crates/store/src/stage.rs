//! A change put together from many: what is written is kept here, what is read is as if it had been written, and at the
//! end everything is committed in one batch, or nothing is. Documents alone are read back; records that a change writes
//! beside them go along.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chancery_db::Batch;

use crate::docs::Step;
use crate::{Change, Error, Kind, Result, Snapshot, Store, Stored, catalog::load};

/// A store that only collects, with what was collected.
#[derive(Debug)]
pub struct Staged {
    store: Store,
    stage: Arc<Stage>,
}

/// A document that is not as it was.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What it describes.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its JSON before; `None` for a new one.
    pub before: Option<String>,
    /// Its JSON after; `None` where it goes.
    pub after: Option<String>,
}

/// What stands in for the database.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Without a stage.
    below: Store,
    tenant: String,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    docs: BTreeMap<(Kind, String), Document>,
    /// Touched since the last snapshot.
    news: Vec<(Kind, String)>,
    records: Batch,
    lost: Vec<(String, Vec<String>)>,
}

#[derive(Debug)]
struct Document {
    before: Option<Stored>,
    now: Option<Stored>,
    uniq: Option<String>,
}

impl Store {
    /// A store whose writes to a tenant wait for [`Staged::commit`].
    #[must_use]
    pub fn staged(&self, tenant: &str) -> Staged {
        let below = Self { stage: None, ..self.clone() };
        let stage = Stage { below, tenant: tenant.to_owned(), inner: Mutex::default() };
        let stage = Arc::new(stage);
        Staged { store: Self { stage: Some(Arc::clone(&stage)), ..self.clone() }, stage }
    }
}

impl Staged {
    /// The store to write to.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The configuration as it would be; `old` as it was when this was asked last, or at the beginning.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where keys or settings cannot be read.
    pub fn snapshot(&self, old: &Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        let documents: Vec<_> = {
            let mut inner = self.stage.lock();
            let news = std::mem::take(&mut inner.news);
            let document = |key: (Kind, String)| {
                let now = inner.docs.get(&key).and_then(|document| document.now.as_ref());
                let json = now.map(|now| now.json.clone());
                (key.0, key.1, json)
            };
            news.into_iter().map(document).collect()
        };
        if documents.is_empty() {
            return Ok(Arc::clone(old));
        }
        load::amended(&self.stage.below, old, documents.into_iter()).map(Arc::new)
    }

    /// Every document that would be another, by kind and id.
    #[must_use]
    pub fn differences(&self) -> Vec<Difference> {
        let inner = self.stage.lock();
        let all = inner.docs.iter().map(|((kind, id), document)| Difference {
            kind: *kind,
            id: id.clone(),
            before: document.before.as_ref().map(|before| before.json.clone()),
            after: document.now.as_ref().map(|now| now.json.clone()),
        });
        all.filter(|difference| difference.before != difference.after).collect()
    }

    /// Commits everything, in one batch, if the configuration still has the revision `seen`. Answers the new one; the same
    /// where there was nothing to do.
    ///
    /// Scopes that an API defines no more are taken out of refresh tokens afterwards, a slice at a time: they are too many
    /// for the batch, and give nothing until the API defines them again.
    ///
    /// # Errors
    /// [`Error::Guard`] where somebody else was first: nothing happened.
    pub async fn commit(self, seen: i64) -> Result<i64> {
        let Self { stage, store } = self;
        let inner = std::mem::take(&mut *stage.lock());
        let change = inner.into_change(&stage.tenant).only_at(seen);
        drop(store);
        let below = &stage.below;
        if change.0.steps.is_empty() {
            return below.config_rev(&stage.tenant).await;
        }
        let rev = below.apply(change.0).await?;
        for (audience, scopes) in &change.1 {
            if let Err(error) = below.drop_granted(&stage.tenant, audience, scopes).await {
                // What was asked for is done; what is left behind gives nothing.
                tracing::warn!(audience, %error, "refresh tokens for {audience} keep scopes that are gone: {error}");
            }
        }
        Ok(rev)
    }
}

/// A change, and the scopes lost by each API.
struct Collected(Change, Vec<(String, Vec<String>)>);

impl Collected {
    fn only_at(self, seen: i64) -> Self {
        Self(self.0.only_at(seen), self.1)
    }
}

impl Inner {
    /// Deletions first, so that names are free for what takes them over.
    fn into_change(self, tenant: &str) -> Collected {
        let mut change = Change::new(tenant);
        let mut writes = Vec::new();
        for ((kind, id), document) in self.docs {
            match (document.before, document.now) {
                (Some(_), None) => change = change.delete(kind, &id),
                (before, Some(now)) if before.as_ref().is_none_or(|before| before.json != now.json) => {
                    writes.push((kind, id, document.uniq, before.map(|before| before.rev), now.json));
                }
                _ => {}
            }
        }
        for (kind, id, uniq, seen, json) in writes {
            change = match seen {
                Some(seen) => change.update(kind, &id, uniq.as_deref(), json, seen),
                None => change.insert(kind, &id, uniq.as_deref(), json),
            };
        }
        if !self.records.is_empty() {
            change = change.also(self.records);
        }
        Collected(change, self.lost)
    }

    fn now(&self, kind: Kind, id: &str) -> Option<&Document> {
        self.docs.get(&(kind, id.to_owned()))
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = (&str, &Document)> {
        let from = self.docs.range((kind, String::new())..);
        let all = from.take_while(move |((known, _), _)| *known == kind);
        all.map(|((_, id), document)| (id.as_str(), document))
    }

    fn put(
        &mut self,
        kind: Kind,
        id: String,
        before: Option<Stored>,
        uniq: Option<String>,
        now: Option<Stored>,
    ) {
        self.news.push((kind, id.clone()));
        let document = self.docs.entry((kind, id)).or_insert(Document { before, now: None, uniq: None });
        document.uniq = uniq;
        document.now = now;
    }
}

impl Stage {
    /// Records to write along.
    pub(crate) fn keep(&self, batch: Batch) {
        let mut inner = self.lock();
        inner.records = std::mem::take(&mut inner.records).and(batch);
    }

    /// Scopes to take out of refresh tokens at the end.
    pub(crate) fn lose<S: AsRef<str>>(&self, audience: &str, scopes: &[S]) {
        let scopes = scopes.iter().map(|scope| scope.as_ref().to_owned()).collect();
        self.lock().lost.push((audience.to_owned(), scopes));
    }

    pub(crate) async fn apply(&self, change: Change) -> Result<i64> {
        if change.tenant != self.tenant {
            return Err(Error::Guard);
        }
        for step in change.steps {
            match step {
                Step::Insert { kind, id, uniq, json } => {
                    let found = self.doc(&self.tenant, kind, &id).await?;
                    if found.is_some() {
                        return Err(Error::Conflict);
                    }
                    self.free(kind, &id, uniq.as_deref()).await?;
                    let before = self.before(kind, &id).await?;
                    let rev = before.as_ref().map_or(1, |before| before.rev + 1);
                    let now = Some(Stored { id: id.clone(), json, rev });
                    self.lock().put(kind, id, before, uniq, now);
                }
                Step::Update { kind, id, uniq, json, seen } => {
                    let found = self.doc(&self.tenant, kind, &id).await?;
                    if found.is_none_or(|found| found.rev != seen) {
                        return Err(Error::Guard);
                    }
                    self.free(kind, &id, uniq.as_deref()).await?;
                    let before = self.before(kind, &id).await?;
                    let now = Some(Stored { id: id.clone(), json, rev: seen + 1 });
                    self.lock().put(kind, id, before, uniq, now);
                }
                Step::Delete { kind, id } => {
                    let before = self.before(kind, &id).await?;
                    self.lock().put(kind, id, before, None, None);
                }
                Step::Also(batch) => self.keep(batch),
            }
        }
        self.below.config_rev(&self.tenant).await
    }

    /// Whether nothing else of the kind has this name.
    async fn free(&self, kind: Kind, id: &str, uniq: Option<&str>) -> Result<()> {
        let Some(uniq) = uniq else { return Ok(()) };
        match self.doc_by_uniq(&self.tenant, kind, uniq).await? {
            Some(other) if other.id != id => Err(Error::Conflict),
            _ => Ok(()),
        }
    }

    /// As it is in the database. Asked once for each document.
    async fn before(&self, kind: Kind, id: &str) -> Result<Option<Stored>> {
        if self.lock().now(kind, id).is_some() {
            return Ok(None);
        }
        self.below.doc(&self.tenant, kind, id).await
    }

    pub(crate) async fn doc(&self, tenant: &str, kind: Kind, id: &str) -> Result<Option<Stored>> {
        if let Some(document) = self.lock().now(kind, id) {
            return Ok(document.now.clone());
        }
        self.below.doc(tenant, kind, id).await
    }

    pub(crate) async fn doc_by_uniq(&self, tenant: &str, kind: Kind, uniq: &str) -> Result<Option<Stored>> {
        {
            let inner = self.lock();
            let mut named = inner.of(kind).filter(|(_, document)| document.uniq.as_deref() == Some(uniq));
            if let Some(now) = named.find_map(|(_, document)| document.now.clone()) {
                return Ok(Some(now));
            }
        }
        let found = self.below.doc_by_uniq(tenant, kind, uniq).await?;
        // One that was written since has another name now, or is gone.
        Ok(found.filter(|found| self.lock().now(kind, &found.id).is_none()))
    }

    pub(crate) async fn all(&self, tenant: &str, kind: Kind) -> Result<Vec<Stored>> {
        let mut all: BTreeMap<String, Stored> = BTreeMap::new();
        for found in self.below.docs_all(tenant, kind).await? {
            all.insert(found.id.clone(), found);
        }
        for (id, document) in self.lock().of(kind) {
            match &document.now {
                Some(now) => drop(all.insert(id.to_owned(), now.clone())),
                None => drop(all.remove(id)),
            }
        }
        Ok(all.into_values().collect())
    }

    pub(crate) async fn count(&self, tenant: &str, kind: Kind) -> Result<i64> {
        Ok(i64::try_from(self.all(tenant, kind).await?.len()).unwrap_or(i64::MAX))
    }

    pub(crate) async fn page(
        &self,
        tenant: &str,
        kind: Kind,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Stored>> {
        if self.is_untouched(kind) {
            return self.below.docs_page(tenant, kind, offset, limit).await;
        }
        let (offset, limit) = (usize::try_from(offset).unwrap_or(0), usize::try_from(limit).unwrap_or(0));
        Ok(self.all(tenant, kind).await?.into_iter().skip(offset).take(limit).collect())
    }

    pub(crate) async fn after(
        &self,
        tenant: &str,
        kind: Kind,
        after: &str,
        limit: i64,
    ) -> Result<Vec<Stored>> {
        if self.is_untouched(kind) {
            return self.below.docs_after(tenant, kind, after, limit).await;
        }
        let limit = usize::try_from(limit).unwrap_or(0);
        let all = self.all(tenant, kind).await?.into_iter();
        Ok(all.filter(|doc| doc.id.as_str() > after).take(limit).collect())
    }

    fn is_untouched(&self, kind: Kind) -> bool {
        self.lock().of(kind).next().is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
