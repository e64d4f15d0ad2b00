//! The worked vectors of fact sheet 3.8, all 35, through the decision and the claims that follow from it.

use serde_json::{Value, json};

use super::fixture::{API, api, client, grant, permission, role, strings, third_party};
use super::*;
use crate::claims::{AccessToken, Disclosed, GrantKind, IdToken, machine_subject};
use crate::consent::{Need, Question, needs_consent};
use crate::model::{Api, Client, ClientGrant, Permission, Role, SubjectType, User};
use crate::records::Consent;

const USERINFO: &str = "https://t.example/userinfo";

/// Who stands where, and what is sent.
struct Case {
    number: u8,
    api: Option<Api>,
    client: Client,
    grants: Vec<ClientGrant>,
    direct: Vec<Permission>,
    roles: Vec<Role>,
    flow: Sent,
    scope: &'static str,
    expected: Expected,
}

/// A flow without its borrowed parts.
enum Sent {
    Code,
    Implicit,
    Password,
    Machine,
    Refresh { granted: &'static [&'static str], audience: &'static str },
}

enum Expected {
    Token(Token),
    Refused(Denied),
    /// Decided by code that does not exist yet.
    Skipped(&'static str),
}

struct Token {
    scope: &'static str,
    aud: Aud,
    permissions: Option<&'static [&'static str]>,
    id_token: bool,
    refresh_token: bool,
    lifetime: i64,
    consent: Option<Need>,
}

#[derive(Clone, Copy)]
enum Aud {
    One,
    WithUserinfo,
    Opaque,
}

/// Case `number` with the fixture: RBAC off, code flow.
fn case(number: u8, scope: &'static str, expected: Expected) -> Case {
    Case {
        number,
        api: Some(api()),
        client: client(),
        grants: Vec::new(),
        direct: vec![permission("read:a")],
        roles: vec![role("rol_1", &["write:a"])],
        flow: Sent::Code,
        scope,
        expected,
    }
}

/// A token whose ID token and audience follow the scopes.
fn token(scope: &'static str) -> Token {
    let openid = scope.split(' ').any(|s| s == "openid");
    Token {
        scope,
        aud: if openid { Aud::WithUserinfo } else { Aud::One },
        permissions: None,
        id_token: openid,
        refresh_token: false,
        lifetime: 86_400,
        consent: None,
    }
}

fn yes(scope: &'static str) -> Expected {
    Expected::Token(token(scope))
}

fn no(denied: Denied) -> Expected {
    Expected::Refused(denied)
}

impl Case {
    fn api(mut self, change: &Value) -> Self {
        let mut api = serde_json::to_value(self.api.take().unwrap()).unwrap();
        api.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.api = Some(serde_json::from_value(api).unwrap());
        self
    }

    fn rbac(self) -> Self {
        self.api(&json!({"enforce_policies": true}))
    }

    fn authz(self) -> Self {
        self.api(&json!({"token_dialect": "access_token_authz"}))
    }

    fn user_policy(self, policy: &str) -> Self {
        self.api(&json!({"subject_type_authorization": {"user": {"policy": policy}}}))
    }

    fn granted(mut self, grant: ClientGrant) -> Self {
        self.grants.push(grant);
        self
    }

