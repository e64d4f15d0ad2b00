//! Who a user is to an application: `sub` (OpenID Connect Core 8).

use std::borrow::Cow;

use chancery_core::claims::{pairwise_message, pairwise_subject};
use chancery_core::model::Client;

use crate::Ctx;

impl Ctx {
    /// The user's id, or, where the application's subjects are pairwise, what stands for them in its sector: a keyed hash,
    /// so that two sectors cannot find out that they know the same user.
    pub fn subject_for<'a>(&self, client: &Client, user_id: &'a str) -> Cow<'a, str> {
        match client.pairwise_sector() {
            None => Cow::Borrowed(user_id),
            Some(sector) => {
                let context = format!("{}/pairwise", self.tenant.tenant);
                let tag = self.app.store.vault().tag(&context, &pairwise_message(sector, user_id));
                Cow::Owned(pairwise_subject(&tag))
            }
        }
    }
}
