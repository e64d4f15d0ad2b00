//! How a user may prove who they are beside the password, and keys of their devices. Documents in JSON; what is secret in
//! one is sealed.

use chancery_db::{Batch, params};
use zeroize::Zeroizing;

use crate::{Result, Store, rows::storable};

impl Store {
    /// The methods of a user as JSON, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn authentication_methods(&self, tenant: &str, user_id: &str) -> Result<Vec<String>> {
        let sql = "SELECT doc FROM authentication_methods WHERE tenant = $1 AND user_id = $2 ORDER BY id";
        let rows: Vec<(String,)> = self.db.query(sql, params![tenant, storable(user_id)]).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// The method with this id: its user, and the method as JSON.
    ///
    /// # Errors
    /// As [`Store::authentication_methods`].
    pub async fn authentication_method(&self, tenant: &str, id: &str) -> Result<Option<(String, String)>> {
        let sql = "SELECT user_id, doc FROM authentication_methods WHERE tenant = $1 AND id = $2";
        Ok(self.db.query_one(sql, params![tenant, storable(id)]).await?)
    }

    /// How many methods that nobody is asked for the users of a tenant have, and how many keys their devices.
    ///
    /// # Errors
    /// As [`Store::authentication_methods`].
    pub async fn authentication_means(&self, tenant: &str) -> Result<(i64, i64)> {
        let count = async |rows: &str| -> Result<i64> {
            let sql = format!("SELECT COUNT(*) FROM {rows}");
            Ok(self.db.query_scan(sql, params![tenant]).await?.pop().unwrap_or(0))
        };
        let methods = "authentication_methods WHERE tenant = $1 AND id NOT LIKE 'totp|%' \
                       AND id NOT LIKE 'recovery-code|%' AND id NOT LIKE 'webauthn-%' AND id NOT LIKE 'passkey|%'";
        Ok((count(methods).await?, count("device_keys WHERE tenant = $1").await?))
    }

    /// Adds a method to a user who is there. Fails with [`Error::Guard`](crate::Error::Guard) where they are gone, and with
    /// [`Error::Conflict`](crate::Error::Conflict) where the id is taken.
    pub fn insert_authentication_method(&self, tenant: &str, user_id: &str, id: &str, doc: &str) -> Batch {
        Batch::default()
            .guard("UPDATE users SET doc = doc WHERE tenant = $1 AND id = $2", params![tenant, user_id])
            .run(
                "INSERT INTO authentication_methods (tenant, user_id, id, doc) VALUES ($1, $2, $3, $4)",
                params![tenant, user_id, id, doc],
            )
    }

    /// Holds only while the user has no confirmed method by time-based codes or by a key: of two who make a first one at once,
    /// one does.
    /// Fails with [`Error::Guard`](crate::Error::Guard) otherwise.
    pub fn require_unenrolled(&self, tenant: &str, user_id: &str) -> Batch {
        // The first statement waits for whoever else is at it, so that the second sees what they did.
        Batch::default()
            .guard("UPDATE users SET doc = doc WHERE tenant = $1 AND id = $2", params![tenant, user_id])
            .guard(
                "UPDATE users SET doc = doc WHERE tenant = $1 AND id = $2 AND NOT EXISTS (SELECT 1 \
                 FROM authentication_methods WHERE tenant = $1 AND user_id = $2 \
                 AND ((id LIKE 'totp|%' AND doc LIKE '%\"sealed\":%') \
                 OR ((id LIKE 'webauthn-%' OR id LIKE 'passkey|%') AND doc LIKE '%\"sign_count\":%')) \
                 AND doc LIKE '%\"confirmed\":true%')",
                params![tenant, user_id],
            )
    }

    /// The same, and takes away all that somebody without a factor has begun: time-based codes that were never shown, and recovery
    /// codes. Whoever begins at the same moment leaves nothing beside what is added with this.
    pub fn begin_unenrolled(&self, tenant: &str, user_id: &str) -> Batch {
        self.require_unenrolled(tenant, user_id).run(
            "DELETE FROM authentication_methods WHERE tenant = $1 AND user_id = $2 \
             AND ((id LIKE 'totp|%' AND doc LIKE '%\"sealed\":%') \
             OR (id LIKE 'recovery-code|%' AND doc LIKE '%\"digest\":%'))",
            params![tenant, user_id],
        )
    }

    /// Holds only while no user of the tenant has one of these methods, whose ids are made from a credential's, and keeps it so
    /// until `ends_at` (seconds) for whoever adds one at the same moment. Fails with [`Error::Guard`](crate::Error::Guard) or
    /// [`Error::Conflict`](crate::Error::Conflict) otherwise.
    pub fn require_new_credential(
        &self,
        tenant: &str,
        user_id: &str,
        ids: &[String; 3],
        ends_at: i64,
    ) -> Batch {
        // No client id begins like this: see `remember_assertion`.
        let digest = chancery_jose::sha256(format!("\0webauthn\0{}", ids[0]).as_bytes());
        let [one, two, three] = ids.each_ref().map(String::as_str);
        Batch::default()
            .run(
                "DELETE FROM assertions WHERE tenant = $1 AND digest = $2 AND ends_at < $3",
                params![tenant, digest, ends_at - JUST_NOW],
            )
            .run(
                "INSERT INTO assertions (tenant, digest, ends_at) VALUES ($1, $2, $3)",
                params![tenant, digest, ends_at],
            )
            .guard(
                "UPDATE users SET doc = doc WHERE tenant = $1 AND id = $2 AND NOT EXISTS (SELECT 1 \
                 FROM authentication_methods WHERE tenant = $1 AND id IN ($3, $4, $5))",
                params![tenant, user_id, one, two, three],
            )
    }

