//! Accounts of a connection that a company's directory keeps, whichever way it is read. One that is linked to another account
//! has its profile beside that one's, and is written there: a directory neither reads nor blocks who somebody else is.

use chancery_core::iso::format_ms;
use chancery_core::logout::Initiator;
use chancery_core::model::{Identity, User};
use chancery_store::{AccountName, Batch, Ending, Error, SeenUser, Store};
use serde_json::{Map, Value};

/// The accounts of one connection.
pub(crate) struct Accounts<'a> {
    pub(crate) store: &'a Store,
    pub(crate) tenant: &'a str,
    /// The name of the connection.
    pub(crate) connection: &'a str,
    pub(crate) now_ms: i64,
    /// Whether an application hears of users who are shut out.
    pub(crate) is_heard: bool,
}

/// An account and the user that it belongs to.
pub(crate) struct Found {
    pub(crate) account: String,
    pub(crate) owner: SeenUser,
}

/// Why an account is not written.
pub(crate) enum Unwritten {
    /// The document is not that of a user.
    Document,
    /// It is no longer that user's.
    Gone,
    Store(Error),
}

impl From<Error> for Unwritten {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Found {
    pub(crate) fn is_linked(&self) -> bool {
        self.owner.user.user_id != self.account
    }

    fn identity(&self) -> Option<&Identity> {
        self.owner.user.identities.iter().find(|identity| identity.account() == self.account)
    }

    /// What is kept of the account itself.
    pub(crate) fn document(&self) -> Map<String, Value> {
        if self.is_linked() {
            return self.identity().and_then(|identity| identity.profile_data.clone()).unwrap_or_default();
        }
        let value = serde_json::to_value(&self.owner.user).unwrap_or_default();
        value.as_object().cloned().unwrap_or_default()
    }
}

impl Accounts<'_> {
    pub(crate) async fn find(&self, account: &str) -> Result<Option<Found>, Error> {
        let name = AccountName::Account(account);
        let Some((account, owner)) = self.store.account(self.tenant, self.connection, name).await? else {
            return Ok(None);
        };
        let owner = self.store.user_to_edit(self.tenant, &owner).await?;
        Ok(owner.map(|owner| Found { account, owner }))
    }

    /// Writes what is kept of the account. Whoever is shut out loses what they have.
    pub(crate) fn write(&self, found: &Found, document: Map<String, Value>) -> Result<Batch, Unwritten> {
        match found.is_linked() {
            true => self.linked(found, document),
            false => self.alone(found, document),
        }
    }

    /// A user whose only account it is, or whose first.
    fn alone(&self, found: &Found, document: Map<String, Value>) -> Result<Batch, Unwritten> {
        let (tenant, store, before) = (self.tenant, self.store, &found.owner.user);
        let mut after: User =
            serde_json::from_value(Value::Object(document)).map_err(|_| Unwritten::Document)?;
        after.updated_at = format_ms(self.now_ms);
        let mut batch = store.edit_user_batch(tenant, &found.owner, &after)?;
        let is_shut = after.is_blocked() && !before.is_blocked();
        if is_shut {
            if self.is_heard {
                let at = self.now_ms.div_euclid(1000);
                let ending = Ending { initiator: Initiator::AccountDeactivated, at, trace: "" };
                batch = batch.and(store.tell_sessions_of(tenant, &after.user_id, ending));
            }
            batch = batch
                .and(store.delete_sessions_of_batch(tenant, &after.user_id))
                .and(store.revoke_by_user(tenant, &after.user_id));
        }
        if is_shut || after.email != before.email {
            batch = batch.and(store.delete_tickets_of(tenant, &after.user_id));
        }
        Ok(batch)
    }

    /// An account of another user. Whoever is shut out by the directory is in none of its groups any more; signing in with
    /// other accounts is not the directory's to forbid.
    fn linked(&self, found: &Found, document: Map<String, Value>) -> Result<Batch, Unwritten> {
        let (tenant, store) = (self.tenant, self.store);
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let (email, username) = (text("email"), text("username"));
        let is_shut = document.get("blocked") == Some(&Value::Bool(true));
        let mut after = found.owner.user.clone();
        let own = after.identities.iter_mut().find(|identity| identity.account() == found.account);
        own.ok_or(Unwritten::Gone)?.profile_data = Some(document);
        after.updated_at = format_ms(self.now_ms);
        let names = (email.as_deref(), username.as_deref());
        let renamed = store.rename_account(tenant, self.connection, &found.account, names);
        let mut batch = store.edit_user_batch(tenant, &found.owner, &after)?.and(renamed);
        if is_shut {
            batch = batch.and(store.leave_groups(tenant, &found.account));
        }
        Ok(batch)
    }
}

/// Takes the proof of an address away with the address: a new one is not proven by it, and a directory's word is no proof.
pub(crate) fn unprove(document: &mut Map<String, Value>, before: Option<&Value>) {
    if document.get("email") == before {
        return;
    }
    document.shift_remove("email_verified");
    if document.contains_key("email") {
        document.insert("email_verified".to_owned(), false.into());
    }
}
