//! What an administrator defines: the documents behind every decision.
//!
//! Each type is at once the stored document, the body on the Management API's wire (member names are the wire's) and
//! what the rest of the code reads. An absent member stays absent: `Option` and `skip_serializing_if` keep the
//! difference between "never set" and "set to the default", which the wire shows.

mod agent_access;
mod api;
mod client;
mod client_grant;
mod connection;
mod factors_api;
mod oidc_logout;
mod openid;
mod organization;
mod passkeys;
mod role;
mod tenant;
mod trusted_issuer;
mod user;

pub use agent_access::{AgentAccess, DescribedAccess, DescribedClients, ResourceMetadata};
pub use api::{
    Api, ClientPolicy, Dialect, Policy, ProofOfPossession, ScopeConsent, ScopeDefinition, SigningAlg,
    SubjectTypeAuthorization, UserPolicy,
};
pub use client::{
    AppType, CertificateNames, Client, ClientAuthenticationMethods, ClientOrganizationUsage, CredentialRef,
    ExpirationType, JwtConfiguration, OrganizationPrompt, PrivateKeyJwt, RefreshTokenPolicy,
    RefreshTokenSettings, RotationType, SecurityMode, StoredSecret, TokenEndpointAuthMethod,
    is_self_described,
};
pub use client_grant::{ClientGrant, GrantOrganizationUsage, SubjectType};
pub use connection::{
    Allowance, CharacterType, CharacterTypeRule, Connection, ConnectionOptions, PasswordComplexity,
    PasswordComplexityOptions, PasswordOptions, PasswordPolicy, Strength,
};
pub use factors_api::{ENROL_FACTORS, FACTORS_API, READ_FACTORS, REMOVE_FACTORS};
pub use oidc_logout::{LogoutInitiators, LogoutMetadata, OidcLogout};
pub use openid::{OpenId, PING};
pub use organization::{
    DiscoveryDomain, Organization, OrganizationClient, OrganizationConnection, ThirdPartyClientAccess,
};
pub use passkeys::{PasskeyChallenge, PasskeyOptions};
pub use role::{Permission, Role};
pub use tenant::{
    DeviceFlow, MtlsSettings, SessionCookie, TenantFlags, TenantOpenId, TenantSettings, UserCodeCharset,
};
pub use trusted_issuer::{ForeignUse, NamedUser, TrustedIssuer, UserName};
pub use user::{Identity, User};
