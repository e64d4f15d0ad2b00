//! What surrounds the scope decision in the flows: who may take part, and how a refusal is said. What the decision looks at
//! is loaded by `chancery_web`, for explanations too; the decision itself is in `chancery_core::scope`, and only there.

use chancery_core::explanation::Record;
use chancery_core::model::{Client, Organization};
use chancery_core::oauth::{AuthorizeError, OAuthError};
use chancery_core::records::Authorization;
use chancery_core::scope::{Denied, Request, Target, decide_with_reasons};
use chancery_web::{Ctx, Decided, Failure};

/// The organization of an authorization, where its user is a member today and its connection is one of the
/// organization's; `gone` where they are not.
pub(crate) async fn organization_of(
    ctx: &Ctx,
    authorization: &Authorization,
    gone: OAuthError,
) -> Result<Option<Organization>, Failure> {
    let Some(id) = &authorization.organization_id else { return Ok(None) };
    let found = ctx.organization(id).await?.filter(|found| found.id == *id);
    let admitted = found.filter(|organization| {
        authorization.connection.as_deref().is_none_or(|name| ctx.organization_admits(organization, name))
    });
    let is_member = ctx.app.store.is_member(&ctx.tenant.tenant, id, &authorization.user_id).await?;
    match admitted.filter(|_| is_member) {
        Some(organization) => Ok(Some(organization)),
        None => Err(gone.into()),
    }
}

/// A refusal as an error of the token endpoint, with what the log keeps of it.
pub(crate) fn refused(denied: &Denied, ctx: &Ctx, request: &Request<'_>, flow: &str) -> Failure {
    let named = request.target.audience().map(|audience| ctx.origin.absolute(audience));
    let audience = named.as_deref().unwrap_or(&ctx.origin.userinfo_audience);
    let text = denied.description(audience, &request.client.client_id);
    let error = match denied {
        Denied::AudienceNotInPolicies => OAuthError::NotForApi(text),
        _ => OAuthError::Denied { code: denied.code(), status: denied.status(), text },
    };
    let record = Record::of(request, &decide_with_reasons(request), flow);
    let audience = named.as_deref().map(str::to_owned);
    Failure { decision: Some(Box::new(Decided { audience, record })), ..Failure::new(error) }
}

/// A refusal as an error of `/authorize`.
pub(crate) fn refused_front(
    denied: &Denied,
    ctx: &Ctx,
    target: Target<'_>,
    client: &Client,
) -> AuthorizeError {
    let audience = ctx.origin.absolute(target.audience().unwrap_or(&ctx.origin.userinfo_audience));
    AuthorizeError::new(denied.code(), denied.description(&audience, &client.client_id))
}
