//! `chancery export`, `plan` and `apply`: configuration as code, with the binary itself.

use std::path::Path;
use std::time::{Duration, Instant};

use chancery::dev::ReadyFile;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Running, chancery, dev};

const READY: [&str; 2] = ["--ready-file", "ready.json"];

/// A demo tenant in a folder of its own.
struct Demo {
    folder: TempDir,
    ready: ReadyFile,
    _server: Running,
}

struct Said {
    status: i32,
    data: String,
    talk: String,
}

impl Demo {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (server, ready) = dev(&folder, "ready.json");
        // A new server makes its next keys in peace, which is a change of the configuration.
        let storage =
            ["--database", "sqlite:.chancery/chancery.db", "--master-key-file", ".chancery/master.key"];
        let begin = Instant::now();
        let keys =
            || chancery(folder.path(), &[&["keys", "list"], &storage[..]].concat()).output().unwrap().stdout;
        while !String::from_utf8(keys()).unwrap().contains("next") {
            assert!(begin.elapsed() < Duration::from_secs(30), "the keys that wait are not made");
        }
        Self { folder, ready, _server: server }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let output = chancery(self.path(), &[arguments, &READY].concat()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let said = Said {
            status: output.status.code().unwrap(),
            data: text(output.stdout),
            talk: text(output.stderr),
        };
        assert!(!said.talk.contains("panicked"), "{}", said.talk);
        said
    }

