//! Security keys and passkeys of a user: making one, and showing one beside the password.

use chancery_core::iso::format_ms;
use chancery_core::model::Client;
use chancery_core::second_factor::{NewFactor, RECOVERY_CODE, TOTP};
use chancery_core::webauthn::{
    Account, Assertion, Challenge, Creation, Expected, KINDS, KeyKind, KeySettings, Known, NewCredential,
    PASSKEY, PLATFORM, Refused, Registration, Request, Shown, Verification, method_id,
};
use chancery_db::Batch;
use chancery_jose::{base64, base64_decode, base64url, base64url_decode};
use chancery_store::Kind;
use serde_json::{Value, json};

use crate::second_factors::{Method, SIGN_COUNT, UNPROVEN};
use crate::{Ctx, Failure, Proof, SecondFactorsOf, hosted};

/// The most credentials of one kind.
const MOST: usize = 20;

impl SecondFactorsOf<'_> {
    /// Whether there is a key to be asked for: passkeys are good beside the password too.
    pub fn have_keys(&self) -> bool {
        self.keys().next().is_some()
    }

    /// Whether there is one of this kind.
    pub fn have(&self, kind: KeyKind) -> bool {
        self.of(kind.name(), true).next().is_some()
    }

    /// Whether there is room for one more of this kind.
    pub fn may_have_more(&self, factor: impl Into<NewFactor>) -> bool {
        let kind = factor.into().key().map_or(TOTP, KeyKind::name);
        self.of(kind, true).count() < MOST
    }

    /// What the browser is to ask an authenticator for; `None` where no key of the user's is for this host.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn key_request(&self, challenge: &Challenge) -> Result<Option<Value>, Failure> {
        let Some(relying_party) = self.relying_party() else { return Ok(None) };
        let keys: Vec<&Method> =
            self.keys().filter(|key| relying_party_of(self.ctx, key) == relying_party).collect();
        let allow: Vec<Value> = keys.iter().map(|key| descriptor(key)).collect();
        let only_built_in = keys.iter().all(|key| key.text("type") == PLATFORM);
        let verification = match only_built_in {
            true => Verification::Required,
            false => settings(self.ctx, KeyKind::Roaming).await?.user_verification,
        };
        let request = Request { challenge: &challenge.value, relying_party, allow: &allow, verification };
        Ok(Some(request.to_json()))
    }

    /// Tries what an authenticator signed, as the browser wrote it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn try_key(&self, typed: &str, challenge: &Challenge) -> Result<Proof, Failure> {
        if self.is_tried_too_often().await? {
            return Ok(Proof::TooMany);
        }
        match self.shown_key(typed, challenge).await? {
            Ok(proof) => Ok(Proof::Good(proof.and(self.forget_tries()))),
            Err(refused) => {
                Ok(self.wrong("gd_webauthn_challenge_failed", &format!("Security key refused: {refused}")))
            }
        }
    }

    async fn shown_key(&self, typed: &str, challenge: &Challenge) -> Result<Result<Batch, Refused>, Failure> {
        let roaming = settings(self.ctx, KeyKind::Roaming).await?.user_verification;
        Ok(Assertion::parse(typed).and_then(|assertion| {
            let id = base64url(&assertion.id);
            let key = self.keys().find(|key| key.text("key_id") == id).ok_or(Refused::Key)?;
            let verified = match key.text("type") {
                PASSKEY => false,
                PLATFORM => true,
                _ => roaming == Verification::Required,
            };
            let terms = Terms { challenge, verified, client: None };
            let shown = verify(self.ctx, key, &assertion, &terms)?;
            Ok(self.rewrite(key, &after(self.ctx, key, shown)))
        }))
    }

    /// What the browser is to ask an authenticator for, to make a credential.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn key_creation(
        &self,
        kind: KeyKind,
        challenge: &Challenge,
        attachment: Option<&str>,
    ) -> Result<Value, Failure> {
        let settings = settings(self.ctx, kind).await?;
        let user = self.user;
        let name = user.email.as_deref().or(user.username.as_deref()).unwrap_or(&user.user_id);
        // Of every kind: one authenticator is one factor.
        let exclude: Vec<Value> = self.keys().map(descriptor).collect();
        let creation = Creation {
            challenge: &challenge.value,
            relying_party: settings.relying_party(host(self.ctx)),
            relying_party_name: hosted::tenant_name(self.ctx),
            account: Account {
                handle: &self.handle(challenge),
                name,
                display_name: user.name.as_deref().unwrap_or(name),
            },
            exclude: &exclude,
            attachment: attachment.or(kind.attachment()),
            discoverable: kind == KeyKind::Passkey,
            verification: settings.user_verification,
        };
        Ok(creation.to_json())
    }

    /// Adds a credential, as the browser wrote it. A first factor brings its recovery code with it, where the tenant has them;
    /// it is for users without any. `client`: the application that asked the authenticator itself. The write fails with [`Guard`](chancery_store::Error::Guard) or
    /// [`Conflict`](chancery_store::Error::Conflict) where somebody has this credential already, or another factor was made
    /// meanwhile.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn enrol_key(
        &self,
        kind: KeyKind,
        typed: &str,
        challenge: &Challenge,
        client: Option<&Client>,
    ) -> Result<(Proof, Option<String>), Failure> {
        let settings = settings(self.ctx, kind).await?;
        let relying_party = settings.relying_party(host(self.ctx));
        let origins = origins(self.ctx, client);
        let expected = Expected {
            challenge: &challenge.value,
            origins: &origins.iter().map(String::as_str).collect::<Vec<_>>(),
            relying_party,
            verified: settings.user_verification == Verification::Required,
        };
        let credential = match Registration::parse(typed).and_then(|answer| answer.verify(&expected)) {
            Ok(credential) => credential,
            Err(refused) => {
                let said = format!("Credential refused: {refused}");
                return Ok((self.wrong("gd_webauthn_enrollment_failed", &said), None));
            }
        };
        let (store, tenant) = (&self.ctx.app.store, &self.ctx.tenant.tenant);
        let ids = KINDS.map(|kind| method_id(kind, &credential.id));
        let until = self.ctx.now() + KEPT_FOR;
        let fresh = store.require_new_credential(tenant, &self.user.user_id, &ids, until);
        let method = self.new_key(kind, &credential, (relying_party, challenge));
        if self.are_enrolled() {
            return Ok((Proof::Good(fresh.and(self.insert(&method))), None));
        }
        // A passkey takes the place of the password: whoever loses it has the password still.
        let with_code = kind != KeyKind::Passkey;
        let (code, write) = with_code.then(|| self.new_recovery_code(true)).flatten().unzip();
        let write = self.begin_anew().and(fresh).and(self.insert(&method)).and(write.unwrap_or_default());
        Ok((Proof::Good(write), code))
    }

    /// All keys and authenticator applications, in the order of their making.
    pub fn own_keys(&self) -> Vec<OwnKeyData> {
        let text = |key: &Method, name| key.text(name).to_owned();
        let mut all: Vec<OwnKeyData> = self
            .keys()
            .chain(self.of(TOTP, true))
            .map(|key| OwnKeyData {
                id: text(key, "id"),
                kind: text(key, "type"),
                name: text(key, "name"),
                created_at: text(key, "created_at"),
                last_used_at: Some(text(key, "last_auth_at")).filter(|at| !at.is_empty()),
            })
            .collect();
        all.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        all
    }

    /// Removes a key of the user's; with the last factor goes the recovery code. `None` where there is none of this id.
    pub fn without_key(&self, id: &str) -> Option<Batch> {
        let mut all = self.keys().chain(self.of(TOTP, true));
        let key = all.find(|key| key.text("id") == id)?;
        let is_last = self.keys().chain(self.of(TOTP, true)).count() == 1;
        let codes = self.of(RECOVERY_CODE, true).filter(|_| is_last);
        Some(codes.fold(self.remove(key), |batch, code| batch.and(self.remove(code))))
    }

    /// Removes what lets somebody in without a password who may never have had the address: passkeys that were made before it was
    /// proven; `all` of them where it is proven only now.
    pub(crate) fn without_planted_passkeys(&self, all: bool) -> Batch {
        let is_planted = |key: &&Method| all || key.value.get(UNPROVEN).is_some();
        self.of(PASSKEY, true)
            .filter(is_planted)
            .fold(Batch::default(), |batch, key| batch.and(self.remove(key)))
    }

    /// Gives a key of the user's another name; none where it is empty.
    pub fn renamed_key(&self, id: &str, name: &str) -> Option<Batch> {
        let key = self.keys().chain(self.of(TOTP, true)).find(|key| key.text("id") == id)?;
        let mut after = key.value.clone();
        match name {
            "" => after.as_object_mut()?.shift_remove("name"),
            name => after.as_object_mut()?.insert("name".to_owned(), name.into()),
        };
        Some(self.rewrite(key, &after))
    }

    fn new_key(
        &self,
        kind: KeyKind,
        credential: &NewCredential,
        (relying_party, challenge): (&str, &Challenge),
    ) -> Value {
        let now = format_ms(self.ctx.now_ms);
        let mut method = json!({
            "id": method_id(kind.name(), &credential.id),
            "type": kind.name(),
            "confirmed": true,
            "created_at": now,
            "key_id": base64url(&credential.id),
            "public_key": base64(&credential.public_key),
            "relying_party_identifier": relying_party,
            "credential_device_type": device_type(credential.backup_eligible),
            "credential_backed_up": credential.backed_up,
            "user_handle": self.handle(challenge),
            "transports": credential.transports,
            SIGN_COUNT: credential.sign_count,
        });
        if kind == KeyKind::Passkey {
            method["aaguid"] = uuid(credential.aaguid).into();
            method["user_agent"] = self.ctx.user_agent.clone().into();
            let identity = self.user.identities.first().map(|identity| identity.user_id.as_str());
            method["identity_user_id"] = identity.into();
            if self.user.email_verified != Some(true) {
                method[UNPROVEN] = true.into();
            }
        }
        method
    }

    /// What authenticators keep for the account: the same in all of them, so that a new credential takes the place of an old
    /// one. Drawn at random with the challenge of the first: it says nothing of the user.
    fn handle(&self, challenge: &Challenge) -> String {
        let held = self.keys().map(|key| key.text("user_handle")).find(|handle| !handle.is_empty());
        let digest = || chancery_jose::sha256(format!("user handle {}", challenge.value).as_bytes());
        held.map_or_else(|| base64url(&digest()), str::to_owned)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Method> {
        KINDS.into_iter().flat_map(|kind| self.of(kind, true))
    }

    /// Keys are for a host each; of several that are for this one the last that was used counts.
    fn relying_party(&self) -> Option<&str> {
        let host = host(self.ctx);
        let is_here = |key: &&Method| {
            let other = relying_party_of(self.ctx, key);
            chancery_core::webauthn::relying_party(host, Some(other)) == other
        };
        let used = |key: &&Method| {
            let last = key.text("last_auth_at");
            if last.is_empty() { key.text("created_at").to_owned() } else { last.to_owned() }
        };
        self.keys().filter(is_here).max_by_key(used).map(|key| relying_party_of(self.ctx, key))
    }
}

