//! `authorization_details` on their way from the user's consent to tokens (RFC 9396): never more than was allowed, and decided again
//! each time, as scopes are.

use std::borrow::Cow;

use chancery_core::model::ClientGrant;
use chancery_core::oauth::{AuthorizationDetail, OAuthError, detail_kind, narrowed_details};
use chancery_core::records::Authorization;
use chancery_core::scope::admits_detail;
use chancery_store::PreparedClient;
use chancery_web::Audience;
use serde_json::Map;

/// The authorization as this token request gets it: less where it asks for less, without what the API knows no more or the client
/// grant allows no more, and without any of it at another API.
pub(crate) fn narrowed<'a>(
    (client, audience, grant): (&PreparedClient, &Audience, Option<&ClientGrant>),
    authorization: &'a Authorization,
    asked: Option<&str>,
) -> Result<Cow<'a, Authorization>, OAuthError> {
    let allowed = &authorization.authorization_details;
    if allowed.is_empty() && asked.is_none() {
        return Ok(Cow::Borrowed(authorization));
    }
    let is_same = audience.identifier() == authorization.audience.as_deref();
    let within: &[AuthorizationDetail] = if is_same { allowed } else { &[] };
    let mut left = narrowed_details(within, asked).map_err(OAuthError::AuthorizationDetails)?;
    let api = audience.plain_api();
    left.retain(|detail| api.is_some_and(|api| admits_detail(client, api, grant, detail_kind(detail))));
    Ok(Cow::Owned(Authorization { authorization_details: left, ..authorization.clone() }))
}

/// What the application is told of it. Where tokens are encrypted, what lies in them is the API's to know (fact sheet 1.6).
pub(crate) fn told(audience: &Audience, details: &[AuthorizationDetail]) -> Vec<AuthorizationDetail> {
    match audience {
        Audience::Api(api) if api.encryption.is_some() => {
            let kind = |detail: &AuthorizationDetail| ("type".to_owned(), detail_kind(detail).into());
            details.iter().map(|detail| Map::from_iter([kind(detail)])).collect()
        }
        _ => details.to_vec(),
    }
}
