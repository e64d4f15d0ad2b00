//! `POST /explain`: what a request for a token would come to, and why.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_core::consent::{Need, Question, needs_consent};
use chancery_core::dashboard::asks_itself;
use chancery_core::explanation::{Around, Refusal, roles_by_scope, tell};
use chancery_core::model::{
    ClientOrganizationUsage, Organization, OrganizationPrompt, Permission, ThirdPartyClientAccess, User,
};
use chancery_core::problem::{Missing, Problem};
use chancery_core::records::Consent;
use chancery_core::scope::{
    AskedScopes, Denied, Flow, MachineOrganization, Original, Request, UserPermissions, decide, explain,
    machine_organization,
};
use chancery_store::PreparedClient;
use chancery_web::{Audience, Held, admits, client_grant, joins_by_login};
use serde::Deserialize;

use super::flow::FlowName;
use super::reach::everything;
use super::{CLIENT, USER};
use crate::call::{Answer, Call, internal, print, stored};

#[derive(Deserialize)]
struct Asked {
    client_id: String,
    audience: Option<String>,
    #[serde(default)]
    scope: String,
    #[serde(default, rename = "flow")]
    named_flow: Option<FlowName>,
    #[serde(skip)]
    flow: FlowName,
    user_id: Option<String>,
    organization: Option<String>,
    redirect_uri: Option<String>,
    /// What a refresh token stands for; what the sign-in would have given where it is left out.
    granted_scope: Option<String>,
}

pub(super) async fn explain_request(call: Call) -> Result<Answer, Problem> {
    let mut asked: Asked = call.body_as()?;
    may_be_told(&call, &asked)?;
    let client = call.snapshot().client(&asked.client_id).filter(|_| asked.user_id.is_none());
    let usual = || client.map_or_else(FlowName::default, |client| FlowName::usual(client));
    asked.flow = asked.named_flow.unwrap_or_else(usual);
    let scene = Scene::load(&call, &asked).await?;
    Ok(Answer::ok(print(&scene.told())?))
}

/// What concerns a user or an organization is told to those who may read it.
fn may_be_told(call: &Call, asked: &Asked) -> Result<(), Problem> {
    let mut scopes = Vec::new();
    if asked.user_id.is_some() {
        scopes.extend(["read:users", "read:roles"]);
    }
    if asked.organization.is_some() {
        scopes.push("read:organizations");
    }
    call.caller.needs(&scopes)
}

/// Everything loaded that the decision looks at.
struct Scene<'a> {
    call: &'a Call,
    asked: &'a Asked,
    client: Arc<PreparedClient>,
    /// `None` where no API is called so.
    audience: Option<Audience>,
    user: Option<User>,
    organization: Option<Organization>,
    is_member: bool,
    held: Held,
    consent: Option<Consent>,
    /// What somebody holds who holds everything.
    everything: Vec<Permission>,
}

impl<'a> Scene<'a> {
    async fn load(call: &'a Call, asked: &'a Asked) -> Result<Self, Problem> {
        let (ctx, tenant) = (&call.ctx, call.tenant());
        let client = call.snapshot().client(&asked.client_id).cloned();
        let client = client.ok_or(Problem::NotFound(CLIENT))?;
        let is_machine = asked.flow == FlowName::ClientCredentials;
        let audience = Audience::resolve(call.snapshot(), call.origin(), asked.audience.as_deref()).ok();
        let user = match asked.user_id.as_deref().filter(|_| !is_machine) {
            Some(id) => {
                let found = call.store().user(tenant, id).await.map_err(stored)?;
                Some(found.ok_or(Problem::NotFound(USER))?)
            }
            None => None,
        };
        let mut scene = Self {
            call,
            asked,
            client,
            audience,
            user,
            organization: None,
            is_member: false,
            held: Held::default(),
            consent: None,
            everything: Vec::new(),
        };
        if let Some(named) = scene.organization_named() {
            let found =
                ctx.organization(named).await.map_err(|failure| internal(failure.error.description()))?;
            scene.organization = Some(found.ok_or(Problem::NotFound(ORGANIZATION))?);
        }
        scene.load_user().await?;
        Ok(scene)
    }

