//! Links in mails that go with an account: to choose a new password, and to prove an address. Unknown and existing accounts look
//! alike, in answer and in time (security case 14).

use std::net::{IpAddr, Ipv4Addr};

use chancery_core::ids::Handle;
use chancery_core::iso;
use chancery_core::logout::Initiator;
use chancery_core::model::{Connection, User};
use chancery_core::records::Ticket;
use chancery_db::Batch;
use secrecy::SecretString;
use tokio::time::Instant;

use crate::accounts::{LONGEST_IDENTIFIER, next_beat};
use crate::{Attempt, Ctx, Failure, Rate, SecondFactorsOf, Stage, TooManyRequests, Unfit, Whose};

/// What came of asking for a link to choose a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetLink {
    /// It is on its way, if there is such an account.
    Taken,
    /// Asked for too often from one address.
    TooMany(TooManyRequests),
}

/// What came of choosing a new password.
#[derive(Debug)]
pub enum Reset {
    /// It counts from now on; sessions and tokens of the user are gone.
    Done(Box<User>),
    /// It cannot be used.
    Unfit(Unfit),
    /// Tried too often from one address.
    TooMany(TooManyRequests),
    /// The link was used, has expired or was never good.
    BadLink,
}

/// `Ticket::purpose` of links to choose a new password.
pub const RESET_PASSWORD: &str = "reset-password";
/// `Ticket::purpose` of links that prove an address.
pub const VERIFY_EMAIL: &str = "verify-email";
/// Seconds a mailed link is good for.
const LINK_LIFETIME: i64 = 3600;
const VERIFY_LIFETIME: i64 = 5 * 24 * 3600;
/// Per address: 20 at once, 60 an hour. Each may be compared with two dozen earlier ones.
const NEW_PASSWORDS: Rate = Rate { name: "new password", burst: 20, every: 60 };
/// Per address, whatever the names: 50 at once, 50 an hour.
const RESET_LINKS_FROM: Rate = Rate { name: "reset links", burst: 50, every: 72 };
/// Per address and name: 10 at once, 1 a minute (fact sheet 13.2).
const RESET_LINKS: Rate = Rate { name: "reset link", burst: 10, every: 60 };

