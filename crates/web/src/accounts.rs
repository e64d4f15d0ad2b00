//! Database accounts, as the hosted pages and the Authentication API both use them: checking a password, signing up,
//! ending a session. Unknown and existing accounts look alike, in answer and in time (security case 14). What is mailed about
//! them is in `mailed_links`.

use std::time::Duration;

use chancery_connect::users;
use chancery_core::logout::Initiator;
use chancery_core::model::{Connection, User};
use chancery_core::records::{LogEvent, Session};
use chancery_db::Batch;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use crate::attacks::Guess;
use crate::shares::Place;
use crate::{Ctx, Failure, Rate, Stage, TooManyRequests, Unfit, Whose};

/// What came of a password.
#[derive(Debug)]
pub enum PasswordCheck {
    /// It is this user's. Whether the user is blocked is for the caller to look at, who says so only now.
    Good(Box<User>),
    /// Wrong password or no such user.
    Wrong,
    /// It is the user's, and the world knows it: another one has to be chosen.
    Leaked,
    /// Tried too often.
    TooMany,
}

/// What somebody who signs up says of themselves.
#[derive(Debug)]
pub struct SignUpForm<'a> {
    /// Email address.
    pub email: &'a str,
    /// Where the connection asks for one.
    pub username: Option<&'a str>,
    /// The password.
    pub password: SecretString,
    /// What else they say, checked.
    pub profile: Profile,
}

/// What people say of themselves; what they leave out has the defaults of the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Display name.
    pub name: Option<String>,
    /// How they like to be called.
    pub nickname: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// URL.
    pub picture: Option<String>,
    /// The application's data.
    pub user_metadata: Map<String, Value>,
}

impl Profile {
    fn onto(self, user: &mut User) {
        let Self { name, nickname, given_name, family_name, picture, user_metadata } = self;
        user.given_name = given_name;
        user.family_name = family_name;
        user.name = name.or_else(|| user.name.take());
        user.nickname = nickname.or_else(|| user.nickname.take());
        user.picture = picture.or_else(|| user.picture.take());
        user.user_metadata = Some(user_metadata).filter(|metadata| !metadata.is_empty());
    }
}

/// What came of signing up.
#[derive(Debug)]
pub enum SignUp {
    /// The account is there.
    Created(Box<User>),
    /// An account of this name was there before.
    Exists,
    /// The password cannot be used.
    Unfit(Unfit),
    /// The address is none.
    BadEmail,
    /// The user name is missing or has characters it cannot have.
    BadUsername,
    /// The connection takes no sign-ups.
    Closed,
    /// Too many from one address.
    TooMany(TooManyRequests),
}

/// Wrong passwords that this node saw from an address of late: what says how much of the queue for hashing it holds. Whether
/// one more may be tried is for the tenant's settings to say.
const WRONG_PASSWORDS: Rate = Rate { name: "wrong password", burst: 100, every: 36 };
/// So many of these, and the address holds no more than a quarter of the queue for hashing.
const FEW_WRONG: u32 = 10;
/// But never fewer places than this.
const LEAST_SHARE: usize = 4;
/// Answers that must not tell by their time are given at a multiple of this after the question: several times what a
/// durable write takes.
const BEAT: Duration = Duration::from_millis(10);
/// How late the runtime's timer may be.
const TIMER_STEP: Duration = Duration::from_millis(2);
/// Longer than any name or address.
pub(crate) const LONGEST_IDENTIFIER: usize = 320;

impl Ctx {
    /// Checks a password against a database connection, with the same work for names that do not exist.
    ///
    /// # Errors
    /// When the database is away or too many passwords wait to be checked.
    pub async fn check_password(
        &self,
        connection: &Connection,
        identifier: &str,
        password: SecretString,
    ) -> Result<PasswordCheck, Failure> {
        let identifier = identifier.trim();
        let guess = Guess::of(self, connection, identifier);
        if !guess.is_admitted(self).await? {
            return Ok(PasswordCheck::TooMany);
        }
        let Some(_place) = self.place_in_queue() else { return Ok(PasswordCheck::TooMany) };
        let credential = match identifier.len() <= LONGEST_IDENTIFIER {
            true => self.app.store.credential(&self.tenant.tenant, &connection.name, identifier).await?,
            false => None,
        };
        let known = credential.and_then(|c| c.password_hash.map(|hash| (c.user, hash)));
        let Some((user, hash)) = known else {
            self.app.hasher.verify_nothing().await?;
            return self.wrong_password(&guess, (connection, identifier), None).await;
        };
        let verified = self.app.hasher.verify(&hash, password.clone()).await?;
        if !verified.ok {
            return self.wrong_password(&guess, (connection, identifier), Some(&user)).await;
        }
        // Others may have used up the tries while this one waited: many at once are no more tries than one after another.
        if !guess.succeeded(self, Some(&user)).await? {
            return Ok(PasswordCheck::TooMany);
        }
        if self.refuses_known_password(connection, &user, &password).await? {
            return Ok(PasswordCheck::Leaked);
        }
        if verified.rehash {
            self.rehash(&user, connection, &hash, password).await?;
        }
        Ok(PasswordCheck::Good(Box::new(user)))
    }

