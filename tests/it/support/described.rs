//! Every answer of the Management API that a test gets must be as the OpenAPI document describes it.

use std::sync::LazyLock;

use chancery_management::{answer_shapes, shape};

use super::Answer;

type Described = (String, String, shape::Shape);

static DESCRIBED: LazyLock<Vec<Described>> = LazyLock::new(answer_shapes);

/// Looks at what succeeded whole: `fields` takes members away.
pub(super) fn is_as_described(method: &str, target: &str, answer: &Answer) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(path) = path.strip_prefix("/api/v2") else { return };
    if !answer.status.is_success() || query.contains("fields=") {
        return;
    }
    let is_it = |described: &&Described| described.0 == method && fits(&described.1, path);
    // The narrowest: `/organizations/name/{name}` before what has more holes.
    let holes = |described: &&Described| described.1.matches('{').count();
    let Some((_, template, shape)) = DESCRIBED.iter().filter(is_it).min_by_key(holes) else { return };
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
