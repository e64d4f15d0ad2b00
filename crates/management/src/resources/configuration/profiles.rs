//! `/user-attribute-profiles` and `/connection-profiles`: what attributes of a user are called elsewhere, and what
//! connections begin with that a company's administrator sets up. Nobody can set one up yet.

use chancery_core::problem::{Missing, Problem};
use chancery_store::Kind;
use serde_json::{Value, json};

use super::super::collection::{Collection, Of, by_checkpoints, default};
use crate::call::Call;
use crate::ops::Table;
use crate::resource::Crud;

pub(super) fn bind(table: &mut Table) {
    Crud::<Of<UserAttributes>>::bind(table);
    Crud::<Of<Connections>>::bind(table);
    table.bind("GET /user-attribute-profiles", |call| by_checkpoints::<UserAttributes>(call, |_, _| true));
    table.bind("GET /connection-profiles", |call| by_checkpoints::<Connections>(call, |_, _| true));
}

struct UserAttributes;

impl Collection for UserAttributes {
    const KIND: Kind = Kind::UserAttributeProfile;
    const PATH: &'static str = "/user-attribute-profiles";
    const MEMBER: &'static str = "user_attribute_profiles";
    const MISSING: Missing = Missing { message: "The user attribute profile does not exist.", code: None };
    const PREFIX: &'static str = "uap_";
    const DATED: bool = false;

    fn complete(_: &Call, profile: &mut Value) -> Result<(), Problem> {
        default(profile, &json!({"user_id": {}}));
        default(
            &mut profile["user_id"],
            &json!({"oidc_mapping": "sub", "saml_mapping": SAML_ID, "scim_mapping": "externalId"}),
        );
        Ok(())
    }
}

/// Claims of SAML assertions that may say who somebody is, the best first.
const SAML_ID: [&str; 3] = [
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
];

struct Connections;

impl Collection for Connections {
    const KIND: Kind = Kind::ConnectionProfile;
    const PATH: &'static str = "/connection-profiles";
    const MEMBER: &'static str = "connection_profiles";
    const MISSING: Missing = Missing { message: "The connection profile does not exist.", code: None };
    const PREFIX: &'static str = "cop_";
    const DATED: bool = false;

    fn complete(_: &Call, profile: &mut Value) -> Result<(), Problem> {
        default(profile, &json!({"connection_config": {}, "strategy_overrides": null}));
        Ok(())
    }
}