    #[track_caller]
    fn good(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.status, 0, "{arguments:?}: {}", said.talk);
        said.data
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.status, 1, "{arguments:?}: {}", said.data);
        said.talk
    }

    fn api(&self, arguments: &[&str]) -> Value {
        let text = self.good(&[&["api", "call"], arguments].concat());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.api(&["POST", path, "--body", &body.to_string()])
    }

    /// Some of everything that files can say.
    fn furnish(&self) {
        let oidc = json!({"name": "corp", "strategy": "oidc", "options": {"client_id": "x", "type": "back_channel",
            "client_secret": "very secret", "issuer": "https://idp.example", "scope": "openid",
            "authorization_endpoint": "https://idp.example/a", "token_endpoint": "https://idp.example/t",
            "jwks_uri": "https://idp.example/j"}});
        self.post("/connections", &oidc);
        let mail =
            json!({"body": "<b>hi</b>\n", "from": "a@example.com", "subject": "s", "syntax": "liquid"});
        self.post(
            "/connections",
            &json!({"name": "mail", "strategy": "email", "options": {"email": mail, "name": "email"}}),
        );
        let scripts = json!({"login": "function login() {\n  return 1;\n}\n"});
        let extra = json!({"name": "Extra", "strategy": "auth0", "options": {"customScripts": scripts}});
        let extra = self.post("/connections", &extra);
        let paged = json!({"name": "Paged / App", "custom_login_page": "<html>page</html>", "client_metadata": {"a": "b"}});
        self.post("/clients", &paged);
        let put = |path: &str, body: Value| drop(self.api(&["PUT", path, "--body", &body.to_string()]));
        put("/prompts/login/custom-text/en", json!({"login": {"title": "Hello: there"}}));
        put("/prompts/login/partials", json!({"login": {"form-content-start": "<div>\n  partial\n</div>"}}));
        let page = "<html><head>{%- auth0:head -%}</head><body>{%- auth0:widget -%}</body></html>";
        put("/branding/templates/universal-login", json!({"template": page}));
        let patch = |path: &str, body: Value| drop(self.api(&["PATCH", path, "--body", &body.to_string()]));
        patch("/prompts/login/screen/login/rendering", json!({"rendering_mode": "advanced"}));
        patch("/branding", json!({"colors": {"primary": "#112233"}}));
        patch(
            "/tenants/settings",
            json!({"error_page": {"html": "<html>oops</html>", "show_log_link": true, "url": ""}}),
        );
        patch("/attack-protection/bot-detection", json!({"bot_detection_level": "high"}));
        let credentials =
            json!({"smtp_host": "h", "smtp_port": 25, "smtp_user": "u", "smtp_pass": "hidden pass"});
        let provider =
            json!({"name": "smtp", "default_from_address": "a@example.com", "credentials": credentials});
        self.post("/emails/provider", &provider);
        let template = json!({"template": "verify_email", "body": "<p>{{ url }}</p>", "from": "a@example.com",
            "subject": "v", "syntax": "liquid", "enabled": true});
        patch("/email-templates/verify_email", template);
        self.post("/custom-domains", &json!({"domain": "login.acme.example", "type": "self_managed_certs"}));
        let profile = json!({"name": "legacy", "subject_token_type": "https://acme.example/token", "action_id": "act",
            "type": "custom_authentication"});
        self.post("/token-exchange-profiles", &profile);
        let stream = json!({"name": "watch", "type": "datadog", "sink": {"datadogRegion": "us", "datadogApiKey": "hidden key"}});
        self.post("/log-streams", &stream);
        let attributes = json!({"email": {"label": "E", "description": "d", "auth0_mapping": "email", "profile_required": true}});
        self.post("/user-attribute-profiles", &json!({"name": "attributes", "user_attributes": attributes}));
        self.post("/connection-profiles", &json!({"name": "companies"}));
        let organization = json!({"name": "acme", "display_name": "Acme", "metadata": {"k": "v"}});
        let organization = self.post("/organizations", &organization);
        let below = |what: &str| format!("/organizations/{}/{what}", organization["id"].as_str().unwrap());
        self.post(&below("enabled_connections"), &json!({"connection_id": extra["id"]}));
        self.post(&below("discovery-domains"), &json!({"domain": "acme.example", "status": "verified"}));
        let m2m = &self.ready.clients.m2m.client_id;
        let grants = self.api(&["GET", &format!("/client-grants?client_id={m2m}")]);
        let grant = grants[0]["id"].as_str().unwrap();
        patch(&format!("/client-grants/{grant}"), json!({"organization_usage": "allow"}));
        self.post(&below("client-grants"), &json!({"grant_id": grant}));
    }

    fn revision(&self) -> i64 {
        let plan: Value = serde_json::from_str(&self.good(&["plan", "nothing.yaml", "--json"])).unwrap();
        plan["revision"].as_i64().unwrap()
    }
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                all.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn what_is_exported_is_no_change_here_and_makes_the_same_elsewhere() {
    let (one, other) = (Demo::new(), Demo::new());
    one.furnish();
    // The demo applications know the ports of their own server.
    let only = ["--exclude", "clients"];
    for (name, root) in [("out", "out"), ("yaml/tenant.yaml", "yaml")] {
        one.good(&["export", name]);
        let written = files(&one.path().join(root));
        for (file, text) in &written {
            for secret in ["very secret", "hidden pass", "hidden key"] {
                assert!(!text.contains(secret), "{file}");
            }
        }
        assert!(one.refused(&["export", name]).contains("--force"));
        let talk = one.run(&["export", name, "--force"]).talk;
        // Every folder that is written beside a file is named.
        let folders = written.iter().filter_map(|(file, _)| file.split_once('/')).filter(|_| root == "yaml");
        for (folder, _) in folders {
            assert!(talk.contains(&format!("beside it, in yaml/{folder}.")), "{folder}: {talk}");
        }
        assert!(talk.contains(&format!(" are in {name}")), "{talk}");
        assert_eq!(files(&one.path().join(root)), written, "the same again");
        assert_eq!(one.good(&["plan", name, "--delete"]), "No changes.\n");
        assert_eq!(one.run(&["plan", name, "--exit-code"]).status, 0);

        let path = one.path().join(name).display().to_string();
        let given = [
            "--var",
            "CONNECTIONS_OIDC_SECRET=abc",
            "--var",
            "SMTP_PASS=def",
            "--var",
            "LOGSTREAMS_DATADOG_SECRET=ghi",
        ];
        let mut plan = vec!["plan", path.as_str(), "--exit-code"];
        plan.extend(given);
        assert_eq!(other.run(&plan).status, 2);
        let mut apply = vec!["apply", path.as_str(), "--yes"];
        apply.extend(given);
        other.good(&apply);
        let without = [&["plan", path.as_str(), "--delete"][..], &only].concat();
        assert_eq!(other.good(&without), "No changes.\n", "{name}");
    }
    let corp = other.api(&["GET", "/connections?name=corp"]);
    assert_eq!(corp[0]["options"]["client_secret"], "abc");
    other.good(&["export", "again", "--exclude", "clients"]);
    let (mut here, there) = (files(&one.path().join("out")), files(&other.path().join("again")));
    here.retain(|(name, _)| !name.starts_with("clients/"));
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&there), names(&here));
    for ((name, there), (_, here)) in there.iter().zip(&here) {
        assert_eq!(there, here, "{name}");
    }
}

