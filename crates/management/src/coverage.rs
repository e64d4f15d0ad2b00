//! What of the published API this server has: `docs/COMPATIBILITY.md`, written from the table so that it cannot be wrong.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::ops::{Operation, operations};

/// The document. `cargo run -p chancery-management --example compatibility > docs/COMPATIBILITY.md` renews the file.
pub fn compatibility() -> String {
    let operations = operations();
    let mut text = String::from(HEAD);
    let built = operations.iter().filter(|operation| operation.is_built()).count();
    put(&mut text, format_args!("{built} of {} published operations are built.\n", operations.len()));
    put(
        &mut text,
        format_args!("\n## Operations that are built\n\n| Operation | Scopes, any of |\n|---|---|\n"),
    );
    for operation in operations.iter().filter(|operation| operation.is_built()) {
        put(
            &mut text,
            format_args!("| `{} {}` | {} |\n", operation.method, operation.path, quoted(&operation.scopes)),
        );
    }
    text.push_str(STORED_HEAD);
    for Stored { operation, acted_on, what } in STORED {
        let kept = kept(&operations, operation, acted_on);
        put(&mut text, format_args!("\n### {what}\n\n{}\n", quoted(&kept)));
    }
    text.push_str(
        "\n## Operations that are not built\n\nThey answer 501 with `errorCode` `not_implemented`.\n\n",
    );
    let resources: BTreeSet<&str> = operations.iter().map(Operation::resource).collect();
    text.push_str("| Resource | Built | Published |\n|---|---|---|\n");
    for resource in resources {
        let of = || operations.iter().filter(|operation| operation.resource() == resource);
        let built = of().filter(|operation| operation.is_built()).count();
        put(&mut text, format_args!("| `{resource}` | {built} | {} |\n", of().count()));
    }
    text
}

const HEAD: &str = "\
# Compatibility of the Management API

Written by `cargo run -p chancery-management --example compatibility`; a test keeps it true. Bodies and queries are
checked against the shapes in `crates/management/shapes`: members that are not listed there are refused.

";

const STORED_HEAD: &str = "
## Settings that are kept but not acted on

They are checked, stored and shown, so that tools which write and read them work. Nothing else happens yet.
";

/// A body of which some members are acted on.
struct Stored {
    operation: &'static str,
    what: &'static str,
    acted_on: &'static [&'static str],
}

