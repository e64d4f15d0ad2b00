//! Prints the OpenAPI document, which the TypeScript client is generated from.

use std::io::Write;

fn main() -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{}", chancery_management::openapi_document())
}