#[test]
fn a_plan_says_who_is_touched_and_changes_nothing() {
    let demo = Demo::new();
    demo.write("nothing.yaml", "");
    let before = demo.revision();
    demo.write(
        "tenant.yaml",
        "resourceServers:\n  - identifier: https://contacts.example/api\n    name: Contacts API\n    scopes:\n      - value: read:contacts\n        description: Read your contacts\nroles: []\n",
    );
    let said = demo.run(&["plan", "tenant.yaml", "--exit-code"]);
    assert_eq!(said.status, 2, "{}", said.talk);
    let expected = "~ API https://contacts.example/api  (tenant.yaml:2)
    - scopes[delete:contacts]: {\"value\":\"delete:contacts\",\"description\":\"Delete your contacts\"}

Effects
  the scope delete:contacts of https://contacts.example/api goes: 1 role (Contacts Admin), 1 user (sam@example.com)

0 to create, 1 to change, 0 to delete.
";
    assert_eq!(said.data, expected);
    assert!(said.talk.contains("role Contacts Admin, role Contacts Reader: kept"), "{}", said.talk);

    let plan: Value =
        serde_json::from_str(&demo.good(&["plan", "tenant.yaml", "--delete", "--json"])).unwrap();
    let actions: Vec<_> =
        plan["changes"].as_array().unwrap().iter().map(|c| (&c["action"], &c["name"])).collect();
    let (update, delete) = (json!("update"), json!("delete"));
    let expected = [
        (&update, &json!("https://contacts.example/api")),
        (&delete, &json!("Contacts Admin")),
        (&delete, &json!("Contacts Reader")),
    ];
    assert_eq!(actions, expected);
    let deleted =
        plan["effects"].as_array().unwrap().iter().find(|effect| effect["name"] == "Contacts Reader");
    assert_eq!(deleted.unwrap()["users"], json!({"count": 1, "first": ["jane@example.com"]}));
    assert_eq!(demo.revision(), before);

    // Applied without --delete, roles stay; with it they go. Applications and all else are not spoken of.
    let clients = demo.api(&["GET", "/clients"]);
    demo.good(&["apply", "tenant.yaml", "--yes"]);
    assert_eq!(demo.api(&["GET", "/roles"]).as_array().unwrap().len(), 3);
    demo.good(&["apply", "tenant.yaml", "--yes", "--delete"]);
    let roles = demo.api(&["GET", "/roles"]);
    let left: Vec<_> = roles.as_array().unwrap().iter().map(|role| &role["name"]).collect();
    assert_eq!(left, ["Dashboard Admin"], "the server's own");
    assert_eq!(demo.api(&["GET", "/clients"]), clients);
    assert_eq!(demo.good(&["plan", "tenant.yaml", "--delete"]), "No changes.\n");
}

#[test]
fn the_last_thing_refused_leaves_nothing_of_the_first() {
    let demo = Demo::new();
    demo.write("nothing.yaml", "");
    let before = demo.revision();
    let good = "resourceServers:\n  - identifier: https://bills.example\n    scopes: [{value: 'read:bills'}]\n\
                clients:\n  - name: Biller\n    app_type: non_interactive\nclientGrants:\n  - client_id: Biller\n    audience: https://bills.example\n";
    for (grant, said) in [
        (
            "    scope: ['none:such']\n",
            "tenant.yaml:8: client grant Biller at https://bills.example: 400: The scope 'none:such'",
        ),
        (
            "    scope: 'read:bills'\n",
            "tenant.yaml:8: client grant Biller at https://bills.example: 400: Payload validation error",
        ),
    ] {
        demo.write("tenant.yaml", &format!("{good}{grant}"));
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let talk = demo.refused(&[command, &["tenant.yaml"]].concat());
            assert!(talk.contains(said), "{talk}");
        }
    }
    assert_eq!(demo.revision(), before);
    assert!(demo.api(&["GET", "/clients"]).to_string().find("Biller").is_none());

    demo.write("tenant.yaml", &format!("{good}    scope: ['read:bills']\n"));
    let talk = demo.refused(&["apply", "tenant.yaml"]);
    assert!(talk.contains("--yes"), "nobody can be asked: {talk}");
    let done: Value = serde_json::from_str(&demo.good(&["apply", "tenant.yaml", "--yes", "--json"])).unwrap();
    assert_eq!(done["revision"], before + 1, "one step");
    let client = done["created"].as_array().unwrap().iter().find(|made| made["type"] == "clients").unwrap();
    assert_eq!(client["answer"]["client_secret"].as_str().unwrap().len(), 64);
}

