//! The request that the application signed (RFC 9101, fact sheet 2.10).

use chancery_core::oauth::{
    AuthorizeError, FAPI_ALGORITHMS, REQUEST_OBJECT_ALGORITHMS, RequestObjectFor, bad_request_object,
    is_request_object_typ, signed_request,
};
use chancery_core::params::Params;
use chancery_jose::{Algorithm, Unverified};
use chancery_store::PreparedClient;
use chancery_web::Ctx;

/// The parameters in `request`, in the place of all others. `None` where there is no `request`, or the application has no keys
/// for it: the checks say no to it then.
pub(crate) fn opened(
    ctx: &Ctx,
    params: &Params,
    client: &PreparedClient,
) -> Result<Option<Params>, AuthorizeError> {
    let Some(object) = params.get("request") else { return Ok(None) };
    if client.request_keys.is_empty() || client.is_strict_third_party() {
        return Ok(None);
    }
    if let Some(name) = params.repeated() {
        return Err(AuthorizeError::invalid(format!("Parameter sent more than once: {name}")));
    }
    let token = Unverified::parse(object).map_err(|_| bad_request_object())?;
    if !is_request_object_typ(token.header()) {
        return Err(bad_request_object());
    }
    let now = ctx.now();
    let allowed: &[Algorithm] =
        if client.fapi().is_some() { &FAPI_ALGORITHMS } else { &REQUEST_OBJECT_ALGORITHMS };
    let proven = client.request_keys.iter().find_map(|key| key.prove(&token, allowed, now));
    let payload = proven.ok_or_else(bad_request_object)?;
    let expected = RequestObjectFor { client_id: &client.client_id, issuer: &ctx.origin.issuer, now };
    signed_request(&payload, &expected).map(Some)
}
