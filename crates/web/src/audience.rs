//! For which API a token is: the `audience` of a request as an API of the tenant (fact sheet 2.4).

use std::sync::Arc;

use chancery_core::model::Api;
use chancery_core::oauth::OAuthError;
use chancery_core::scope::Target;
use chancery_store::{Origin, PreparedApi, Snapshot};

/// The API a request means.
#[derive(Clone, Debug)]
pub enum Audience {
    /// None: the token is good at `/userinfo` only.
    Userinfo,
    /// This one.
    Api(Arc<PreparedApi>),
}

impl Audience {
    /// Looks up what was asked for, or the tenant's default. `None` and the userinfo endpoint mean userinfo.
    ///
    /// # Errors
    /// [`OAuthError::NoSuchApi`] for what no API is called.
    pub fn resolve(tenant: &Snapshot, origin: &Origin, asked: Option<&str>) -> Result<Self, OAuthError> {
        let named = asked.or(tenant.settings.default_audience());
        let Some(named) = named.filter(|a| *a != origin.userinfo_audience) else { return Ok(Self::Userinfo) };
        let api = tenant.resolve_api(origin, named);
        api.map(|api| Self::Api(Arc::clone(api))).ok_or_else(|| {
            OAuthError::NoSuchApi(match asked {
                Some(_) => named.to_owned(),
                None => tenant.settings.unknown_default(named),
            })
        })
    }

    /// The API an authorization was given for; it may have been deleted since.
    pub fn stored(tenant: &Snapshot, identifier: Option<&str>) -> Option<Self> {
        match identifier {
            None => Some(Self::Userinfo),
            Some(identifier) => tenant.api(identifier).map(|api| Self::Api(Arc::clone(api))),
        }
    }

    /// As the scope decision sees it.
    pub fn target(&self) -> Target<'_> {
        match self {
            Self::Userinfo => Target::Userinfo,
            Self::Api(api) if api.is_system() && !api.is_about_factors() => Target::Management(&api.api),
            Self::Api(api) => Target::Api(&api.api),
        }
    }

    /// The API, if there is one.
    pub fn api(&self) -> Option<&Arc<PreparedApi>> {
        match self {
            Self::Userinfo => None,
            Self::Api(api) => Some(api),
        }
    }

    /// The API, as administrators wrote it.
    pub fn plain_api(&self) -> Option<&Api> {
        self.api().map(|api| &*api.api)
    }

    /// Its identifier as stored.
    pub fn identifier(&self) -> Option<&str> {
        self.api().map(|api| api.identifier.as_str())
    }
}
