//! What is measured, beside which floor, and how near to it we want to be.

use clap::ValueEnum;

/// A kind of request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Kind {
    /// Client credentials, access token signed with RS256.
    ClientCredentialsRs256,
    /// Client credentials, access token signed with ES256.
    ClientCredentialsEs256,
    /// A code for an RS256 access token and an ID token.
    Code,
    /// A rotating refresh token for the next one, an RS256 access token and an ID token.
    Refresh,
    /// A rotating refresh token for the next one and an ES256 access token: the writes weigh most.
    RefreshEs256,
    /// A password for an RS256 access token and an ID token.
    Login,
    /// The profile behind an access token.
    Userinfo,
    /// The key set.
    Jwks,
    /// The discovery document.
    Discovery,
    /// An application by its id, through the Management API.
    MgmtGet,
    /// A new application, through the Management API: durable when it is answered.
    MgmtCreate,
    /// The first page by checkpoint of a collection of many thousand.
    MgmtListFirst,
    /// Its last page.
    MgmtListDeep,
}

/// The figure a target speaks of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Measure {
    /// Server CPU of one request.
    Cpu,
    /// Time of one request: the median latency.
    Time,
}

/// How much more than the floor we allow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Of what.
    pub(crate) measure: Measure,
    /// The largest ratio.
    pub(crate) at_most: f64,
}

/// One floor of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    /// Its name in the table.
    pub(crate) name: String,
    /// Its path on the floor process.
    pub(crate) path: String,
    /// The ratio to defend, if the project has set one.
    pub(crate) target: Option<Target>,
}

impl Kind {
    /// Its name in the table and in `--only`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClientCredentialsRs256 => "client-credentials-rs256",
            Self::ClientCredentialsEs256 => "client-credentials-es256",
            Self::Code => "code",
            Self::Refresh => "refresh",
            Self::RefreshEs256 => "refresh-es256",
            Self::Login => "login",
            Self::Userinfo => "userinfo",
            Self::Jwks => "jwks",
            Self::Discovery => "discovery",
            Self::MgmtGet => "mgmt-get",
            Self::MgmtCreate => "mgmt-create",
            Self::MgmtListFirst => "mgmt-list-first",
            Self::MgmtListDeep => "mgmt-list-deep",
        }
    }

    /// What it is measured against; `signatures` is how many the server's answer carries.
    pub(crate) fn baselines(self, signatures: usize) -> Vec<Baseline> {
        match self {
            Self::ClientCredentialsRs256 => vec![baseline("rs256", "/sign/rs256", cpu(1.08))],
            Self::ClientCredentialsEs256 => vec![baseline("es256", "/sign/es256", cpu(1.5))],
            Self::Code => writes("rs256", signatures, None),
            Self::Refresh => writes("rs256", signatures, time(2.0)),
            Self::RefreshEs256 => writes("es256", signatures, time(2.0)),
            Self::Login => vec![
                baseline("argon2id", "/hash", cpu(1.1)),
                baseline(&format!("argon2id+{signatures}*rs256"), &format!("/hash/rs256/{signatures}"), None),
            ],
            Self::Userinfo | Self::MgmtGet | Self::MgmtListFirst | Self::MgmtListDeep => {
                vec![baseline("hello", "/hello", None)]
            }
            Self::MgmtCreate => vec![baseline("writes", "/writes", None)],
            Self::Jwks | Self::Discovery => {
                // What the system takes for sending as much is in the second one.
                vec![baseline("hello", "/hello", cpu(1.5)), baseline("4 KB", "/hello/4096", None)]
            }
        }
    }

    /// Whether the request reads only.
    pub(crate) fn is_get(self) -> bool {
        matches!(
            self,
            Self::Userinfo
                | Self::Jwks
                | Self::Discovery
                | Self::MgmtGet
                | Self::MgmtListFirst
                | Self::MgmtListDeep
        )
    }

    /// What one user, or one queue, can keep busy; more are cut to this.
    pub(crate) const fn most_connections(self) -> usize {
        match self {
            // A user holds at most 200 refresh tokens at an application: the oldest of more would end.
            Self::Refresh | Self::RefreshEs256 => 192,
            // The queue of passwords turns away more than 64 with 503.
            Self::Login => 64,
            _ => usize::MAX,
        }
    }
}

/// The durable writes alone, and with the signatures our answer carries.
fn writes(algorithm: &str, signatures: usize, target: Option<Target>) -> Vec<Baseline> {
    let both = format!("writes+{signatures}*{algorithm}");
    vec![
        baseline("writes", "/writes", target),
        baseline(&both, &format!("/writes/{algorithm}/{signatures}"), target),
    ]
}

fn baseline(name: &str, path: &str, target: Option<Target>) -> Baseline {
    Baseline { name: name.to_owned(), path: path.to_owned(), target }
}

fn cpu(at_most: f64) -> Option<Target> {
    Some(Target { measure: Measure::Cpu, at_most })
}

fn time(at_most: f64) -> Option<Target> {
    Some(Target { measure: Measure::Time, at_most })
}
