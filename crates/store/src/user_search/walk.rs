//! Going through users in the order wanted until a page is full.

use std::collections::{HashSet, VecDeque};

use chancery_core::search::{Cover, Reach, Span};
use chancery_db::params;

use super::{CHUNK, CREATED_AT, Candidate, FoundUsers, Key, Row, UserSearch, count, rows};
use crate::{Error, Result, Store};

/// Rows taken at the first step, and at most: each one takes twice as many as the one before.
const FIRST_STEP: usize = CHUNK;
const MOST_STEP: usize = 4 * CHUNK;

pub(super) struct Walk<'a> {
    store: &'a Store,
    tenant: &'a str,
    search: &'a UserSearch<'a>,
    /// Where the walk goes on: the last one is next.
    stages: Vec<Stage>,
    /// Only these may fit.
    among: Option<HashSet<Key>>,
    /// All whom the query fits, if somebody counts them.
    whole: Whole,
    passed: usize,
    step: usize,
}

/// A list of users in order.
enum Stage {
    /// These.
    Keys(VecDeque<Key>),
    /// All of the tenant as they were made, or by their ids. With what came last.
    Users { by: By, descending: bool, after: Option<Key> },
    /// Those with a value of a field, by that value.
    Values { descending: bool, after: Option<(String, Key)> },
    /// Those with one value, as they were made.
    Value { span: Span, descending: bool, after: Option<Key> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Created,
    Id,
}

/// How a total is come by, where the walk did not see the end.
enum Whole {
    /// Known.
    Is(usize),
    /// Everybody.
    Everybody,
    /// To be counted: the query is no more and no less than this.
    In(Span),
    /// To be estimated: of so many the walk saw some.
    Among(Option<usize>),
}

/// The next users of a walk.
enum Step {
    Keys(Vec<Key>),
    Rows(Vec<Row>),
    /// No further ones.
    End,
}

impl<'a> Walk<'a> {
    /// Through everybody, or everybody with one value that the query asks for.
    pub(super) fn through_the_tenant(
        store: &'a Store,
        tenant: &'a str,
        search: &'a UserSearch<'a>,
        (cover, is_exact): (&Cover, bool),
    ) -> Self {
        let descending = search.sort.descending;
        let value = needed_value(cover).filter(|_| search.sort.field == CREATED_AT);
        let stages = match (search.sort.field, value) {
            (_, Some(span)) => vec![Stage::Value { span: span.clone(), descending, after: None }],
            (CREATED_AT, None) => vec![Stage::Users { by: By::Created, descending, after: None }],
            ("user_id", None) => vec![Stage::Users { by: By::Id, descending, after: None }],
            _ => vec![
                Stage::Users { by: By::Created, descending: false, after: None },
                Stage::Values { descending, after: None },
            ],
        };
        let whole = match cover {
            Cover::Span(span) if is_exact => Whole::In(span.clone()),
            _ if search.query.is_everything() => Whole::Everybody,
            _ => Whole::Among(None),
        };
        Self { store, tenant, search, stages, among: None, whole, passed: 0, step: FIRST_STEP }
    }

    /// Through those only.
    pub(super) fn through_keys(
        store: &'a Store,
        tenant: &'a str,
        search: &'a UserSearch<'a>,
        mut keys: Vec<Key>,
        is_exact: bool,
    ) -> Self {
        let whole = if is_exact { Whole::Is(keys.len()) } else { Whole::Among(Some(keys.len())) };
        let mut walk = Self::through_the_tenant(store, tenant, search, (&Cover::Everything, false));
        walk.whole = whole;
        if search.sort.field == CREATED_AT {
            if search.sort.descending {
                keys.reverse();
            }
            walk.stages = vec![Stage::Keys(keys.into())];
        } else {
            walk.among = Some(keys.into_iter().collect());
        }
        walk
    }

    /// Whether everybody it goes through fits: then nothing is known quicker.
    pub(super) fn meets_nobody_else(&self) -> bool {
        matches!((self.stages.as_slice(), &self.whole), ([Stage::Value { .. }], Whole::In(_)))
    }

