//! Tries that may become too many, counted in the database so that all nodes know: wrong passwords by name and by address,
//! sign-ups by address, second factors and mailed codes by user. What a count means is decided in `chancery_core::attack`.

use std::net::IpAddr;

use chancery_core::attack::{Bucket, CountMode, Counted, TooMany, Tried};
use chancery_core::ids::Handle;
use chancery_core::model::{Connection, User};
use chancery_core::network::subscriber;
use chancery_core::rate_limit::Limited;
use chancery_core::records::{LogEvent, Ticket};
use chancery_db::Batch;
use chancery_store::{Error, TryKey};
use serde_json::json;

use crate::{Ctx, Failure, TooManyRequests};

/// `Ticket::purpose` of links that lift a block.
pub const UNBLOCK: &str = "unblock";
/// Seconds such a link is good for.
const UNBLOCK_LIFETIME: i64 = 5 * 86_400;
/// Kinds of counts.
const BY_NAME: &str = "sign-in";
const BY_ADDRESS: &str = "address";
const SIGN_UPS: &str = "sign-up";
/// Others count at the same moment; each of them gets somewhere, so nobody has to begin anew more often than this.
const MOST_RACES: usize = 200;

/// Where a wrong password is counted; what is switched off or comes from an address that is let through is not.
#[derive(Debug)]
pub(crate) struct Guess {
    by_name: Option<TryKey>,
    by_address: Option<TryKey>,
    name: String,
}

/// What a wrong password came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Blocks {
    /// The name is blocked from now on.
    pub(crate) name: bool,
    /// The address is.
    pub(crate) address: bool,
}

impl Guess {
    /// Somebody tries a password, or a code in its place. A connection may do without counting names.
    pub(crate) fn of(ctx: &Ctx, connection: &Connection, identifier: &str) -> Self {
        let settings = &ctx.tenant.attack_protection;
        let counts_names = settings.brute_force.counts(ctx.ip)
            && connection.options.get("brute_force_protection").and_then(serde_json::Value::as_bool)
                != Some(false);
        Self {
            by_name: counts_names.then(|| ctx.name_key(identifier)),
            by_address: settings.throttling.counts(ctx.ip).then(|| address_key(BY_ADDRESS, ctx.ip)),
            name: folded(identifier),
        }
    }

