//! Single rules, each shown by a request that differs from its neighbour in one thing, with the reasons given.

use serde_json::json;

use super::fixture::{API, api, client, grant, permission, role, strings, third_party};
use super::*;
use crate::model::{Api, Client, ClientGrant, Permission, Role};

struct Setup {
    api: Api,
    client: Client,
    grant: Option<ClientGrant>,
    direct: Vec<Permission>,
    roles: Vec<Role>,
}

fn setup() -> Setup {
    Setup {
        api: api(),
        client: client(),
        grant: None,
        direct: vec![permission("read:a")],
        roles: vec![role("rol_2", &["write:a"]), role("rol_1", &["write:a"])],
    }
}

impl Setup {
    fn ask<T>(&self, flow: Flow<'_>, scope: &str, answer: impl FnOnce(&Request<'_>) -> T) -> T {
        let asked = AskedScopes::parse(scope);
        let permissions = UserPermissions {
            direct: &self.direct,
            roles: self.roles.iter().collect(),
            ..UserPermissions::NONE
        };
        answer(&Request {
            flow,
            client: &self.client,
            target: Target::Api(&self.api),
            asked: &asked,
            grant: self.grant.as_ref(),
            permissions: &permissions,
            consented: None,
            organization: None,
        })
    }

    fn scope(&self, flow: Flow<'_>, scope: &str) -> Result<String, Denied> {
        self.ask(flow, scope, |request| decide(request).map(|d| d.granted.join(" ")))
    }

    /// `scope reason` for every scope explained.
    fn reasons(&self, flow: Flow<'_>, scope: &str) -> Vec<String> {
        self.ask(flow, scope, lines)
    }
}

fn lines(request: &Request<'_>) -> Vec<String> {
    explain(request).scopes.iter().map(|o| format!("{} {}", o.scope, o.reason.code())).collect()
}

#[test]
fn every_scope_gets_its_reason() {
    let mut setup = setup();
    setup.api.enforce_policies = Some(true);
    setup.api.allow_offline_access = false;
    assert_eq!(
        setup.reasons(Flow::Code, "openid nope del:a offline_access read:a nickname"),
        [
            "openid granted",
            "nope not_on_api",
            "del:a not_permitted_to_user",
            "offline_access offline_not_allowed_by_api",
            "read:a granted",
            "nickname not_on_api",
            "profile not_asked",
            "email not_asked",
            "address not_asked",
            "phone not_asked",
            "write:a not_asked",
        ]
    );
}

#[test]
fn the_source_of_a_permission_is_named() {
    let mut setup = setup();
    setup.api.enforce_policies = Some(true);
    setup.roles.push(role("rol_0", &["read:a"]));
    setup.ask(Flow::Code, "read:a write:a", |request| {
        let reason = |scope| explain(request).scopes.iter().find(|o| o.scope == scope).unwrap().reason;
        let by = |source| Reason::Granted { by: Grounds::Permission(source) };
        assert_eq!(reason("read:a"), by(PermissionSource::Direct), "direct before roles");
        assert_eq!(
            reason("write:a"),
            by(PermissionSource::Role { id: "rol_1", name: "Role rol_1" }),
            "then by id"
        );
        assert_eq!(reason("write:a").text(), "The user holds it through the role Role rol_1 (rol_1).");
    });
    setup.api.enforce_policies = None;
    setup.ask(Flow::Code, "read:a", |request| {
        let reason = explain(request).scopes[0].reason;
        assert_eq!(reason, Reason::Granted { by: Grounds::OpenApi }, "without RBAC permissions do not count");
    });
}

#[test]
fn a_machine_request_is_refused_whole() {
    let mut setup = setup();
    setup.grant = Some(grant("client", &["read:a", "gone:a"]));
    let flow = Flow::ClientCredentials;
    assert_eq!(
        setup.reasons(flow, "read:a write:a gone:a openid offline_access"),
        [
            "read:a request_refused",
            "write:a outside_client_grant",
            "gone:a not_on_api",
            "openid no_user_in_flow",
            "offline_access flow_gives_no_refresh_token",
            "del:a outside_client_grant",
        ]
    );
    assert_eq!(setup.scope(flow, ""), Ok("read:a".to_owned()), "a scope deleted from the API is not issued");
    setup.grant = Some(grant("client", &["write:a", "read:a"]));
    assert_eq!(setup.scope(flow, ""), Ok("write:a read:a".to_owned()), "in the order of the grant");
}

