//! The demo tenant: one API with two scopes, an application of each kind, two people with different roles.

use chancery_connect::users;
use chancery_core::dashboard::PLAYGROUND_CALLBACK;
use chancery_core::ids;
use chancery_core::model::{
    Api, AppType, Client, ClientGrant, ExpirationType, Permission, RefreshTokenSettings, Role, RotationType,
    ScopeDefinition, SubjectType, User,
};
use chancery_store::{Change, Error, NewUser};

use super::fresh::{self, CONNECTION, Wishes, application};
use super::{Seeding, dashboard, documents};

/// The demo API's identifier, the `audience` of requests.
pub const API_IDENTIFIER: &str = "https://contacts.example/api";

/// The demo API's scopes with their descriptions.
pub const API_SCOPES: [(&str, &str); 2] =
    [("read:contacts", "Read your contacts"), ("delete:contacts", "Delete your contacts")];

/// Somebody who can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their address.
    pub email: &'static str,
    /// Their password, which is no secret: it is printed and stands here.
    pub password: &'static str,
    name: &'static str,
    /// The part of the user id behind the bar. Fixed, so that tokens of before a reset still name somebody.
    id: &'static str,
    /// Hashed beforehand: a reset has 20 ms, one hash takes 16.
    hash: &'static str,
}

/// Holds the role Contacts Reader.
pub const JANE: Person = Person {
    email: "jane@example.com",
    password: "Read-4-Jane",
    name: "Jane Doe",
    id: "6a00000000000000000000a1",
    hash: "$argon2id$v=19$m=19456,t=2,p=1$w4ZeGf7yrSAhdAV0YrTgyA$Jxm1+XJUUmzdNsUIAeECuGFsGXXCUaRjdblgV9R5ZEk",
};

/// Holds the role Contacts Admin.
pub const SAM: Person = Person {
    email: "sam@example.com",
    password: "Delete-4-Sam",
    name: "Sam Lee",
    id: "6a00000000000000000000a2",
    hash: "$argon2id$v=19$m=19456,t=2,p=1$J8sBFt75Igm0N5hzXU/gzg$HDbMvzjokjqJ1SyovV6WgcOmQ7Khjc0Sz79MVxRFS7o",
};

/// Holds the role of the dashboard's administrators.
pub const ADMIN: Person = Person {
    email: "admin@example.com",
    password: "Manage-4-Alex",
    name: "Alex Kim",
    id: "6a00000000000000000000a3",
    hash: "$argon2id$v=19$m=19456,t=2,p=1$vqbmSGoCIIUUx+kioFsJnA$lX04fbuO6iWY+k0GnpiMQCGMGG95EXxP4cljdc8TdgQ",
};

pub(super) fn add(seeding: &Seeding<'_>, change: Change) -> Result<Change, Error> {
    let wishes = Wishes {
        friendly_name: Some("Contacts Demo".to_owned()),
        default_directory: Some(CONNECTION.to_owned()),
        skip_loopback_confirmation: Some(true),
        enabled_locales: Some(vec!["en".to_owned(), "de".to_owned()]),
    };
    let mut change = fresh::add(seeding, change, &wishes)?;
    change = documents::api(change, &api(seeding))?;
    for client in [spa(seeding)?, web(seeding)?, m2m(seeding)?] {
        change = documents::client(change, &client)?;
    }
    change = documents::client_grant(change, &m2m_grant(seeding))?;
    let reader = role(seeding, "Contacts Reader", "May read contacts.", &API_SCOPES[..1]);
    let admin = role(seeding, "Contacts Admin", "May read and delete contacts.", &API_SCOPES);
    for (person, role) in [(JANE, reader), (SAM, admin)] {
        change = documents::role(change, &role)?;
        change = add_person(seeding, change, &person, &role)?;
    }
    add_dashboard(seeding, change)
}

fn add_dashboard(seeding: &Seeding<'_>, change: Change) -> Result<Change, Error> {
    let role = dashboard::role(seeding);
    let change = documents::client(change, &dashboard::client(seeding)?)?;
    let change = documents::client_grant(change, &dashboard::client_grant(seeding))?;
    let change = documents::role(change, &role)?;
    add_person(seeding, change, &ADMIN, &role)
}

fn api(seeding: &Seeding<'_>) -> Api {
    let scope = |(value, description): (&str, &str)| ScopeDefinition {
        value: value.to_owned(),
        description: Some(description.to_owned()),
        consent: None,
    };
    Api {
        id: seeding.object_id(),
        name: Some("Contacts API".to_owned()),
        identifier: API_IDENTIFIER.to_owned(),
        allow_offline_access: true,
        enforce_policies: Some(true),
        scopes: Some(API_SCOPES.map(scope).to_vec()),
        ..Api::unnamed()
    }
}

fn spa(seeding: &Seeding<'_>) -> Result<Client, Error> {
    let client = application(seeding, "Demo SPA", AppType::Spa, &seeding.clients.spa)?;
    Ok(Client {
        callbacks: Some(with_pages(seeding, &[CALLBACK_PAGE, PLAYGROUND_CALLBACK])),
        web_origins: Some(with_origins(seeding, &ORIGINS)),
        allowed_origins: Some(with_origins(seeding, &ORIGINS)),
        allowed_logout_urls: Some(logout_urls(seeding)),
        grant_types: Some(["authorization_code", "implicit", "refresh_token"].map(str::to_owned).to_vec()),
        refresh_token: Some(RefreshTokenSettings {
            rotation_type: RotationType::Rotating,
            expiration_type: ExpirationType::Expiring,
            infinite_token_lifetime: false,
            infinite_idle_token_lifetime: false,
            ..RefreshTokenSettings::default()
        }),
        ..client
    })
}

