//! Metadata of SAML providers: `metadataXml` and `metadataUrl` of connections.

use serde_json::{Value, json};

use crate::support::*;

const PATH: &str = "/metadata.xml";
const KIND: &str = "application/samlmetadata+xml";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// Some certificate, as PEM.
async fn certificate(app: &TestApp) -> String {
    let keys = app.manage("GET", "/keys/signing", Value::Null).await;
    keys[0]["cert"].as_str().unwrap().replace('\r', "")
}

fn metadata(certificate: &str, binding: &str) -> String {
    let encoded: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
        <EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example/">
          <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
            <KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
              <ds:X509Data><ds:X509Certificate>{encoded}</ds:X509Certificate></ds:X509Data>
            </ds:KeyInfo></KeyDescriptor>
            <SingleLogoutService Binding="{binding}" Location="https://idp.example/out"/>
            <SingleSignOnService Binding="{binding}" Location="https://idp.example/in?a=1&amp;b=2"/>
          </IDPSSODescriptor>
        </EntityDescriptor>"#
    )
}

fn connection(name: &str, options: &Value) -> Value {
    json!({"name": name, "strategy": "samlp", "options": options})
}

#[tokio::test]
async fn metadata_in_the_connection_is_read() {
    let app = TestApp::new().await;
    let cert = certificate(&app).await;
    let redirect = metadata(&cert, "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect");
    let made = app.manage("POST", "/connections", connection("idp", &json!({"metadataXml": redirect}))).await;
    let options = &made["options"];
    assert_eq!(options["signInEndpoint"], "https://idp.example/in?a=1&b=2");
    assert_eq!(options["signOutEndpoint"], "https://idp.example/out");
    assert_eq!(options["signingCert"].as_str().unwrap().trim(), cert.trim());
    assert_eq!(options["thumbprints"].as_array().unwrap().len(), 1, "the certificate is read as any other");
    assert_eq!((options.get("entityId"), options.get("protocolBinding")), (None, None));

    // What was said stays, and what is said by form alone is.
    let said = json!({"metadataXml": metadata(&cert, POST), "signOutEndpoint": "https://own.example/out"});
    let other = app.manage("POST", "/connections", connection("form", &said)).await;
    assert_eq!(other["options"]["signOutEndpoint"], "https://own.example/out");
    assert_eq!(other["options"]["protocolBinding"], POST);

    let file = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
    for (xml, why) in [
        (file.to_owned(), "document type"),
        ("{}".to_owned(), "well-formed"),
        ("<html></html>".to_owned(), "not SAML 2.0 metadata"),
        (redirect.replace("SingleSignOnService", "Other"), "no address to sign in"),
        (redirect.replace("use=\"signing\"", "use=\"encryption\""), "no certificate"),
        (metadata("AAAA", POST), "no certificate"),
    ] {
        let new = connection("none", &json!({"metadataXml": xml}));
        let refused = app.api("POST", "/connections", new).await.expect(400).json();
        let text = refused["message"].as_str().unwrap();
        assert!(text.contains("options.metadataXml") && text.contains(why), "{text}");
    }
}

#[tokio::test]
async fn metadata_at_an_address_is_fetched() {
    let publisher = Publisher::start().await;
    let app = TestApp::configured(publisher.config.clone()).await;
    let cert = certificate(&app).await;
    publisher.publish_as(KIND, PATH, metadata(&cert, POST));
    let url = publisher.url(PATH);
    let made = app.manage("POST", "/connections", connection("idp", &json!({"metadataUrl": url}))).await;
    assert_eq!(made["options"]["signInEndpoint"], "https://idp.example/in?a=1&b=2");
    assert_eq!(made["options"]["signingCert"].as_str().unwrap().trim(), cert.trim());

    // Out of reach: what was read before stands, for the same address alone.
    publisher.publish_as("text/html", PATH, "<html>".to_owned());
    let one = format!("/connections/{}", made["id"].as_str().unwrap());
    let again = json!({"options": {"metadataUrl": url, "debug": true}});
    let after = app.manage("PATCH", &one, again).await;
    for name in ["signInEndpoint", "signOutEndpoint", "signingCert", "protocolBinding"] {
        assert_eq!(after["options"][name], made["options"][name], "{name}");
    }
    let moved = json!({"options": {"metadataUrl": publisher.url("/nothing")}});
    let refused = app.api("PATCH", &one, moved).await.expect(400).json();
    let text = refused["message"].as_str().unwrap();
    assert!(text.contains("options.metadataUrl") && text.contains("status 404"), "{text}");
    assert_eq!(
        app.manage("GET", &one, Value::Null).await["options"],
        after["options"],
        "nothing was written"
    );

    // Who says the rest does without.
    let own = json!({"metadataUrl": url, "signInEndpoint": "https://own.example/in", "signingCert": cert});
    let own = app.manage("POST", "/connections", connection("own", &own)).await;
    assert_eq!(own["options"]["signInEndpoint"], "https://own.example/in");
}

/// Addresses within are not called (security case 7).
#[tokio::test]
async fn metadata_within_is_not_fetched() {
    let publisher = Publisher::start().await;
    let app = TestApp::new().await;
    publisher.publish_as(KIND, PATH, metadata(&certificate(&app).await, POST));
    let new = connection("within", &json!({"metadataUrl": publisher.url(PATH)}));
    let refused = app.api("POST", "/connections", new).await.expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("not one of the internet"), "{refused}");
}
