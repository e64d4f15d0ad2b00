//! Prints `docs/COMPATIBILITY.md`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(chancery_management::compatibility().as_bytes())
}