    /// Rewrites a method that is still as it was seen; fails with [`Error::Guard`](crate::Error::Guard) where it is not.
    pub fn update_authentication_method(
        &self,
        tenant: &str,
        user_id: &str,
        id: &str,
        seen: &str,
        doc: &str,
    ) -> Batch {
        Batch::default().guard(
            "UPDATE authentication_methods SET doc = $1 WHERE tenant = $2 AND user_id = $3 AND id = $4 AND doc = $5",
            params![doc, tenant, user_id, id, seen],
        )
    }

    /// Removes a method, or (`None`) all of a user. What is gone is no error. Browsers in which a factor was shown are remembered no
    /// more: it may be gone because it was stolen.
    pub fn delete_authentication_methods(&self, tenant: &str, user_id: &str, id: Option<&str>) -> Batch {
        let all = "DELETE FROM authentication_methods WHERE tenant = $1 AND user_id = $2";
        let gone = match id {
            Some(id) => Batch::default()
                .run(format!("{all} AND id = $3"), params![tenant, storable(user_id), storable(id)]),
            None => Batch::default().run(all, params![tenant, storable(user_id)]),
        };
        gone.and(self.forget_browsers(tenant, user_id))
    }

    /// Seals a secret of a method for that user.
    ///
    /// # Errors
    /// As [`Vault::seal`](crate::Vault::seal).
    pub fn seal_authentication_method(&self, tenant: &str, user_id: &str, secret: &str) -> Result<String> {
        self.vault.seal(&format!("{tenant}/authentication_method/{user_id}"), secret.as_bytes())
    }

    /// What was sealed for that user.
    ///
    /// # Errors
    /// As [`Vault::open`](crate::Vault::open).
    pub fn open_authentication_method(
        &self,
        tenant: &str,
        user_id: &str,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>> {
        self.vault.open(&format!("{tenant}/authentication_method/{user_id}"), sealed)
    }

    /// The key of a device of a user; `doc` is its JSON.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the device has one for this application.
    pub async fn insert_device_key(&self, tenant: &str, key: &DeviceKey<'_>, doc: &str) -> Result<()> {
        let DeviceKey { id, user_id, client_id, device_id } = *key;
        self.commit(Batch::default().run(
            "INSERT INTO device_keys (tenant, id, user_id, client_id, device_id, doc) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![tenant, id, user_id, client_id, device_id, doc],
        ))
        .await
    }

    /// Keys of devices as JSON, of a user and an application or of all, in the order of their ids; at most a thousand.
    ///
    /// # Errors
    /// As [`Store::authentication_methods`].
    pub async fn device_keys(
        &self,
        tenant: &str,
        user_id: Option<&str>,
        client_id: Option<&str>,
    ) -> Result<Vec<String>> {
        let mut sql = "SELECT doc FROM device_keys WHERE tenant = $1".to_owned();
        let mut params = params![tenant];
        for (column, value) in [("user_id", user_id), ("client_id", client_id)] {
            if let Some(value) = value {
                params.push(storable(value).into());
                sql.push_str(&format!(" AND {column} = ${}", params.len()));
            }
        }
        sql.push_str(" ORDER BY id LIMIT 1000");
        let rows: Vec<(String,)> = self.db.query(sql, params).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// Whose key that is, if there is one.
    ///
    /// # Errors
    /// As [`Store::authentication_methods`].
    pub async fn device_key_owner(&self, tenant: &str, id: &str) -> Result<Option<String>> {
        let sql = "SELECT user_id FROM device_keys WHERE tenant = $1 AND id = $2";
        let row: Option<(String,)> = self.db.query_one(sql, params![tenant, storable(id)]).await?;
        Ok(row.map(|row| row.0))
    }

    /// Removes the key of a device.
    pub fn delete_device_key(&self, tenant: &str, id: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM device_keys WHERE tenant = $1 AND id = $2", params![tenant, storable(id)])
    }

    /// Removes the keys that devices have for an application.
    pub fn delete_device_keys_of_client(&self, tenant: &str, client_id: &str) -> Batch {
        Batch::default().run(
            "DELETE FROM device_keys WHERE tenant = $1 AND client_id = $2",
            params![tenant, storable(client_id)],
        )
    }
}

/// Seconds in which a write of another node may not be seen yet.
const JUST_NOW: i64 = 10;

/// What finds the key of a device.
#[derive(Clone, Copy, Debug)]
pub struct DeviceKey<'a> {
    /// `dcr_` and 16 characters.
    pub id: &'a str,
    /// Whose device it is; empty for machines.
    pub user_id: &'a str,
    /// The application on it.
    pub client_id: &'a str,
    /// As the device calls itself.
    pub device_id: &'a str,
}
