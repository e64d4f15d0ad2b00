//! What an operation gets, and what it gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use chancery_core::problem::{Missing, Problem};
use chancery_core::scope::{CURRENT_USER, is_reserved};
use chancery_store::{Change, Origin, Snapshot, Store};
use chancery_web::{AccessTokenClaims, Ctx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::query::Query;

/// A request that has passed: the caller may, query and body have their shapes.
pub(crate) struct Call {
    pub(crate) ctx: Ctx,
    pub(crate) caller: Caller,
    pub(crate) path: Vec<(&'static str, String)>,
    pub(crate) query: Query,
    pub(crate) body: Value,
    /// The answer is to be a table; for lists that can be one.
    pub(crate) wants_csv: bool,
    /// The set of changes that it is part of; `None` where the operation is alone.
    pub(crate) staged: Option<Part>,
}

/// A set of changes, for the operations in it.
#[derive(Clone)]
pub(crate) struct Part {
    /// Where writes wait for others to be committed with.
    store: Store,
    /// Whether it is to be applied, not planned.
    pub(crate) is_meant: bool,
    /// Connections that keys were made for.
    keyed: Arc<AtomicUsize>,
    /// Connections whose providers were asked.
    asked: Arc<AtomicUsize>,
}

impl Part {
    pub(crate) fn new(store: Store, is_meant: bool) -> Self {
        Self { store, is_meant, keyed: Arc::default(), asked: Arc::default() }
    }

    /// Counts a connection that needs keys, each of which is much work.
    pub(crate) fn count_keyed(&self) -> Result<(), Problem> {
        if self.keyed.fetch_add(1, Ordering::Relaxed) < MOST_KEYED {
            return Ok(());
        }
        Err(Problem::refused(format!(
            "A set of changes makes keys for {MOST_KEYED} connections at most: apply the others after it."
        )))
    }

    /// Counts a connection whose provider is asked for its document, which takes as long as the provider likes.
    pub(crate) fn count_asked(&self) -> Result<(), Problem> {
        if self.asked.fetch_add(1, Ordering::Relaxed) < MOST_ASKED {
            return Ok(());
        }
        Err(Problem::refused(format!(
            "A set of changes reads the documents of {MOST_ASKED} providers at most: apply the others after it."
        )))
    }
}

const MOST_KEYED: usize = 20;
const MOST_ASKED: usize = 20;

/// Whose token it is.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) client_id: Option<String>,
    /// The user a token speaks for; `None` for machines.
    pub(crate) user_id: Option<String>,
    pub(crate) claims: Arc<AccessTokenClaims>,
}

impl Caller {
    /// The user, where the token is good for their own account alone. Anybody who has one gets such a token: they are counted each by
    /// themselves, and none of them uses up what administrators and machines may ask.
    pub(crate) fn for_themselves(&self) -> Option<&str> {
        let is_own = self
            .claims
            .scope
            .iter()
            .all(|scope| is_reserved(scope) || CURRENT_USER.contains(&scope.as_str()));
        self.user_id.as_deref().filter(|_| is_own)
    }

    pub(crate) fn has(&self, scope: &str) -> bool {
        self.claims.has_scope(scope)
    }

    /// Whether the token has every one of the scopes.
    ///
    /// # Errors
    /// A refusal that names those it lacks.
    pub(crate) fn needs(&self, scopes: &[&str]) -> Result<(), Problem> {
        let missing = scopes.iter().filter(|scope| !self.has(scope)).map(|scope| (*scope).to_owned());
        let missing: Vec<String> = missing.collect();
        if missing.is_empty() { Ok(()) } else { Err(Problem::LackingScopes(missing)) }
    }

    pub(crate) fn has_any(&self, scopes: &[&str]) -> bool {
        scopes.is_empty() || scopes.iter().any(|scope| self.has(scope))
    }
}

impl Call {
    pub(crate) fn tenant(&self) -> &str {
        &self.ctx.tenant.tenant
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.ctx.tenant
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.ctx.origin
    }

    pub(crate) fn store(&self) -> &Store {
        self.staged.as_ref().map_or(&self.ctx.app.store, |part| &part.store)
    }

    /// The part of the path with this name; empty where the operation has none.
    pub(crate) fn at(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The members of the body.
    pub(crate) fn members(&self) -> Map<String, Value> {
        self.body.as_object().cloned().unwrap_or_default()
    }

    /// The body as a type. Shapes are narrower than types, so this fails only where the two disagree.
    pub(crate) fn body_as<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        read(self.body.clone())
    }

    /// Writes a change and waits until this node sees it. Answers the revision of the configuration.
    pub(crate) async fn apply(&self, change: Change) -> Result<i64, chancery_store::Error> {
        match &self.staged {
            Some(part) => part.store.apply(change).await,
            None => self.ctx.app.catalog.apply(change).await,
        }
    }

    /// An identifier of an API in a body, as it is stored.
    pub(crate) fn stored_identifier(&self, identifier: &str) -> String {
        let api = self.snapshot().resolve_api(self.origin(), identifier);
        api.map_or_else(|| identifier.to_owned(), |api| api.identifier.clone())
    }
}

/// A type from JSON that passed its shape.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|error| Problem::payload(&error.to_string(), ""))
}

/// A stored document.
pub(crate) fn read_stored<T: DeserializeOwned>(json: &str) -> Result<T, Problem> {
    serde_json::from_str(json).map_err(|error| {
        tracing::error!(line = error.line(), column = error.column(), "a stored document cannot be read");
        Problem::Internal
    })
}

/// JSON of a type.
pub(crate) fn print<T: Serialize>(value: &T) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(internal)
}

/// Something that cannot fail did. The cause goes to the log.
pub(crate) fn internal(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "management: {error}");
    Problem::Internal
}

/// Store errors where no better word is known.
pub(crate) fn stored(error: chancery_store::Error) -> Problem {
    match error {
        chancery_store::Error::Conflict => Problem::conflict("The resource already exists."),
        chancery_store::Error::Guard => Problem::conflict("The resource was changed by somebody else."),
        chancery_store::Error::Busy(_) => Problem::Unavailable,
        chancery_store::Error::TooBroad => Problem::TooBroad,
        other => internal(other),
    }
}

/// A 404.
pub(crate) const fn missing(message: &'static str, code: &'static str) -> Missing {
    Missing { message, code: Some(code) }
}

/// What an operation answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<Value>,
    /// The revision of the configuration, after a change.
    pub(crate) rev: Option<i64>,
    /// The `Link` header of checkpoint pages of logs, and of tables.
    pub(crate) link: Option<String>,
    /// A table in the place of a body.
    pub(crate) csv: Option<String>,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, body: Option<Value>) -> Self {
        Self { status, body, rev: None, link: None, csv: None }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, Some(body))
    }

    pub(crate) fn no_body() -> Self {
        Self::new(StatusCode::OK, None)
    }

    pub(crate) fn created(body: Value) -> Self {
        Self::new(StatusCode::CREATED, Some(body))
    }

    pub(crate) fn accepted() -> Self {
        Self::new(StatusCode::ACCEPTED, Some(Value::Object(Map::new())))
    }

    pub(crate) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, None)
    }

    pub(crate) fn at(self, rev: i64) -> Self {
        Self { rev: Some(rev), ..self }
    }
}