#[test]
fn what_is_not_handled_is_named_and_stops_everything() {
    let demo = Demo::new();
    let text = "roles:\n  - name: Clerk\nactions:\n  - name: hook\nrules: []\ntriggers: {}\n\
                guardianFactors:\n  - name: otp\n    enabled: true\n  - name: sms\n    enabled: false\n";
    demo.write("tenant.yaml", text);
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let talk = demo.refused(&[command, &["tenant.yaml"]].concat());
        assert!(talk.contains("tenant.yaml:4: actions is not handled here"), "{talk}");
        assert!(
            talk.contains(
                "guardianFactors cannot be changed here, and differs in guardianFactors.otp.enabled"
            ),
            "{talk}"
        );
        assert!(!talk.contains("rules") && !talk.contains("triggers"), "{talk}");
    }
    let roles = demo.api(&["GET", "/roles"]).to_string();
    assert!(!roles.contains("Clerk"));
    demo.good(&["apply", "tenant.yaml", "--yes", "--exclude", "actions,guardianFactors"]);
    assert!(
        demo.refused(&["plan", "tenant.yaml", "--only", "nonsense"]).contains("resourceServers, clients")
    );
    assert_eq!(demo.good(&["plan", "tenant.yaml", "--only", "roles"]), "No changes.\n");
}

