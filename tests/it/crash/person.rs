//! Somebody with a browser, one step at a time: each step is a request that may be the one which is not answered.

use std::collections::BTreeMap;

use super::{
    tenant::CALLBACK,
    wire::{Answer, Call, Lost, Wire},
};
use crate::support::unescape;

pub(super) struct Person {
    pub(super) wire: Wire,
    origin: String,
    cookies: BTreeMap<String, String>,
}

/// Where a redirect leads.
#[derive(Debug)]
pub(super) enum Step {
    /// The login page of this transaction.
    Login(String),
    /// Its consent page.
    Consent(String),
    /// Back to `/authorize`, here.
    Resume(String),
    /// At the application.
    Landed(Landing),
}

/// What the application is told.
#[derive(Debug)]
pub(super) struct Landing {
    pub(super) code: Option<String>,
    pub(super) error: Option<String>,
}

impl Person {
    pub(super) fn new(wire: Wire, host: &str) -> Self {
        Self { wire, origin: format!("http://{host}"), cookies: BTreeMap::new() }
    }

    pub(super) fn with_cookies(mut self, like: &Self) -> Self {
        self.cookies.clone_from(&like.cookies);
        self
    }

    /// Opens a place that redirects.
    pub(super) async fn open(&mut self, target: &str) -> Result<Step, Lost> {
        let call = Call::get(target);
        self.go(call).await
    }

    pub(super) async fn log_in(&mut self, state: &str, who: &(String, String)) -> Result<Step, Lost> {
        let fields = [("state", state), ("username", &who.0), ("password", &who.1), ("action", "default")];
        self.go(Call::form("/u/login", &fields)).await
    }

    /// Looks at the page and agrees to what it asks.
    pub(super) async fn consent(&mut self, state: &str) -> Result<Step, Lost> {
        let page = self.ask(Call::get(&format!("/u/consent?state={state}"))).await?;
        let shown = page.body.split_once("name=\"asked\" value=\"").map(|(_, rest)| rest);
        let asked = unescape(shown.and_then(|rest| rest.split('"').next()).unwrap_or_default());
        self.go(Call::form("/u/consent", &[("state", state), ("asked", &asked), ("action", "accept")])).await
    }

    async fn go(&mut self, call: Call) -> Result<Step, Lost> {
        let answer = self.ask(call).await?;
        Ok(self.step(&answer))
    }

    async fn ask(&mut self, call: Call) -> Result<Answer, Lost> {
        let mut call = call.header("origin", &self.origin);
        if !self.cookies.is_empty() {
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            call = call.header("cookie", &cookies.join("; "));
        }
        let answer = self.wire.send(&call).await?;
        self.keep(&answer);
        Ok(answer)
    }

    fn keep(&mut self, answer: &Answer) {
        for line in answer.headers("set-cookie") {
            let (name, rest) = line.split_once('=').unwrap();
            match line.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned()),
            };
        }
    }

    fn step(&self, answer: &Answer) -> Step {
        let location = answer.header("location");
        let target = location.strip_prefix(&self.origin).unwrap_or(location);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let named = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        match path {
            "/u/login" => Step::Login(named("state").unwrap()),
            "/u/consent" => Step::Consent(named("state").unwrap()),
            "/authorize/resume" => Step::Resume(target.to_owned()),
            CALLBACK => Step::Landed(Landing { code: named("code"), error: named("error") }),
            _ => panic!("leads nowhere known: {answer:?}"),
        }
    }
}
