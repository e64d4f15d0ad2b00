//! What people granted of a scope that an API defines no more.

use chancery_core::records::RefreshRecord;
use chancery_db::{Batch, FromRow, Row, params};

use crate::{
    Result, Store,
    error::{read, write},
    rows::words,
    slices::{NAMING, WITHDRAW},
};

/// Tokens looked at in one read, and rewritten in one write.
const SLICE: usize = 500;

impl Store {
    /// Takes these scopes of an API out of every consent and forgets the codes that wait to be redeemed for it, which may
    /// hold them: goes with the change of the API's document. Defined again, a scope is agreed to again.
    pub fn drop_consented<S: AsRef<str>>(&self, tenant: &str, audience: &str, scopes: &[S]) -> Batch {
        let codes = Batch::default().run(
            "DELETE FROM codes WHERE tenant = $1 AND audience = $2 AND spent = $3",
            params![tenant, audience, false],
        );
        scopes.iter().fold(codes, |batch, scope| {
            let named = params![tenant, words::one(scope.as_ref()), audience];
            batch.run(format!("{WITHDRAW} WHERE {NAMING}"), named)
        })
    }

    /// Takes these scopes of an API out of every refresh token for it, a slice at a time: they are too many for the change
    /// of the API's document, so this comes before it. No index leads from an API to its tokens; every token of the
    /// tenant is passed, which a change as rare may cost. A token that is issued between this and the change keeps
    /// the scope, and gets nothing for it until the API defines it again.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy), [`Error::Database`](crate::Error::Database) or
    /// [`Error::Corrupt`](crate::Error::Corrupt); some tokens may be rewritten by then.
    pub async fn drop_granted<S: AsRef<str>>(
        &self,
        tenant: &str,
        audience: &str,
        scopes: &[S],
    ) -> Result<()> {
        if let Some(stage) = &self.stage {
            stage.lose(audience, scopes);
            return Ok(());
        }
        let mut after = String::new();
        loop {
            let sql = format!(
                "SELECT id, doc FROM refresh_tokens WHERE tenant = $1 AND audience = $2 AND id > $3 \
                 ORDER BY id LIMIT {SLICE}"
            );
            let slice: Vec<Held> = self.db.query_scan(sql, params![tenant, audience, after.as_str()]).await?;
            let mut write = Batch::default();
            for held in &slice {
                if let Some(doc) = held.without(scopes)? {
                    // One that changed since is read again, with the others of its slice.
                    write = write.run(
                        "UPDATE refresh_tokens SET doc = $1 WHERE tenant = $2 AND id = $3 AND doc = $4",
                        params![doc, tenant, held.id.as_str(), held.doc.as_str()],
                    );
                }
            }
            if !write.is_empty() {
                self.commit(write).await?;
                continue;
            }
            match slice.into_iter().nth(SLICE - 1) {
                Some(last) => after = last.id,
                None => return Ok(()),
            }
        }
    }
}

struct Held {
    id: String,
    doc: String,
}

impl FromRow for Held {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self { id: row.take()?, doc: row.take()? })
    }
}

impl Held {
    /// The document without these scopes; `None` where it has none of them.
    fn without<S: AsRef<str>>(&self, scopes: &[S]) -> Result<Option<String>> {
        let mut record: RefreshRecord = read("refresh token", &self.doc)?;
        let granted = &mut record.authorization.scope;
        let before = granted.len();
        granted.retain(|granted| scopes.iter().all(|lost| lost.as_ref() != granted));
        if granted.len() == before { Ok(None) } else { write("refresh token", &record).map(Some) }
    }
}
