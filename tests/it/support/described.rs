//! Every answer of the Management API that a test gets must be as the OpenAPI document describes it.

use std::sync::LazyLock;

use chancery_management::{Operation, answer_shapes, operations, shape};

use super::Answer;

type Described = (String, String, shape::Shape);

static DESCRIBED: LazyLock<Vec<Described>> = LazyLock::new(answer_shapes);
static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(operations);

/// Looks at what succeeded whole: `fields` takes members away.
pub(super) fn is_as_described(method: &str, target: &str, answer: &Answer) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(path) = path.strip_prefix("/api/v2") else { return };
    if !answer.status.is_success() || query.contains("fields=") {
        return;
    }
    // The narrowest: `/roles/search` before `/roles/{id}`.
    let is_it = |operation: &&Operation| operation.method == method && fits(operation.path, path);
    let found = OPERATIONS.iter().filter(is_it).min_by_key(|operation| operation.parameters().count());
    let Some(template) = found.map(|operation| operation.path) else { return };
    let is_its = |described: &&Described| described.0 == method && described.1 == template;
    let Some((_, _, shape)) = DESCRIBED.iter().find(is_its) else { return };
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
