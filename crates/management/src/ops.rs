//! The one table of operations. `published.tsv` says which operations the API has, whatever of them is built; the shape
//! files say what their queries and bodies are; [`Table::bind`] says what happens. Router, scope check, validation,
//! OpenAPI document, command line and coverage report all read this table.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use axum::http::Method;
use chancery_core::problem::Problem;

use crate::call::{Answer, Call};
use crate::shape::{self, Header, Shape};

/// Where published operations begin.
pub const WIRE: &str = "/api/v2";
/// Where operations begin that are ours alone.
pub const OWN: &str = "/api/chancery/v1";

/// What an operation does once the caller may and the request is well formed.
pub(crate) type Handler =
    Arc<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>> + Send + Sync>;

/// One operation of the Management API.
#[derive(Clone)]
pub struct Operation {
    /// `get_roles`: unique, stable; the `operationId` of the OpenAPI document.
    pub id: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Where the path begins: [`WIRE`] or [`OWN`].
    pub base: &'static str,
    /// Below the base: `/roles/{id}`.
    pub path: &'static str,
    /// A token needs one of these; none means that any token for this API will do.
    pub scopes: Vec<&'static str>,
    /// A token needs all of them instead.
    pub needs_all: bool,
    /// The status of a success.
    pub status: u16,
    /// `None` where the operation is published but not built: it answers 501.
    pub(crate) handler: Option<Handler>,
}

impl Operation {
    /// Whether this server has the operation.
    pub fn is_built(&self) -> bool {
        self.handler.is_some()
    }

    /// Whether it changes anything. `POST /explain` asks.
    pub(crate) fn writes(&self) -> bool {
        self.method != Method::GET && (self.base == WIRE || self.path != "/explain")
    }

    /// The query, an object of its parameters.
    pub fn query(&self) -> Option<&'static Shape> {
        self.shape(true)
    }

    /// The body; `None` where none is read.
    pub fn body(&self) -> Option<&'static Shape> {
        self.shape(false)
    }

    fn shape(&self, is_query: bool) -> Option<&'static Shape> {
        SHAPES.get(self.method.as_str())?.get(self.path)?.get(usize::from(is_query))?.as_ref()
    }

    /// `roles`: the first part of the path.
    pub fn resource(&self) -> &'static str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }

    /// The names between braces, from left to right.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// Shows which it is.
impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Every published operation, the built ones and the others, in the order of the contract.
pub fn operations() -> Vec<Operation> {
    table().operations
}

/// Operations that no contract has: they stand beside the published ones, and are counted nowhere among them.
pub fn own_operations() -> Vec<Operation> {
    own_table().operations
}

/// Every scope that some operation asks for, and those of the service's own document beyond (fact sheet 1.3), each once.
pub fn scopes() -> Vec<&'static str> {
    let mut scopes = Vec::new();
    let operations = Table::published().operations;
    for scope in operations.iter().flat_map(|operation| &operation.scopes).chain(FURTHER_SCOPES) {
        if !scopes.contains(scope) {
            scopes.push(*scope);
        }
    }
    scopes
}

/// The finished table.
pub(crate) fn table() -> Table {
    let mut table = Table::published();
    crate::resources::bind(&mut table);
    table
}

/// The finished table of operations of our own.
pub(crate) fn own_table() -> Table {
    let mut table = Table::read(OWN, OWN_OPERATIONS);
    crate::explain::bind(&mut table);
    crate::resources::bind_own(&mut table);
    table
}

/// Operations being bound to what they do.
pub(crate) struct Table {
    pub(crate) operations: Vec<Operation>,
    /// Bound, but not published: a slip of the pen, found by a test.
    pub(crate) strays: Vec<String>,
}

impl Table {
    fn published() -> Self {
        Self::read(WIRE, PUBLISHED)
    }

    fn read(base: &'static str, lines: &'static str) -> Self {
        let operations = lines.lines().filter_map(|line| operation(base, line)).collect();
        Self { operations, strays: Vec::new() }
    }

    /// Says what `POST /roles` does.
    pub(crate) fn bind<F, R>(&mut self, name: &str, handler: F)
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Answer, Problem>> + Send + 'static,
    {
        let found = name.split_once(' ').and_then(|(method, path)| {
            self.operations.iter_mut().find(|op| op.method.as_str() == method && op.path == path)
        });
        match found {
            Some(operation) => operation.handler = Some(Arc::new(move |call| Box::pin(handler(call)))),
            None => self.strays.push(name.to_owned()),
        }
    }
}

fn operation(base: &'static str, line: &'static str) -> Option<Operation> {
    let mut columns = line.split('\t');
    let (method, path, id) = (columns.next()?, columns.next()?, columns.next()?);
    let scopes = columns.next()?.split([' ', ',']).filter(|s| s.contains(':')).collect();
    let status = columns.next()?.split(',').next()?.parse().ok()?;
    Some(Operation {
        id,
        method: Method::from_bytes(method.as_bytes()).ok()?,
        base,
        path,
        scopes,
        needs_all: base == OWN,
        status,
        handler: None,
    })
}

