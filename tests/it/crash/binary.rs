//! The binary under test: the one beside this test, built first where it is missing or older than its sources.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::SystemTime,
};

static BINARY: LazyLock<PathBuf> = LazyLock::new(find);

/// `cargo test --workspace` has built it, for the integration tests of its own package. `cargo test -p chancery-tests`
/// alone has not: then it is built here, once.
pub(super) fn chancery() -> &'static Path {
    &BINARY
}

fn find() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/it-0123456789abcdef
    let folder = test.parent().and_then(Path::parent).unwrap();
    let binary = folder.join(format!("chancery{}", std::env::consts::EXE_SUFFIX));
    if !is_current(&binary, &folder.join("chancery.d")) {
        build(folder);
    }
    assert!(binary.is_file(), "there is no {}", binary.display());
    binary
}

/// No source that cargo noted beside the binary changed since.
fn is_current(binary: &Path, sources: &Path) -> bool {
    let Ok(built) = changed(binary) else { return false };
    let Ok(noted) = fs::read_to_string(sources) else { return false };
    let Some((_, list)) = noted.split_once(": ") else { return false };
    // Spaces within a name are escaped as in a Makefile.
    let names = list.replace("\\ ", "\0");
    names
        .split_whitespace()
        .all(|name| changed(Path::new(&name.replace('\0', " "))).is_ok_and(|at| at <= built))
}

fn changed(path: &Path) -> std::io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

fn build(folder: &Path) {
    let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        other => other,
    };
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let built = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["build", "--locked", "-p", "chancery", "--profile", profile, "--target-dir"])
        .arg(folder.parent().unwrap())
        .status();
    assert!(built.unwrap().success(), "the binary cannot be built");
}