/// What is neither an object of its own nor part of another one.
#[test]
fn plain_lists_are_made_changed_and_removed() {
    let demo = Demo::new();
    let text = "customDomains:\n  - domain: login.acme.example\n    type: self_managed_certs\n\
                tokenExchangeProfiles:\n  - name: legacy\n    subject_token_type: https://acme.example/token\n    \
                action_id: act\n    type: custom_authentication\n\
                logStreams:\n  - name: watch\n    type: http\n    status: paused\n    \
                sink: {httpEndpoint: 'https://logs.acme.example', httpAuthorization: '##LOG_TOKEN##'}\n\
                connectionProfiles:\n  - name: companies\n";
    demo.write("tenant.yaml", text);
    demo.good(&["apply", "tenant.yaml", "--yes", "--var", "LOG_TOKEN=first"]);
    let stream = demo.api(&["GET", "/log-streams"])[0].clone();
    assert_eq!((&stream["name"], &stream["sink"]["httpAuthorization"]), (&json!("watch"), &json!("first")));
    assert_eq!(stream["status"], "paused", "which only a change takes");
    assert_eq!(demo.good(&["plan", "tenant.yaml", "--delete"]), "No changes.\n");

    demo.write("tenant.yaml", &text.replace("companies", "others").replace("legacy", "older"));
    let said = demo.good(&["plan", "tenant.yaml", "--delete"]);
    for line in [
        "+ connection profile others",
        "- connection profile companies",
        "~ token exchange profile https://acme.example/token",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    demo.good(&["apply", "tenant.yaml", "--yes", "--delete"]);
    let profiles = demo.api(&["GET", "/connection-profiles"])["connection_profiles"].clone();
    assert_eq!((profiles.as_array().unwrap().len(), &profiles[0]["name"]), (1, &json!("others")));
    let kept = demo.api(&["GET", "/log-streams"])[0]["sink"]["httpAuthorization"].clone();
    assert_eq!(kept, "first", "a marker that nothing is given for leaves a secret as it is");

    demo.write("tenant.yaml", &text.replace("self_managed_certs", "auth0_managed_certs"));
    let talk = demo.refused(&["plan", "tenant.yaml"]);
    assert!(
        talk.contains("tenant.yaml:2: custom domain login.acme.example: type cannot be changed here"),
        "{talk}"
    );
    demo.write("tenant.yaml", "customDomains:\n  - type: self_managed_certs\n");
    assert!(demo.refused(&["plan", "tenant.yaml"]).contains("the first of customDomains needs a domain"));
}

/// The application that asks, what belongs to the server, and the placeholder for all applications.
#[test]
fn nobody_saws_off_the_branch() {
    let demo = Demo::new();
    let text = "clients: []\nclientGrants: []\nresourceServers: []\ndatabases: []\n";
    demo.write("tenant.yaml", text);
    demo.good(&["apply", "tenant.yaml", "--yes", "--delete"]);
    let left = demo.api(&["GET", "/clients?is_global=false"]);
    let left: Vec<_> = left.as_array().unwrap().iter().map(|client| &client["name"]).collect();
    assert_eq!(left, ["Management", "Chancery Dashboard"]);
    assert_eq!(
        demo.api(&["GET", "/client-grants?client_id=chancery-dashboard"]).as_array().unwrap().len(),
        1
    );
    let apis = demo.api(&["GET", "/resource-servers"]);
    assert!(apis.as_array().unwrap().iter().all(|api| api["is_system"] == true), "{apis}");
    assert_eq!(demo.api(&["GET", "/connections"]), json!([]));
    demo.write("tenant.yaml", "clients:\n  - name: Management\n    description: other\n");
    let said = demo.run(&["plan", "tenant.yaml"]);
    assert_eq!((said.status, said.data.as_str()), (0, "No changes.\n"));
    assert!(said.talk.contains("it is the application that asks"), "{}", said.talk);
}

#[test]
fn hostile_files() {
    let demo = Demo::new();
    demo.write("secret.html", "outside");
    let said = |text: &str| {
        demo.write("in/tenant.yaml", text);
        demo.refused(&["plan", "in/tenant.yaml"])
    };
    let mut bomb = String::from("clients: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{below}x]\n"));
    }
    for (text, expected) in [
        (bomb.as_str(), "tenant.yaml, line 6: more than 500000 values"),
        ("roles:\n  - name: a\n    name: b\n", "tenant.yaml, line 3: name is there twice"),
        (
            "roles:\n  - name: a\n  - name: a\n",
            "tenant.yaml:3: role a is there twice, first at tenant.yaml:2",
        ),
        ("roles: 5\n", "tenant.yaml:1: roles must be a list"),
        ("roles:\n  - 5\n", "tenant.yaml:2: the first of roles must be an object"),
        ("clients:\n  - name: [x]\n", "tenant.yaml:2: the first of clients needs a name"),
        ("- a\n", "tenant.yaml: an object of parts is expected"),
        ("tenant: [", "tenant.yaml, line "),
        (
            "pages:\n  - name: error_page\n    html: ../secret.html\n",
            "tenant.yaml:2: ../secret.html leads out of the folder",
        ),
        (
            "emailTemplates:\n  - template: verify_email\n    body: ./none.html\n",
            "tenant.yaml:2: ./none.html: No such file",
        ),
        (
            "tenant:\n  session_lifetime: long\n",
            "tenant.yaml:2: tenant settings: 400: Payload validation error",
        ),
        (
            "databases:\n  - name: X\n    strategy: auth0\n    enabled_clients: [Nobody]\n",
            "tenant.yaml:2: there is no application Nobody",
        ),
    ] {
        let talk = said(text);
        assert!(talk.contains(expected), "{expected}: {talk}");
        assert!(!talk.contains("outside"), "{talk}");
    }
    let huge = std::fs::File::create(demo.path().join("in/tenant.yaml")).unwrap();
    huge.set_len(17 << 20).unwrap();
    assert!(demo.refused(&["plan", "in/tenant.yaml"]).contains("larger than 16 MiB"));
    assert!(demo.refused(&["plan", "nowhere.yaml"]).contains("no such file or folder"));

    demo.write("dir/roles/a.json", "{\"name\": \"a\",\n \"name\": \"b\"}");
    assert!(demo.refused(&["plan", "dir"]).contains("roles/a.json:2: name is there twice"));
    demo.write("dir/roles/a.json", "{\"name\": 5}");
    assert!(demo.refused(&["plan", "dir"]).contains("roles/a.json: the first of roles needs a name"));
    demo.write("dir/roles/a.json", "{\"name\": \"a\", \"extra\": 1}");
    let talk = demo.refused(&["plan", "dir"]);
    assert!(
        talk.contains(
            "roles/a.json: role a: 400: Payload validation error: 'Additional properties not allowed: extra'"
        ),
        "{talk}"
    );
    std::fs::remove_file(demo.path().join("dir/roles/a.json")).unwrap();
    std::os::unix::fs::symlink(demo.path().join("ready.json"), demo.path().join("dir/roles/b.json")).unwrap();
    assert!(demo.refused(&["plan", "dir"]).contains("leads out of the folder"));
}

