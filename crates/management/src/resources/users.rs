//! `/users`: people (fact sheet 11.2). Records, not documents: never cached.

use chancery_connect::users::{self as database, NewUser as Newcomer};
use chancery_core::iso::format_ms;
use chancery_core::logout::Initiator;
use chancery_core::model::{Connection, User};
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Batch, Error, NewUser};
use chancery_web::{Unfit, Whose};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::user_search::Search;
use crate::call::{Answer, Call, internal, missing, print, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, chosen};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /users", list);
    table.bind("POST /users", create);
    table.bind("GET /users/{id}", show);
    table.bind("PATCH /users/{id}", update);
    table.bind("DELETE /users/{id}", delete);
    table.bind("GET /users-by-email", by_email);
}

pub(super) const MISSING: Missing = missing("The user does not exist.", "inexistent_user");

/// The user a path means.
pub(super) async fn load(call: &Call, parameter: &str) -> Result<User, Problem> {
    let user = call.store().user(call.tenant(), call.at(parameter)).await.map_err(stored)?;
    user.ok_or(Problem::NotFound(MISSING))
}

/// As the wire shows them: further claims stand beside the others.
pub(super) fn shown(user: &User) -> Result<Value, Problem> {
    let mut value = print(user)?;
    if let Some(members) = value.as_object_mut()
        && let Some(Value::Object(claims)) = members.shift_remove("claims")
    {
        for (name, claim) in claims {
            members.entry(name).or_insert(claim);
        }
    }
    Ok(value)
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let page = Page::offset(&call.query)?;
    let Page::Offset { start, limit, totals } = page else { return Err(Problem::Internal) };
    if start.saturating_add(limit) > REACH {
        return Err(Problem::RefusedAs(
            "invalid_paging",
            "You can only page through the first 1000 records. Use a search that finds fewer.".into(),
        ));
    }
    let found = Search::of(&call)?.run(&call, (start, limit), totals).await?;
    let items: Result<Vec<Value>, Problem> =
        found.users.iter().map(|user| Ok(chosen(shown(user)?, &call.query, &[]))).collect();
    let items = items?;
    let length = items.len();
    let mut body = page.body("users", Slice { items, total: found.total, next: None });
    if totals {
        body["length"] = length.into();
    }
    Ok(Answer::ok(body))
}

/// Paging by offset ends here.
const REACH: i64 = 1000;

async fn by_email(call: Call) -> Result<Answer, Problem> {
    let email = call.query.text("email").unwrap_or_default();
    let found = call.store().users_by_email(call.tenant(), email).await.map_err(stored)?;
    let shown: Result<Vec<_>, _> = found.iter().map(shown).collect();
    Ok(Answer::ok(chosen(Value::Array(shown?), &call.query, &[])))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    if !call.caller.has_any(&["read:users", "read:user_idp_tokens"]) {
        must_be_oneself(&call).await?;
    }
    Ok(Answer::ok(chosen(shown(&load(&call, "id").await?)?, &call.query, &[])))
}

