//! What a user has to prove who they are by beside the password, and the proof itself: for the pages and for the API alike.

use chancery_core::attack::Bucket;
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::model::User;
use chancery_core::records::LogEvent;
use chancery_core::second_factor::{
    NewFactor, RECOVERY_CODE, SecondFactors, TOTP, matching_period, new_secret, otpauth_uri, recovery_code,
    recovery_digest, secret_bytes,
};
use chancery_core::webauthn::{PLATFORM, ROAMING};
use chancery_db::Batch;
use chancery_jose::{base64url, constant_time_eq};
use chancery_store::TryKey;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{Ctx, Failure, hosted};

/// The methods of a user that count as second factors.
pub struct SecondFactorsOf<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) user: &'a User,
    pub(crate) methods: Vec<Method>,
}

/// The page that asks for the code of an authenticator application.
pub const SHOW_OTP: &str = "/u/mfa-otp-challenge";
/// The page that asks for a security key or a passkey.
pub const SHOW_KEY: &str = "/u/mfa-webauthn-challenge";
/// The page that makes an authenticator application a factor.
pub const MAKE_OTP: &str = "/u/mfa-otp-enrollment-qr";
/// The page that makes a security key.
pub const MAKE_ROAMING: &str = "/u/mfa-webauthn-roaming-enrollment";
/// The page that makes what is built into the machine a factor.
pub const MAKE_PLATFORM: &str = "/u/mfa-webauthn-platform-enrollment";

/// The page that adds a passkey, from the user's own.
pub const MAKE_PASSKEY: &str = "/u/passkey-creation";

/// Where a factor is made.
pub const fn making_page(factor: NewFactor) -> &'static str {
    match factor {
        NewFactor::Otp => MAKE_OTP,
        NewFactor::WebauthnRoaming => MAKE_ROAMING,
        NewFactor::WebauthnPlatform => MAKE_PLATFORM,
        NewFactor::Passkey => MAKE_PASSKEY,
    }
}

/// What somebody is asked to make who has the choice.
pub const fn first_factor(there: SecondFactors) -> NewFactor {
    if there.otp {
        NewFactor::Otp
    } else if there.webauthn_roaming {
        NewFactor::WebauthnRoaming
    } else {
        NewFactor::WebauthnPlatform
    }
}

/// What came of a code.
#[derive(Debug)]
pub enum Proof {
    /// It is good: to be committed with what it allows. The write fails with [`Guard`](chancery_store::Error::Guard) where
    /// the code was used meanwhile.
    Good(Batch),
    /// It is not.
    Wrong,
    /// Tried too often.
    TooMany,
}

/// A method as stored, with the text it was read from.
pub(crate) struct Method {
    pub(crate) doc: String,
    pub(crate) value: Value,
}

/// Tries for a user, wherever they come from: 8 at once, one more every ten minutes; a good one fills it again. Whoever tries
/// has the password already, and so many tries a day find a code in one of two thousand days.
const TRIES: Bucket = Bucket { max_attempts: 8, rate: 600_000 };

