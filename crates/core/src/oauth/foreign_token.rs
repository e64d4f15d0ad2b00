//! What a token of a server that is trusted has to say (RFC 7519, RFC 7523 section 3, and
//! draft-ietf-oauth-identity-assertion-authz-grant). Its signature is proven elsewhere.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::{ForeignUse, TrustedIssuer, UserName};

/// The grant type of assertions (RFC 7523, section 2.1).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// `typ` of identity assertions.
pub const IDENTITY_ASSERTION: &str = "oauth-id-jag+jwt";
/// Bytes of the longest token that is looked at.
pub const LONGEST_FOREIGN_TOKEN: usize = 8 << 10;
/// Seconds clocks may differ by.
pub const FOREIGN_SKEW: i64 = 30;
/// Seconds for which an assertion may be good: it is remembered as long, so that it is good once.
const LONGEST_ASSERTION: i64 = 3600;
/// Seconds since a subject token was made: what is older is no news of who is signed in.
const OLDEST_SUBJECT_TOKEN: i64 = 86_400;
const LONGEST_JTI: usize = 255;
const LONGEST_NAME: usize = 255;

/// The claims of such a token.
#[derive(Clone, Debug, Deserialize)]
pub struct ForeignClaims {
    /// Who made it.
    pub iss: String,
    /// For whom.
    aud: Audience,
    /// Seconds.
    #[serde(deserialize_with = "crate::numeric_date::required")]
    pub exp: i64,
    #[serde(default, deserialize_with = "crate::numeric_date::optional")]
    iat: Option<i64>,
    #[serde(default, deserialize_with = "crate::numeric_date::optional")]
    nbf: Option<i64>,
    /// Its own id.
    #[serde(default)]
    pub jti: Option<String>,
    /// The application that an identity assertion was made for.
    #[serde(default)]
    client_id: Option<String>,
    /// The API that an identity assertion is for: see [`ForeignClaims::resource`].
    #[serde(default)]
    resource: Option<Value>,
    /// What an identity assertion allows at most.
    #[serde(default)]
    pub scope: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// What the claims are held against.
#[derive(Clone, Copy, Debug)]
pub struct ForeignRules<'a> {
    /// Who is trusted.
    pub issuer: &'a TrustedIssuer,
    /// What for.
    pub wanted: ForeignUse<'a>,
    /// Who brings it.
    pub client_id: &'a str,
    /// This server, as an audience.
    pub own_audiences: [&'a str; 2],
    /// Seconds.
    pub now: i64,
}

/// Whom a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForeignUser<'a> {
    /// By the id here.
    Id(&'a str),
    /// By the id in the connection.
    Identity(&'a str),
    /// By an address that the other side has proven.
    Email(&'a str),
}

impl ForeignClaims {
    /// Reads the payload of a token whose signature holds.
    pub fn read(payload: &[u8]) -> Option<Self> {
        chancery_jose::read_object(payload).ok()
    }

    /// Judges everything but the signature, and says whom it names.
    ///
    /// # Errors
    /// Why it is not good here: for the log, since whoever brings it is told that it is not.
    pub fn judge<'a>(&'a self, rules: &ForeignRules<'_>) -> Result<ForeignUser<'a>, &'static str> {
        let ForeignRules { issuer, wanted, now, .. } = *rules;
        if self.iss != issuer.issuer {
            return Err("iss is another one");
        }
        if !issuer.lets(wanted, rules.client_id) {
            return Err("the application may not bring such tokens of this issuer");
        }
        if !self.is_meant_for(rules) {
            return Err("aud is somebody else");
        }
        self.is_timely(wanted, now)?;
        if wanted == ForeignUse::IdentityAssertion && self.client_id.as_deref() != Some(rules.client_id) {
            return Err("client_id is another application");
        }
        let is_assertion = !matches!(wanted, ForeignUse::Profile(_));
        let has_jti = self.jti.as_ref().is_some_and(|jti| !jti.is_empty() && jti.len() <= LONGEST_JTI);
        if is_assertion && !has_jti {
            return Err("jti is missing or too long");
        }
        if wanted == ForeignUse::IdentityAssertion {
            self.resource()?;
        }
        self.user(issuer)
    }

    /// The API that an identity assertion is for, where it says so. A list of one is that one; several are none that a token could be
    /// for, and to go by the request instead would be to leave out what its server said.
    ///
    /// # Errors
    /// Where it is anything else.
    pub fn resource(&self) -> Result<Option<&str>, &'static str> {
        let one = match &self.resource {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(all)) if all.len() == 1 => all.first(),
            other => other.as_ref(),
        };
        one.and_then(Value::as_str).map(Some).ok_or("resource is not one API")
    }

