//! Prepares a served tenant: APIs, an application, a signed-in user, and the requests to measure with them.

use std::{net::SocketAddr, rc::Rc};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::{
    browser::{Browser, authority},
    collection,
    http1::{Answer, Connection, Request},
    load::{self, Chains},
    tokens,
    workload::Kind,
};

/// The API whose tokens are RS256, the default.
const API_RS256: &str = "https://bench.example/rs256";
/// The API whose tokens are ES256, which the server offers beside the algorithms of the service it is compatible with.
const API_ES256: &str = "https://bench.example/es256";
const CALLBACK: &str = "https://app.bench.example/callback";
const SCOPE: &str = "read:bench";
const REALM: &str = "Username-Password-Authentication";
const REALM_GRANT: &str = "http://auth0.com/oauth/grant-type/password-realm";
/// Connections that prepare codes and chains.
const PREPARING: usize = 32;

/// A server that is ready to be measured.
#[derive(Debug)]
pub(crate) struct Setup {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its `Host`.
    host: String,
    client_id: String,
    client_secret: String,
    email: String,
    password: String,
    cookies: String,
    /// The header of calls of the Management API.
    management: String,
    /// How many items the large collection has, and its last page, once it was made.
    items: usize,
    last_page: OnceCell<String>,
}

impl Setup {
    /// Makes what the measurements need through the Management API, and signs in once.
    ///
    /// # Errors
    /// When the server refuses any step, with its answer.
    pub(crate) async fn prepare(ready: &Value, items: usize) -> Result<Self> {
        let issuer = url::Url::parse(text(ready, "/issuer")?)?;
        ensure!(
            issuer.scheme() == "http",
            "the issuer {issuer} is not plain HTTP, which this load generator speaks"
        );
        let port = issuer.port_or_known_default().context("the issuer has no port")?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let management = Management::connect(address, &issuer, ready).await?;
        for (identifier, algorithm) in [(API_RS256, "RS256"), (API_ES256, "ES256")] {
            management.create("resource-servers", &api(identifier, algorithm)).await?;
        }
        let client = management.create("clients", &client()).await?;
        let client_id = text(&client, "/client_id")?.to_owned();
        for audience in [API_RS256, API_ES256] {
            let grant = json!({"client_id": client_id, "audience": audience, "scope": [SCOPE]});
            management.create("client-grants", &grant).await?;
        }
        let mut setup = Self {
            address,
            host: authority(&issuer),
            client_secret: text(&client, "/client_secret")?.to_owned(),
            client_id,
            email: text(ready, "/user/email")?.to_owned(),
            password: text(ready, "/user/password")?.to_owned(),
            cookies: String::new(),
            management: management.bearer.clone(),
            items,
            last_page: OnceCell::new(),
        };
        let mut browser = Browser::new(address, issuer);
        for api in [API_RS256, API_ES256] {
            // Every scope that will be asked for, so that a consent given here covers all of them.
            let authorize = setup.authorize(api, "openid profile email offline_access read:bench");
            let user = (setup.email.as_str(), setup.password.as_str());
            let back = browser.sign_in(&authorize, CALLBACK, user).await?;
            ensure!(
                back.query_pairs().any(|pair| pair.0 == "code"),
                "signing in ended without a code: {back}"
            );
        }
        setup.cookies = browser.cookies();
        Ok(setup)
    }

