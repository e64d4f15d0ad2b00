//! The API by which users see to their second factors (fact sheet 1.3 and 9.7): every tenant has it, and no administrator changes
//! it. Users' tokens alone are for it, they live for ten minutes, and no refresh token gives another one.

use super::{Api, ClientPolicy, Policy, ScopeDefinition, SubjectTypeAuthorization, UserPolicy};

/// Its identifier, as stored.
pub const FACTORS_API: &str = "/mfa/";
/// Adds a second factor.
pub const ENROL_FACTORS: &str = "enroll";
/// Lists second factors.
pub const READ_FACTORS: &str = "read:authenticators";
/// Takes one away.
pub const REMOVE_FACTORS: &str = "remove:authenticators";

impl Api {
    /// Whether this is it.
    pub fn is_about_factors(&self) -> bool {
        self.is_system() && self.identifier == FACTORS_API
    }

    /// It.
    pub fn about_factors() -> Self {
        Self {
            id: FACTORS_API.to_owned(),
            name: Some("MFA API".to_owned()),
            identifier: FACTORS_API.to_owned(),
            is_system: Some(true),
            skip_consent_for_verifiable_first_party_clients: true,
            subject_type_authorization: Some(SubjectTypeAuthorization {
                client: Some(ClientPolicy { policy: Policy::DenyAll }),
                user: Some(UserPolicy { policy: Policy::AllowAll }),
                anonymous_user: None,
            }),
            token_lifetime: LIFETIME,
            token_lifetime_for_web: LIFETIME,
            scopes: Some(SCOPES.map(defined).to_vec()),
            ..Self::unnamed()
        }
    }
}

fn defined((value, description): (&str, &str)) -> ScopeDefinition {
    ScopeDefinition { value: value.to_owned(), description: Some(description.to_owned()), consent: None }
}

/// Seconds.
const LIFETIME: i64 = 600;
const SCOPES: [(&str, &str); 3] = [
    (ENROL_FACTORS, "Add a second factor to your account"),
    (READ_FACTORS, "See the second factors of your account"),
    (REMOVE_FACTORS, "Remove second factors from your account"),
];
