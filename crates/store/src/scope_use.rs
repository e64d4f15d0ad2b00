//! Which scopes are really issued, by the day: what is granted and never used can be taken away.
//!
//! Noted from log events on their way to the database, so that nobody who asks for a token waits for it; once a day for each
//! holder and scope. Nothing is noted of applications that describe themselves at a URL and that nobody registered: what they have is the
//! tenant's to give to all of them, and anybody makes as many as they like. The roles of their users count.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use chancery_core::explanation::DECISION;
use chancery_core::model::is_self_described;
use chancery_core::records::LogEvent;
use chancery_db::{Batch, params};
use serde::Deserialize;

use crate::{LogLine, Result, Store, rows::is_text};

/// A use of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeUse {
    /// `client:ID`: the application for itself; `user:ID`: the application for a user; `role:ID`.
    pub holder: String,
    /// The API as the wire named it.
    pub audience: String,
    /// The scope.
    pub scope: String,
    /// Days since 1970-01-01.
    pub day: i64,
}

/// What is noted of the scopes of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeUses {
    /// The last use of every scope that was ever used.
    pub uses: Vec<ScopeUse>,
    /// The day on which a holder was given a scope, with the API as it is stored; nothing of what is older than such notes.
    pub given: Vec<ScopeUse>,
    /// The day on which noting of uses began.
    pub since: Option<i64>,
}

/// What was noted today already.
#[derive(Debug, Default)]
pub struct Noticed {
    day: i64,
    seen: HashSet<u64>,
}

/// Of this process: nobody outside can make two uses look alike.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The same for events that tell of the same uses. Cheap, since most events of a busy server are of tokens, and of those most are
/// like one before.
pub(crate) fn key(event: &LogEvent) -> Option<u64> {
    let scope = event.scope.as_deref().filter(|_| ISSUED.contains(&event.kind.as_str()))?;
    let granted = event.details.get(DECISION).and_then(|decision| decision.get("granted"));
    Some(HASHER.hash_one((&event.client_id, event.user_id.is_some(), &event.audience, scope, granted)))
}

/// Memory is bounded; what is forgotten is only noted again.
const MOST: usize = 200_000;
const DAY_MS: i64 = 86_400_000;

impl Noticed {
    /// The uses in these events of a tenant that are new today.
    pub fn of(&mut self, tenant: &str, lines: &[LogLine]) -> Vec<ScopeUse> {
        let mut new = Vec::new();
        for line in lines {
            let Some(key) = line.use_key else { continue };
            let day = line.at_ms.div_euclid(DAY_MS);
            if day != self.day || self.seen.len() > MOST {
                self.day = day;
                self.seen.clear();
            }
            if !self.seen.insert(HASHER.hash_one((tenant, key))) {
                continue;
            }
            let Ok(event) = serde_json::from_str::<Issued<'_>>(&line.doc) else { continue };
            let (Some(client), Some(audience), Some(scope)) =
                (&event.client_id, &event.audience, &event.scope)
            else {
                continue;
            };
            let kind = if event.user_id.is_some() { "user" } else { "client" };
            let holder = format!("{kind}:{client}");
            if !is_self_described(client) {
                self.add(&mut new, tenant, (&holder, audience, scope), day);
            }
            let granted = event.details.decision.map(|decision| decision.granted).unwrap_or_default();
            for (grounds, scopes) in &granted {
                if let Some(role) = role_of(grounds) {
                    self.add(&mut new, tenant, (&format!("role:{role}"), audience, scopes), day);
                }
            }
        }
        new
    }

    fn add(&mut self, new: &mut Vec<ScopeUse>, tenant: &str, what: (&str, &str, &str), day: i64) {
        if !self.seen.insert(HASHER.hash_one((tenant, what))) {
            return;
        }
        let (holder, audience, scopes) = what;
        for scope in scopes.split(' ').filter(|scope| !scope.is_empty()) {
            if scopes.len() == scope.len()
                || self.seen.insert(HASHER.hash_one((tenant, (holder, audience, scope))))
            {
                new.push(ScopeUse {
                    holder: holder.to_owned(),
                    audience: audience.to_owned(),
                    scope: scope.to_owned(),
                    day,
                });
            }
        }
    }
}

/// The role on whose account something was granted: the user's own (`role:ID`), or through a group (`group_role:ID GROUP`).
fn role_of(grounds: &str) -> Option<&str> {
    match grounds.split_once(':')? {
        ("role", role) => Some(role),
        ("group_role", given) => Some(given.split_once(' ').map_or(given, |(role, _)| role)),
        _ => None,
    }
}

/// Events that tell of tokens.
const ISSUED: [&str; 10] = [
    "s",
    "ssa",
    "seacft",
    "seccft",
    "sertft",
    "sepft",
    "sede",
    "success_on_behalf_of_token_exchange",
    "secte",
    "idjag_exchange_success",
];

#[derive(Deserialize)]
struct Issued<'a> {
    #[serde(borrow, default)]
    client_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    audience: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    scope: Option<Cow<'a, str>>,
    #[serde(default)]
    details: Details,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    decision: Option<Decision>,
}

#[derive(Deserialize)]
struct Decision {
    #[serde(default)]
    granted: BTreeMap<String, String>,
}

// The name is that of the member above.
const _: () = assert!(DECISION.len() == "decision".len());

