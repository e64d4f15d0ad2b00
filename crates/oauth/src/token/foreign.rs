//! A token of a server that is trusted becomes tokens of ours: exchanged by a profile (RFC 8693), or shown as an assertion (RFC
//! 7523, and identity assertions). Who is trusted, for what and from whom, an administrator said in
//! `core::model::TrustedIssuer`; nothing is believed besides.

use std::sync::Arc;

use chancery_core::explanation::Record;
use chancery_core::ids;
use chancery_core::model::{Client, ForeignUse, SubjectType, TrustedIssuer, User};
use chancery_core::oauth::{
    ACCESS_TOKEN, FOREIGN_SKEW, ForeignClaims, ForeignRules, ForeignUser, IDENTITY_ASSERTION,
    LONGEST_FOREIGN_TOKEN, OAuthError, TOKEN_EXCHANGE,
};
use chancery_core::records::Authorization;
use chancery_core::scope::{
    AskedScopes, Decision, ExchangeKind, Flow, OFFLINE_ACCESS, ONLINE_ACCESS, Request, STANDARD,
    decide_with_reasons,
};
use chancery_db::Batch;
use chancery_jose::Unverified;
use chancery_store::{AssertionKey, Kind, PreparedClient};
use chancery_web::{Audience, Ctx, Failure, Held, SIGNATURES, client_grant, verifying_keys};
use secrecy::{ExposeSecret, SecretString};

use super::user_tokens::{self, UserTokensFor};
use crate::decision::refused;
use crate::events;
use crate::issue::{self, TokenAnswer};

/// What was sent.
pub(super) struct Shown {
    pub(super) token: SecretString,
    /// Of a subject token; an assertion has none.
    pub(super) kind: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) scope: Option<String>,
}

/// Verifies, finds the user, decides, signs.
pub(super) async fn exchange(
    ctx: &Ctx,
    client: &PreparedClient,
    shown: &Shown,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    let way = Way::of(ctx, shown).await?;
    if !way.is_assertion() && !client.exchanges_by_profile() {
        return Err(OAuthError::GrantNotAllowed(TOKEN_EXCHANGE.to_owned()).into());
    }
    let (issuer, claims) = way.proven(ctx, client, shown.token.expose_secret()).await?;
    let user = way.user(ctx, client, &issuer, &claims).await?;
    if ctx.tenant.second_factors.guard_passwords() && !claims.says_second_factor() {
        let text = "The policy of this tenant asks for a second factor, and the token does not say that one was shown";
        return Err(OAuthError::Denied { code: "mfa_required", status: 403, text: text.to_owned() }.into());
    }
    let named = way.resource(&claims)?.or(shown.audience.as_deref());
    let audience = Audience::resolve(&ctx.tenant, &ctx.origin, named)?;
    if way.is_assertion() && audience.api().is_none() {
        let text = "An assertion is shown for the token of an API: name one";
        return Err(OAuthError::InvalidTarget(text.to_owned()).into());
    }
    let scope = way.scope(&claims, shown.scope.as_deref());
    let asked = AskedScopes::parse_optional(scope.as_deref());
    let held = Held::load(ctx, audience.plain_api(), &user.user_id, None).await?;
    let request = Request {
        // An assertion stands for one call, not for a sign-in: nothing of it outlives the token.
        flow: Flow::TokenExchange { kind: ExchangeKind::Custom, has_actor: way.is_assertion() },
        client,
        target: audience.target(),
        asked: &asked,
        grant: client_grant(&ctx.tenant, client, &audience, SubjectType::User),
        permissions: &held.permissions(),
        consented: None,
        organization: None,
    };
    let reasoned = decide_with_reasons(&request);
    let record = Record::of(&request, &reasoned, way.flow());
    let decision = reasoned.decision.map_err(|denied| refused(&denied, ctx, &request, way.flow()))?;
    // Where bound tokens are demanded, an assertion is not used up by a request that could not have one.
    let certificate = ctx.certificate.as_ref().map(|shown| shown.thumbprint.as_str());
    issue::binding(client, &audience, issue::Shown { jkt, x5t: certificate })?;
    way.spend(ctx, &claims).await?;
    let what =
        Grantee { ctx, client, user: &user, issuer: &issuer, audience: &audience, decision: &decision };
    let answer = what.tokens(jkt).await?;
    let mut event = events::with_user(events::of_client(way.event(), client), &user);
    event.connection = Some(issuer.connection.clone());
    event.audience = audience.identifier().map(|a| ctx.origin.absolute(a).into_owned());
    event.scope.clone_from(&answer.scope);
    events::decided(&mut event, &record);
    events::about_token(ctx, &mut event);
    events::record(ctx, event);
    Ok(TokenAnswer { issued_token_type: (!way.is_assertion()).then_some(ACCESS_TOKEN), ..answer })
}

