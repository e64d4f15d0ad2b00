//! The answer of `/authorize`: codes and tokens, in the way the request asked for (fact sheet 2.2), with `iss` in all of
//! them (RFC 9207).

use axum::response::Response;
use chancery_core::claims::RequestedClaims;
use chancery_core::explanation::Record;
use chancery_core::ids::{self, Handle};
use chancery_core::interaction::Settled;
use chancery_core::iso::format_ms;
use chancery_core::model::{Organization, User};
use chancery_core::oauth::{
    AuthorizeError, AuthorizeRequest, DEVICE_LIFETIME, Device, RedirectUri, ResponseMode,
};
use chancery_core::params::Params;
use chancery_core::records::{Authorization, CodeRecord, Consent, Invitation, ResourceGrant, Session};
use chancery_core::scope::Decision;
use chancery_db::Batch;
use chancery_jose::{Algorithm, Typ};
use chancery_store::{PreparedClient, StoredTransaction};
use chancery_web::{Audience, Ctx, Decided, Failure, found};
use http::HeaderMap;
use serde_json::{Map, Value};

use crate::issue::{self, AccessTokenFor, IdTokenFor};
use crate::{events, pages};

/// To whom the answer goes, and how.
pub(super) struct Recipient<'a> {
    pub(super) redirect_uri: &'a RedirectUri,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<&'a str>,
    pub(super) client_id: &'a str,
    pub(super) client_name: &'a str,
}

/// Sends what was asked for.
pub(super) async fn success(
    ctx: &Ctx,
    headers: &HeaderMap,
    to: &Recipient<'_>,
    answer: Params,
) -> Result<Response, Failure> {
    deliver(ctx, headers, to, answer).await
}

/// Sends an error.
pub(super) async fn error(
    ctx: &Ctx,
    headers: &HeaderMap,
    to: &Recipient<'_>,
    error: &AuthorizeError,
) -> Result<Response, Failure> {
    let mut answer = Params::default();
    answer.push("error", error.code);
    answer.push("error_description", error.text.clone());
    deliver(ctx, headers, to, answer).await
}

/// The tenant log's word of a failed login.
pub(super) fn log_failure(
    ctx: &Ctx,
    client_id: Option<&str>,
    error: &AuthorizeError,
    decided: Option<&Decided>,
) {
    let kind = if error.code.ends_with("_required") { "fsa" } else { "f" };
    log_failure_as(kind, ctx, client_id, error, decided);
}

/// The same by another name.
pub(super) fn log_failure_as(
    kind: &'static str,
    ctx: &Ctx,
    client_id: Option<&str>,
    error: &AuthorizeError,
    decided: Option<&Decided>,
) {
    let client = client_id.and_then(|id| ctx.tenant.client(id));
    let mut event = match client {
        Some(client) => events::of_client(kind, client),
        None => events::event(kind),
    };
    event.description = Some(error.text.chars().take(500).collect());
    if let Some(decided) = decided {
        event.audience.clone_from(&decided.audience);
        events::decided(&mut event, &decided.record);
    }
    events::about_token(ctx, &mut event);
    events::record(ctx, event);
}

async fn deliver(
    ctx: &Ctx,
    headers: &HeaderMap,
    to: &Recipient<'_>,
    mut answer: Params,
) -> Result<Response, Failure> {
    if let Some(state) = to.state {
        answer.push("state", state);
    }
    answer.push("iss", ctx.origin.issuer.clone());
    if to.mode.is_signed() {
        answer = signed(ctx, to.client_id, &answer).await?;
    }
    Ok(match to.mode {
        ResponseMode::Query | ResponseMode::QueryJwt => found(&to.redirect_uri.with_query(&answer.encode())),
        ResponseMode::Fragment | ResponseMode::FragmentJwt => {
            found(&to.redirect_uri.with_fragment(&answer.encode()))
        }
        ResponseMode::FormPost | ResponseMode::FormPostJwt => {
            pages::form_post(ctx, headers, to.redirect_uri, to.client_name, &answer)
        }
        ResponseMode::WebMessage => pages::web_message(ctx, headers, to.redirect_uri, &answer),
    })
}

