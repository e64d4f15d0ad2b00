//! What a command says: data goes to stdout, talk to stderr, colour only to terminals.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use serde::Serialize;

/// The two streams of a command.
pub struct Output {
    data: Box<dyn Write + Send>,
    talk: Box<dyn Write + Send>,
    /// Data as JSON instead of a table.
    pub json: bool,
    /// Colour in what goes to stderr.
    pub colour: bool,
    /// Colour in what goes to stdout.
    pub data_colour: bool,
}

impl Output {
    /// The streams of the process. `no_colour` is the wish of <https://no-color.org>.
    pub fn of_process(json: bool, no_colour: bool) -> Self {
        let colour = !no_colour && io::stderr().is_terminal();
        let data_colour = !no_colour && !json && io::stdout().is_terminal();
        Self { data: Box::new(io::stdout()), talk: Box::new(io::stderr()), json, colour, data_colour }
    }

    /// Into buffers, for tests.
    pub fn into_buffers(
        data: impl Write + Send + 'static,
        talk: impl Write + Send + 'static,
        json: bool,
    ) -> Self {
        Self { data: Box::new(data), talk: Box::new(talk), json, colour: false, data_colour: false }
    }

    /// A line of data.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.data, "{text}")?;
        Ok(self.data.flush()?)
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn value<T: Serialize>(&mut self, value: &T) -> Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        self.line(&text)
    }

    /// Rows under headings, or with `--json` the values themselves.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn table<T: Serialize>(&mut self, values: &T, headings: &[&str], rows: &[Vec<String>]) -> Result<()> {
        if self.json {
            return self.value(values);
        }
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([headings[column].len()]).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..headings.len()).map(width).collect();
        let heading: Vec<_> = headings.iter().map(|text| (*text).to_owned()).collect();
        for row in std::iter::once(&heading).chain(rows) {
            let cells: Vec<_> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{:<width$}", printable(cell), width = *width))
                .collect();
            self.line(cells.join("  ").trim_end())?;
        }
        Ok(())
    }

    /// What there is to know of one thing, a line each, or with `--json` the value itself.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn one<T: Serialize>(&mut self, value: &T, lines: &[(&str, String)]) -> Result<()> {
        if self.json {
            return self.value(value);
        }
        let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        lines.iter().try_for_each(|(name, text)| self.line(&format!("{name:<width$}  {}", printable(text))))
    }

    /// A line for the person at the terminal. Trouble with stderr is nobody's concern.
    pub fn say(&mut self, text: &str) {
        let _ = writeln!(self.talk, "{text}");
    }

    /// Why a command failed: a sentence, or with `--json` `{"error":code,"message":...}` on a line of its own.
    pub fn error(&mut self, code: &str, message: &str) {
        if self.json {
            return self.say(&serde_json::json!({ "error": code, "message": message }).to_string());
        }
        let label = self.strong("error:");
        self.say(&format!("{label} {message}"));
    }

    /// Emphasis, where there is colour.
    pub fn strong(&self, text: &str) -> String {
        self.painted("1", text)
    }

    /// Something to click.
    pub fn link(&self, text: &str) -> String {
        self.painted("4;36", text)
    }

    /// Something of less weight.
    pub fn faint(&self, text: &str) -> String {
        self.painted("2", text)
    }

    /// Something new, in data.
    pub fn added(&self, text: &str) -> String {
        painted(self.data_colour, "32", text)
    }

    /// Something that goes, in data.
    pub fn removed(&self, text: &str) -> String {
        painted(self.data_colour, "31", text)
    }

    /// Something that becomes another, in data.
    pub fn changed(&self, text: &str) -> String {
        painted(self.data_colour, "33", text)
    }

    /// Emphasis in data.
    pub fn strong_data(&self, text: &str) -> String {
        painted(self.data_colour, "1", text)
    }

    /// Something of less weight, in data.
    pub fn faint_data(&self, text: &str) -> String {
        painted(self.data_colour, "2", text)
    }

    fn painted(&self, code: &str, text: &str) -> String {
        painted(self.colour, code, text)
    }
}

/// Names are other people's words: nothing in them moves the cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn painted(colour: bool, code: &str, text: &str) -> String {
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Shows its wishes.
impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("json", &self.json)
            .field("colour", &self.colour)
            .finish_non_exhaustive()
    }
}
