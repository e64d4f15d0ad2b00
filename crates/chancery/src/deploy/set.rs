//! Sets of operations, sent to a server: planned or applied.

use std::fmt;

use anyhow::{Context, Result, bail};
use chancery_management::{Operation, operations};
use http::Method;
use serde_json::{Value, json};

use crate::management::{Management, path, said};

/// A server that plans and applies.
#[derive(Debug)]
pub(crate) struct Sets {
    management: Management,
    operations: Vec<Operation>,
}

/// What came of a set.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) revision: i64,
    pub(crate) operations: Vec<Value>,
    pub(crate) effects: Vec<Value>,
    pub(crate) hidden_effects: Vec<String>,
}

/// Why a set was not taken.
#[derive(Debug)]
pub(crate) struct Refused {
    status: u16,
    code: Option<String>,
    /// What the server says.
    pub(crate) message: String,
    /// Which operation was the reason.
    pub(crate) operation: Option<usize>,
}

impl Refused {
    /// Whether the configuration was changed meanwhile.
    pub(crate) fn is_change(&self) -> bool {
        self.code.as_deref() == Some("configuration_changed")
    }

    /// Whether something was not found.
    pub(crate) fn is_missing(&self) -> bool {
        self.status == 404
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

impl Sets {
    pub(crate) fn new(management: Management) -> Self {
        Self { management, operations: operations() }
    }

    pub(super) fn issuer(&self) -> &str {
        self.management.base()
    }

    pub(super) fn client_id(&self) -> &str {
        self.management.client_id()
    }

    pub(super) fn operation(&self, method: &str, path: &str) -> Result<&Operation> {
        let found = self.operations.iter().find(|op| op.method.as_str() == method && op.path == path);
        found.with_context(|| format!("there is no operation {method} {path}"))
    }

    /// What would come of it.
    pub(crate) async fn plan(&self, revision: Option<i64>, operations: Vec<Value>) -> Result<Answers> {
        let mut body = json!({"operations": operations});
        if let Some(revision) = revision {
            body["revision"] = revision.into();
        }
        self.send("/api/chancery/v1/plan", &body).await
    }

    /// All of it, or nothing.
    pub(crate) async fn apply(&self, revision: i64, operations: Vec<Value>) -> Result<Answers> {
        let body = json!({"revision": revision, "operations": operations});
        self.send("/api/chancery/v1/apply", &body).await
    }

    /// Whether the server says that it has no such API; no where it says nothing about it.
    pub(crate) async fn lacks_api(&self, identifier: &str) -> bool {
        let path = format!("/api/v2{}", path("resource-servers", identifier));
        let answer = self.management.send(Method::GET, &path, None).await;
        answer.is_ok_and(|answer| answer.status == 404)
    }

    async fn send(&self, path: &str, body: &Value) -> Result<Answers> {
        let mut answer = self.management.send(Method::POST, path, Some(body)).await?;
        match answer.status {
            200 => {}
            // What an operation of the set does not find is a refusal like others.
            404 if answer.body.get("operation").is_none() => {
                bail!("{} has no {path}: it is no server of this kind, or an older one", self.issuer())
            }
            status => {
                let operation =
                    answer.body["operation"].as_u64().and_then(|index| usize::try_from(index).ok());
                let code = answer.body["errorCode"].as_str().map(str::to_owned);
                let message = format!("{status}: {}", said(&answer.body));
                return Err(Refused { status, code, message, operation }.into());
            }
        }
        let revision = answer.body["revision"].as_i64().context("the answer names no revision")?;
        let mut list = |name: &str| match answer.body[name].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        let hidden = list("hidden_effects");
        Ok(Answers {
            revision,
            operations: list("operations"),
            effects: list("effects"),
            hidden_effects: hidden.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect(),
        })
    }
}