/// By which of its ways a token comes.
enum Way {
    /// By the profile with this id.
    Profile(String),
    Assertion,
    IdentityAssertion,
}

impl Way {
    async fn of(ctx: &Ctx, shown: &Shown) -> Result<Self, Failure> {
        let Some(kind) = &shown.kind else {
            let token =
                Unverified::parse(shown.token.expose_secret()).map_err(|_| OAuthError::BadAssertion)?;
            let is_identity = token.header().is_typ(IDENTITY_ASSERTION);
            return Ok(if is_identity { Self::IdentityAssertion } else { Self::Assertion });
        };
        let tenant = &ctx.tenant.tenant;
        let found = ctx.app.store.doc_by_uniq(tenant, Kind::TokenExchangeProfile, kind).await?;
        match found {
            Some(profile) => Ok(Self::Profile(profile.id)),
            None => Err(OAuthError::unsupported_subject_token(kind).into()),
        }
    }

    fn is_assertion(&self) -> bool {
        !matches!(self, Self::Profile(_))
    }

    fn wanted(&self) -> ForeignUse<'_> {
        match self {
            Self::Profile(id) => ForeignUse::Profile(id),
            Self::Assertion => ForeignUse::Assertion,
            Self::IdentityAssertion => ForeignUse::IdentityAssertion,
        }
    }

    /// As explanations name it.
    fn flow(&self) -> &'static str {
        if self.is_assertion() { "jwt_bearer" } else { "token_exchange" }
    }

    fn event(&self) -> &'static str {
        if self.is_assertion() { "idjag_exchange_success" } else { "secte" }
    }

    /// Whatever is wrong with a token, and whoever it names, is told in one text.
    fn bad(&self) -> OAuthError {
        if self.is_assertion() { OAuthError::BadAssertion } else { OAuthError::SubjectToken }
    }

    /// The claims, proven by a key of the issuer that they name and that is trusted.
    async fn proven(
        &self,
        ctx: &Ctx,
        client: &PreparedClient,
        token: &str,
    ) -> Result<(Arc<TrustedIssuer>, ForeignClaims), Failure> {
        let bad = |why: &str| Failure { cause: Some(why.into()), ..Failure::new(self.bad()) };
        if token.len() > LONGEST_FOREIGN_TOKEN {
            return Err(bad("it is too long"));
        }
        let unverified = Unverified::parse(token).map_err(|_| bad("it is no JWT"))?;
        let header = unverified.header();
        // Tokens of other kinds say other things by the same claims (RFC 8725, section 3.11).
        let is_plain = header.typ.is_none() || header.is_typ("JWT");
        let fits = match self {
            Self::Profile(_) => is_plain || header.is_typ("at+jwt"),
            Self::Assertion => is_plain,
            Self::IdentityAssertion => header.is_typ(IDENTITY_ASSERTION),
        };
        if !fits {
            return Err(bad("typ is of another kind of token"));
        }
        let unproven = unverified.payload_unverified().ok().and_then(|payload| ForeignClaims::read(&payload));
        let unproven = unproven.ok_or_else(|| bad("its claims cannot be read"))?;
        let issuer =
            ctx.tenant.trusted_issuer(&unproven.iss).filter(|trusted| trusted.issuer != ctx.origin.issuer);
        let issuer = issuer.ok_or_else(|| bad("its issuer is not trusted"))?;
        // Before anything is fetched for it.
        if !issuer.lets(self.wanted(), &client.client_id) {
            return Err(bad("the application may not bring such tokens of this issuer"));
        }
        let keys = keys(ctx, issuer, header.kid.as_deref()).await.map_err(|why| bad(&why))?;
        let payload = keys.iter().find_map(|key| key.prove(&unverified, &SIGNATURES, ctx.now()));
        let payload = payload.ok_or_else(|| bad("no key of the issuer proves it"))?;
        let claims = ForeignClaims::read(&payload).ok_or_else(|| bad("its claims cannot be read"))?;
        claims.judge(&self.rules(ctx, client, issuer, &own(ctx))).map_err(bad)?;
        Ok((Arc::clone(issuer), claims))
    }

    fn rules<'a>(
        &'a self,
        ctx: &'a Ctx,
        client: &'a Client,
        issuer: &'a TrustedIssuer,
        token_endpoint: &'a str,
    ) -> ForeignRules<'a> {
        ForeignRules {
            issuer,
            wanted: self.wanted(),
            client_id: &client.client_id,
            own_audiences: [&ctx.origin.issuer, token_endpoint],
            now: ctx.now(),
        }
    }

    /// The user, of the connection that the issuer speaks for, alive and not blocked; others look like nobody.
    async fn user(
        &self,
        ctx: &Ctx,
        client: &PreparedClient,
        issuer: &TrustedIssuer,
        claims: &ForeignClaims,
    ) -> Result<User, Failure> {
        let bad = |why: &str| Failure { cause: Some(why.into()), ..Failure::new(self.bad()) };
        let connection = ctx.tenant.connections().find(|connection| connection.name == issuer.connection);
        let connection = connection.filter(|connection| connection.serves(&client.client_id));
        let connection = connection.ok_or_else(|| bad("the connection does not serve the application"))?;
        let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
        let found = match claims.judge(&self.rules(ctx, client, issuer, &own(ctx))).map_err(bad)? {
            ForeignUser::Id(id) => store.user(tenant, id).await?,
            ForeignUser::Identity(id) => store.user(tenant, &format!("{}|{id}", connection.strategy)).await?,
            ForeignUser::Email(address) => {
                let all = store.users_by_email(tenant, address).await?;
                let mut own =
                    all.into_iter().filter(|user| is_of(user, issuer) && user.email_verified == Some(true));
                let first = own.next();
                first.filter(|_| own.next().is_none())
            }
        };
        let user = found.filter(|user| is_of(user, issuer) && !user.is_blocked());
        user.ok_or_else(|| bad("it names no user of the connection"))
    }

    /// What an identity assertion is for comes before what the request says.
    fn resource<'a>(&self, claims: &'a ForeignClaims) -> Result<Option<&'a str>, Failure> {
        match self {
            Self::IdentityAssertion => claims.resource().map_err(|why| self.refused(why)),
            _ => Ok(None),
        }
    }

    /// The reason is for the log.
    fn refused(&self, why: &str) -> Failure {
        Failure { cause: Some(why.into()), ..Failure::new(self.bad()) }
    }

    /// No more than an identity assertion allows; and nothing that belongs to a sign-in where there was none.
    fn scope(&self, claims: &ForeignClaims, asked: Option<&str>) -> Option<String> {
        if !self.is_assertion() {
            return asked.map(str::to_owned);
        }
        let most = claims.scope.as_deref().filter(|_| matches!(self, Self::IdentityAssertion));
        let asked = asked.or(most)?;
        let lets = |scope: &&str| {
            !STANDARD.contains(scope)
                && ![OFFLINE_ACCESS, ONLINE_ACCESS].contains(scope)
                && (!matches!(self, Self::IdentityAssertion)
                    || most.is_some_and(|most| most.split(' ').any(|one| one == *scope)))
        };
        Some(asked.split(' ').filter(lets).collect::<Vec<_>>().join(" "))
    }

    /// An assertion is good once, on all nodes (RFC 7523, section 3). A subject token is good as long as it is.
    async fn spend(&self, ctx: &Ctx, claims: &ForeignClaims) -> Result<(), Failure> {
        let Some(jti) = claims.jti.as_deref().filter(|_| self.is_assertion()) else { return Ok(()) };
        // No id of an application begins like this.
        let whose = format!("\u{1}{}", claims.iss);
        let until = claims.exp.saturating_add(2 * FOREIGN_SKEW);
        match ctx.app.store.remember_assertion(&ctx.tenant.tenant, &whose, jti, until).await {
            Ok(()) => Ok(()),
            Err(chancery_store::Error::Conflict) => {
                Err(Failure { cause: Some("it was shown before".into()), ..Failure::new(self.bad()) })
            }
            Err(other) => Err(other.into()),
        }
    }
}