    /// One token of the application that manages: what the first request after a start gets.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn first_token(ready: &Value) -> Result<()> {
        let issuer = url::Url::parse(text(ready, "/issuer")?)?;
        let port = issuer.port_or_known_default().context("the issuer has no port")?;
        Management::connect(SocketAddr::from(([127, 0, 0, 1], port)), &issuer, ready).await.map(drop)
    }

    /// The request of a kind that can be repeated; none for codes and refresh tokens, which are spent.
    pub(crate) async fn repeatable(&self, kind: Kind) -> Result<Option<Request>> {
        Ok(match kind {
            Kind::ClientCredentialsRs256 => Some(self.client_credentials(API_RS256)),
            Kind::ClientCredentialsEs256 => Some(self.client_credentials(API_ES256)),
            Kind::Login => Some(self.token(&[
                ("grant_type", REALM_GRANT),
                ("username", &self.email),
                ("password", &self.password),
                ("realm", REALM),
                ("audience", API_RS256),
                ("scope", "openid profile"),
            ])),
            Kind::Userinfo => {
                let code =
                    self.codes(1, API_RS256, "openid profile email").await?.pop().context("no code")?;
                let answer = self.ask(&self.exchange(&code)).await?;
                let bearer = format!("Bearer {}", text(&answer, "/access_token")?);
                Some(Request::bare("GET", &self.host, "/userinfo").header("authorization", bearer))
            }
            Kind::Jwks => Some(Request::bare("GET", &self.host, "/.well-known/jwks.json")),
            Kind::Discovery => Some(Request::bare("GET", &self.host, "/.well-known/openid-configuration")),
            Kind::MgmtGet => Some(self.managing("GET", &format!("/api/v2/clients/{}", self.client_id))),
            Kind::MgmtCreate => {
                let one = json!({"name": "One of many", "app_type": "non_interactive"});
                let body = Some(("application/json", one.to_string()));
                Some(Request { body, ..self.managing("POST", "/api/v2/clients") })
            }
            Kind::MgmtListFirst => {
                self.last_page().await?;
                Some(self.page(collection::FIRST_PAGE))
            }
            Kind::MgmtListDeep => Some(self.page(self.last_page().await?)),
            Kind::Code | Kind::Refresh | Kind::RefreshEs256 => None,
        })
    }

    /// A call of the Management API.
    pub(crate) fn managing(&self, method: &'static str, path: &str) -> Request {
        Request::bare(method, &self.host, path).header("authorization", self.management.clone())
    }

    fn page(&self, path: &str) -> Request {
        self.managing("GET", path)
    }

    /// Makes the large collection the first time.
    async fn last_page(&self) -> Result<&str> {
        Ok(self.last_page.get_or_try_init(|| collection::make(self, self.items)).await?)
    }

    /// Sends a request once and returns its JSON.
    ///
    /// # Errors
    /// When the answer is not 2xx with JSON.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Value> {
        let mut connection = Connection::new(self.address);
        let answer = connection.exchange(&request.bytes()).await?;
        json_of(&answer).with_context(|| format!("{} {}", request.method, request.target))
    }

    /// Fresh code exchanges, ready to be sent within a minute.
    pub(crate) async fn exchanges(&self, count: usize) -> Result<Vec<Request>> {
        let codes = self.codes(count, API_RS256, "openid read:bench").await?;
        Ok(codes.iter().map(|code| self.exchange(code)).collect())
    }

    /// Fresh chains of refresh tokens.
    pub(crate) async fn chains(&self, kind: Kind, count: usize) -> Result<Rc<Chains>> {
        let (api, scope) = match kind {
            Kind::RefreshEs256 => (API_ES256, "offline_access read:bench"),
            _ => (API_RS256, "openid offline_access read:bench"),
        };
        let codes = self.codes(count, api, scope).await?;
        let requests: Vec<Bytes> = codes.iter().map(|code| self.exchange(code).bytes()).collect();
        let tokens = load::each(self.address, PREPARING, requests, |answer| {
            Ok(text(&json_of(answer)?, "/refresh_token")?.to_owned())
        })
        .await?;
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.as_str()),
        ];
        Ok(Rc::new(Chains::new(&self.host, &fields, tokens)))
    }

    async fn codes(&self, count: usize, api: &str, scope: &str) -> Result<Vec<String>> {
        let request = Request::bare("GET", &self.host, &self.authorize(api, scope));
        let bytes = request.header("cookie", self.cookies.clone()).bytes();
        load::each(self.address, PREPARING, vec![bytes; count], |answer| {
            let location = answer.headers("location").next().unwrap_or_default();
            Self::code_of(location)
                .with_context(|| format!("no code but {} {location} {}", answer.status, answer.text()))
        })
        .await
    }

    /// What a signed-in browser asks for a code with.
    pub(crate) fn authorization(&self) -> Request {
        let target = self.authorize(API_RS256, "openid read:bench");
        Request::bare("GET", &self.host, &target).header("cookie", self.cookies.clone())
    }

    /// The code in the place that a browser is sent to.
    pub(crate) fn code_of(location: &str) -> Option<String> {
        let place = url::Url::parse(location).ok()?;
        let code = place.query_pairs().find(|pair| pair.0 == "code")?.1.into_owned();
        Some(code)
    }

    /// The exchange of a refresh token.
    pub(crate) fn refresh(&self, token: &str) -> Request {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    fn authorize(&self, api: &str, scope: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("audience", api)
            .append_pair("scope", scope)
            .append_pair("state", "bench")
            .finish();
        format!("/authorize?{query}")
    }

    fn client_credentials(&self, audience: &str) -> Request {
        self.token(&[("grant_type", "client_credentials"), ("audience", audience)])
    }

    /// The exchange of a code.
    pub(crate) fn exchange(&self, code: &str) -> Request {
        self.token(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)])
    }

    fn token(&self, fields: &[(&str, &str)]) -> Request {
        let client = [("client_id", self.client_id.as_str()), ("client_secret", self.client_secret.as_str())];
        Request::form(&self.host, "/oauth/token", &[&client, fields].concat())
    }
}

