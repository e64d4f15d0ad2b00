//! The secrets of APIs that sign with HS256: sealed in their documents, as private keys are.

use chancery_db::params;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{Change, Error, KeyRing, Kind, Result, SigningKeyDoc, Store, error::parse};

impl Store {
    /// The stored form of an API's `signing_secret`.
    ///
    /// # Errors
    /// As [`Vault::seal`](crate::Vault::seal).
    pub fn seal_api_secret(&self, tenant: &str, api_id: &str, secret: &str) -> Result<String> {
        self.vault.seal(&context(tenant, api_id), secret.as_bytes())
    }

    /// The `signing_secret` of an API in plain text, to sign with and for the Management API.
    ///
    /// # Errors
    /// As [`Vault::open`](crate::Vault::open).
    pub fn open_api_secret(&self, tenant: &str, api_id: &str, sealed: &str) -> Result<Zeroizing<String>> {
        let context = context(tenant, api_id);
        let bytes = self.vault.open(&context, sealed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::Corrupt(context))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// The stored form of what is secret in a document of settings: keys of mail and telephone providers and the like.
    ///
    /// # Errors
    /// As [`Vault::seal`](crate::Vault::seal).
    pub fn seal_setting(&self, tenant: &str, kind: Kind, id: &str, secret: &str) -> Result<String> {
        self.vault.seal(&setting_context(tenant, kind, id), secret.as_bytes())
    }

    /// The reverse.
    ///
    /// # Errors
    /// As [`Vault::open`](crate::Vault::open).
    pub fn open_setting(
        &self,
        tenant: &str,
        kind: Kind,
        id: &str,
        sealed: &str,
    ) -> Result<Zeroizing<String>> {
        let context = setting_context(tenant, kind, id);
        let bytes = self.vault.open(&context, sealed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::Corrupt(context))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// Seals the secrets that releases before schema 2 left in plain text, and has the database forget the old text.
    /// Says how many there were. Before serving: it is the step of the migration that needs the master key.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where this is not the master key that the tenant's keys are sealed with.
    pub async fn seal_plain_secrets(&self) -> Result<usize> {
        let mut sealed = 0;
        loop {
            let mut raced = false;
            for document in self.plain_secrets().await? {
                match self.seal_document(document).await {
                    Ok(()) => sealed += 1,
                    // Another node was faster, or somebody edited it: look again.
                    Err(Error::Guard) => raced = true,
                    Err(other) => return Err(other),
                }
            }
            if !raced {
                break;
            }
        }
        if sealed > 0 {
            self.db.forget_deleted().await?;
            tracing::info!(sealed, "signing secrets of APIs are sealed now");
        }
        Ok(sealed)
    }

    async fn plain_secrets(&self) -> Result<Vec<Plain>> {
        let sql = "SELECT tenant, id, uniq, doc, rev FROM docs \
                   WHERE kind = 'api' AND doc LIKE '%\"signing_secret\"%' ORDER BY tenant, id";
        let rows: Vec<(String, String, Option<String>, String, i64)> =
            self.db.query_scan(sql, params![]).await?;
        let plain = rows.into_iter().filter_map(|(tenant, id, uniq, json, seen)| {
            let mut document: Map<String, Value> = serde_json::from_str(&json).ok()?;
            // The words may stand in a description.
            let Value::String(secret) = document.shift_remove(PLAIN)? else { return None };
            Some(Plain { tenant, id, uniq, document, secret: Zeroizing::new(secret), seen })
        });
        Ok(plain.collect())
    }

    async fn seal_document(&self, plain: Plain) -> Result<()> {
        let Plain { tenant, id, uniq, mut document, secret, seen } = plain;
        self.require_master_key(&tenant).await?;
        document.insert(SEALED.to_owned(), self.seal_api_secret(&tenant, &id, &secret)?.into());
        let json = Value::Object(document).to_string();
        let change = Change::new(&tenant).update(Kind::Api, &id, uniq.as_deref(), json, seen);
        self.apply(change).await.map(drop)
    }

    /// Sealed with another key nobody could ever open it again.
    async fn require_master_key(&self, tenant: &str) -> Result<()> {
        let keys = self.docs_all(tenant, Kind::SigningKey).await?;
        let keys: Result<Vec<SigningKeyDoc>> =
            keys.iter().map(|key| parse("signing key", &key.json)).collect();
        KeyRing::read(&self.vault, tenant, keys?).map(drop)
    }
}

/// A document that still has the secret as it is.
struct Plain {
    tenant: String,
    id: String,
    uniq: Option<String>,
    /// Without it.
    document: Map<String, Value>,
    secret: Zeroizing<String>,
    seen: i64,
}

fn context(tenant: &str, api_id: &str) -> String {
    format!("{tenant}/api-secret/{api_id}")
}

/// Where it stood.
const PLAIN: &str = "signing_secret";
/// Sealed for one document only: a copy in another one opens nothing.
fn setting_context(tenant: &str, kind: Kind, id: &str) -> String {
    format!("setting {tenant} {} {id}", kind.as_str())
}

/// Where it stands: `Api::sealed_signing_secret`.
const SEALED: &str = "sealed_signing_secret";
