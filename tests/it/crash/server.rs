//! The binary as a process, over data that outlives it.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use chancery::dev::ReadyFile;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::binary::chancery;

/// A data folder and a database.
pub(super) struct Home {
    folder: TempDir,
    pub(super) database: String,
    /// Those of the first start, so that the issuer stays.
    ports: (u16, u16),
}

impl Home {
    pub(super) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("chancery.db").display());
        Self { folder, database, ports: (0, 0) }
    }

    /// `None`, with the reason printed, where there is no PostgreSQL. It runs on when the server under test is killed.
    pub(super) async fn postgres() -> Option<Self> {
        let database = chancery_pgtest::database_or_skip().await?;
        Some(Self { folder: tempfile::tempdir().unwrap(), database, ports: (0, 0) })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same data folder with another database.
    pub(super) fn with_database(mut self, database: String) -> Self {
        self.database = database;
        self
    }

    /// Starts and waits until it serves.
    pub(super) async fn start(&mut self) -> Server {
        // May have to be built, which is not part of the start.
        chancery();
        for _ in 0..STARTS {
            let began = Instant::now();
            let mut process = self.spawn();
            let ready = self.path("ready.json");
            while !ready.exists() {
                assert!(began.elapsed() < PATIENCE, "it does not serve: {}", self.log());
                if process.0.try_wait().unwrap().is_some() {
                    break;
                }
                sleep(Duration::from_millis(2)).await;
            }
            if ready.exists() {
                let ready = ReadyFile::read(&ready).unwrap();
                self.ports = (port(&ready.issuer), port(&ready.https_issuer));
                let address = SocketAddr::from(([127, 0, 0, 1], self.ports.0));
                return Server { process, address, ready };
            }
            // Another program can have been given one of our ports in the meantime.
            assert!(self.log().contains("another program listens"), "it does not start: {}", self.log());
            sleep(Duration::from_millis(100)).await;
        }
        panic!("our ports are taken: {}", self.log());
    }

    /// Starts without waiting.
    pub(super) fn spawn(&self) -> Process {
        let _ = fs::remove_file(self.path("ready.json"));
        let mut command = self.command(&["dev", "--database", &self.database, "--ready-file", "ready.json"]);
        command.args(["--http", &format!("127.0.0.1:{}", self.ports.0)]);
        command.args(["--https", &format!("127.0.0.1:{}", self.ports.1)]);
        let log = File::create(self.path("log")).unwrap();
        Process(command.arg("--data").arg(self.path("data")).stderr(log).spawn().unwrap())
    }

    /// Runs a command to its end.
    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdout(Stdio::piped()).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(chancery());
        // Settings of whoever runs the tests are none of ours.
        let own = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CHANCERY_"));
        for (name, _) in own {
            command.env_remove(name);
        }
        command.current_dir(&self.folder).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// What the last process said.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

/// A running server.
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
    pub(super) ready: ReadyFile,
}

/// Killed with the test.
pub(super) struct Process(Child);

impl Process {
    /// `kill -9`: it learns nothing and finishes nothing.
    pub(super) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM.
    pub(super) fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Its end, which must come.
    pub(super) async fn end(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn port(issuer: &str) -> u16 {
    issuer.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
}

const STARTS: usize = 50;
const PATIENCE: Duration = Duration::from_secs(60);