fn web(seeding: &Seeding<'_>) -> Result<Client, Error> {
    let client = application(seeding, "Demo Web", AppType::RegularWeb, &seeding.clients.web)?;
    let grants = [
        "authorization_code",
        "implicit",
        "refresh_token",
        "client_credentials",
        "password",
        "http://auth0.com/oauth/grant-type/password-realm",
    ];
    Ok(Client {
        callbacks: Some(with_pages(seeding, &[CALLBACK_PAGE])),
        allowed_logout_urls: Some(logout_urls(seeding)),
        grant_types: Some(grants.map(str::to_owned).to_vec()),
        ..client
    })
}

fn m2m(seeding: &Seeding<'_>) -> Result<Client, Error> {
    let client = application(seeding, "Demo M2M", AppType::NonInteractive, &seeding.clients.m2m)?;
    Ok(Client { grant_types: Some(vec!["client_credentials".to_owned()]), ..client })
}

fn m2m_grant(seeding: &Seeding<'_>) -> ClientGrant {
    ClientGrant {
        id: ids::prefixed(seeding.rng, "cgr_"),
        client_id: Some(seeding.clients.m2m.client_id.clone()),
        default_for: None,
        audience: API_IDENTIFIER.to_owned(),
        scope: Some(vec!["read:contacts".to_owned()]),
        subject_type: SubjectType::Client,
        authorization_details_types: None,
        allow_all_scopes: None,
        organization_usage: None,
        allow_any_organization: None,
        is_system: None,
    }
}

fn role(seeding: &Seeding<'_>, name: &str, description: &str, scopes: &[(&str, &str)]) -> Role {
    let permission = |(value, _): &(&str, &str)| Permission {
        resource_server_identifier: API_IDENTIFIER.to_owned(),
        permission_name: (*value).to_owned(),
    };
    Role {
        id: ids::prefixed(seeding.rng, "rol_"),
        name: name.to_owned(),
        description: Some(description.to_owned()),
        kind: Some("tenant".to_owned()),
        owner_id: None,
        permissions: scopes.iter().map(permission).collect(),
    }
}

fn add_person(seeding: &Seeding<'_>, change: Change, person: &Person, role: &Role) -> Result<Change, Error> {
    let new = users::NewUser { email: Some(person.email), username: None, connection: CONNECTION };
    let user = users::new_user(new, seeding.rng, seeding.now_ms);
    let (given, family) = person.name.split_once(' ').unwrap_or((person.name, ""));
    let identities = user.identities.iter().cloned().map(|mut identity| {
        person.id.clone_into(&mut identity.user_id);
        identity
    });
    let user = User {
        user_id: format!("{}|{}", users::PROVIDER, person.id),
        identities: identities.collect(),
        email_verified: Some(true),
        name: Some(person.name.to_owned()),
        given_name: Some(given.to_owned()),
        family_name: Some(family.to_owned()),
        ..user
    };
    let user_id = user.user_id.clone();
    let new =
        NewUser { user, connection: CONNECTION.to_owned(), password_hash: Some(person.hash.to_owned()) };
    let store = seeding.store;
    Ok(change.also(store.create_user_batch(seeding.tenant, &new)?).also(store.assign_roles_batch(
        seeding.tenant,
        &user_id,
        std::slice::from_ref(&role.id),
    )))
}

/// Beside dev mode's own page: where applications in the making usually live.
const CALLBACKS: [&str; 5] = [
    "http://localhost:3000",
    "http://localhost:3000/",
    "http://localhost:3000/callback",
    "http://localhost:5173",
    "http://127.0.0.1:3000/callback",
];
const ORIGINS: [&str; 3] = ["http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:3000"];

/// The path of dev mode's callback page.
pub(crate) const CALLBACK_PAGE: &str = "/dev/callback";

/// These pages at each origin, and those of programs on this machine.
fn with_pages(seeding: &Seeding<'_>, pages: &[&str]) -> Vec<String> {
    let at =
        |page: &&str| seeding.origins.iter().map(move |origin| format!("{origin}{page}")).collect::<Vec<_>>();
    pages.iter().flat_map(at).chain(CALLBACKS.map(str::to_owned)).collect()
}

fn with_origins(seeding: &Seeding<'_>, more: &[&str]) -> Vec<String> {
    seeding.origins.iter().cloned().chain(more.iter().map(|text| (*text).to_owned())).collect()
}

fn logout_urls(seeding: &Seeding<'_>) -> Vec<String> {
    let pages = seeding.origins.iter().flat_map(|origin| [format!("{origin}/dev"), origin.clone()]);
    pages.chain(ORIGINS.iter().map(|text| (*text).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chancery_connect::PasswordHasher;

    use super::*;
    use crate::rng::SystemRng;

    /// The hashes belong to the passwords, and are made with today's parameters.
    #[tokio::test]
    async fn people_can_sign_in() {
        let hasher = PasswordHasher::for_cores(Arc::new(SystemRng::default()), 2).unwrap();
        for person in [JANE, SAM, ADMIN] {
            let made = hasher.hash(person.password.to_owned().into()).await.unwrap();
            let verified = hasher.verify(person.hash, person.password.to_owned().into()).await;
            assert!(verified.is_ok_and(|v| v.ok && !v.rehash), "{}: expected e.g. {made}", person.email);
        }
    }
}
