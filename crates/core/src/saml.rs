//! What a SAML identity provider says of itself: the metadata of SAML 2.0 (OASIS saml-metadata-2.0-os), as far as a
//! connection needs it. Somebody else wrote the document, so that there are no document types, no entities but those of
//! XML itself, and bounds for depth and number of everything. Signatures of metadata are not looked at: who says where it
//! is answers for it.

use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

/// An identity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SamlProvider {
    /// Who it is.
    pub entity_id: String,
    /// Where users are sent to sign in.
    pub sign_in: Vec<Endpoint>,
    /// Where users are sent to sign out.
    pub sign_out: Vec<Endpoint>,
    /// Certificates of the keys that it signs with (DER), in its own order.
    pub certificates: Vec<Vec<u8>>,
}

/// An address, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How.
    pub binding: Binding,
    /// An `http` or `https` URL.
    pub location: String,
}

/// Bindings by which a browser carries a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// In the query of a redirect.
    Redirect,
    /// In a form.
    Post,
}

impl Binding {
    /// As SAML calls it.
    pub fn urn(self) -> &'static str {
        match self {
            Self::Redirect => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
            Self::Post => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        }
    }

    /// The binding that SAML calls so.
    pub fn read(urn: &str) -> Option<Self> {
        [Self::Redirect, Self::Post].into_iter().find(|binding| binding.urn() == urn)
    }
}

/// Why a text is not the metadata of one identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamlError {
    /// Not well-formed.
    #[error("it is not well-formed XML")]
    Malformed,
    /// Nobody needs one, and much harm is done with them.
    #[error("it has a document type or entities, which are not read")]
    DocumentType,
    /// More than a provider says.
    #[error("it is too large or too deep")]
    TooLarge,
    /// Some other document.
    #[error("it is not SAML 2.0 metadata")]
    NotMetadata,
    /// Applications, perhaps.
    #[error("it names no identity provider of SAML 2.0")]
    NoProvider,
    /// A federation.
    #[error("it names several identity providers")]
    Several,
}

impl SamlProvider {
    /// Bytes of the longest document that is read.
    pub const LONGEST: usize = 256 << 10;

    /// Reads the metadata of one identity provider.
    ///
    /// # Errors
    /// See [`SamlError`].
    pub fn read(text: &str) -> Result<Self, SamlError> {
        if text.len() > Self::LONGEST {
            return Err(SamlError::TooLarge);
        }
        let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_end_names = true;
        let mut walk = Walk::default();
        for _ in 0..MOST_EVENTS {
            let (namespace, event) = reader.read_resolved_event().map_err(|_| SamlError::Malformed)?;
            if walk.step(&namespace, event)?.is_break() {
                return walk.finish();
            }
        }
        Err(SamlError::TooLarge)
    }

    /// Where users sign in: by the binding that is wanted, or else by redirect rather than by form.
    pub fn sign_in_by(&self, wanted: Option<Binding>) -> Option<&Endpoint> {
        by(&self.sign_in, wanted)
    }

    /// Where users sign out; as [`SamlProvider::sign_in_by`].
    pub fn sign_out_by(&self, wanted: Option<Binding>) -> Option<&Endpoint> {
        by(&self.sign_out, wanted)
    }
}

fn by(endpoints: &[Endpoint], wanted: Option<Binding>) -> Option<&Endpoint> {
    let mut order = wanted.into_iter().chain([Binding::Redirect, Binding::Post]);
    order.find_map(|binding| endpoints.iter().find(|endpoint| endpoint.binding == binding))
}

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const MOST_EVENTS: usize = 20_000;
const MOST_DEPTH: usize = 32;
const MOST_ATTRIBUTES: usize = 64;
/// Endpoints of a kind, and certificates.
const MOST_ITEMS: usize = 16;
const MOST_LOCATION: usize = 2048;

/// Where in the document we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Entities,
    Entity,
    Provider,
    SigningKey,
    KeyInfo,
    X509Data,
    Certificate,
    Elsewhere,
}

#[derive(Default)]
struct Walk {
    places: Vec<Place>,
    /// Of the entity we are in.
    entity_id: String,
    found: Option<SamlProvider>,
    /// The text of the certificate we are in.
    certificate: String,
    /// The root was read.
    is_over: bool,
}

