//! `POST /oauth/token` as a type: after parsing nothing asks "is it there?" again (RFC 6749 section 4, RFC 7521).

use secrecy::SecretString;

use super::{ACCESS_TOKEN, CIBA, DEVICE_CODE, JWT_BEARER as ASSERTION, OAuthError, TOKEN_EXCHANGE};
use crate::params::Params;

/// A token request.
#[derive(Debug)]
pub struct TokenRequest {
    /// What is asked for.
    pub grant: Grant,
    /// What the body says of the client; the `Authorization` header is read beside it.
    pub client: ClientProof,
}

/// The grants served.
#[derive(Debug)]
pub enum Grant {
    /// RFC 6749 section 4.1.3 with RFC 7636.
    AuthorizationCode {
        /// The code.
        code: SecretString,
        /// Needed when it was sent to `/authorize`.
        redirect_uri: Option<String>,
        /// PKCE.
        code_verifier: Option<SecretString>,
        /// What the tokens are to be for (RFC 8707, section 2.2): nothing else than the code.
        resource: Vec<String>,
        /// Less than was granted (RFC 9396, section 6).
        authorization_details: Option<String>,
    },
    /// RFC 6749 section 4.4.
    ClientCredentials {
        /// Identifier of the API; the tenant may have a default.
        audience: Option<String>,
        /// Scopes asked for; absent means all of the client grant.
        scope: Option<String>,
        /// `org_...`.
        organization: Option<String>,
    },
    /// RFC 6749 section 6.
    RefreshToken {
        /// The refresh token.
        refresh_token: SecretString,
        /// Another API (multi-resource refresh tokens).
        audience: Option<String>,
        /// Fewer scopes.
        scope: Option<String>,
        /// Less than was granted (RFC 9396, section 6).
        authorization_details: Option<String>,
    },
    /// RFC 8628 section 3.4.
    DeviceCode {
        /// The device code.
        device_code: SecretString,
        /// As for [`Grant::AuthorizationCode`].
        resource: Vec<String>,
    },
    /// Goes on where the password grant asked for a second factor (fact sheet 6.3).
    SecondFactor {
        /// What the password grant answered with.
        mfa_token: SecretString,
        /// A time-based code, or a recovery code.
        code: SecretString,
        /// Which of them.
        is_recovery: bool,
    },
    /// RFC 8693: an access token for one of another API.
    TokenExchange {
        /// The token that was sent by somebody else.
        subject_token: SecretString,
        /// Identifier of the API.
        audience: String,
        /// Scopes asked for.
        scope: Option<String>,
    },
    /// An application asks whether its user answered (CIBA).
    Backchannel {
        /// What `/bc-authorize` gave it.
        auth_req_id: SecretString,
    },
    /// A code that was mailed.
    MailedCode {
        /// The address it was mailed to.
        username: String,
        /// The code.
        otp: SecretString,
        /// The connection.
        realm: String,
        /// Identifier of the API.
        audience: Option<String>,
        /// Scopes asked for.
        scope: Option<String>,
    },
    /// A passkey that the application asked for itself.
    Passkey {
        /// What `/passkey/challenge` or `/passkey/register` answered with.
        auth_session: SecretString,
        /// What the authenticator answered, as JSON.
        authn_response: String,
        /// The connection.
        realm: Option<String>,
        /// Identifier of the API.
        audience: Option<String>,
        /// Scopes asked for.
        scope: Option<String>,
    },
    /// RFC 8693 by a profile of the tenant's: tokens for one of somebody else's.
    ProfileExchange {
        /// The token.
        subject_token: SecretString,
        /// `subject_token_type`: the profile.
        kind: String,
        /// Identifier of the API.
        audience: Option<String>,
        /// Scopes asked for.
        scope: Option<String>,
    },
    /// RFC 7523 section 2.1.
    Assertion {
        /// The assertion.
        assertion: SecretString,
        /// Identifier of the API.
        audience: Option<String>,
        /// Scopes asked for.
        scope: Option<String>,
    },
    /// RFC 6749 section 4.3, and Auth0's `password-realm`.
    Password {
        /// Email address or user name.
        username: String,
        /// Password.
        password: SecretString,
        /// Connection; `Some` is the realm grant, `None` uses the tenant's default directory.
        realm: Option<String>,
        /// Identifier of the API.
        audience: Option<String>,
        /// Scopes asked for.
        scope: Option<String>,
    },
}