/// The whole answer as one parameter that nobody on the way can change or pass on to another application (JARM, section 2.1).
async fn signed(ctx: &Ctx, client_id: &str, answer: &Params) -> Result<Params, Failure> {
    let is_financial = ctx.tenant.client(client_id).is_some_and(|client| client.fapi().is_some());
    let key = ctx.tenant.keys.current(if is_financial { Algorithm::PS256 } else { Algorithm::RS256 });
    let key = key.ok_or_else(|| Failure::server("the tenant has no signing key"))?;
    let mut claims: Map<String, Value> =
        answer.pairs().map(|(name, value)| (name.to_owned(), value.into())).collect();
    claims.insert("aud".to_owned(), client_id.into());
    claims.insert("exp".to_owned(), ctx.now().saturating_add(SIGNED_LIFETIME).into());
    let payload = Value::Object(claims).to_string().into_bytes();
    let mut response = Params::default();
    response.push("response", ctx.app.signer.sign(key, Typ::Jwt, payload).await?);
    Ok(response)
}

/// Seconds a signed answer is good for: as long as a browser is on its way.
const SIGNED_LIFETIME: i64 = 60;

/// Who gets what, decided.
pub(super) struct Grantee<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) request: &'a AuthorizeRequest,
    pub(super) client: &'a PreparedClient,
    pub(super) audience: &'a Audience,
    pub(super) session: &'a Session,
    pub(super) user: &'a User,
    pub(super) organization: Option<&'a Organization>,
    /// Whether the ID token says that a second factor was shown.
    pub(super) second_factor: bool,
    /// The user becomes a member with this.
    pub(super) joins: bool,
    /// By this, which is accepted with it.
    pub(super) invitation: Option<&'a Invitation>,
    pub(super) decision: &'a Decision<'a>,
    /// What other APIs may be called with.
    pub(super) settled: &'a [Settled],
    /// Claims asked for by name that the user allowed.
    pub(super) claims: Option<RequestedClaims>,
    /// The same for the log.
    pub(super) record: &'a Record,
}