#[test]
fn machine_refusals() {
    let flow = Flow::ClientCredentials;
    let mut setup = setup();
    setup.grant = Some(grant("user", &["read:a"]));
    assert_eq!(
        setup.scope(flow, ""),
        Err(Denied::NoClientGrant(Party::Machine)),
        "a grant for user flows is none"
    );
    setup.grant = Some(ClientGrant { client_id: Some("other".into()), ..grant("client", &["read:a"]) });
    assert_eq!(setup.scope(flow, ""), Err(Denied::NoClientGrant(Party::Machine)), "somebody else's is none");
    setup.grant = Some(grant("client", &["read:a"]));
    setup.api.subject_type_authorization =
        serde_json::from_value(json!({"client": {"policy": "deny_all"}, "user": {"policy": "allow_all"}}))
            .unwrap();
    assert_eq!(setup.scope(flow, ""), Err(Denied::ApiClosed(Party::Machine)));
    setup.api.subject_type_authorization = None;
    setup.client.token_endpoint_auth_method = serde_json::from_value(json!("none")).unwrap();
    assert_eq!(setup.scope(flow, ""), Err(Denied::PublicClient));
}

#[test]
fn machine_organizations() {
    let mut setup = setup();
    let answer = |setup: &Setup, organization| {
        setup.ask(Flow::ClientCredentials, "", |request| decide(&Request { organization, ..*request }).err())
    };
    let with = |has_grant| Some(MachineOrganization { has_grant });
    let of = |usage: &str, any: bool| -> Option<ClientGrant> {
        Some(serde_json::from_value(json!({
            "id": "1", "client_id": "W", "audience": API, "scope": ["read:a"], "organization_usage": usage,
            "allow_any_organization": any
        })).unwrap())
    };
    setup.grant = Some(grant("client", &["read:a"]));
    assert_eq!(answer(&setup, with(true)), Some(Denied::OrganizationNotAllowed), "deny is the default");
    setup.grant = of("allow", false);
    assert_eq!(answer(&setup, None), None);
    assert_eq!(answer(&setup, with(true)), None);
    assert_eq!(answer(&setup, with(false)), Some(Denied::OrganizationNotGranted));
    setup.grant = of("require", true);
    assert_eq!(answer(&setup, None), Some(Denied::OrganizationRequired));
    assert_eq!(answer(&setup, with(false)), None, "any organization will do");
    setup.client.is_first_party = false;
    assert_eq!(
        answer(&setup, with(false)),
        Some(Denied::OrganizationNotGranted),
        "never any for third parties"
    );
}

#[test]
fn the_management_api_in_user_flows() {
    let mut setup = setup();
    setup.api.is_system = Some(true);
    setup.api.enforce_policies = Some(true);
    let ask = |setup: &Setup| {
        setup.ask(Flow::Code, "openid read:a read:current_user read:users", |request| {
            let request = Request { target: Target::Management(&setup.api), ..*request };
            (decide(&request).map(|d| d.granted.join(" ")), lines(&request))
        })
    };
    let (granted, reasons) = ask(&setup);
    assert_eq!(granted, Ok("openid read:current_user".to_owned()));
    assert_eq!(
        reasons[..4],
        [
            "openid granted",
            "read:a reserved_for_machines",
            "read:current_user granted",
            "read:users not_on_api"
        ]
    );
    setup.client = third_party();
    assert_eq!(ask(&setup).0, Err(Denied::SystemApiForThirdParty(Party::ThirdParty)));
}

