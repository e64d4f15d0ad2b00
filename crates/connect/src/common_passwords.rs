//! Passwords that very many people use: 96,530 of them, in lower case, of four characters and more.
//!
//! The list is that of the crate `passwords` (MIT licence), sorted by bytes. It is read where it lies: no memory but that of the
//! pages a search touches.

const LIST: &str = include_str!("../data/common_passwords.txt");

/// Whether it is one of them, whatever its case.
pub(crate) fn contains(password: &str) -> bool {
    let wanted = password.to_lowercase();
    let mut rest = LIST;
    while !rest.is_empty() {
        // A boundary of characters is not needed to find a line: the halves are cut at line ends.
        let middle = rest.len() / 2;
        let start = rest.as_bytes()[..middle].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let end =
            rest.as_bytes()[start..].iter().position(|b| *b == b'\n').map_or(rest.len(), |at| start + at);
        let Some(line) = rest.get(start..end) else { return false };
        match wanted.as_bytes().cmp(line.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = rest.get(..start).unwrap_or_default(),
            std::cmp::Ordering::Greater => rest = rest.get(end + 1..).unwrap_or_default(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_is_found() {
        let mut before = "";
        for line in LIST.lines() {
            assert!(before < line, "{before} {line}: not sorted");
            assert!(contains(line), "{line}");
            before = line;
        }
        for common in ["password", "PassWord", "QWERTY", "iloveyou"] {
            assert!(contains(common), "{common}");
        }
        for own in
            ["", "\n", "a", "zzzzzzzzzzzzzzzzzzzzz", "!", "correct horse battery staple", "ÿ", "pass\nword"]
        {
            assert!(!contains(own), "{own}");
        }
    }
}
