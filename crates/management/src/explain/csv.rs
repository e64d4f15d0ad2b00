//! Lists as CSV (RFC 4180), for whoever reads them in a spreadsheet.

use serde_json::Value;

/// A table: what its columns are called, and its rows.
pub(super) struct Table {
    text: String,
}

impl Table {
    pub(super) fn new(columns: &[&str]) -> Self {
        let mut table = Self { text: String::new() };
        table.row(columns.iter().copied());
        table
    }

    /// One row, of texts and numbers; what is not there is an empty cell.
    pub(super) fn add(&mut self, cells: &[&Value]) {
        let shown: Vec<String> = cells
            .iter()
            .map(|cell| match cell {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect();
        self.row(shown.iter().map(String::as_str));
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn row<'a>(&mut self, cells: impl Iterator<Item = &'a str>) {
        for (column, cell) in cells.enumerate() {
            if column > 0 {
                self.text.push(',');
            }
            self.cell(cell);
        }
        self.text.push_str("\r\n");
    }

    /// Names are other people's words: what a spreadsheet would take for a formula begins with an apostrophe instead. Where lists are
    /// written with semicolons, as in much of Europe, it takes this for a line of one cell, looks at no quotes in it, and parts it at
    /// what stands inside: so each part counts.
    fn cell(&mut self, cell: &str) {
        let mut guarded = String::with_capacity(cell.len());
        if cell.starts_with(['\t', '\r', '\n']) {
            guarded.push('\'');
        }
        for part in cell.split_inclusive(PARTING) {
            let begins = part.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
            if begins.starts_with(FORMULA) {
                guarded.push('\'');
            }
            guarded.push_str(part);
        }
        if guarded != cell || cell.contains(['"', ',', '\r', '\n', ';']) || cell.trim() != cell {
            self.text.push('"');
            self.text.push_str(&guarded.replace('"', "\"\""));
            self.text.push('"');
        } else {
            self.text.push_str(cell);
        }
    }
}

/// What parts cells for some.
const PARTING: [char; 4] = [';', '\t', '\r', '\n'];
/// The full-width forms are read as the others by some.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_cells_and_no_formulas() {
        let mut table = Table::new(&["a", "b"]);
        table.add(&[&json!("plain"), &json!(3)]);
        table.add(&[&json!("=HYPERLINK(\"x\")"), &Value::Null]);
        table.add(&[&json!(" @x"), &json!("a,b\r\n")]);
        table.add(&[&json!("\t=1"), &json!("-1")]);
        let expected =
            "a,b\r\nplain,3\r\n\"'=HYPERLINK(\"\"x\"\")\",\r\n\"' @x\",\"a,b\r\n\"\r\n\"'\t'=1\",\"'-1\"\r\n";
        assert_eq!(table.into_text(), expected);
    }

    /// As a spreadsheet reads it that parts cells at semicolons and lines alone.
    #[test]
    fn no_part_of_a_cell_is_a_formula() {
        let mut table = Table::new(&["a", "b"]);
        for name in ["a;=cmd|' /C calc'!A0;b", "a\n=1+1\nb", "a;\t @x", "a\r\n＝1", ";-1"] {
            table.add(&[&json!("x"), &json!(name)]);
        }
        let text = table.into_text();
        for part in text.split(PARTING) {
            assert!(!part.trim_start().starts_with(FORMULA), "{part}");
        }
        let mut plain = Table::new(&["a"]);
        plain.add(&[&json!("a; b - c = d")]);
        assert_eq!(plain.into_text(), "a\r\n\"a; b - c = d\"\r\n");
    }
}
