//! What several tables share.

use aws_lc_rs::constant_time::verify_slices_are_equal;

/// Never: for rows that do not end.
pub(crate) const NEVER: i64 = i64::MAX;

/// Whether a text can be stored and compared on every engine: PostgreSQL has no U+0000. A key with one finds nothing.
pub(crate) fn is_text(text: &str) -> bool {
    !text.contains('\0')
}

/// For columns that only repeat what a document holds exactly.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// Leaves out rows of these applications; the first of them is the parameter of this number.
pub(crate) fn none_of(clients: &[String], first: usize) -> String {
    if clients.is_empty() {
        return String::new();
    }
    format!(" AND client_id NOT IN ({})", places(first, clients.len()))
}

/// The parameters of a list: so many, of which the first has this number.
pub(crate) fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|place| format!("${place}")).collect();
    places.join(", ")
}

/// Compares the digest of a presented secret with the stored one in constant time.
pub(crate) fn same(stored: &[u8], presented: &[u8]) -> bool {
    verify_slices_are_equal(stored, presented).is_ok()
}

/// How addresses and user names are compared.
pub(crate) fn folded(text: Option<&str>) -> Option<String> {
    text.map(str::to_lowercase)
}

/// Sets of words that SQL can grow without reading them first: each word stands between spaces, so
/// `replace(words, ' word ', '')` tells whether it is there. Words hold no space (RFC 6749, section 3.3).
pub(crate) mod words {
    pub(crate) fn one(word: &str) -> String {
        format!(" {word} ")
    }

    pub(crate) fn print<S: AsRef<str>>(words: &[S]) -> String {
        words.iter().map(|word| one(word.as_ref())).collect()
    }

    pub(crate) fn parse(text: &str) -> Vec<String> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn come_back_in_order() {
            let words = ["read:b", "a", "read:a"];
            assert_eq!(super::parse(&super::print(&words)), words);
            assert!(super::parse("").is_empty());
        }
    }
}
