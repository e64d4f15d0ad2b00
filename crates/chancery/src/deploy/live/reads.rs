//! Many reads in few requests, pages of lists included, all of one revision.

use std::collections::HashMap;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::deploy::set::Sets;
use crate::deploy::unit::Type;

/// What is asked for, and what came.
#[derive(Default)]
pub(super) struct Reads {
    /// Of all answers.
    pub(super) revision: Option<i64>,
    waiting: Vec<Read>,
    lists: HashMap<Key, Vec<Value>>,
    pub(super) ones: HashMap<Key, Value>,
}

/// Path and its parameters.
pub(super) type Key = (String, Vec<String>);

#[derive(Clone)]
struct Read {
    path: String,
    parameters: Vec<String>,
    /// `None` for one thing, the query for the next page of a list.
    page: Option<String>,
    number: usize,
}

const PAGE: usize = 100;

impl Reads {
    pub(super) fn one_if(&mut self, is_wanted: bool, path: &str, parameters: &[&str]) {
        self.ask(is_wanted, path, parameters, None);
    }

    pub(super) fn list_if(&mut self, is_wanted: bool, path: &str) {
        self.list_of(is_wanted, path, &[]);
    }

    pub(super) fn list_of(&mut self, is_wanted: bool, path: &str, parameters: &[&str]) {
        let by_checkpoint =
            path.ends_with("/clients") && path != "/clients" || path.ends_with("/discovery-domains");
        if let Some((_, plain)) = Type::plains().find(|(_, plain)| plain.all == path) {
            return self.ask(is_wanted, path, parameters, Some(plain.page.to_owned()));
        }
        let first = match (path, by_checkpoint) {
            // The one list that is not cut.
            ("/clients/{client_id}/credentials", _) => String::new(),
            (_, true) => format!("take={PAGE}"),
            _ => format!("per_page={PAGE}&page=0"),
        };
        self.ask(is_wanted, path, parameters, Some(first));
    }

    fn ask(&mut self, is_wanted: bool, path: &str, parameters: &[&str], page: Option<String>) {
        if is_wanted {
            let parameters = parameters.iter().map(|text| (*text).to_owned()).collect();
            self.waiting.push(Read { path: path.to_owned(), parameters, page, number: 0 });
        }
    }

    pub(super) fn items(&self, path: &str, parameters: &[&str]) -> &[Value] {
        let key = (path.to_owned(), parameters.iter().map(|text| (*text).to_owned()).collect());
        self.lists.get(&key).map_or(&[], Vec::as_slice)
    }

    pub(super) fn one(&self, path: &str, parameters: &[&str]) -> Option<&Value> {
        let key = (path.to_owned(), parameters.iter().map(|text| (*text).to_owned()).collect());
        self.ones.get(&key)
    }

    /// Asks until nothing is left to ask; at least for the revision.
    pub(super) async fn run(&mut self, sets: &Sets) -> Result<()> {
        while self.revision.is_none() || !self.waiting.is_empty() {
            let reads: Vec<Read> = self.waiting.drain(..self.waiting.len().min(1000)).collect();
            let operations: Result<Vec<Value>> = reads.iter().map(|read| read.operation(sets)).collect();
            let answer = sets.plan(self.revision, operations?).await?;
            self.revision = Some(answer.revision);
            for (read, answer) in reads.into_iter().zip(answer.operations) {
                self.take(read, &answer);
            }
        }
        Ok(())
    }

    fn take(&mut self, read: Read, answer: &Value) {
        let body = answer.get("body").cloned().unwrap_or_default();
        let key = (read.path.clone(), read.parameters.clone());
        let Some(page) = &read.page else {
            if !body.is_null() {
                self.ones.insert(key, body);
            }
            return;
        };
        let (items, next) = match body {
            Value::Array(items) => (items, None),
            Value::Object(mut members) => {
                let next = members.get("next").and_then(Value::as_str).map(str::to_owned);
                let list = members.values_mut().find_map(Value::as_array_mut);
                (list.map(std::mem::take).unwrap_or_default(), next)
            }
            _ => (Vec::new(), None),
        };
        let is_full = items.len() == PAGE;
        let number = read.number + 1;
        let next = match next {
            // As many as the first page had.
            Some(next) => {
                let take = page.split('&').find(|part| part.starts_with("take="));
                Some(format!("{}&from={next}", take.unwrap_or("take=100")))
            }
            None if is_full && page.starts_with("per_page") => Some(format!("per_page={PAGE}&page={number}")),
            None => None,
        };
        self.lists.entry(key).or_default().extend(items);
        if next.is_some() {
            self.waiting.push(Read { page: next, number, ..read });
        }
    }
}

impl Read {
    fn operation(&self, sets: &Sets) -> Result<Value> {
        let operation = sets.operation("GET", &self.path)?;
        let names = operation.parameters();
        let path: Map<String, Value> = names
            .zip(&self.parameters)
            .map(|(name, value)| (name.to_owned(), value.as_str().into()))
            .collect();
        let mut asked = json!({"operation": operation.id, "path": path});
        if let Some(page) = self.page.as_ref().filter(|page| !page.is_empty()) {
            asked["query"] = page.as_str().into();
        }
        Ok(asked)
    }
}
