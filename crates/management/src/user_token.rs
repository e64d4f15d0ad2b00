//! What a user's token is good for now. It lives for hours, and what it may do is an administrator's part: so at each call
//! it is worth what it would be worth if it were issued again (D106).

use std::sync::Arc;

use chancery_core::model::SubjectType;
use chancery_core::problem::Problem;
use chancery_core::scope::{AskedScopes, CURRENT_USER, Flow, Original, Request, Target, decide};
use chancery_web::{AccessTokenClaims, Ctx, Held};

use crate::call::stored;
use crate::resources::system_apis::MANAGEMENT;

/// The claims with the scopes that the user, the application and its grant still have; the user is there and not blocked.
pub(crate) async fn as_of_now(
    ctx: &Ctx,
    claims: Arc<AccessTokenClaims>,
) -> Result<Arc<AccessTokenClaims>, Problem> {
    let user = ctx.app.store.user(&ctx.tenant.tenant, &claims.sub).await.map_err(stored)?;
    if user.is_none_or(|user| user.is_blocked()) {
        return Err(Problem::InvalidToken);
    }
    if claims.scope.iter().all(|scope| CURRENT_USER.contains(&scope.as_str())) {
        return Ok(claims);
    }
    let api = ctx.tenant.api(MANAGEMENT).ok_or(Problem::InvalidToken)?;
    let client = ctx.tenant.client(&claims.client_id).ok_or(Problem::InvalidToken)?;
    let organization = claims.organization_id.as_deref();
    let held = Held::load(ctx, Some(api), &claims.sub, organization).await.map_err(stored)?;
    let issued: Vec<String> = claims.scope.iter().cloned().collect();
    let grant = ctx.tenant.client_grant(&claims.client_id, MANAGEMENT, SubjectType::User);
    let permissions = held.permissions();
    let request = Request {
        flow: Flow::Refresh(Original { granted: &issued, audience: Some(&api.identifier) }),
        client,
        target: Target::Management(api),
        asked: &AskedScopes::NONE,
        grant: grant.map(AsRef::as_ref),
        permissions: &permissions,
        consented: None,
        organization: None,
    };
    // The application, or the API as a whole, may not have users' tokens any more.
    let decision = decide(&request).map_err(|_| Problem::InvalidToken)?;
    if decision.granted.len() == claims.scope.len() {
        return Ok(claims);
    }
    let scope = decision.granted.iter().map(|scope| (*scope).to_owned()).collect();
    Ok(Arc::new(AccessTokenClaims { scope, ..AccessTokenClaims::clone(&claims) }))
}
