//! Applications that nobody registered: their `client_id` is the URL at which they describe themselves
//! (draft-ietf-oauth-client-id-metadata-document). The document is fetched when such an id comes, kept for a while, and its
//! application stands in the configuration of that one request, with what the tenant lets such applications have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chancery_core::model::{
    AppType, Client, ClientAuthenticationMethods, PrivateKeyJwt, SecurityMode, TokenEndpointAuthMethod,
    is_self_described,
};
use chancery_core::oauth::{ClientDocument, LARGEST_CLIENT_DOCUMENT};
use chancery_store::{AssertionKey, PreparedClient};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::key_set::{LARGEST_KEY_SET, verifying_keys};
use crate::shares::Shares;
use crate::{Ask, Ctx, FetchError, Rate, TooManyRequests};

/// What this node knows of them. Other nodes fetch for themselves.
pub struct DescribedApplications {
    known: Mutex<HashMap<String, Known>>,
    slots: Semaphore,
    /// Whose they are: documents may be slow on purpose.
    shares: Shares,
}

struct Known {
    client: Arc<Description>,
    /// Seconds.
    until: i64,
}

/// An application as it describes itself.
struct Description {
    client: Client,
    keys: Vec<AssertionKey>,
}

/// Why there is no such application.
#[derive(Debug)]
pub enum Undescribed {
    /// What is wrong with its document, for whoever wrote it.
    Unusable(String),
    /// Somebody names too many.
    Rate(TooManyRequests),
}

impl Ctx {
    /// The same request with the application that describes itself at `client_id` in its configuration; `None` where it is no
    /// such URL, or one that the tenant does not let in.
    ///
    /// # Errors
    /// [`Undescribed`].
    pub async fn with_described(&self, client_id: Option<&str>) -> Result<Option<Self>, Undescribed> {
        // Everybody else's requests are to pay for this comparison and for nothing more.
        let Some(url) = client_id.filter(|id| is_self_described(id)) else { return Ok(None) };
        let template = &self.tenant.agents.client_id_metadata_documents;
        if !template.admit(url) || self.tenant.client(url).is_some() {
            return Ok(None);
        }
        let described = Box::pin(self.description(url)).await?;
        let client = PreparedClient::described(
            described.client.clone(),
            described.keys.clone(),
            template.token_lifetime,
        );
        let tenant = Arc::new(self.tenant.with_described(Arc::new(client)));
        Ok(Some(Self { tenant, ..self.clone() }))
    }

    async fn description(&self, url: &str) -> Result<Arc<Description>, Undescribed> {
        let all = &self.app.described;
        if let Some(known) = all.fresh(url, self.now()) {
            return Ok(known);
        }
        self.app.rates.take(FETCHES, self.ip, &self.tenant.tenant, self.now()).map_err(Undescribed::Rate)?;
        let unusable = |why: String| {
            let shown: String = url.chars().take(300).collect();
            let why: String = why.chars().take(500).collect();
            Undescribed::Unusable(format!("The client metadata document at {shown} cannot be used: {why}"))
        };
        // So that strangers leave room for one another, and for what administrators have fetched.
        let busy = || unusable(FetchError::Busy.to_string());
        let _share = all.shares.hold(self.ip, SHARE).ok_or_else(busy)?;
        let _slot = all.slots.try_acquire().map_err(|_| busy())?;
        let (description, max_age) = self.fetched(url).await.map_err(unusable)?;
        let description = Arc::new(description);
        let kept = max_age.unwrap_or(KEPT).clamp(KEPT_AT_LEAST, KEPT_AT_MOST);
        all.keep(
            url,
            Known { client: Arc::clone(&description), until: self.now().saturating_add(kept) },
            self.now(),
        );
        Ok(description)
    }

