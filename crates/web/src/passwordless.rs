//! Sign-in with a code that is mailed (fact sheet 6.3 and 9.6). A code is good for one address at one application, once, for a
//! few minutes and three tries; a new one takes the place of the one before. Known and unknown addresses look alike, in answer
//! and in time (security case 14).

use chancery_connect::users;
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::markup::escaped;
use chancery_core::model::{Connection, User};
use chancery_core::params::Params;
use chancery_core::records::LogEvent;
use chancery_db::Batch;
use chancery_jose::{base64url, constant_time_eq, sha256};
use chancery_store::{Error, StoredTransaction};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::accounts::next_beat;
use crate::attacks::Guess;
use crate::mail_text::one_line;
use crate::{Ctx, Failure, Mail, Rate, TooManyRequests, hosted};

/// The strategy of connections whose users sign in with mailed codes.
pub const EMAIL: &str = "email";
/// Per address: 50 at once, 50 an hour (fact sheet 13.2).
const STARTS: Rate = Rate { name: "passwordless", burst: 50, every: 72 };
/// Tries for each code.
const TRIES: u8 = 3;
/// Fewer digits would be guessed; more nobody types.
const DIGITS: (usize, usize) = (6, 12);
/// Seconds that a code is good for, unless the connection says otherwise, and the bounds of that.
const LIFETIME: i64 = 180;
const LIFETIMES: (i64, i64) = (60, 86_400);

/// Who is to get a code.
#[derive(Clone, Debug)]
pub struct CodeFor<'a> {
    /// At which application alone it is good.
    pub client_id: &'a str,
    /// As it was typed.
    pub email: &'a str,
    /// Whether an account may be made for it.
    pub may_sign_up: bool,
    /// The mail has a link instead, with these parameters of `/authorize` beside the code.
    pub link: Option<Params>,
}

/// What came of asking for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeSent {
    /// It is on its way, if the address may sign in.
    Taken,
    /// The address is none.
    BadEmail,
    /// Asked for too often from one address.
    TooMany(TooManyRequests),
}

/// What came of a code.
#[derive(Debug)]
pub enum CodeCheck {
    /// It is good: for this user, who may be new. The write uses it up, and makes the user where there is none; it is to be
    /// committed with what the sign-in comes to, and fails with [`Guard`](Error::Guard) or [`Conflict`](Error::Conflict) where
    /// the code was used meanwhile.
    Good(Box<User>, Batch),
    /// It is not, or there is none.
    Wrong,
    /// Tried too often.
    TooMany,
}

/// A code that was mailed.
#[derive(Serialize, Deserialize)]
struct Mailed {
    /// SHA-256 of it, in base64url.
    digest: String,
    tries: u8,
}

