//! What was read, written: each account and each group in one step, together with the word that this run goes on.

use std::collections::{BTreeSet, HashMap, HashSet};

use chancery_connect::users as database;
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::logout::Initiator;
use chancery_core::model::{Identity, User};
use chancery_store::{Batch, DirectoryAccount, Error, Group, GroupFilter, NewUser};
use chancery_web::{App, is_heard};
use serde_json::{Map, Value};

use super::read::{Directory, Person, ReadGroup};
use super::{Job, Stopped};
use crate::accounts::{Accounts, Found, Unwritten, unprove};
use crate::scim::Target;

/// Answers what went wrong with some, though not with all.
pub(super) async fn write(app: &App, job: &Job, directory: &Directory) -> Result<Option<String>, Stopped> {
    let tenant = app.catalog.snapshot(&job.tenant).await?;
    let mut writer = Writer {
        app,
        job,
        is_heard: is_heard(&tenant, Initiator::AccountDeactivated),
        targets: &directory.targets,
        seen: Batch::default(),
        waiting: 0,
        troubles: Vec::new(),
    };
    let mut open: HashMap<&str, String> = HashMap::new();
    for person in &directory.people {
        let account = format!("{PROVIDER}|{}", person.own_id);
        if writer.person(person, &account).await? && !writer.is_shut(person) {
            open.insert(&person.id, account);
        }
    }
    writer.flush().await?;
    writer.shut_out_the_rest().await?;
    if let Some(groups) = &directory.groups {
        writer.groups(groups, &open).await?;
    }
    Ok(writer.told())
}

const PROVIDER: &str = "google-apps";
const TRIES: usize = 5;
/// Accounts without news that are written down at once.
const AT_ONCE: usize = 200;
const MOST_METADATA: usize = 1 << 20;

struct Writer<'a> {
    app: &'a App,
    job: &'a Job,
    /// Whether an application hears of users who are shut out.
    is_heard: bool,
    targets: &'a [Target],
    /// Accounts without news, to be written down as seen.
    seen: Batch,
    waiting: usize,
    /// Who could not be written, and why.
    troubles: Vec<String>,
}

/// Why one account or group is not written.
enum Trouble {
    Theirs(String),
    Ours(Stopped),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Ours(Stopped::Store(error))
    }
}

