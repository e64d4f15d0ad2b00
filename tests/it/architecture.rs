//! Who may use whom, as docs/ARCHITECTURE.md draws it, held against every Cargo.toml.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each crate of ours may use of ours. A crate that is not here fails the test: whoever adds one says where it
/// stands.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("chancery-jose", &[]),
    ("chancery-core", &["chancery-jose"]),
    ("chancery-db", &[]),
    ("chancery-store", &["chancery-core", "chancery-db", "chancery-jose"]),
    ("chancery-connect", &["chancery-core", "chancery-store"]),
    ("chancery-login", &["chancery-core"]),
    (
        "chancery-web",
        &[
            "chancery-core",
            "chancery-jose",
            "chancery-db",
            "chancery-store",
            "chancery-connect",
            "chancery-login",
        ],
    ),
    ("chancery-oauth", FEATURE),
    ("chancery-screens", FEATURE),
    ("chancery-management", FEATURE),
    ("chancery-pgtest", &[]),
    (
        "chancery",
        &[
            "chancery-core",
            "chancery-jose",
            "chancery-db",
            "chancery-store",
            "chancery-connect",
            "chancery-login",
            "chancery-web",
            "chancery-oauth",
            "chancery-screens",
            "chancery-management",
        ],
    ),
];

/// Features use everything below and never one another: they meet in core types and store rows.
const FEATURE: &[&str] = &[
    "chancery-core",
    "chancery-jose",
    "chancery-db",
    "chancery-store",
    "chancery-connect",
    "chancery-login",
    "chancery-web",
];

/// Third-party crates that only some of ours may use.
const RESERVED: [(&[&str], &[&str]); 6] = [
    (&["rusqlite", "tokio-postgres", "deadpool-postgres", "tokio-postgres-rustls"], &["chancery-db"]),
    (
        &["axum", "http", "http-body", "http-body-util", "hyper", "hyper-util", "tower"],
        &["chancery-web", "chancery-oauth", "chancery-screens", "chancery-management", "chancery"],
    ),
    (
        &["tokio", "tokio-util"],
        &[
            "chancery-db",
            "chancery-store",
            "chancery-connect",
            "chancery-web",
            "chancery-oauth",
            "chancery-screens",
            "chancery-management",
            "chancery",
        ],
    ),
    (&["argon2", "argon2-rust", "phc"], &["chancery-connect"]),
    (&["quick-xml"], &["chancery-core"]),
    (&["anyhow", "clap"], &["chancery"]),
];

#[test]
fn each_crate_uses_what_stands_above_it() {
    let rules: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    for package in packages() {
        let allowed = rules.get(package.name.as_str());
        let allowed = allowed.unwrap_or_else(|| panic!("{} has no place in the architecture", package.name));
        for used in package.uses.iter().filter(|used| used.starts_with("chancery")) {
            assert!(allowed.contains(&used.as_str()), "{} must not use {used}", package.name);
        }
    }
}

#[test]
fn third_party_crates_stay_where_they_belong() {
    for package in packages().iter().filter(|package| package.name != "chancery-pgtest") {
        for (reserved, users) in RESERVED {
            for used in reserved.iter().filter(|used| package.uses.contains(**used)) {
                assert!(users.contains(&package.name.as_str()), "{} must not use {used}", package.name);
            }
        }
    }
}

/// SQL stands in the store alone, and no crate below the binary reads the wall clock or the environment, or makes randomness
/// of its own. (That `aws_lc_rs` makes none is for clippy.toml to see: signatures need some.)
#[test]
fn sources_keep_to_their_layer() {
    for package in packages().iter().filter(|package| package.name != "chancery-pgtest") {
        for file in sources(&package.folder.join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let shown = file.display();
            if !matches!(package.name.as_str(), "chancery-db" | "chancery-store") {
                for sql in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "CREATE TABLE"] {
                    assert!(!code.contains(sql), "{shown} speaks SQL: {sql}");
                }
            }
            if package.name != "chancery" {
                for reach in OUTSIDE {
                    assert!(!code.contains(reach), "{shown} reaches out: {reach}");
                }
            }
            // Above these, time that only goes forward measures how long something took.
            if matches!(package.name.as_str(), "chancery-core" | "chancery-jose") {
                assert!(!code.contains("Instant::now"), "{shown} has a clock");
            }
            assert!(!code.contains("#[allow("), "{shown}: an exception is an expectation with its reason");
        }
    }
}

/// Clocks, the environment, and generators that a thread has.
const OUTSIDE: [&str; 10] = [
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "env::var",
    "env::args",
    "thread_rng",
    "rand::rng",
    "rand::random",
    "OsRng",
    "getrandom",
];

struct Package {
    name: String,
    folder: PathBuf,
    /// Of `[dependencies]` and `[build-dependencies]`; what tests use is free.
    uses: BTreeSet<String>,
}

fn packages() -> Vec<Package> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let folders = std::fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path());
    let manifests = folders.filter(|folder| folder.join("Cargo.toml").exists());
    let all: Vec<Package> = manifests.map(read).collect();
    assert!(all.len() >= MAY_USE.len(), "a crate is missing");
    all
}

fn read(folder: PathBuf) -> Package {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let mut uses = BTreeSet::new();
    let mut add = |table: Option<&toml::Value>| {
        uses.extend(
            table.and_then(toml::Value::as_table).into_iter().flat_map(|table| table.keys().cloned()),
        );
    };
    add(manifest.get("dependencies"));
    add(manifest.get("build-dependencies"));
    for target in
        manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values)
    {
        add(target.get("dependencies"));
    }
    Package { name: manifest["package"]["name"].as_str().unwrap().to_owned(), folder, uses }
}

/// Rust files below a folder.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => found.extend(sources(&entry)),
            false if entry.extension().is_some_and(|extension| extension == "rs") => found.push(entry),
            false => {}
        }
    }
    found
}
