//! What holds for every request: nothing ever widens, and what is issued is what is explained.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::fixture::{API, api, client, permission, role, strings, third_party};
use super::*;
use crate::model::{
    Api, Client, ClientGrant, Dialect, Permission, Policy, RefreshTokenPolicy, Role, ScopeDefinition,
    SubjectType, SubjectTypeAuthorization, UserPolicy,
};

/// A small world of names, so that they meet often.
const POOL: [&str; 12] = [
    "openid",
    "profile",
    "email",
    "offline_access",
    "online_access",
    "name",
    "read:a",
    "write:a",
    "del:a",
    "x:1",
    "nope",
    "read:current_user",
];

#[derive(Clone, Debug)]
struct World {
    api: Api,
    client: Client,
    grant: Option<ClientGrant>,
    direct: Vec<Permission>,
    roles: Vec<Role>,
    flow: u8,
    target: u8,
    asked: String,
    original: Vec<String>,
    same_audience: bool,
    consented: Option<Vec<String>>,
}

fn some_of(pool: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(pool, 0..=pool.len()).prop_shuffle()
}

fn an_api() -> impl Strategy<Value = Api> {
    let policy = prop_oneof![Just(Policy::AllowAll), Just(Policy::RequireClientGrant), Just(Policy::DenyAll)];
    let flags = any::<[bool; 5]>();
    (some_of(&POOL[6..10]), prop::option::weighted(0.7, policy), flags).prop_map(|(live, policy, flags)| {
        let mut api = api();
        api.scopes = Some(
            live.iter()
                .map(|s| ScopeDefinition { value: (*s).to_owned(), description: None, consent: None })
                .collect(),
        );
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
    })
}

fn a_client() -> impl Strategy<Value = Client> {
    let policy = prop::option::of(some_of(&POOL[6..]));
    (0..4_u8, policy).prop_map(|(kind, policy)| {
        let mut client = if kind == 0 { third_party() } else { client() };
        client.client_id = "W".to_owned();
        client.oidc_conformant = kind != 1;
        let mut settings = client.refresh_token_settings();
        settings.policies =
            policy.map(|scope| vec![RefreshTokenPolicy { audience: API.to_owned(), scope: strings(&scope) }]);
        client.refresh_token = Some(settings);
        client
    })
}

fn a_world() -> impl Strategy<Value = World> {
    let grant = prop::option::weighted(0.8, (some_of(&POOL), prop::bool::weighted(0.2), any::<bool>()));
    let roles = prop::collection::vec(some_of(&POOL[6..]), 0..4);
    let sent = (0..9_u8, 0..6_u8, prop::collection::vec(prop::sample::select(&POOL[..]), 0..8));
    let past = (some_of(&POOL), any::<bool>(), prop::option::weighted(0.2, some_of(&POOL)));
    (an_api(), a_client(), grant, some_of(&POOL[6..]), roles, sent, past).prop_map(
        |(api, client, grant, direct, roles, (flow, target, asked), (original, same_audience, consented))| {
            World {
                api,
                client,
                grant: grant.map(|(scope, all, machine)| ClientGrant {
                    scope: Some(strings(&scope)),
                    allow_all_scopes: Some(all),
                    subject_type: if machine { SubjectType::Client } else { SubjectType::User },
                    ..super::fixture::grant("user", &[])
                }),
                direct: direct.iter().map(|s| permission(s)).collect(),
                roles: roles
                    .iter()
                    .enumerate()
                    .map(|(n, scopes)| role(&format!("rol_{n}"), scopes))
                    .collect(),
                flow,
                target,
                asked: asked.join(" "),
                original: strings(&original),
                same_audience,
                consented: consented.map(|c| strings(&c)),
            }
        },
    )
}

