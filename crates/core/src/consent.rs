//! Whether the user must be asked for consent (fact sheet 4.1).

use std::collections::HashSet;

use crate::model::{Api, Client, ScopeConsent};
use crate::records::Consent;
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
    /// What the user answered before, for this application, API and organization.
    pub stored: Option<&'a Consent>,
    /// `prompt` contains `consent`.
    pub is_forced: bool,
    /// Where the answer goes; `None` in flows without.
    pub redirect_uri: Option<&'a str>,
    /// The tenant lets loopback callbacks skip consent too ([`crate::model::TenantFlags::skip_consent_on_loopback`]).
    pub skips_on_loopback: bool,
    /// The dashboard asks from its own server ([`crate::dashboard::asks_itself`]).
    pub is_dashboard: bool,
    /// The request names further APIs that are decided about after this one (RFC 8707).
    pub others_follow: bool,
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
    /// One of several APIs, at which the user holds nothing that a first-party application asks for.
    NothingOfApi,
    /// Everything wanted was answered before.
    Stored,
}

impl Need {
    /// Whether the user must be asked.
    pub fn is_needed(self) -> bool {
        matches!(self, Self::Forced | Self::First | Self::MoreWanted)
    }

    /// For programs: stable, snake case.
    pub fn code(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::First => "first",
            Self::MoreWanted => "more_wanted",
            Self::NotInFlow => "not_in_flow",
            Self::FirstPartySignIn => "first_party_sign_in",
            Self::SkippedByApi => "skipped_by_api",
            Self::Dashboard => "dashboard",
            Self::NothingOfApi => "nothing_of_api",
            Self::Stored => "recorded",
        }
    }

    /// What it means for a scope that is granted: asked for, skipped or recorded.
    pub fn consent_code(self) -> &'static str {
        match self {
            Self::Forced | Self::First | Self::MoreWanted => "consent_needed",
            Self::NotInFlow
            | Self::FirstPartySignIn
            | Self::SkippedByApi
            | Self::Dashboard
            | Self::NothingOfApi => "consent_skipped",
            Self::Stored => "consented",
        }
    }

    /// Whether a consent is to be kept although nobody was asked, since refresh tokens hang on it.
    pub fn is_implicit(self) -> bool {
        match self {
            Self::NotInFlow
            | Self::FirstPartySignIn
            | Self::SkippedByApi
            | Self::Dashboard
            | Self::NothingOfApi => true,
            Self::Forced | Self::First | Self::MoreWanted | Self::Stored => false,
        }
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
            // What signs the user in is asked about with the API that comes last.
            Some(api) if question.others_follow && !question.want.iter().any(|scope| api.defines(scope)) => {
                return Need::NothingOfApi;
            }
            Some(_) => {}
        }
    }
    match question.stored {
        None => Need::First,
        Some(stored) if answers(stored, question) => Need::Stored,
        Some(_) => Need::MoreWanted,
    }
}

/// Whether the user said yes or no to everything wanted. A no counts while it may be said: to a scope that has become
/// required since, it is no answer.
fn answers(stored: &Consent, question: &Question<'_>) -> bool {
    let allowed: HashSet<&str> = stored.scope.iter().map(String::as_str).collect();
    let declined: HashSet<&str> = stored.declined.iter().map(String::as_str).collect();
    let may_decline = |scope| is_choice(question.target.api(), scope);
    let mut want = question.want.iter();
    want.all(|scope| allowed.contains(scope) || (declined.contains(scope) && may_decline(scope)))
}

/// Whether the user may leave out this scope and let the application have the rest.
pub fn is_choice(api: Option<&Api>, scope: &str) -> bool {
    api.is_some_and(|api| api.consent_to(scope) != ScopeConsent::Required)
}

/// Whether the box of a scope that may be left out is ticked before the user did anything: as they left it, where they
/// were asked before.
pub fn begins_ticked(api: &Api, scope: &str, stored: Option<&Consent>) -> bool {
    let among =
        |list: fn(&Consent) -> &Vec<String>| stored.is_some_and(|s| list(s).iter().any(|s| s == scope));
    if among(|stored| &stored.scope) {
        return true;
    }
    api.consent_to(scope) == ScopeConsent::Optional && !among(|stored| &stored.declined)
}

/// What of this may be had where nobody is asked: a no that was said when somebody was asked still stands.
pub fn unless_declined(want: &[String], api: Option<&Api>, stored: Option<&Consent>) -> Vec<String> {
    let declined = |scope: &String| stored.is_some_and(|stored| stored.declined.contains(scope));
    want.iter().filter(|scope| !(declined(scope) && is_choice(api, scope))).cloned().collect()
}