impl<'a> SecondFactorsOf<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn load(ctx: &'a Ctx, user: &'a User) -> Result<Self, Failure> {
        let docs = ctx.app.store.authentication_methods(&ctx.tenant.tenant, &user.user_id).await?;
        let read = |doc: String| Ok(Method { value: serde_json::from_str(&doc)?, doc });
        let methods: serde_json::Result<Vec<Method>> = docs.into_iter().map(read).collect();
        Ok(Self { ctx, user, methods: methods.map_err(Failure::server)? })
    }

    /// Those of somebody whose account is only being made: none.
    pub const fn of_new(ctx: &'a Ctx, user: &'a User) -> Self {
        Self { ctx, user, methods: Vec::new() }
    }

    /// Whether there is one to be asked for.
    pub fn are_enrolled(&self) -> bool {
        self.have_otp() || self.have_keys()
    }

    /// The page on which the user shows one, or makes a first one.
    pub fn page(&self) -> &'static str {
        let there = self.ctx.tenant.second_factors;
        if self.have_keys() {
            SHOW_KEY
        } else if self.have_otp() {
            SHOW_OTP
        } else {
            making_page(first_factor(there))
        }
    }

    /// Whether there is one by time-based codes.
    pub fn have_otp(&self) -> bool {
        self.of(TOTP, true).next().is_some()
    }

    /// Whether the user may show a recovery code instead: beside another factor alone.
    pub fn have_recovery_code(&self) -> bool {
        self.ctx.tenant.second_factors.recovery_code
            && self.are_enrolled()
            && self.of(RECOVERY_CODE, true).next().is_some()
    }

    /// Those that are confirmed: id and type.
    pub fn confirmed(&self) -> impl Iterator<Item = (&str, &str)> {
        [TOTP, ROAMING, PLATFORM, RECOVERY_CODE]
            .into_iter()
            .flat_map(|kind| self.of(kind, true).map(move |method| (method.text("id"), kind)))
    }

    /// Authenticator applications that were begun, and have not shown a code yet.
    pub fn begun(&self) -> impl Iterator<Item = &str> {
        self.of(TOTP, false).map(|method| method.text("id"))
    }

    /// Tries a time-based code. `enrolling`: against methods that are not confirmed yet, which this confirms.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn try_otp(&self, typed: &str, enrolling: bool) -> Result<Proof, Failure> {
        if self.is_tried_too_often().await? {
            return Ok(Proof::TooMany);
        }
        for method in self.of(TOTP, !enrolling) {
            let secret = self.secret(method)?;
            let last = method.value.get(LAST_PERIOD).and_then(Value::as_i64).unwrap_or(i64::MIN);
            if let Some(period) = matching_period(&secret, typed, self.ctx.now(), last) {
                let used = self.note_use(method, period).and(self.forget_tries());
                return Ok(Proof::Good(if enrolling { self.confirmed_with(used) } else { used }));
            }
        }
        Ok(self.wrong("gd_auth_failed", "Invalid one-time code"))
    }

    /// Tries a recovery code, and gives the one that takes its place.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn try_recovery_code(&self, typed: &str) -> Result<(Proof, Option<String>), Failure> {
        if self.is_tried_too_often().await? {
            return Ok((Proof::TooMany, None));
        }
        let digest = base64url(&recovery_digest(typed));
        let fits = |method: &&Method| constant_time_eq(method.text("digest").as_bytes(), digest.as_bytes());
        Ok(match self.of(RECOVERY_CODE, true).find(fits).filter(|_| self.have_recovery_code()) {
            None => (self.wrong("gd_recovery_failed", "Invalid recovery code"), None),
            Some(method) => {
                let code = recovery_code(&*self.ctx.app.rng);
                let mut after = method.value.clone();
                after["digest"] = base64url(&recovery_digest(&code)).into();
                after["last_auth_at"] = format_ms(self.ctx.now_ms).into();
                (Proof::Good(self.rewrite(method, &after).and(self.forget_tries())), Some(code))
            }
        })
    }

    /// Adds a method by time-based codes whose first code is good, and gives the recovery code that goes with a first one, where the
    /// tenant has them. Whether the user may have another one is for the caller to look at. Whatever somebody began before, and codes of factors that are gone, go. `secret` is in base32.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn enrol(&self, secret: &str, typed: &str) -> Result<(Proof, Option<String>), Failure> {
        let bytes = Zeroizing::new(secret_bytes(secret).unwrap_or_default());
        let Some(period) = matching_period(&bytes, typed, self.ctx.now(), i64::MIN) else {
            return Ok((Proof::Wrong, None));
        };
        let mut method = self.new_totp(secret, true)?;
        method[LAST_PERIOD] = period.into();
        method["last_auth_at"] = format_ms(self.ctx.now_ms).into();
        if self.are_enrolled() {
            return Ok((Proof::Good(self.insert(&method)), None));
        }
        let (code, write) = self.new_recovery_code(true).unzip();
        let write = write.into_iter().fold(self.begin_anew().and(self.insert(&method)), Batch::and);
        Ok((Proof::Good(write), code))
    }

    /// Adds a method by time-based codes that its first code will confirm, and with it its recovery code: the secret in
    /// base32, the recovery code where the tenant has them, and the write.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn begin_enrolment(&self) -> Result<(String, Option<String>, Batch), Failure> {
        let secret = new_secret(&*self.ctx.app.rng);
        let method = self.new_totp(&secret, false)?;
        let (code, write) = self.new_recovery_code(false).unzip();
        let write = write.into_iter().fold(self.begin_anew().and(self.insert(&method)), Batch::and);
        Ok((secret, code, write))
    }

    /// The same beside factors that are there, for somebody who just showed one of them: the secret in base32, and the write. What
    /// was begun like this before goes.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn begin_another(&self) -> Result<(String, Batch), Failure> {
        let secret = new_secret(&*self.ctx.app.rng);
        let method = self.new_totp(&secret, false)?;
        let gone =
            self.of(TOTP, false).fold(Batch::default(), |batch, begun| batch.and(self.remove_as_seen(begun)));
        Ok((secret, gone.and(self.insert(&method))))
    }

    /// Takes away what [`confirmed`](Self::confirmed) or [`begun`](Self::begun) names; with the last factor its recovery code goes.
    pub fn without(&self, id: &str) -> Option<Batch> {
        let is_factor = self.confirmed().any(|(of, kind)| of == id && kind != RECOVERY_CODE);
        if is_factor {
            return self.without_key(id);
        }
        let mut others = self.of(RECOVERY_CODE, true).chain(self.of(TOTP, false));
        others.find(|method| method.text("id") == id).map(|method| self.remove_as_seen(method))
    }

    /// Whoever has no factor has no recovery code either, and nothing that was begun: somebody else may have begun it, in this very
    /// moment too, and their recovery code would count with the factor that is made now.
    pub(crate) fn begin_anew(&self) -> Batch {
        self.ctx.app.store.begin_unenrolled(&self.ctx.tenant.tenant, &self.user.user_id)
    }

    /// The first code of a first method confirms the recovery code that was made with it.
    fn confirmed_with(&self, used: Batch) -> Batch {
        if self.are_enrolled() {
            return used;
        }
        let (store, tenant) = (&self.ctx.app.store, &self.ctx.tenant.tenant);
        let unenrolled = store.require_unenrolled(tenant, &self.user.user_id);
        self.of(RECOVERY_CODE, false).fold(unenrolled.and(used), |batch, method| {
            let mut after = method.value.clone();
            after["confirmed"] = true.into();
            batch.and(self.rewrite(method, &after))
        })
    }

    /// `None` where the tenant has none.
    pub(crate) fn new_recovery_code(&self, confirmed: bool) -> Option<(String, Batch)> {
        if !self.ctx.tenant.second_factors.recovery_code {
            return None;
        }
        let code = recovery_code(&*self.ctx.app.rng);
        let id = format!("{RECOVERY_CODE}|{}", ids::prefixed(&*self.ctx.app.rng, "dev_"));
        let method = json!({
            "id": id,
            "type": RECOVERY_CODE,
            "confirmed": confirmed,
            "created_at": format_ms(self.ctx.now_ms),
            "digest": base64url(&recovery_digest(&code)),
        });
        Some((code, self.insert(&method)))
    }

    /// A new secret in base32, which is nobody's yet.
    pub fn new_secret(&self) -> String {
        new_secret(&*self.ctx.app.rng)
    }

    /// What an authenticator application reads.
    pub fn otpauth_uri(&self, secret: &str) -> String {
        let user = self.user;
        let account = user.email.as_deref().or(user.username.as_deref()).unwrap_or(&user.user_id);
        otpauth_uri(hosted::tenant_name(self.ctx), account, secret)
    }

    /// Says in the tenant's log what happened.
    pub fn log(&self, kind: &str, description: &str) {
        self.ctx.log(LogEvent {
            kind: kind.to_owned(),
            description: Some(description.to_owned()),
            user_id: Some(self.user.user_id.clone()),
            user_name: self.user.email.clone().or_else(|| self.user.username.clone()),
            ..LogEvent::default()
        });
    }

    pub(crate) fn of(&self, kind: &str, confirmed: bool) -> impl Iterator<Item = &Method> {
        // Methods without a secret, or without a key that can be read, prove nothing.
        self.methods.iter().filter(move |method| {
            let needed = match kind {
                TOTP => "sealed",
                RECOVERY_CODE => "digest",
                _ => SIGN_COUNT,
            };
            let is_usable = method.value.get(needed).is_some();
            let is_confirmed = method.value.get("confirmed").and_then(Value::as_bool).unwrap_or(false);
            method.text("type") == kind && is_usable && is_confirmed == confirmed
        })
    }

    fn secret(&self, method: &Method) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (store, tenant) = (&self.ctx.app.store, &self.ctx.tenant.tenant);
        let sealed = method.text("sealed");
        let opened = store.open_authentication_method(tenant, &self.user.user_id, sealed)?;
        let text = std::str::from_utf8(&opened).map_err(|_| Failure::server("a secret that is no text"))?;
        secret_bytes(text).map(Zeroizing::new).ok_or_else(|| Failure::server("a secret that is not base32"))
    }

    fn new_totp(&self, secret: &str, confirmed: bool) -> Result<Value, Failure> {
        let device = ids::prefixed(&*self.ctx.app.rng, "dev_");
        let (store, tenant) = (&self.ctx.app.store, &self.ctx.tenant.tenant);
        Ok(json!({
            "id": format!("{TOTP}|{device}"),
            "type": TOTP,
            "confirmed": confirmed,
            "created_at": format_ms(self.ctx.now_ms),
            "authentication_methods": [{"type": TOTP, "id": format!("{TOTP}|{device}")}],
            "sealed": store.seal_authentication_method(tenant, &self.user.user_id, secret)?,
        }))
    }

    fn note_use(&self, method: &Method, period: i64) -> Batch {
        let mut after = method.value.clone();
        after["confirmed"] = true.into();
        after[LAST_PERIOD] = period.into();
        after["last_auth_at"] = format_ms(self.ctx.now_ms).into();
        self.rewrite(method, &after)
    }

    pub(crate) fn rewrite(&self, method: &Method, after: &Value) -> Batch {
        let (store, tenant) = (&self.ctx.app.store, &self.ctx.tenant.tenant);
        let (user_id, id) = (&self.user.user_id, method.text("id"));
        store.update_authentication_method(tenant, user_id, id, &method.doc, &after.to_string())
    }

    pub(crate) fn insert(&self, method: &Value) -> Batch {
        let (store, tenant) = (&self.ctx.app.store, &self.ctx.tenant.tenant);
        let id = method.get("id").and_then(Value::as_str).unwrap_or_default();
        store.insert_authentication_method(tenant, &self.user.user_id, id, &method.to_string())
    }

    pub(crate) fn remove(&self, method: &Method) -> Batch {
        let (store, tenant) = (&self.ctx.app.store, &self.ctx.tenant.tenant);
        store.delete_authentication_methods(tenant, &self.user.user_id, Some(method.text("id")))
    }

    /// The same, while it is as it was read: what was begun may be a factor by now, and is guarded as one.
    fn remove_as_seen(&self, method: &Method) -> Batch {
        self.rewrite(method, &method.value).and(self.remove(method))
    }

    /// Counts the try before it is judged, for all nodes, so that many at once are no more than so many. Nobody's factor ends a
    /// sign-in that wrong passwords have locked since it began (security case 14).
    pub(crate) async fn is_tried_too_often(&self) -> Result<bool, Failure> {
        if self.ctx.is_locked(self.user).await? {
            return Ok(true);
        }
        Ok(self.ctx.take(&self.key(), TRIES).await?.is_err())
    }

    /// Goes with the write of a good one.
    pub(crate) fn forget_tries(&self) -> Batch {
        self.ctx.app.store.forget_try(&self.ctx.tenant.tenant, &self.key())
    }

    pub(crate) fn wrong(&self, kind: &str, description: &str) -> Proof {
        self.log(kind, description);
        Proof::Wrong
    }

    fn key(&self) -> TryKey {
        TryKey::new("second-factor", &self.user.user_id, String::new())
    }
}