fn own(ctx: &Ctx) -> String {
    format!("{}oauth/token", ctx.origin.issuer)
}

fn is_of(user: &User, issuer: &TrustedIssuer) -> bool {
    user.identities.iter().any(|identity| identity.connection == issuer.connection)
}

async fn keys(ctx: &Ctx, issuer: &TrustedIssuer, kid: Option<&str>) -> Result<Arc<[AssertionKey]>, String> {
    match (&issuer.jwks_uri, &issuer.jwks) {
        (Some(url), _) => ctx.published_keys(url, kid).await.map_err(|error| format!("jwks_uri: {error}")),
        (None, Some(set)) => Ok(verifying_keys(set).into()),
        (None, None) => Ok([].into()),
    }
}

/// Who gets what, decided.
struct Grantee<'a> {
    ctx: &'a Ctx,
    client: &'a PreparedClient,
    user: &'a User,
    issuer: &'a TrustedIssuer,
    audience: &'a Audience,
    decision: &'a Decision<'a>,
}

impl Grantee<'_> {
    async fn tokens(&self, jkt: Option<&str>) -> Result<TokenAnswer, Failure> {
        let Self { ctx, client, user, audience, decision, .. } = *self;
        let authorization = Authorization {
            id: ids::time_ordered(&*ctx.app.rng, ctx.now_ms),
            client_id: client.client_id.clone(),
            user_id: user.user_id.clone(),
            audience: audience.identifier().map(str::to_owned),
            scope: decision.to_owned_scopes(),
            auth_time: ctx.now(),
            connection: Some(self.issuer.connection.clone()),
            ..Authorization::default()
        };
        let tokens = user_tokens::issue(
            ctx,
            &UserTokensFor {
                client,
                user,
                organization: None,
                audience,
                decision,
                authorization: &authorization,
                kind: None,
                nonce: None,
                session_id: None,
                auth_time: None,
                second_factor: false,
                jkt,
                ends_at: None,
            },
        )
        .await?;
        let (refresh_token, refresh_write) = match decision.offline {
            true => {
                let (token, write) = issue::first_refresh_token(ctx, client, &authorization, jkt)?;
                let consent = issue::implied_consent(ctx, &authorization);
                (Some(token), write.and(ctx.app.store.upsert_consent(&ctx.tenant.tenant, &consent)))
            }
            false => (None, Batch::default()),
        };
        let write = tokens.write.into_iter().fold(refresh_write, Batch::and);
        ctx.app.store.commit(write).await?;
        Ok(TokenAnswer { refresh_token, ..tokens.answer })
    }
}