    fn is_meant_for(&self, rules: &ForeignRules<'_>) -> bool {
        let more: &[String] = match rules.wanted {
            ForeignUse::Profile(_) => &rules.issuer.audiences,
            // RFC 7523, section 3: an assertion is for the server that it is shown to.
            ForeignUse::Assertion | ForeignUse::IdentityAssertion => &[],
        };
        let fits = |aud: &String| rules.own_audiences.contains(&aud.as_str()) || more.contains(aud);
        match &self.aud {
            Audience::One(one) => fits(one),
            // One that is for several could be taken by any of them and shown here.
            Audience::Several(all) => match rules.wanted {
                ForeignUse::Profile(_) => all.iter().any(fits),
                _ => all.len() == 1 && all.iter().all(fits),
            },
        }
    }

    fn is_timely(&self, wanted: ForeignUse<'_>, now: i64) -> Result<(), &'static str> {
        if self.exp <= now.saturating_sub(FOREIGN_SKEW) {
            return Err("it has expired");
        }
        let from = [self.iat, self.nbf].into_iter().flatten().max();
        if from.is_some_and(|from| from > now.saturating_add(FOREIGN_SKEW)) {
            return Err("it is not good yet");
        }
        match wanted {
            ForeignUse::Profile(_) => match self.iat {
                Some(iat) if iat >= now.saturating_sub(OLDEST_SUBJECT_TOKEN) => Ok(()),
                _ => Err("iat is missing or a day ago"),
            },
            _ if self.exp > now.saturating_add(LONGEST_ASSERTION + FOREIGN_SKEW) => Err("exp is hours away"),
            _ => Ok(()),
        }
    }

    fn user(&self, issuer: &TrustedIssuer) -> Result<ForeignUser<'_>, &'static str> {
        let named = self.rest.get(&issuer.user.claim).and_then(Value::as_str);
        let named =
            named.filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains('\0'));
        let named = named.ok_or("the claim that names the user is not there")?;
        match issuer.user.kind {
            UserName::UserId => Ok(ForeignUser::Id(named)),
            UserName::Identity => Ok(ForeignUser::Identity(named)),
            UserName::Email if self.rest.get("email_verified") == Some(&Value::Bool(true)) => {
                Ok(ForeignUser::Email(named))
            }
            UserName::Email => Err("email_verified is not true"),
        }
    }

