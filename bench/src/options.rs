//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::workload::Kind;

/// Measures a Chancery server beside the floor of the same work, in the same run.
#[derive(Debug, Parser)]
#[command(name = "chancery-bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    /// What to do instead of measuring a server.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// How to measure a server.
    #[command(flatten)]
    pub(crate) measure: Measure,
}

/// The other things this binary does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Costs of one signature, one password hash and one durable write, without any server.
    Micro(Micro),
    /// How long searches for users take among very many of them, at the store itself.
    Search(Search),
    /// A small tenant beside a very large one: start, memory, the time of a token.
    Scale(Scale),
    /// Requests of many kinds that arrive by the clock, for a long time or beyond what the server can do.
    Soak(Soak),
    /// Twice as much as the server can do, and machines' tokens beside all the sign-ins that it can do.
    Overload(Overload),
    /// Serve the floor handlers (started by the harness itself; ends when its standard input closes).
    #[command(hide = true)]
    Floor(Floor),
}

/// How to measure a server.
#[derive(Debug, Args)]
pub(crate) struct Measure {
    /// The server binary [default: `chancery` beside this executable].
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// Measure only these, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Kind>,
    /// Numbers of connections, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    pub(crate) connections: Vec<usize>,
    /// Seconds of each measured window.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
    /// Rounds of floor and server, taken in turn.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Short windows (0.5 s) and 5,000 instead of 100,000 tokens before memory is read: a smoke test, not a measurement.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Items of the collection that `mgmt-list-first` and `mgmt-list-deep` read, a multiple of 100.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) items: usize,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// `sqlite` (a fresh file) or the URL of an empty PostgreSQL database, for the server and for the floor.
    #[arg(long, default_value = "sqlite")]
    pub(crate) database: String,
    /// Folder for databases and logs; a fresh folder inside it is used and removed [default: `bench-data` beside the build].
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Leave the data folder (server log, databases) in place.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Measure the floor alone: how fast this machine and the load generator are.
    #[arg(long)]
    pub(crate) floor_only: bool,
    /// Fail when a ratio misses its target.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// How long to measure the primitives.
#[derive(Debug, Args)]
pub(crate) struct Micro {
    /// Seconds for each primitive.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
    /// Folder of the durable write [default: `bench-data` beside the build].
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Among how many users to search, and where.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// How many users there are. A database that has as many already is not filled again.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) users: usize,
    /// `sqlite:FILE` or the URL of a PostgreSQL database; filled and left as it is.
    #[arg(long)]
    pub(crate) database: String,
    /// Seconds for each kind of query.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
    /// Measure only the kinds with this in their names.
    #[arg(long, default_value = "")]
    pub(crate) only: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How large the large tenant is.
#[derive(Debug, Args)]
pub(crate) struct Scale {
    /// The server binary [default: `chancery` beside this executable].
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// The URL of an empty PostgreSQL database for the large tenant [default: an SQLite file].
    #[arg(long)]
    pub(crate) database: Option<String>,
    /// Its users.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) users: usize,
    /// Its applications.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) applications: usize,
    /// Its APIs.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) apis: usize,
    /// Scopes of each API.
    #[arg(long, default_value_t = 100)]
    pub(crate) scopes: usize,
    /// Tenants of the same server, all but one of them empty.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) tenants: usize,
    /// Connections kept busy.
    #[arg(long, default_value_t = 16)]
    pub(crate) connections: usize,
    /// Seconds of each measured window.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
    /// Rounds of the small and the large one, taken in turn.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Folder for databases [default: `bench-data` beside the build].
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
}

/// What arrives, how often and for how long.
#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// The server binary [default: `chancery` beside this executable].
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// Arrivals a second, of all kinds together.
    #[arg(long, default_value_t = 200.0)]
    pub(crate) rate: f64,
    /// Only these kinds, in equal parts, instead of the mix.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Kind>,
    /// How long.
    #[arg(long, default_value_t = 1800.0)]
    pub(crate) seconds: f64,
    /// Seconds of each part, which has a line of its own.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) every: f64,
    /// Folder for the database [default: `bench-data` beside the build].
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
}

/// How much too much, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Overload {
    /// The server binary [default: `chancery` beside this executable].
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// Only these kinds, in equal parts, instead of the mix.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Kind>,
    /// How many times the capacity arrives.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) times: f64,
    /// Connections that find out the capacity, in a closed loop.
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Seconds of each measured window.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// The cores of the server, as `taskset` reads them: give this harness the others, or it takes from the server what it is measured by.
    #[arg(long)]
    pub(crate) server_cpus: Option<String>,
    /// Folder for the database [default: `bench-data` beside the build].
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
}

/// Where the floor tells its address and keeps its database.
#[derive(Debug, Args)]
pub(crate) struct Floor {
    /// File that receives the address once it serves.
    #[arg(long)]
    pub(crate) ready_file: PathBuf,
    /// Folder of its database.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// `sqlite` or a PostgreSQL URL.
    #[arg(long, default_value = "sqlite")]
    pub(crate) database: String,
}