impl Ctx {
    /// Mails the link that proves the address of a new account, unless the tenant has that mail off.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn mail_first_verification(&self, user: &User, connection: &Connection) -> Result<(), Failure> {
        match self.is_mail_off("verify_email") {
            true => Ok(()),
            false => self.mail_verification(user, connection).await,
        }
    }

    /// Mails a link to choose a new password, if there is such an account. Unknown ones take the same time.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn mail_reset_link(
        &self,
        connection: &Connection,
        email: &str,
        client_id: Option<&str>,
    ) -> Result<ResetLink, Failure> {
        let begun = Instant::now();
        let outcome = self.mail_reset_link_if_known(connection, email, client_id).await;
        next_beat(begun).await;
        outcome
    }

    async fn mail_reset_link_if_known(
        &self,
        connection: &Connection,
        email: &str,
        client_id: Option<&str>,
    ) -> Result<ResetLink, Failure> {
        let tenant = &self.tenant.tenant;
        let email = email.trim();
        // By what was typed, whether or not there is such an account.
        let whom = (tenant, email.to_lowercase());
        let from = self.app.rates.take(RESET_LINKS_FROM, self.ip, tenant, self.now());
        if let Err(wait) = from.and_then(|_| self.app.rates.take(RESET_LINKS, self.ip, whom, self.now())) {
            return Ok(ResetLink::TooMany(wait));
        }
        let credential = match email.len() <= LONGEST_IDENTIFIER {
            true => self.app.store.credential(tenant, &connection.name, email).await?,
            false => None,
        };
        let user = credential.map(|c| c.user);
        let bearable = self.may_mail(email);
        let address = user.as_ref().and_then(|u| u.email.clone()).filter(|_| bearable);
        let handle = Handle::generate(&*self.app.rng, self.now_ms);
        // For nobody it is written too, already expired: the write is what takes time.
        let lifetime = self.link_lifetime("reset_email", LINK_LIFETIME);
        let expires_at = if address.is_some() { self.now() + lifetime } else { self.now() - 1 };
        let ticket = Ticket {
            purpose: RESET_PASSWORD.to_owned(),
            user_id: user.as_ref().map(|u| u.user_id.clone()).unwrap_or_default(),
            connection: connection.name.clone(),
            email: address.clone().unwrap_or_default(),
            client_id: client_id.map(str::to_owned),
            expires_at,
            ..Ticket::default()
        };
        self.app.store.insert_ticket(tenant, &handle, &ticket).await?;
        if let (Some(user), Some(address)) = (user, address) {
            let link = format!("{}/u/reset-verify?ticket={}", self.origin.base, handle.expose());
            let given = self.spoken_of(&user, client_id, &link);
            self.post(self.message(address, "reset", &link), given);
            self.note("scpr", &user, connection);
        }
        Ok(ResetLink::Taken)
    }

    /// Whether one more mail is bearable: ten for one address, wherever from, then a quarter of an hour's rest. Whoever
    /// asked gets the usual answer, unless they are an administrator.
    pub fn may_mail(&self, email: &str) -> bool {
        let anywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let attempt = Attempt { tenant: &self.tenant.tenant, ip: anywhere, identifier: email };
        let bearable = self.app.mails.check(attempt, self.now()).is_ok();
        if bearable {
            self.app.mails.fail(attempt, self.now());
        }
        bearable
    }

    /// The user a link to choose a new password was mailed to, while it is good. Using it is [`Ctx::reset_password`].
    ///
    /// # Errors
    /// When the database is away.
    pub async fn reset_ticket(&self, handle: &Handle) -> Result<Option<Ticket>, Failure> {
        let ticket = self.app.store.ticket(&self.tenant.tenant, handle, self.now()).await?;
        Ok(ticket.filter(|t| t.purpose == RESET_PASSWORD))
    }

    /// Sets a new password by a mailed link, once, and ends every session and token of the user (security case 19).
    ///
    /// # Errors
    /// When the database is away or too many passwords wait.
    pub async fn reset_password(&self, handle: &Handle, password: SecretString) -> Result<Reset, Failure> {
        let tenant = &self.tenant.tenant;
        let store = &self.app.store;
        let Some(ticket) = self.reset_ticket(handle).await? else { return Ok(Reset::BadLink) };
        if let Err(wait) = self.app.rates.take(NEW_PASSWORDS, self.ip, tenant, self.now()) {
            return Ok(Reset::TooMany(wait));
        }
        let user = store.user(tenant, &ticket.user_id).await?;
        let connection = self.tenant.connection_by_name(&ticket.connection);
        let (Some(user), Some(connection)) = (user, connection) else { return Ok(Reset::BadLink) };
        let options = connection.settings();
        let names = [user.email.as_deref(), user.username.as_deref(), user.nickname.as_deref()];
        let names = names.into_iter().flatten().filter(|_| options.refuses_personal_data() != Some(false));
        let whose = Whose { user_id: Some(&user.user_id), stage: Some(Stage::Reset), names: names.collect() };
        let hash = match self.new_password(connection, password, &whose).await? {
            Ok(hash) => hash,
            Err(unfit) => return Ok(Reset::Unfit(unfit)),
        };
        let hash = (hash.as_str(), options.remembered_passwords());
        // Read again after the slow part: an edit in between, such as a block, must not be undone.
        let seen = store.user_to_edit(tenant, &ticket.user_id).await?;
        let seen = seen.filter(|s| s.user.email.as_deref().unwrap_or_default() == ticket.email);
        let Some(seen) = seen else { return Ok(Reset::BadLink) };
        let mut user = seen.user.clone();
        // Whoever reads the mail owns the address.
        if !ticket.proves_nothing {
            user.email_verified = Some(true);
        }
        user.last_password_reset = Some(iso::format_ms(self.now_ms));
        user.updated_at = iso::format_ms(self.now_ms);
        // Whoever made the account with somebody else's address keeps no way into it (account pre-hijacking).
        // A link of a mail that somebody else opened proves nothing of what was made before.
        let is_first_proof = user.email_verified == Some(true) && seen.user.email_verified != Some(true);
        let planted = match ticket.proves_nothing {
            false => SecondFactorsOf::load(self, &user).await?.without_planted_passkeys(is_first_proof),
            true => Batch::default(),
        };
        let write = store
            .spend_ticket(tenant, &handle.id)
            .and(planted)
            .and(store.edit_user_batch(tenant, &seen, &user)?)
            .and(store.set_password_batch(tenant, &user.user_id, &connection.name, hash, self.now()))
            .and(self.tell_sessions_of(&user.user_id, Initiator::PasswordChanged))
            .and(store.delete_sessions_of_batch(tenant, &user.user_id))
            .and(store.revoke_by_user(tenant, &user.user_id))
            .and(store.delete_tickets_of(tenant, &user.user_id))
            .and(store.forget_browsers(tenant, &user.user_id))
            .and(self.unblock_user_batch(&user));
        match store.commit(write).await {
            Ok(()) => {
                self.note("scp", &user, connection);
                Ok(Reset::Done(Box::new(user)))
            }
            Err(chancery_store::Error::Guard) => Ok(Reset::BadLink),
            Err(other) => Err(other.into()),
        }
    }

    /// Marks an address as proven by a mailed link. `None` when the link is not good.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn verify_email(&self, handle: &Handle) -> Result<Option<Ticket>, Failure> {
        let tenant = &self.tenant.tenant;
        let store = &self.app.store;
        let ticket = store.ticket(tenant, handle, self.now()).await?.filter(|t| t.purpose == VERIFY_EMAIL);
        let Some(ticket) = ticket else { return Ok(None) };
        let seen = store.user_to_edit(tenant, &ticket.user_id).await?;
        let Some(seen) = seen.filter(|s| s.user.email.as_deref() == Some(ticket.email.as_str())) else {
            return Ok(None);
        };
        let mut user = seen.user.clone();
        user.email_verified = Some(true);
        user.updated_at = iso::format_ms(self.now_ms);
        let write = store.spend_ticket(tenant, &handle.id).and(store.edit_user_batch(tenant, &seen, &user)?);
        match store.commit(write).await {
            Ok(()) => {
                if seen.user.email_verified != Some(true) {
                    self.mail_welcome(&user, ticket.email.clone());
                }
                Ok(Some(ticket))
            }
            Err(chancery_store::Error::Guard) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// Mails the link that proves the user's address once more, at an administrator's word. Ask [`Ctx::may_mail`] before.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn mail_verification_again(&self, user: &User) -> Result<(), Failure> {
        let name = user.identities.first().map(|identity| identity.connection.as_str()).unwrap_or_default();
        match self.tenant.connection_by_name(name) {
            Some(connection) => self.mail_verification(user, connection).await,
            None => Err(Failure::server("the user's connection is gone")),
        }
    }

    async fn mail_verification(&self, user: &User, connection: &Connection) -> Result<(), Failure> {
        let Some(address) = user.email.clone() else { return Ok(()) };
        let ticket = Ticket {
            purpose: VERIFY_EMAIL.to_owned(),
            user_id: user.user_id.clone(),
            connection: connection.name.clone(),
            email: address,
            expires_at: self.now() + self.link_lifetime("verify_email", VERIFY_LIFETIME),
            ..Ticket::default()
        };
        self.mail_link(user, &ticket, "verify", "email-verification").await
    }

    /// Keeps a ticket and mails a link with it, to that page under `/u/`, in the words for `kind` ([`Ctx::message`]).
    pub(crate) async fn mail_link(
        &self,
        user: &User,
        ticket: &Ticket,
        kind: &str,
        page: &str,
    ) -> Result<(), Failure> {
        let handle = Handle::generate(&*self.app.rng, self.now_ms);
        self.app.store.insert_ticket(&self.tenant.tenant, &handle, ticket).await?;
        let link = format!("{}/u/{page}?ticket={}", self.origin.base, handle.expose());
        self.post(self.message(ticket.email.clone(), kind, &link), self.spoken_of(user, None, &link));
        Ok(())
    }
}
