//! Asking at the terminal.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use chancery_jose::constant_time_eq;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::output::Output;

/// Whether somebody can be asked.
pub(crate) fn is_attended() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether the person at the terminal wants it. Where there is nobody the command asks for `--yes`.
pub(crate) fn is_agreed(question: &str, out: &mut Output) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: --yes does it without a question");
    }
    out.say(&format!("{question} Only yes is a yes:"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    let is_yes = answer.trim() == "yes";
    if !is_yes {
        out.say("Nothing was changed.");
    }
    Ok(is_yes)
}

/// A new password, typed twice and not shown; `None` where only Enter was pressed.
pub(crate) fn new_password(question: &str) -> Result<Option<SecretString>> {
    let first = hidden(question)?;
    if first.expose_secret().is_empty() {
        return Ok(None);
    }
    let again = hidden("The same again: ")?;
    if !constant_time_eq(again.expose_secret().as_bytes(), first.expose_secret().as_bytes()) {
        bail!("the two are not the same; nothing was changed");
    }
    Ok(Some(first))
}

/// The first line of what comes in.
pub(crate) fn line() -> Result<SecretString> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut text).context("stdin cannot be read")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}

fn hidden(question: &str) -> Result<SecretString> {
    let mut err = std::io::stderr();
    write!(err, "{question}")?;
    err.flush()?;
    let echo = Echo::off()?;
    let answer = line();
    drop(echo);
    writeln!(err)?;
    answer
}

/// Characters that are typed are not shown until it is dropped.
struct Echo(Termios);

impl Echo {
    fn off() -> Result<Self> {
        let before =
            tcgetattr(std::io::stdin()).context("the terminal cannot be asked without showing it")?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Nobody is left to be told where it fails.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
