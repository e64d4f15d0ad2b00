//! Device codes (RFC 8628): found by the device with its secret, and by its user with the code that they type. What the user
//! allows becomes a code of the same id, so that revocation reaches it and it is spent once, as any other.

use chancery_core::ids::Handle;
use chancery_core::oauth::{DeviceState, POLL_INTERVAL, typed_code};
use chancery_core::records::{CodeRecord, DeviceRecord};
use chancery_db::{Batch, params};

use crate::{
    Result, Store,
    error::{parse, print, write},
    pings::answered,
    rows::same,
};

/// Seconds that a device code is kept after its end, so that its device is told of the end.
const KEPT_AFTER_END: i64 = 600;

/// A device code as its device finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDeviceCode {
    /// What the device asked for.
    pub record: DeviceRecord,
    /// Where it stands.
    pub state: DeviceState,
    /// Why it was denied.
    pub reason: String,
    /// When the device came last, milliseconds; 0 is never.
    pub polled_ms: i64,
    /// Seconds that the device has to wait between two polls.
    pub wait: i64,
}

impl Store {
    /// Remembers a device.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where another device has the user code: draw another one.
    pub async fn insert_device_code(
        &self,
        tenant: &str,
        handle: &Handle,
        record: &DeviceRecord,
    ) -> Result<()> {
        self.commit(device_code(tenant, handle, record)?).await
    }

    /// The same of an application that asks for a user who is elsewhere, with what it will be told.
    ///
    /// # Errors
    /// As [`Store::insert_device_code`].
    pub async fn insert_backchannel_request(
        &self,
        tenant: &str,
        handle: &Handle,
        record: &DeviceRecord,
        ping: Option<Batch>,
    ) -> Result<()> {
        self.commit(ping.into_iter().fold(device_code(tenant, handle, record)?, Batch::and)).await
    }

    /// The device code with this secret, wherever it stands.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn device_code(&self, tenant: &str, handle: &Handle) -> Result<Option<StoredDeviceCode>> {
        let row: Option<(Vec<u8>, String, String, i64, i64, String)> = self
            .db
            .query_one(
                "SELECT digest, state, reason, polled_ms, wait, doc FROM device_codes WHERE tenant = $1 AND id = $2",
                params![tenant, handle.id.as_str()],
            )
            .await?;
        match row {
            Some((digest, state, reason, polled_ms, wait, doc)) if same(&digest, &handle.digest()) => {
                let (record, state) = (parse("device code", &doc)?, DeviceState::parse(&state));
                Ok(Some(StoredDeviceCode { record, state, reason, polled_ms, wait }))
            }
            _ => Ok(None),
        }
    }

    /// The device that waits with this user code, with the id of its device code. `now` is in seconds.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn waiting_device(
        &self,
        tenant: &str,
        typed: &str,
        now: i64,
    ) -> Result<Option<(String, DeviceRecord)>> {
        let row: Option<(String, String)> = self
            .db
            .query_one(
                "SELECT id, doc FROM device_codes WHERE tenant = $1 AND user_code = $2 AND state = $3 \
                 AND expires_at > $4",
                params![tenant, user_code_digest(typed), DeviceState::Pending.as_str(), now],
            )
            .await?;
        row.map(|(id, doc)| Ok((id, parse("device code", &doc)?))).transpose()
    }

    /// The device came, and nobody has answered yet: when, and what it has to wait from now on.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn note_poll(&self, tenant: &str, id: &str, now_ms: i64, wait: i64) -> Result<()> {
        self.commit(Batch::default().run(
            "UPDATE device_codes SET polled_ms = $1, wait = $2 WHERE tenant = $3 AND id = $4 AND polled_ms <= $1",
            params![now_ms, wait, tenant, id],
        ))
        .await
    }

    /// The user said yes: `record` is what the device may redeem. To be committed with the end of the login; fails with
    /// [`Error::Guard`](crate::Error::Guard) where the device was answered before or waits no more at `now` (seconds).
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the record has no JSON form.
    pub fn allow_device(&self, tenant: &str, id: &str, record: &CodeRecord, now: i64) -> Result<Batch> {
        let authorization = &record.authorization;
        let (pending, allowed) = (DeviceState::Pending.as_str(), DeviceState::Allowed.as_str());
        let allow = Batch::default().guard(
            "UPDATE device_codes SET state = $1 WHERE tenant = $2 AND id = $3 AND state = $4 AND expires_at > $5",
            params![allowed, tenant, id, pending, now],
        );
        let allow = answered(allow, tenant, id);
        Ok(allow.run(
            "INSERT INTO codes (tenant, id, digest, authorization_id, user_id, client_id, audience, session_id, spent, \
             ends_at, doc) SELECT tenant, id, digest, $3, $4, $5, $6, $7, FALSE, ends_at, $8 \
             FROM device_codes WHERE tenant = $1 AND id = $2",
            params![
                tenant,
                id,
                authorization.id.as_str(),
                authorization.user_id.as_str(),
                authorization.client_id.as_str(),
                authorization.audience.as_deref().unwrap_or(""),
                authorization.session_id.as_deref(),
                write("code", record)?
            ],
        ))
    }

    /// The user said no, or may not. A device that was answered before stays as it is.
    pub fn deny_device(&self, tenant: &str, id: &str, reason: &str) -> Batch {
        let denied = Batch::default().run(
            "UPDATE device_codes SET state = $1, reason = $2 WHERE tenant = $3 AND id = $4 AND state = $5",
            params![DeviceState::Denied.as_str(), reason, tenant, id, DeviceState::Pending.as_str()],
        );
        answered(denied, tenant, id)
    }

    /// The device is about to be told that its time is over: of many commits one succeeds, the others fail with
    /// [`Error::Guard`](crate::Error::Guard).
    pub fn end_device(&self, tenant: &str, id: &str) -> Batch {
        let ended = DeviceState::Ended.as_str();
        Batch::default().guard(
            "UPDATE device_codes SET state = $1 WHERE tenant = $2 AND id = $3 AND state <> $1",
            params![ended, tenant, id],
        )
    }
}

fn device_code(tenant: &str, handle: &Handle, record: &DeviceRecord) -> Result<Batch> {
    Ok(Batch::default().run(
        "INSERT INTO device_codes (tenant, id, digest, user_code, state, reason, polled_ms, wait, expires_at, \
         ends_at, doc) VALUES ($1, $2, $3, $4, $5, '', 0, $6, $7, $8, $9)",
        params![
            tenant,
            handle.id.as_str(),
            handle.digest(),
            user_code_digest(&record.user_code),
            DeviceState::Pending.as_str(),
            POLL_INTERVAL,
            record.expires_at,
            record.expires_at.saturating_add(KEPT_AFTER_END),
            print("device code", record)?
        ],
    ))
}

/// Of one length, whatever was typed.
fn user_code_digest(code: &str) -> Vec<u8> {
    chancery_jose::sha256(typed_code(code).unwrap_or_default().as_bytes()).to_vec()
}
