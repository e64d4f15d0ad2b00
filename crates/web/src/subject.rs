//! Who a user is to an application: `sub` (OpenID Connect Core 8), and what their session is called there: `sid`.

use std::borrow::Cow;

use chancery_core::claims::{pairwise_message, pairwise_subject};
use chancery_core::model::Client;

use crate::{App, Ctx};

impl App {
    /// The user's id, or, where the application's subjects are pairwise, what stands for them in its sector: a keyed hash,
    /// so that two sectors cannot find out that they know the same user.
    pub fn subject_for<'a>(&self, tenant: &str, client: &Client, user_id: &'a str) -> Cow<'a, str> {
        self.in_sector(&format!("{tenant}/pairwise"), client, user_id)
    }

    /// The same of a session: its id would tell two sectors that the same browser is signed in to both.
    pub fn session_for<'a>(&self, tenant: &str, client: &Client, session_id: &'a str) -> Cow<'a, str> {
        self.in_sector(&format!("{tenant}/pairwise session"), client, session_id)
    }

    fn in_sector<'a>(&self, context: &str, client: &Client, id: &'a str) -> Cow<'a, str> {
        match client.pairwise_sector() {
            None => Cow::Borrowed(id),
            Some(sector) => {
                let tag = self.store.vault().tag(context, &pairwise_message(sector, id));
                Cow::Owned(pairwise_subject(&tag))
            }
        }
    }
}

impl Ctx {
    /// See [`App::subject_for`].
    pub fn subject_for<'a>(&self, client: &Client, user_id: &'a str) -> Cow<'a, str> {
        self.app.subject_for(&self.tenant.tenant, client, user_id)
    }

    /// See [`App::session_for`].
    pub fn session_for<'a>(&self, client: &Client, session_id: &'a str) -> Cow<'a, str> {
        self.app.session_for(&self.tenant.tenant, client, session_id)
    }
}