impl Grantee<'_> {
    /// Makes what was asked for and writes it in one go with the end of the transaction, so that a transaction answers
    /// once: `None` for whoever comes second.
    pub(super) async fn answer(
        &self,
        stored: Option<&StoredTransaction>,
        (implicit_consent, consent): (bool, Option<&Consent>),
    ) -> Result<Option<Params>, Failure> {
        let ctx = self.ctx;
        let response_type = self.request.response_type;
        let authorization = self.authorization();
        let mut answer = Params::default();
        let mut write = self.session_use();
        if let Some(stored) = stored {
            write = write.and(ctx.app.store.finish_transaction(&ctx.tenant.tenant, &stored.id, stored.rev));
        }
        if let Some(organization) = self.organization.filter(|_| self.joins) {
            let joined = [self.user.user_id.clone()];
            write = write.and(ctx.app.store.add_members(&ctx.tenant.tenant, &organization.id, &joined));
        }
        if let Some(invitation) = self.invitation {
            write = write.and(self.accepted(invitation).await?);
        }
        // Whoever withdraws it at this moment finds what hangs on it, or nothing comes to hang on it.
        if let Some(consent) = consent {
            write = write.and(ctx.app.store.require_consent(&ctx.tenant.tenant, consent));
        }
        if implicit_consent && self.decision.offline {
            write = write.and(ctx.app.store.upsert_consent(&ctx.tenant.tenant, &self.implicit_consent()));
        }
        for settled in self.settled.iter().filter(|settled| settled.is_implicit) {
            let consent = self.implicit_consent_at(&settled.grant);
            write = write.and(ctx.app.store.upsert_consent(&ctx.tenant.tenant, &consent));
        }
        let device = self.request.device.as_ref();
        if let Some(device) = device {
            write = write.and(self.device_code(device, &authorization)?);
        }
        let code = match response_type.code && device.is_none() {
            true => {
                let (code, insert) = self.code(&authorization)?;
                write = write.and(insert);
                Some(code)
            }
            false => None,
        };
        let access_token = match response_type.token {
            true => {
                let issued = issue::access_token(ctx, &self.front_channel_token(&authorization)).await?;
                write = issued.write.into_iter().fold(write, Batch::and);
                answer.push("access_token", issued.token.clone());
                answer.push("expires_in", issued.expires_in.to_string());
                answer.push("token_type", "Bearer");
                if let Some(scope) = self.decision.scope() {
                    answer.push("scope", scope);
                }
                Some(issued.token)
            }
            false => None,
        };
        // Without openid there is no ID token to give, whatever response_type says (OpenID Connect Core 3.1.2.1).
        if response_type.id_token && self.decision.has_openid() {
            let what = IdTokenFor {
                client: self.client,
                user: self.user,
                organization: self.organization,
                granted: &self.decision.granted,
                claims: self.claims.as_ref(),
                nonce: self.request.nonce.as_deref(),
                session_id: Some(&self.session.id),
                auth_time: self.shows_auth_time().then_some(self.session.authenticated_at),
                second_factor: self.second_factor,
                access_token: access_token.as_deref(),
                code: code.as_deref(),
                state: self.request.state.as_deref().filter(|_| self.client.fapi().is_some()),
            };
            answer.push("id_token", issue::id_token(ctx, &what).await?);
        }
        if let Some(code) = code {
            answer.push("code", code);
        }
        match ctx.app.store.commit(write).await {
            Ok(()) => {}
            // The end of the transaction, or a consent that was withdrawn meanwhile.
            Err(chancery_store::Error::Guard) => return Ok(None),
            Err(other) => return Err(other.into()),
        }
        self.log();
        Ok(Some(answer))
    }

    /// The invitation is used up; its roles, its metadata and the proof of the address are the user's.
    async fn accepted(&self, invitation: &Invitation) -> Result<Batch, Failure> {
        let (tenant, store) = (&self.ctx.tenant.tenant, &self.ctx.app.store);
        let user_id = &self.user.user_id;
        let write = store.accept_invitation(tenant, &invitation.id);
        let roles: Vec<String> =
            invitation.roles.iter().filter(|id| self.ctx.tenant.role(id).is_some()).cloned().collect();
        let write =
            write.and(store.assign_member_roles(tenant, &invitation.organization_id, user_id, &roles));
        let Some(seen) = store.user_to_edit(tenant, user_id).await? else { return Ok(write) };
        let mut after = seen.user.clone();
        // The ticket was mailed there.
        after.email_verified = Some(true);
        for (own, given) in [
            (&mut after.app_metadata, &invitation.app_metadata),
            (&mut after.user_metadata, &invitation.user_metadata),
        ] {
            if let Some(given) = given {
                own.get_or_insert_default().extend(given.clone());
            }
        }
        if after == seen.user {
            return Ok(write);
        }
        after.updated_at = format_ms(self.ctx.now_ms);
        Ok(write.and(store.edit_user_batch(tenant, &seen, &after)?))
    }

    fn authorization(&self) -> Authorization {
        Authorization {
            id: ids::time_ordered(&*self.ctx.app.rng, self.ctx.now_ms),
            client_id: self.client.client_id.clone(),
            user_id: self.user.user_id.clone(),
            audience: self.audience.identifier().map(str::to_owned),
            scope: self.decision.to_owned_scopes(),
            // A device stays signed in when the browser that let it in is signed out.
            session_id: self.request.device.is_none().then(|| self.session.id.clone()),
            auth_time: self.session.authenticated_at,
            organization_id: self.organization.map(|organization| organization.id.clone()),
            gty: None,
            connection: Some(self.session.connection.clone()),
            claims: self.claims.clone(),
            authorization_details: self.request.authorization_details.clone(),
            further: self.settled.iter().map(|settled| settled.grant.clone()).collect(),
        }
    }

    fn code(&self, authorization: &Authorization) -> Result<(String, Batch), Failure> {
        let ctx = self.ctx;
        let challenge = self.request.challenge.as_ref();
        let record = CodeRecord {
            authorization: authorization.clone(),
            redirect_uri: self
                .request
                .redirect_uri_sent
                .then(|| self.request.redirect_uri.as_str().to_owned()),
            code_challenge: challenge.map(|c| c.value.clone()),
            code_challenge_method: challenge.map(|c| c.method.as_str().to_owned()),
            nonce: self.request.nonce.clone(),
            with_auth_time: self.shows_auth_time(),
            with_second_factor: self.second_factor,
            for_device: false,
            dpop_jkt: self.request.dpop_jkt.clone(),
            expires_at: ctx.now().saturating_add(ctx.app.config.code_lifetime),
        };
        let handle = Handle::generate(&*ctx.app.rng, ctx.now_ms);
        let insert = ctx.app.store.insert_code_batch(&ctx.tenant.tenant, &handle, &record)?;
        Ok((handle.expose(), insert))
    }

    /// What the device redeems when it comes back, as long as its own code lives.
    fn device_code(&self, device: &Device, authorization: &Authorization) -> Result<Batch, Failure> {
        let ctx = self.ctx;
        let record = CodeRecord {
            authorization: authorization.clone(),
            for_device: true,
            expires_at: ctx.now().saturating_add(DEVICE_LIFETIME),
            ..CodeRecord::default()
        };
        Ok(ctx.app.store.allow_device(&ctx.tenant.tenant, &device.id, &record, ctx.now())?)
    }

    fn front_channel_token<'b>(&'b self, authorization: &'b Authorization) -> AccessTokenFor<'b> {
        AccessTokenFor {
            client: self.client,
            subject: &self.user.user_id,
            audience: self.audience,
            decision: self.decision,
            kind: None,
            front_channel: true,
            organization: self.organization,
            authorization: Some(authorization),
            jkt: None,
            act: None,
            ends_at: None,
            second_factor: self.second_factor,
            password_set_at: self.user.last_password_reset.as_deref(),
        }
    }

    /// The session was used: its idle end moves, and the application joins it.
    fn session_use(&self) -> Batch {
        let now = self.ctx.now();
        let idle = self.ctx.tenant.settings.idle_session_seconds();
        let idle = now.saturating_add(idle).min(self.session.expires_at);
        let known = self.session.clients.iter().any(|c| *c == self.client.client_id);
        let joins = (!known).then_some(self.client.client_id.as_str());
        // A use a moment ago has moved the end already: one write less for applications that ask often.
        if known && now - self.session.last_active_at < 60 {
            return Batch::default();
        }
        self.ctx.app.store.touch_session_batch(&self.ctx.tenant.tenant, &self.session.id, now, idle, joins)
    }

    /// `auth_time` appears only when the request looked at it, or it was asked for (fact sheet 5.2).
    fn shows_auth_time(&self) -> bool {
        let request = self.request;
        request.max_age.is_some() || request.prompts.login || request.wants_auth_time
    }

    fn implicit_consent(&self) -> Consent {
        Consent {
            id: ids::object_id(&*self.ctx.app.rng, self.ctx.now()),
            user_id: self.user.user_id.clone(),
            client_id: self.client.client_id.clone(),
            audience: self.audience.identifier().unwrap_or_default().to_owned(),
            organization_id: self.organization.map(|o| o.id.clone()).unwrap_or_default(),
            scope: self.decision.to_owned_scopes(),
            declined: Vec::new(),
            implicit: true,
        }
    }

    /// The same at another API, where tokens are given for as long as it is there.
    fn implicit_consent_at(&self, grant: &ResourceGrant) -> Consent {
        Consent { audience: grant.audience.clone(), scope: grant.scope.clone(), ..self.implicit_consent() }
    }

    fn log(&self) {
        let kind = if self.request.prompts.none { "ssa" } else { "s" };
        let mut event = events::with_user(events::of_client(kind, self.client), self.user);
        event.connection = Some(self.session.connection.clone());
        event.audience = self.audience.identifier().map(|a| self.ctx.origin.absolute(a).into_owned());
        event.scope = self.decision.scope();
        if !self.settled.is_empty() {
            // The event has room for one API; what was allowed at the others is told beside it.
            let further = self.settled.iter().map(|settled| {
                let audience = self.ctx.origin.absolute(&settled.grant.audience);
                serde_json::json!({ "audience": audience, "scope": settled.grant.scope.join(" ") })
            });
            event.details.insert("further_resource_servers".to_owned(), further.collect());
        }
        if let Some(organization) = self.organization {
            events::in_organization(&mut event, organization);
            if self.joins {
                let mut joined =
                    events::with_user(events::of_client("organization_member_added", self.client), self.user);
                events::in_organization(&mut joined, organization);
                events::record(self.ctx, joined);
            }
        }
        events::decided(&mut event, self.record);
        events::about_token(self.ctx, &mut event);
        events::record(self.ctx, event);
    }
}
