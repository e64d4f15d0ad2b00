//! Links with which a user makes a factor, at an administrator's word.

use chancery_core::ids::Handle;
use chancery_core::model::User;
use chancery_core::records::Ticket;
use chancery_core::second_factor::NewFactor;
use chancery_db::Batch;

use crate::{Ctx, Failure};

/// `Ticket::purpose` of links to make a factor.
const ENROL_FACTOR: &str = "enrol-factor";
/// Five days, in seconds.
const LIFETIME: i64 = 5 * 86_400;
/// Where the link leads.
pub const ENROLMENT: &str = "/mfa/enrollment";

impl Ctx {
    /// The ticket that lets a user make a factor: its secret, which is shown once, and its link.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn enrolment_link(
        &self,
        user: &User,
        factor: Option<NewFactor>,
        makes_another: bool,
    ) -> Result<(String, String), Failure> {
        let handle = Handle::generate(&*self.app.rng, self.now_ms);
        let ticket = Ticket {
            purpose: ENROL_FACTOR.to_owned(),
            user_id: user.user_id.clone(),
            factor,
            makes_another,
            expires_at: self.now() + self.link_lifetime(TEMPLATE, LIFETIME),
            ..Ticket::default()
        };
        self.app.store.insert_ticket(&self.tenant.tenant, &handle, &ticket).await?;
        let secret = handle.expose();
        let link = format!("{}{ENROLMENT}?ticket={secret}", self.origin.base);
        Ok((secret, link))
    }

    /// What such a link says, while it is good.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn enrolment_ticket(&self, handle: &Handle) -> Result<Option<Ticket>, Failure> {
        let ticket = self.app.store.ticket(&self.tenant.tenant, handle, self.now()).await?;
        Ok(ticket.filter(|ticket| ticket.purpose == ENROL_FACTOR))
    }

    /// Mails the link.
    pub fn mail_enrolment(&self, user: &User, to: String, link: &str) {
        if !self.is_mail_off(TEMPLATE) {
            self.post(self.message(to, "enrolment", link), self.spoken_of(user, None, link));
        }
    }

    /// A new secret for the browser, and the write that remembers it for a user. Others whom it remembered by the secret that it
    /// `held` come along: who knew that one, or planted it, knows nothing of the new one (security case 12).
    pub fn remember_browser(&self, held: Option<&Handle>, user_id: &str, ends_at: i64) -> (Handle, Batch) {
        let (store, tenant) = (&self.app.store, &self.tenant.tenant);
        let handle = Handle::generate(&*self.app.rng, self.now_ms);
        let moved = held.map(|held| store.move_remembered(tenant, held, &handle)).unwrap_or_default();
        let write = moved.and(store.remember_browser(tenant, &handle, user_id, ends_at));
        (handle, write)
    }
}

const TEMPLATE: &str = "enrollment_email";
