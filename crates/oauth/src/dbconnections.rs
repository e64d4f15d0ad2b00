//! `/dbconnections/*`: sign-up and password change by API (fact sheet 9.4 and 9.5). Their error envelope is their own.

use axum::response::{IntoResponse, Response};
use chancery_connect::password_policy::strength_error;
use chancery_core::model::{Client, Connection, User};
use chancery_core::oauth::OAuthError;
use chancery_core::params::Params;
use chancery_web::{Ctx, Failure, Form, Profile, ResetLink, SignUp, SignUpForm, Unfit, html, json};
use http::StatusCode;
use serde_json::{Value, json};

use crate::profile;

/// `POST /dbconnections/signup`.
pub(crate) async fn signup(ctx: Ctx, Form(params): Form) -> Result<Response, Failure> {
    let connection = match connection(&ctx, &params) {
        Ok(connection) => connection,
        Err(refusal) => return Ok(*refusal),
    };
    let Some(password) = params.get("password") else { return Ok(bad_request("password is required")) };
    let Some(email) = params.get("email") else { return Ok(bad_request("email is required")) };
    let profile = match profile::read(&params) {
        Ok(profile) => profile,
        Err(why) => return Ok(bad_request(&why)),
    };
    let said = profile.clone();
    let form = SignUpForm { email, username: params.get("username"), password: password.into(), profile };
    Ok(match ctx.sign_up(connection, form).await? {
        SignUp::Created(user) => json(StatusCode::OK, &created(&user, &said)),
        SignUp::Exists if says_that_accounts_exist(&ctx) => {
            refused("user_exists", "The user already exists.")
        }
        SignUp::Exists => refused("invalid_signup", "Invalid sign up"),
        SignUp::Unfit(unfit) => unusable(&unfit),
        SignUp::BadEmail => bad_request("email is not a valid email address"),
        SignUp::BadUsername => bad_request("username is missing or not valid"),
        SignUp::Closed => refused("public_signup_disabled", "Public signup is disabled"),
        SignUp::TooMany(wait) => return Err(wait.into()),
    })
}

/// `POST /dbconnections/change_password`: the same answer for everybody (security case 14).
pub(crate) async fn change_password(ctx: Ctx, Form(params): Form) -> Result<Response, Failure> {
    let connection = match connection(&ctx, &params) {
        Ok(connection) => connection,
        Err(refusal) => return Ok(*refusal),
    };
    let Some(email) = params.get("email") else { return Ok(bad_request("email is required")) };
    match ctx.mail_reset_link(connection, email, params.get("client_id")).await? {
        ResetLink::Taken => Ok(html(StatusCode::OK, "We've just sent you an email to reset your password.")),
        ResetLink::TooMany(wait) => Err(wait.into()),
    }
}

fn connection<'a>(ctx: &'a Ctx, params: &Params) -> Result<&'a Connection, Box<Response>> {
    if let Some(name) = params.repeated() {
        return Err(Box::new(Failure::from(OAuthError::Repeated(name.to_owned())).into_response()));
    }
    let name = params.get("connection").ok_or_else(|| Box::new(bad_request("connection is required")))?;
    let connection = ctx.tenant.connection_by_name(name).filter(|c| c.strategy == "auth0");
    let through =
        |c: &Connection, client: &Client| c.serves(&client.client_id) && !client.is_strict_third_party();
    let connection = match params.get("client_id") {
        // Optional on the wire; it must not open what no application would.
        None => connection.filter(|c| ctx.tenant.clients().any(|client| through(c, client))),
        Some(id) => connection.filter(|c| ctx.tenant.client(id).is_some_and(|client| through(c, client))),
    };
    connection.map(AsRef::as_ref).ok_or_else(|| Box::new(unknown_connection()))
}

/// The members that were sent, beside the id.
fn created(user: &User, said: &Profile) -> Value {
    let id = user.identities.first().map(|i| i.user_id.as_str()).unwrap_or_default();
    let mut body = json!({ "_id": id });
    if let Some(email) = &user.email {
        body["email"] = email.as_str().into();
        body["email_verified"] = user.email_verified.unwrap_or(false).into();
    }
    if let Some(username) = &user.username {
        body["username"] = username.as_str().into();
    }
    for (name, text) in [
        ("given_name", &said.given_name),
        ("family_name", &said.family_name),
        ("name", &said.name),
        ("nickname", &said.nickname),
        ("picture", &said.picture),
    ] {
        if let Some(text) = text {
            body[name] = text.as_str().into();
        }
    }
    if !said.user_metadata.is_empty() {
        body["user_metadata"] = said.user_metadata.clone().into();
    }
    body
}

fn says_that_accounts_exist(ctx: &Ctx) -> bool {
    ctx.tenant.settings.flags.enable_public_signup_user_exists_error.unwrap_or(false)
}

fn refused(code: &str, description: &str) -> Response {
    envelope(
        &json!({ "name": "BadRequestError", "code": code, "description": description, "statusCode": 400 }),
    )
}

fn bad_request(text: &str) -> Response {
    envelope(&json!({
        "name": "BadRequestError", "code": "invalid_request", "error": text, "description": text, "statusCode": 400
    }))
}

fn unknown_connection() -> Response {
    envelope(&json!({
        "name": "NotFoundError", "code": "invalid_connection", "error": "connection not found",
        "description": "The connection does not exist or is not enabled for the application", "statusCode": 400
    }))
}

fn unusable(unfit: &Unfit) -> Response {
    let (name, message, description) = match unfit {
        Unfit::Weak(rules) => return envelope(&strength_error(rules)),
        Unfit::TooLong => return refused("invalid_password", "The password is too long"),
        Unfit::OwnName => (
            "PasswordNoUserInfoError",
            "Password contains user information",
            "The password must not contain the name or the email address",
        ),
        Unfit::Common => {
            ("PasswordDictionaryError", "Password is too common", "The password is one that many people use")
        }
        Unfit::Leaked => {
            return refused("password_leaked", "The password is on a list of breached passwords");
        }
        Unfit::Used(_) => (
            "PasswordHistoryError",
            "Password has previously been used",
            "The password is one of the last that the user had",
        ),
    };
    envelope(&json!({
        "name": name, "code": "invalid_password", "message": message, "description": description, "statusCode": 400
    }))
}

fn envelope(body: &Value) -> Response {
    json(StatusCode::BAD_REQUEST, body)
}
