//! `/guardian/factors`, `/guardian/policies` and enrolments: which second factors there are, when one is due, and who has one.
//! Factors that this server does not ask for stay off: nobody should rely on one that is not asked for.

use chancery_core::problem::{Missing, Problem};
use chancery_core::second_factor::{NewFactor, SecondFactors, TOTP};
use chancery_core::webauthn::{PLATFORM, ROAMING};
use chancery_store::Kind;
use chancery_web::SecondFactorsOf;
use serde_json::{Value, json};

use super::users;
use crate::call::{Answer, Call, internal, missing, read_stored, stored};
use crate::document::rewrite;
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /guardian/factors", factors);
    table.bind("PUT /guardian/factors/{name}", switch);
    table.bind("GET /guardian/policies", policies);
    table.bind("PUT /guardian/policies", set_policies);
    table.bind("POST /guardian/enrollments/ticket", ticket);
    table.bind("GET /guardian/enrollments/{id}", enrolment);
    table.bind("DELETE /guardian/enrollments/{id}", remove);
    table.bind("GET /users/{id}/enrollments", enrolments);
}

/// What the published API has no members for.
pub(super) fn bind_own(table: &mut Table) {
    table.bind("GET /second-factors", |call| async move {
        Ok(Answer::ok(own_settings(call.snapshot().second_factors)))
    });
    table.bind("PATCH /second-factors", set_own);
}

fn own_settings(settings: SecondFactors) -> Value {
    json!({"remember_browsers": !settings.forgets_browsers})
}

async fn set_own(call: Call) -> Result<Answer, Problem> {
    let wish = call.body.get("remember_browsers").and_then(Value::as_bool);
    let mut after = call.snapshot().second_factors;
    if let Some(wish) = wish {
        after.forgets_browsers = !wish;
    }
    let rev = change(&call, |settings| {
        if let Some(wish) = wish {
            settings.forgets_browsers = !wish;
        }
    })
    .await?;
    Ok(Answer::ok(own_settings(after)).at(rev))
}

/// A link with which a user makes a factor, mailed to them where that is asked for.
async fn ticket(call: Call) -> Result<Answer, Problem> {
    let text = |name: &str| call.body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is_set = |name: &str| call.body.get(name) == Some(&Value::Bool(true));
    let id = text("user_id").unwrap_or_default();
    let user = call.store().user(call.tenant(), id).await.map_err(stored)?;
    let user = user.ok_or(Problem::NotFound(users::MISSING))?;
    let there = call.snapshot().second_factors;
    if !there.are_there() {
        return Err(Problem::refused("No factor is turned on that users could make."));
    }
    let factor = match text("factor") {
        None => None,
        Some(name) => Some(factor_of_ticket(there, name)?),
    };
    let makes_another = is_set("allow_multiple_enrollments");
    let methods = SecondFactorsOf::load(&call.ctx, &user).await.map_err(|_| Problem::Unavailable)?;
    if methods.are_enrolled() && !makes_another {
        let text =
            "The user has a factor already: with allow_multiple_enrollments they can make another one.";
        return Err(Problem::refused(text));
    }
    let address = text("email").or(user.email.as_deref()).map(str::to_owned);
    let mails = is_set("send_mail");
    if mails && address.is_none() {
        return Err(Problem::refused("The user has no email address."));
    }
    let made = call.ctx.enrolment_link(&user, factor, makes_another).await;
    let (ticket, link) = made.map_err(|_| Problem::Unavailable)?;
    if let Some(address) = address.filter(|_| mails) {
        call.ctx.mail_enrolment(&user, address, &link);
    }
    methods.log("gd_send_email", "A link to make a factor was made");
    Ok(Answer::ok(json!({"ticket_id": ticket, "ticket_url": link})))
}

/// Those of a ticket that users can make here.
fn factor_of_ticket(there: SecondFactors, name: &str) -> Result<NewFactor, Problem> {
    let factor = match name {
        OTP => Some(NewFactor::Otp),
        ROAMING => Some(NewFactor::WebauthnRoaming),
        PLATFORM => Some(NewFactor::WebauthnPlatform),
        _ => None,
    };
    factor.filter(|factor| there.has(*factor)).ok_or_else(|| {
        let text = format!("{name} is not turned on, or not made by users of this server.");
        Problem::RefusedAs("operation_not_supported", text.into())
    })
}

const MISSING: Missing = missing("Enrollment not found", "enrollment_not_found");
const OTP: &str = "otp";
const RECOVERY_CODE: &str = "recovery-code";
const ALWAYS: &str = "all-applications";
/// In the order of the wire.
const FACTORS: [&str; 8] =
    ["sms", "push-notification", OTP, "email", "duo", ROAMING, PLATFORM, RECOVERY_CODE];
/// Those that this server asks for.
const ASKED_FOR: [&str; 4] = [OTP, ROAMING, PLATFORM, RECOVERY_CODE];

