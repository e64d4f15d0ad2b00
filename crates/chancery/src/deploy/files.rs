//! Files that describe a tenant: read inside one folder, with keywords put in, and every fault with its line.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::keywords::Keywords;

/// Larger than any file of a configuration.
const LARGEST: u64 = 16 << 20;

/// What is wrong with a text, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    line: usize,
    what: String,
}

impl Fault {
    pub(crate) fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Fault {}

/// The line of each value by its JSON pointer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(HashMap<String, usize>);

impl Lines {
    pub(super) fn put(&mut self, pointer: &str, line: usize) {
        self.0.insert(pointer.to_owned(), line);
    }

    /// Of the nearest that is known.
    pub(crate) fn of(&self, pointer: &str) -> Option<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.0.get(pointer) {
                return Some(*line);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: Option<usize>,
}

impl Place {
    pub(crate) fn file(file: &str) -> Self {
        Self { file: file.to_owned(), line: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// A folder that nothing read from it leads out of.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    keywords: Keywords,
}

impl Folder {
    pub(super) fn open(root: &Path, keywords: Keywords) -> Result<Self> {
        let shown = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        let root = shown.canonicalize().with_context(|| shown.display().to_string())?;
        Ok(Self { root, keywords })
    }

    /// What is put into its files.
    pub(super) fn keywords(&self) -> &Keywords {
        &self.keywords
    }

    /// Whether a name is that of a folder.
    pub(super) fn is_folder(&self, name: &str) -> bool {
        self.root.join(name).is_dir()
    }

    /// Whether there is a file or a folder with this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.root.join(name).exists()
    }

    /// The text of a file, with keywords put in.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        let path = self.inside(name)?;
        let about = path.metadata().with_context(|| name.to_owned())?;
        if !about.is_file() {
            bail!("{name} is no file");
        }
        if about.len() > LARGEST {
            bail!("{name} is larger than {} MiB", LARGEST >> 20);
        }
        let bytes = std::fs::read(&path).with_context(|| name.to_owned())?;
        let text = String::from_utf8(bytes).with_context(|| format!("{name} is not UTF-8"))?;
        Ok(self.keywords.put_into(text.strip_prefix('\u{feff}').unwrap_or(&text)))
    }

    /// The text of a file that a file names.
    pub(super) fn named(&self, name: &str, at: &Place) -> Result<String> {
        let name = name.replace('\\', "/");
        self.text(&name).with_context(|| at.to_string())
    }

    /// The object in a JSON file.
    pub(super) fn json(&self, name: &str) -> Result<Map<String, Value>> {
        match self.json_value(name)? {
            Value::Object(members) => Ok(members),
            _ => bail!("{name}: an object is expected"),
        }
    }

    /// The list in a JSON file.
    pub(super) fn json_list(&self, name: &str) -> Result<Vec<Value>> {
        match self.json_value(name)? {
            Value::Array(items) => Ok(items),
            _ => bail!("{name}: a list is expected"),
        }
    }

    fn json_value(&self, name: &str) -> Result<Value> {
        let text = self.text(name)?;
        let value = serde_json::from_str::<Strict>(&text);
        let value = value.map_err(|error| {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default().to_owned();
            anyhow::anyhow!("{name}:{}: {what}", error.line())
        })?;
        Ok(value.0)
    }

    /// The names of what lies in a folder, in order.
    pub(super) fn names(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.inside(folder)?;
        if !path.is_dir() {
            bail!("{folder} is no folder");
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&path).with_context(|| folder.to_owned())? {
            let name = entry?.file_name();
            let name = name.to_str().with_context(|| format!("a name in {folder} is not UTF-8"))?;
            if !name.starts_with('.') {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The JSON files of a folder, in order.
    pub(super) fn json_files(&self, folder: &str) -> Result<Vec<String>> {
        let names = self.names(folder)?.into_iter().filter(|name| name.ends_with(".json"));
        Ok(names.map(|name| format!("{folder}/{name}")).collect())
    }

    /// The whole path of a name, which links are followed for.
    fn inside(&self, name: &str) -> Result<PathBuf> {
        if name.contains('\0') {
            bail!("{name:?} is no name of a file");
        }
        let path = self.root.join(name).canonicalize().with_context(|| name.to_owned())?;
        if !path.starts_with(&self.root) {
            bail!("{name} leads out of the folder of the configuration");
        }
        Ok(path)
    }
}

/// JSON in which no name is there twice: of two, one would be lost without a word.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Strict, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Strict(Value::Array(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(de::Error::custom(format!("{name} is there twice")));
            }
            let Strict(value) = map.next_value()?;
            members.insert(name, value);
        }
        Ok(Strict(Value::Object(members)))
    }
}

/// Files to be written, by their names below one folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written(pub(crate) BTreeMap<String, String>);

impl Written {
    pub(super) fn put(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.insert(name.into(), text.into());
    }

    pub(super) fn put_json(&mut self, name: impl Into<String>, value: &Value) {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.put(name, format!("{text}\n"));
    }

    /// Writes them all.
    pub(crate) fn write(&self, root: &Path) -> Result<()> {
        for (name, text) in &self.0 {
            let path = root.join(name);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            }
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

/// A name as that of a file, as other tools for this layout make it.
pub(super) fn sanitized(name: &str) -> String {
    let fits = |c: char| !c.is_control() && !"/?<>\\:*|\"".contains(c);
    let text: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let text = text.trim_end_matches(['.', ' ']);
    if text.is_empty() { "-".to_owned() } else { text.chars().take(200).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("secret.txt"), "outside").unwrap();
        let opened = Folder::open(&folder.path().join("in"), Keywords::default()).unwrap();
        (folder, opened)
    }

    #[test]
    fn nothing_leads_out() {
        let (outer, folder) = folder();
        let absolute = outer.path().join("secret.txt").display().to_string();
        std::os::unix::fs::symlink(&absolute, outer.path().join("in/link")).unwrap();
        for name in ["../secret.txt", "link", absolute.as_str(), "./../secret.txt", "..\\secret.txt"] {
            let said = format!("{:#}", folder.named(name, &Place::file("tenant.yaml")).unwrap_err());
            assert!(said.contains("leads out of the folder"), "{name}: {said}");
            assert!(said.starts_with("tenant.yaml: ") && !said.contains("outside"), "{said}");
        }
        assert!(folder.text("in\0").is_err() && folder.text(".").is_err());
    }

    #[test]
    fn json_with_its_faults() {
        let (outer, folder) = folder();
        let put = |text: &str| std::fs::write(outer.path().join("in/a.json"), text).unwrap();
        put("{\"a\": {\"b\": [1, 1.5, null, true, \"\u{1f600}\"]}}");
        assert_eq!(
            Value::from(folder.json("a.json").unwrap()),
            json!({"a": {"b": [1, 1.5, null, true, "\u{1f600}"]}})
        );
        let said = |text: &str| {
            put(text);
            format!("{:#}", folder.json("a.json").unwrap_err())
        };
        assert_eq!(said("{\"a\": 1,\n\"b\": 2,\n\"a\": 3}"), "a.json:3: a is there twice");
        assert!(said("{\n]").starts_with("a.json:2: "), "{}", said("{\n]"));
        assert_eq!(said("[]"), "a.json: an object is expected");
        assert!(said(&"[".repeat(5000)).contains("recursion limit"));
    }

    #[test]
    fn names_of_files() {
        assert_eq!(sanitized("a/b: c?."), "a-b- c-");
        assert_eq!(sanitized(".."), "-");
        assert_eq!(sanitized("Grüße & Co"), "Grüße & Co");
    }
}
