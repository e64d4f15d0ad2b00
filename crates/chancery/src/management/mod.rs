//! The Management API of a running server, as its own command line calls it.

mod http;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::http::Method;
use anyhow::{Context, Result, bail};
use form_urlencoded::Serializer;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

pub(crate) use self::http::Answer;
use self::http::{Client, Trust};
use crate::cli::ServerArgs;
use crate::dev::ReadyFile;

/// A server with a token for it.
#[derive(Debug)]
pub(crate) struct Management {
    client: Client,
    base: String,
    client_id: String,
    token: SecretString,
}

impl Management {
    /// Signs in with the client credentials grant.
    pub(crate) async fn connect(args: ServerArgs) -> Result<Self> {
        let who = Who::of(args).await?;
        let client = Client::new(&who.url, who.trust()?)?;
        let base = who.url.trim_end_matches('/').to_owned();
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": who.client_id,
            "client_secret": who.client_secret.expose_secret(),
            "audience": format!("{base}/api/v2/"),
        });
        let answer = client.send(Method::POST, "/oauth/token", None, Some(&body)).await?;
        let refused = || format!("{base} gives no token for its Management API: {}", said(&answer.body));
        match answer.status {
            200 => {}
            401 => bail!("{base} gives no token: the client id or secret is wrong"),
            _ => bail!(refused()),
        }
        let token = answer.body["access_token"].as_str().with_context(refused)?.to_owned().into();
        Ok(Self { client, base, client_id: who.client_id, token })
    }

    /// The issuer, without the slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The application that asks.
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value> {
        self.call(Method::DELETE, path, None).await
    }

    /// Takes away what a body lists.
    pub(crate) async fn delete_of(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::DELETE, path, Some(body)).await
    }

    /// Every item of a list that goes on from where a part of it ended.
    pub(crate) async fn list_on(&self, path: &str, member: &str) -> Result<Vec<Value>> {
        let (mut all, mut from) = (Vec::new(), String::new());
        loop {
            let mut query = Serializer::new(String::new());
            query.append_pair("take", &PAGE.to_string());
            if !from.is_empty() {
                query.append_pair("from", &from);
            }
            let mut part = self.get(&format!("{path}?{}", query.finish())).await?;
            let Value::Array(items) = part[member].take() else {
                bail!("{} answered {path} with no list", self.base)
            };
            all.extend(items);
            match part["next"].as_str() {
                Some(next) if next != from => from = next.to_owned(),
                _ => return Ok(all),
            }
        }
    }

    /// Has the server mail a link for choosing a new password. It does not say whether there is such a user.
    pub(crate) async fn mail_reset_link(&self, connection: &str, email: &str) -> Result<()> {
        let body = json!({ "connection": connection, "email": email });
        self.client.post_for_words("/dbconnections/change_password", &body).await
    }

    /// Every item of a list, page by page.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let (mut all, mut page) = (Vec::new(), 0);
        let join = if path.contains('?') { '&' } else { '?' };
        loop {
            let answer = self.get(&format!("{path}{join}per_page={PAGE}&page={page}")).await?;
            let Value::Array(items) = answer else { bail!("{} answered {path} with no list", self.base) };
            let last = items.len() < PAGE;
            all.extend(items);
            if last {
                return Ok(all);
            }
            page += 1;
        }
    }

    /// An operation of our own, below `/api/chancery/v1`.
    pub(crate) async fn own_post(&self, path: &str, body: &Value) -> Result<Value> {
        self.own_call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn own_get(&self, path: &str) -> Result<Value> {
        self.own_call(Method::GET, path, None).await
    }

    async fn own_call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.send(method, &format!("/api/chancery/v1{path}"), body).await?;
        match answer.status {
            200..=299 => Ok(answer.body),
            status => bail!("{} answered {status}: {}", self.base, said(&answer.body)),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.send(method, &format!("/api/v2{path}"), body).await?;
        match answer.status {
            200..=299 => Ok(answer.body),
            status => bail!("{} answered {status}: {}", self.base, said(&answer.body)),
        }
    }

    /// One request as it stands, and whatever it is answered.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.client.send(method, path, Some(&self.token), body).await
    }
}

const PAGE: usize = 100;

