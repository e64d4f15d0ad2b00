//! The scopes of the Management API, as its table of operations has them, with descriptions for people.

use chancery_core::model::ScopeDefinition;

/// Every scope, each once. Reads the whole table, so whoever seeds often keeps the result.
pub fn management_scopes() -> Vec<ScopeDefinition> {
    let described = |value: &'static str| ScopeDefinition {
        value: value.to_owned(),
        description: Some(description(value)),
        consent: None,
    };
    chancery_management::scopes().into_iter().map(described).collect()
}

/// `Read client grants` for `read:client_grants`.
fn description(value: &str) -> String {
    let (verb, what) = value.split_once(':').unwrap_or((value, ""));
    let mut text = verb.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{text} {}", what.replace('_', " ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_scope_is_there_once() {
        let scopes = management_scopes();
        let values: BTreeSet<_> = scopes.iter().map(|scope| scope.value.as_str()).collect();
        assert_eq!(values.len(), scopes.len());
        for needed in
            ["read:client_grants", "create:resource_servers", "update:users", "delete:grants", "read:logs"]
        {
            assert!(values.contains(needed), "{needed}");
        }
        assert!(scopes.iter().all(|scope| scope.value.contains(':')));
    }

    #[test]
    fn descriptions() {
        assert_eq!(description("read:client_grants"), "Read client grants");
        assert_eq!(description("odd"), "Odd");
    }
}