    /// Nothing that is wrong is kept: whoever mends their document need not wait.
    async fn fetched(&self, url: &str) -> Result<(Description, Option<i64>), String> {
        let fetcher = &self.app.fetcher;
        let reply = fetcher.ask(Ask::json(url, LARGEST_CLIENT_DOCUMENT)).await.map_err(|e| e.to_string())?;
        let max_age = reply.max_age;
        let bytes = reply.document().map_err(|error| error.to_string())?;
        let content: Value = serde_json::from_slice(&bytes).map_err(|_| FetchError::NotJson.to_string())?;
        let mut document = ClientDocument::read(url, &content);
        if !document.is_valid() {
            return Err(document.violations.join("; "));
        }
        let set = match (&document.jwks_uri, document.jwks.take()) {
            (Some(uri), _) => {
                Some(fetcher.json(uri, LARGEST_KEY_SET).await.map_err(|error| format!("jwks_uri: {error}"))?)
            }
            (None, set) => set,
        };
        let keys = set.as_ref().map(verifying_keys);
        if keys.as_ref().is_some_and(Vec::is_empty) {
            return Err("the key set has no key that verifies an assertion".to_owned());
        }
        Ok((description(url, &document, keys), max_age))
    }
}

/// A third party under the strict rules, whatever it says of itself: it gets codes, shows PKCE, and proves itself by a key or
/// not at all. Its logo is left out: people would look at it rather than at the host, which is what they have to go by.
fn description(url: &str, document: &ClientDocument, keys: Option<Vec<AssertionKey>>) -> Description {
    let text = |name: &str| document.mapped.get(name).and_then(Value::as_str).unwrap_or_default();
    let callbacks = document.mapped.get("callbacks").and_then(Value::as_array).into_iter().flatten();
    let client = Client {
        client_id: url.to_owned(),
        name: text("name").to_owned(),
        app_type: Some(if text("app_type") == "native" { AppType::Native } else { AppType::RegularWeb }),
        is_first_party: false,
        oidc_conformant: true,
        third_party_security_mode: Some(SecurityMode::Strict),
        require_pkce: Some(true),
        callbacks: Some(callbacks.filter_map(Value::as_str).map(str::to_owned).collect()),
        grant_types: Some(vec!["authorization_code".to_owned()]),
        token_endpoint_auth_method: keys.is_none().then_some(TokenEndpointAuthMethod::None),
        client_authentication_methods: keys.is_some().then(|| ClientAuthenticationMethods {
            private_key_jwt: Some(PrivateKeyJwt::default()),
            ..ClientAuthenticationMethods::default()
        }),
        ..Client::default()
    };
    Description { client, keys: keys.unwrap_or_default() }
}

impl DescribedApplications {
    fn fresh(&self, url: &str, now: i64) -> Option<Arc<Description>> {
        self.lock().get(url).filter(|known| known.until > now).map(|known| Arc::clone(&known.client))
    }

    fn keep(&self, url: &str, known: Known, now: i64) {
        let mut all = self.lock();
        if all.len() >= MOST_KNOWN {
            all.retain(|_, known| known.until > now);
        }
        if all.len() >= MOST_KNOWN
            && let Some(first) = all.iter().min_by_key(|(_, known)| known.until).map(|(url, _)| url.clone())
        {
            all.remove(&first);
        }
        all.insert(url.to_owned(), known);
    }

    /// Forgets everything: dev mode's reset.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Whole entries go in and out: they are sound whatever happened to the thread that held them.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for DescribedApplications {
    fn default() -> Self {
        Self { known: Mutex::default(), slots: Semaphore::new(AT_ONCE), shares: Shares::default() }
    }
}

/// Shows how many there are.
impl std::fmt::Debug for DescribedApplications {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DescribedApplications").field("known", &self.lock().len()).finish_non_exhaustive()
    }
}

/// Documents of this kind fetched at a time, a part of what the fetcher does.
const AT_ONCE: usize = 8;
/// How many of them for one address.
const SHARE: usize = 2;
/// Documents that are kept, of all tenants.
const MOST_KNOWN: usize = 500;
/// Seconds a document is kept where it does not say, at least, and at most. A sign-in with its pages takes a while, and must
/// not fetch for each of them; and what was taken back has to be noticed.
const KEPT: i64 = 300;
const KEPT_AT_LEAST: i64 = 60;
const KEPT_AT_MOST: i64 = 86_400;
/// How often one address may have something fetched.
const FETCHES: Rate = Rate { name: "described", burst: 20, every: 3 };