impl Ctx {
    /// Mails a code, or a link with it, if the address has an account or may make one.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn mail_code(&self, connection: &Connection, what: CodeFor<'_>) -> Result<CodeSent, Failure> {
        let begun = Instant::now();
        let outcome = self.mail_code_if_known(connection, what).await;
        next_beat(begun).await;
        outcome
    }

    async fn mail_code_if_known(
        &self,
        connection: &Connection,
        what: CodeFor<'_>,
    ) -> Result<CodeSent, Failure> {
        let tenant = &self.tenant.tenant;
        let Ok(email) = users::email(what.email) else { return Ok(CodeSent::BadEmail) };
        if let Err(wait) = self.app.rates.take(STARTS, self.ip, tenant, self.now()) {
            return Ok(CodeSent::TooMany(wait));
        }
        let known = self.app.store.credential(tenant, &connection.name, &email).await?.map(|c| c.user);
        let may_sign_in = known.is_some() || what.may_sign_up;
        let bearable = self.may_mail(&email);
        let (length, lifetime) = totp(connection);
        let code = digits(&*self.app.rng, length);
        // For those who get none it is written too: the write is what takes time. Nobody knows it.
        let mailed = Mailed { digest: digest(&code), tries: 0 };
        let stored = StoredTransaction {
            id: code_id(what.client_id, &connection.name, &email),
            digest: Vec::new(),
            doc: serde_json::to_string(&mailed).map_err(Failure::server)?,
            expires_at: self.now().saturating_add(lifetime),
            rev: 1,
        };
        self.app.store.replace_transaction(tenant, &stored).await?;
        if may_sign_in && bearable {
            self.post_code(connection, (&email, known), &code, &what);
        }
        Ok(CodeSent::Taken)
    }

    /// Tries a code. Every try counts before it is judged.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn check_code(
        &self,
        connection: &Connection,
        what: &CodeFor<'_>,
        typed: &str,
    ) -> Result<CodeCheck, Failure> {
        let (store, tenant) = (&self.app.store, &self.tenant.tenant);
        let Ok(email) = users::email(what.email) else { return Ok(CodeCheck::Wrong) };
        // A name that is blocked after wrong passwords gets in by no other way (security case 14).
        let guess = Guess::of(self, connection, &email);
        if !guess.is_admitted(self).await? {
            return Ok(CodeCheck::TooMany);
        }
        let id = code_id(what.client_id, &connection.name, &email);
        let Some(stored) = store.transaction(tenant, &id, self.now()).await? else {
            return self.wrong_code(&guess, connection, &email).await;
        };
        let mut mailed: Mailed = serde_json::from_str(&stored.doc).map_err(Failure::server)?;
        if mailed.tries >= TRIES {
            return self.wrong_code(&guess, connection, &email).await;
        }
        mailed.tries += 1;
        let doc = serde_json::to_string(&mailed).map_err(Failure::server)?;
        match store.update_transaction(tenant, &id, &doc, stored.rev).await {
            Ok(()) => {}
            // Somebody else tried at the same moment: this one was not looked at.
            Err(Error::Guard) => return Ok(CodeCheck::Wrong),
            Err(other) => return Err(other.into()),
        }
        let typed: String = typed.chars().filter(|c| !c.is_whitespace()).take(DIGITS.1 + 1).collect();
        if !constant_time_eq(digest(&typed).as_bytes(), mailed.digest.as_bytes()) {
            return self.wrong_code(&guess, connection, &email).await;
        }
        let owner = store.credential(tenant, &connection.name, &email).await?.map(|found| found.user);
        if !guess.succeeded(self, owner.as_ref()).await? {
            return Ok(CodeCheck::TooMany);
        }
        let used = store.finish_transaction(tenant, &id, stored.rev + 1);
        self.owner(connection, (&email, what.may_sign_up), used).await
    }

    /// Whose address it is; the code proves it.
    async fn owner(
        &self,
        connection: &Connection,
        (email, may_sign_up): (&str, bool),
        used: Batch,
    ) -> Result<CodeCheck, Failure> {
        let (store, tenant) = (&self.app.store, &self.tenant.tenant);
        if let Some(found) = store.credential(tenant, &connection.name, email).await? {
            let user = found.user;
            if user.email_verified == Some(true) || user.email.as_deref() != Some(email) {
                return Ok(CodeCheck::Good(Box::new(user), used));
            }
            let Some(seen) = store.user_to_edit(tenant, &user.user_id).await? else {
                return Ok(CodeCheck::Wrong);
            };
            let mut user = seen.user.clone();
            user.email_verified = Some(true);
            user.updated_at = format_ms(self.now_ms);
            let write = used.and(store.edit_user_batch(tenant, &seen, &user)?);
            return Ok(CodeCheck::Good(Box::new(user), write));
        }
        if !may_sign_up {
            return Ok(CodeCheck::Wrong);
        }
        let new = users::NewUser { email: Some(email), username: None, connection: &connection.name };
        let mut user = users::new_user_of(EMAIL, new, &*self.app.rng, self.now_ms);
        user.email_verified = Some(true);
        let row = chancery_store::NewUser {
            user: user.clone(),
            connection: connection.name.clone(),
            password_hash: None,
        };
        let write = used.and(store.create_user_batch(tenant, &row)?);
        Ok(CodeCheck::Good(Box::new(user), write))
    }

    async fn wrong_code(
        &self,
        guess: &Guess,
        connection: &Connection,
        email: &str,
    ) -> Result<CodeCheck, Failure> {
        let Ok(blocks) = guess.failed(self).await? else { return Ok(CodeCheck::TooMany) };
        if blocks.name {
            let user = self.app.store.credential(&self.tenant.tenant, &connection.name, email).await?;
            self.name_is_blocked(connection, email, user.map(|found| found.user).as_ref()).await?;
        }
        if blocks.address {
            self.log_address("login");
        }
        Ok(CodeCheck::Wrong)
    }

    fn post_code(
        &self,
        connection: &Connection,
        (email, known): (&str, Option<User>),
        code: &str,
        what: &CodeFor<'_>,
    ) {
        let client = self.tenant.client(what.client_id);
        let application = client.map(|client| client.name.clone()).unwrap_or_default();
        let link = what.link.as_ref().map(|params| self.code_link(connection, (email, code), what, params));
        let name = one_line(hosted::tenant_name(self), 100);
        let standard = code_mail(email, &name, code, link.as_deref());
        let given = json!({
            "email": email,
            "code": code,
            "link": link,
            "url": link,
            "send": if link.is_some() { "link" } else { "code" },
            "connection": {"name": connection.name},
            "application": {"name": application, "clientID": what.client_id},
            "user": {"email": email, "name": known.as_ref().and_then(|user| user.name.clone())},
        });
        self.post_as(standard, own_template(connection), move || match given {
            Value::Object(given) => given,
            _ => Map::new(),
        });
        let mut event = LogEvent {
            kind: if link.is_some() { "cls" } else { "cs" }.to_owned(),
            connection: Some(connection.name.clone()),
            client_id: Some(what.client_id.to_owned()),
            client_name: client.map(|client| client.name.clone()),
            user_id: known.as_ref().map(|user| user.user_id.clone()),
            user_name: Some(email.to_owned()),
            ..LogEvent::default()
        };
        event.details.insert("email".to_owned(), email.into());
        self.log(event);
    }

    fn code_link(
        &self,
        connection: &Connection,
        (email, code): (&str, &str),
        what: &CodeFor<'_>,
        params: &Params,
    ) -> String {
        let mut query = Params::default();
        for (name, value) in [
            ("client_id", what.client_id),
            ("connection", connection.name.as_str()),
            ("email", email),
            ("verification_code", code),
        ] {
            query.push(name, value);
        }
        let own = ["client_id", "connection", "email", "verification_code", "login_hint", "prompt"];
        for (name, value) in params.pairs().filter(|(name, _)| !own.contains(name)) {
            query.push(name.to_owned(), value);
        }
        format!("{}/passwordless/verify_redirect?{}", self.origin.base, query.encode())
    }
}

