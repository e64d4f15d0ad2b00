//! All that a directory says and the mapping asks for, in memory: nothing is written before the last page is here.

use std::collections::{HashMap, HashSet};

use chancery_web::App;
use serde_json::{Value, json};

use super::google::{Google, List, Way, attribute, names, text};
use super::{Job, Stopped};
use crate::scim::Target;

/// What was read.
pub(super) struct Directory {
    /// Where each value of a person goes.
    pub(super) targets: Vec<Target>,
    pub(super) people: Vec<Person>,
    /// `None` where groups are not read.
    pub(super) groups: Option<Vec<ReadGroup>>,
}

/// Somebody in the directory.
pub(super) struct Person {
    /// Google's id.
    pub(super) id: String,
    /// The part of the account's id behind the bar.
    pub(super) own_id: String,
    /// In the order of the targets.
    pub(super) values: Vec<Option<Value>>,
}

/// A group of the directory.
pub(super) struct ReadGroup {
    /// Google's id.
    pub(super) id: String,
    pub(super) name: String,
    /// Google's ids of the people in it.
    pub(super) members: Vec<String>,
}

const MOST_USERS: usize = 50_000;
const MOST_GROUPS: usize = 2000;
const MOST_MEMBERS: usize = 200_000;
/// Bytes of all that is kept of people.
const MOST_BYTES: usize = 64 << 20;
/// Pages of one list: a service that always names another one comes to an end.
const MOST_PAGES: usize = 1000;
const MOST_ID: usize = 256;

impl Directory {
    pub(super) async fn read(app: &App, job: &Job, way: Way) -> Result<Self, Stopped> {
        let google = Google::open(app, way).await?;
        let reader = Reader { app, job, google: &google };
        let (attributes, targets) = mapping(&job.settings);
        let people = reader.people(&attributes).await?;
        if people.is_empty() {
            // Everybody would be shut out; a directory without its administrator is none.
            return Err("Google's directory names no users.".to_owned().into());
        }
        let groups = match job.groups() {
            Some(chosen) => Some(reader.groups(chosen).await?),
            None => None,
        };
        Ok(Self { targets, people, groups })
    }
}

/// What is asked of a user, and where it goes. Attributes that have no place here are left out.
fn mapping(settings: &Value) -> (Vec<String>, Vec<Target>) {
    let lines = settings.get("mapping").and_then(Value::as_array).into_iter().flatten();
    lines
        .filter_map(|line| {
            let target = Target::read(text(line, "auth0"))?;
            Some((text(line, "idp").to_owned(), target))
        })
        .unzip()
}

struct Reader<'a> {
    app: &'a App,
    job: &'a Job,
    google: &'a Google<'a>,
}

impl Reader<'_> {
    /// The whole of a list, of so many items at most; says after each page that the run goes on.
    async fn all(&self, list: &List<'_>, most: usize, mut take: impl FnMut(Value)) -> Result<(), Stopped> {
        let (mut token, mut count) = (None, 0);
        for _ in 0..MOST_PAGES {
            let (items, next) = self.google.page(list, token.as_deref()).await?;
            count += items.len();
            if count > most {
                return Err(format!("Google's list of {} has more than {most}.", list.member).into());
            }
            items.into_iter().for_each(&mut take);
            let alive = self.app.store.go_on_with_directory(self.job.key(), self.app.clock.now_ms());
            self.app.store.commit(alive).await?;
            match next {
                Some(next) => token = Some(next),
                None => return Ok(()),
            }
        }
        Err(format!("Google's list of {} does not end.", list.member).into())
    }

    async fn people(&self, attributes: &[String]) -> Result<Vec<Person>, Stopped> {
        let query = [("customer", "my_customer"), ("maxResults", "500"), ("projection", "full")];
        let list = List { path: "/users", member: "users", query: &query };
        // Of an address or of Google's id, as the connection says.
        let by_id = self.job.connection.options.get("map_user_id_to_id") == Some(&Value::Bool(true));
        let (mut people, mut known, mut bytes) = (Vec::new(), HashSet::new(), 0_usize);
        self.all(&list, MOST_USERS, |user| {
            let (id, email) = (text(&user, "id"), text(&user, "primaryEmail").to_lowercase());
            let own_id = if by_id { id.to_owned() } else { email };
            let is_id = |id: &str| (1..=MOST_ID).contains(&id.len()) && !id.chars().any(char::is_control);
            if !is_id(id) || !is_id(&own_id) || !known.insert(own_id.clone()) {
                return;
            }
            let values: Vec<Option<Value>> =
                attributes.iter().map(|path| attribute(&user, path).cloned()).collect();
            bytes += values.iter().map(|value| json!(value).to_string().len()).sum::<usize>();
            if bytes <= MOST_BYTES {
                people.push(Person { id: id.to_owned(), own_id, values });
            }
        })
        .await?;
        if bytes > MOST_BYTES {
            return Err("What the mapping asks of all users is more than 64 MiB.".to_owned().into());
        }
        Ok(people)
    }

    async fn groups(&self, chosen: Option<Vec<&str>>) -> Result<Vec<ReadGroup>, Stopped> {
        let query = [("customer", "my_customer"), ("maxResults", "200")];
        let list = List { path: "/groups", member: "groups", query: &query };
        let mut found = Vec::new();
        self.all(&list, MOST_GROUPS, |group| found.push(group)).await?;
        let names: HashMap<String, String> = names(&found);
        let is_chosen = |id: &str| chosen.as_ref().is_none_or(|chosen| chosen.contains(&id));
        let (mut groups, mut left) = (Vec::new(), MOST_MEMBERS);
        for (id, name) in names.into_iter().filter(|(id, _)| is_chosen(id)) {
            // It becomes a part of the address.
            let is_id = (1..=MOST_ID).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric());
            if !is_id {
                continue;
            }
            let path = format!("/groups/{id}/members");
            let list = List { path: &path, member: "members", query: &[("maxResults", "200")] };
            let mut members = Vec::new();
            // No groups in groups.
            self.all(&list, left, |member| {
                if text(&member, "type") != "GROUP" {
                    members.push(text(&member, "id").to_owned());
                }
            })
            .await?;
            left -= members.len().min(left);
            groups.push(ReadGroup { id, name, members });
        }
        Ok(groups)
    }
}