impl World {
    fn flow(&self) -> Flow<'_> {
        let here = match self.target {
            0 => None,
            _ => Some(API),
        };
        let audience = if self.same_audience { here } else { Some("https://elsewhere/") };
        match self.flow {
            0 => Flow::Code,
            1 => Flow::Implicit,
            2 => Flow::Password,
            3 => Flow::ClientCredentials,
            4 => Flow::Refresh(Original { granted: &self.original, audience }),
            5 => Flow::CodeExchange(Original { granted: &self.original, audience: here }),
            6 => Flow::OnBehalfOf(Original { granted: &self.original, audience }),
            7 => Flow::TokenExchange { kind: ExchangeKind::NativeSocial, has_actor: true },
            _ => Flow::DeviceCode,
        }
    }

    fn ask<T>(&self, answer: impl FnOnce(&Request<'_>) -> T) -> T {
        let asked = AskedScopes::parse(&self.asked);
        let permissions = UserPermissions {
            direct: &self.direct,
            roles: self.roles.iter().collect(),
            ..UserPermissions::NONE
        };
        answer(&Request {
            flow: self.flow(),
            client: &self.client,
            target: match self.target {
                0 => Target::Userinfo,
                1 => Target::Management(&self.api),
                _ => Target::Api(&self.api),
            },
            asked: &asked,
            grant: self.grant.as_ref(),
            permissions: &permissions,
            consented: self.consented.as_deref(),
            organization: None,
        })
    }

    /// The granted scopes, `None` where the request was refused.
    fn granted(&self) -> Option<Vec<String>> {
        self.ask(|request| decide(request).ok().map(|d| d.to_owned_scopes()))
    }

    /// Whether the application's grant for user flows holds the scope, worked out in the plainest way.
    fn grants_users(&self, scope: &str) -> bool {
        let grant = self.grant.as_ref().filter(|grant| grant.subject_type == SubjectType::User);
        grant
            .is_some_and(|g| g.allow_all_scopes == Some(true) || g.scope.iter().flatten().any(|s| s == scope))
    }

    /// Held by the user on the API, worked out in the plainest way.
    fn held(&self) -> HashSet<&str> {
        let roles = self.roles.iter().flat_map(|r| &r.permissions);
        self.direct.iter().chain(roles).map(|p| p.permission_name.as_str()).collect()
    }
}