#[test]
fn one_flag_is_changed_and_the_others_stay() {
    let demo = Demo::new();
    let flags = || demo.api(&["GET", "/tenants/settings"])["flags"].clone();
    let mut expected = flags();
    expected["disable_clickjack_protection_headers"] = json!(true);
    demo.write("tenant.yaml", "tenant:\n  flags:\n    disable_clickjack_protection_headers: true\n");
    demo.good(&["apply", "tenant.yaml", "--yes"]);
    assert_eq!(flags(), expected);
    // Whole as it is exported, too.
    demo.good(&["export", "out", "--only", "tenant"]);
    let exported = std::fs::read_to_string(demo.path().join("out/tenant.json")).unwrap();
    let other = exported.replace(
        "\"disable_clickjack_protection_headers\": true",
        "\"disable_clickjack_protection_headers\": false",
    );
    assert_ne!(other, exported);
    demo.write("out/tenant.json", &other);
    demo.good(&["apply", "out", "--yes"]);
    expected["disable_clickjack_protection_headers"] = json!(false);
    assert_eq!(flags(), expected);
}

#[test]
fn an_unknown_api_is_named_with_its_place() {
    let demo = Demo::new();
    let role = "roles:\n  - name: Clerk\n    permissions:\n      - permission_name: read:contacts\n        \
                resource_server_identifier: https://contacts.example/api\n      - permission_name: read:x\n        \
                resource_server_identifier: https://no.example\n";
    let grant = "clientGrants:\n  - client_id: Management\n    audience: https://none.example\n    scope: []\n  \
                 - client_id: Demo M2M\n    audience: https://no.example\n    scope: []\n";
    for (text, line, about) in
        [(role, 2, "role Clerk"), (grant, 5, "client grant Demo M2M at https://no.example")]
    {
        demo.write("tenant.yaml", text);
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let talk = demo.refused(&[command, &["tenant.yaml"]].concat());
            let expected = format!("tenant.yaml:{line}: {about}: there is no API https://no.example\n");
            assert!(talk.ends_with(&expected), "{talk}");
        }
    }
}

