//! What `chancery dev` says when it serves.

use std::path::Path;

use chancery_core::dashboard;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::output::Output;
use crate::seed::{ADMIN, API_IDENTIFIER, API_SCOPES, CALLBACK_PAGE, DemoClients, JANE, SAM};

/// Where the server is.
#[derive(Clone, Copy, Debug)]
pub struct Whereabouts<'a> {
    /// `http://localhost:4000`.
    pub http: &'a str,
    /// `https://localhost:4443`.
    pub https: &'a str,
    /// The authority to trust.
    pub ca: &'a Path,
    /// Where the secrets of the applications stand.
    pub ready_file: Option<&'a Path>,
    /// The address for Prometheus, where there is one: `127.0.0.1:9464`.
    pub metrics: Option<&'a str>,
    /// Whether this build has the dashboard.
    pub has_dashboard: bool,
    /// For nonce and state of the request shown: unguessable.
    pub random: (&'a str, &'a str),
}

/// Says it, to stderr: a server has no data to print.
pub fn welcome(out: &mut Output, at: Whereabouts<'_>, clients: &DemoClients) {
    let authorize = authorize_request(at.http, &clients.spa.client_id, at.random);
    let secrets = match at.ready_file {
        Some(path) => format!("Their secrets are in {}", path.display()),
        None => "Their secrets: chancery dev --ready-file FILE".to_owned(),
    };
    let heading = |out: &Output, text: &str| out.strong(text);
    let mut lines = vec![
        String::new(),
        format!("  {}  {}", heading(out, "Chancery"), out.faint("development mode: for this machine only")),
        String::new(),
        format!("  Start here   {}", out.link(&format!("{}/dev", at.http))),
        format!("  Issuer       {}/", at.http),
        format!("               {}/   {}", at.https, out.faint(&format!("trust {}", at.ca.display()))),
    ];
    lines.extend(at.metrics.map(|address| format!("  Metrics      http://{address}/metrics")));
    lines.extend([
        String::new(),
        format!("  {}", heading(out, "Contacts API")),
        format!("  audience     {API_IDENTIFIER}"),
    ]);
    for (value, description) in API_SCOPES {
        lines.push(format!("  scope        {value:<17} {}", out.faint(description)));
    }
    lines.extend([
        String::new(),
        format!("  {}", heading(out, "Applications")),
        format!("  Demo SPA     {}  {}", clients.spa.client_id, out.faint("public")),
        format!("  Demo Web     {}  {}", clients.web.client_id, out.faint("confidential")),
        format!("  Demo M2M     {}  {}", clients.m2m.client_id, out.faint("may read:contacts")),
        format!("  Management   {}  {}", clients.management.client_id, out.faint("Management API")),
        format!("  {}", out.faint(&secrets)),
        String::new(),
        format!("  {}", heading(out, "People")),
        format!("  {:<18} password {:<13} {}", JANE.email, JANE.password, out.faint("may read contacts")),
        format!(
            "  {:<18} password {:<13} {}",
            SAM.email,
            SAM.password,
            out.faint("may read and delete contacts")
        ),
        String::new(),
        format!("  {}", heading(out, "Dashboard")),
    ]);
    match at.has_dashboard {
        true => lines.extend([
            format!("  {}", out.link(&dashboard::url(at.http))),
            format!(
                "  {:<18} password {:<13} {}",
                ADMIN.email,
                ADMIN.password,
                out.faint("may administer everything")
            ),
        ]),
        false => {
            lines.push(format!("  {}", out.faint("not in this build: `make dashboard`, then build again")));
        }
    }
    lines.extend([
        String::new(),
        format!("  {}", heading(out, "Sign in and ask for read:contacts")),
        format!("  {}", out.link(&authorize)),
        String::new(),
        format!("  Mail         {}/dev/mail", at.http),
        format!("  Start over   curl -X POST {}/dev/reset -H content-type:application/json -d '{{\"seed\":\"demo\"}}'", at.http),
        format!("  Move time    curl -X POST {}/dev/clock -H content-type:application/json -d '{{\"advance\":3600}}'", at.http),
        String::new(),
    ]);
    for line in lines {
        out.say(&line);
    }
}

/// The request this product starts from: implicit grant, an API, one of its scopes. `random` is nonce and state.
pub(super) fn authorize_request(origin: &str, client_id: &str, random: (&str, &str)) -> String {
    let encode = |text: &str| utf8_percent_encode(text, VALUE).to_string();
    let (nonce, state) = random;
    format!(
        "{origin}/authorize?audience={}&scope={}&response_type={}&client_id={}&redirect_uri={}&nonce={}&state={}",
        encode(API_IDENTIFIER),
        encode("openid profile email read:contacts"),
        encode("id_token token"),
        encode(client_id),
        encode(&format!("{origin}{CALLBACK_PAGE}")),
        encode(nonce),
        encode(state),
    )
}

/// A colon may stand in a query (RFC 3986, section 3.4), and `read:contacts` reads better with it.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b':').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::seed::demo_clients;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// An address that leads nowhere is not printed.
    #[test]
    fn the_dashboard_is_named_where_there_is_one() {
        let said = |has_dashboard| {
            let kept = Kept::default();
            let mut out = Output::into_buffers(std::io::sink(), kept.clone(), false);
            let at = Whereabouts {
                http: "http://localhost:4000",
                https: "https://localhost:4443",
                ca: Path::new("ca.pem"),
                ready_file: None,
                metrics: Some("127.0.0.1:9464"),
                has_dashboard,
                random: ("N", "S"),
            };
            welcome(&mut out, at, &demo_clients(&[7; 32].into()));
            String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
        };
        let (with, without) = (said(true), said(false));
        assert!(with.contains("http://localhost:4000/dashboard/") && with.contains(ADMIN.password), "{with}");
        assert!(!without.contains("/dashboard/") && !without.contains(ADMIN.password), "{without}");
        assert!(without.contains("make dashboard"), "{without}");
        assert!(without.contains("http://127.0.0.1:9464/metrics"), "{without}");
    }

    #[test]
    fn the_request_is_the_documented_one() {
        assert_eq!(
            authorize_request("http://localhost:4000", "ID", ("N", "S")),
            "http://localhost:4000/authorize?audience=https:%2F%2Fcontacts.example%2Fapi\
             &scope=openid%20profile%20email%20read:contacts&response_type=id_token%20token&client_id=ID\
             &redirect_uri=http:%2F%2Flocalhost:4000%2Fdev%2Fcallback&nonce=N&state=S"
        );
    }
}
