//! How programs find the tenant that nobody registered here: applications that describe themselves at a URL, and APIs that
//! point to their tenant (RFC 9728).

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Api, ClientGrant, SubjectType};

/// The settings; a document of our own, with everything off where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentAccess {
    /// Applications whose `client_id` is the URL of their description.
    pub client_id_metadata_documents: DescribedClients,
    /// Descriptions of APIs.
    pub protected_resource_metadata: ResourceMetadata,
}

/// The most that an application may have which describes itself at a URL, and which nobody registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DescribedClients {
    /// Whether there are any.
    pub enabled: bool,
    /// Hosts of such URLs: names, or `*.` before a name for what is one label below it. None is any host.
    pub hosts: Vec<String>,
    /// What they may have of which APIs, and of no others.
    pub apis: Vec<DescribedAccess>,
    /// Seconds that their access tokens live at most.
    pub token_lifetime: i64,
    /// Names of connections they sign users in by, beside those that serve every application.
    pub connections: Vec<String>,
}

/// The most that such an application may have of one API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DescribedAccess {
    /// Identifier of the API.
    pub identifier: String,
    /// Scopes.
    pub scope: Vec<String>,
}

/// Which APIs are described to anybody who knows their identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceMetadata {
    /// Identifiers of those that are not.
    pub hidden: Vec<String>,
}

impl Default for DescribedClients {
    fn default() -> Self {
        Self {
            enabled: false,
            hosts: Vec::new(),
            apis: Vec::new(),
            token_lifetime: TOKEN_LIFETIME,
            connections: Vec::new(),
        }
    }
}

impl DescribedClients {
    /// Whether `client_id` can be such an application here, by what it looks like.
    pub fn admit(&self, client_id: &str) -> bool {
        if !self.enabled || crate::oauth::check_client_id_url(client_id).is_err() {
            return false;
        }
        let url = Url::parse(client_id).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        self.hosts.is_empty() || self.hosts.iter().any(|pattern| is_host_of(pattern, host))
    }

    /// The client grants that such an application has: what an administrator would have to give one by one, and no more.
    pub fn grants<'a>(&'a self, client_id: &'a str) -> impl Iterator<Item = ClientGrant> + 'a {
        self.apis.iter().enumerate().map(move |(place, access)| ClientGrant {
            // No grant of the table has such an id.
            id: format!("{GRANT}{place}"),
            client_id: Some(client_id.to_owned()),
            default_for: None,
            audience: access.identifier.clone(),
            scope: Some(access.scope.clone()),
            subject_type: SubjectType::User,
            authorization_details_types: None,
            allow_all_scopes: None,
            organization_usage: None,
            allow_any_organization: None,
            is_system: None,
        })
    }
}

impl ResourceMetadata {
    /// Whether anybody may know what is public of the API.
    pub fn shows(&self, api: &Api) -> bool {
        !self.hidden.contains(&api.identifier)
    }
}

/// How ids of the grants begin that such applications have.
const GRANT: &str = "described-";
/// Seconds; a day, which is the default of APIs, is long for an application that nobody looked at.
const TOKEN_LIFETIME: i64 = 3600;

/// `*.example.com` is `a.example.com`, and neither `example.com` nor `a.b.example.com`.
fn is_host_of(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        None => pattern.eq_ignore_ascii_case(host),
        Some(parent) => {
            let above = host.split_once('.').map(|(label, above)| (label.is_empty(), above));
            above.is_some_and(|(is_empty, above)| !is_empty && above.eq_ignore_ascii_case(parent))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::{Client, Permission, SecurityMode};
    use crate::scope::{AskedScopes, Flow, Request, Target, UserPermissions, client_grant, decide};

    #[test]
    fn off_unless_turned_on_and_only_at_hosts_that_are_named() {
        let url = "https://agent.example/client.json";
        let off = DescribedClients::default();
        assert!(!off.admit(url));
        let any = DescribedClients { enabled: true, ..off };
        assert!(any.admit(url));
        for no_url in [
            "agent",
            "http://agent.example/client.json",
            "https://agent.example/",
            "https://agent.example/a#b",
        ] {
            assert!(!any.admit(no_url), "{no_url}");
        }
        let some = DescribedClients { hosts: vec!["agent.example".into(), "*.Agents.example".into()], ..any };
        for (url, is_admitted) in [
            (url, true),
            ("https://a.agents.example/x", true),
            ("https://agents.example/x", false),
            ("https://a.b.agents.example/x", false),
            ("https://evilagents.example/x", false),
            ("https://agent.example.evil.example/x", false),
            ("https://evil.example/agent.example", false),
        ] {
            assert_eq!(some.admit(url), is_admitted, "{url}");
        }
    }

    #[test]
    fn grants_are_its_own_and_of_users() {
        let access =
            DescribedAccess { identifier: "https://api.example".into(), scope: vec!["read:x".into()] };
        let template = DescribedClients { apis: vec![access], ..DescribedClients::default() };
        let all: Vec<ClientGrant> = template.grants("https://agent.example/a").collect();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].subject_type, all[0].allow_all_scopes), (SubjectType::User, None));
        assert_eq!(all[0].client_id.as_deref(), Some("https://agent.example/a"));
    }

    proptest! {
        /// Security cases 2 and 3: whatever such an application asks for, it gets what the template, the API and the user's
        /// permissions have in common, and no refresh token.
        #[test]
        fn nothing_widens(
            template in subset(), defined in subset(), held in subset(), asked in subset(), enforces in any::<bool>(),
        ) {
            let id = "https://agent.example/client.json";
            let api: Api = serde_json::from_value(json!({
                "id": "1", "identifier": "https://api.example", "enforce_policies": enforces,
                "allow_offline_access": true, "scopes": defined.iter().map(|scope| json!({"value": scope})).collect::<Vec<_>>(),
            })).unwrap();
            let access = DescribedAccess { identifier: api.identifier.clone(), scope: template.clone() };
            let settings = DescribedClients { apis: vec![access], ..DescribedClients::default() };
            let grants: Vec<ClientGrant> = settings.grants(id).collect();
            let client = Client {
                client_id: id.to_owned(),
                is_first_party: false,
                third_party_security_mode: Some(SecurityMode::Strict),
                grant_types: Some(vec!["authorization_code".to_owned()]),
                ..Client::default()
            };
            let scope = format!("openid profile offline_access {}", asked.join(" "));
            let direct: Vec<Permission> = held.iter().map(|name| Permission {
                permission_name: name.clone(),
                resource_server_identifier: api.identifier.clone(),
            }).collect();
            let permissions = UserPermissions { direct: &direct, ..UserPermissions::NONE };
            let asked_scopes = AskedScopes::parse(&scope);
            let request = Request {
                flow: Flow::Code,
                client: &client,
                target: Target::Api(&api),
                asked: &asked_scopes,
                grant: client_grant(&grants, &client, &api.identifier, SubjectType::User),
                permissions: &permissions,
                consented: None,
                organization: None,
            };
            let decision = decide(&request).unwrap();
            prop_assert!(!decision.offline);
            for granted in &decision.granted {
                let has = |list: &[String]| list.iter().any(|one| one == granted);
                prop_assert!(has(&template) && has(&defined) && has(&asked) && (!enforces || has(&held)), "{granted}");
            }
        }
    }

    fn subset() -> impl Strategy<Value = Vec<String>> {
        proptest::sample::subsequence(["a:1", "a:2", "b:1", "b:2"].map(str::to_owned).to_vec(), 0..=4)
    }
}
