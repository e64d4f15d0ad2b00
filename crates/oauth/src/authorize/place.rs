//! Where a login takes place: in the tenant, or in one of its organizations (fact sheet 11.4).

use chancery_core::model::{Organization, ThirdPartyClientAccess};
use chancery_core::records::Session;
use chancery_store::PreparedClient;
use chancery_web::{Ctx, Failure, joins_by_login};

/// The organization the request takes place in.
pub(super) enum Place {
    /// None.
    Tenant,
    /// This one; the user of the session is a member, becomes one, or (`None`) is a stranger or not known yet.
    Organization(Box<Organization>, Option<Joining>),
    /// One that there is not, or that does not let this application in.
    Nowhere,
    /// One, but the invitation of the request is not good.
    NotInvited,
}

/// How a user comes to be a member.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Joining {
    /// Is one already.
    Member,
    /// By this login: the connection makes members of whoever signs in with it.
    ByLogin,
    /// By the invitation of this request.
    ByInvitation,
}

impl Place {
    pub(super) async fn find(
        ctx: &Ctx,
        client: &PreparedClient,
        named: Option<&str>,
    ) -> Result<Self, Failure> {
        let Some(named) = named else { return Ok(Self::Tenant) };
        let lets_in = |organization: &Organization| {
            client.is_first_party || organization.third_party_client_access == ThirdPartyClientAccess::Allow
        };
        Ok(match ctx.organization(named).await?.filter(lets_in) {
            Some(organization) => Self::Organization(Box::new(organization), None),
            None => Self::Nowhere,
        })
    }

    pub(super) fn organization(&self) -> Option<&Organization> {
        match self {
            Self::Organization(organization, _) => Some(organization),
            Self::Tenant | Self::Nowhere | Self::NotInvited => None,
        }
    }

    /// Asks whether the user of a session belongs here.
    pub(super) async fn with_user(self, ctx: &Ctx, session: &Session) -> Result<Self, Failure> {
        let Self::Organization(organization, _) = self else { return Ok(self) };
        let is_member =
            ctx.app.store.is_member(&ctx.tenant.tenant, &organization.id, &session.user_id).await?;
        let connection = ctx.tenant.connection_by_name(&session.connection);
        let joins = connection.is_some_and(|connection| joins_by_login(&organization, connection));
        let joining = match is_member {
            true => Some(Joining::Member),
            false => joins.then_some(Joining::ByLogin),
        };
        Ok(Self::Organization(organization, joining))
    }

    /// With an invitation: for the user of the session, or for somebody else.
    pub(super) fn invited(self, is_for_user: bool) -> Self {
        match self {
            Self::Organization(organization, _) => {
                let joining = is_for_user.then_some(Joining::ByInvitation);
                Self::Organization(organization, joining)
            }
            other => other,
        }
    }
}