    /// Whether it may be tried: to be asked before anything is looked up, for existing and unknown names alike.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn is_admitted(&self, ctx: &Ctx) -> Result<bool, Failure> {
        let left = ctx.take_overall(Limited::SignIn, (&self.name, subscriber(ctx.ip)));
        if left.is_some_and(|left| left.is_spent) {
            return Ok(false);
        }
        Ok(self.seen(ctx).await?.is_ok())
    }

    /// What was counted, unless it is too much.
    async fn seen(&self, ctx: &Ctx) -> Result<Result<[Option<Tried>; 2], TooMany>, Failure> {
        let tenant = &ctx.tenant.tenant;
        let seen = ctx.app.store.tried(tenant, [self.by_name.as_ref(), self.by_address.as_ref()]).await?;
        let settings = &ctx.tenant.attack_protection;
        let by_name = settings.brute_force.admits(seen[0], ctx.now());
        let by_address = match settings.throttling.blocks() {
            true => settings.throttling.stage.login.admits(seen[1], ctx.now_ms),
            false => Ok(()),
        };
        Ok(by_name.and(by_address).map(|()| seen))
    }

    /// Counts a wrong one. Whoever comes after the last that is allowed learns nothing: many at once are no more tries than one
    /// after another, on all nodes together.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn failed(&self, ctx: &Ctx) -> Result<Result<Blocks, TooMany>, Failure> {
        let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
        let settings = &ctx.tenant.attack_protection;
        for _ in 0..MOST_RACES {
            let seen = match self.seen(ctx).await? {
                Ok(seen) => seen,
                Err(too_many) => return Ok(Err(too_many)),
            };
            let (mut write, mut blocks) = (Batch::default(), Blocks::default());
            if let Some(key) = &self.by_name
                && let Ok(counted) = settings.brute_force.after_failure(seen[0], ctx.now())
            {
                blocks.name = counted.is_last;
                write = write.and(store.count_try(tenant, key, seen[0], counted.next));
            }
            // Where addresses are not blocked, a bucket that is empty stays as it is.
            if let Some(key) = &self.by_address
                && let Ok(counted) = settings.throttling.stage.login.take(seen[1], ctx.now_ms)
            {
                blocks.address = counted.is_last;
                write = write.and(store.count_try(tenant, key, seen[1], counted.next));
            }
            match store.commit(write).await {
                Ok(()) => return Ok(Ok(blocks)),
                Err(Error::Guard | Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(Err(TooMany { retry_after: 1 }))
    }

    /// A right one of `user`: what was counted of the name is forgotten, unless others used up the tries meanwhile, in which case
    /// this one came too late. Nothing is written where nothing was counted.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn succeeded(&self, ctx: &Ctx, user: Option<&User>) -> Result<bool, Failure> {
        let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
        match (self.seen(ctx).await?, &self.by_name) {
            (Err(_), _) => return Ok(false),
            (Ok([Some(_), _]), Some(key)) => {
                // Somebody may have made an account of another connection under the name whose password they guess at: signing in
                // to it must not give them their tries back.
                let user = user.map(|user| user.user_id.as_str()).unwrap_or_default();
                let others: Vec<&str> = ctx.tenant.connections().map(|known| known.name.as_str()).collect();
                if !store.is_name_of_others(tenant, &others, &self.name, user).await? {
                    store.commit(store.forget_try(tenant, key)).await?;
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

impl Ctx {
    fn name_key(&self, identifier: &str) -> TryKey {
        let origin = match self.tenant.attack_protection.brute_force.mode {
            CountMode::CountPerIdentifier => String::new(),
            CountMode::CountPerIdentifierAndIp => subscriber(self.ip).to_string(),
        };
        TryKey::new(BY_NAME, &folded(identifier), origin)
    }

    /// Whether this user may not sign in now because of wrong passwords, here or, where names are counted wherever they come
    /// from, anywhere: to be asked again when something is redeemed that began before (security case 14).
    ///
    /// # Errors
    /// When the database is away.
    pub async fn is_locked(&self, user: &User) -> Result<bool, Failure> {
        let settings = &self.tenant.attack_protection.brute_force;
        if !settings.counts(self.ip) || !settings.blocks() {
            return Ok(false);
        }
        let [email, username, phone] = [&user.email, &user.username, &user.phone_number];
        let keys = [email, username, phone].map(|name| name.as_deref().map(|name| self.name_key(name)));
        let keys = [keys[0].as_ref(), keys[1].as_ref(), keys[2].as_ref()];
        let seen = self.app.store.tried(&self.tenant.tenant, keys).await?;
        Ok(seen.into_iter().any(|tried| settings.admits(tried, self.now()).is_err()))
    }

    /// Where nobody may sign in from under this name, after too many wrong passwords: addresses (of IPv6 their networks), or
    /// `None` for anywhere.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn blocked_from(&self, identifier: &str) -> Result<Vec<Option<IpAddr>>, Failure> {
        let settings = &self.tenant.attack_protection.brute_force;
        let (tenant, now) = (&self.tenant.tenant, self.now());
        let all = self.app.store.tries_of(tenant, BY_NAME, &folded(identifier), now).await?;
        let anywhere = settings.mode == CountMode::CountPerIdentifier;
        let blocked = all
            .into_iter()
            .filter(|(origin, tried)| origin.is_empty() == anywhere && tried.amount >= settings.max_attempts);
        Ok(blocked.map(|(origin, _)| origin.parse().ok()).collect())
    }

    /// The write that forgets the wrong passwords tried under this name.
    pub fn unblock_batch(&self, identifier: &str) -> Batch {
        self.app.store.forget_tries(&self.tenant.tenant, BY_NAME, &folded(identifier))
    }

    /// The same for all that a user may sign in under.
    pub fn unblock_user_batch(&self, user: &User) -> Batch {
        let names = [&user.email, &user.username, &user.phone_number];
        names.into_iter().flatten().fold(Batch::default(), |batch, name| batch.and(self.unblock_batch(name)))
    }

    /// Whether nobody may sign in from an address for a while, under whatever name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn is_address_blocked(&self, ip: IpAddr) -> Result<bool, Failure> {
        let settings = &self.tenant.attack_protection.throttling;
        if !settings.blocks() {
            return Ok(false);
        }
        let keys = [BY_ADDRESS, SIGN_UPS].map(|kind| address_key(kind, ip));
        let seen = self.app.store.tried(&self.tenant.tenant, [Some(&keys[0]), Some(&keys[1])]).await?;
        let stage = &settings.stage;
        Ok(stage.login.admits(seen[0], self.now_ms).is_err()
            || stage.sign_up.admits(seen[1], self.now_ms).is_err())
    }

    /// Forgets what was counted of an address.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unblock_address(&self, ip: IpAddr) -> Result<(), Failure> {
        let (store, tenant) = (&self.app.store, &self.tenant.tenant);
        let keys = [BY_ADDRESS, SIGN_UPS].map(|kind| address_key(kind, ip));
        let write = keys.iter().fold(Batch::default(), |batch, key| batch.and(store.forget_try(tenant, key)));
        Ok(store.commit(write).await?)
    }

    /// Counts a sign-up from this address.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn count_sign_up(&self) -> Result<Result<(), TooManyRequests>, Failure> {
        let settings = &self.tenant.attack_protection.throttling;
        if !settings.counts(self.ip) {
            return Ok(Ok(()));
        }
        let bucket = settings.stage.sign_up;
        match self.take(&address_key(SIGN_UPS, self.ip), bucket).await? {
            Ok(counted) => {
                if counted.is_last {
                    self.log_address("signup");
                }
                Ok(Ok(()))
            }
            Err(_) if !settings.blocks() => Ok(Ok(())),
            Err(TooMany { retry_after }) => Ok(Err(TooManyRequests {
                limit: u32::try_from(bucket.max_attempts).unwrap_or(u32::MAX),
                retry_after: retry_after.unsigned_abs(),
                reset: self.now().saturating_add(retry_after),
            })),
        }
    }

    /// Takes one from a bucket that all nodes share, before what it guards is judged.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn take(
        &self,
        key: &TryKey,
        bucket: Bucket,
    ) -> Result<Result<Counted, TooMany>, Failure> {
        let (store, tenant) = (&self.app.store, &self.tenant.tenant);
        for _ in 0..MOST_RACES {
            let [seen] = store.tried(tenant, [Some(key)]).await?;
            let counted = match bucket.take(seen, self.now_ms) {
                Ok(counted) => counted,
                Err(too_many) => return Ok(Err(too_many)),
            };
            match store.commit(store.count_try(tenant, key, seen, counted.next)).await {
                Ok(()) => return Ok(Ok(counted)),
                Err(Error::Guard | Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(Err(TooMany { retry_after: 1 }))
    }

    /// Says that a name was blocked, and tells its user, if there is one, where the tenant wants that. For nobody a link is
    /// written too, already expired: the write is what takes time.
    pub(crate) async fn name_is_blocked(
        &self,
        connection: &Connection,
        identifier: &str,
        user: Option<&User>,
    ) -> Result<(), Failure> {
        self.log(LogEvent {
            kind: "limit_wc".to_owned(),
            description: Some(
                "The account is blocked for this address after too many wrong passwords.".to_owned(),
            ),
            connection: Some(connection.name.clone()),
            user_id: user.map(|user| user.user_id.clone()),
            user_name: Some(identifier.chars().take(100).collect()),
            ..LogEvent::default()
        });
        let settings = &self.tenant.attack_protection.brute_force;
        let notifies = settings.shields.contains(&chancery_core::attack::Shield::UserNotification);
        if !notifies || self.is_mail_off("blocked_account") {
            return Ok(());
        }
        let address = user.and_then(|user| user.email.clone()).filter(|email| self.may_mail(email));
        let handle = Handle::generate(&*self.app.rng, self.now_ms);
        let lifetime = self.link_lifetime("blocked_account", UNBLOCK_LIFETIME);
        let ticket = Ticket {
            purpose: UNBLOCK.to_owned(),
            user_id: user.map(|user| user.user_id.clone()).unwrap_or_default(),
            connection: connection.name.clone(),
            email: address.clone().unwrap_or_default(),
            expires_at: if address.is_some() { self.now() + lifetime } else { self.now() - 1 },
            ..Ticket::default()
        };
        self.app.store.insert_ticket(&self.tenant.tenant, &handle, &ticket).await?;
        if let (Some(user), Some(address)) = (user, address) {
            let link = format!("{}/u/unblock?ticket={}", self.origin.base, handle.expose());
            let given = self.spoken_of(user, None, &link);
            let ip = self.ip.to_string();
            self.post(self.message(address, "blocked", &link), move || {
                let mut given = given();
                if let Some(user) = given.get_mut("user") {
                    user["source_ip"] = ip.into();
                }
                given
            });
        }
        Ok(())
    }

    /// Says that an address was blocked: the event is how administrators are told.
    pub(crate) fn log_address(&self, flow: &str) {
        let mut event = LogEvent {
            kind: "limit_mu".to_owned(),
            description: Some("The address is blocked for a while after too many attempts.".to_owned()),
            ..LogEvent::default()
        };
        event.details.insert("flow".to_owned(), json!(flow));
        self.log(event);
    }

    /// Whose block a mailed link lifts, while the link is good.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unblock_ticket(&self, handle: &Handle) -> Result<Option<Ticket>, Failure> {
        let ticket = self.app.store.ticket(&self.tenant.tenant, handle, self.now()).await?;
        Ok(ticket.filter(|ticket| ticket.purpose == UNBLOCK))
    }

    /// Lifts a block by a mailed link, once. `false` where the link is not good.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unblock_by_link(&self, handle: &Handle) -> Result<bool, Failure> {
        let (store, tenant) = (&self.app.store, &self.tenant.tenant);
        let Some(ticket) = self.unblock_ticket(handle).await? else { return Ok(false) };
        let user = store.user(tenant, &ticket.user_id).await?;
        let Some(user) = user.filter(|user| user.email.as_deref() == Some(ticket.email.as_str())) else {
            return Ok(false);
        };
        match store.commit(store.spend_ticket(tenant, &handle.id).and(self.unblock_user_batch(&user))).await {
            Ok(()) => {
                self.log_unblocked(&user);
                Ok(true)
            }
            Err(Error::Guard) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Says that a block was lifted.
    pub fn log_unblocked(&self, user: &User) {
        self.log(LogEvent {
            kind: "ublkdu".to_owned(),
            description: Some("The block after wrong passwords was lifted.".to_owned()),
            connection: user.identities.first().map(|identity| identity.connection.clone()),
            user_id: Some(user.user_id.clone()),
            user_name: user.email.clone().or_else(|| user.username.clone()),
            ..LogEvent::default()
        });
    }
}

fn address_key(kind: &str, ip: IpAddr) -> TryKey {
    TryKey::new(kind, &subscriber(ip).to_string(), String::new())
}

/// As names are compared.
fn folded(identifier: &str) -> String {
    identifier.trim().to_lowercase()
}
