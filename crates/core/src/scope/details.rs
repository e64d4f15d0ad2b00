//! Which types of `authorization_details` an application may ask an API for: the same access policies as for scopes (fact sheet 1.4).

use crate::model::{Api, Client, ClientGrant, Policy, SubjectType};

/// Whether users may let the application have details of this type at the API. `grant` is its client grant for users there.
pub fn admits_detail(client: &Client, api: &Api, grant: Option<&ClientGrant>, kind: &str) -> bool {
    if api.user_policy() == Policy::DenyAll || !api.details_types().any(|known| known == kind) {
        return false;
    }
    if api.user_policy() == Policy::AllowAll && !client.is_strict_third_party() {
        return true;
    }
    let fits = |grant: &&ClientGrant| {
        grant.subject_type == SubjectType::User
            && grant.audience == api.identifier
            && super::grants::is_for(grant, client)
    };
    let types = grant.filter(fits).and_then(|grant| grant.authorization_details_types.as_ref());
    types.is_some_and(|types| types.iter().any(|known| known == kind))
}