impl Method {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.value.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Shows how many there are, and nothing of them.
impl std::fmt::Debug for SecondFactorsOf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactorsOf").field("methods", &self.methods.len()).finish_non_exhaustive()
    }
}

/// What keys have beside what is shown: where the counter stands.
pub(crate) const SIGN_COUNT: &str = "sign_count";
/// A passkey was made while nobody had proven the address of the account.
pub(crate) const UNPROVEN: &str = "made_before_proof";
/// The period whose code was used last; shown to nobody.
const LAST_PERIOD: &str = "last_period";

#[cfg(test)]
mod tests {
    use axum::extract::FromRequestParts;
    use chancery_core::model::Identity;
    use chancery_core::second_factor::PERIOD;
    use chancery_jose::hotp;
    use chancery_store::{Error, NewUser};

    use super::*;
    use crate::testing::{TestApp, app, get};

    /// Jane, who has no factor.
    async fn jane(test: &TestApp) -> (Ctx, User) {
        let (mut parts, _) = get("/", &[("host", "acme.example")]).into_parts();
        let ctx = Ctx::from_request_parts(&mut parts, &test.app).await.unwrap();
        let identity = Identity {
            connection: "people".to_owned(),
            user_id: "jane".to_owned(),
            provider: "auth0".to_owned(),
            is_social: false,
            profile_data: None,
        };
        let user = User {
            user_id: "auth0|jane".to_owned(),
            email: Some("jane@example.com".to_owned()),
            created_at: format_ms(ctx.now_ms),
            updated_at: format_ms(ctx.now_ms),
            identities: vec![identity],
            ..User::default()
        };
        let new = NewUser { user: user.clone(), connection: "people".to_owned(), password_hash: None };
        ctx.app.store.create_user("acme", &new).await.unwrap();
        (ctx, user)
    }