/// What a first-party application may administer for a user: what its grant lists and the user holds.
#[test]
fn administrators() {
    let mut setup = setup();
    setup.api.is_system = Some(true);
    setup.grant = Some(grant("user", &["read:a", "write:a"]));
    let ask = |setup: &Setup, flow: Flow<'_>, scope: &str| {
        setup.ask(flow, scope, |request| {
            let request = Request { target: Target::Management(&setup.api), ..*request };
            (decide(&request).map(|d| (d.granted.join(" "), d.permissions.is_some())), lines(&request))
        })
    };
    setup.roles.clear();
    let wish = "openid read:a write:a del:a nope:a read:current_user";
    let (granted, reasons) = ask(&setup, Flow::Code, wish);
    assert_eq!(granted, Ok(("openid read:a read:current_user".to_owned(), false)));
    assert_eq!(
        reasons[..6],
        [
            "openid granted",
            "read:a granted",
            "write:a not_permitted_to_user",
            "del:a outside_client_grant",
            "nope:a not_on_api",
            "read:current_user granted",
        ],
        "though RBAC is off"
    );
    setup.api.enforce_policies = Some(false);
    setup.api.token_dialect = serde_json::from_value(json!("access_token_authz")).unwrap();
    assert_eq!(ask(&setup, Flow::Code, wish).0, granted, "no setting of the API says otherwise");
    setup.roles = vec![role("rol_1", &["write:a", "del:a"])];
    assert_eq!(ask(&setup, Flow::Code, "write:a del:a").0, Ok(("write:a".to_owned(), false)));
    let all_current_user = format!("openid profile email address phone {}", CURRENT_USER.join(" "));
    let implied = ask(&setup, Flow::Password, "").0;
    assert_eq!(implied, Ok((all_current_user, false)), "an administrator's scopes must be named");

    let held = strings(&["openid", "write:a", "read:current_user"]);
    let original = Original { granted: &held, audience: Some(API) };
    let kept = Ok(("openid write:a read:current_user".to_owned(), false));
    for flow in [Flow::Refresh(original), Flow::CodeExchange(original)] {
        assert_eq!(ask(&setup, flow, "").0, kept);
    }
    setup.roles.clear();
    let left = Ok(("openid read:current_user".to_owned(), false));
    for flow in [Flow::Refresh(original), Flow::CodeExchange(original)] {
        assert_eq!(ask(&setup, flow, "").0, left, "the role was taken away");
    }
    setup.roles = vec![role("rol_1", &["write:a"])];
    setup.grant = Some(grant("user", &["read:a"]));
    assert_eq!(ask(&setup, Flow::Refresh(original), "").0, left, "the grant was narrowed");
    for no_grant in [None, Some(grant("client", &["write:a"]))] {
        setup.grant = no_grant;
        let (granted, reasons) = ask(&setup, Flow::Code, "write:a");
        assert_eq!((granted, &*reasons[0]), (Ok((String::new(), false)), "write:a reserved_for_machines"));
    }
}

#[test]
fn no_third_party_administers() {
    let mut setup = setup();
    setup.api.is_system = Some(true);
    setup.client.is_first_party = false;
    setup.client.third_party_security_mode = serde_json::from_value(json!("permissive")).unwrap();
    let shared = json!({"id": "1", "default_for": "third_party_clients", "audience": API, "subject_type": "user",
        "allow_all_scopes": true});
    for grant in [grant("user", &["read:a"]), serde_json::from_value(shared).unwrap()] {
        setup.grant = Some(grant);
        setup.ask(Flow::Code, "read:a read:current_user", |request| {
            let request = Request { target: Target::Management(&setup.api), ..*request };
            assert_eq!(decide(&request).unwrap().granted, ["read:current_user"]);
            assert_eq!(lines(&request)[0], "read:a reserved_for_machines");
        });
    }
}

#[test]
fn strict_third_parties_see_permissions_through_their_grant() {
    let mut setup = setup();
    setup.api.enforce_policies = Some(true);
    setup.api.token_dialect = serde_json::from_value(json!("rfc9068_profile_authz")).unwrap();
    let permissions = |setup: &Setup| {
        setup.ask(Flow::Code, "read:a", |r| {
            decide(r).unwrap().permissions.unwrap().iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()
        })
    };
    assert_eq!(permissions(&setup), ["read:a", "write:a"]);
    setup.client = third_party();
    setup.grant =
        Some(ClientGrant { client_id: Some("tpc_T".into()), ..grant("user", &["read:a", "del:a"]) });
    assert_eq!(permissions(&setup), ["read:a"]);
}

#[test]
fn machine_permissions_are_what_was_granted() {
    let mut setup = setup();
    setup.api.token_dialect = serde_json::from_value(json!("access_token_authz")).unwrap();
    setup.grant = Some(grant("client", &["read:a", "del:a"]));
    let permissions = |setup: &Setup| {
        setup.ask(Flow::ClientCredentials, "del:a", |r| decide(r).unwrap().permissions.map(|p| p.join(" ")))
    };
    assert_eq!(permissions(&setup), None, "RBAC is off");
    setup.api.enforce_policies = Some(true);
    assert_eq!(permissions(&setup), Some("del:a".to_owned()), "and what users hold plays no role");
}