async fn create(call: Call) -> Result<Answer, Problem> {
    let mut body = call.members();
    let name = take_text(&mut body, "connection").unwrap_or_default();
    let connection = call.snapshot().connections().find(|connection| connection.name == name);
    let connection = connection.ok_or_else(|| Problem::refused("Connection does not exist."))?;
    if connection.strategy != database::PROVIDER {
        return Err(Problem::refused(
            "Connection does not support user creation through the API. It must either be a database or \
             passwordless connection.",
        ));
    }
    let password = take_text(&mut body, "password")
        .ok_or_else(|| Problem::payload("Missing required property: password", ""))?;
    let email = take_text(&mut body, "email").map(|text| normal_email(&text)).transpose()?;
    let username = take_text(&mut body, "username").map(|text| username_of(&text, connection)).transpose()?;
    if email.is_none() && username.is_none() {
        return Err(Problem::payload("Missing required property: email", ""));
    }
    let id = take_text(&mut body, "user_id").filter(|id| !id.is_empty());
    let wants_mail = body.shift_remove("verify_email").and_then(|wish| wish.as_bool());
    let rng = &*call.ctx.app.rng;
    let newcomer =
        Newcomer { email: email.as_deref(), username: username.as_deref(), connection: &connection.name };
    let mut user = database::new_user(newcomer, rng, call.ctx.now_ms);
    if let Some(id) = id {
        user.user_id = format!("{}|{id}", database::PROVIDER);
        user.identities.iter_mut().for_each(|identity| identity.user_id.clone_from(&id));
    }
    for name in ["user_metadata", "app_metadata"] {
        limited(&body, name, MOST_METADATA)?;
    }
    let user = edited(&user, body)?;
    let hash = hashed(&call, connection, password, &user).await?;
    let is_mailed = match wants_mail {
        Some(false) => false,
        Some(true) => may_confirm(&call, &user)?,
        // Nobody asked for the mail, so the user is made without it where it is one too many: whoever has links sent to an address keeps
        // no administrator from making its user.
        None => user.email_verified != Some(true) && may_confirm(&call, &user).unwrap_or(false),
    };
    let new = NewUser { user, connection: connection.name.clone(), password_hash: Some(hash) };
    call.store().create_user(call.tenant(), &new).await.map_err(taken)?;
    // The user is made: a mail that cannot be sent now can be asked for again (`/jobs/verification-email`).
    if is_mailed {
        drop(call.ctx.mail_first_verification(&new.user, connection).await);
    }
    Ok(Answer::created(shown(&new.user)?))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    may_update(&call).await?;
    let mut body = call.members();
    let wants_mail = body.shift_remove("verify_email").and_then(|wish| wish.as_bool()) == Some(true);
    for name in ["connection", "client_id", "verify_phone_number", "verify_password"] {
        body.shift_remove(name);
    }
    // The slow part comes before reading what is edited: a short edit rarely starts over.
    let password = match take_text(&mut body, "password") {
        Some(password) => Some(new_password(&call, password).await?),
        None => None,
    };
    let mut mailed_to = None;
    for _ in 0..TRIES {
        let seen = call.store().user_to_edit(call.tenant(), call.at("id")).await.map_err(stored)?;
        let seen = seen.ok_or(Problem::NotFound(MISSING))?;
        let after = changed(&call, &seen.user, body.clone())?;
        // Before anything is changed, and once for each address.
        let is_due = wants_mail && after.email_verified != Some(true);
        if is_due && mailed_to != after.email && may_confirm(&call, &after)? {
            mailed_to.clone_from(&after.email);
        }
        let batch = call.store().edit_user_batch(call.tenant(), &seen, &after).map_err(internal)?;
        let batch = batch.and(consequences(&call, &seen.user, &after, password.as_ref()));
        match call.store().commit(batch).await {
            Ok(()) => {
                // The change is made: a mail that cannot be sent now can be asked for again (`/jobs/verification-email`).
                if is_due && mailed_to.is_some() {
                    drop(call.ctx.mail_verification_again(&after).await);
                }
                return Ok(Answer::ok(shown(&load(&call, "id").await?)?));
            }
            // Somebody else edited this user meanwhile, or removed them: look again.
            Err(Error::Guard) => {}
            Err(other) => return Err(taken(other)),
        }
    }
    Err(Problem::conflict("The user was changed by somebody else at the same time."))
}

/// Whether the link that proves an address is to be mailed: it is one of the mails that a mailbox gets no end of. No where there is no
/// address, or the tenant sends no such mail.
///
/// # Errors
/// [`Problem::TooManyMails`].
fn may_confirm(call: &Call, user: &User) -> Result<bool, Problem> {
    match user.email.as_deref().filter(|_| !call.ctx.is_mail_off("verify_email")) {
        None => Ok(false),
        Some(email) if call.ctx.may_mail(email) => Ok(true),
        Some(_) => Err(Problem::TooManyMails),
    }
}

/// Edits of one user at one moment are few.
const TRIES: usize = 10;