async fn factors(call: Call) -> Result<Answer, Problem> {
    let now = call.snapshot().second_factors;
    let shown = FACTORS.map(|name| {
        let enabled = match name {
            OTP => now.otp,
            RECOVERY_CODE => now.recovery_code,
            ROAMING => now.webauthn_roaming,
            PLATFORM => now.webauthn_platform,
            _ => false,
        };
        json!({"name": name, "enabled": enabled, "trial_expired": false})
    });
    Ok(Answer::ok(Value::from(shown.to_vec())))
}

async fn switch(call: Call) -> Result<Answer, Problem> {
    let enabled = call.body.get("enabled").and_then(Value::as_bool).unwrap_or_default();
    let name = call.at("name").to_owned();
    if !FACTORS.contains(&name.as_str()) {
        return Err(Problem::Path(format!("'No enum match for: {name}' on property name.")));
    }
    if enabled && !ASKED_FOR.contains(&name.as_str()) {
        let text = format!(
            "This server does not ask for {name}: the factors otp, webauthn-roaming, webauthn-platform and \
             recovery-code can be turned on."
        );
        return Err(Problem::RefusedAs("operation_not_supported", text.into()));
    }
    let rev = change(&call, |settings| match name.as_str() {
        OTP => settings.otp = enabled,
        RECOVERY_CODE => settings.recovery_code = enabled,
        ROAMING => settings.webauthn_roaming = enabled,
        PLATFORM => settings.webauthn_platform = enabled,
        _ => {}
    })
    .await?;
    Ok(Answer::ok(json!({"enabled": enabled})).at(rev))
}

async fn policies(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(shown_policies(call.snapshot().second_factors)))
}

fn shown_policies(settings: SecondFactors) -> Value {
    if settings.always { json!([ALWAYS]) } else { json!([]) }
}

async fn set_policies(call: Call) -> Result<Answer, Problem> {
    let named: Vec<&str> = call.body.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if named.iter().any(|name| *name != ALWAYS) {
        let text = "This server does not assess risks: the policy is all-applications, or none (an empty list), and \
                    applications ask for a second factor with acr_values.";
        return Err(Problem::RefusedAs("operation_not_supported", text.into()));
    }
    let always = !named.is_empty();
    let rev = change(&call, |settings| settings.always = always).await?;
    Ok(Answer::ok(call.body).at(rev))
}

/// Rewrites the settings, and gives the new revision.
async fn change(call: &Call, edit: impl Fn(&mut SecondFactors) + Sync) -> Result<i64, Problem> {
    let (_, rev) = rewrite(call, Kind::SecondFactors, "settings", |found| {
        let mut settings: SecondFactors =
            found.clone().map(serde_json::from_value).transpose().map_err(internal)?.unwrap_or_default();
        edit(&mut settings);
        if found.is_none() && settings == SecondFactors::default() {
            return Ok(None);
        }
        serde_json::to_value(settings).map(Some).map_err(internal)
    })
    .await?;
    Ok(rev)
}

async fn enrolments(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let found = call.store().authentication_methods(call.tenant(), &user.user_id).await.map_err(stored)?;
    let mut shown = Vec::new();
    for doc in found {
        let method: Value = read_stored(&doc)?;
        let name = match method.get("type").and_then(Value::as_str) {
            Some(TOTP) => "authenticator",
            Some(ROAMING) => ROAMING,
            Some(PLATFORM) => PLATFORM,
            _ => continue,
        };
        let mut enrolment = enrolment_of(&method);
        enrolment["type"] = name.into();
        enrolment["auth_method"] = name.into();
        shown.push(enrolment);
    }
    Ok(Answer::ok(shown.into()))
}

async fn enrolment(call: Call) -> Result<Answer, Problem> {
    let (_, doc) = found(&call).await?;
    Ok(Answer::ok(enrolment_of(&read_stored(&doc)?)))
}

async fn remove(call: Call) -> Result<Answer, Problem> {
    let (user_id, _) = found(&call).await?;
    let batch = call.store().delete_authentication_methods(call.tenant(), &user_id, Some(call.at("id")));
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}

/// Whose it is, and its document.
async fn found(call: &Call) -> Result<(String, String), Problem> {
    let found = call.store().authentication_method(call.tenant(), call.at("id")).await.map_err(stored)?;
    found.ok_or(Problem::NotFound(MISSING))
}

fn enrolment_of(method: &Value) -> Value {
    let confirmed = method.get("confirmed").and_then(Value::as_bool).unwrap_or(false);
    let mut shown = json!({
        "id": method.get("id"),
        "status": if confirmed { "confirmed" } else { "pending" },
    });
    for (member, name) in [
        ("name", "name"),
        ("phone_number", "phone_number"),
        ("created_at", "enrolled_at"),
        ("last_auth_at", "last_auth"),
    ] {
        if let Some(value) = method.get(member) {
            shown[name] = value.clone();
        }
    }
    shown
}