    /// A place among the passwords that wait to be checked. An address that was often wrong of late holds a share of the
    /// queue only, so that its guesses do not turn others away; any other may fill it.
    fn place_in_queue(&self) -> Option<Place<'_>> {
        let few = Rate { burst: FEW_WRONG, ..WRONG_PASSWORDS };
        let most = match self.app.rates.look(few, self.ip, &self.tenant.tenant, self.now()) {
            Ok(()) => usize::MAX,
            Err(_) => (self.app.hasher.room() / 4).max(LEAST_SHARE),
        };
        self.app.shares.hold(self.ip, most)
    }

    async fn wrong_password(
        &self,
        guess: &Guess,
        (connection, identifier): (&Connection, &str),
        user: Option<&User>,
    ) -> Result<PasswordCheck, Failure> {
        // A full count says nothing here: it is the tenant's that refuses.
        let _ = self.app.rates.take(WRONG_PASSWORDS, self.ip, &self.tenant.tenant, self.now());
        let Ok(blocks) = guess.failed(self).await? else { return Ok(PasswordCheck::TooMany) };
        self.log(LogEvent {
            kind: if user.is_some() { "fp" } else { "fu" }.to_owned(),
            description: Some("Wrong email or password.".to_owned()),
            connection: Some(connection.name.clone()),
            user_id: user.map(|u| u.user_id.clone()),
            user_name: Some(identifier.chars().take(100).collect()),
            ..LogEvent::default()
        });
        if blocks.name {
            self.name_is_blocked(connection, identifier, user).await?;
        }
        if blocks.address {
            self.log_address("login");
        }
        Ok(PasswordCheck::Wrong)
    }

    /// Parameters of the hash changed since it was made. Losing against another change of the password is fine.
    async fn rehash(
        &self,
        user: &User,
        connection: &Connection,
        old: &str,
        password: SecretString,
    ) -> Result<(), Failure> {
        if let Ok(new) = self.app.hasher.hash(password).await {
            let tenant = &self.tenant.tenant;
            self.app.store.replace_hash_if(tenant, &user.user_id, &connection.name, old, &new).await?;
        }
        Ok(())
    }

    /// Makes an account and mails a link that proves the address.
    ///
    /// # Errors
    /// When the database is away or too many passwords wait.
    pub async fn sign_up(&self, connection: &Connection, form: SignUpForm<'_>) -> Result<SignUp, Failure> {
        let options = connection.settings();
        let (email, username) = match names(connection, form.email, form.username) {
            Ok(names) => names,
            Err(refused) => return Ok(refused),
        };
        // The answer tells whether there is such an account, and a right one makes an account and a mail.
        if let Err(wait) = self.count_sign_up().await? {
            return Ok(SignUp::TooMany(wait));
        }
        let profile = form.profile;
        let names =
            [Some(email.as_str()), username.as_deref(), profile.name.as_deref(), profile.nickname.as_deref()];
        let names = names.into_iter().flatten().filter(|_| options.refuses_personal_data() != Some(false));
        let whose = Whose { user_id: None, stage: Some(Stage::SignUp), names: names.collect() };
        match self.new_password(connection, form.password, &whose).await? {
            Ok(hash) => {
                let user = self.drafted(connection, (&email, username.as_deref()), profile);
                let row = chancery_store::NewUser {
                    user: user.clone(),
                    connection: connection.name.clone(),
                    password_hash: Some(hash),
                };
                match self.app.store.create_user(&self.tenant.tenant, &row).await {
                    Ok(()) => {
                        self.signed_up(&user, connection).await?;
                        Ok(SignUp::Created(Box::new(user)))
                    }
                    Err(chancery_store::Error::Conflict) => Ok(SignUp::Exists),
                    Err(other) => Err(other.into()),
                }
            }
            Err(unfit) => Ok(SignUp::Unfit(unfit)),
        }
    }

    /// The account of somebody who signs up with a passkey. It is not there yet: it is made with the key, in one write
    /// ([`Ctx::new_account`]), after which [`Ctx::signed_up`] is due.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn coming_account(
        &self,
        connection: &Connection,
        (email, username): (&str, Option<&str>),
        profile: Profile,
    ) -> Result<SignUp, Failure> {
        let (email, username) = match names(connection, email, username) {
            Ok(names) => names,
            Err(refused) => return Ok(refused),
        };
        if let Err(wait) = self.count_sign_up().await? {
            return Ok(SignUp::TooMany(wait));
        }
        for name in [Some(&email), username.as_ref()].into_iter().flatten() {
            if self.app.store.credential(&self.tenant.tenant, &connection.name, name).await?.is_some() {
                return Ok(SignUp::Exists);
            }
        }
        let user = self.drafted(connection, (&email, username.as_deref()), profile);
        Ok(SignUp::Created(Box::new(user)))
    }

    /// An account that nobody wrote yet.
    fn drafted(
        &self,
        connection: &Connection,
        (email, username): (&str, Option<&str>),
        profile: Profile,
    ) -> User {
        let new = users::NewUser { email: Some(email), username, connection: &connection.name };
        let mut user = users::new_user(new, &*self.app.rng, self.now_ms);
        profile.onto(&mut user);
        user
    }

    /// The write that makes an account without a password; fails with [`Conflict`](chancery_store::Error::Conflict) where
    /// there is one of its names.
    ///
    /// # Errors
    /// When the user cannot be written.
    pub fn new_account(&self, user: &User, connection: &Connection) -> Result<Batch, Failure> {
        let row = chancery_store::NewUser {
            user: user.clone(),
            connection: connection.name.clone(),
            password_hash: None,
        };
        Ok(self.app.store.create_user_batch(&self.tenant.tenant, &row)?)
    }

    /// Says in the log that somebody signed up, and mails the link that proves their address.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn signed_up(&self, user: &User, connection: &Connection) -> Result<(), Failure> {
        self.note("ss", user, connection);
        self.mail_first_verification(user, connection).await
    }

    /// Ends a browser session and what hangs on it: codes, opaque tokens and refresh tokens (security case 19). A tenant
    /// that wants refresh tokens to outlive it sets `flags.keep_refresh_tokens_on_logout`. Applications that want to are told of it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn end_session(&self, session: &Session, initiator: Initiator) -> Result<(), Failure> {
        let tenant = &self.tenant.tenant;
        let store = &self.app.store;
        let keeps = self.tenant.settings.flags.rest.get("keep_refresh_tokens_on_logout");
        let mut write = self.tell_session(&session.id, initiator);
        write = write.and(store.delete_session_batch(tenant, &session.id));
        if keeps.and_then(|k| k.as_bool()) != Some(true) {
            write = write.and(store.revoke_by_session(tenant, &session.user_id, &session.id));
        }
        Ok(store.commit(write).await?)
    }

    pub(crate) fn note(&self, kind: &str, user: &User, connection: &Connection) {
        self.log(LogEvent {
            kind: kind.to_owned(),
            user_id: Some(user.user_id.clone()),
            user_name: user.email.clone().or_else(|| user.username.clone()),
            connection: Some(connection.name.clone()),
            ..LogEvent::default()
        });
    }
}

