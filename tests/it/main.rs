//! The whole server in process: HTTP and security tests. Modules mirror the URLs.

#![cfg(test)]

mod support;

mod architecture;
mod attack_protection;
mod authenticators;
mod authorization_details;
mod authorize;
mod backchannel_logout;
mod bad_input;
mod ciba;
mod crash;
mod dashboard;
mod dashboard_page;
mod dbconnections;
mod described;
mod device;
mod discovery;
mod dpop;
mod enrolment;
mod explain;
mod financial;
mod frequent;
mod frontchannel_logout;
mod introspect;
mod logout;
mod mailed_factor;
mod management;
mod mtls;
mod native_passkeys;
mod nodes;
mod oauth_token;
mod on_behalf_of;
mod openid;
mod organization_prompts;
mod organizations;
mod pages;
mod passkeys;
mod passwordless;
mod protected_resource;
mod pushed;
mod rate_limits;
mod remembered_browsers;
mod revoke;
mod scim;
mod second_factor;
mod security;
mod security_keys;
mod several_resources;
mod signed_requests;
mod signed_responses;
mod supply;
mod token_encryption;
mod trusted_issuers;
mod userinfo;
