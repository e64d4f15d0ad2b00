//! Words with asterisks.

/// Literal parts with any text between them: `*` stands for nothing, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// At least two parts: `jo*` is `jo` and nothing.
    pub(super) fn of(parts: Vec<String>) -> Self {
        Self(parts)
    }

    /// What the text must begin with.
    pub fn prefix(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether it asks for the beginning alone: `jo*`.
    pub fn is_prefix(&self) -> bool {
        self.0.iter().skip(1).all(String::is_empty)
    }

    /// The longest part.
    pub fn literal(&self) -> &str {
        self.0.iter().max_by_key(|part| part.len()).map_or("", String::as_str)
    }

    /// Whether a text has the parts in this order, the first at its beginning, the last at its end.
    pub fn fits(&self, text: &str) -> bool {
        let Some(((first, last), middle)) = self.0.split_first().and_then(|(first, rest)| {
            let (last, middle) = rest.split_last()?;
            Some(((first, last), middle))
        }) else {
            return self.0.concat() == text;
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            match rest.find(part.as_str()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asterisks() {
        let pattern = |text: &str| Pattern::of(text.split('*').map(str::to_owned).collect());
        for (text, fits, not) in [
            ("jo*", &["jo", "john"][..], &["j", "ajo"][..]),
            ("*son", &["son", "johnson"], &["sons"]),
            ("*oh*", &["oh", "john"], &["ho"]),
            ("jane*smith", &["janesmith", "jane m. smith"], &["jane", "jane smiths", "janesmit"]),
            ("a*b*b", &["abb", "axbyb"], &["ab"]),
        ] {
            assert!(fits.iter().all(|one| pattern(text).fits(one)), "{text}");
            assert!(!not.iter().any(|one| pattern(text).fits(one)), "{text}");
        }
        assert!(pattern("jo*").is_prefix() && !pattern("jo*n").is_prefix());
        assert_eq!(pattern("a*abc*").literal(), "abc");
    }
}
