//! The way to a database, which a test can shut.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// Passes connections on to the socket of a PostgreSQL server.
pub(crate) struct Gate {
    folder: TempDir,
    server: PathBuf,
    /// Name of the database.
    database: String,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections are refused, and those that there were are cut.
    Shut,
    /// Connections are there, and nothing comes through: a cable was pulled out.
    Silent,
}

const SOCKET: &str = ".s.PGSQL.5432";

impl Gate {
    /// In front of the database with this address.
    pub(crate) fn before(url: &str) -> Self {
        let (_, rest) = url.split_once('@').unwrap();
        let (folder, database) = rest.split_once('/').unwrap();
        let server = Path::new(&folder.replace("%2F", "/")).join(SOCKET);
        // Socket paths are short.
        let folder = tempfile::Builder::new().prefix("gate-").tempdir_in("/tmp").unwrap();
        let gate =
            Self { folder, server, database: database.to_owned(), state: watch::Sender::new(State::Shut) };
        gate.open();
        gate
    }

    /// The address behind the gate.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}/{}", self.database)
    }

    pub(crate) fn open(&self) {
        if self.state.send_replace(State::Open) == State::Shut {
            let listener = UnixListener::bind(self.folder.path().join(SOCKET)).unwrap();
            tokio::spawn(accept(listener, Arc::from(self.server.as_path()), self.state.subscribe()));
        }
    }

    pub(crate) fn shut(&self) {
        self.state.send_replace(State::Shut);
        std::fs::remove_file(self.folder.path().join(SOCKET)).unwrap();
    }

    pub(crate) fn silence(&self) {
        self.state.send_replace(State::Silent);
    }
}

async fn accept(listener: UnixListener, server: Arc<Path>, mut state: watch::Receiver<State>) {
    loop {
        let mut passed = state.clone();
        tokio::select! {
            _ = when(&mut state, |state| state == State::Shut) => return,
            client = listener.accept() => {
                let (client, server) = (client.unwrap().0, Arc::clone(&server));
                tokio::spawn(async move { pass(client, &server, &mut passed).await });
            }
        }
    }
}

/// Until one of both sides ends, or the gate is shut.
async fn pass(mut client: UnixStream, server: &Path, state: &mut watch::Receiver<State>) {
    if when(state, |state| state != State::Silent).await == State::Shut {
        return;
    }
    let Ok(mut server) = UnixStream::connect(server).await else { return };
    loop {
        tokio::select! {
            biased;
            changed = when(state, |state| state != State::Open) => {
                let is_over = changed == State::Shut;
                if is_over || when(state, |state| state != State::Silent).await == State::Shut {
                    return;
                }
            }
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
        }
    }
}

/// The state that was waited for; shut where the gate is gone.
async fn when(state: &mut watch::Receiver<State>, wanted: fn(State) -> bool) -> State {
    state.wait_for(|state| wanted(*state)).await.map_or(State::Shut, |state| *state)
}
