//! The least browser that can sign in: cookies, redirects, forms.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::{Context as _, Result, bail};

use crate::{
    form::Form,
    http1::{Connection, Request},
};

/// Pages and redirects a sign-in may take before we call it a loop.
const STEPS: usize = 16;

/// Keeps the cookies of one host.
#[derive(Debug)]
pub(crate) struct Browser {
    address: SocketAddr,
    origin: url::Url,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A browser without cookies for one origin, reached at `address`.
    pub(crate) fn new(address: SocketAddr, origin: url::Url) -> Self {
        Self { address, origin, cookies: BTreeMap::new() }
    }

    /// Opens `authorize`, signs in, consents, and returns the callback address it is sent to in the end.
    ///
    /// # Errors
    /// When a page holds no form we can answer, or the callback is not reached.
    pub(crate) async fn sign_in(
        &mut self,
        authorize: &str,
        callback: &str,
        user: (&str, &str),
    ) -> Result<url::Url> {
        let mut request = self.get(&self.origin.join(authorize)?);
        let mut place = self.origin.join(authorize)?;
        for _ in 0..STEPS {
            match self.send(&request, &place).await? {
                Turn::Redirect(next) if next.as_str().starts_with(callback) => return Ok(next),
                Turn::Redirect(next) => {
                    request = self.get(&next);
                    place = next;
                }
                Turn::Page(page) => {
                    let mut form =
                        Form::find(&page).with_context(|| format!("no form at {place}: {page}"))?;
                    answer(&mut form, user);
                    let target = place.join(&form.action)?;
                    request = self.post(&target, &form);
                    place = target;
                }
            }
        }
        bail!("no callback after {STEPS} steps; last seen at {place}")
    }

    /// The `Cookie` header as it stands.
    pub(crate) fn cookies(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn get(&self, place: &url::Url) -> Request {
        self.with_cookies(Request::bare("GET", &authority(&self.origin), &target(place)))
    }

    fn post(&self, place: &url::Url, form: &Form) -> Request {
        let fields: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let origin = self.origin.origin().ascii_serialization();
        let request = Request::form(&authority(&self.origin), &target(place), &fields);
        self.with_cookies(request.header("origin", origin))
    }

    fn with_cookies(&self, request: Request) -> Request {
        if self.cookies.is_empty() { request } else { request.header("cookie", self.cookies()) }
    }

    async fn send(&mut self, request: &Request, place: &url::Url) -> Result<Turn> {
        let mut connection = Connection::new(self.address);
        let answer = connection.exchange(&request.bytes()).await?;
        for line in answer.headers("set-cookie") {
            keep(&mut self.cookies, line);
        }
        match answer.status {
            300..400 => {
                let location = answer.headers("location").next().context("a redirect to nowhere")?;
                Ok(Turn::Redirect(place.join(location)?))
            }
            200..300 => Ok(Turn::Page(answer.text())),
            status => bail!("{} {place} answered {status}: {}", request.method, answer.text()),
        }
    }
}

enum Turn {
    Redirect(url::Url),
    Page(String),
}

/// Fills in what the form asks for: who signs in, or yes to the consent.
fn answer(form: &mut Form, (email, password): (&str, &str)) {
    let signs_in = form.has("username") || form.has("password");
    if form.has("username") {
        form.set("username", email);
    }
    if form.has("password") {
        form.set("password", password);
    }
    form.set("action", if signs_in { "default" } else { "accept" });
}

/// Takes one `Set-Cookie` line; a cookie without value or with no time left is forgotten.
fn keep(cookies: &mut BTreeMap<String, String>, line: &str) {
    let mut parts = line.split(';').map(str::trim);
    let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
    if value.is_empty() || parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
        cookies.remove(name);
    } else {
        cookies.insert(name.to_owned(), value.to_owned());
    }
}

/// Host and port as they stand in `Host`.
pub(crate) fn authority(place: &url::Url) -> String {
    place[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
}

fn target(place: &url::Url) -> String {
    place[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_come_and_go() {
        let mut cookies = BTreeMap::new();
        keep(&mut cookies, "auth0=s%3Aabc; Path=/; HttpOnly; Secure");
        keep(&mut cookies, "state=1");
        keep(&mut cookies, "state=; Max-Age=0");
        assert_eq!(cookies.into_iter().collect::<Vec<_>>(), [("auth0".to_owned(), "s%3Aabc".to_owned())]);
    }

    #[test]
    fn forms_are_answered_by_their_fields() {
        let mut login =
            Form::find("<form method=post><input name=username><input name=password></form>").unwrap();
        answer(&mut login, ("a@b", "x"));
        let expected = [("username", "a@b"), ("password", "x"), ("action", "default")];
        assert_eq!(login.fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut consent = Form::find("<form method=post><input name=state value=1></form>").unwrap();
        answer(&mut consent, ("a@b", "x"));
        assert_eq!(consent.fields.last().unwrap().1, "accept");
    }
}