impl Store {
    /// Notes uses. A day never goes back.
    pub fn note_scope_uses(&self, tenant: &str, uses: &[ScopeUse]) -> Batch {
        let uses: Vec<&ScopeUse> = uses
            .iter()
            .filter(|used| [&used.holder, &used.audience, &used.scope].iter().all(|t| is_text(t)))
            .collect();
        let first = uses.iter().map(|used| used.day).min();
        // Since when there are notes at all.
        let begun = first.map_or_else(Batch::default, |day| {
            Batch::default().run(
                "INSERT INTO scope_use (tenant, holder, audience, scope, day) VALUES ($1, '', '', '', $2) \
                 ON CONFLICT DO NOTHING",
                params![tenant, day],
            )
        });
        uses.into_iter().fold(begun, |batch, used| {
            batch.run(
                "INSERT INTO scope_use (tenant, holder, audience, scope, day) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (tenant, holder, audience, scope) DO UPDATE SET day = excluded.day \
                 WHERE scope_use.day < excluded.day",
                params![tenant, used.holder.as_str(), used.audience.as_str(), used.scope.as_str(), used.day],
            )
        })
    }

    /// Notes on which day a holder was given scopes of an API, which is named as it is stored. What was given again is as young
    /// as that.
    pub fn note_given_scopes<'a>(
        &self,
        tenant: &str,
        (holder, day): (&str, i64),
        given: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Batch {
        let holder = format!("{GIVEN}{holder}");
        given.filter(|(audience, scope)| is_text(audience) && is_text(scope)).fold(
            Batch::default(),
            |batch, (audience, scope)| {
                batch.run(
                    "INSERT INTO scope_use (tenant, holder, audience, scope, day) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (tenant, holder, audience, scope) DO UPDATE SET day = excluded.day",
                    params![tenant, holder.as_str(), audience, scope, day],
                )
            },
        )
    }

    /// What is noted of the scopes of a tenant.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn scope_uses(&self, tenant: &str) -> Result<ScopeUses> {
        let sql = "SELECT holder, audience, scope, day FROM scope_use WHERE tenant = $1";
        let rows: Vec<(String, String, String, i64)> = self.db.query_scan(sql, params![tenant]).await?;
        let mut noted = ScopeUses::default();
        for (holder, audience, scope, day) in rows {
            if holder.is_empty() {
                noted.since = Some(day);
                continue;
            }
            let (list, holder) = match holder.strip_prefix(GIVEN) {
                Some(holder) => (&mut noted.given, holder.to_owned()),
                None => (&mut noted.uses, holder),
            };
            list.push(ScopeUse { holder, audience, scope, day });
        }
        Ok(noted)
    }

    /// Forgets what is noted of a holder: goes with its deletion.
    pub(crate) fn forget_uses(&self, batch: Batch, tenant: &str, holder: &str) -> Batch {
        let given = format!("{GIVEN}{holder}");
        batch.run(
            "DELETE FROM scope_use WHERE tenant = $1 AND holder IN ($2, $3)",
            params![tenant, holder, given.as_str()],
        )
    }
}

/// Before the holder, in rows that say when a scope was given to it.
const GIVEN: &str = "given:";

#[cfg(test)]
mod tests {
    use chancery_core::records::LogEvent;
    use serde_json::json;

    use super::*;

    fn line(kind: &str, scope: &str, at_ms: i64, user: Option<&str>) -> LogLine {
        let mut event = LogEvent {
            log_id: "x".to_owned(),
            kind: kind.to_owned(),
            client_id: Some("app".to_owned()),
            audience: Some("api".to_owned()),
            scope: Some(scope.to_owned()),
            user_id: user.map(str::to_owned),
            ..LogEvent::default()
        };
        if user.is_some() {
            let decision = json!({"flow": "code", "granted": {"role:rol_1": "b", "group_role:rol_2 grp_1": "c", "standard": "openid"}});
            event.details.insert(DECISION.to_owned(), decision);
        }
        LogLine::of(event, at_ms).unwrap()
    }

    #[test]
    fn each_once_a_day() {
        let mut noticed = Noticed::default();
        let mut of = |tenant: &str, line: LogLine| {
            let found = noticed.of(tenant, &[line]);
            found
                .iter()
                .map(|used| format!("{} {} {}", used.holder, used.scope, used.day))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("t", line("seccft", "a b", DAY_MS, None)), ["client:app a 1", "client:app b 1"]);
        assert_eq!(of("t", line("seccft", "a b", DAY_MS + 1, None)), [""; 0]);
        assert_eq!(of("t", line("seccft", "b c", DAY_MS + 1, None)), ["client:app c 1"]);
        assert_eq!(of("other", line("seccft", "a", DAY_MS + 1, None)), ["client:app a 1"]);
        assert_eq!(of("t", line("feccft", "d", DAY_MS, None)), [""; 0], "nothing was issued");
        assert_eq!(
            of("t", line("seacft", "b openid", DAY_MS, Some("u"))),
            ["user:app b 1", "user:app openid 1", "role:rol_2 c 1", "role:rol_1 b 1"]
        );
        let mut described = line("seacft", "b openid", 2 * DAY_MS, Some("u"));
        described.doc = described.doc.replace(r#""client_id":"app""#, r#""client_id":"https://a.example/1""#);
        assert_eq!(of("t", described), ["role:rol_2 c 2", "role:rol_1 b 2"], "no row for each who comes by");
        assert_eq!(of("t", line("seccft", "a", 2 * DAY_MS, None)), ["client:app a 2"]);
    }
}