/// What a client presents of itself in a body.
#[derive(Debug, Default)]
pub struct ClientProof {
    /// `client_id`.
    pub client_id: Option<String>,
    /// `client_secret`.
    pub client_secret: Option<SecretString>,
    /// `client_assertion`, its type checked.
    pub assertion: Option<SecretString>,
}

/// Auth0's password grant with a realm.
pub const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
/// A code that was mailed.
pub const PASSWORDLESS_OTP: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";
/// A passkey that the application asked for itself.
pub const PASSKEY_GRANT: &str = "urn:okta:params:oauth:grant-type:webauthn";
/// A time-based code as second factor.
pub const MFA_OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
/// A recovery code as second factor.
pub const MFA_RECOVERY_CODE: &str = "http://auth0.com/oauth/grant-type/mfa-recovery-code";
const CLIENT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl TokenRequest {
    /// Reads the parameters. `hears_resource`: whether `resource` stands in for `audience` (RFC 8707).
    pub fn parse(params: &Params, hears_resource: bool) -> Result<Self, OAuthError> {
        if let Some(name) = params.repeated() {
            return Err(OAuthError::Repeated(name.to_owned()));
        }
        let client = ClientProof::parse(params)?;
        let grant = Grant::parse(params, hears_resource)?;
        // What is not looked at must not seem to be granted.
        let narrows = matches!(grant, Grant::AuthorizationCode { .. } | Grant::RefreshToken { .. });
        if params.has("authorization_details") && !narrows {
            let text = "authorization_details is allowed for user consent alone: ask /authorize for it";
            return Err(OAuthError::AuthorizationDetails(text.to_owned()));
        }
        Ok(Self { grant, client })
    }
}

impl Grant {
    fn parse(params: &Params, hears_resource: bool) -> Result<Self, OAuthError> {
        let scope = || params.get("scope").map(str::to_owned);
        let details = || params.get("authorization_details").map(str::to_owned);
        Ok(match required(params, "grant_type")? {
            "authorization_code" => Self::AuthorizationCode {
                code: required(params, "code")?.into(),
                redirect_uri: params.get("redirect_uri").map(str::to_owned),
                code_verifier: params.get("code_verifier").map(SecretString::from),
                resource: resources(params, hears_resource),
                authorization_details: details(),
            },
            "client_credentials" => Self::ClientCredentials {
                audience: one_audience(params, hears_resource)?,
                scope: scope(),
                organization: params.get("organization").map(str::to_owned),
            },
            "refresh_token" => Self::RefreshToken {
                refresh_token: required(params, "refresh_token")?.into(),
                audience: one_audience(params, hears_resource)?,
                scope: scope(),
                authorization_details: details(),
            },
            DEVICE_CODE => Self::DeviceCode {
                device_code: required(params, "device_code")?.into(),
                resource: resources(params, hears_resource),
            },
            MFA_OTP => Self::SecondFactor {
                mfa_token: required(params, "mfa_token")?.into(),
                code: required(params, "otp")?.into(),
                is_recovery: false,
            },
            MFA_RECOVERY_CODE => Self::SecondFactor {
                mfa_token: required(params, "mfa_token")?.into(),
                code: required(params, "recovery_code")?.into(),
                is_recovery: true,
            },
            TOKEN_EXCHANGE => Self::token_exchange(params, hears_resource)?,
            CIBA => Self::Backchannel { auth_req_id: required(params, "auth_req_id")?.into() },
            PASSWORDLESS_OTP => Self::MailedCode {
                username: required(params, "username")?.to_owned(),
                otp: required(params, "otp")?.into(),
                realm: required(params, "realm")?.to_owned(),
                audience: one_audience(params, hears_resource)?,
                scope: scope(),
            },
            PASSKEY_GRANT => Self::passkey(params, one_audience(params, hears_resource)?)?,
            ASSERTION => Self::Assertion {
                assertion: required(params, "assertion")?.into(),
                audience: one_audience(params, hears_resource)?,
                scope: scope(),
            },
            "password" => Self::password(params, None, one_audience(params, hears_resource)?)?,
            PASSWORD_REALM => {
                let realm = required(params, "realm")?.to_owned();
                Self::password(params, Some(realm), one_audience(params, hears_resource)?)?
            }
            other => return Err(OAuthError::UnsupportedGrant(other.chars().take(200).collect())),
        })
    }

