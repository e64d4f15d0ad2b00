//! Tries that may become too many, counted for all nodes. What a count means is decided in `chancery_core::attack`; here it
//! is read and, if nobody changed it meanwhile, written.

use chancery_core::attack::Tried;
use chancery_db::{Batch, params};

use crate::{Result, Store};

/// What is counted: of what kind, about whom, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryKey {
    id: [u8; 32],
    whom: [u8; 32],
    origin: String,
}

impl TryKey {
    /// `kind` tells counts of one name apart; `origin` is an address, or empty where it does not matter.
    pub fn new(kind: &str, whom: &str, origin: String) -> Self {
        let whom = whom_digest(kind, whom);
        let id = chancery_jose::sha256(&[&whom[..], origin.as_bytes()].concat());
        Self { id, whom, origin }
    }
}

impl Store {
    /// What was counted, in the order of the keys; what has ended is among it.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn tried<const N: usize>(
        &self,
        tenant: &str,
        keys: [Option<&TryKey>; N],
    ) -> Result<[Option<Tried>; N]> {
        let ids: Vec<&[u8; 32]> = keys.iter().flatten().map(|key| &key.id).collect();
        if ids.is_empty() {
            return Ok([None; N]);
        }
        let mut values = params![tenant];
        values.extend(ids.iter().map(|id| (*id).into()));
        let places: Vec<String> = (2..=values.len()).map(|n| format!("${n}")).collect();
        let sql = format!(
            "SELECT id, amount, ends_at FROM tries WHERE tenant = $1 AND id IN ({})",
            places.join(", ")
        );
        let rows: Vec<(Vec<u8>, i64, i64)> = self.db.query(sql, values).await?;
        Ok(keys.map(|key| {
            let row = rows.iter().find(|(id, ..)| key.is_some_and(|key| key.id[..] == id[..]));
            row.map(|(_, amount, ends_at)| Tried { amount: *amount, ends_at: *ends_at })
        }))
    }

    /// Writes a count in the place of the one that was seen. To be committed with what the try comes to; fails with
    /// [`Error::Guard`](crate::Error::Guard) or [`Error::Conflict`](crate::Error::Conflict) where somebody else counted
    /// meanwhile: look again.
    pub fn count_try(&self, tenant: &str, key: &TryKey, seen: Option<Tried>, next: Tried) -> Batch {
        match seen {
            Some(seen) => Batch::default().guard(
                "UPDATE tries SET amount = $1, ends_at = $2 WHERE tenant = $3 AND id = $4 AND amount = $5 AND ends_at = $6",
                params![next.amount, next.ends_at, tenant, key.id, seen.amount, seen.ends_at],
            ),
            None => Batch::default().run(
                "INSERT INTO tries (tenant, id, whom, origin, amount, ends_at) VALUES ($1, $2, $3, $4, $5, $6)",
                params![tenant, key.id, key.whom, key.origin.as_str(), next.amount, next.ends_at],
            ),
        }
    }

    /// Forgets one count.
    pub fn forget_try(&self, tenant: &str, key: &TryKey) -> Batch {
        Batch::default().run("DELETE FROM tries WHERE tenant = $1 AND id = $2", params![tenant, key.id])
    }

    /// Forgets every count of this kind about somebody, wherever from.
    pub fn forget_tries(&self, tenant: &str, kind: &str, whom: &str) -> Batch {
        Batch::default().run(
            "DELETE FROM tries WHERE tenant = $1 AND whom = $2",
            params![tenant, whom_digest(kind, whom)],
        )
    }

    /// Every count of this kind about somebody that has not ended at `now` (seconds), with where it comes from: a thousand at
    /// most, the latest first.
    ///
    /// # Errors
    /// As [`Store::tried`].
    pub async fn tries_of(
        &self,
        tenant: &str,
        kind: &str,
        whom: &str,
        now: i64,
    ) -> Result<Vec<(String, Tried)>> {
        let rows: Vec<(String, i64, i64)> = self
            .db
            .query(
                "SELECT origin, amount, ends_at FROM tries WHERE tenant = $1 AND whom = $2 AND ends_at > $3 \
                 ORDER BY ends_at DESC, origin LIMIT 1000",
                params![tenant, whom_digest(kind, whom), now],
            )
            .await?;
        Ok(rows.into_iter().map(|(origin, amount, ends_at)| (origin, Tried { amount, ends_at })).collect())
    }
}

/// Of one length, and without trouble over what a name may hold. No kind holds U+0000.
fn whom_digest(kind: &str, whom: &str) -> [u8; 32] {
    chancery_jose::sha256(format!("{kind}\0{whom}").as_bytes())
}
