//! Whether the user must be asked for consent (fact sheet 4.1).

use crate::model::Client;
use crate::scope::{Flow, Target};

/// What the answer depends on.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// How the token is asked for.
    pub flow: Flow<'a>,
    /// Who asks.
    pub client: &'a Client,
    /// For which API.
    pub target: Target<'a>,
    /// What would be granted.
    pub want: &'a [&'a str],
    /// What the user consented to before, for this application, API and organization.
    pub stored: Option<&'a [String]>,
    /// `prompt` contains `consent`.
    pub is_forced: bool,
    /// Where the answer goes; `None` in flows without.
    pub redirect_uri: Option<&'a str>,
    /// The tenant lets loopback callbacks skip consent too ([`crate::model::TenantFlags::skip_consent_on_loopback`]).
    pub skips_on_loopback: bool,
    /// The dashboard asks from its own server ([`crate::dashboard::asks_itself`]).
    pub is_dashboard: bool,
}

/// Whether to ask, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The request insists.
    Forced,
    /// Nothing was consented to yet.
    First,
    /// More is wanted than was consented to.
    MoreWanted,
    /// The flow stands for consent: machines, passwords, refreshing.
    NotInFlow,
    /// A first-party application that only signs the user in.
    FirstPartySignIn,
    /// A first-party application with a verifiable callback, and the API lets such ones skip.
    SkippedByApi,
    /// The dashboard, on its own server.
    Dashboard,
    /// Everything wanted was consented to before.
    Stored,
}

impl Need {
    /// Whether the user must be asked.
    pub fn is_needed(self) -> bool {
        matches!(self, Self::Forced | Self::First | Self::MoreWanted)
    }

    /// Whether a consent is to be kept although nobody was asked, since refresh tokens hang on it.
    pub fn is_implicit(self) -> bool {
        matches!(self, Self::NotInFlow | Self::FirstPartySignIn | Self::SkippedByApi | Self::Dashboard)
    }
}

/// Whether the user must be asked for consent.
pub fn needs_consent(question: &Question<'_>) -> Need {
    let client = question.client;
    if question.flow.is_machine()
        || question.flow.is_password()
        || matches!(question.flow, Flow::Refresh(_) | Flow::CodeExchange(_))
    {
        return Need::NotInFlow;
    }
    if question.is_forced {
        return Need::Forced;
    }
    if question.is_dashboard {
        return Need::Dashboard;
    }
    if client.is_first_party {
        match question.target.api() {
            None => return Need::FirstPartySignIn,
            Some(api) if api.skip_consent_for_verifiable_first_party_clients && may_skip(question) => {
                return Need::SkippedByApi;
            }
            Some(_) => {}
        }
    }
    match question.stored {
        None => Need::First,
        Some(stored) if covers(stored, question.want) => Need::Stored,
        Some(_) => Need::MoreWanted,
    }
}

/// Whether everything wanted is among what was consented to.
pub fn covers(stored: &[String], want: &[&str]) -> bool {
    let stored: std::collections::HashSet<&str> = stored.iter().map(String::as_str).collect();
    want.iter().all(|scope| stored.contains(scope))
}

/// What a callback says about who stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// An http(s) URL on a real host: DNS and TLS vouch for it.
    Verifiable,
    /// This machine: any program on it can listen.
    Loopback,
    /// A scheme that any application on the device can claim, or no URL at all.
    Unverifiable,
}

impl Callback {
    /// Of a redirect URI.
    pub fn of(redirect_uri: &str) -> Self {
        let Ok(url) = url::Url::parse(redirect_uri) else { return Self::Unverifiable };
        if !matches!(url.scheme(), "http" | "https") {
            return Self::Unverifiable;
        }
        match url.host() {
            Some(url::Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let local = name.eq_ignore_ascii_case("localhost")
                    || name.to_ascii_lowercase().ends_with(".localhost");
                if local { Self::Loopback } else { Self::Verifiable }
            }
            Some(url::Host::Ipv4(ip)) if ip.is_loopback() || ip.is_unspecified() => Self::Loopback,
            Some(url::Host::Ipv6(ip)) if is_loopback_v6(ip) => Self::Loopback,
            Some(_) => Self::Verifiable,
            None => Self::Unverifiable,
        }
    }
}

fn is_loopback_v6(ip: std::net::Ipv6Addr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || ip.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
}