#[test]
fn passwords_imply() {
    let setup = setup();
    let flow = Flow::Password;
    let all = "openid profile email address phone read:a write:a del:a";
    assert_eq!(setup.scope(flow, ""), Ok(all.to_owned()));
    assert_eq!(setup.scope(flow, "openid"), Ok(all.to_owned()));
    assert_eq!(setup.scope(flow, "openid email"), Ok("openid email read:a write:a del:a".to_owned()));
    assert_eq!(
        setup.scope(flow, "openid read:a"),
        Ok("openid read:a".to_owned()),
        "named, so nothing is implied"
    );
    assert_eq!(
        setup.scope(flow, "offline_access"),
        Ok("openid profile email address phone offline_access read:a write:a del:a".to_owned())
    );
    let mut closed = setup;
    closed.api.subject_type_authorization =
        serde_json::from_value(json!({"user": {"policy": "require_client_grant"}})).unwrap();
    closed.grant = Some(grant("user", &["read:a"]));
    let standard = "openid profile email address phone".to_owned();
    assert_eq!(closed.scope(flow, ""), Ok(standard), "where a grant is needed, scopes must be named");
    assert_eq!(closed.scope(flow, "read:a write:a"), Ok("read:a".to_owned()));
}

#[test]
fn offline_access_by_flow() {
    let setup = setup();
    let granted = |flow| setup.ask(flow, "offline_access", |r| decide(r).unwrap().offline);
    let exchange = |has_actor| Flow::TokenExchange { kind: ExchangeKind::Custom, has_actor };
    let by_code = [Flow::Code, Flow::Hybrid, Flow::DeviceCode];
    let typed = [Flow::Password, Flow::Passwordless, Flow::Passkey, exchange(false)];
    for flow in by_code.into_iter().chain(typed) {
        assert!(granted(flow), "{flow:?}");
    }
    for flow in [Flow::Implicit, exchange(true)] {
        assert!(!granted(flow), "{flow:?}");
    }
    let mut setup = setup;
    setup.client.grant_types = Some(strings(&["authorization_code"]));
    assert_eq!(setup.reasons(Flow::Code, "offline_access")[0], "offline_access client_lacks_refresh_grant");
}

#[test]
fn codes_and_refresh_tokens_give_what_is_still_allowed() {
    let mut setup = setup();
    setup.api.enforce_policies = Some(true);
    let granted = strings(&["openid", "read:a", "write:a", "gone:a", "offline_access"]);
    let code = Flow::CodeExchange(Original { granted: &granted, audience: Some(API) });
    let refresh = Flow::Refresh(Original { granted: &granted, audience: Some(API) });
    let all = "openid read:a write:a offline_access".to_owned();
    assert_eq!(setup.scope(code, "del:a"), Ok(all.clone()), "a code knows its scopes");
    assert_eq!(setup.scope(refresh, ""), Ok(all));
    assert_eq!(setup.scope(refresh, "write:a del:a profile"), Ok("write:a".to_owned()));
    setup.ask(code, "", |r| assert!(decide(r).unwrap().offline));
    setup.ask(refresh, "", |r| assert!(!decide(r).unwrap().offline, "there is one already"));
    setup.roles.clear();
    setup.api.allow_offline_access = false;
    assert_eq!(
        setup.scope(code, ""),
        Ok("openid read:a".to_owned()),
        "the role and the switch were taken away"
    );
    assert_eq!(setup.scope(refresh, ""), Ok("openid read:a offline_access".to_owned()));
    assert_eq!(
        setup.reasons(refresh, "write:a del:a")[..2],
        ["write:a not_permitted_to_user", "del:a not_in_original_grant"]
    );
}

#[test]
fn policies_of_refresh_tokens() {
    let mut setup = setup();
    setup.api.skip_consent_for_verifiable_first_party_clients = true;
    let policies = json!({"policies": [{"audience": API, "scope": ["write:a", "nope"]}]});
    setup.client.refresh_token = Some(serde_json::from_value(policies).unwrap());
    let granted = strings(&["openid", "profile", "read:a"]);
    let here = Flow::Refresh(Original { granted: &granted, audience: Some(API) });
    let elsewhere = Flow::Refresh(Original { granted: &granted, audience: Some("https://other/") });
    assert_eq!(setup.scope(here, ""), Ok("openid profile read:a write:a".to_owned()));
    assert_eq!(setup.scope(elsewhere, ""), Ok("write:a".to_owned()));
    assert_eq!(setup.scope(elsewhere, "openid read:a write:a"), Ok("openid write:a".to_owned()));
    setup.api.is_system = Some(true);
    assert_eq!(setup.scope(elsewhere, ""), Err(Denied::AudienceNotInPolicies), "the server's own");
    setup.api.is_system = None;
    let code = Flow::CodeExchange(Original { granted: &granted, audience: Some(API) });
    assert_eq!(setup.scope(code, ""), Ok("openid profile read:a".to_owned()), "policies are for refreshing");
    setup.api.skip_consent_for_verifiable_first_party_clients = false;
    assert_eq!(
        setup.scope(elsewhere, ""),
        Err(Denied::AudienceNotInPolicies),
        "a user would have to be asked"
    );
    assert_eq!(setup.scope(here, ""), Ok("openid profile read:a".to_owned()));
}