    /// The organization of the request, where the flow has any.
    fn organization_named(&self) -> Option<&str> {
        let sent = self.asked.organization.as_deref();
        match self.asked.flow {
            FlowName::ClientCredentials => machine_organization(&self.client, self.grant(), sent),
            FlowName::Password | FlowName::PasswordRealm => None,
            _ => sent,
        }
    }

    async fn load_user(&mut self) -> Result<(), Problem> {
        let (ctx, tenant, store) = (&self.call.ctx, self.call.tenant(), self.call.store());
        let api = self.audience.as_ref().and_then(Audience::api);
        let Some(user) = &self.user else {
            self.everything = api.map(|api| everything(api)).unwrap_or_default();
            return Ok(());
        };
        let organization = self.organization.as_ref();
        if let Some(audience) = &self.audience {
            self.held =
                Held::load(ctx, api.map(|api| &*api.api), &user.user_id, organization.map(|o| o.id.as_str()))
                    .await
                    .map_err(stored)?;
            let identifier = audience.identifier().unwrap_or_default();
            let place = organization.map(|found| found.id.as_str()).unwrap_or_default();
            let consent = store.consent(tenant, &user.user_id, &self.client.client_id, identifier, place);
            self.consent = consent.await.map_err(stored)?.filter(|c| !c.implicit);
        }
        if let Some(organization) = organization {
            let is_member = store.is_member(tenant, &organization.id, &user.user_id).await.map_err(stored)?;
            let joins = |name: &str| {
                let connection = self.call.snapshot().connection_by_name(name);
                connection.is_some_and(|connection| joins_by_login(organization, connection))
            };
            self.is_member = is_member || user.identities.iter().any(|account| joins(&account.connection));
        }
        Ok(())
    }

    fn grant(&self) -> Option<&chancery_core::model::ClientGrant> {
        let audience = self.audience.as_ref()?;
        client_grant(self.call.snapshot(), &self.client, audience, self.asked.flow.subject())
    }

    fn told(&self) -> chancery_core::explanation::Told {
        let nowhere = Audience::Userinfo;
        let audience = self.audience.as_ref().unwrap_or(&nowhere);
        let permissions = match (&self.user, self.asked.flow) {
            (_, FlowName::ClientCredentials) => UserPermissions::NONE,
            (Some(_), _) => self.held.permissions(),
            (None, _) => UserPermissions { direct: &self.everything, ..UserPermissions::NONE },
        };
        let asked = AskedScopes::parse(&self.asked.scope);
        let is_machine = self.asked.flow == FlowName::ClientCredentials;
        let has_grant = self.organization.as_ref().zip(self.grant());
        let has_grant = has_grant.is_some_and(|(place, grant)| place.client_grants.contains(&grant.id));
        let mut request = Request {
            flow: Flow::Code,
            client: &self.client,
            target: audience.target(),
            asked: &asked,
            grant: self.grant(),
            permissions: &permissions,
            consented: None,
            organization: self
                .organization
                .as_ref()
                .filter(|_| is_machine)
                .map(|_| MachineOrganization { has_grant }),
        };
        let granted = match &self.asked.granted_scope {
            Some(granted) => AskedScopes::parse(granted).iter().map(str::to_owned).collect(),
            None if self.asked.flow == FlowName::RefreshToken => {
                decide(&request).map(|decision| decision.to_owned_scopes()).unwrap_or_default()
            }
            None => Vec::new(),
        };
        request.flow = match self.asked.flow {
            FlowName::AuthorizationCode => Flow::Code,
            FlowName::Implicit => Flow::Implicit,
            FlowName::Hybrid => Flow::Hybrid,
            FlowName::DeviceCode => Flow::DeviceCode,
            FlowName::Password => Flow::Password,
            FlowName::PasswordRealm => Flow::PasswordRealm,
            FlowName::ClientCredentials => Flow::ClientCredentials,
            FlowName::RefreshToken => {
                Flow::Refresh(Original { granted: &granted, audience: audience.identifier() })
            }
        };
        let need = self.need(&request);
        request.consented =
            self.consent.as_ref().filter(|_| need == Need::Stored).map(|c| c.scope.as_slice());
        let explanation = explain(&request);
        let may_name_roles = self.call.caller.has("read:roles");
        let roles = match audience.identifier().filter(|_| may_name_roles && !is_machine) {
            Some(identifier) => {
                let roles = self.call.snapshot().roles().map(AsRef::as_ref);
                roles_by_scope(roles, identifier)
            }
            None => HashMap::new(),
        };
        let named = audience.identifier().map(|identifier| self.call.origin().absolute(identifier));
        let refusal = self.refusal(explanation.decision.is_err());
        tell(
            &request,
            &explanation,
            &Around {
                flow: self.asked.flow.as_str(),
                audience: named.as_deref().or(self.asked.audience.as_deref()),
                user_id: self.user.as_ref().map(|user| user.user_id.as_str()),
                organization_id: self.organization.as_ref().map(|found| found.id.as_str()),
                need,
                roles: &roles,
                refusal: refusal.as_ref(),
            },
        )
    }