#[test]
fn an_export_writes_over_nothing() {
    let demo = Demo::new();
    demo.furnish();
    demo.write("emailTemplates/verify_email.html", "mine");
    let talk = demo.refused(&["export", "tenant.yaml"]);
    assert!(talk.contains("emailTemplates/verify_email.html is there already: --force"), "{talk}");
    assert!(!demo.path().join("tenant.yaml").exists(), "nothing is half written");
    let mine = || std::fs::read_to_string(demo.path().join("emailTemplates/verify_email.html")).unwrap();
    assert_eq!(mine(), "mine");
    demo.good(&["export", "tenant.yaml", "--force"]);
    assert_ne!(mine(), "mine");
    let talk = demo.refused(&["export", "foo.json"]);
    assert!(talk.contains("foo.json: a file ends in .yaml or .yml"), "{talk}");
    assert!(!demo.path().join("foo.json").exists());
}

#[test]
fn slips_in_names_stop_everything() {
    let demo = Demo::new();
    demo.write("tenant.yaml", "resourceServres:\n  - identifier: https://a.example\nroles: []\n");
    for more in [&[][..], &["--only", "roles"]] {
        let said = demo.run(&[&["plan", "tenant.yaml"], more].concat());
        assert_eq!((said.status, said.data.as_str()), (1, ""), "{}", said.talk);
        let expected = "resourceServres is no part of files: is resourceServers meant?";
        assert!(
            said.talk.contains("error: tenant.yaml:2: ") && said.talk.contains(expected),
            "{}",
            said.talk
        );
    }
    assert_eq!(demo.good(&["plan", "tenant.yaml", "--exclude", "resourceServres"]), "No changes.\n");
    demo.write("dir/clientz/a.json", "{\"name\": \"a\"}");
    demo.write("dir/README.md", "of mine");
    let talk = demo.refused(&["plan", "dir"]);
    assert!(talk.contains("clientz is no part of the layout: is clients meant?"), "{talk}");
    let said = demo.run(&["plan", "dir", "--exclude", "clientz"]);
    assert_eq!(said.status, 0, "{}", said.talk);
    assert!(said.talk.contains("README.md is no part of the layout, and is not read."), "{}", said.talk);
    demo.write("tenant.yaml", "actions:\n  - name: hook\n");
    let said = demo.run(&["plan", "tenant.yaml"]);
    assert_eq!((said.status, said.data.as_str()), (1, ""), "{}", said.talk);
}

#[test]
fn markers_are_filled_or_refused() {
    let demo = Demo::new();
    let text = "clients:\n  - name: App\n    callbacks:\n      - https://a.example/cb\n      - https://##HOST##/cb\n";
    demo.write("tenant.yaml", text);
    let said = demo.run(&["plan", "tenant.yaml"]);
    assert_eq!((said.status, said.data.as_str()), (1, ""), "{}", said.talk);
    assert!(said.talk.contains("tenant.yaml:5: nothing is given for ##HOST##"), "{}", said.talk);
    demo.good(&["plan", "tenant.yaml", "--var", "HOST=b.example"]);
    demo.write("tenant.yaml", "roles:\n  - name: '##ROLE##'\n");
    assert!(demo.refused(&["plan", "tenant.yaml"]).contains("tenant.yaml:2: nothing is given for ##ROLE##"));
    // A text that only looks like one is its own value.
    assert!(demo.good(&["plan", "tenant.yaml", "--var", "ROLE=##ROLE##"]).contains("+ role ##ROLE##"));
    assert!(demo.good(&["plan", "tenant.yaml", "--exclude", "roles"]).contains("No changes."));
}

/// Secrets are left out of what is exported, which is worth a word only where there may be one, and in what is looked at.
#[test]
fn what_is_exported_is_planned_in_silence() {
    let demo = Demo::new();
    demo.good(&["export", "out"]);
    for more in [&[][..], &["--only", "resourceServers"]] {
        let said = demo.run(&[&["plan", "out"], more].concat());
        assert_eq!((said.status, said.data.as_str(), said.talk.as_str()), (0, "No changes.\n", ""));
    }
}