/// By method and path: the body, the query.
type Shapes = HashMap<String, HashMap<String, [Option<Shape>; 2]>>;

/// Read when the first operation is called: a server that nobody manages has no need of them, and they take 400 KB.
static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let mut shapes = Shapes::new();
    // That every file can be read is proven by a test; one that cannot would leave its operations unchecked.
    for (header, shape) in SHAPE_FILES.into_iter().flat_map(|text| shape::parse(text).unwrap_or_default()) {
        let Header { method, path, is_query } = header;
        let shape = if method == "PATCH" && !is_query { shape.with_nulls() } else { shape };
        let of_operation = shapes.entry(method).or_default().entry(path).or_default();
        of_operation[usize::from(is_query)] = Some(shape);
    }
    shapes
});

const PUBLISHED: &str = include_str!("../published.tsv");
const OWN_OPERATIONS: &str = include_str!("../own.tsv");

const SHAPE_FILES: [&str; 32] = [
    include_str!("../shapes/agent-access.shape"),
    include_str!("../shapes/attack-protection.shape"),
    include_str!("../shapes/branding.shape"),
    include_str!("../shapes/client-grants.shape"),
    include_str!("../shapes/clients.shape"),
    include_str!("../shapes/configuration.shape"),
    include_str!("../shapes/connections.shape"),
    include_str!("../shapes/custom-domains.shape"),
    include_str!("../shapes/device-credentials.shape"),
    include_str!("../shapes/emails.shape"),
    include_str!("../shapes/explain.shape"),
    include_str!("../shapes/grants.shape"),
    include_str!("../shapes/groups.shape"),
    include_str!("../shapes/guardian.shape"),
    include_str!("../shapes/jobs.shape"),
    include_str!("../shapes/keys.shape"),
    include_str!("../shapes/logs.shape"),
    include_str!("../shapes/openid.shape"),
    include_str!("../shapes/organizations.shape"),
    include_str!("../shapes/prompts.shape"),
    include_str!("../shapes/refresh-tokens.shape"),
    include_str!("../shapes/resource-servers.shape"),
    include_str!("../shapes/roles.shape"),
    include_str!("../shapes/sessions.shape"),
    include_str!("../shapes/stats.shape"),
    include_str!("../shapes/tenants.shape"),
    include_str!("../shapes/tickets.shape"),
    include_str!("../shapes/token-exchange-profiles.shape"),
    include_str!("../shapes/trusted-issuers.shape"),
    include_str!("../shapes/user-blocks.shape"),
    include_str!("../shapes/users-by-email.shape"),
    include_str!("../shapes/users.shape"),
];

/// In the service's own document, though no published operation asks for them.
const FURTHER_SCOPES: &[&str] = &[
    "create:users_app_metadata",
    "read:users_app_metadata",
    "delete:users_app_metadata",
    "create:client_keys",
    "delete:client_keys",
    "read:rules_configs",
    "update:rules_configs",
    "delete:rules_configs",
    "blacklist:tokens",
    "read:insights",
    "create:shields",
    "read:shields",
    "update:shields",
    "delete:shields",
    "read:triggers",
    "update:triggers",
    "create:passwords_checking_job",
    "delete:passwords_checking_job",
    "read:limits",
    "update:limits",
    "read:entitlements",
    "read:organizations_summary",
    "read:user_idp_tokens",
    "read:custom_domains",
    "delete:custom_domains",
    "create:custom_domains",
    "update:custom_domains",
    "read:connections_options",
    "update:connections_options",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_operation() {
        let table = table();
        assert_eq!(table.operations.len(), PUBLISHED.lines().count());
        assert_eq!(table.strays, Vec::<String>::new());
        let own = own_table();
        assert_eq!(own.operations.len(), OWN_OPERATIONS.lines().count());
        assert_eq!(own.strays, Vec::<String>::new());
        let all = || table.operations.iter().chain(&own.operations);
        let ids: std::collections::BTreeSet<_> = all().map(|op| op.id).collect();
        assert_eq!(ids.len(), all().count());
    }

    #[test]
    fn every_shape_belongs_to_an_operation() {
        let mut seen = 0;
        for text in SHAPE_FILES {
            let shapes = shape::parse(text).unwrap();
            for (header, _) in &shapes {
                let known = |line: &str| line.starts_with(&format!("{}\t{}\t", header.method, header.path));
                assert!(PUBLISHED.lines().chain(OWN_OPERATIONS.lines()).any(known), "{header:?}");
            }
            seen += shapes.len();
        }
        let kept = SHAPES.values().flat_map(HashMap::values).flatten().flatten().count();
        assert_eq!(seen, kept, "two shapes for one thing");
    }

    #[test]
    fn whatever_is_built_and_writes_has_a_scope() {
        for operation in operations().iter().chain(&own_operations()).filter(|op| op.is_built()) {
            assert!(!operation.scopes.is_empty(), "{operation:?}");
        }
    }

    #[test]
    fn scopes_are_many_and_once() {
        let scopes = scopes();
        assert!(scopes.len() > 200, "{}", scopes.len());
        assert!(scopes.contains(&"read:users") && scopes.contains(&"blacklist:tokens"));
    }
}