    /// Whether a second factor was shown to whoever made it (RFC 8176).
    pub fn says_second_factor(&self) -> bool {
        let amr = self.rest.get("amr").and_then(Value::as_array);
        amr.is_some_and(|methods| methods.iter().any(|method| method == "mfa"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::NamedUser;

    const OWN: [&str; 2] = ["https://acme.example/", "https://acme.example/oauth/token"];
    const NOW: i64 = 1_000_000;

    fn issuer() -> TrustedIssuer {
        TrustedIssuer {
            issuer: "https://idp.example".into(),
            audiences: vec!["legacy".into()],
            clients: vec!["app".into()],
            token_exchange_profiles: vec!["tep_1".into()],
            jwt_bearer: true,
            identity_assertions: true,
            ..TrustedIssuer::default()
        }
    }

    fn judged(change: Value, wanted: ForeignUse<'_>, issuer: &TrustedIssuer) -> Result<String, &'static str> {
        let mut claims = json!({
            "iss": "https://idp.example", "aud": OWN[0], "sub": "u1", "exp": NOW + 60, "iat": NOW, "jti": "j",
            "client_id": "app", "email": "a@b.example", "email_verified": true,
        });
        let Value::Object(change) = change else { panic!("an object: {change}") };
        for (name, value) in change {
            match value.is_null() {
                true => drop(claims.as_object_mut().unwrap().remove(&name)),
                false => claims[name] = value,
            }
        }
        let claims = ForeignClaims::read(claims.to_string().as_bytes()).ok_or("unreadable")?;
        let rules = ForeignRules { issuer, wanted, client_id: "app", own_audiences: OWN, now: NOW };
        claims.judge(&rules).map(|user| format!("{user:?}"))
    }

    const ALL: [ForeignUse<'static>; 3] =
        [ForeignUse::Profile("tep_1"), ForeignUse::Assertion, ForeignUse::IdentityAssertion];

    #[test]
    fn good() {
        for wanted in ALL {
            assert_eq!(judged(json!({}), wanted, &issuer()).as_deref(), Ok("Identity(\"u1\")"));
            assert!(judged(json!({"aud": [OWN[1]]}), wanted, &issuer()).is_ok());
            assert!(judged(json!({"resource": ["https://a.example"]}), wanted, &issuer()).is_ok());
        }
        assert!(judged(json!({"aud": "legacy"}), ALL[0], &issuer()).is_ok());
        assert!(
            judged(json!({"aud": ["x", "legacy"], "jti": null, "exp": NOW + 80_000}), ALL[0], &issuer())
                .is_ok()
        );
        assert!(judged(json!({"client_id": null}), ALL[1], &issuer()).is_ok());
        let by_mail = NamedUser { claim: "email".into(), kind: UserName::Email };
        let by_mail = TrustedIssuer { user: by_mail, ..issuer() };
        assert_eq!(judged(json!({}), ALL[0], &by_mail).as_deref(), Ok("Email(\"a@b.example\")"));
        for unproven in [
            json!({"email_verified": false}),
            json!({"email_verified": "true"}),
            json!({"email_verified": null}),
        ] {
            assert!(judged(unproven, ALL[0], &by_mail).is_err());
        }
    }

    #[test]
    fn bad_for_all() {
        for change in [
            json!({"iss": "https://idp.example/"}),
            json!({"iss": "https://evil.example"}),
            json!({"aud": "https://acme.example"}),
            json!({"aud": "https://other.example/"}),
            json!({"aud": []}),
            json!({"aud": null}),
            json!({"exp": NOW - 30}),
            json!({"exp": null}),
            json!({"exp": "1000060"}),
            json!({"iat": NOW + 31}),
            json!({"nbf": NOW + 31}),
            json!({"sub": null}),
            json!({"sub": ""}),
            json!({"sub": 1}),
            json!({"sub": "a\u{0}b"}),
            json!({"sub": "x".repeat(256)}),
        ] {
            for wanted in ALL {
                assert!(judged(change.clone(), wanted, &issuer()).is_err(), "{change} {wanted:?}");
            }
        }
    }

    #[test]
    fn bad_for_some() {
        for (change, wanted) in [
            (json!({"iat": null}), ALL[0]),
            (json!({"iat": NOW - 90_000}), ALL[0]),
            (json!({"aud": "legacy"}), ALL[1]),
            (json!({"aud": [OWN[0], "x"]}), ALL[1]),
            (json!({"exp": NOW + 4000}), ALL[1]),
            (json!({"jti": null}), ALL[1]),
            (json!({"jti": "x".repeat(300)}), ALL[2]),
            (json!({"client_id": "other"}), ALL[2]),
            (json!({"client_id": null}), ALL[2]),
            (json!({"resource": ["https://a.example", "https://b.example"]}), ALL[2]),
            (json!({"resource": []}), ALL[2]),
            (json!({"resource": [1]}), ALL[2]),
            (json!({"resource": {"a": 1}}), ALL[2]),
            (json!({}), ForeignUse::Profile("tep_2")),
        ] {
            assert!(judged(change.clone(), wanted, &issuer()).is_err(), "{change} {wanted:?}");
        }
        let nobody = TrustedIssuer { clients: vec!["other".into()], ..issuer() };
        let off = TrustedIssuer {
            jwt_bearer: false,
            identity_assertions: false,
            token_exchange_profiles: Vec::new(),
            ..issuer()
        };
        for wanted in ALL {
            assert!(judged(json!({}), wanted, &nobody).is_err());
            assert!(judged(json!({}), wanted, &off).is_err());
        }
    }
}