/// Digits of a code and seconds that it is good for.
fn totp(connection: &Connection) -> (usize, i64) {
    let said =
        |name: &str| connection.options.get("totp").and_then(|totp| totp.get(name)).and_then(Value::as_i64);
    let length = said("length").and_then(|length| usize::try_from(length).ok()).unwrap_or(DIGITS.0);
    let lifetime = said("time_step").unwrap_or(LIFETIME);
    (length.clamp(DIGITS.0, DIGITS.1), lifetime.clamp(LIFETIMES.0, LIFETIMES.1))
}

/// Without the bias of a remainder.
fn digits(rng: &dyn chancery_core::Rng, length: usize) -> String {
    ids::drawn(rng, b"0123456789", length)
}

/// It is short and lives for minutes: a digest keeps it from whoever looks over a shoulder, the three tries from guessing.
fn digest(code: &str) -> String {
    base64url(&sha256(code.as_bytes()))
}

/// One code for each address at each application. No client id or name of a connection holds U+0000.
fn code_id(client_id: &str, connection: &str, email: &str) -> String {
    let whom = sha256(format!("{client_id}\0{connection}\0{email}").as_bytes());
    format!("mailed-{}", base64url(&whom))
}

/// The connection's own words, as a mail template.
fn own_template(connection: &Connection) -> Option<Value> {
    let own = connection.options.get("email")?.as_object()?;
    let mut template = own.clone();
    template.insert("enabled".to_owned(), true.into());
    Some(Value::Object(template))
}

fn code_mail(to: &str, name: &str, code: &str, link: Option<&str>) -> Mail {
    let rest = "If you did not ask for it, do nothing: it is worth nothing to anybody else.";
    let (subject, text, html) = match link {
        None => (
            format!("Your code for {name}: {code}"),
            format!("Your code is {code}\n\n{rest}\n"),
            format!("<p>Your code is <strong>{code}</strong></p><p>{rest}</p>"),
        ),
        Some(link) => (
            format!("Log in to {name}"),
            format!("Log in here:\n\n{link}\n\n{rest}\n"),
            format!("<p><a href=\"{}\">Log in to {}</a></p><p>{rest}</p>", escaped(link), escaped(name)),
        ),
    };
    Mail { to: to.to_owned(), template: "passwordless", from: None, route: None, subject, text, html }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(options: &Value) -> Connection {
        let json = json!({"id": "con_1", "strategy": "email", "name": "email", "options": options});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn how_long_codes_are_and_live() {
        for (options, expected) in [
            (json!({}), (6, 180)),
            (json!({"totp": {"length": 8, "time_step": 300}}), (8, 300)),
            (json!({"totp": {"length": 1, "time_step": 1}}), (6, 60)),
            (json!({"totp": {"length": 1_000_000, "time_step": i64::MAX}}), (12, 86_400)),
            (json!({"totp": {"length": -1, "time_step": "x"}}), (6, 180)),
        ] {
            assert_eq!(totp(&connection(&options)), expected, "{options}");
        }
    }

    #[test]
    fn a_code_belongs_to_one_address_and_application() {
        let ids = [("a", "b", "c"), ("a", "b", "d"), ("a", "c", "c"), ("b", "b", "c"), ("ab", "", "c")];
        let all: std::collections::BTreeSet<String> =
            ids.iter().map(|(client, connection, email)| code_id(client, connection, email)).collect();
        assert_eq!(all.len(), ids.len());
    }

    #[test]
    fn mails_hold_no_markup_of_others() {
        let mail = code_mail("j@example.com", "<b>Acme</b>", "123456", Some("https://a.example/?a=1&b=\"2"));
        assert!(!mail.html.contains("<b>") && !mail.html.contains("\"2"), "{}", mail.html);
    }
}