#[test]
fn on_behalf_of_a_user() {
    let mut setup = setup();
    let sent = strings(&["openid", "read:a", "del:a", "offline_access"]);
    let here = Flow::OnBehalfOf(Original { granted: &sent, audience: Some(API) });
    assert_eq!(setup.scope(here, ""), Ok("read:a".to_owned()), "what the user holds and the token has");
    assert_eq!(setup.scope(here, "write:a del:a"), Ok("del:a".to_owned()), "never more than the token has");
    assert_eq!(
        setup.scope(here, "openid profile offline_access"),
        Ok("openid read:a".to_owned()),
        "no refresh token, and no more of the user than the token lets see"
    );
    let elsewhere = Flow::OnBehalfOf(Original { granted: &sent, audience: Some("https://other/") });
    let refused = Err(Denied::NoClientGrant(Party::FirstParty));
    assert_eq!(setup.scope(elsewhere, "write:a"), refused, "an API that is open to all is not open to this");
    setup.grant = Some(grant("user", &["write:a", "del:a"]));
    assert_eq!(setup.scope(elsewhere, "write:a del:a read:a"), Ok("write:a del:a".to_owned()));
    assert_eq!(
        setup.scope(elsewhere, ""),
        Ok("write:a".to_owned()),
        "what the user holds, even without RBAC"
    );
    assert_eq!(setup.scope(elsewhere, "gone:a"), Ok(String::new()), "an unknown name means nothing else");
    setup.api.enforce_policies = Some(true);
    assert_eq!(setup.scope(elsewhere, "write:a del:a"), Ok("write:a".to_owned()));
    setup.grant = Some(grant("client", &["write:a"]));
    assert_eq!(setup.scope(elsewhere, "write:a"), refused, "a grant for machines is none for users");
    setup.api.is_system = Some(true);
    assert_eq!(setup.scope(here, "read:a"), Err(Denied::ApiClosed(Party::FirstParty)));
}

#[test]
fn tokens_from_elsewhere() {
    let setup = setup();
    let social = Flow::TokenExchange { kind: ExchangeKind::NativeSocial, has_actor: false };
    assert_eq!(setup.scope(social, "openid"), Ok("openid read:a write:a del:a".to_owned()));
    let custom = Flow::TokenExchange { kind: ExchangeKind::Custom, has_actor: false };
    assert_eq!(setup.scope(custom, "openid"), Ok("openid".to_owned()));
}

#[test]
fn names_of_claims_as_scopes() {
    let mut setup = setup();
    let ask = |setup: &Setup, target| {
        setup.ask(Flow::Code, "openid nickname", |request| {
            let target = if target { Target::Userinfo } else { request.target };
            decide(&Request { target, ..*request }).unwrap().granted.join(" ")
        })
    };
    assert_eq!(ask(&setup, true), "openid");
    setup.client.oidc_conformant = false;
    assert_eq!(ask(&setup, true), "openid nickname");
    assert_eq!(ask(&setup, false), "openid", "naming an API leaves the old pipeline");
}

#[test]
fn reserved_names() {
    for name in ["openid", "offline_access", "online_access", "identities", "phone"] {
        assert!(is_reserved(name), "{name}");
    }
    for name in ["read:a", "Openid", "locale", ""] {
        assert!(!is_reserved(name), "{name}");
    }
}

/// Whoever began it may be somebody else, who passed a code or a link on (RFC 8628, section 5.4).
#[test]
fn second_factors_are_seen_to_where_the_user_is() {
    let mut setup = setup();
    setup.api = Api::about_factors();
    for flow in [Flow::DeviceCode, Flow::Backchannel] {
        let refused = Err(Denied::ApiClosed(Party::FirstParty));
        assert_eq!(setup.scope(flow, "remove:authenticators"), refused, "{flow:?}");
    }
    assert_eq!(setup.scope(Flow::Code, "enroll").unwrap(), "enroll");
}