const STORED: &[Stored] = &[
    Stored {
        operation: "POST /resource-servers",
        what: "APIs",
        acted_on: &[
            "name",
            "identifier",
            "scopes",
            "signing_alg",
            "signing_secret",
            "allow_offline_access",
            "token_lifetime",
            "token_lifetime_for_web",
            "token_dialect",
            "skip_consent_for_verifiable_first_party_clients",
            "enforce_policies",
            "subject_type_authorization",
            "proof_of_possession",
            "token_encryption",
            "authorization_details",
        ],
    },
    Stored {
        operation: "POST /clients",
        what: "Applications",
        acted_on: &[
            "name",
            "description",
            "logo_uri",
            "callbacks",
            "allowed_logout_urls",
            "web_origins",
            "allowed_origins",
            "grant_types",
            "token_endpoint_auth_method",
            "client_authentication_methods",
            "app_type",
            "mobile",
            "is_first_party",
            "oidc_conformant",
            "jwt_configuration",
            "refresh_token",
            "third_party_security_mode",
            "redirection_policy",
            "initiate_login_uri",
            "skip_non_verifiable_callback_uri_confirmation_prompt",
            "resource_server_identifier",
            "cross_origin_auth",
            "organization_usage",
            "default_organization",
            "require_pushed_authorization_requests",
            "require_proof_of_possession",
            "compliance_level",
            "token_exchange",
            "signed_request_object",
            "async_approval_notification_channels",
            "oidc_logout",
        ],
    },
    Stored {
        operation: "POST /client-grants",
        what: "Client grants",
        acted_on: &[
            "client_id",
            "default_for",
            "audience",
            "scope",
            "subject_type",
            "allow_all_scopes",
            "organization_usage",
            "allow_any_organization",
            "authorization_details_types",
        ],
    },
    Stored {
        operation: "POST /organizations",
        what: "Organizations",
        acted_on: &["name", "display_name", "enabled_connections", "third_party_client_access"],
    },
    Stored { operation: "PATCH /attack-protection/bot-detection", what: "Bot detection", acted_on: &[] },
    Stored {
        operation: "PATCH /attack-protection/breached-password-detection",
        what: "Detection of breached passwords (the lists are local; administrators are told by log events, not by mail)",
        acted_on: &["enabled", "shields", "stage"],
    },
    Stored {
        operation: "PATCH /attack-protection/brute-force-protection",
        what: "Protection against guessing",
        acted_on: &["enabled", "shields", "allowlist", "mode", "max_attempts"],
    },
    Stored {
        operation: "PATCH /attack-protection/suspicious-ip-throttling",
        what: "Throttling of suspicious addresses (administrators are told by log events; `pre-custom-token-exchange` is kept)",
        acted_on: &["enabled", "shields", "allowlist", "stage"],
    },
    Stored {
        operation: "POST /connections",
        what: "Connections (strategies other than `auth0` and `email` are kept whole)",
        acted_on: &[
            "name",
            "strategy",
            "options",
            "enabled_clients",
            "enabled_for_all",
            "is_domain_connection",
            "realms",
        ],
    },
    Stored {
        operation: "POST /connections/{id}/directory-provisioning",
        what: "Directories",
        acted_on: &["mapping", "synchronize_automatically", "synchronize_groups"],
    },
    Stored {
        operation: "POST /custom-domains",
        what: "Custom domains (origins are configured)",
        acted_on: &[],
    },
    Stored {
        operation: "PATCH /branding",
        what: "Looks of the hosted pages (of the colours, `primary` shows)",
        acted_on: &["logo_url", "favicon_url", "colors"],
    },
    Stored {
        operation: "POST /branding/themes",
        what: "Themes of the hosted pages (`colors.primary_button` and `widget.logo_url` show)",
        acted_on: &["colors", "widget"],
    },
    Stored {
        operation: "PUT /branding/templates/universal-login",
        what: "The template of the hosted pages",
        acted_on: &[],
    },
    Stored {
        operation: "POST /branding/phone/providers",
        what: "Phone providers (test messages alone are sent)",
        acted_on: &["name", "disabled", "configuration", "credentials"],
    },
    Stored {
        operation: "POST /branding/phone/templates",
        what: "Texts of phone messages (only their test sends them)",
        acted_on: &["type", "content"],
    },
    Stored { operation: "PATCH /prompts", what: "How the hosted pages ask", acted_on: &[] },
    Stored {
        operation: "PATCH /prompts/{prompt}/screen/{screen}/rendering",
        what: "Rendering of screens; texts and additions of the hosted pages too",
        acted_on: &[],
    },
    Stored {
        operation: "POST /emails/provider",
        what: "Mail providers (`smtp` acts; through the others nothing is sent)",
        acted_on: &["name", "enabled", "default_from_address", "credentials"],
    },
    Stored {
        operation: "POST /email-templates",
        what: "Texts of mail (`verify_email`, `welcome_email`, `reset_email`, `user_invitation`, `blocked_account`, `stolen_credentials` and `async_approval` act; other mails are not sent)",
        acted_on: &["template", "body", "from", "subject", "syntax", "urlLifetimeInSeconds", "enabled"],
    },
    Stored {
        operation: "POST /token-exchange-profiles",
        what: "Token exchange profiles (they act where a trusted issuer names them, and run no Action)",
        acted_on: &["name", "subject_token_type", "type"],
    },
    Stored {
        operation: "POST /users/{id}/authentication-methods",
        what: "Authentication methods of users (time-based codes, recovery codes and passkeys act)",
        acted_on: &["type", "totp_secret", "key_id", "public_key", "relying_party_identifier"],
    },
    Stored {
        operation: "POST /device-credentials",
        what: "Public keys of devices (nothing accepts them)",
        acted_on: &[],
    },
    Stored {
        operation: "PATCH /sessions/{id}",
        what: "Notes on sessions (no token says them)",
        acted_on: &[],
    },
    Stored {
        operation: "PATCH /refresh-tokens/{id}",
        what: "Notes on refresh tokens (no token says them)",
        acted_on: &[],
    },
    Stored { operation: "PATCH /attack-protection/captcha", what: "CAPTCHA (none is asked)", acted_on: &[] },
    Stored {
        operation: "PATCH /attack-protection/phone-provider-protection",
        what: "Protection of phone providers (no message is sent)",
        acted_on: &[],
    },
    Stored {
        operation: "POST /attack-protection/captcha/policies",
        what: "Policies of CAPTCHAs (none is asked)",
        acted_on: &[],
    },
    Stored {
        operation: "POST /connections/{id}/keys",
        what: "Keys of connections (nobody can sign in with such a connection yet)",
        acted_on: &[],
    },
    Stored { operation: "PUT /keys/custom-signing", what: "Custom signing keys", acted_on: &[] },
    Stored {
        operation: "POST /keys/encryption",
        what: "Encryption keys (secrets are sealed with the master key of the server)",
        acted_on: &[],
    },
    Stored { operation: "POST /keys/network-acls", what: "Keys for network access lists", acted_on: &[] },
    Stored { operation: "POST /log-streams", what: "Log streams (no event is sent)", acted_on: &[] },
    Stored { operation: "POST /event-streams", what: "Event streams (no event is sent)", acted_on: &[] },
    Stored {
        operation: "POST /network-acls",
        what: "Network access lists (only those that are not active are kept)",
        acted_on: &[],
    },
    Stored {
        operation: "POST /self-service-profiles",
        what: "Self-service profiles (there are no pages for them)",
        acted_on: &[],
    },
    Stored {
        operation: "PUT /self-service-profiles/{id}/custom-text/{language}/{page}",
        what: "Texts of self-service",
        acted_on: &[],
    },
    Stored { operation: "POST /user-attribute-profiles", what: "User attribute profiles", acted_on: &[] },
    Stored { operation: "POST /connection-profiles", what: "Connection profiles", acted_on: &[] },
    Stored { operation: "PUT /rules-configs/{key}", what: "Values for rules (no rule runs)", acted_on: &[] },
    Stored { operation: "POST /flows", what: "Flows (none runs)", acted_on: &[] },
    Stored { operation: "POST /flows/vault/connections", what: "Services that flows call", acted_on: &[] },
    Stored { operation: "POST /forms", what: "Forms (no page shows one)", acted_on: &[] },
    Stored {
        operation: "PUT /guardian/factors/duo/settings",
        what: "Settings of second factors that are not asked for: Duo",
        acted_on: &[],
    },
    Stored {
        operation: "PUT /guardian/factors/phone/providers/twilio",
        what: "Settings of second factors: Twilio",
        acted_on: &[],
    },
    Stored {
        operation: "PUT /guardian/factors/phone/templates",
        what: "Settings of second factors: texts of messages",
        acted_on: &[],
    },
    Stored {
        operation: "PUT /guardian/factors/push-notification/providers/apns",
        what: "Settings of second factors: Apple's push notifications",
        acted_on: &[],
    },
    Stored {
        operation: "PUT /guardian/factors/push-notification/providers/sns",
        what: "Settings of second factors: Amazon's push notifications",
        acted_on: &[],
    },
    Stored {
        operation: "PATCH /prompts/mfa-push",
        what: "Settings of second factors: the application that asks",
        acted_on: &[],
    },
    Stored {
        operation: "PATCH /risk-assessments/settings/new-device",
        what: "How long a device is known (no risk is assessed)",
        acted_on: &[],
    },
    Stored {
        operation: "PATCH /tenants/settings",
        what: "Settings of the tenant",
        acted_on: &[
            "friendly_name",
            "picture_url",
            "support_email",
            "support_url",
            "default_audience",
            "default_directory",
            "resource_parameter_profile",
            "pushed_authorization_requests_supported",
            "device_flow",
            "mtls",
            "allowed_logout_urls",
            "enabled_locales",
            "session_lifetime",
            "session_lifetime_in_minutes",
            "idle_session_lifetime",
            "idle_session_lifetime_in_minutes",
            "session_cookie",
            "default_redirection_uri",
            "skip_non_verifiable_callback_uri_confirmation_prompt",
            "allow_organization_name_in_authentication_api",
            "acr_values_supported",
            "dynamic_client_registration_security_mode",
            "flags",
            "oidc_logout",
        ],
    },
];

fn kept<'a>(operations: &'a [Operation], name: &str, acted_on: &[&str]) -> Vec<&'a str> {
    let is_meant = |operation: &&Operation| format!("{} {}", operation.method, operation.path) == name;
    let body = operations.iter().find(is_meant).and_then(|operation| operation.body());
    let members = body.into_iter().flat_map(|body| body.members());
    members.map(|member| member.name.as_str()).filter(|name| !acted_on.contains(name)).collect()
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Writing to a text cannot fail.
fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/COMPATIBILITY.md");
        let file = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            file == compatibility(),
            "docs/COMPATIBILITY.md is stale: cargo run -p chancery-management --example compatibility > docs/COMPATIBILITY.md"
        );
    }

    #[test]
    fn what_is_acted_on_exists() {
        let operations = operations();
        for Stored { operation, acted_on, .. } in STORED {
            let all = kept(&operations, operation, &[]);
            for name in *acted_on {
                assert!(all.contains(name), "{operation}: {name}");
            }
        }
    }
}