    fn need(&self, request: &Request<'_>) -> Need {
        let want = decide(request).map(|decision| decision.granted).unwrap_or_default();
        let callback = self.client.callbacks.iter().flatten().next().map(String::as_str);
        let callback = self.asked.redirect_uri.as_deref().or(callback);
        // A device is called back nowhere.
        let callback = callback.filter(|_| self.asked.flow != FlowName::DeviceCode);
        needs_consent(&Question {
            flow: request.flow,
            client: &self.client,
            target: request.target,
            want: &want,
            stored: self.consent.as_ref(),
            is_forced: false,
            redirect_uri: callback,
            skips_on_loopback: self.call.snapshot().settings.flags.skip_consent_on_loopback.unwrap_or(false),
            is_dashboard: matches!(request.target, chancery_core::scope::Target::Management(_))
                && callback.is_some_and(|uri| asks_itself(&self.client, uri, &self.call.origin().base)),
            others_follow: false,
        })
    }

    /// What refuses the request before or beside the scope decision, which at `/authorize` comes before the user is known.
    fn refusal(&self, is_denied: bool) -> Option<Refusal<'_>> {
        let flow = self.asked.flow;
        let by_flow = flow.refusal(&self.client);
        let by_api = self.audience.is_none().then_some(Refusal::NoSuchApi);
        by_flow
            .or_else(|| self.by_words())
            .or(by_api)
            .or_else(|| self.by_place())
            .or_else(|| self.by_user().filter(|_| !(is_denied && flow.is_at_authorize())))
    }

    /// `/authorize` refuses a request that contradicts itself before it looks at anybody.
    fn by_words(&self) -> Option<Refusal<'_>> {
        let has = |scope: &str| self.asked.scope.split(' ').any(|asked| asked == scope);
        let is_both = has("online_access") && has("offline_access");
        (self.asked.flow.is_at_authorize() && is_both).then_some(Refusal::Scopes(&Denied::OnlineAndOffline))
    }

    fn by_place(&self) -> Option<Refusal<'_>> {
        if !self.asked.flow.is_at_authorize() {
            return None;
        }
        let usage = self.client.organization_usage_of_users();
        let Some(organization) = &self.organization else {
            let is_asked = self.client.organization_prompt() != OrganizationPrompt::NoPrompt;
            let is_missing = usage == ClientOrganizationUsage::Require && !is_asked;
            return is_missing.then_some(Refusal::NoOrganizationNamed);
        };
        let lets_in = self.client.is_first_party
            || organization.third_party_client_access == ThirdPartyClientAccess::Allow;
        if usage == ClientOrganizationUsage::Deny {
            return Some(Refusal::OrganizationNotForApplication);
        }
        (!lets_in).then_some(Refusal::OrganizationForFirstParties)
    }

    fn by_user(&self) -> Option<Refusal<'_>> {
        let user = self.user.as_ref()?;
        if user.is_blocked() {
            return Some(Refusal::UserBlocked);
        }
        let names = || user.identities.iter().map(|account| account.connection.as_str());
        if !names().any(|name| admits(self.call.snapshot(), &self.client, name)) {
            return Some(Refusal::ConnectionNotEnabled(names().next()));
        }
        let organization = self.organization.as_ref()?;
        if !names().any(|name| self.call.ctx.organization_admits(organization, name)) {
            return Some(Refusal::OrganizationConnection);
        }
        (!self.is_member).then_some(Refusal::NoMember)
    }
}

const ORGANIZATION: Missing =
    Missing { message: "No organization found by that id or name", code: Some("inexistent_organization") };
