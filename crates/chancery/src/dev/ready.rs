//! The ready file: how others find and use this server, written once it serves.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use chancery_core::dashboard;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::seed::{
    ADMIN, API_IDENTIFIER, API_SCOPES, CALLBACK_PAGE, Credentials, DemoClients, JANE, Person, SAM,
};

/// One JSON object. It holds secrets, so it is written for its owner alone.
#[derive(Clone, Serialize, Deserialize)]
pub struct ReadyFile {
    /// Issuer over plain HTTP, with a slash at the end.
    pub issuer: String,
    /// Issuer over HTTPS.
    pub https_issuer: String,
    /// PEM file of the authority to trust.
    pub ca_file: String,
    /// The demo API.
    pub api: Api,
    /// The demo applications.
    pub clients: Clients,
    /// Jane.
    pub user: User,
    /// Sam.
    pub admin: User,
    /// The dashboard and who may use it. Absent in files of earlier releases.
    #[serde(default)]
    pub dashboard: Option<Dashboard>,
    /// The address for Prometheus, as `--metrics` takes it, with the port that it came to. Absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
}

/// The dashboard.
#[derive(Clone, Serialize, Deserialize)]
pub struct Dashboard {
    /// Its address.
    pub url: String,
    /// Its administrator's address.
    pub email: String,
    /// Password.
    pub password: String,
}

/// The demo API.
#[derive(Clone, Serialize, Deserialize)]
pub struct Api {
    /// The `audience` of requests.
    pub identifier: String,
    /// Values of its scopes.
    pub scopes: Vec<String>,
}

/// The demo applications.
#[derive(Clone, Serialize, Deserialize)]
pub struct Clients {
    /// Public.
    pub spa: Client,
    /// Confidential.
    pub web: Client,
    /// Machine to machine.
    pub m2m: Client,
    /// For the Management API.
    pub management: Client,
}

/// One application.
#[derive(Clone, Serialize, Deserialize)]
pub struct Client {
    /// Its id.
    pub client_id: String,
    /// Its secret, where it has one.
    pub client_secret: Option<String>,
    /// A registered callback, where it has any.
    pub callback: Option<String>,
}

/// Somebody who can sign in.
#[derive(Clone, Serialize, Deserialize)]
pub struct User {
    /// Address.
    pub email: String,
    /// Password.
    pub password: String,
}

impl ReadyFile {
    /// For a server at these origins.
    pub fn new(http: &str, https: &str, ca: &Path, clients: &DemoClients) -> Self {
        let callback = Some(format!("{http}{CALLBACK_PAGE}"));
        Self {
            issuer: format!("{http}/"),
            https_issuer: format!("{https}/"),
            ca_file: ca.display().to_string(),
            api: Api {
                identifier: API_IDENTIFIER.to_owned(),
                scopes: API_SCOPES.iter().map(|(value, _)| (*value).to_owned()).collect(),
            },
            clients: Clients {
                spa: client(&clients.spa, callback.clone()),
                web: client(&clients.web, callback),
                m2m: client(&clients.m2m, None),
                management: client(&clients.management, None),
            },
            user: user(JANE),
            admin: user(SAM),
            dashboard: Some(Dashboard {
                url: dashboard::url(http),
                email: ADMIN.email.to_owned(),
                password: ADMIN.password.to_owned(),
            }),
            metrics: None,
        }
    }

    /// Written beside and renamed: who finds the file finds all of it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let shown = path.display();
        let mut name = path.file_name().with_context(|| format!("{shown} names no file"))?.to_owned();
        name.push(".new");
        let beside = path.with_file_name(name);
        drop(fs::remove_file(&beside));
        let text = serde_json::to_string_pretty(self)?;
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&beside, path))
            .with_context(|| format!("the ready file {shown} cannot be written"))
    }

    /// Reads what another process wrote.
    ///
    /// # Errors
    /// Where there is none, or another thing.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text =
            fs::read_to_string(path).with_context(|| format!("the ready file {shown} cannot be read"))?;
        serde_json::from_str(&text).with_context(|| format!("{shown} is no ready file of chancery dev"))
    }
}

/// Shows no secret.
impl std::fmt::Debug for ReadyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadyFile").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

fn client(credentials: &Credentials, callback: Option<String>) -> Client {
    Client {
        client_id: credentials.client_id.clone(),
        client_secret: credentials.client_secret.as_ref().map(|secret| secret.expose_secret().to_owned()),
        callback,
    }
}

fn user(person: Person) -> User {
    User { email: person.email.to_owned(), password: person.password.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master_key::MasterKey;
    use crate::seed::demo_clients;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        let clients = demo_clients(&MasterKey::new([1; 32]));
        let written = ReadyFile::new(
            "http://localhost:4000",
            "https://localhost:4443",
            Path::new("/x/ca.pem"),
            &clients,
        );
        written.write(&path).unwrap();
        written.write(&path).unwrap();
        let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(json["issuer"], "http://localhost:4000/");
        assert_eq!(json["clients"]["spa"]["client_secret"], serde_json::Value::Null);
        assert_eq!(json["clients"]["web"]["callback"], "http://localhost:4000/dev/callback");
        assert_eq!(json["user"]["email"], "jane@example.com");
        assert_eq!(json["dashboard"]["url"], "http://localhost:4000/dashboard/");
        assert_eq!(json.get("metrics"), None, "there is no such port");
        assert_eq!(json["api"]["scopes"], serde_json::json!(["read:contacts", "delete:contacts"]));
        let read = ReadyFile::read(&path).unwrap();
        assert_eq!(read.clients.management.client_secret, written.clients.management.client_secret);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