/// The names of a new account in normal form, if this connection takes sign-ups with such.
fn names(
    connection: &Connection,
    email: &str,
    username: Option<&str>,
) -> Result<(String, Option<String>), SignUp> {
    let options = connection.settings();
    if options.disable_signup || connection.strategy != "auth0" {
        return Err(SignUp::Closed);
    }
    let email = users::email(email).map_err(|_| SignUp::BadEmail)?;
    let username = match (options.requires_username, username.filter(|u| !u.is_empty())) {
        (true, None) => return Err(SignUp::BadUsername),
        (true, Some(name)) => match users::username(name) {
            Ok(name) if has_length(&name, options.username_length()) => Some(name),
            _ => return Err(SignUp::BadUsername),
        },
        (false, _) => None,
    };
    Ok((email, username))
}

/// In characters, both ends included.
fn has_length(name: &str, (min, max): (usize, usize)) -> bool {
    (min..=max).contains(&name.chars().count())
}

/// Reading a user and writing a mail takes a hundred microseconds more than nobody does, which a few hundred answers show:
/// each waits for the next beat, whatever it had to do.
pub(crate) async fn next_beat(begun: Instant) {
    let beats = u32::try_from(begun.elapsed().as_micros() / BEAT.as_micros() + 1).unwrap_or(u32::MAX);
    let beat = begun + BEAT * beats;
    sleep_until(beat - TIMER_STEP).await;
    // The timer sleeps whole milliseconds from now, so that the parts of one that the work took would show again.
    while Instant::now() < beat {
        yield_now().await;
    }
}
