//! What a SAML identity provider says of itself: the metadata in `metadataXml`, or at `metadataUrl`, says what the connection
//! does not say itself (`signInEndpoint`, `signOutEndpoint`, `signingCert`).

use chancery_core::model::Connection;
use chancery_core::problem::Problem;
use chancery_core::saml::{Binding, SamlProvider};
use chancery_jose::{Certificate, pem};
use chancery_web::Ask;
use serde_json::{Map, Value};

use crate::call::Call;

/// Reads the metadata that a connection has or names. Metadata in the connection has to be right. Where there is none to be
/// had at its address, what was read before stands, and a connection that says itself where users sign in and by whose
/// certificate does without.
///
/// # Errors
/// The metadata cannot be had, or is none, or leaves something open that nothing else says.
pub(super) async fn complete(
    call: &Call,
    connection: &mut Connection,
    before: Option<&Connection>,
) -> Result<(), Problem> {
    if connection.strategy != "samlp" {
        return Ok(());
    }
    let options = &mut connection.options;
    if let Some(xml) = text(options, "metadataXml") {
        let found = SamlProvider::read(xml).map_err(|error| error.to_string());
        return found.and_then(|found| fill(options, &found)).map_err(|why| refused("metadataXml", &why));
    }
    let Some(url) = text(options, "metadataUrl").map(str::to_owned) else { return Ok(()) };
    if let Some(part) = &call.staged {
        part.count_asked()?;
    }
    let Err(why) = fetched(call, &url).await.and_then(|found| fill(options, &found)) else { return Ok(()) };
    // A provider that is out of reach for a moment is still the same one.
    let earlier = before.map(|before| &before.options);
    if let Some(earlier) = earlier.filter(|earlier| text(earlier, "metadataUrl") == Some(&url)) {
        for name in SAID {
            if text(options, name).is_none()
                && let Some(known) = earlier.get(name)
            {
                options.insert(name.to_owned(), known.clone());
            }
        }
    }
    if NEEDED.iter().all(|name| text(options, name).is_some()) {
        return Ok(());
    }
    Err(refused("metadataUrl", &why))
}

/// Members of the settings that the metadata says where they are not set.
const SAID: [&str; 4] = [SIGN_IN, "signOutEndpoint", CERTIFICATE, BINDING];
const SIGN_IN: &str = "signInEndpoint";
const CERTIFICATE: &str = "signingCert";
const BINDING: &str = "protocolBinding";
/// Without these nobody can sign in.
const NEEDED: [&str; 2] = [SIGN_IN, CERTIFICATE];

fn text<'a>(options: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    options.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

async fn fetched(call: &Call, url: &str) -> Result<SamlProvider, String> {
    let accept = "application/samlmetadata+xml, application/xml, text/xml";
    let ask = Ask { accept, ..Ask::json(url, SamlProvider::LONGEST) };
    let reply = call.ctx.app.fetcher.ask(ask).await.and_then(chancery_web::Reply::document);
    let bytes = reply.map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    SamlProvider::read(text).map_err(|error| error.to_string())
}

/// Says what is not said yet. Changes nothing where something would stay open.
fn fill(options: &mut Map<String, Value>, found: &SamlProvider) -> Result<(), String> {
    let wanted = text(options, BINDING).and_then(Binding::read);
    let mut new: Vec<(&str, String)> = Vec::new();
    if text(options, SIGN_IN).is_none() {
        let sign_in =
            found.sign_in_by(wanted).ok_or("it names no address to sign in at by redirect or form")?;
        new.push((SIGN_IN, sign_in.location.clone()));
        // What is not said means the redirect.
        if wanted.is_none() && sign_in.binding == Binding::Post {
            new.push((BINDING, sign_in.binding.urn().to_owned()));
        }
    }
    if text(options, "signOutEndpoint").is_none()
        && let Some(sign_out) = found.sign_out_by(wanted)
    {
        new.push(("signOutEndpoint", sign_out.location.clone()));
    }
    if text(options, CERTIFICATE).is_none() {
        let readable = found.certificates.iter().map(|der| pem("CERTIFICATE", der));
        let mut readable = readable.filter(|text| Certificate::from_pem(text).is_some());
        new.push((CERTIFICATE, readable.next().ok_or("it has no certificate of a key that signs")?));
    }
    options.extend(new.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    Ok(())
}

fn refused(member: &str, why: &str) -> Problem {
    Problem::refused(format!(
        "The metadata of the provider in options.{member} could not be read: {why}. Leave it out, and set \
         options.signInEndpoint and options.signingCert, to do without it."
    ))
}