/// What a user sees of a key.
#[derive(Clone, Debug)]
pub struct OwnKeyData {
    /// Of the method.
    pub id: String,
    /// The type of the method.
    pub kind: String,
    /// As the user or an administrator calls it; may be empty.
    pub name: String,
    /// ISO 8601.
    pub created_at: String,
    /// ISO 8601.
    pub last_used_at: Option<String>,
}

/// Seconds for which nobody else may add the same credential, were it not to be seen yet.
const KEPT_FOR: i64 = 120;

/// What an assertion has to be.
pub(crate) struct Terms<'a> {
    /// What it answers.
    pub(crate) challenge: &'a Challenge,
    /// The authenticator made sure who it was.
    pub(crate) verified: bool,
    /// The application that asked for it, where it was none of our pages.
    pub(crate) client: Option<&'a Client>,
}

/// Whether an assertion by this credential holds.
pub(crate) fn verify(
    ctx: &Ctx,
    key: &Method,
    assertion: &Assertion,
    terms: &Terms<'_>,
) -> Result<Shown, Refused> {
    let public_key = base64_decode(key.text("public_key")).map_err(|_| Refused::Key)?;
    let handle = base64url_decode(key.text("user_handle")).ok().filter(|handle| !handle.is_empty());
    let count = key.value.get(SIGN_COUNT).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
    let known = Known {
        public_key: &public_key,
        sign_count: count.ok_or(Refused::Key)?,
        backup_eligible: key.value.get("credential_device_type").map(|kind| *kind == device_type(true)),
        user_handle: handle.as_deref(),
    };
    let origins = origins(ctx, terms.client);
    let expected = Expected {
        challenge: &terms.challenge.value,
        origins: &origins.iter().map(String::as_str).collect::<Vec<_>>(),
        relying_party: relying_party_of(ctx, key),
        verified: terms.verified,
    };
    assertion.verify(&expected, &known)
}

