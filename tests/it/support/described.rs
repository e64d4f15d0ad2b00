//! Every answer of the Management API that a test gets must be as the OpenAPI document describes it.

use std::sync::LazyLock;

use chancery_management::{OWN, WIRE, answer_shapes, operations, own_operations, shape};

use super::Answer;

type Described = (String, String, shape::Shape);

static DESCRIBED: LazyLock<Vec<Described>> = LazyLock::new(answer_shapes);
static OPERATIONS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    operations()
        .iter()
        .chain(&own_operations())
        .map(|operation| (operation.method.to_string(), operation.path.to_owned()))
        .collect()
});

/// Looks at what succeeded whole: `fields` takes members away.
pub(super) fn is_as_described(method: &str, target: &str, answer: &Answer) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(path) = path.strip_prefix(WIRE).or_else(|| path.strip_prefix(OWN)) else { return };
    let is_table = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/csv"));
    if !answer.status.is_success() || query.contains("fields=") || is_table {
        return;
    }
    // The narrowest of all operations, described or not: `/organizations/name/{name}` before what has more holes.
    let fitting = OPERATIONS.iter().filter(|(verb, template)| verb == method && fits(template, path));
    let Some(called) = fitting.min_by_key(|(_, template)| template.matches('{').count()) else { return };
    let is_it = |described: &&Described| (&described.0, &described.1) == (&called.0, &called.1);
    let Some((_, template, shape)) = DESCRIBED.iter().find(is_it) else { return };
    if let Err(fault) = shape::check(shape, &answer.json()) {
        panic!("{method} {template} is not as described: {} at {:?}\n{answer:?}", fault.reason, fault.path);
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}