    fn token_exchange(params: &Params, hears_resource: bool) -> Result<Self, OAuthError> {
        let subject_token = required(params, "subject_token")?;
        let kind = required(params, "subject_token_type")?;
        // Names of the standards' own mean what they mean, and no profile has one.
        if kind != ACCESS_TOKEN && kind.to_ascii_lowercase().starts_with("urn:ietf:") {
            return Err(OAuthError::unsupported_subject_token(kind));
        }
        if params.get("requested_token_type").is_some_and(|wanted| wanted != ACCESS_TOKEN) {
            return Err(OAuthError::Invalid(format!("requested_token_type must be {ACCESS_TOKEN}")));
        }
        // The client is the actor: to leave another one out of the token would be to hide them.
        if params.get("actor_token").is_some() || params.get("actor_token_type").is_some() {
            return Err(OAuthError::Invalid(
                "actor_token is not supported for this subject_token_type".into(),
            ));
        }
        if kind != ACCESS_TOKEN {
            if params.get("organization").is_some() {
                let text = "organization is not supported for this subject_token_type";
                return Err(OAuthError::Invalid(text.to_owned()));
            }
            return Ok(Self::ProfileExchange {
                subject_token: subject_token.into(),
                kind: kind.to_owned(),
                audience: one_audience(params, hears_resource)?,
                scope: params.get("scope").map(str::to_owned),
            });
        }
        Ok(Self::TokenExchange {
            subject_token: subject_token.into(),
            audience: one_audience(params, hears_resource)?.ok_or(OAuthError::Missing("audience"))?,
            scope: params.get("scope").map(str::to_owned),
        })
    }

    fn passkey(params: &Params, audience: Option<String>) -> Result<Self, OAuthError> {
        if params.get("organization").is_some() {
            return Err(OAuthError::Invalid("organization is not supported by this grant".to_owned()));
        }
        Ok(Self::Passkey {
            auth_session: required(params, "auth_session")?.into(),
            authn_response: required(params, "authn_response")?.to_owned(),
            realm: params.get("realm").map(str::to_owned),
            audience,
            scope: params.get("scope").map(str::to_owned),
        })
    }

    fn password(
        params: &Params,
        realm: Option<String>,
        audience: Option<String>,
    ) -> Result<Self, OAuthError> {
        Ok(Self::Password {
            username: required(params, "username")?.to_owned(),
            password: required(params, "password")?.into(),
            realm,
            audience,
            scope: params.get("scope").map(str::to_owned),
        })
    }

    /// The value of `grant_type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AuthorizationCode { .. } => "authorization_code",
            Self::ClientCredentials { .. } => "client_credentials",
            Self::RefreshToken { .. } => "refresh_token",
            Self::DeviceCode { .. } => DEVICE_CODE,
            Self::SecondFactor { is_recovery: false, .. } => MFA_OTP,
            Self::SecondFactor { is_recovery: true, .. } => MFA_RECOVERY_CODE,
            Self::TokenExchange { .. } | Self::ProfileExchange { .. } => TOKEN_EXCHANGE,
            Self::MailedCode { .. } => PASSWORDLESS_OTP,
            Self::Passkey { .. } => PASSKEY_GRANT,
            Self::Backchannel { .. } => CIBA,
            Self::Assertion { .. } => ASSERTION,
            Self::Password { realm: None, .. } => "password",
            Self::Password { realm: Some(_), .. } => PASSWORD_REALM,
        }
    }
}

impl ClientProof {
    /// Reads `client_id`, `client_secret` and `client_assertion`; also used by `/oauth/revoke`.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        let assertion = params.get("client_assertion");
        match (assertion, params.get("client_assertion_type")) {
            (None, None) | (Some(_), Some(CLIENT_ASSERTION)) => {}
            (Some(_), Some(_)) => {
                return Err(OAuthError::Invalid(format!("client_assertion_type must be {CLIENT_ASSERTION}")));
            }
            (Some(_), None) => return Err(OAuthError::Missing("client_assertion_type")),
            (None, Some(_)) => return Err(OAuthError::Missing("client_assertion")),
        }
        Ok(Self {
            client_id: params.get("client_id").map(str::to_owned),
            client_secret: params.get("client_secret").map(SecretString::from),
            assertion: assertion.map(SecretString::from),
        })
    }
}

fn required<'a>(params: &'a Params, name: &'static str) -> Result<&'a str, OAuthError> {
    params.get(name).ok_or(OAuthError::Missing(name))
}

/// What a code may be narrowed to. `audience` has never meant anything here, and applications send it.
fn resources(params: &Params, hears_resource: bool) -> Vec<String> {
    params.all("resource").filter(|_| hears_resource).map(str::to_owned).collect()
}