/// A credential after it was shown.
pub(crate) fn after(ctx: &Ctx, key: &Method, shown: Shown) -> Value {
    let mut after = key.value.clone();
    after[SIGN_COUNT] = shown.sign_count.into();
    after["credential_backed_up"] = shown.backed_up.into();
    after["last_auth_at"] = format_ms(ctx.now_ms).into();
    after
}

/// What an administrator set; passkeys stand in the place of a password, so that one is always two things: the key, and
/// whose it is.
async fn settings(ctx: &Ctx, kind: KeyKind) -> Result<KeySettings, Failure> {
    if kind == KeyKind::Passkey {
        return Ok(KeySettings { user_verification: Verification::Required, ..KeySettings::default() });
    }
    let found = ctx.app.store.doc(&ctx.tenant.tenant, Kind::GuardianSetting, kind.name()).await?;
    let settings = found.and_then(|found| serde_json::from_str::<KeySettings>(&found.json).ok());
    let settings = settings.unwrap_or_default();
    Ok(match kind {
        // What is built in is worth something by whose finger it is alone.
        KeyKind::Platform => KeySettings { user_verification: Verification::Required, ..settings },
        _ => settings,
    })
}

fn descriptor(key: &Method) -> Value {
    let mut descriptor = json!({"type": "public-key", "id": key.text("key_id")});
    if let Some(Value::Array(transports)) = key.value.get("transports")
        && !transports.is_empty()
    {
        descriptor["transports"] = transports.clone().into();
    }
    descriptor
}

