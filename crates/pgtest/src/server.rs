//! Starting a server, and seeing to its end.

use std::{
    fs,
    io::Write as _,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What a server promises for what it has acknowledged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nothing: it is never stopped while somebody cares.
    Nothing,
    /// That it survives its own end; that of the machine it need not.
    Survives,
}

/// Nothing here survives the test, so nothing needs to reach the disk.
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
full_page_writes = off
autovacuum = off
max_connections = 300
shared_buffers = 32MB
max_wal_size = 256MB
";

/// A server.
pub(crate) struct Server {
    tools: Tools,
    folder: PathBuf,
    /// Holds the pipe whose end tells the watchdog that this process is gone.
    _watchdog: Child,
}

impl Server {
    pub(crate) fn start(promise: Promise) -> Result<Self, String> {
        let tools = Tools::find()?;
        // Socket paths have at most 107 bytes, which rules out a long TMPDIR.
        let folder = tempfile::Builder::new()
            .prefix("chancery-pg-")
            .tempdir_in("/tmp")
            .map_err(|cause| format!("cannot create a folder for PostgreSQL: {cause}"))?
            .keep();
        // The watchdog comes first: whatever happens from here on, the folder goes.
        let watchdog = tools.watch(&folder)?;
        if let Some(account) = &tools.account {
            chown(&folder, Some(account.user), Some(account.group))
                .map_err(|cause| format!("cannot give PostgreSQL its folder: {cause}"))?;
        }
        let data = folder.join("data");
        let data_text = data.to_string_lossy();
        tools.run(
            "initdb",
            &["-D", &data_text, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        )?;
        let commits = if promise == Promise::Survives { "on" } else { "off" };
        let settings = format!(
            "{SETTINGS}synchronous_commit = {commits}\nunix_socket_directories = '{}'\n",
            folder.display()
        );
        fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .and_then(|mut file| file.write_all(settings.as_bytes()))
            .map_err(|cause| format!("cannot write PostgreSQL's settings: {cause}"))?;
        let server = Self { tools, folder, _watchdog: watchdog };
        server.resume()?;
        Ok(server)
    }

    /// Starts what was initialised, or stopped.
    pub(crate) fn resume(&self) -> Result<(), String> {
        let (data, log) = (self.folder.join("data"), self.folder.join("log"));
        let (data, log) = (data.to_string_lossy(), log.to_string_lossy());
        self.tools.run("pg_ctl", &["start", "-w", "-s", "-t", "60", "-D", &data, "-l", &log])
    }

    /// As when its machine loses power: nobody is told.
    pub(crate) fn stop(&self) -> Result<(), String> {
        let data = self.folder.join("data");
        self.tools.run("pg_ctl", &["stop", "-m", "immediate", "-w", "-s", "-D", &data.to_string_lossy()])
    }

    pub(crate) fn url(&self, database: &str) -> String {
        let host = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{host}/{database}")
    }
}

/// PostgreSQL's programs, and the account to run them as: they refuse to run as root.
struct Tools {
    programs: PathBuf,
    account: Option<Account>,
}

struct Account {
    name: &'static str,
    user: u32,
    group: u32,
}

impl Tools {
    fn find() -> Result<Self, String> {
        let programs = program_folders()
            .into_iter()
            .find(|folder| ["initdb", "pg_ctl"].iter().all(|name| folder.join(name).exists()))
            .ok_or(
                "PostgreSQL is not installed: neither PATH nor /usr/lib/postgresql has initdb and pg_ctl",
            )?;
        let account = if number_of(&["-u"])? == 0 { Some(unprivileged()?) } else { None };
        Ok(Self { programs, account })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let output = self
            .command(program)
            .args(arguments)
            // Not a pipe: the server inherits it and would keep it open.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|cause| format!("cannot run {program}: {cause}"))?;
        if output.success() { Ok(()) } else { Err(format!("{program} failed: {output}")) }
    }

    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = match &self.account {
            None => Command::new(path),
            Some(Account { name, user, group }) if on_path("setpriv") => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
                command.arg("--").arg(path).env("USER", name);
                command
            }
            Some(Account { name, .. }) => {
                let mut command = Command::new("runuser");
                command.args(["-u", name, "--"]).arg(path);
                command
            }
        };
        // The folder the tests run in may be closed to that account.
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    /// A shell which waits for the end of this process, which closes the pipe, however it came; then it stops the
    /// server and removes the folder. In a process group of its own, so that Ctrl-C does not end it first.
    fn watch(&self, folder: &Path) -> Result<Child, String> {
        const SCRIPT: &str = "cat >/dev/null; \"$0\" stop -m immediate -w -s -D \"$1/data\"; rm -rf \"$1\"";
        let stop = self.command("pg_ctl");
        let mut words: Vec<_> = std::iter::once(stop.get_program()).chain(stop.get_args()).collect();
        let pg_ctl = words.pop().unwrap_or_default();
        let prefix: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let script = SCRIPT.replacen("\"$0\"", &format!("{} \"$0\"", prefix.join(" ")), 1);
        Command::new("sh")
            .arg("-c")
            .arg(script)
            .arg(pg_ctl)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0)
            .spawn()
            .map_err(|cause| format!("cannot start the shell that watches over PostgreSQL: {cause}"))
    }
}

/// Debian keeps the programs beside PATH; the newest version first.
fn program_folders() -> Vec<PathBuf> {
    let mut installed: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path())
        .collect();
    installed.sort_by_key(|folder| {
        let version =
            folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    path().into_iter().chain(installed.into_iter().map(|folder| folder.join("bin"))).collect()
}

fn unprivileged() -> Result<Account, String> {
    if !on_path("setpriv") && !on_path("runuser") {
        return Err("PostgreSQL does not run as root, and there is neither setpriv nor runuser".to_owned());
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| {
            Some(Account {
                name,
                user: number_of(&["-u", name]).ok()?,
                group: number_of(&["-g", name]).ok()?,
            })
        })
        .ok_or_else(|| {
            "PostgreSQL does not run as root, and there is no account postgres or nobody".to_owned()
        })
}

fn number_of(arguments: &[&str]) -> Result<u32, String> {
    let output =
        Command::new("id").args(arguments).output().map_err(|cause| format!("cannot run id: {cause}"))?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| "id knows no such account".to_owned())
}

fn on_path(program: &str) -> bool {
    path().iter().any(|folder| folder.join(program).exists())
}

#[expect(clippy::disallowed_methods, reason = "PATH is no setting: it is where programs are")]
fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}