/// `audience`, else `resource`; a machine or refresh token is for one API (fact sheet 2.4).
fn one_audience(params: &Params, hears_resource: bool) -> Result<Option<String>, OAuthError> {
    let name = if params.get("audience").is_some() || !hears_resource { "audience" } else { "resource" };
    let mut values = params.all(name);
    let first = values.next();
    if values.any(|v| Some(v) != first) {
        let text = format!("Only one {name} can be asked for here");
        return Err(if name == "resource" {
            OAuthError::InvalidTarget(text)
        } else {
            OAuthError::Invalid(text)
        });
    }
    Ok(first.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(form: &str) -> Result<TokenRequest, OAuthError> {
        TokenRequest::parse(&Params::from_form(form.as_bytes()).unwrap(), true)
    }

    #[test]
    fn what_is_missing_is_named() {
        for (form, name) in [
            ("", "grant_type"),
            ("grant_type=", "grant_type"),
            ("grant_type=authorization_code", "code"),
            ("grant_type=refresh_token", "refresh_token"),
            ("grant_type=urn:ietf:params:oauth:grant-type:device_code", "device_code"),
            ("grant_type=http://auth0.com/oauth/grant-type/mfa-otp&otp=1", "mfa_token"),
            ("grant_type=http://auth0.com/oauth/grant-type/mfa-otp&mfa_token=1", "otp"),
            ("grant_type=http://auth0.com/oauth/grant-type/mfa-recovery-code&mfa_token=1", "recovery_code"),
            ("grant_type=urn:ietf:params:oauth:grant-type:token-exchange", "subject_token"),
            (
                "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=x",
                "subject_token_type",
            ),
            ("grant_type=password&username=x", "password"),
            ("grant_type=http://auth0.com/oauth/grant-type/password-realm&username=x&password=y", "realm"),
            ("grant_type=client_credentials&client_assertion=x", "client_assertion_type"),
        ] {
            assert_eq!(parse(form).err(), Some(OAuthError::Missing(name)), "{form}");
        }
        assert_eq!(parse("grant_type=x").err(), Some(OAuthError::UnsupportedGrant("x".into())));
        assert_eq!(parse("grant_type=a&grant_type=a").err(), Some(OAuthError::Repeated("grant_type".into())));
    }

    #[test]
    fn resource_stands_in_for_audience() {
        let audience = |form: &str| match parse(form).unwrap().grant {
            Grant::ClientCredentials { audience, .. } => audience,
            other => panic!("{other:?}"),
        };
        assert_eq!(audience("grant_type=client_credentials&resource=r"), Some("r".into()));
        assert_eq!(audience("grant_type=client_credentials&resource=r&audience=a"), Some("a".into()));
        assert!(parse("grant_type=client_credentials&resource=r&resource=s").is_err());
    }

    #[test]
    fn exchanges() {
        let start = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=hush&subject_token_type=";
        let good = format!("{start}{ACCESS_TOKEN}&audience=a");
        assert!(!format!("{:?}", parse(&good).unwrap()).contains("hush"));
        parse(&format!("{good}&requested_token_type={ACCESS_TOKEN}")).unwrap();
        let code = |form: String| parse(&form).unwrap_err().code();
        assert_eq!(parse(&format!("{start}{ACCESS_TOKEN}")).err(), Some(OAuthError::Missing("audience")));
        for more in ["&actor_token=x", "&actor_token_type=x", "&requested_token_type=x", "&audience=b"] {
            assert_eq!(code(format!("{good}{more}")), "invalid_request", "{more}");
        }
        assert_eq!(
            code(format!("{start}urn:ietf:params:oauth:token-type:jwt&audience=a")),
            "invalid_request"
        );
        assert_eq!(code(format!("{start}urn:acme:legacy&actor_token=x")), "invalid_request");
        assert_eq!(code(format!("{start}urn:acme:legacy&organization=x")), "invalid_request");
        let by_profile = parse(&format!("{start}urn:acme:legacy&audience=a")).unwrap();
        assert!(
            matches!(&by_profile.grant, Grant::ProfileExchange { kind, .. } if kind == "urn:acme:legacy")
        );
        assert!(!format!("{by_profile:?}").contains("hush"));
        let start = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer";
        assert_eq!(parse(start).err(), Some(OAuthError::Missing("assertion")));
        assert!(!format!("{:?}", parse(&format!("{start}&assertion=hush")).unwrap()).contains("hush"));
    }

    #[test]
    fn secrets_do_not_show() {
        let shown = format!(
            "{:?}",
            parse("grant_type=password&username=u&password=hush&client_secret=hush").unwrap()
        );
        assert!(!shown.contains("hush"), "{shown}");
    }
}
