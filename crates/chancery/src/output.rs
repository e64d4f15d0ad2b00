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
        self.line(&escaped(&text))
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
            let told = serde_json::json!({ "error": code, "message": message }).to_string();
            return self.say(&escaped(&told));
        }
        let label = self.strong("error:");
        // A server's words, with a name of somebody's in them.
        let lines: Vec<String> = message.lines().map(|line| printable(&line.replace('\t', "    "))).collect();
        self.say(&format!("{label} {}", lines.join("\n")));
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

/// Names are other people's words: nothing in them moves the cursor, or has what stands around them read in another order.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if is_command(c) { '\u{fffd}' } else { c }).collect()
}

/// The same in JSON, in which every such character can be written as a number. The line ends between its members are our own.
pub(crate) fn escaped(json: &str) -> String {
    let escape = |text: &mut String, c: char| match c {
        '\n' => text.push(c),
        c if is_command(c) => text.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => text.push(c),
    };
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        escape(&mut text, c);
        text
    })
}

/// Characters that a terminal obeys: control characters, those of ISO 6429 above 7F too, and those that turn the direction of
/// writing (Unicode Annex 9) or end a line.
fn is_command(c: char) -> bool {
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const NAME: &str = "a\u{1b}[2Jb\u{9b}31mc\u{202e}d\u{2066}e\u{7f}f\u{2028}g";

    #[test]
    fn names_command_no_terminal() {
        let harmless = |text: &str| !text.chars().any(|c| c != '\n' && is_command(c));
        for json in [false, true] {
            let (data, talk) = (Kept::default(), Kept::default());
            let mut out = Output::into_buffers(data.clone(), talk.clone(), json);
            out.table(&[NAME], &["NAME"], &[vec![NAME.to_owned()]]).unwrap();
            out.error("not_found", &format!("There is no {NAME}\nand no other."));
            assert!(harmless(&data.text()) && harmless(&talk.text()), "{:?} {:?}", data.text(), talk.text());
            if json {
                let read: Vec<String> = serde_json::from_str(&data.text()).unwrap();
                assert_eq!(read, [NAME], "it says the same");
            }
        }
    }
}