    fn sent(mut self, flow: Sent) -> Self {
        self.flow = flow;
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

fn cases() -> Vec<Case> {
    let with = |scope, change: fn(&mut Token)| {
        let mut token = token(scope);
        change(&mut token);
        Expected::Token(token)
    };
    let offline = "openid read:a offline_access";
    let machine_grant = || grant("client", &["read:a", "write:a"]);
    let by_grant = |number, scope, expected| {
        case(number, scope, expected).user_policy("require_client_grant").granted(grant("user", &["read:a"]))
    };
    vec![
        case(1, "openid profile read:a del:a", with("openid profile read:a del:a", |t| t.consent = Some(Need::First))),
        case(2, "read:a nope:x", yes("read:a")),
        case(3, "openid read:a write:a del:a", yes("openid read:a write:a")).rbac(),
        case(4, "openid", with("openid", |t| t.permissions = Some(&["read:a", "write:a"]))).rbac().authz(),
        case(5, "openid read:a", with("openid", |t| t.permissions = Some(&[]))).rbac().authz().with(|c| {
            c.direct.clear();
            c.roles.clear();
        }),
        case(6, "read:a", yes("read:a")).authz(),
        by_grant(7, "read:a write:a", yes("read:a")),
        by_grant(8, "", yes("")),
        case(9, "read:a", no(Denied::NoClientGrant(Party::FirstParty))).user_policy("require_client_grant"),
        by_grant(10, "del:a", yes("del:a")).with(|c| {
            c.grants[0].scope = None;
            c.grants[0].allow_all_scopes = Some(true);
        }),
        by_grant(11, "read:a", no(Denied::ApiClosed(Party::FirstParty))).user_policy("deny_all"),
        case(12, "openid email read:a", with("openid email", |t| {
            t.aud = Aud::Opaque;
            t.consent = Some(Need::FirstPartySignIn);
        }))
        .with(|c| c.api = None),
        // The tenant's default audience is resolved before the decision: here it has become the target.
        case(13, "openid read:a", yes("openid read:a")),
        case(14, offline, yes("openid read:a")).api(&json!({"allow_offline_access": false})),
        case(15, offline, with("openid read:a offline_access", |t| t.refresh_token = true)),
        case(16, "read:a offline_access", with("read:a", |t| t.lifetime = 7_200)).sent(Sent::Implicit),
        case(17, "", with("openid profile email address phone", |t| {
            t.aud = Aud::Opaque;
            t.consent = Some(Need::NotInFlow);
        }))
        .sent(Sent::Password)
        .with(|c| c.api = None),
        case(18, "", yes("openid profile email address phone read:a write:a")).rbac().sent(Sent::Password),
        case(19, "read:a", yes("read:a")).sent(Sent::Password),
        case(20, "", yes("read:a write:a")).sent(Sent::Machine).granted(machine_grant()),
        case(21, "read:a", yes("read:a")).sent(Sent::Machine).granted(machine_grant()),
        case(22, "del:a", no(Denied::ScopesNotGranted(strings(&["del:a"])))).sent(Sent::Machine).granted(machine_grant()),
        case(23, "openid read:a", no(Denied::ScopesNotGranted(strings(&["openid"]))))
            .sent(Sent::Machine)
            .granted(machine_grant()),
        case(24, "", no(Denied::NoClientGrant(Party::Machine))).sent(Sent::Machine),
        case(25, "", no(Denied::OrganizationRequired)).sent(Sent::Machine).granted(machine_grant()).with(|c| {
            c.grants[0] = serde_json::from_value(json!({
                "id": "cgr_1", "client_id": "W", "audience": API, "scope": ["read:a"], "organization_usage": "require"
            }))
            .unwrap();
        }),
        case(26, "read:a", no(Denied::NoClientGrant(Party::ThirdParty))).with(|c| c.client = third_party()),
        case(27, "openid read:a write:a", with("read:a", |t| t.consent = Some(Need::First))).with(|c| {
            c.client = third_party();
            c.grants = vec![
                serde_json::from_value(json!({
                    "id": "cgr_2", "default_for": "third_party_clients", "audience": API, "subject_type": "user",
                    "scope": ["read:a"]
                }))
                .unwrap(),
            ];
        }),
        case(28, "openid read:a", with("openid read:a", |t| t.aud = Aud::One)).api(&json!({"signing_alg": "HS256"})),
        case(29, "openid read:a", yes("openid read:a"))
            .sent(Sent::Refresh { granted: &["openid", "profile", "read:a", "del:a"], audience: API }),
        case(30, "openid write:a", yes("openid"))
            .sent(Sent::Refresh { granted: &["openid", "profile", "read:a", "del:a"], audience: API }),
        case(31, "", yes("r2"))
            .sent(Sent::Refresh { granted: &["openid", "profile", "read:a", "del:a"], audience: "https://other/" })
            .api(&json!({"scopes": [{"value": "r1"}, {"value": "r2"}], "skip_consent_for_verifiable_first_party_clients": true}))
            .with(|c| {
                let policies = json!({"policies": [{"audience": API, "scope": ["r2"]}]});
                c.client.refresh_token = Some(serde_json::from_value(policies).unwrap());
            }),
        case(32, "", Expected::Skipped("customers' actions do not exist yet")),
        // Declining is an answer of the consent page; the decision says what there was to decline.
        case(33, "read:a", with("read:a", |t| t.consent = Some(Need::First))),
        // With prompt=none the need becomes consent_required: see `a_larger_wish_asks_again`.
        case(34, "read:a", with("read:a", |t| t.consent = Some(Need::First))),
        case(35, "online_access offline_access", no(Denied::OnlineAndOffline)),
    ]
}

#[test]
fn all_vectors() {
    let cases = cases();
    assert!(cases.iter().map(|c| c.number).eq(1..=35), "every vector once");
    let mut skipped = Vec::new();
    for case in &cases {
        match &case.expected {
            Expected::Skipped(why) => skipped.push((case.number, *why)),
            Expected::Refused(denied) => {
                run(case, |_, decision| {
                    assert_eq!(decision.as_ref(), Err(denied), "#{}", case.number);
                });
            }
            Expected::Token(token) => run(case, |request, decision| {
                let decision = decision.as_ref().unwrap_or_else(|d| panic!("#{}: {d:?}", case.number));
                check_token(case, token, request, decision);
            }),
        }
    }
    assert_eq!(skipped, [(32, "customers' actions do not exist yet")]);
}

/// Builds the borrowed request of a case and decides it; the explanation must say the same.
fn run(case: &Case, check: impl FnOnce(&Request<'_>, &Result<Decision<'_>, Denied>)) {
    let granted;
    let flow = match &case.flow {
        Sent::Code => Flow::Code,
        Sent::Implicit => Flow::Implicit,
        Sent::Password => Flow::Password,
        Sent::Machine => Flow::ClientCredentials,
        Sent::Refresh { granted: list, audience } => {
            granted = strings(list);
            Flow::Refresh(Original { granted: &granted, audience: Some(audience) })
        }
    };
    let subject = if flow.is_machine() { SubjectType::Client } else { SubjectType::User };
    let asked = AskedScopes::parse(case.scope);
    let permissions =
        UserPermissions { direct: &case.direct, roles: case.roles.iter().collect(), ..UserPermissions::NONE };
    let request = Request {
        flow,
        client: &case.client,
        target: case.api.as_ref().map_or(Target::Userinfo, Target::Api),
        asked: &asked,
        grant: client_grant(&case.grants, &case.client, API, subject),
        permissions: &permissions,
        consented: None,
        organization: None,
    };
    let decision = decide(&request);
    assert_eq!(explain(&request).decision, decision, "#{}", case.number);
    check(&request, &decision);
}

fn check_token(case: &Case, expected: &Token, request: &Request<'_>, decision: &Decision<'_>) {
    let number = case.number;
    assert_eq!(decision.scope().unwrap_or_default(), expected.scope, "#{number}");
    assert_eq!(decision.permissions.as_deref(), expected.permissions, "#{number}");
    assert_eq!(decision.has_openid(), expected.id_token, "#{number}");
    assert_eq!(decision.offline, expected.refresh_token, "#{number}");
    if let Some(need) = expected.consent {
        assert_eq!(needs_consent(&question(request, &decision.granted, None)), need, "#{number}");
    }
    match (&case.api, expected.aud) {
        (None, Aud::Opaque) => {}
        (Some(api), aud) => {
            let claims = access_claims(case, api, decision);
            match aud {
                Aud::One => assert_eq!(claims["aud"], json!(API), "#{number}"),
                Aud::WithUserinfo => assert_eq!(claims["aud"], json!([API, USERINFO]), "#{number}"),
                Aud::Opaque => panic!("#{number}: an API has no opaque tokens"),
            }
            let scope = (!expected.scope.is_empty()).then(|| json!(expected.scope));
            assert_eq!(claims.get("scope").cloned(), scope, "#{number}");
            assert_eq!(
                claims.get("permissions").cloned(),
                expected.permissions.map(|p| json!(p)),
                "#{number}"
            );
            assert_eq!(claims["exp"], json!(expected.lifetime), "#{number}");
            if matches!(case.flow, Sent::Machine) {
                assert_eq!(claims["sub"], json!("W@clients"), "#{number}");
                assert_eq!(claims["gty"], json!("client-credentials"), "#{number}");
            }
        }
        (None, _) => panic!("#{number}: without an API the token is opaque"),
    }
}

fn access_claims(case: &Case, api: &Api, decision: &Decision<'_>) -> Value {
    let machine = machine_subject(&case.client.client_id);
    let (subject, grant_kind) = match case.flow {
        Sent::Machine => (machine.as_str(), Some(GrantKind::ClientCredentials)),
        Sent::Password => ("auth0|u", Some(GrantKind::Password)),
        Sent::Refresh { .. } => ("auth0|u", Some(GrantKind::RefreshToken)),
        Sent::Code | Sent::Implicit => ("auth0|u", None),
    };
    let web = matches!(case.flow, Sent::Implicit);
    let token = AccessToken {
        issuer: "https://t.example/",
        subject,
        audience: &api.identifier,
        with_userinfo: decision.with_userinfo,
        issued_at: 0,
        lifetime: if web { api.token_lifetime_for_web } else { api.token_lifetime },
        client_id: &case.client.client_id,
        scope: &decision.granted,
        permissions: decision.permissions.as_deref(),
        dialect: api.dialect(),
        jti: "73WakrfVbNJBaAmhQtEeDv",
        grant_kind,
        organization: None,
        jkt: None,
        x5t: None,
        details: None,
        act: None,
        second_factor: false,
        password_set_at: None,
        is_system_api: false,
        custom: None,
    };
    serde_json::from_slice(&token.payload()).unwrap()
}

fn question<'a>(request: &Request<'a>, want: &'a [&'a str], stored: Option<&'a Consent>) -> Question<'a> {
    Question {
        flow: request.flow,
        client: request.client,
        target: request.target,
        want,
        stored,
        is_forced: false,
        redirect_uri: Some("https://app.example/cb"),
        skips_on_loopback: false,
        is_dashboard: false,
        others_follow: false,
    }
}

/// Vectors 33 and 34: stored consent that is smaller than the wish asks again, and until then limits what is granted.
#[test]
fn a_larger_wish_asks_again() {
    let stored = strings(&["read:a"]);
    let kept = Consent { scope: stored.clone(), ..Consent::default() };
    run(&case(34, "read:a write:a", yes("")), |request, decision| {
        let want = &decision.as_ref().unwrap().granted;
        assert_eq!(needs_consent(&question(request, want, Some(&kept))), Need::MoreWanted);
        assert_eq!(needs_consent(&question(request, &["read:a"], Some(&kept))), Need::Stored);
        let limited = Request { consented: Some(&stored), ..*request };
        assert_eq!(decide(&limited).unwrap().granted, ["read:a"]);
        let reasons = explain(&limited).scopes;
        let write = reasons.iter().find(|o| o.scope == "write:a").unwrap();
        assert_eq!((write.asked, write.granted, write.reason), (true, false, Reason::NotConsented));
    });
}

/// The texts and codes of the refusals among the vectors.
#[test]
fn refusals_on_the_wire() {
    let wire = |d: Denied| (d.status(), d.code(), d.description(API, "W"));
    assert_eq!(
        wire(Denied::ScopesNotGranted(strings(&["del:a", "x"]))),
        (403, "access_denied", "Client has not been granted scopes: del:a, x".to_owned())
    );
    let (status, code, text) = wire(Denied::NoClientGrant(Party::Machine));
    assert_eq!((status, code), (403, "access_denied"));
    assert_eq!(
        text,
        "Client is not authorized to access \"https://api.x/\". You need to create a \"client-grant\" associated to \
         this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants"
    );
    let text = "Client \"W\" is not authorized to access resource server \"https://api.x/\".".to_owned();
    assert_eq!(wire(Denied::ApiClosed(Party::FirstParty)), (400, "invalid_request", text.clone()));
    assert_eq!(wire(Denied::NoClientGrant(Party::ThirdParty)), (403, "unauthorized_client", text));
    let text = "Cannot request both online_access and offline_access scopes".to_owned();
    assert_eq!(wire(Denied::OnlineAndOffline), (400, "invalid_request", text));
}

/// The ID token of vector 1 holds the claims of `profile` and nothing of the API.
#[test]
fn id_token_of_the_first_vector() {
    run(&cases()[0], |_, decision| {
        let decision = decision.as_ref().unwrap();
        let user = User { user_id: "auth0|u".into(), email: Some("u@x.example".into()), ..User::default() };
        let token = IdToken {
            issuer: "https://t.example/",
            client_id: "W",
            user: &user,
            subject: &user.user_id,
            told: Disclosed { granted: &decision.granted, ..Disclosed::default() },
            issued_at: 0,
            lifetime: 36_000,
            algorithm: chancery_jose::Algorithm::RS256,
            nonce: Some("n"),
            session_id: None,
            auth_time: None,
            second_factor: false,
            access_token: None,
            code: None,
            state: None,
            organization: None,
            custom: None,
        };
        let claims: Value = serde_json::from_slice(&token.payload()).unwrap();
        assert_eq!(claims["name"], json!("u@x.example"));
        assert_eq!(claims.get("email"), None, "the scope email was not granted");
        assert_eq!(claims.get("scope"), None);
    });
}