/// What a user lets an application have of what it wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Everything but what was left out.
    pub allowed: Vec<String>,
    /// What was left out.
    pub declined: Vec<String>,
}

/// The answer of somebody who agrees, with these boxes ticked. Only what may be left out can be; nothing is allowed that is
/// not wanted, whatever was ticked.
pub fn answer(wanted: &[String], api: Option<&Api>, is_ticked: impl Fn(&str) -> bool) -> Answer {
    let (declined, allowed) =
        wanted.iter().cloned().partition(|scope| is_choice(api, scope) && !is_ticked(scope));
    Answer { allowed, declined }
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn api(skip: bool) -> Api {
        serde_json::from_value(json!({
            "id": "1", "identifier": "https://api.x/", "skip_consent_for_verifiable_first_party_clients": skip
        }))
        .unwrap()
    }

    fn client(first_party: bool) -> Client {
        Client { client_id: "W".into(), is_first_party: first_party, ..Client::default() }
    }

    fn ask<'a>(client: &'a Client, target: Target<'a>, change: impl FnOnce(&mut Question<'a>)) -> Need {
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
            others_follow: false,
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
    fn an_api_of_several_that_gives_nothing_is_not_asked_about() {
        let (ours, theirs, api) = (client(true), client(false), choices());
        let at = |client, want, others_follow| {
            ask(client, Target::Api(&api), |q| (q.want, q.others_follow) = (want, others_follow))
        };
        let (nothing, something) = (&["openid", "offline_access"][..], &["openid", "may:a"][..]);
        assert_eq!(at(&ours, nothing, true), Need::NothingOfApi);
        assert_eq!(at(&ours, something, true), Need::First);
        assert_eq!(at(&ours, nothing, false), Need::First, "somebody has to be asked about signing in");
        assert_eq!(
            at(&theirs, nothing, true),
            Need::First,
            "a third party is let at an API by its user alone"
        );
    }

    #[test]
    fn stored_consent() {
        let (ours, api, empty) = (client(true), api(false), stored(&[], &[]));
        assert_eq!(ask(&ours, Target::Api(&api), |q| q.stored = Some(&empty)), Need::MoreWanted);
        let stored = stored(&["read:a", "openid", "write:a"], &[]);
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
                others_follow: false,
            };
            needs_consent(&q)
        };
        assert_eq!(question(&["openid", "read:a"]), Need::Stored, "order and surplus do not matter");
        assert_eq!(question(&["openid", "del:a"]), Need::MoreWanted);
        assert_eq!(question(&[]), Need::Stored);
    }

    fn stored(scope: &[&str], declined: &[&str]) -> Consent {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Consent { scope: texts(scope), declined: texts(declined), ..Consent::default() }
    }

    fn choices() -> Api {
        let mut api = api(false);
        api.scopes = Some(
            serde_json::from_value(json!([
                {"value": "read:a"}, {"value": "must:a", "consent": "required"},
                {"value": "may:a", "consent": "optional"}, {"value": "dare:a", "consent": "sensitive"},
            ]))
            .unwrap(),
        );
        api
    }

    #[test]
    fn a_no_is_an_answer() {
        let (ours, mut api) = (client(true), choices());
        let want = ["openid", "read:a", "may:a", "dare:a"];
        let need = |api: &Api, scope: &[&str], declined: &[&str]| {
            let kept = stored(scope, declined);
            ask(&ours, Target::Api(api), |q| {
                (q.want, q.stored) = (&want, Some(&kept));
            })
        };
        let said = (&["openid", "read:a"][..], &["may:a", "dare:a"][..]);
        assert_eq!(need(&api, said.0, said.1), Need::Stored, "nobody is asked twice");
        assert_eq!(need(&api, said.0, &["may:a"]), Need::MoreWanted, "dare:a was never answered");
        api.scopes.as_mut().unwrap()[2].consent = None;
        assert_eq!(need(&api, said.0, said.1), Need::MoreWanted, "may:a is required now");
        assert_eq!(need(&api, &["openid"], &["read:a", "may:a", "dare:a"]), Need::MoreWanted);
    }

    #[test]
    fn boxes_begin_as_they_were_left() {
        let api = choices();
        let kept = stored(&["dare:a"], &["may:a"]);
        for (scope, anew, again) in [("may:a", true, false), ("dare:a", false, true)] {
            assert_eq!(begins_ticked(&api, scope, None), anew, "{scope}");
            assert_eq!(begins_ticked(&api, scope, Some(&kept)), again, "{scope}");
        }
    }

    proptest! {
        /// Whatever comes with a form: nothing beyond what is wanted, and all of it that must be.
        #[test]
        fn an_answer_never_widens(
            wanted in prop::sample::subsequence(vec!["openid", "read:a", "must:a", "may:a", "dare:a", "gone:a"], 0..=6),
            ticked in prop::collection::hash_set("(openid|read:a|must:a|may:a|dare:a|gone:a|more:a|\\PC{0,4})", 0..8),
        ) {
            let api = choices();
            let wanted: Vec<String> = wanted.iter().map(|text| (*text).to_owned()).collect();
            let Answer { allowed, declined } = answer(&wanted, Some(&api), |scope| ticked.contains(scope));
            for scope in &wanted {
                let may_say_no = ["may:a", "dare:a"].contains(&scope.as_str());
                let expected = !may_say_no || ticked.contains(scope);
                prop_assert_eq!(allowed.contains(scope), expected, "{}", scope);
                prop_assert_eq!(declined.contains(scope), !expected, "{}", scope);
            }
            prop_assert_eq!(allowed.len() + declined.len(), wanted.len());
            // What the token may carry afterwards, and what is asked next time.
            let kept = Consent { scope: allowed, declined, ..Consent::default() };
            let want: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let need = ask(&client(true), Target::Api(&api), |q| (q.want, q.stored) = (&want, Some(&kept)));
            prop_assert_eq!(need, Need::Stored);
        }
    }

    proptest! {
        /// Whatever is asked, by whom and on which way through the browser: who goes by without a page, and what for.
        #[test]
        fn nobody_goes_by_who_is_to_be_asked(
            way in 0..5_usize,
            at in prop::option::of(any::<bool>()),
            [is_ours, is_forced, skips_on_loopback, others_follow] in any::<[bool; 4]>(),
            want in prop::sample::subsequence(SCOPES.to_vec(), 0..=SCOPES.len()),
            before in prop::option::of((
                prop::sample::subsequence(SCOPES.to_vec(), 0..=SCOPES.len()),
                prop::sample::subsequence(SCOPES.to_vec(), 0..=SCOPES.len()),
            )),
            redirect_uri in prop::sample::select(vec![
                None, Some("https://app.example/cb"), Some("http://localhost/cb"), Some("app://cb"),
            ]),
        ) {
            let flow = [Flow::Code, Flow::Implicit, Flow::Hybrid, Flow::DeviceCode, Flow::Backchannel][way];
            let api = at.map(|skips| {
                Api { skip_consent_for_verifiable_first_party_clients: skips, ..choices() }
            });
            let target = api.as_ref().map_or(Target::Userinfo, Target::Api);
            let kept = before.map(|(scope, declined)| stored(&scope, &declined));
            let need_where = |others_follow| ask(&client(is_ours), target, |q| {
                (q.flow, q.want, q.stored, q.is_forced) = (flow, &want, kept.as_ref(), is_forced);
                (q.redirect_uri, q.skips_on_loopback, q.others_follow) =
                    (redirect_uri, skips_on_loopback, others_follow);
            });
            let need = need_where(others_follow);
            prop_assert_eq!(need == Need::Forced, is_forced);
            prop_assert!(!need.is_implicit() || is_ours, "a third party is let in by its user alone");
            prop_assert!(!need_where(true).is_needed() || need_where(false).is_needed(), "further APIs make no page");
            let of_api = |scope: &&str| api.as_ref().is_some_and(|api| api.defines(scope));
            match need {
                Need::Forced | Need::First => {}
                Need::Stored | Need::MoreWanted => {
                    let kept = kept.as_ref().unwrap();
                    let has = |list: &[String], scope: &str| list.iter().any(|one| one == scope);
                    let is_answered = want.iter().all(|scope| {
                        has(&kept.scope, scope)
                            || (has(&kept.declined, scope) && ["may:a", "dare:a"].contains(scope) && api.is_some())
                    });
                    prop_assert_eq!(need == Need::Stored, is_answered);
                }
                Need::FirstPartySignIn => prop_assert!(api.is_none()),
                Need::SkippedByApi => {
                    let loopback = skips_on_loopback && redirect_uri == Some("http://localhost/cb");
                    prop_assert!(at == Some(true) && (loopback || redirect_uri == Some("https://app.example/cb")));
                }
                Need::NothingOfApi => prop_assert!(others_follow && !want.iter().any(of_api)),
                Need::NotInFlow | Need::Dashboard => prop_assert!(false, "{:?}", need),
            }
        }
    }

    const SCOPES: [&str; 6] = ["openid", "offline_access", "read:a", "must:a", "may:a", "dare:a"];

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
