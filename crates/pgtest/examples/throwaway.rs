//! Prints the address of a new, empty database of a PostgreSQL server of its own, on one line, and takes both away when its standard
//! input ends: for scripts (`scripts/trained-release.sh`). Where PostgreSQL is not installed it says so, with status 1.

use std::io::{self, Write as _};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    let url = chancery_pgtest::fresh_database().await?;
    let said = writeln!(io::stdout(), "{url}").and_then(|()| io::stdout().flush());
    said.map_err(|cause| format!("cannot say where it is: {cause}"))?;
    // Whatever comes is of no interest; the end is.
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop).map_err(|cause| cause.to_string())
}