/// The user with the changes of a body.
fn changed(call: &Call, before: &User, mut body: Map<String, Value>) -> Result<User, Problem> {
    if let Some(email) = take_text(&mut body, "email") {
        let email = normal_email(&email)?;
        // A new address is not proven by the proof of the old one.
        if before.email.as_deref() != Some(&*email) {
            body.entry("email_verified").or_insert(Value::Bool(false));
        }
        body.insert("email".to_owned(), email.into());
    }
    if let Some(username) = take_text(&mut body, "username") {
        let of = before.identities.iter().find(|identity| identity.provider == database::PROVIDER);
        let connection = of.and_then(|of| call.ctx.tenant.connection_by_name(&of.connection));
        let name = match connection {
            Some(connection) => username_of(&username, connection)?,
            None => normal_username(&username)?,
        };
        body.insert("username".to_owned(), name.into());
    }
    for name in ["user_metadata", "app_metadata"] {
        merge_metadata(before, &mut body, name)?;
        let most = if call.caller.has_any(&["update:users", "update:users_app_metadata"]) {
            MOST_METADATA
        } else {
            MOST_OWN_METADATA
        };
        // What is too large already may still become smaller.
        limited(&body, name, most.max(held_length(before, &body, name)?))?;
    }
    let mut after = edited(before, body)?;
    after.updated_at = format_ms(call.ctx.now_ms);
    Ok(after)
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    if !call.caller.has("delete:users") {
        must_be_oneself(&call).await?;
    }
    let told = call.ctx.tell_sessions_of(call.at("id"), Initiator::AccountDeleted);
    let gone = call.store().delete_user_batch(call.tenant(), call.at("id"));
    call.store().commit(told.and(gone)).await.map_err(stored)?;
    Ok(Answer::no_content())
}

/// A password to be set, hashed.
struct NewPassword {
    connection: String,
    hash: String,
    /// How many the connection remembers, this one among them.
    remembered: usize,
}

async fn new_password(call: &Call, password: String) -> Result<NewPassword, Problem> {
    let user = load(call, "id").await?;
    let identity = user.identities.iter().find(|identity| identity.provider == database::PROVIDER);
    let connection = identity
        .and_then(|identity| call.snapshot().connections().find(|c| c.name == identity.connection))
        .ok_or_else(|| Problem::refused("The user has no account with a password."))?;
    let hash = hashed(call, connection, password, &user).await?;
    let remembered = connection.settings().remembered_passwords();
    Ok(NewPassword { connection: connection.name.clone(), hash, remembered })
}

/// A new password or a block ends every session and every token: whoever holds one is not trusted any more. Links that were
/// mailed end with them, and with the address they went to (D42).
fn consequences(call: &Call, before: &User, after: &User, password: Option<&NewPassword>) -> Batch {
    let (tenant, store) = (call.tenant(), call.store());
    let mut batch = Batch::default();
    if let Some(NewPassword { connection, hash, remembered }) = password {
        let hash = (hash.as_str(), *remembered);
        batch = batch
            .and(store.set_password_batch(tenant, &after.user_id, connection, hash, call.ctx.now()))
            // Who guessed at the old one may try the new one as anybody may.
            .and(call.ctx.unblock_user_batch(before));
    }
    let ends = password.is_some() || (after.is_blocked() && !before.is_blocked());
    if ends {
        let by = if password.is_some() { Initiator::PasswordChanged } else { Initiator::AccountDeactivated };
        batch = batch
            .and(call.ctx.tell_sessions_of(&after.user_id, by))
            .and(store.delete_sessions_of_batch(tenant, &after.user_id))
            .and(store.forget_browsers(tenant, &after.user_id))
            .and(store.revoke_by_user(tenant, &after.user_id));
    }
    if after.email != before.email && !ends {
        batch = batch.and(call.ctx.tell_sessions_of(&after.user_id, Initiator::EmailChanged));
    }
    if ends || after.email != before.email {
        batch = batch.and(store.delete_tickets_of(tenant, &after.user_id));
    }
    batch
}

/// The hash of a password, if the user may have it. Whether it holds what is known about the user is asked only where the
/// connection says so: an administrator is no stranger who guesses.
async fn hashed(
    call: &Call,
    connection: &Connection,
    password: String,
    user: &User,
) -> Result<String, Problem> {
    let asks = connection.settings().refuses_personal_data() == Some(true);
    let known = [&user.email, &user.username, &user.nickname, &user.name];
    let names = known.into_iter().filter(|_| asks).filter_map(|name| name.as_deref()).collect();
    let whose = Whose { user_id: Some(&user.user_id), stage: None, names };
    let judged = call.ctx.new_password(connection, SecretString::from(password), &whose).await;
    judged.map_err(|_| Problem::Unavailable)?.map_err(|unfit| match unfit {
        Unfit::TooLong => Problem::payload("The password is too long", "password"),
        Unfit::Weak(_) => Problem::RefusedAs(
            "password_strength_error",
            "PasswordStrengthError: Password is too weak".into(),
        ),
        Unfit::OwnName => Problem::RefusedAs(
            "password_no_user_info_error",
            "PasswordNoUserInfoError: Password contains user information".into(),
        ),
        Unfit::Common | Unfit::Leaked => Problem::RefusedAs(
            "password_dictionary_error",
            "PasswordDictionaryError: Password is too common".into(),
        ),
        Unfit::Used(_) => Problem::RefusedAs(
            "password_history_error",
            "PasswordHistoryError: Password has previously been used".into(),
        ),
    })
}

