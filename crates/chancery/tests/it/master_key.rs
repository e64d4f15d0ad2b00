//! Commands that write to the database themselves: with its own master key, and where there is one.

use std::path::Path;
use std::process::Output;

use crate::process::chancery;

const RIGHT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const WRONG: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";
const DATABASE: [&str; 2] = ["--database", "sqlite:x.db"];

fn run(folder: &Path, key: &str, arguments: &[&str]) -> Output {
    let all = [arguments, &DATABASE].concat();
    chancery(folder, &all).env("CHANCERY_MASTER_KEY", key).output().unwrap()
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, RIGHT, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_wrong_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    good(path, &["init", "--tenant", "acme", "--origin", "https://acme.example"]);
    let before = good(path, &["keys", "list", "--json"]);
    let kid = |list: &str| {
        let keys: serde_json::Value = serde_json::from_str(list).unwrap();
        keys[0]["kid"].as_str().unwrap().to_owned()
    };

    let serve = ["serve", "--http", "127.0.0.1:0"];
    let revoke = ["keys", "revoke", &kid(&before)];
    let init = ["init", "--tenant", "other", "--origin", "https://other.example"];
    for arguments in [&["keys", "rotate"][..], &revoke, &init, &serve] {
        let output = run(path, WRONG, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains("tenant acme") && said.contains("is this its master key?"), "{said}");
        assert_eq!(good(path, &["keys", "list", "--json"]), before, "{arguments:?}");
    }
    assert!(!good(path, &["tenant", "list"]).contains("other"));

    let table = good(path, &["keys", "rotate", "--now"]);
    assert!(table.contains("OKP") && table.contains("previous"), "{table}");
    good(path, &init);
}

/// A misspelt path is told, and no empty database made for it.
#[test]
fn what_looks_at_a_database_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let looks: [&[&str]; 6] = [
        &["keys", "list"],
        &["keys", "rotate"],
        &["keys", "revoke", "k"],
        &["backup", "b.db"],
        &["tenant", "list"],
        &["migrate", "--check"],
    ];
    for arguments in looks {
        let output = run(path, RIGHT, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains("there is no such database: x.db"), "{said}");
        assert_eq!(std::fs::read_dir(path).unwrap().count(), 0, "{arguments:?}");
    }
    good(path, &["migrate"]);
    good(path, &["backup", "b.db"]);
    let output = run(path, RIGHT, &["backup", "b.db"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("b.db exists already"));
}