impl Walk {
    fn step(
        &mut self,
        namespace: &ResolveResult<'_>,
        event: Event<'_>,
    ) -> Result<ControlFlow<()>, SamlError> {
        match event {
            Event::Start(start) => self.enter(namespace, &start)?,
            Event::End(_) => self.leave()?,
            Event::Text(text) if self.places.is_empty() => {
                if !text.xml10_content().trim().is_empty() {
                    return Err(SamlError::Malformed);
                }
            }
            Event::Text(text) => self.say(&text.xml10_content()),
            Event::CData(text) => self.say(&text.xml10_content()),
            // Entities of XML itself and numbers alone; nothing that is read as text here has any.
            Event::GeneralRef(name) => {
                let name = name.xml10_content();
                if !name.starts_with('#') && !["amp", "lt", "gt", "quot", "apos"].contains(&&*name) {
                    return Err(SamlError::DocumentType);
                }
                self.say("&");
            }
            Event::DocType(_) => return Err(SamlError::DocumentType),
            Event::Eof => return Ok(ControlFlow::Break(())),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn enter(&mut self, namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> Result<(), SamlError> {
        if self.places.len() >= MOST_DEPTH {
            return Err(SamlError::TooLarge);
        }
        let attributes = Attributes::of(start)?;
        let local = start.local_name();
        let name = match namespace {
            ResolveResult::Bound(Namespace(METADATA)) => (true, local.as_ref()),
            ResolveResult::Bound(Namespace(SIGNATURE)) => (false, local.as_ref()),
            _ => (false, ""),
        };
        let place = match (self.places.last(), name) {
            (None, _) if self.is_over => return Err(SamlError::Malformed),
            (None | Some(Place::Entities), (true, "EntitiesDescriptor")) => Place::Entities,
            (None | Some(Place::Entities), (true, "EntityDescriptor")) => {
                self.entity_id = attributes.value("entityID").unwrap_or_default();
                Place::Entity
            }
            (None, _) => return Err(SamlError::NotMetadata),
            (Some(Place::Entity), (true, "IDPSSODescriptor")) => self.provider(&attributes)?,
            (Some(Place::Provider), (true, "KeyDescriptor")) => {
                // Without a word it is for both.
                match attributes.value("use").as_deref() {
                    None | Some("signing") => Place::SigningKey,
                    Some(_) => Place::Elsewhere,
                }
            }
            (Some(Place::Provider), (true, service @ ("SingleSignOnService" | "SingleLogoutService"))) => {
                self.endpoint(service == "SingleSignOnService", &attributes);
                Place::Elsewhere
            }
            (Some(Place::SigningKey), (false, "KeyInfo")) => Place::KeyInfo,
            (Some(Place::KeyInfo), (false, "X509Data")) => Place::X509Data,
            (Some(Place::X509Data), (false, "X509Certificate")) => {
                self.certificate.clear();
                Place::Certificate
            }
            _ => Place::Elsewhere,
        };
        self.places.push(place);
        Ok(())
    }

    fn provider(&mut self, attributes: &Attributes) -> Result<Place, SamlError> {
        let protocols = attributes.value("protocolSupportEnumeration").unwrap_or_default();
        if !protocols.split_whitespace().any(|protocol| protocol == PROTOCOL) {
            return Ok(Place::Elsewhere);
        }
        if self.found.is_some() {
            return Err(SamlError::Several);
        }
        let entity_id = std::mem::take(&mut self.entity_id);
        self.found = Some(SamlProvider { entity_id, ..SamlProvider::default() });
        Ok(Place::Provider)
    }

    /// Bindings that no browser carries are left out, and so are addresses that are none.
    fn endpoint(&mut self, is_sign_in: bool, attributes: &Attributes) {
        let binding = attributes.value("Binding").and_then(|urn| Binding::read(&urn));
        let location = attributes.value("Location").filter(|url| is_address(url));
        let (Some(binding), Some(location), Some(found)) = (binding, location, &mut self.found) else {
            return;
        };
        let endpoints = if is_sign_in { &mut found.sign_in } else { &mut found.sign_out };
        if endpoints.len() < MOST_ITEMS {
            endpoints.push(Endpoint { binding, location });
        }
    }

    fn say(&mut self, text: &str) {
        if self.places.last() == Some(&Place::Certificate) {
            self.certificate.extend(text.chars().filter(|character| !character.is_ascii_whitespace()));
        }
    }

    fn leave(&mut self) -> Result<(), SamlError> {
        let place = self.places.pop().ok_or(SamlError::Malformed)?;
        self.is_over = self.places.is_empty();
        if place == Place::Certificate
            && let Some(found) = &mut self.found
            && found.certificates.len() < MOST_ITEMS
        {
            found.certificates.push(STANDARD.decode(&self.certificate).map_err(|_| SamlError::Malformed)?);
        }
        Ok(())
    }

    fn finish(self) -> Result<SamlProvider, SamlError> {
        if !self.is_over {
            return Err(SamlError::Malformed);
        }
        self.found.filter(|found| !found.entity_id.is_empty()).ok_or(SamlError::NoProvider)
    }
}

fn is_address(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= MOST_LOCATION
        && !url.chars().any(|character| character.is_control() || character.is_whitespace())
}

/// Attributes without a namespace.
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn of(start: &BytesStart<'_>) -> Result<Self, SamlError> {
        let mut all: Vec<(String, String)> = Vec::new();
        // The reader compares each name with all before it: we count first.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| SamlError::Malformed)?;
            if all.len() == MOST_ATTRIBUTES {
                return Err(SamlError::TooLarge);
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|_| SamlError::DocumentType)?.into_owned();
            let name: &str = attribute.key.as_ref();
            if all.iter().any(|(known, _)| known == name) {
                return Err(SamlError::Malformed);
            }
            all.push((name.to_owned(), value));
        }
        Ok(Self(all))
    }

    fn value(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idp(inside: &str) -> String {
        format!(
            r#"<?xml version="1.0"?><m:EntityDescriptor xmlns:m="{METADATA}" xmlns:d="{SIGNATURE}" entityID="https://idp.example/">
            <!-- a comment --><m:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol {PROTOCOL}">{inside}</m:IDPSSODescriptor>
            </m:EntityDescriptor>"#
        )
    }

    fn service(name: &str, binding: &str, location: &str) -> String {
        format!(
            r#"<m:{name} Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="{location}"/>"#
        )
    }

    fn key(kind: &str, certificate: &str) -> String {
        format!(
            "<m:KeyDescriptor{kind}><d:KeyInfo><d:X509Data><d:X509Certificate>{certificate}</d:X509Certificate>\
             </d:X509Data></d:KeyInfo></m:KeyDescriptor>"
        )
    }

    #[test]
    fn a_provider_is_read() {
        let inside = [
            key(" use=\"encryption\"", "AAAA"),
            key(" use=\"signing\"", "\n  AQ\n ID\n"),
            key("", "<![CDATA[BAUG]]>"),
            service("SingleLogoutService", "SOAP", "https://idp.example/soap"),
            service("SingleLogoutService", "HTTP-POST", "https://idp.example/out"),
            service("SingleSignOnService", "HTTP-POST", "https://idp.example/post"),
            service("SingleSignOnService", "HTTP-Redirect", "javascript:alert(1)"),
            service("SingleSignOnService", "HTTP-Redirect", "https://idp.example/in?a=1&amp;b=&#50;"),
        ];
        let text = idp(&inside.concat());
        let found = SamlProvider::read(&text).unwrap();
        assert_eq!(found.entity_id, "https://idp.example/");
        assert_eq!(found.certificates, [vec![1, 2, 3], vec![4, 5, 6]]);
        let location = |endpoint: Option<&Endpoint>| endpoint.unwrap().location.clone();
        assert_eq!(location(found.sign_in_by(None)), "https://idp.example/in?a=1&b=2");
        assert_eq!(location(found.sign_in_by(Some(Binding::Post))), "https://idp.example/post");
        assert_eq!(location(found.sign_out_by(Some(Binding::Redirect))), "https://idp.example/out");

        let one = text.split_once("?>").unwrap().1;
        let other = r#"<m:EntityDescriptor entityID="sp"><m:SPSSODescriptor/></m:EntityDescriptor>"#;
        let federation = |more: &str| {
            format!(r#"<m:EntitiesDescriptor xmlns:m="{METADATA}">{other}{one}{more}</m:EntitiesDescriptor>"#)
        };
        assert_eq!(SamlProvider::read(&federation("")), Ok(found));
        assert_eq!(SamlProvider::read(&federation(one)), Err(SamlError::Several));
    }

    #[test]
    fn what_is_none() {
        let deep = |n: usize| idp(&format!("{}{}", "<a>".repeat(n), "</a>".repeat(n)));
        let many: String = (0..100).map(|n| format!(" a{n}=\"\"")).collect();
        let typed = |kind: &str| format!("<!DOCTYPE m [{kind}]>{}", idp("").split_once("?>").unwrap().1);
        for (text, error) in [
            (String::new(), SamlError::Malformed),
            ("{}".to_owned(), SamlError::Malformed),
            ("<a>".to_owned(), SamlError::NotMetadata),
            ("<html></html>".to_owned(), SamlError::NotMetadata),
            (idp("").replace(METADATA, "urn:other"), SamlError::NotMetadata),
            (idp("").replace("</m:EntityDescriptor>", ""), SamlError::Malformed),
            (idp("<a></b>"), SamlError::Malformed),
            (idp("").replace(PROTOCOL, "urn:other"), SamlError::NoProvider),
            (idp("").replace("entityID=\"https://idp.example/\"", ""), SamlError::NoProvider),
            (idp("") + &idp("").replace("<?xml version=\"1.0\"?>", ""), SamlError::Malformed),
            (idp("<a b=\"1\" b=\"2\"/>"), SamlError::Malformed),
            (idp(&key("", "not base64!")), SamlError::Malformed),
            (idp(&key("", "&amp;")), SamlError::Malformed),
            (idp("&xxe;"), SamlError::DocumentType),
            (idp("<a b=\"&xxe;\"/>"), SamlError::DocumentType),
            (typed("<!ENTITY xxe SYSTEM \"file:///etc/passwd\">"), SamlError::DocumentType),
            (typed("<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">"), SamlError::DocumentType),
            (deep(40), SamlError::TooLarge),
            (idp(&"<a/>".repeat(20_000)), SamlError::TooLarge),
            (idp(&format!("<a{many}/>")), SamlError::TooLarge),
            (" ".repeat(SamlProvider::LONGEST + 1), SamlError::TooLarge),
        ] {
            let shown: String = text.chars().take(200).collect();
            assert_eq!(SamlProvider::read(&text).unwrap_err(), error, "{shown}");
        }
        assert!(SamlProvider::read(&deep(20)).is_ok());
    }
}
