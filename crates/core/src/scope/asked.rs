//! The `scope` parameter (RFC 6749, section 3.3).

use std::collections::HashSet;

/// What a request asked for: no duplicates, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedScopes<'a> {
    scopes: Vec<&'a str>,
}

impl<'a> AskedScopes<'a> {
    /// Nothing asked for.
    pub const NONE: AskedScopes<'static> = AskedScopes { scopes: Vec::new() };

    /// Splits at single spaces (0x20 and nothing else), drops empty pieces, keeps the first of equal ones. Linear in the
    /// length of the text.
    pub fn parse(text: &'a str) -> Self {
        Self { scopes: unique(text.split(' ').filter(|s| !s.is_empty())) }
    }

    /// The same of an optional parameter.
    pub fn parse_optional(text: Option<&'a str>) -> Self {
        text.map(Self::parse).unwrap_or_default()
    }

    /// Of a list, as JSON bodies may carry. Each element may itself hold several scopes.
    pub fn from_list(list: &'a [String]) -> Self {
        Self { scopes: unique(list.iter().flat_map(|s| s.split(' ')).filter(|s| !s.is_empty())) }
    }

    /// In the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.scopes.iter().copied()
    }

    /// Whether this scope was asked for. Linear.
    pub fn contains(&self, scope: &str) -> bool {
        self.scopes.contains(&scope)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.scopes.len()
    }

    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }
}

/// The first of equal ones, in order. Few are compared one by one; a hostile list of thousands is hashed.
pub(super) fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let (at_least, _) = names.size_hint();
    let mut kept: Vec<&'a str> = Vec::with_capacity(at_least);
    let mut seen: HashSet<&'a str> = HashSet::new();
    for name in names {
        let known = if kept.len() < FEW {
            kept.contains(&name)
        } else {
            if seen.is_empty() {
                seen.reserve(at_least.max(4 * FEW));
                seen.extend(kept.iter());
            }
            !seen.insert(name)
        };
        if !known {
            kept.push(name);
        }
    }
    kept
}

/// So few are compared one by one.
pub(super) const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_first_occurrence() {
        let parsed = |text| AskedScopes::parse(text).iter().collect::<Vec<_>>();
        assert_eq!(parsed("b a  b c "), ["b", "a", "c"]);
        assert_eq!(parsed("   "), [""; 0]);
        assert_eq!(parsed("a\tb a\u{a0}b"), ["a\tb", "a\u{a0}b"], "only 0x20 separates");
        let list = ["a b".to_owned(), "b c".to_owned()];
        assert_eq!(AskedScopes::from_list(&list).iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn many_duplicates_past_the_small_case() {
        let text = (0..4000).map(|n| format!("s{}", n % 40)).collect::<Vec<_>>().join(" ");
        let parsed = AskedScopes::parse(&text);
        let expected: Vec<_> = (0..40).map(|n| format!("s{n}")).collect();
        assert!(parsed.iter().eq(expected.iter().map(String::as_str)));
    }
}
