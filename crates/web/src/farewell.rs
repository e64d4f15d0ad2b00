//! Applications are told that a session ended (OpenID Connect Back-Channel Logout 1.0): what is committed with the end.

use chancery_core::logout::Initiator;
use chancery_db::Batch;
use chancery_store::{Ending, Error, Snapshot};

use crate::{App, Ctx};

/// Whether an application of the tenant wants to hear of such ends.
pub fn is_heard(tenant: &Snapshot, initiator: Initiator) -> bool {
    tenant.clients().any(|client| {
        client.oidc_logout.as_ref().is_some_and(|settings| settings.listens(initiator).is_some())
    })
}

impl Ctx {
    /// The end that this request is, where an application of the tenant wants to hear of such ends.
    pub fn ending(&self, initiator: Initiator) -> Option<Ending<'_>> {
        is_heard(&self.tenant, initiator).then_some(Ending {
            initiator,
            at: self.now(),
            trace: self.request_id.as_str(),
        })
    }

    /// Has the applications of a session told. Goes before the session's end, in the same commit; nothing where nobody hears of it.
    pub fn tell_session(&self, session_id: &str, initiator: Initiator) -> Batch {
        self.ending(initiator).map_or_else(Batch::default, |ending| {
            self.app.store.tell_session(&self.tenant.tenant, session_id, ending)
        })
    }

    /// The same for every session of a user.
    pub fn tell_sessions_of(&self, user_id: &str, initiator: Initiator) -> Batch {
        self.ending(initiator).map_or_else(Batch::default, |ending| {
            self.app.store.tell_sessions_of(&self.tenant.tenant, user_id, ending)
        })
    }

    /// A session takes the place of another of the same person: the applications of the first are told when the new one ends.
    pub fn pass_on_notices(&self, before: &str, after: &str) -> Batch {
        match Initiator::ALL.into_iter().any(|initiator| is_heard(&self.tenant, initiator)) {
            true => self.app.store.keep_notices_for(&self.tenant.tenant, before, after),
            false => Batch::default(),
        }
    }
}

impl App {
    /// Has applications told of sessions that ended by themselves; before the sweep at the same `now` (seconds).
    ///
    /// # Errors
    /// What the database says.
    pub async fn tell_expired(&self, now: i64) -> Result<(), Error> {
        for tenant in self.catalog.all_cached() {
            if is_heard(&tenant, Initiator::SessionExpired) {
                let ending = Ending { initiator: Initiator::SessionExpired, at: now, trace: "" };
                self.store.tell_expired(&tenant.tenant, ending).await?;
            }
        }
        Ok(())
    }
}
