//! The binary as a process.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chancery::dev::ReadyFile;
use tempfile::TempDir;

pub(crate) fn chancery(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHANCERY_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

/// Killed with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Running {
    Running(chancery(folder, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

pub(crate) fn dev(folder: &TempDir, ready: &str) -> (Running, ReadyFile) {
    let arguments = ["dev", "--http", "localhost:0", "--https", "localhost:0", "--ready-file", ready];
    let running = start(folder.path(), &arguments);
    let path = folder.path().join(ready);
    wait_for(&path);
    (running, ReadyFile::read(&path).unwrap())
}

/// A ready file.
pub(crate) fn wait_for(path: &Path) {
    let begin = Instant::now();
    while !path.exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not serve");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn ask(authority: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn post(authority: &str, path: &str, (content_type, body): (&str, &str)) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
