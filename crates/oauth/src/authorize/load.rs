//! Loads all that the decisions about a request look at.

use std::sync::Arc;

use chancery_core::ids::Handle;
use chancery_core::interaction::Transaction;
use chancery_core::model::User;
use chancery_core::records::Session;
use chancery_store::{PreparedClient, StoredTransaction};
use chancery_web::{Audience, Ctx, Failure, Held, admits, cookies};
use http::HeaderMap;

use super::flight::Flight;
use super::place::Place;

impl<'a> Flight<'a> {
    /// Loads; `None` when the application or the API is gone since.
    pub(super) async fn load(
        ctx: &'a Ctx,
        headers: &'a HeaderMap,
        mut transaction: Transaction,
        stored: Option<StoredTransaction>,
    ) -> Result<Option<Self>, Failure> {
        let request = &transaction.request;
        let Some(client) = ctx.tenant.client(&request.client_id).cloned() else { return Ok(None) };
        let audience = match &request.audience {
            None => Audience::Userinfo,
            Some(named) => match ctx.tenant.resolve_api(&ctx.origin, named) {
                Some(api) => Audience::Api(Arc::clone(api)),
                None => return Ok(None),
            },
        };
        let mut place = Place::find(ctx, &client, transaction.organization(&client)).await?;
        let invitation = match (place.organization(), &request.invitation) {
            (Some(organization), Some(ticket)) => {
                ctx.invitation(ticket, organization, &request.client_id).await?
            }
            _ => None,
        };
        let is_over = request.invitation.is_some() && invitation.is_none();
        if is_over && place.organization().is_some() {
            place = Place::NotInvited;
        }
        let by_connection = |session: &Session| {
            let asked = invitation.as_ref().and_then(|invitation| invitation.connection_id.as_deref());
            let own = ctx.tenant.connection_by_name(&session.connection);
            asked.is_none_or(|id| own.is_some_and(|connection| connection.id == id))
        };
        let session = live_session(ctx, headers).await?;
        let session = session.filter(|(session, _)| {
            counts(ctx, &client, &transaction, session)
                && place.organization().is_none_or(|o| ctx.organization_admits(o, &session.connection))
                && by_connection(session)
        });
        // Whoever is signed in already need not be the one who was invited; whoever signs in for it has to be.
        let session = session.filter(|(_, user)| {
            let fits = invitation.as_ref().is_none_or(|invitation| invitation.is_for(user.email.as_deref()));
            fits || transaction.progress.session_id.is_some()
        });
        if let Some((_, user)) = &session
            && transaction.progress.asked_user.as_ref().is_some_and(|asked| *asked != user.user_id)
        {
            // Somebody else was asked, before this user signed in in another tab (security case 13).
            let progress = &mut transaction.progress;
            (progress.asked_user, progress.wanted, progress.consented) = (None, None, None);
        }
        if let Some((_, user)) = &session
            && transaction.progress.settled_for.as_ref().is_some_and(|asked| *asked != user.user_id)
        {
            // Somebody else answered for the other APIs.
            return Ok(None);
        }
        if let Some((session, _)) = &session {
            transaction.progress.keep_factor_of(&session.id);
        }
        let (held, consent) = match &session {
            None => (Held::default(), None),
            Some((session, user)) => {
                place = place.with_user(ctx, session).await?;
                if let Some(invitation) = &invitation {
                    place = place.invited(invitation.is_for(user.email.as_deref()));
                }
                let organization = place.organization();
                let org_id = organization.map(|o| o.id.as_str());
                let held = Held::load(ctx, audience.plain_api(), &user.user_id, org_id).await?;
                let held = match invitation.as_ref().filter(|i| i.is_for(user.email.as_deref())) {
                    Some(invitation) if audience.api().is_some_and(|api| api.asks_for_permissions()) => {
                        held.with_roles(ctx, &invitation.roles)
                    }
                    _ => held,
                };
                let identifier = audience.identifier().unwrap_or_default();
                let tenant = &ctx.tenant.tenant;
                let organization = organization.map(|o| o.id.as_str()).unwrap_or_default();
                let (store, client_id) = (&ctx.app.store, &client.client_id);
                let consent =
                    store.consent(tenant, &user.user_id, client_id, identifier, organization).await?;
                (held, consent.filter(|c| !c.implicit))
            }
        };
        Ok(Some(Self {
            ctx,
            headers,
            transaction,
            stored,
            client,
            audience,
            session,
            place,
            invitation,
            held,
            consent,
        }))
    }
}

/// Whether the session counts here: its connection is one of the application's, and the one that was asked for, if that is.
fn counts(ctx: &Ctx, client: &PreparedClient, transaction: &Transaction, session: &Session) -> bool {
    let asked = transaction.request.connection.as_deref().filter(|name| admits(&ctx.tenant, client, name));
    admits(&ctx.tenant, client, &session.connection) && asked.is_none_or(|name| name == session.connection)
}

/// The browser's session with its user; a session whose user is gone is none.
pub(super) async fn live_session(ctx: &Ctx, headers: &HeaderMap) -> Result<Option<(Session, User)>, Failure> {
    let Some(handle) = cookies::session(headers).and_then(Handle::parse) else { return Ok(None) };
    let tenant = &ctx.tenant.tenant;
    let Some(session) = ctx.app.store.session(tenant, &handle, ctx.now()).await? else { return Ok(None) };
    let user = ctx.app.store.user(tenant, &session.user_id).await?;
    Ok(user.map(|user| (session, user)))
}