    pub(super) async fn run(mut self) -> Result<FoundUsers> {
        let bounds = self.search.bounds;
        let wanted = self.search.start.saturating_add(self.search.limit);
        let (mut users, mut fitting, mut looked) = (Vec::new(), 0, 0);
        loop {
            if fitting >= wanted && (looked >= bounds.totalled || !self.is_counted_by_looking()) {
                let total = self.estimate(fitting, looked).await?;
                return Ok(FoundUsers { users, total });
            }
            if looked >= bounds.looked || self.passed >= bounds.passed {
                return Err(Error::TooBroad);
            }
            let Some(candidates) = self.next().await? else {
                return Ok(FoundUsers { users, total: count(fitting) });
            };
            for candidate in candidates {
                looked += 1;
                if !self.search.query.fits(&candidate.document) {
                    continue;
                }
                if (self.search.start..wanted).contains(&fitting) {
                    users.push(candidate.row.read()?);
                }
                fitting += 1;
            }
        }
    }

    /// The next users who may fit; `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<Candidate>>> {
        // Behind those with a value come those without.
        let is_rest = self.stages.len() == 1
            && matches!(self.stages.first(), Some(Stage::Users { by: By::Created, .. }))
            && self.search.sort.field != CREATED_AT;
        let rows = match self.step().await? {
            Step::End if self.stages.len() > 1 => {
                self.stages.pop();
                return Ok(Some(Vec::new()));
            }
            Step::End => return Ok(None),
            Step::Rows(rows) => {
                self.passed += rows.len();
                rows
            }
            Step::Keys(keys) => {
                self.passed += keys.len();
                let keys: Vec<Key> = keys.into_iter().filter(|key| self.may_fit(key)).collect();
                self.store.rows_of(self.tenant, &keys).await?
            }
        };
        let rows = rows.into_iter().filter(|row| self.may_fit(&row.key)).collect();
        let judged = self.store.judged(self.tenant, self.search.query, rows).await?;
        let candidates = judged.into_iter().map(|(_, candidate)| candidate);
        let field = self.search.sort.field;
        Ok(Some(
            candidates
                .filter(|candidate| {
                    !is_rest || chancery_core::search::order_of(&candidate.document, field).is_none()
                })
                .collect(),
        ))
    }

    /// Whether more looking makes the total better.
    fn is_counted_by_looking(&self) -> bool {
        self.search.totals && matches!(self.whole, Whole::Among(_))
    }

    fn may_fit(&self, key: &Key) -> bool {
        self.among.as_ref().is_none_or(|among| among.contains(key))
    }

    async fn step(&mut self) -> Result<Step> {
        let (store, tenant, field, step) = (self.store, self.tenant, self.search.sort.field, self.step);
        self.step = (2 * step).min(MOST_STEP);
        let Some(stage) = self.stages.last_mut() else { return Ok(Step::End) };
        match stage {
            Stage::Keys(keys) => {
                let next: Vec<Key> = keys.drain(..keys.len().min(CHUNK)).collect();
                Ok(if next.is_empty() { Step::End } else { Step::Keys(next) })
            }
            Stage::Users { by, descending, after } => {
                let rows = store.users_behind(tenant, (*by, *descending), after.as_ref(), step).await?;
                *after = rows.last().map(|row| row.key.clone());
                Ok(if rows.is_empty() { Step::End } else { Step::Rows(rows) })
            }
            Stage::Values { descending, after } => {
                let rows = store.values_behind((tenant, field), *descending, after.as_ref(), step).await?;
                *after = rows.last().cloned();
                let keys: Vec<Key> = rows.into_iter().map(|(_, key)| key).collect();
                Ok(if keys.is_empty() { Step::End } else { Step::Keys(keys) })
            }
            Stage::Value { span, descending, after } => {
                let keys = store.with_value_behind((tenant, span), *descending, after.as_ref(), step).await?;
                *after = keys.last().cloned();
                Ok(if keys.is_empty() { Step::End } else { Step::Keys(keys) })
            }
        }
    }

    /// How many there are altogether, when so many of those looked at fit.
    async fn estimate(&self, fitting: usize, looked: usize) -> Result<i64> {
        if !self.search.totals {
            return Ok(count(fitting));
        }
        let among = match &self.whole {
            Whole::Is(whole) => return Ok(count(*whole)),
            Whole::Everybody => {
                return self.store.users_count_lately(self.tenant, self.search.now_ms).await;
            }
            Whole::In(span) => {
                let counted = self.store.counted(self.tenant, span, self.search.bounds.counted).await?;
                return Ok(counted.max(count(fitting)));
            }
            Whole::Among(Some(keys)) => *keys,
            Whole::Among(None) => match self.stages.last() {
                Some(Stage::Value { span, .. }) => {
                    self.store.counted(self.tenant, span, self.search.bounds.counted).await?
                }
                _ => self.store.users_count_lately(self.tenant, self.search.now_ms).await?,
            }
            .try_into()
            .unwrap_or(usize::MAX),
        };
        let estimated = among.saturating_mul(fitting).checked_div(looked).unwrap_or(0);
        Ok(count(estimated.max(fitting)))
    }
}