/// For whom a credential was made: for the host called, where nobody said.
fn relying_party_of<'a>(ctx: &'a Ctx, key: &'a Method) -> &'a str {
    let said = key.text("relying_party_identifier");
    if said.is_empty() { host(ctx) } else { said }
}

/// The host called, without its port.
pub(crate) fn host(ctx: &Ctx) -> &str {
    let authority = &ctx.origin.authority;
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The origin called, as browsers write it: without the port that everybody knows.
fn origin(ctx: &Ctx) -> String {
    let usual = if ctx.origin.secure { ":443" } else { ":80" };
    ctx.origin.base.strip_suffix(usual).unwrap_or(&ctx.origin.base).to_owned()
}

/// Where answers may come from: our own pages, and those of the application that asked.
fn origins(ctx: &Ctx, client: Option<&Client>) -> Vec<String> {
    let of_client = client.map(Client::passkey_origins).unwrap_or_default();
    std::iter::once(origin(ctx)).chain(of_client).collect()
}

const fn device_type(eligible: bool) -> &'static str {
    if eligible { "multi_device" } else { "single_device" }
}

/// In its five groups (RFC 9562, section 4).
fn uuid(bytes: [u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_written_in_groups() {
        assert_eq!(uuid([0xab; 16]), "abababab-abab-abab-abab-abababababab");
    }
}
