//! Where a password comes from that somebody gets: never from an argument, which the list of processes shows.

use anyhow::Result;
use chancery_core::{Rng, ids};
use secrecy::SecretString;

use crate::terminal;

/// A password for somebody.
pub(super) struct Password {
    pub(super) text: SecretString,
    /// Nobody knows it yet, so it has to be said once.
    pub(super) is_generated: bool,
}

/// The first line of stdin, what is typed, or one that is made up where nobody types anything.
pub(super) fn ask(from_stdin: bool, rng: &dyn Rng) -> Result<Password> {
    let typed = if from_stdin {
        Some(terminal::line()?)
    } else if terminal::is_attended() {
        terminal::new_password("Password (Enter for one that is made up): ")?
    } else {
        None
    };
    Ok(typed.map_or_else(|| made_up(rng), |text| Password { text, is_generated: false }))
}

/// Whatever a database asks for is in it.
pub(super) fn made_up(rng: &dyn Rng) -> Password {
    Password { text: format!("{}-Aa4", ids::alphanumeric(rng, 24)).into(), is_generated: true }
}