    fn code(ctx: &Ctx, secret: &str) -> String {
        let period = (ctx.now() / PERIOD).unsigned_abs();
        format!("{:06}", hotp(&secret_bytes(secret).unwrap(), period))
    }

    async fn confirm(ctx: &Ctx, factors: &SecondFactorsOf<'_>, secret: &str) {
        let proof = factors.try_otp(&code(ctx, secret), true).await.unwrap();
        let Proof::Good(write) = proof else { panic!("{proof:?}") };
        ctx.app.store.commit(write).await.unwrap();
    }

    /// The recovery code of what somebody else began in the same moment would count with the factor that is made.
    #[tokio::test]
    async fn of_two_who_begin_at_once_one_has_begun() {
        let test = app(crate::ServerConfig::default()).await;
        let (ctx, user) = jane(&test).await;
        let one = SecondFactorsOf::load(&ctx, &user).await.unwrap();
        let other = SecondFactorsOf::load(&ctx, &user).await.unwrap();
        for factors in [&one, &other] {
            ctx.app.store.commit(factors.begin_enrolment().unwrap().2).await.unwrap();
        }
        let now = SecondFactorsOf::load(&ctx, &user).await.unwrap();
        assert_eq!(now.begun().count(), 1);
    }

    #[tokio::test]
    async fn what_was_begun_is_not_taken_away_once_it_counts() {
        let test = app(crate::ServerConfig::default()).await;
        let (ctx, user) = jane(&test).await;
        let begin = SecondFactorsOf::load(&ctx, &user).await.unwrap();
        let (secret, _, write) = begin.begin_enrolment().unwrap();
        ctx.app.store.commit(write).await.unwrap();
        let seen = SecondFactorsOf::load(&ctx, &user).await.unwrap();
        let id = seen.begun().next().unwrap();
        let removal = seen.without(id).unwrap();
        let another = seen.begin_another().unwrap().1;
        confirm(&ctx, &seen, &secret).await;
        for write in [removal, another] {
            assert!(matches!(ctx.app.store.commit(write).await, Err(Error::Guard)));
        }
        let now = SecondFactorsOf::load(&ctx, &user).await.unwrap();
        assert_eq!(now.confirmed().map(|(id, _)| id).collect::<Vec<_>>(), [id]);
    }
}
