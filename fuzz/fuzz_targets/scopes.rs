//! The scope decision: it never gives more than was asked or implied, than the API has, than the client grant, the
//! permissions of the user and the consent allow, and taking something away never adds anything.
//!
//! Input: one line of switches (digits), then a line each for scopes asked for, those of the API, of the client grant, of the
//! user, of the sign-in, of the consent (`-` for none asked) and of the refresh token policy.
#![no_main]

use chancery_core::model::{
    Api, Client, ClientGrant, Dialect, Permission, Policy, RefreshTokenPolicy, Role, ScopeDefinition,
    SubjectType, SubjectTypeAuthorization, UserPolicy,
};
use chancery_core::scope::{
    AskedScopes, CURRENT_USER, Decision, ExchangeKind, Flow, Original, Request, STANDARD, Target,
    UserPermissions, decide, explain, is_reserved,
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const API: &str = "https://api.x/";

fuzz_target!(|text: &str| {
    let world = World::read(text);
    is_a_set(&world.asked);
    let before = world.granted();
    world.ask(|request| {
        let decision = decide(request);
        assert_eq!(explain(request).decision, decision, "explained as decided");
        if let Ok(decision) = decision {
            never_widens(&world, request, &decision);
        }
    });
    for less in world.with_less() {
        for scope in less.granted() {
            assert!(before.contains(&scope), "{scope:?} came by taking away: {world:?} {less:?}");
        }
    }
});

/// `scope` is read as a set in the order of the request, split at spaces and nothing else.
fn is_a_set(text: &str) {
    let asked = AskedScopes::parse(text);
    let names: Vec<&str> = asked.iter().collect();
    for (at, name) in names.iter().enumerate() {
        assert!(!name.is_empty() && !name.contains(' ') && !names[..at].contains(name));
        assert!(text.split(' ').any(|piece| piece == *name));
    }
    assert!(text.split(' ').all(|piece| piece.is_empty() || asked.contains(piece)));
    assert_eq!(AskedScopes::parse(&names.join(" ")).iter().collect::<Vec<_>>(), names);
}

fn never_widens(world: &World, request: &Request<'_>, decision: &Decision<'_>) {
    let flow = request.flow;
    let machine = flow.is_machine();
    let lists = |list: &[String], scope: &str| list.iter().any(|s| s == scope);
    let live = |scope: &str| match request.target {
        Target::Userinfo => false,
        Target::Management(api) if !machine => CURRENT_USER.contains(&scope) || api.defines(scope),
        Target::Api(api) | Target::Management(api) => api.defines(scope),
    };
    for (at, scope) in decision.granted.iter().copied().enumerate() {
        let of_api = !is_reserved(scope);
        assert!(!decision.granted[..at].contains(&scope), "{scope:?} twice");
        let in_policy = of_api && lists(&world.policy, scope);
        let implied = match flow {
            Flow::Refresh(original) => lists(original.granted, scope) || in_policy,
            Flow::CodeExchange(original) => lists(original.granted, scope),
            Flow::Password => of_api || STANDARD.contains(&scope),
            Flow::TokenExchange { .. } | Flow::OnBehalfOf(_) => of_api,
            Flow::ClientCredentials => of_api && request.asked.is_empty(),
            _ => false,
        };
        let named = !matches!(flow, Flow::CodeExchange(_)) && request.asked.contains(scope);
        assert!(named || implied, "{scope:?} was neither asked for nor implied: {world:?}");
        if let Flow::Refresh(original) | Flow::CodeExchange(original) = flow {
            let added = matches!(flow, Flow::Refresh(_)) && in_policy;
            assert!(lists(original.granted, scope) || added, "{scope:?} is new: {world:?}");
        }
        if let Flow::OnBehalfOf(sent) = flow {
            let elsewhere = sent.audience != request.target.audience();
            let by_grant = of_api && elsewhere && within_grant(world, machine, scope);
            assert!(lists(sent.granted, scope) || by_grant, "{scope:?} is new: {world:?}");
        }
        assert!(!of_api || live(scope), "{scope:?} is not on the API: {world:?}");
        if let (true, Target::Api(api)) = (of_api, request.target) {
            let grant_needed = machine
                || request.client.is_strict_third_party()
                || api.user_policy() == Policy::RequireClientGrant;
            assert!(
                !grant_needed || within_grant(world, machine, scope),
                "{scope:?} is above the ceiling: {world:?}"
            );
            let needs_permission = api.enforces_policies() && !machine;
            assert!(!needs_permission || lists(&world.held, scope), "{scope:?} is not the user's: {world:?}");
        }
        if let (true, false, Target::Management(_)) =
            (of_api && !CURRENT_USER.contains(&scope), machine, request.target)
        {
            assert!(request.client.is_first_party, "{scope:?} administers for a third party: {world:?}");
            assert!(within_grant(world, machine, scope), "{scope:?} is above the ceiling: {world:?}");
            assert!(lists(&world.held, scope), "{scope:?} is not the user's: {world:?}");
        }
        let consented = request.consented.is_none_or(|list| lists(list, scope));
        assert!(consented, "{scope:?} without consent: {world:?}");
        assert!(!request.client.is_strict_third_party() || !STANDARD.contains(&scope), "{world:?}");
        assert!(!machine || of_api, "{scope:?} for a machine: {world:?}");
    }
    for scope in decision.permissions.iter().flatten() {
        assert!(live(scope), "{scope:?} is not on the API: {world:?}");
        assert!(machine || lists(&world.held, scope), "{scope:?} is not the user's: {world:?}");
    }
}

fn within_grant(world: &World, machine: bool, scope: &str) -> bool {
    let subject = if machine { SubjectType::Client } else { SubjectType::User };
    world.grant.as_ref().is_some_and(|grant| {
        grant.subject_type == subject
            && (grant.allow_all_scopes == Some(true) || grant.scope.iter().flatten().any(|s| s == scope))
    })
}

#[derive(Clone, Debug)]
struct World {
    asked: String,
    api: Api,
    client: Client,
    grant: Option<ClientGrant>,
    held: Vec<String>,
    by_role: bool,
    original: Vec<String>,
    consented: Option<Vec<String>>,
    policy: Vec<String>,
    flow: u8,
    target: u8,
    same_audience: bool,
}

impl World {
    fn read(text: &str) -> Self {
        let mut lines = text.split('\n');
        let switches = lines.next().unwrap_or_default().as_bytes();
        let switch = |at: usize| switches.get(at).map_or(0, |byte| byte.wrapping_sub(b'0'));
        let on = |at: usize| switch(at) % 2 == 1;
        let mut line = || lines.next().unwrap_or_default();
        let asked = line().to_owned();
        let (api_scopes, grant_scopes, held) = (words(line()), words(line()), words(line()));
        let (original, consented, policy) = (words(line()), line(), words(line()));
        let flags = [on(3), on(4), on(5), on(6), on(7)];
        Self {
            asked,
            api: api(api_scopes, switch(2), flags),
            client: client(switch(8), &policy),
            grant: (switch(9) % 4 != 3).then(|| grant(grant_scopes, switch(9), on(10))),
            held,
            by_role: on(11),
            original,
            consented: (consented != "-").then(|| words(consented)),
            policy,
            flow: switch(0),
            target: switch(1),
            same_audience: !on(12),
        }
    }

    fn ask<T>(&self, answer: impl FnOnce(&Request<'_>) -> T) -> T {
        let asked = AskedScopes::parse(&self.asked);
        let (target, here) = match self.target % 4 {
            1 => (Target::Userinfo, None),
            2 => (Target::Management(&self.api), Some(API)),
            _ => (Target::Api(&self.api), Some(API)),
        };
        let permission = |scope: &String| Permission {
            resource_server_identifier: API.to_owned(),
            permission_name: scope.clone(),
        };
        let permissions: Vec<Permission> = self.held.iter().map(permission).collect();
        let role = Role {
            id: "rol_1".to_owned(),
            name: "Role".to_owned(),
            description: None,
            kind: None,
            owner_id: None,
            permissions: permissions.clone(),
        };
        let permissions = match self.by_role {
            true => UserPermissions { roles: vec![&role], ..UserPermissions::NONE },
            false => UserPermissions { direct: &permissions, ..UserPermissions::NONE },
        };
        let audience = if self.same_audience { here } else { Some("https://elsewhere/") };
        answer(&Request {
            flow: match self.flow % 10 {
                0 => Flow::Code,
                1 => Flow::Implicit,
                2 => Flow::Password,
                3 => Flow::ClientCredentials,
                4 => Flow::Refresh(Original { granted: &self.original, audience }),
                5 => Flow::CodeExchange(Original { granted: &self.original, audience: here }),
                6 => Flow::OnBehalfOf(Original { granted: &self.original, audience }),
                7 => Flow::TokenExchange { kind: ExchangeKind::NativeSocial, has_actor: true },
                8 => Flow::Hybrid,
                _ => Flow::DeviceCode,
            },
            client: &self.client,
            target,
            asked: &asked,
            grant: self.grant.as_ref(),
            permissions: &permissions,
            consented: self.consented.as_deref(),
            organization: None,
        })
    }

    fn granted(&self) -> Vec<String> {
        self.ask(|request| decide(request).map(|d| d.to_owned_scopes()).unwrap_or_default())
    }

    /// The same world with every other entry of one list gone, or with the client grant gone.
    fn with_less(&self) -> Vec<Self> {
        let half = |list: &[String]| list.iter().step_by(2).cloned().collect::<Vec<_>>();
        let mut all = vec![
            Self { held: half(&self.held), ..self.clone() },
            Self { original: half(&self.original), ..self.clone() },
            Self { consented: Some(half(self.consented.as_deref().unwrap_or_default())), ..self.clone() },
            Self { grant: None, ..self.clone() },
        ];
        if let Some(grant) = &self.grant {
            let scope = grant.scope.as_deref().map(half);
            all.push(Self { grant: Some(ClientGrant { scope, ..grant.clone() }), ..self.clone() });
        }
        all
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn api(scopes: Vec<String>, policy: u8, flags: [bool; 5]) -> Api {
    let mut api: Api =
        serde_json::from_value(json!({"id": "6a0000000000000000000001", "identifier": API})).expect("an API");
    // No API can define a reserved scope: the Management API refuses it.
    let defined = scopes.into_iter().filter(|value| !is_reserved(value));
    api.scopes =
        Some(defined.map(|value| ScopeDefinition { value, description: None, consent: None }).collect());
    let policy = match policy % 4 {
        1 => Some(Policy::RequireClientGrant),
        2 => Some(Policy::AllowAll),
        3 => Some(Policy::DenyAll),
        _ => None,
    };
    api.subject_type_authorization = policy.map(|policy| SubjectTypeAuthorization {
        client: None,
        user: Some(UserPolicy { policy }),
        anonymous_user: None,
    });
    api.allow_offline_access = flags[0];
    api.allow_online_access = Some(flags[1]);
    api.enforce_policies = Some(flags[2]);
    api.token_dialect = flags[3].then_some(Dialect::AccessTokenAuthz);
    api.skip_consent_for_verifiable_first_party_clients = flags[4];
    api
}

fn client(kind: u8, policy: &[String]) -> Client {
    let mut client: Client = serde_json::from_value(json!({
        "client_id": "W", "token_endpoint_auth_method": "client_secret_post", "oidc_conformant": kind % 5 != 1,
        "is_first_party": kind % 5 < 3, "grant_types": ["authorization_code", "refresh_token"]
    }))
    .expect("a client");
    if kind % 5 == 4 {
        client.third_party_security_mode = Some(chancery_core::model::SecurityMode::Permissive);
    }
    if kind % 5 == 2 {
        client.grant_types = None;
    }
    let mut settings = client.refresh_token_settings();
    settings.policies = Some(vec![RefreshTokenPolicy { audience: API.to_owned(), scope: policy.to_vec() }]);
    client.refresh_token = Some(settings);
    client
}

fn grant(scope: Vec<String>, kind: u8, all: bool) -> ClientGrant {
    let subject = if kind.is_multiple_of(2) { "user" } else { "client" };
    let mut grant: ClientGrant = serde_json::from_value(
        json!({"id": "cgr_1", "client_id": "W", "audience": API, "subject_type": subject}),
    )
    .expect("a client grant");
    (grant.scope, grant.allow_all_scopes) = (Some(scope), Some(all));
    grant
}