impl Writer<'_> {
    fn accounts(&self) -> Accounts<'_> {
        Accounts {
            store: &self.app.store,
            tenant: &self.job.tenant,
            connection: &self.job.connection.name,
            now_ms: self.app.clock.now_ms(),
            is_heard: self.is_heard,
        }
    }

    /// With the word that this run goes on: nothing is written where another one took over.
    async fn commit(&self, batch: Batch) -> Result<(), Error> {
        let store = &self.app.store;
        store.commit(store.go_on_with_directory(self.job.key(), self.app.clock.now_ms()).and(batch)).await
    }

    async fn is_over(&self) -> Result<bool, Stopped> {
        match self.commit(Batch::default()).await {
            Ok(()) => Ok(false),
            Err(Error::Guard) => Ok(true),
            Err(other) => Err(other.into()),
        }
    }

    /// Whether the directory shuts somebody out.
    fn is_shut(&self, person: &Person) -> bool {
        let mut blocks = self.targets.iter().zip(&person.values);
        blocks.any(|(target, value)| *target == Target::Blocked && *value == Some(Value::Bool(true)))
    }

    /// Whether there is the account now. A profile that is not right keeps nobody in who is shut out.
    async fn person(&mut self, person: &Person, account: &str) -> Result<bool, Stopped> {
        let why = match self.settle(person, account, true).await {
            Ok(is_there) => return Ok(is_there),
            Err(Trouble::Ours(stopped)) => return Err(stopped),
            Err(Trouble::Theirs(why)) => why,
        };
        self.troubles.push(format!("{}: {why}", person.own_id));
        match self.settle(person, account, false).await {
            Ok(is_there) => Ok(is_there),
            Err(Trouble::Ours(stopped)) => Err(stopped),
            Err(Trouble::Theirs(_)) => Ok(false),
        }
    }

    async fn settle(&mut self, person: &Person, account: &str, with_profile: bool) -> Result<bool, Trouble> {
        let (tenant, store) = (&self.job.tenant, &self.app.store);
        for _ in 0..TRIES {
            let known = store.directory_account(tenant, &self.job.connection.id, account).await?;
            let found = self.accounts().find(account).await?;
            let Some(found) = found else {
                if !with_profile {
                    return Ok(false);
                }
                let new = self.newcomer(person)?;
                let batch =
                    store.create_user_batch(tenant, &new)?.and(self.note(account, self.is_shut(person)));
                match self.commit(batch).await {
                    Ok(()) => return Ok(true),
                    Err(Error::Guard) => return Err(Trouble::Ours(Stopped::Over)),
                    Err(Error::Conflict) => return Err(Trouble::Theirs(TAKEN.to_owned())),
                    Err(other) => return Err(other.into()),
                }
            };
            let before = found.document();
            let mut after = before.clone();
            if with_profile {
                self.fill(person, &mut after).map_err(Trouble::Theirs)?;
            }
            let was_ours = known.as_ref().is_some_and(|known| known.is_shut);
            let is_ours = block(&mut after, self.is_shut(person), was_ours);
            if after == before {
                let is_news = known.is_none_or(|known| known.is_shut != is_ours || known.is_gone);
                self.wait(self.note(account, is_ours), is_news).await.map_err(Trouble::Ours)?;
                return Ok(true);
            }
            let batch = self.written(&found, after)?.and(self.note(account, is_ours));
            match self.commit(batch).await {
                Ok(()) => return Ok(true),
                Err(Error::Guard) if self.is_over().await.map_err(Trouble::Ours)? => {
                    return Err(Trouble::Ours(Stopped::Over));
                }
                Err(Error::Guard) => {}
                Err(Error::Conflict) => return Err(Trouble::Theirs(TAKEN.to_owned())),
                Err(other) => return Err(other.into()),
            }
        }
        Err(Trouble::Theirs("it is being changed by somebody else".to_owned()))
    }

    fn written(&self, found: &Found, document: Map<String, Value>) -> Result<Batch, Trouble> {
        self.accounts().write(found, document).map_err(|unwritten| match unwritten {
            Unwritten::Document => Trouble::Theirs("an attribute is not what it should be".to_owned()),
            Unwritten::Gone => Trouble::Theirs("it is being changed by somebody else".to_owned()),
            Unwritten::Store(error) => error.into(),
        })
    }

    fn newcomer(&self, person: &Person) -> Result<NewUser, Trouble> {
        let connection = self.job.connection.name.clone();
        let identity = Identity {
            connection: connection.clone(),
            user_id: person.own_id.clone(),
            provider: PROVIDER.to_owned(),
            is_social: false,
            profile_data: None,
        };
        let now = format_ms(self.app.clock.now_ms());
        let user = User {
            created_at: now.clone(),
            updated_at: now,
            user_id: identity.account(),
            identities: vec![identity],
            ..User::default()
        };
        let document = serde_json::to_value(&user).unwrap_or_default();
        let mut document = document.as_object().cloned().unwrap_or_default();
        self.fill(person, &mut document).map_err(Trouble::Theirs)?;
        block(&mut document, self.is_shut(person), false);
        let user = serde_json::from_value(Value::Object(document))
            .map_err(|_| Trouble::Theirs("an attribute is not what it should be".to_owned()))?;
        Ok(NewUser { user, connection, password_hash: None })
    }

    /// Puts what the directory says into a document of a user; what it does not say is no more.
    fn fill(&self, person: &Person, document: &mut Map<String, Value>) -> Result<(), String> {
        let before = document.get("email").cloned();
        for (target, value) in self.targets.iter().zip(&person.values) {
            let is_fit = match (target, value) {
                (Target::Blocked, _) => continue,
                (_, None) | (Target::Metadata(..), _) => true,
                (Target::Profile(_), Some(value)) => value.is_string(),
                (Target::Claim(_), Some(value)) => !value.is_object() && !value.is_array(),
            };
            if !is_fit || value.as_ref().is_some_and(crate::dispatch::holds_nul) {
                return Err("an attribute is not what it should be".to_owned());
            }
            target.put(document, value.as_ref());
        }
        if let Some(email) = document.get("email").and_then(Value::as_str) {
            let email = database::email(email).map_err(|_| "the address is not valid".to_owned())?;
            document.insert("email".to_owned(), email.into());
        }
        unprove(document, before.as_ref());
        let is_large = |kind| document.get(kind).is_some_and(|value| value.to_string().len() > MOST_METADATA);
        if is_large("app_metadata") || is_large("user_metadata") {
            return Err("the user has too many attributes".to_owned());
        }
        Ok(())
    }

    fn note(&self, account: &str, is_shut: bool) -> Batch {
        let seen = DirectoryAccount { account: account.to_owned(), is_shut, is_gone: false };
        self.app.store.note_directory_account(self.job.key(), &seen)
    }

    /// Writes down together who has no news.
    async fn wait(&mut self, note: Batch, at_once: bool) -> Result<(), Stopped> {
        self.seen = std::mem::take(&mut self.seen).and(note);
        self.waiting += 1;
        if at_once || self.waiting >= AT_ONCE { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Stopped> {
        self.waiting = 0;
        let seen = std::mem::take(&mut self.seen);
        if seen.is_empty() { Ok(()) } else { Ok(self.commit(seen).await?) }
    }

    /// Whoever was in the directory and is no more does not sign in and is in no group, until they are back.
    async fn shut_out_the_rest(&mut self) -> Result<(), Stopped> {
        let store = &self.app.store;
        loop {
            let left = store.directory_accounts_left(self.job.key(), 100).await?;
            if left.is_empty() {
                return Ok(());
            }
            for known in left {
                self.shut_out(&known).await?;
            }
        }
    }

    async fn shut_out(&mut self, known: &DirectoryAccount) -> Result<(), Stopped> {
        let (store, account) = (&self.app.store, known.account.as_str());
        for _ in 0..TRIES {
            let mut batch = store.leave_groups(&self.job.tenant, account);
            let mut is_shut = known.is_shut;
            if let Some(found) = self.accounts().find(account).await? {
                let before = found.document();
                let mut after = before.clone();
                is_shut = block(&mut after, true, known.is_shut);
                if after != before {
                    batch = match self.written(&found, after) {
                        Ok(written) => batch.and(written),
                        Err(Trouble::Ours(stopped)) => return Err(stopped),
                        Err(Trouble::Theirs(_)) => continue,
                    };
                }
            }
            let gone = DirectoryAccount { account: account.to_owned(), is_shut, is_gone: true };
            match self.commit(batch.and(store.note_directory_account(self.job.key(), &gone))).await {
                Ok(()) => return Ok(()),
                Err(Error::Guard) if self.is_over().await? => return Err(Stopped::Over),
                Err(Error::Guard) => {}
                Err(other) => return Err(other.into()),
            }
        }
        // Nobody is let by because they are hard to write.
        Err(format!("{account} could not be shut out: it is being changed by somebody else.").into())
    }

    async fn groups(&mut self, wanted: &[ReadGroup], open: &HashMap<&str, String>) -> Result<(), Stopped> {
        let (tenant, store) = (&self.job.tenant, &self.app.store);
        let own = GroupFilter { connection_id: Some(&self.job.connection.id), ..GroupFilter::default() };
        let known = store.groups(tenant, &own, "", (0, MOST_KNOWN)).await?;
        for group in wanted {
            let members = group.members.iter().filter_map(|id| open.get(id.as_str()).cloned()).collect();
            let known = known.iter().find(|known| known.external_id.as_deref() == Some(&group.id));
            let now = self.app.clock.now_ms();
            let after = Group {
                id: known.map_or_else(
                    || format!("grp_{}", ids::alphanumeric(&*self.app.rng, 22)),
                    |known| known.id.clone(),
                ),
                connection_id: self.job.connection.id.clone(),
                name: group.name.clone(),
                external_id: Some(group.id.clone()),
                created_at: known.map_or(now, |known| known.created_at),
                updated_at: now,
            };
            self.group(known, &after, &members).await?;
        }
        // What roles a group gives is the administrators' to say: it stays, with nobody in it.
        let read: HashSet<&str> = wanted.iter().map(|group| group.id.as_str()).collect();
        for group in known.iter().filter(|known| {
            known.external_id.as_deref().is_some_and(|external_id| !read.contains(external_id))
        }) {
            self.group(Some(group), group, &BTreeSet::new()).await?;
        }
        Ok(())
    }

    async fn group(
        &mut self,
        known: Option<&Group>,
        after: &Group,
        wanted: &BTreeSet<String>,
    ) -> Result<(), Stopped> {
        let (tenant, store) = (&self.job.tenant, &self.app.store);
        let now_ms = self.app.clock.now_ms();
        let present = match known {
            Some(group) => self.members(&group.id).await?,
            None => BTreeSet::new(),
        };
        if known.is_some_and(|known| known.name == after.name) && present == *wanted {
            return Ok(());
        }
        let mut batch = match known {
            Some(_) => store.update_group(tenant, after),
            None => store.insert_group(tenant, after),
        };
        let (new, old): (Vec<String>, Vec<String>) =
            (wanted.difference(&present).cloned().collect(), present.difference(wanted).cloned().collect());
        batch = batch.and(store.remove_group_members(tenant, &after.id, &old)).and(store.add_group_members(
            tenant,
            &after.id,
            (&self.job.connection.name, &new),
            now_ms,
        ));
        match self.commit(batch).await {
            Ok(()) => Ok(()),
            Err(Error::Guard) if self.is_over().await? => Err(Stopped::Over),
            Err(Error::Guard) => {
                self.troubles.push(format!("group {}: it was deleted meanwhile", after.name));
                Ok(())
            }
            Err(Error::Conflict) => {
                self.troubles.push(format!("group {}: there is another of this name", after.name));
                Ok(())
            }
            Err(other) => Err(other.into()),
        }
    }

    async fn members(&self, group_id: &str) -> Result<BTreeSet<String>, Stopped> {
        let (mut members, mut after) = (BTreeSet::new(), String::new());
        loop {
            let part = self.app.store.group_members(&self.job.tenant, group_id, &after, PART).await?;
            let is_last = i64::try_from(part.len()).is_ok_and(|found| found < PART);
            if let Some(last) = part.last() {
                after.clone_from(&last.account);
            }
            members.extend(part.into_iter().map(|member| member.account));
            if is_last {
                return Ok(members);
            }
        }
    }

    fn told(self) -> Option<String> {
        let first = self.troubles.first()?;
        Some(format!("{} could not be written whole; the first is {first}.", self.troubles.len()))
    }
}

const PART: i64 = 1000;
const MOST_KNOWN: i64 = 100_000;
const TAKEN: &str = "the connection has a user with this address already, or the id belongs to somebody else";

/// Blocks or lets in again; only blocks that are the directory's own are lifted. Answers whether there is one of its own now.
fn block(document: &mut Map<String, Value>, is_shut: bool, was_ours: bool) -> bool {
    let is_blocked = document.get("blocked") == Some(&Value::Bool(true));
    if is_shut && !is_blocked {
        document.insert("blocked".to_owned(), true.into());
        return true;
    }
    if !is_shut && was_ours {
        document.shift_remove("blocked");
        return false;
    }
    is_shut && was_ours
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whose_block_it_is() {
        // Blocked before, shut by the directory, the directory's block before; blocked after, the directory's after.
        for (was, shut, ours, is, still) in [
            (false, false, false, false, false),
            (false, true, false, true, true),
            (true, true, true, true, true),
            (true, true, false, true, false),
            (true, false, true, false, false),
            (true, false, false, true, false),
            // An administrator let them in, the directory does not.
            (false, true, true, true, true),
            (false, false, true, false, false),
        ] {
            let mut document = Map::from_iter([("blocked".to_owned(), json!(was))]);
            let case = (was, shut, ours);
            assert_eq!(block(&mut document, shut, ours), still, "{case:?}");
            assert_eq!(document.get("blocked") == Some(&Value::Bool(true)), is, "{case:?}");
        }
    }
}