fn is_api_scope(scope: &str) -> bool {
    !is_reserved(scope)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_widens(world in a_world()) {
        let Some(granted) = world.granted() else { return Ok(()) };
        let asked = AskedScopes::parse(&world.asked);
        let flow = world.flow();
        let live: HashSet<&str> = match (world.target, flow.is_machine()) {
            (0, _) => HashSet::new(),
            (1, false) => CURRENT_USER.into_iter().chain(world.api.live_scopes()).collect(),
            _ => world.api.live_scopes().collect(),
        };
        let policy: Vec<&str> = world.client.refresh_token_settings().policies.iter().flatten()
            .flat_map(|p| &p.scope).map(|s| POOL.iter().find(|p| *p == s).copied().unwrap()).collect();
        prop_assert_eq!(granted.iter().collect::<HashSet<_>>().len(), granted.len(), "no scope twice");
        for scope in granted.iter().map(String::as_str) {
            let is_api = is_api_scope(scope);
            let implied = match flow {
                Flow::CodeExchange(original) | Flow::Refresh(original) => {
                    original.granted.iter().any(|s| s == scope) || (is_api && policy.contains(&scope))
                }
                Flow::Password => is_api || STANDARD.contains(&scope),
                Flow::TokenExchange { .. } | Flow::OnBehalfOf(_) => is_api,
                Flow::ClientCredentials => is_api && asked.is_empty(),
                _ => false,
            };
            let named = !matches!(flow, Flow::CodeExchange(_)) && asked.contains(scope);
            prop_assert!(named || implied, "{} was neither asked for nor implied", scope);
            if let Flow::Refresh(original) | Flow::CodeExchange(original) = flow {
                let in_policy = matches!(flow, Flow::Refresh(_)) && is_api && policy.contains(&scope);
                prop_assert!(original.granted.iter().any(|s| s == scope) || in_policy, "{} is new", scope);
            }
            // Security case 2.
            if let Flow::OnBehalfOf(sent) = flow {
                let here = world.same_audience && world.target > 0;
                let had = sent.granted.iter().any(|s| s == scope);
                prop_assert!(had || (is_api && !here && world.grants_users(scope)), "{} is new", scope);
                prop_assert!(scope != OFFLINE_ACCESS && scope != ONLINE_ACCESS);
                let named_one = asked.iter().any(is_api_scope);
                prop_assert!(!is_api || named_one || world.held().contains(scope), "{} is not held", scope);
                prop_assert!(world.target != 1, "no way to the Management API");
            }
            prop_assert!(!is_api || live.contains(scope), "{} is not on the API", scope);
            if is_api && world.target > 1 {
                let grant_needed = flow.is_machine() || world.client.is_strict_third_party()
                    || world.api.user_policy() == Policy::RequireClientGrant;
                let subject = if flow.is_machine() { SubjectType::Client } else { SubjectType::User };
                let grant = world.grant.as_ref().filter(|g| g.subject_type == subject);
                let within = grant.is_some_and(|g| {
                    g.allow_all_scopes == Some(true) || g.scope.iter().flatten().any(|s| s == scope)
                });
                prop_assert!(!grant_needed || within, "{} is above the ceiling", scope);
                let rbac = world.api.enforces_policies() && !flow.is_machine();
                prop_assert!(!rbac || world.held().contains(scope), "{} is not the user's", scope);
            }
            if is_api && world.target == 1 && !flow.is_machine() && !CURRENT_USER.contains(&scope) {
                prop_assert!(world.client.is_first_party, "{} administers for a third party", scope);
                prop_assert!(world.grants_users(scope), "{} is above the ceiling", scope);
                prop_assert!(world.held().contains(scope), "{} is not the user's, whatever the API says", scope);
                let named = asked.contains(scope) || matches!(flow, Flow::CodeExchange(_) | Flow::Refresh(_));
                prop_assert!(named, "{} is an administrator's and was implied", scope);
            }
            prop_assert!(world.consented.as_ref().is_none_or(|c| c.iter().any(|s| s == scope)), "{} without consent", scope);
            prop_assert!(!world.client.is_strict_third_party() || !STANDARD.contains(&scope));
        }
    }

    /// What a token of another says of the user's permissions is no way around its scopes (security case 2).
    #[test]
    fn permissions_on_behalf_are_those_of_the_scopes(mut world in a_world()) {
        (world.flow, world.target) = (6, 2);
        let permissions = world.ask(|request| {
            let decision = decide(request).ok()?;
            Some(decision.permissions?.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
        });
        for permission in permissions.into_iter().flatten() {
            let had = world.same_audience && world.original.contains(&permission);
            let granted = !world.same_audience && world.grants_users(&permission);
            prop_assert!(had || granted, "{} is new", permission);
        }
    }

    /// Users administer through an application what the application's grant and their permissions have in common, and
    /// nothing in the world beside these two gives more or less.
    #[test]
    fn administrators_have_what_both_give(mut world in a_world()) {
        (world.target, world.flow, world.consented) = (1, 0, None);
        world.api.subject_type_authorization = None;
        let Some(granted) = world.granted() else {
            let both = world.asked.contains(OFFLINE_ACCESS) && world.asked.contains(ONLINE_ACCESS);
            prop_assert!(both || world.client.is_strict_third_party());
            return Ok(());
        };
        for scope in AskedScopes::parse(&world.asked).iter().filter(|scope| is_api_scope(scope)) {
            let administers = world.client.is_first_party && world.api.defines(scope)
                && world.grants_users(scope) && world.held().contains(scope);
            let expected = administers || CURRENT_USER.contains(&scope);
            prop_assert_eq!(granted.iter().any(|s| s == scope), expected, "{}", scope);
        }
    }

    /// What an application loses with its grant at the Management API comes back in no other way.
    #[test]
    fn losing_a_grant_adds_nothing(mut world in a_world()) {
        world.target = 1;
        let mut poorer = world.clone();
        poorer.grant = None;
        let before = world.granted().unwrap_or_default();
        for scope in poorer.granted().into_iter().flatten() {
            prop_assert!(before.contains(&scope), "{} came by losing", scope);
        }
    }

    /// Their own account is everybody's, whatever grants and roles say about administering.
    #[test]
    fn own_accounts_stay_as_they_are(mut world in a_world()) {
        world.target = 1;
        // The flows that imply nothing by what is named beside it.
        world.flow = [0, 1, 4, 5, 8][usize::from(world.flow) % 5];
        let own = |world: &World| world.granted().map(|granted| {
            granted.into_iter().filter(|scope| CURRENT_USER.contains(&scope.as_str())).collect::<Vec<_>>()
        });
        let mut alone = world.clone();
        (alone.grant, alone.direct, alone.roles) = (None, Vec::new(), Vec::new());
        prop_assert_eq!(own(&world), own(&alone));
    }

    #[test]
    fn explained_as_decided(world in a_world()) {
        world.ask(|request| {
            let decision = decide(request);
            let explanation = explain(request);
            prop_assert_eq!(&explanation.decision, &decision);
            let granted: HashSet<&str> = decision.iter().flat_map(|d| d.granted.iter().copied()).collect();
            let mut seen = HashSet::new();
            for outcome in &explanation.scopes {
                prop_assert!(seen.insert(outcome.scope), "{} twice", outcome.scope);
                prop_assert_eq!(outcome.granted, granted.contains(outcome.scope));
                prop_assert_eq!(outcome.granted, outcome.reason.is_granted(), "{:?}", outcome);
                prop_assert_eq!(outcome.asked, request.asked.contains(outcome.scope));
                let refusals: Vec<_> = outcome.chain.iter().filter(|link| !link.is_granted()).collect();
                prop_assert_eq!(refusals.is_empty(), outcome.granted, "{:?}", outcome);
                prop_assert!(refusals.first().is_none_or(|first| **first == outcome.reason), "{:?}", outcome);
                prop_assert!(outcome.chain.contains(&outcome.reason), "{:?}", outcome);
                let unasked = outcome.reason == Reason::NotAsked;
                let redeems = matches!(request.flow, Flow::CodeExchange(_));
                prop_assert!(!unasked || !outcome.asked || redeems, "{:?}", outcome);
            }
            for scope in request.asked.iter().chain(granted) {
                prop_assert!(seen.contains(scope), "{} has no reason", scope);
            }
            let reasoned = decide_with_reasons(request);
            prop_assert_eq!(&reasoned.decision, &decision);
            let kept: HashMap<&str, Reason<'_>> = reasoned.reasons.iter().copied().collect();
            prop_assert_eq!(kept.len(), reasoned.reasons.len(), "each once");
            let concerned = explanation.scopes.iter().filter(|outcome| outcome.asked || outcome.granted);
            prop_assert_eq!(kept, concerned.map(|outcome| (outcome.scope, outcome.reason)).collect());
            if request.flow.is_machine() || decision.is_err() || world.target > 1 {
                for scope in request.target.api().into_iter().flat_map(|a| a.live_scopes()) {
                    prop_assert!(seen.contains(scope), "{} is possible and has no reason", scope);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_role_more_never_means_less(world in a_world(), scopes in some_of(&POOL[6..])) {
        let mut richer = world.clone();
        richer.roles.push(role("rol_9", &scopes));
        let (before, after) = (world.granted(), richer.granted());
        prop_assert_eq!(before.is_some(), after.is_some());
        let after: HashSet<String> = after.into_iter().flatten().collect();
        for scope in before.into_iter().flatten() {
            prop_assert!(after.contains(&scope), "{} was lost", scope);
        }
        let permissions = |w: &World| w.ask(|r| {
            decide(r).ok().and_then(|d| d.permissions).map(|p| p.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
        });
        let after = permissions(&richer);
        for scope in permissions(&world).into_iter().flatten() {
            prop_assert!(after.as_ref().is_some_and(|p| p.contains(&scope)), "{} was lost", scope);
        }
    }

    #[test]
    fn the_order_of_roles_does_not_show(world in a_world()) {
        let mut turned = world.clone();
        turned.roles.reverse();
        turned.direct.reverse();
        let said = |w: &World| w.ask(|r| format!("{:?}", explain(r)));
        prop_assert_eq!(said(&world), said(&turned));
    }

    #[test]
    fn permissions_are_the_users_whatever_was_asked(world in a_world()) {
        world.ask(|request| {
            let Ok(decision) = decide(request) else { return Ok(()) };
            let nothing = AskedScopes::NONE;
            let silent = decide(&Request { asked: &nothing, ..*request });
            if !request.flow.is_machine() {
                let silent = silent.ok().and_then(|d| d.permissions);
                prop_assert_eq!(&decision.permissions, &silent);
                for scope in decision.permissions.iter().flatten() {
                    prop_assert!(world.held().contains(scope) && world.api.defines(scope));
                }
            }
            Ok(())
        })?;
    }

    /// A second refresh with what the first one gave stays within it.
    #[test]
    fn refreshing_again_gives_no_more(mut world in a_world()) {
        world.flow = 5;
        if let Some(first) = world.granted() {
            world.original = first.clone();
            prop_assert_eq!(world.granted(), Some(first));
        }
    }
}

/// A request of 10 KB against an API of 1000 scopes stays linear: twice the size must not cost four times the work.
/// Asserted on the result and left to finish at once; a quadratic build would take minutes in the loop below.
#[test]
fn hostile_sizes() {
    let mut api = api();
    api.enforce_policies = Some(true);
    api.scopes = Some(
        (0..1000)
            .map(|n| ScopeDefinition { value: format!("s{n}"), description: None, consent: None })
            .collect(),
    );
    let names: Vec<String> = (0..1000).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let roles: Vec<Role> = (0..20).map(|n| role(&format!("rol_{n:02}"), &names)).collect();
    let text = (0..5000).map(|n| format!("s{}", n * 7)).collect::<Vec<_>>().join(" ");
    let client = client();
    let permissions = UserPermissions { roles: roles.iter().collect(), ..UserPermissions::NONE };
    for _ in 0..5 {
        let asked = AskedScopes::parse(&text);
        let request = Request {
            flow: Flow::Code,
            client: &client,
            target: Target::Api(&api),
            asked: &asked,
            grant: None,
            permissions: &permissions,
            consented: None,
            organization: None,
        };
        let granted = decide(&request).unwrap().granted;
        assert_eq!(granted.len(), 143, "multiples of 7 below 1000");
        assert_eq!(explain(&request).scopes.len(), 5000 + 1000 - 143 + STANDARD.len() + 1);
    }
}
