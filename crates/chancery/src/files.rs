//! Files that are there as a whole or not at all: a process may be killed, and the power may go, at any moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes a file of this mode in the place of whatever is there.
///
/// # Errors
/// Where the folder cannot be written.
pub(crate) fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let beside = write_beside(path, text, mode)?;
    fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))?;
    sync_folder(path)
}

/// Writes a new file of this mode.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] where there is one: it stays. Where the folder cannot be written.
pub(crate) fn create(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let beside = write_beside(path, text, mode)?;
    // Unlike a rename, a link replaces nothing: of two processes one is told that the other was faster.
    let linked = fs::hard_link(&beside, path);
    drop(fs::remove_file(&beside));
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => create_in_place(path, text, mode)?,
        other => other?,
    }
    sync_folder(path)
}

/// For file systems without links.
fn create_in_place(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    write(OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?, text)
}

fn write(mut file: File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Under a name that no other process uses, not even one with the same number in another container.
fn write_beside(path: &Path, text: &str, mode: u32) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
    let process = std::process::id();
    for attempt in 0..ATTEMPTS {
        let beside = path.with_file_name(format!(".{name}.{process}.{attempt}"));
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside) {
            Ok(file) => {
                write(file, text).inspect_err(|_| drop(fs::remove_file(&beside)))?;
                return Ok(beside);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

const ATTEMPTS: u32 = 100;

/// A name is kept by its folder, not by its file.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_of_many_creates() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made: Vec<io::Result<()>> = std::thread::scope(|scope| {
            let texts: Vec<String> = (0..8).map(|number| number.to_string().repeat(1000)).collect();
            let path = &path;
            let threads: Vec<_> =
                texts.into_iter().map(|text| scope.spawn(move || create(path, &text, 0o600))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winner = made.iter().position(Result::is_ok).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), winner.to_string().repeat(1000));
        let lost = made.iter().filter_map(|made| made.as_ref().err().map(io::Error::kind));
        assert_eq!(lost.collect::<Vec<_>>(), [ErrorKind::AlreadyExists; 7]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_replaced_has_the_new_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "longer than what comes").unwrap();
        replace(&path, "new", 0o600).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("none/key"), "new", 0o600).is_err());
    }
}