/// Checks that an answer is what the kind promises, and counts its signatures.
///
/// # Errors
/// When a token is missing or signed with another algorithm.
pub(crate) fn check(kind: Kind, answer: &Value) -> Result<usize> {
    match kind {
        Kind::Jwks => ensure!(answer["keys"].is_array(), "no keys in {answer}"),
        Kind::Discovery => ensure!(answer["issuer"].is_string(), "no issuer in {answer}"),
        Kind::MgmtGet | Kind::MgmtCreate => {
            ensure!(answer["client_id"].is_string(), "no client_id in {answer}");
        }
        Kind::MgmtListFirst | Kind::MgmtListDeep => {
            let length = answer["organizations"].as_array().map(Vec::len);
            ensure!(
                length == Some(collection::PAGE),
                "{length:?} organizations on a page of {}",
                collection::PAGE
            );
            ensure!(answer["next"].is_string() == (kind == Kind::MgmtListFirst), "not the page it should be");
        }
        Kind::Userinfo => ensure!(answer["sub"].is_string(), "no sub in {answer}"),
        _ => {
            let wanted = match kind {
                Kind::ClientCredentialsEs256 | Kind::RefreshEs256 => "ES256",
                _ => "RS256",
            };
            let found = tokens::algorithm(text(answer, "/access_token")?);
            ensure!(
                found.as_deref() == Some(wanted),
                "the access token is signed with {found:?}, not {wanted}"
            );
            return tokens::signatures(answer);
        }
    }
    Ok(0)
}

struct Management {
    address: SocketAddr,
    host: String,
    bearer: String,
}

impl Management {
    async fn connect(address: SocketAddr, issuer: &url::Url, ready: &Value) -> Result<Self> {
        let host = authority(issuer);
        let audience = issuer.join("api/v2/")?;
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", text(ready, "/clients/management/client_id")?),
            ("client_secret", text(ready, "/clients/management/client_secret")?),
            ("audience", audience.as_str()),
        ];
        let mut connection = Connection::new(address);
        let request = Request::form(&host, "/oauth/token", &fields);
        let answer = connection.exchange(&request.bytes()).await?;
        let bearer =
            format!("Bearer {}", text(&json_of(&answer).context("management token")?, "/access_token")?);
        Ok(Self { address, host, bearer })
    }

    /// Creates an object; one that is there already is left as it is, so that a database can be used twice.
    async fn create(&self, collection: &str, object: &Value) -> Result<Value> {
        let request = Request {
            body: Some(("application/json", object.to_string())),
            ..Request::bare("POST", &self.host, &format!("/api/v2/{collection}"))
        };
        let mut connection = Connection::new(self.address);
        let answer =
            connection.exchange(&request.header("authorization", self.bearer.clone()).bytes()).await?;
        if answer.status == 409 {
            return Ok(Value::Null);
        }
        json_of(&answer).with_context(|| format!("creating in {collection}"))
    }
}

fn api(identifier: &str, algorithm: &str) -> Value {
    json!({
        "name": format!("Bench {algorithm}"),
        "identifier": identifier,
        "signing_alg": algorithm,
        "scopes": [{"value": SCOPE, "description": "Read what is measured"}],
        "allow_offline_access": true,
        "skip_consent_for_verifiable_first_party_clients": true,
    })
}

fn client() -> Value {
    json!({
        "name": "Bench",
        "app_type": "regular_web",
        "callbacks": [CALLBACK],
        "oidc_conformant": true,
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token", "client_credentials", REALM_GRANT],
        "jwt_configuration": {"alg": "RS256"},
        "refresh_token": {
            "rotation_type": "rotating",
            "expiration_type": "expiring",
            "leeway": 0,
            "token_lifetime": 2_592_000,
            "idle_token_lifetime": 1_296_000,
            "infinite_token_lifetime": false,
            "infinite_idle_token_lifetime": false,
        },
    })
}

fn json_of(answer: &Answer<'_>) -> Result<Value> {
    if !(200..300).contains(&answer.status) {
        bail!("answered {}: {}", answer.status, answer.text());
    }
    serde_json::from_slice(answer.body()).with_context(|| format!("not JSON: {}", answer.text()))
}

fn text<'a>(object: &'a Value, pointer: &str) -> Result<&'a str> {
    object.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer}"))
}
