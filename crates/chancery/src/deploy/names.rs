//! Names that are nearly right.

/// The known name that is most like this one, where it is like it at all.
pub(super) fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    // A slip or two, more of them in a long name. Whoever writes hundreds of letters means something else.
    let most = (name.chars().count() / 3).min(3);
    let near = known.iter().map(|other| (distance(name, other, most), *other));
    near.filter(|(distance, _)| *distance <= most).min().map(|(_, other)| other)
}

/// How many letters to put in, to take out or to replace to come from one to the other (Levenshtein); more than `most` where the
/// lengths say that alone.
fn distance(a: &str, b: &str, most: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = before + usize::from(x != y);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips() {
        let known = ["clients", "clientGrants", "roles", "resourceServers"];
        for (name, meant) in [
            ("resourceServres", Some("resourceServers")),
            ("clientz", Some("clients")),
            ("client_grants", Some("clientGrants")),
            ("role", Some("roles")),
            ("x", None),
            ("documentation", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
        assert_eq!(nearest(&"clients".repeat(100_000), &known), None);
    }
}
