//! The two layouts of auth0-deploy-cli: one YAML file with pages and scripts beside it, or a folder of JSON files.

mod directory;
mod yaml_file;

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::assets::Assets;
use super::files::{Folder, Written};
use super::keywords::Keywords;

/// Reads either, by what is there.
pub(crate) fn read(path: &Path, keywords: Keywords) -> Result<Assets> {
    if path.is_dir() {
        return directory::read(&Folder::open(path, keywords)?);
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        bail!("{}: a YAML file, or the folder of a configuration", path.display());
    };
    if !path.exists() {
        bail!("{}: there is no such file or folder", path.display());
    }
    yaml_file::read(&Folder::open(folder, keywords)?, name)
}

/// Writes the layout that the path asks for: a YAML file where it ends so, a folder otherwise.
pub(crate) fn written(path: &Path, parts: Map<String, Value>) -> Written {
    match yaml_name(path) {
        Some(name) => yaml_file::written(name, parts),
        None => directory::written(parts),
    }
}

/// The name of the file, where the path is that of a YAML file.
pub(crate) fn yaml_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    (name.ends_with(".yaml") || name.ends_with(".yml")).then_some(name)
}

/// A text of an object.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}
