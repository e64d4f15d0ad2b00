//! YAML as JSON values, with the line of each. Hostile files end in a sentence that names the line, soon.

mod read;
mod write;

pub(super) use read::read;
pub(crate) use write::print;