/// The user with the members of a body: known ones in their place, null clears.
fn edited(user: &User, body: Map<String, Value>) -> Result<User, Problem> {
    crate::call::read(crate::resource::merged(print(user)?, body))
}

/// Metadata merge at their first level; null removes a key.
fn merge_metadata(before: &User, body: &mut Map<String, Value>, name: &str) -> Result<(), Problem> {
    let Some(new) = body.get_mut(name).and_then(Value::as_object_mut) else { return Ok(()) };
    let stored = print(before)?;
    let held = stored.get(name).cloned().unwrap_or_else(|| Value::Object(Map::new()));
    // An empty object empties.
    if !new.is_empty()
        && let Value::Object(all) = crate::resource::merged(held, std::mem::take(new))
    {
        *new = all;
    }
    Ok(())
}

/// Bytes of JSON that a user has as metadata of a kind, where a body changes it.
fn held_length(before: &User, body: &Map<String, Value>, name: &str) -> Result<usize, Problem> {
    if !body.contains_key(name) {
        return Ok(0);
    }
    Ok(print(before)?.get(name).map_or(0, |held| held.to_string().len()))
}

/// Metadata is read with the user at each sign-in: it must not grow without end. `most` is in bytes of JSON.
fn limited(body: &Map<String, Value>, name: &str, most: usize) -> Result<(), Problem> {
    let length = body.get(name).map_or(0, |value| value.to_string().len());
    if length > most {
        return Err(Problem::payload(&format!("Object is too large ({length} bytes), maximum {most}"), name));
    }
    Ok(())
}

/// Bytes of JSON that an administrator may keep as one kind of metadata of a user.
const MOST_METADATA: usize = 1 << 20;
/// And what users may keep about themselves with a token of their own.
const MOST_OWN_METADATA: usize = 16 << 10;

/// With the scopes of a user's own token, only what is theirs to change.
async fn may_update(call: &Call) -> Result<(), Problem> {
    if call.caller.has("update:users") {
        return Ok(());
    }
    let names: Vec<&str> =
        call.body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if call.caller.has("update:users_app_metadata") && names.iter().all(|name| *name == "app_metadata") {
        return Ok(());
    }
    if call.caller.has("update:current_user_metadata") && names.iter().all(|name| *name == "user_metadata") {
        return must_be_oneself(call).await;
    }
    Err(Problem::InsufficientScope(vec!["update:users"]))
}

/// For scopes that speak of the current user: the one of the token, and not blocked since it was issued.
pub(super) async fn must_be_oneself(call: &Call) -> Result<(), Problem> {
    if call.caller.user_id.as_deref() != Some(call.at("id")) {
        return Err(Problem::Forbidden(
            "insufficient_scope",
            "User to be acted on does not match subject in bearer token.".into(),
        ));
    }
    match load(call, "id").await?.is_blocked() {
        true => Err(Problem::InvalidToken),
        false => Ok(()),
    }
}

fn taken(error: Error) -> Problem {
    match error {
        Error::Conflict => Problem::ConflictAs("auth0_idp_error", "The user already exists.".into()),
        other => stored(other),
    }
}

fn normal_email(text: &str) -> Result<String, Problem> {
    database::email(text).map_err(|_| {
        Problem::payload(&format!("Object didn't pass validation for format email: {text}"), "email")
    })
}

/// A user name as long as the connection wants them.
fn username_of(text: &str, connection: &Connection) -> Result<String, Problem> {
    let name = normal_username(text)?;
    let (min, max) = connection.settings().username_length();
    if (min..=max).contains(&name.chars().count()) {
        return Ok(name);
    }
    Err(Problem::payload(&format!("The username must have {min} to {max} characters"), "username"))
}

fn normal_username(text: &str) -> Result<String, Problem> {
    database::username(text).map_err(|refused| Problem::payload(&refused.to_string(), "username"))
}

fn take_text(body: &mut Map<String, Value>, name: &str) -> Option<String> {
    match body.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
