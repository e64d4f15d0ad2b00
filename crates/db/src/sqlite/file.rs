//! Files that only their owner can read.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, ErrorKind},
    path::Path,
};

use rusqlite::Connection;

use crate::{Error, Result};

/// Creates the folder and an empty database file, or takes other users' rights from the file that is there.
/// SQLite gives its `-wal` and `-shm` files the rights of the database file.
pub(super) fn create_private(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        create_folder(folder).map_err(|cause| unusable(folder, &cause))?;
    }
    // An existing file is never opened here: closing it again would drop every lock this process's other
    // connections hold on it (fcntl(2), "record locks").
    match private_file(path) {
        Ok(_) => Ok(()),
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            if let Err(cause) = make_private(path) {
                tracing::warn!(path = %path.display(), %cause, "other users may be able to read the database file");
            }
            Ok(())
        }
        Err(cause) => Err(unusable(path, &cause)),
    }
}

/// Copies the database as it is at this moment; writers go on meanwhile.
pub(super) fn backup(connection: &Connection, target: &Path) -> Result<()> {
    let name = target.to_str().ok_or_else(|| Error::engine("the path of a backup must be UTF-8"))?;
    let file = private_file(target).map_err(|cause| unusable(target, &cause))?;
    // `VACUUM INTO` takes an empty file as well as none.
    let copied = connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(Error::from)
        .and_then(|_| file.sync_all().map_err(|cause| unusable(target, &cause)));
    if copied.is_err() {
        let _ = std::fs::remove_file(target);
    }
    copied
}

/// Writes the file anew without its free pages, and cuts the log, where old pages lie too.
pub(super) fn forget_deleted(connection: &Connection) -> Result<()> {
    connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
    Ok(())
}

fn unusable(path: &Path, cause: &io::Error) -> Error {
    Error::Engine(format!("cannot use {}: {cause}", path.display()))
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut rights = std::fs::metadata(path)?.permissions();
    if rights.mode() & 0o077 == 0 {
        return Ok(());
    }
    rights.set_mode(0o600);
    std::fs::set_permissions(path, rights)
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> io::Result<()> {
    Ok(())
}
