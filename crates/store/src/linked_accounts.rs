//! Several accounts of one user: the accounts of a user who is no more are those of another one.

use chancery_core::model::User;
use chancery_db::{Batch, params};

use crate::{Result, SeenUser, Store, users::account_moves_to};

impl Store {
    /// Makes the accounts of `other` those of `user`, who is written as `after`; `other` ends, with all that was theirs.
    /// Fails with [`Error::Guard`](crate::Error::Guard) where somebody edited one of the two since they were seen.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the user has no JSON form.
    pub fn link_batch(&self, tenant: &str, user: &SeenUser, after: &User, other: &SeenUser) -> Result<Batch> {
        let gone = other.user.user_id.as_str();
        // Still as it was seen: an account that was blocked meanwhile is not taken over.
        let unchanged = Batch::default().guard(
            "UPDATE users SET doc = doc WHERE tenant = $1 AND id = $2 AND doc = $3",
            params![tenant, gone, other.document()],
        );
        Ok(self
            .edit_user_batch(tenant, user, after)?
            .and(unchanged)
            .and(account_moves_to(tenant, None, gone, &user.user.user_id))
            .and(self.delete_user_batch(tenant, gone)))
    }

    /// The reverse for one account: it becomes `other`, a user of their own again, and `user` is written as `after`.
    /// Whoever signed in with it is signed out.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where a user has no JSON form.
    pub fn unlink_batch(
        &self,
        tenant: &str,
        user: &SeenUser,
        after: &User,
        other: &User,
        connection: &str,
    ) -> Result<Batch> {
        let (owner, account) = (user.user.user_id.as_str(), other.user_id.as_str());
        Ok(self
            .edit_user_batch(tenant, user, after)?
            .and(self.insert_user_batch(tenant, other, connection)?)
            .and(account_moves_to(tenant, Some(account), owner, account))
            .and(self.delete_sessions_of_batch(tenant, owner))
            .and(self.revoke_by_user(tenant, owner)))
    }
}
