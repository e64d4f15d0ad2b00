//! `/self-service-profiles`: what a company's administrator may set up without help, and the texts of the pages for it.
//! There are no such pages yet, so no ticket leads to one.

use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Kind};
use serde_json::{Value, json};

use super::super::collection::{Collection, Of, default, paged};
use crate::call::{Answer, Call, stored};
use crate::document::{find, rewrite};
use crate::ops::Table;
use crate::resource::{Crud, load};

pub(super) fn bind(table: &mut Table) {
    Crud::<Of<Profiles>>::bind(table);
    table.bind("GET /self-service-profiles", paged::<Profiles>);
    // The texts go with it.
    table.bind("DELETE /self-service-profiles/{id}", delete);
    table.bind("GET /self-service-profiles/{id}/custom-text/{language}/{page}", texts);
    table.bind("PUT /self-service-profiles/{id}/custom-text/{language}/{page}", set_texts);
}

struct Profiles;

impl Collection for Profiles {
    const KIND: Kind = Kind::SelfServiceProfile;
    const PATH: &'static str = "/self-service-profiles";
    const MEMBER: &'static str = "self_service_profiles";
    const MISSING: Missing = Missing { message: "The self-service profile was not found", code: None };
    const PREFIX: &'static str = "ssp_";

    fn complete(_: &Call, profile: &mut Value) -> Result<(), Problem> {
        default(profile, &json!({"user_attributes": [], "allowed_strategies": []}));
        Ok(())
    }
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let id = call.at("id");
    let mut change = Change::new(call.tenant()).delete(Kind::SelfServiceProfile, id);
    for doc in call.store().docs_all(call.tenant(), Kind::SelfServiceText).await.map_err(stored)? {
        if doc.id.split('/').next() == Some(id) {
            change = change.delete(Kind::SelfServiceText, &doc.id);
        }
    }
    let rev = call.apply(change).await.map_err(stored)?;
    Ok(Answer::no_content().at(rev))
}

async fn texts_id(call: &Call) -> Result<String, Problem> {
    let (profile, _) = load::<Of<Profiles>>(call).await?;
    let id = super::super::collection::text(&profile, "id");
    let (language, page) = (call.at("language"), call.at("page"));
    let is_good = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !is_good(language) {
        return Err(Problem::Path("'Must be letters, digits and hyphens' on property language.".to_owned()));
    }
    if page != "get-started" {
        return Err(Problem::Path(format!("'No enum match for: {page}' on property page.")));
    }
    Ok(format!("{id}/{language}/{page}"))
}

async fn texts(call: Call) -> Result<Answer, Problem> {
    let found = find(&call, Kind::SelfServiceText, &texts_id(&call).await?).await?;
    Ok(Answer::ok(found.unwrap_or_else(|| json!({}))))
}

async fn set_texts(call: Call) -> Result<Answer, Problem> {
    let id = texts_id(&call).await?;
    let document = (call.body != json!({})).then(|| call.body.clone());
    let (_, rev) = rewrite(&call, Kind::SelfServiceText, &id, |_| Ok(document.clone())).await?;
    Ok(Answer::ok(call.body).at(rev))
}
