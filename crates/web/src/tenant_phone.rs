//! Messages to telephones of a tenant: by the tenant's own provider and in the tenant's own words.

use chancery_core::liquid::{Budget, Liquid, Writing};
use chancery_core::phone::{DeliveryMethod, PhoneError, PhoneMessage, TwilioAccount};
use chancery_store::Kind;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::Ctx;
use crate::tenant_mail::with_tenant;

/// Bytes of the longest text of a message: as many characters as Twilio takes, if each of them is one.
const MOST_TEXT: usize = 1600;
/// Bytes of the longest text that is read out.
const MOST_SPOKEN: usize = 3000;
/// How many bytes a template may look at and make.
const BUDGET: usize = 256 << 10;

/// Why a tenant's message does not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneTrouble {
    /// The provider is an Action, and this server runs none.
    #[error(
        "the provider is a custom one, whose messages are sent by an Action, and this server runs no Actions"
    )]
    Custom,
    /// The provider was not made for this.
    #[error("the provider has no delivery method \"{0}\"")]
    Method(&'static str),
    /// The secret of the provider cannot be had.
    #[error("the provider has no auth_token that can be read")]
    NoSecret,
    /// The template cannot be read, or asks for too much.
    #[error("the template cannot be rendered: {0}")]
    Template(String),
    /// It was not taken.
    #[error(transparent)]
    Carrier(#[from] PhoneError),
}

/// The provider of a tenant, with its secret.
#[derive(Debug)]
pub struct PhoneProvider {
    account: TwilioAccount,
    methods: Vec<DeliveryMethod>,
}

impl PhoneProvider {
    /// Reads the stored document.
    ///
    /// # Errors
    /// [`PhoneTrouble::Custom`] and [`PhoneTrouble::NoSecret`].
    pub fn of(ctx: &Ctx, document: &Value) -> Result<Self, PhoneTrouble> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("name") != Some("twilio") {
            return Err(PhoneTrouble::Custom);
        }
        let configuration = |name: &str| document.get("configuration").and_then(|all| all.get(name));
        let said = |name: &str| {
            configuration(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let methods = configuration("delivery_methods").and_then(Value::as_array).into_iter().flatten();
        let account = TwilioAccount {
            sid: said("sid").unwrap_or_default(),
            auth_token: secret(ctx, document).ok_or(PhoneTrouble::NoSecret)?,
            default_from: said("default_from"),
            messaging_service: said("mssid"),
        };
        let methods = methods.filter_map(|name| DeliveryMethod::read(name.as_str()?)).collect();
        Ok(Self { account, methods })
    }

    /// The method that is asked for, or else the provider's first.
    ///
    /// # Errors
    /// [`PhoneTrouble::Method`].
    pub fn method(&self, wanted: Option<DeliveryMethod>) -> Result<DeliveryMethod, PhoneTrouble> {
        let method = wanted.or_else(|| self.methods.first().copied()).unwrap_or(DeliveryMethod::Text);
        if self.methods.contains(&method) { Ok(method) } else { Err(PhoneTrouble::Method(method.name())) }
    }
}

fn secret(ctx: &Ctx, document: &Value) -> Option<SecretString> {
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let (id, sealed) = (text("id")?, text("sealed")?);
    match ctx.app.store.open_setting(&ctx.tenant.tenant, Kind::PhoneProvider, id, sealed) {
        Ok(opened) => {
            let secrets: Value = serde_json::from_str(&opened).ok()?;
            Some(SecretString::from(secrets.get("auth_token")?.as_str()?))
        }
        Err(error) => {
            tracing::error!("the secret of the tenant's phone provider cannot be read: {error}");
            None
        }
    }
}

impl Ctx {
    /// Hands a message to the tenant's provider.
    ///
    /// # Errors
    /// [`PhoneTrouble::Method`] and [`PhoneTrouble::Carrier`].
    pub async fn send_to_phone(
        &self,
        provider: &PhoneProvider,
        message: &PhoneMessage,
    ) -> Result<(), PhoneTrouble> {
        provider.method(Some(message.method))?;
        Ok(self.app.telephone.deliver(&provider.account, message).await?)
    }

    /// What a stored template says to somebody; `given` is what it may speak of beside the tenant.
    ///
    /// # Errors
    /// [`PhoneTrouble::Template`].
    pub fn phone_message(
        &self,
        template: &Value,
        (to, method): (&str, DeliveryMethod),
        given: Map<String, Value>,
    ) -> Result<PhoneMessage, PhoneTrouble> {
        let said =
            |path: &str| template.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (body, most) = match method {
            DeliveryMethod::Text => ("/content/body/text", MOST_TEXT),
            DeliveryMethod::Voice => ("/content/body/voice", MOST_SPOKEN),
        };
        let body =
            said(body).ok_or_else(|| PhoneTrouble::Template(format!("it has no {}", method.name())))?;
        let read = Liquid::parse(body).map_err(|error| PhoneTrouble::Template(error.to_string()))?;
        let values = Value::Object(with_tenant(&self.tenant, given));
        let text = read.render(&values, Writing::Plain, most, &mut Budget::new(BUDGET));
        let text = text.map_err(|spent| PhoneTrouble::Template(spent.to_string()))?;
        let from = said("/content/from").map(str::to_owned);
        Ok(PhoneMessage { to: to.to_owned(), method, text, from })
    }
}