/// The path of one thing.
pub(crate) fn path(resource: &str, id: &str) -> String {
    format!("/{resource}/{}", utf8_percent_encode(id, SEGMENT))
}

/// What an id may be made of without a second look: `cgr_...` is printed as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The words of an error, of either API.
pub(crate) fn said(body: &Value) -> String {
    let text = |name: &str| body[name].as_str();
    let words = text("message").or(text("error_description")).or(text("error"));
    words.map_or_else(|| body.to_string(), str::to_owned)
}

/// Who calls which server.
struct Who {
    url: String,
    client_id: String,
    client_secret: SecretString,
    ca_file: Option<PathBuf>,
}

impl Who {
    /// What is given singly wins over the ready file.
    async fn of(args: ServerArgs) -> Result<Self> {
        let args = without_empty(args);
        let ready = match args.ready_file.as_deref() {
            Some(path) => Some(await_ready(path).await?),
            None => None,
        };
        let management = ready.as_ref().map(|ready| &ready.clients.management);
        let url = args.url.or(ready.as_ref().map(|ready| ready.issuer.clone()));
        let client_id = args.client_id.or(management.map(|client| client.client_id.clone()));
        let from_ready = management.and_then(|client| client.client_secret.clone()).map(Into::into);
        let client_secret: Option<SecretString> = args.client_secret.or(from_ready);
        Ok(Self {
            url: url.context(HOW)?,
            client_id: client_id.context(HOW)?,
            client_secret: client_secret.context(HOW)?,
            ca_file: args.ca_file.or(ready.map(|ready| ready.ca_file.into())),
        })
    }

    fn trust(&self) -> Result<Trust> {
        self.ca_file.as_deref().map_or(Ok(Trust::System), |path: &Path| Trust::file(path))
    }
}

/// A variable that is set to nothing is not set.
fn without_empty(args: ServerArgs) -> ServerArgs {
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let path = |path: Option<PathBuf>| path.filter(|path| !path.as_os_str().is_empty());
    ServerArgs {
        url: text(args.url),
        client_id: text(args.client_id),
        client_secret: args.client_secret.filter(|secret| !secret.expose_secret().is_empty()),
        ready_file: path(args.ready_file),
        ca_file: path(args.ca_file),
    }
}

/// What a server writes once it serves: one that was started just now needs a moment for it.
async fn await_ready(path: &Path) -> Result<ReadyFile> {
    for _ in 0..READY_ATTEMPTS {
        if path.exists() {
            break;
        }
        tokio::time::sleep(READY_PAUSE).await;
    }
    ReadyFile::read(path)
}

/// Ten seconds in all: a first start makes keys.
const READY_ATTEMPTS: u32 = 100;
const READY_PAUSE: Duration = Duration::from_millis(100);

const HOW: &str = "say which server and as whom: --url, --client-id and --client-secret, or CHANCERY_URL, CHANCERY_CLIENT_ID \
    and CHANCERY_CLIENT_SECRET (`chancery init` prints them), or --ready-file of `chancery dev`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_encoded() {
        assert_eq!(path("resource-servers", "https://a/b c"), "/resource-servers/https%3A%2F%2Fa%2Fb%20c");
        assert_eq!(path("client-grants", "cgr_a-B1"), "/client-grants/cgr_a-B1");
        assert_eq!(path("roles", ".."), "/roles/%2E%2E");
    }

    #[test]
    fn errors_speak() {
        assert_eq!(said(&json!({ "statusCode": 404, "message": "none" })), "none");
        assert_eq!(said(&json!({ "error": "access_denied", "error_description": "no" })), "no");
    }

    #[tokio::test]
    async fn whoever_says_too_little_is_told_what_to_say() {
        let nothing =
            ServerArgs { url: None, client_id: None, client_secret: None, ready_file: None, ca_file: None };
        let empty = ServerArgs {
            url: Some(String::new()),
            client_id: Some(String::new()),
            client_secret: Some(String::new().into()),
            ready_file: Some(PathBuf::new()),
            ca_file: Some(PathBuf::new()),
        };
        for args in [nothing, empty] {
            assert!(Who::of(args).await.err().unwrap().to_string().contains("chancery init"));
        }
    }
}