fn may_skip(question: &Question<'_>) -> bool {
    match question.redirect_uri.map(Callback::of) {
        Some(Callback::Verifiable) => true,
        Some(Callback::Loopback) => question.skips_on_loopback,
        Some(Callback::Unverifiable) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Api;

    fn api(skip: bool) -> Api {
        serde_json::from_value(json!({
            "id": "1", "identifier": "https://api.x/", "skip_consent_for_verifiable_first_party_clients": skip
        }))
        .unwrap()
    }

    fn client(first_party: bool) -> Client {
        Client { client_id: "W".into(), is_first_party: first_party, ..Client::default() }
    }

    fn ask(client: &Client, target: Target<'_>, change: impl FnOnce(&mut Question<'_>)) -> Need {
        let mut question = Question {
            flow: Flow::Code,
            client,
            target,
            want: &["openid", "read:a"],
            stored: None,
            is_forced: false,
            redirect_uri: Some("https://app.example/cb"),
            skips_on_loopback: false,
            is_dashboard: false,
        };
        change(&mut question);
        needs_consent(&question)
    }

    #[test]
    fn the_table_of_fact_sheet_4_1() {
        let (ours, theirs) = (client(true), client(false));
        let (asks, skips) = (api(false), api(true));
        let (asks, skips) = (Target::Api(&asks), Target::Api(&skips));
        assert_eq!(ask(&ours, Target::Userinfo, |_| {}), Need::FirstPartySignIn);
        assert_eq!(ask(&theirs, Target::Userinfo, |_| {}), Need::First);
        assert_eq!(ask(&ours, asks, |_| {}), Need::First);
        assert_eq!(ask(&ours, skips, |_| {}), Need::SkippedByApi);
        assert_eq!(ask(&theirs, skips, |_| {}), Need::First, "a third party can never skip");
        assert_eq!(ask(&ours, skips, |q| q.is_forced = true), Need::Forced);
        assert_eq!(ask(&ours, Target::Userinfo, |q| q.is_forced = true), Need::Forced);
        assert_eq!(ask(&ours, asks, |q| q.is_dashboard = true), Need::Dashboard);
        assert_eq!(ask(&ours, asks, |q| (q.is_dashboard, q.is_forced) = (true, true)), Need::Forced);
        for flow in [Flow::ClientCredentials, Flow::Password, Flow::PasswordRealm] {
            assert_eq!(ask(&theirs, asks, |q| (q.flow, q.is_forced) = (flow, true)), Need::NotInFlow);
        }
    }

    #[test]
    fn callbacks_nobody_vouches_for_do_not_skip() {
        let (ours, api) = (client(true), api(true));
        let at = |uri, loopback| {
            ask(&ours, Target::Api(&api), |q| (q.redirect_uri, q.skips_on_loopback) = (uri, loopback))
        };
        assert_eq!(at(Some("http://localhost:3000/cb"), false), Need::First);
        assert_eq!(at(Some("http://localhost:3000/cb"), true), Need::SkippedByApi, "the tenant's switch");
        assert_eq!(at(Some("com.example.app://cb"), true), Need::First);
        assert_eq!(at(None, true), Need::First);
    }

    #[test]
    fn stored_consent() {
        let (ours, api) = (client(true), api(false));
        assert_eq!(ask(&ours, Target::Api(&api), |q| q.stored = Some(&[])), Need::MoreWanted);
        let stored = ["read:a".to_owned(), "openid".to_owned(), "write:a".to_owned()];
        let question = |want| {
            let q = Question {
                flow: Flow::Code,
                client: &ours,
                target: Target::Api(&api),
                want,
                stored: Some(&stored),
                is_forced: false,
                redirect_uri: None,
                skips_on_loopback: false,
                is_dashboard: false,
            };
            needs_consent(&q)
        };
        assert_eq!(question(&["openid", "read:a"]), Need::Stored, "order and surplus do not matter");
        assert_eq!(question(&["openid", "del:a"]), Need::MoreWanted);
        assert_eq!(question(&[]), Need::Stored);
    }

    #[test]
    fn kinds_of_callback() {
        for (uri, kind) in [
            ("https://app.example/cb", Callback::Verifiable),
            ("http://app.example", Callback::Verifiable),
            ("https://localhost.example/cb", Callback::Verifiable),
            ("http://127.0.0.1/cb", Callback::Loopback),
            ("http://127.1:80/cb", Callback::Loopback),
            ("http://2130706433/", Callback::Loopback),
            ("http://[::1]:3000/cb", Callback::Loopback),
            ("http://[::ffff:127.0.0.1]/", Callback::Loopback),
            ("http://LOCALHOST./cb", Callback::Loopback),
            ("http://app.localhost/cb", Callback::Loopback),
            ("http://app.example@127.0.0.1/", Callback::Loopback),
            ("com.example.app://callback", Callback::Unverifiable),
            ("not a url", Callback::Unverifiable),
        ] {
            assert_eq!(Callback::of(uri), kind, "{uri}");
        }
    }
}
