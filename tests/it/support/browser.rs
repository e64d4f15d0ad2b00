//! A browser with cookies that follows no redirect by itself, and one person's way through the hosted pages.

use std::collections::BTreeMap;

use super::{Answer, Ask, Call, Landing, Pairs, TestApp};
use chancery::seed::Person;

/// Somebody's browser. Cookies of one host; enough for us, who set none with a `Domain`.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    /// The nodes that its requests go to, in turn.
    nodes: Vec<&'a TestApp>,
    sent: usize,
    pub(crate) cookies: BTreeMap<String, String>,
    headers: Vec<(&'static str, String)>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Self {
        Self::among(&[app])
    }

    /// Behind a balancer that sends each request to another node.
    pub(crate) fn among(nodes: &[&'a TestApp]) -> Self {
        Self { nodes: nodes.to_vec(), sent: 0, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// Sends this header with everything.
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) async fn send(&mut self, call: Call) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let call = match cookies.is_empty() || call.has_header("cookie") {
            true => call,
            false => call.header("cookie", &cookies.join("; ")),
        };
        let call = self.headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        let node = self.nodes[self.sent % self.nodes.len()];
        self.sent += 1;
        let answer = node.send(call).await;
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            match line.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Call::get(path)).await
    }

    pub(crate) async fn post(&mut self, path: &str, pairs: Pairs<'_>) -> Answer {
        self.send(Call::post(path).form(pairs)).await
    }

    /// Posts the form of a page with what the user types.
    #[track_caller]
    pub(crate) fn submit(&mut self, page: &Answer, typed: Pairs<'_>) -> impl Future<Output = Answer> {
        let form = page.form();
        async move {
            let filled = form.filled(typed);
            let pairs: Vec<(&str, &str)> = filled.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            self.post(&form.action, &pairs).await
        }
    }

    /// Follows redirects within the server, up to a page or to a redirect that leaves it.
    pub(crate) async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            let Some(next) = answer.location().filter(|l| l.starts_with('/')).map(str::to_owned) else {
                return answer;
            };
            answer = self.get(&next).await;
        }
        panic!("redirected in a circle: {answer:?}")
    }

    /// Opens `/authorize` and follows.
    pub(crate) async fn open(&mut self, ask: &Ask) -> Answer {
        let answer = self.get(&ask.path()).await;
        self.follow(answer).await
    }

    /// Types name and password into a login page, and follows.
    pub(crate) async fn log_in(&mut self, page: &Answer, person: &Person) -> Answer {
        let typed = [("username", person.email), ("password", person.password), ("action", "default")];
        let answer = self.submit(page, &typed).await;
        self.follow(answer).await
    }

    /// Whatever page comes is dealt with as a willing user would: sign-in, consent, confirmation. Ends where the
    /// application is answered.
    pub(crate) async fn go_through(&mut self, mut answer: Answer, person: &Person) -> Answer {
        for _ in 0..5 {
            if answer.location().is_some() || answer.status != 200 {
                return answer;
            }
            answer = match answer.form().action.as_str() {
                "/u/login" => self.log_in(&answer, person).await,
                "/u/consent" | "/u/confirm" => {
                    let next = self.submit(&answer, &[("action", "accept")]).await;
                    self.follow(next).await
                }
                _ => return answer,
            };
        }
        panic!("pages without end: {answer:?}")
    }

    /// The whole way from `/authorize` to the application.
    pub(crate) async fn authorize(&mut self, ask: &Ask, person: &Person) -> Landing {
        let answer = self.open(ask).await;
        Landing::of(&self.go_through(answer, person).await)
    }

    pub(crate) fn session_cookie(&self) -> Option<&str> {
        self.cookies.get("auth0").map(String::as_str)
    }
}

impl Browser<'_> {
    /// Types the code that a device shows, and says yes to everything.
    pub(crate) async fn activate(&mut self, user_code: &str, person: &Person) -> Answer {
        let answer = self.post("/activate", &[("user_code", user_code)]).await;
        let answer = self.follow(answer).await;
        self.finish(answer, person).await
    }

    /// As [`Browser::go_through`], where no application is answered: up to a page without a form.
    pub(crate) async fn finish(&mut self, mut answer: Answer, person: &Person) -> Answer {
        while answer.status == 200 && answer.body.contains("<form ") {
            answer = match answer.form().action.as_str() {
                "/u/login" => self.log_in(&answer, person).await,
                "/u/device" | "/u/consent" => {
                    let next = self.submit(&answer, &[("action", "accept")]).await;
                    self.follow(next).await
                }
                other => panic!("{other}: {answer:?}"),
            };
        }
        answer
    }

    /// Jane signs in and says no.
    pub(crate) async fn decline(&mut self, ask: &Ask) -> Landing {
        let login = self.open(ask).await;
        let consent = self.log_in(&login, &chancery::seed::JANE).await;
        let declined = self.submit(&consent, &[("action", "decline")]).await;
        Landing::of(&self.follow(declined).await)
    }
}