/// A value of the index that whoever fits must have.
fn needed_value(cover: &Cover) -> Option<&Span> {
    match cover {
        Cover::Span(span) => {
            let is_listed = !["user_id", "created_at", "organization_id"].contains(&span.field.as_str());
            (is_listed && matches!(span.reach, Reach::Value(_))).then_some(span)
        }
        Cover::All(all) => all.iter().find_map(needed_value),
        Cover::Everything | Cover::Any(_) => None,
    }
}

impl Store {
    /// Users behind one, in the order of their making or of their ids.
    async fn users_behind(
        &self,
        tenant: &str,
        (by, descending): (By, bool),
        after: Option<&Key>,
        step: usize,
    ) -> Result<Vec<Row>> {
        let (sign, way) = if descending { ("<", " DESC") } else { (">", "") };
        let mut params = params![tenant, count(step)];
        let mut sql = format!("SELECT created_ms, id, {} FROM users WHERE tenant = $1", rows::COLUMNS);
        match (by, after) {
            (_, None) => {}
            (By::Created, Some((at, id))) => {
                sql.push_str(&format!(" AND (created_ms, id) {sign} ($3, $4)"));
                params.extend(params![*at, id.as_str()]);
            }
            (By::Id, Some((_, id))) => {
                sql.push_str(&format!(" AND id {sign} $3"));
                params.extend(params![id.as_str()]);
            }
        }
        sql.push_str(&match by {
            By::Created => format!(" ORDER BY created_ms{way}, id{way} LIMIT $2"),
            By::Id => format!(" ORDER BY id{way} LIMIT $2"),
        });
        Ok(self.db.query_scan(sql, params).await?)
    }

    /// Users behind a value of a field, in the order of its values.
    async fn values_behind(
        &self,
        (tenant, field): (&str, &str),
        descending: bool,
        after: Option<&(String, Key)>,
        step: usize,
    ) -> Result<Vec<(String, Key)>> {
        let (sign, way) = if descending { ("<", " DESC") } else { (">", "") };
        let mut params = params![tenant, field, count(step)];
        let mut behind = String::new();
        if let Some((value, (at, id))) = after {
            behind = format!(" AND (value, at, user_id) {sign} ($4, $5, $6)");
            params.extend(params![value.as_str(), *at, id.as_str()]);
        }
        let sql = format!(
            "SELECT value, at, user_id FROM user_terms WHERE tenant = $1 AND field = $2{behind} \
             ORDER BY value{way}, at{way}, user_id{way} LIMIT $3"
        );
        let rows: Vec<(String, i64, String)> = self.db.query_scan(sql, params).await?;
        Ok(rows.into_iter().map(|(value, at, id)| (value, (at, id))).collect())
    }

    /// Users behind one among those with a value, in the order of their making.
    async fn with_value_behind(
        &self,
        (tenant, span): (&str, &Span),
        descending: bool,
        after: Option<&Key>,
        step: usize,
    ) -> Result<Vec<Key>> {
        let Reach::Value(value) = &span.reach else { return Ok(Vec::new()) };
        let (sign, way) = if descending { ("<", " DESC") } else { (">", "") };
        let mut params = params![tenant, span.field.as_str(), value.as_str(), count(step)];
        let mut behind = String::new();
        if let Some((at, id)) = after {
            behind = format!(" AND (at, user_id) {sign} ($5, $6)");
            params.extend(params![*at, id.as_str()]);
        }
        let sql = format!(
            "SELECT at, user_id FROM user_terms WHERE tenant = $1 AND field = $2 AND value = $3{behind} \
             ORDER BY at{way}, user_id{way} LIMIT $4"
        );
        Ok(self.db.query_scan(sql, params).await?)
    }

    /// How many users are in a part of the index, up to a bound.
    async fn counted(&self, tenant: &str, span: &Span, most: usize) -> Result<i64> {
        let Some(selection) = rows::of_span(tenant, span) else { return Ok(0) };
        let (sql, params) = selection.count(most);
        Ok(self.db.query_scan(sql, params).await?.pop().unwrap_or(0))
    }
}
