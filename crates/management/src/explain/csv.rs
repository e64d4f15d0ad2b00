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

    /// Names are other people's words: what a spreadsheet would take for a formula begins with an apostrophe instead.
    fn cell(&mut self, cell: &str) {
        let begins = cell.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
        let is_formula = begins.starts_with(FORMULA) || cell.starts_with(['\t', '\r', '\n']);
        let guard = if is_formula { "'" } else { "" };
        if is_formula || cell.contains(['"', ',', '\r', '\n', ';']) || cell.trim() != cell {
            self.text.push('"');
            self.text.push_str(guard);
            self.text.push_str(&cell.replace('"', "\"\""));
            self.text.push('"');
        } else {
            self.text.push_str(cell);
        }
    }
}

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
            "a,b\r\nplain,3\r\n\"'=HYPERLINK(\"\"x\"\")\",\r\n\"' @x\",\"a,b\r\n\"\r\n\"'\t=1\",\"'-1\"\r\n";
        assert_eq!(table.into_text(), expected);
    }
}
