//! The binary itself.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use chancery::dev::ReadyFile;
use serde_json::Value;

use crate::process::{Running, ask, chancery, dev, start};

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    chancery(folder, arguments).output().unwrap()
}

pub(crate) fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    assert!(output.stdout.is_empty(), "talk goes to stderr");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked") && !said.contains("stack backtrace"), "{said}");
    said
}

#[test]
fn an_api_is_defined_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, ready) = dev(&folder, "ready.json");
    let cli =
        |arguments: &[&str]| good(folder.path(), &[arguments, &["--ready-file", "ready.json"]].concat());
    let api = "https://orders.example";
    cli(&["api", "create", api, "--name", "Orders", "--rbac", "--scope", "read:orders=Read your orders"]);
    cli(&["scope", "add", api, "delete:orders=Delete your orders"]);
    let shown: Value = serde_json::from_str(&cli(&["api", "show", api])).unwrap();
    assert_eq!(shown["enforce_policies"], true);
    let table = cli(&["scope", "list", api]);
    let expected =
        "SCOPE          DESCRIPTION\nread:orders    Read your orders\ndelete:orders  Delete your orders\n";
    assert_eq!(table, expected);
    let said = refused(folder.path(), &with(&["scope", "remove", api, "read:orders"]));
    assert!(said.contains("--yes"), "nobody can be asked: {said}");
    let said = refused(folder.path(), &with(&["scope", "remove", api, "read:order", "--yes"]));
    assert!(said.contains("nothing was changed"), "{said}");
    assert!(cli(&["scope", "list", api]).contains("read:orders"));
    cli(&["scope", "remove", api, "read:orders", "--yes"]);
    let left: Value = serde_json::from_str(&cli(&["scope", "list", api, "--json"])).unwrap();
    assert_eq!(left[0]["value"], "delete:orders");
    assert!(cli(&["api", "list"]).contains("Orders"));

    let create =
        ["client", "create", "Job", "--type", "m2m", "--grant", "https://orders.example=delete:orders"];
    let said = cli(&create);
    assert!(said.contains("\nMay ask        https://orders.example  delete:orders\n"), "{said}");
    assert!(said.lines().count() == 4 && said.contains("\nClient secret  "), "{said}");
    let client = cli(&[&create[..], &["--json"]].concat());
    let client: Value = serde_json::from_str(&client).unwrap();
    assert_eq!(client["client_secret"].as_str().unwrap().len(), 64);
    let listed = cli(&["client", "list", "--json"]);
    assert!(listed.contains("Job") && !listed.contains("\"client_secret\""), "{listed}");

    // Over TLS, trusting the authority of the data folder.
    let (id, secret) = (&ready.clients.management.client_id, ready.clients.management.client_secret.unwrap());
    let over_tls =
        ["api", "list", "--url", &ready.https_issuer, "--client-id", id, "--client-secret", &secret];
    let untrusting = refused(folder.path(), &over_tls);
    assert!(untrusting.contains("--ca-file"), "{untrusting}");
    assert!(!untrusting.contains(&secret));
    good(folder.path(), &[&over_tls[..], &["--ca-file", &ready.ca_file]].concat());

    let said = refused(folder.path(), &["api", "show", "https://no.example", "--ready-file", "ready.json"]);
    assert!(said.contains("404") && said.contains("does not exist"), "{said}");
    assert!(refused(folder.path(), &with(&["api", "delete", api])).contains("--yes"));
    cli(&["api", "delete", api, "-y"]);
    let said = refused(folder.path(), &with(&["api", "delete", api]));
    assert!(said.contains("404") && said.contains(api) && !said.contains("is deleted"), "{said}");
    let said =
        refused(folder.path(), &["scope", "add", "https://no.example", "a", "--ready-file", "ready.json"]);
    assert!(said.contains("the API https://no.example: "), "{said}");

    // What has no name is called what it is, and what lives for no time is refused.
    let unnamed = run(folder.path(), &with(&["api", "create", "https://unnamed.example"]));
    let said = String::from_utf8(unnamed.stderr).unwrap();
    assert!(said.contains("RBAC is off") && said.contains("--rbac"), "what was chosen is said: {said}");
    let shown: Value = serde_json::from_str(&cli(&["api", "show", "https://unnamed.example"])).unwrap();
    assert_eq!(shown["name"], "https://unnamed.example");
    let lifetime =
        ["api", "create", "https://x.example", "--token-lifetime", "0", "--ready-file", "ready.json"];
    assert!(refused(folder.path(), &lifetime).contains("--token-lifetime"));
}

fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--ready-file", "ready.json"]].concat()
}

/// The advice that is printed is a command, and it helps.
#[test]
fn a_missing_scope_is_explained_and_had() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, ready) = dev(&folder, "ready.json");
    let people =
        good(folder.path(), &with(&["api", "call", "GET", "/users-by-email?email=jane%40example.com"]));
    let people: Value = serde_json::from_str(&people).unwrap();
    let jane = people[0]["user_id"].as_str().unwrap();
    let api = "https://contacts.example/api";
    let asked = [
        "explain",
        "--app",
        &ready.clients.web.client_id,
        "--audience",
        api,
        "--user",
        jane,
        "--scope",
        "read:contacts delete:contacts",
    ];
    let first = run(folder.path(), &with(&asked));
    let said = String::from_utf8(first.stdout).unwrap();
    assert_eq!(first.status.code(), Some(1), "{said}");
    // By her address it is the same, and an address that nobody has is told.
    let by_address = asked.map(|word| if word == jane { "jane@example.com" } else { word });
    assert_eq!(String::from_utf8(run(folder.path(), &with(&by_address)).stdout).unwrap(), said);
    let nobody = refused(folder.path(), &with(&["explain", "access", "--user", "no+one@example.com"]));
    assert!(nobody.contains("no user has the address no+one@example.com"), "{nobody}");
    assert!(
        said.contains("read:contacts    yes  The user holds it through the role Contacts Reader"),
        "{said}"
    );
    assert!(said.contains("delete:contacts  no   Neither a role nor a direct permission"), "{said}");
    assert!(!said.contains('\u{1b}'), "colour is for terminals: {said}");
    let advice = said.lines().find_map(|line| line.trim().strip_prefix("chancery ")).unwrap();
    let words = advice.replace('\'', "");
    good(folder.path(), &with(&words.split(' ').collect::<Vec<_>>()));
    let told = good(folder.path(), &with(&[&asked[..], &["--json"]].concat()));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["scope"], "read:contacts delete:contacts");

    // Its own token, by the id of the event.
    let logs = good(folder.path(), &with(&["api", "call", "GET", "/logs?per_page=5"]));
    let logs: Value = serde_json::from_str(&logs).unwrap();
    let event = logs.as_array().unwrap().iter().find(|event| event["type"] == "seccft").unwrap();
    let said = good(folder.path(), &with(&["explain", "token", event["log_id"].as_str().unwrap()]));
    assert!(said.contains("Flow          client_credentials") && said.contains("read:logs"), "{said}");

    let said =
        good(folder.path(), &with(&["explain", "who", "--audience", api, "--scope", "delete:contacts"]));
    assert!(said.contains("jane@example.com") && said.contains("role Contacts Admin (rol_"), "{said}");
    assert!(said.contains("open API for users"), "{said}");
    let said = good(folder.path(), &with(&["explain", "access", "--app", &ready.clients.m2m.client_id]));
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains("read:contacts  client grant cgr_") && said.ends_with(" for itself\n"), "{said}");

    let said = good(folder.path(), &with(&["explain", "unused"]));
    assert!(
        said.contains(&format!("\n{api}  ")) && said.contains("\n  role Contacts Reader: read:contacts\n"),
        "{said}"
    );
    assert!(said.lines().count() < 20, "a summary is short: {said}");
    let whole = good(folder.path(), &with(&["explain", "unused", "--json"]));
    let whole: Value = serde_json::from_str(&whole).unwrap();
    assert!(whole["roles"].as_array().is_some_and(|roles| roles.len() > 1), "{whole:#}");
    let said = good(folder.path(), &with(&["explain", "unused", "--all", "--write", "less.yaml"]));
    let line = said.lines().find(|line| line.contains("Contacts Reader")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["role", "Contacts", "Reader", api, "read:contacts", "never"]);
    let plan = good(folder.path(), &with(&["plan", "less.yaml", "--json"]));
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert!(!plan["effects"].as_array().unwrap().is_empty(), "{plan:#}");
    let again = ["explain", "unused", "--write", "less.yaml", "--ready-file", "ready.json"];
    let again = run(folder.path(), &again);
    assert!(String::from_utf8(again.stderr).unwrap().contains("less.yaml"), "nothing is written over");

    let said = refused(folder.path(), &with(&["explain", "--app", "nobody"]));
    assert!(said.contains("404: The client does not exist"), "{said}");
}

/// Of an application whose grants fail nobody would see the secret.
#[test]
fn an_application_without_its_grants_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, ready) = dev(&folder, "ready.json");
    let listed = || good(folder.path(), &["client", "list", "--json", "--ready-file", "ready.json"]);
    let before = listed();
    let good_grant = format!("{}={}", ready.api.identifier, ready.api.scopes[0]);
    for wrong in ["https://no.example=a".to_owned(), format!("{}=none:such", ready.api.identifier)] {
        let create = ["client", "create", "Job", "--type", "m2m", "--grant", &good_grant, "--grant", &wrong];
        let said = refused(folder.path(), &[&create[..], &["--ready-file", "ready.json"]].concat());
        assert!(said.contains("no application was made: the grant for https://"), "{said}");
        assert_eq!(listed(), before);
    }
}

#[test]
fn who_calls_wrongly_is_told_how() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, ready) = dev(&folder, "ready.json");
    let list = |url: &str| {
        let id = &ready.clients.management.client_id;
        let mut command = chancery(
            folder.path(),
            &["api", "list", "--url", url, "--client-id", id, "--client-secret", "wrong"],
        );
        let output = command.env("CHANCERY_READY_FILE", "").output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(list(&ready.issuer).contains("the client id or secret is wrong"), "{}", list(&ready.issuer));
    for url in ["localhost:1", "localhost"] {
        assert!(list(url).contains("begins with http:// or https://"), "{}", list(url));
    }
}

/// Any operation of the server's table, by method and path or by its id.
#[test]
fn any_operation_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, _) = dev(&folder, "ready.json");
    let ready = ["--ready-file", "ready.json"];
    let cli = |arguments: &[&str]| good(folder.path(), &[arguments, &ready].concat());
    std::fs::write(folder.path().join("role.json"), r#"{"name": "Clerk"}"#).unwrap();
    let role: Value =
        serde_json::from_str(&cli(&["api", "call", "POST", "/roles", "--body", "@role.json"])).unwrap();
    let id = format!("id={}", role["id"].as_str().unwrap());
    let body = r#"{"description": "Does things"}"#;
    let changed = cli(&["api", "call", "patch_roles_by_id", "--path", &id, "--body", body]);
    assert!(changed.contains("Does things"), "{changed}");
    let ours: Value = serde_json::from_str(&cli(&["api", "call", "GET", "/api/chancery/v1/openid"])).unwrap();
    assert_eq!(ours["oidc_strict"], false, "what is ours alone is reached by its whole path");
    let listed =
        cli(&["api", "call", "get_roles", "--query", "name_filter=cler", "--query", "include_totals=true"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed["total"], &listed["roles"][0]["name"]), (&1.into(), &"Clerk".into()));
    assert_eq!(cli(&["api", "call", "DELETE", &format!("/roles/{}", &id[3..])]), "{}\n");

    let refuse = |arguments: &[&str]| refused(folder.path(), &[arguments, &ready].concat());
    let said = refuse(&["api", "call", "POST", "/roles", "--body", "{}"]);
    assert!(
        said.starts_with("error: 400: Payload validation error: 'Missing required property: name'"),
        "{said}"
    );
    let said = refuse(&["api", "call", "GET", "/clients/none"]);
    assert_eq!(said, "error: 404: The client does not exist (inexistent_client)\n");
    let said = refuse(&["api", "call", "GET", "/clients/none", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["errorCode"], "inexistent_client");

    let table = good(folder.path(), &["api", "operations", "client-grants/{id}"]);
    assert!(table.contains("patch_client-grants_by_id") && table.contains("update:client_grants"), "{table}");
    refused(folder.path(), &["api", "operations", "no such thing"]);
}

/// What went wrong, for programs: an object on stderr, and the status that there is without `--json`.
#[test]
fn errors_are_json_where_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (_server, _) = dev(&folder, "ready.json");
    std::fs::write(path.join("one.yaml"), "rules:\n  - name: Mine\n    script: ./x.js\n").unwrap();
    let cases: [(&[&str], &str, &str); 9] = [
        (&["api", "show", "https://no.example", "--ready-file", "ready.json"], "failed", "does not exist"),
        (&["explain", "--app", "nobody", "--ready-file", "ready.json"], "failed", "404"),
        (&["api", "call", "GET", "/nowhere", "--ready-file", "ready.json"], "Not Found", "Not Found"),
        (
            &["api", "list", "--url", "localhost:1", "--client-id", "a", "--client-secret", "b"],
            "failed",
            "http://",
        ),
        (&["plan", "one.yaml", "--ready-file", "ready.json"], "unhandled", "--exclude"),
        (&["plan", "nowhere", "--ready-file", "ready.json"], "failed", "nowhere"),
        (&["serve", "--database", "sqlite:x.db"], "failed", "no master key"),
        (&["keys", "list", "--wrong"], "usage", "--wrong"),
        (&["nothing"], "usage", "nothing"),
    ];
    for (arguments, code, message) in cases {
        let plain = run(path, arguments);
        let json = run(path, &[arguments, &["--json"]].concat());
        let (status, stderr) = (json.status.code(), String::from_utf8(json.stderr).unwrap());
        assert_eq!(status, plain.status.code(), "{arguments:?}: {stderr}");
        assert!(status.is_some_and(|status| status != 0), "{arguments:?}");
        let last = stderr.lines().last().unwrap_or_default();
        let told: Value =
            serde_json::from_str(last).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {stderr}"));
        assert_eq!(told["error"], code, "{arguments:?}: {stderr}");
        assert!(told["message"].as_str().unwrap().contains(message), "{arguments:?}: {stderr}");
        assert!(String::from_utf8(plain.stderr).unwrap().contains("error: "), "{arguments:?}");
    }
}

/// Two servers were told the same file: it is of whoever wrote it last, and lasts as long as that one.
#[test]
fn a_ready_file_is_removed_by_its_own_server() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, _) = dev(&folder, "ready.json");
    std::fs::remove_file(folder.path().join("ready.json")).unwrap();
    let (mut second, ready) = dev(&folder, "ready.json");
    let end = |server: &mut Running| {
        assert!(Command::new("kill").arg(server.0.id().to_string()).status().unwrap().success());
        server.0.wait().unwrap();
    };
    end(&mut first);
    assert_eq!(ReadyFile::read(&folder.path().join("ready.json")).unwrap().issuer, ready.issuer);
    let port = ready.issuer.trim_start_matches("http://");
    let taken =
        ["dev", "--http", port.trim_end_matches('/'), "--https", "localhost:0", "--ready-file", "ready.json"];
    assert!(refused(folder.path(), &taken).contains("another program listens"));
    assert!(folder.path().join("ready.json").exists(), "the server that it names lives");
    end(&mut second);
    assert!(!folder.path().join("ready.json").exists());
}

/// Another port each time; what was made stays.
#[test]
fn dev_mode_finds_its_folder_again() {
    let folder = tempfile::tempdir().unwrap();
    let (server, first) = dev(&folder, "one.json");
    let ready = ["--ready-file", "one.json"];
    good(folder.path(), &[&["api", "create", "https://kept.example"][..], &ready].concat());
    let ca = std::fs::read(&first.ca_file).unwrap();
    let begin = Instant::now();
    let storage = ["--database", "sqlite:.chancery/chancery.db", "--master-key-file", ".chancery/master.key"];
    while !good(folder.path(), &[&["keys", "list"][..], &storage].concat()).contains("next") {
        assert!(begin.elapsed() < Duration::from_secs(30), "the keys that wait are not made");
    }
    drop(server);
    let (_server, second) = dev(&folder, "two.json");
    assert_eq!(std::fs::read(&second.ca_file).unwrap(), ca);
    assert_eq!(first.clients.management.client_secret, second.clients.management.client_secret);
    let apis = good(folder.path(), &["api", "list", "--ready-file", "two.json"]);
    assert!(apis.contains("https://kept.example"), "{apis}");
}

/// One database and folder, two processes: both live on, and each sees what is done through the other.
#[test]
fn two_processes_share_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let ((_one, first), (_other, second)) = (dev(&folder, "one.json"), dev(&folder, "two.json"));
    assert_ne!(first.issuer, second.issuer);
    let made = ["api", "create", "https://shared.example", "--ready-file", "two.json"];
    good(folder.path(), &made);
    let begin = Instant::now();
    while !good(folder.path(), &["api", "list", "--ready-file", "one.json"])
        .contains("https://shared.example")
    {
        assert!(begin.elapsed() < Duration::from_secs(20), "the first process does not follow");
    }
    let authority = |issuer: &str| issuer.trim_start_matches("http://").trim_end_matches('/').to_owned();
    for ready in [&first, &second] {
        let answer = ask(&authority(&ready.issuer), "/.well-known/openid-configuration");
        assert!(answer.contains(&format!("\"issuer\":\"{}\"", ready.issuer)), "{answer}");
    }
}

#[test]
fn sigterm_ends_it_soon_and_well() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, _) = dev(&folder, "ready.json");
    let kill = Command::new("kill").arg(server.0.id().to_string()).status().unwrap();
    assert!(kill.success());
    let begin = Instant::now();
    let status = server.0.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn serve_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let said = refused(path, &["serve", "--database", "sqlite:x.db"]);
    assert!(
        said.contains("no master key is set") && said.contains("chancery keys generate-master"),
        "{said}"
    );
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(!path.join("x.db").exists(), "nothing was made");

    std::fs::write(path.join("bad.toml"), "database = \"sqlite:x.db\"\nmasterkey = \"x\"\n").unwrap();
    let said = refused(path, &["serve", "--config", "bad.toml"]);
    assert!(said.contains("bad.toml") && said.contains("masterkey") && said.contains("line 2"), "{said}");

    let key = good(path, &["keys", "generate-master"]);
    let mut command = chancery(path, &["serve", "--database", "sqlite:x.db", "--http", "127.0.0.1:0"]);
    let output = command.env("CHANCERY_MASTER_KEY", key.trim()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(78) && said.contains("chancery init"), "{said}");
}

#[test]
fn from_nothing_to_a_tenant_in_production() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(
        path.join("c.toml"),
        "database = \"sqlite:x.db\"\nhttp = [\"127.0.0.1:1\"]\nlog_format = \"json\"",
    )
    .unwrap();
    let key = good(path, &["keys", "generate-master"]);
    let with_key = |arguments: &[&str]| {
        let mut command = chancery(path, arguments);
        command.env("CHANCERY_MASTER_KEY", key.trim());
        command
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let origin = format!("http://127.0.0.1:{port}");
    let config = ["--config", "c.toml"];

    let init = ["init", "--tenant", "acme", "--origin", &origin, "--json"];
    let output = with_key(&[&init[..], &config].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    let again = with_key(&[&init[..], &config].concat()).output().unwrap();
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("already"));

    // The flag wins over the file, whose port could not be used.
    let address = format!("127.0.0.1:{port}");
    let mut serve =
        with_key(&[&["serve", "--http", &address, "--metrics", "127.0.0.1:0"][..], &config].concat());
    let log = std::fs::File::create(path.join("log")).unwrap();
    let mut server = Running(serve.stderr(log).spawn().unwrap());
    let begin = Instant::now();
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", std::fs::read_to_string(path.join("log")));
        std::thread::sleep(Duration::from_millis(10));
    }
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let apis = ["api", "list", "--url", &origin, "--client-id", id, "--client-secret", secret];
    assert!(good(path, &apis).contains("/api/v2/"));

    // Beside the running server: list, rotate, back up.
    let keys = |arguments: &[&str]| {
        let output = with_key(&[&["keys"], arguments, &config, &["--json"]].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap().as_array().unwrap().clone()
    };
    let before = keys(&["list"]);
    assert_eq!(before.len(), 6);
    let refused = |arguments: &[&str], why: &str| {
        let output = with_key(&[&["keys"], arguments, &config].concat()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{arguments:?}: {said}");
    };
    refused(&["rotate"], "who checks tokens may not know it yet");
    let after = keys(&["rotate", "--now"]);
    assert_eq!(after.iter().filter(|key| key["state"] == "previous").count(), 3);
    let old = before.iter().find(|key| key["state"] == "current" && key["kty"] == "RSA").unwrap();
    refused(&["revoke", old["kid"].as_str().unwrap()], "--yes does it without a question");
    assert_eq!(keys(&["list"]), after, "nothing was changed");
    let revoked = keys(&["revoke", old["kid"].as_str().unwrap(), "--yes"]);
    assert_eq!(revoked.iter().filter(|key| key["state"] == "revoked").count(), 1);
    good(path, &["backup", "copy.db", "--database", "sqlite:x.db"]);
    assert!(path.join("copy.db").exists());
    assert!(good(path, &["migrate", "--check", "--database", "sqlite:copy.db"]).contains("nothing to do"));
    assert!(good(path, &["tenant", "list", "--database", "sqlite:copy.db"]).contains(&origin));

    assert!(Command::new("kill").arg(server.0.id().to_string()).status().unwrap().success());
    assert!(server.0.wait().unwrap().success());
    let log = std::fs::read_to_string(path.join("log")).unwrap();
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    }
    assert!(log.contains("stopped") && !log.contains(secret) && !log.contains(key.trim()), "{log}");
}

/// Puts Bob into a group that gives what administrators have.
fn an_administrator_through_a_group(database: &std::path::Path) {
    use chancery_store::{Group, Kind, Options, Store};
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let url = format!("sqlite:{}", database.display());
        let store = Store::open(&url, Options::new([0; 32])).await.unwrap();
        let roles = store.docs_all("acme", Kind::Role).await.unwrap();
        let bob = store.users_by_email("acme", "bob@acme.example").await.unwrap().remove(0);
        let group = Group { id: "grp_1".to_owned(), name: "Operators".to_owned(), ..Group::default() };
        let members = [bob.user_id];
        let connection = bob.identities[0].connection.as_str();
        let batch = store
            .insert_group("acme", &group)
            .and(store.add_group_members("acme", "grp_1", (connection, &members), 1))
            .and(store.add_group_roles("acme", "grp_1", "", &[roles[0].id.clone()]));
        store.commit(batch).await.unwrap();
        store.close().await;
    });
}

#[test]
fn the_first_administrator() {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let key = good(path, &["keys", "generate-master"]);
    std::fs::write(path.join("key"), key).unwrap();
    std::fs::set_permissions(path.join("key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let origin = format!("http://127.0.0.1:{port}");
    fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--database", "sqlite:x.db", "--master-key-file", "key"]].concat()
    }
    good(path, &with(&["init", "--tenant", "acme", "--origin", &origin]));
    let create = ["admin", "create", "--email", "Ada@Acme.example"];

    assert!(refused(path, &with(&[&create[..], &["--grant"]].concat())).contains("no user ada@acme.example"));
    assert_eq!(good(path, &with(&["admin", "list", "--json"])).trim(), "[]");
    let made: Value = serde_json::from_str(&good(path, &with(&[&create[..], &["--json"]].concat()))).unwrap();
    assert_eq!(made["url"], format!("{origin}/dashboard/"));
    assert_eq!(made["email"], "ada@acme.example");
    assert!(made["password"].as_str().unwrap().len() > 20);
    let again = refused(path, &with(&create));
    assert!(again.contains("already") && again.contains("--grant"), "{again}");
    let given: Value =
        serde_json::from_str(&good(path, &with(&[&create[..], &["--grant", "--json"]].concat()))).unwrap();
    assert_eq!((&given["user_id"], &given["password"]), (&made["user_id"], &Value::Null));

    let typed = |email: &str, password: &str| {
        let arguments = with(&["admin", "create", "--email", email, "--password-stdin"]);
        let mut command = chancery(path, &arguments);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        // One that is refused before it reads has closed its end.
        drop(child.stdin.take().unwrap().write_all(password.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (weak, said) = typed("eve@acme.example", "short\n");
    assert!(!weak && said.contains("too weak"), "{said}");
    assert!(typed("no address", "x").1.contains("is no email address"));
    let (strong, said) = typed("bob@acme.example", "Guard-4-Bob\nmore\n");
    assert!(strong && !said.contains("Guard-4-Bob"), "{said}");
    let listed: Value = serde_json::from_str(&good(path, &with(&["admin", "list", "--json"]))).unwrap();
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|a| (&a["email"], &a["through"][0])).collect();
    let (role, ada, bob) = ("Dashboard Admin".into(), "ada@acme.example".into(), "bob@acme.example".into());
    let expected: Vec<(&Value, &Value)> = vec![(&ada, &role), (&bob, &role)];
    assert_eq!(listed, expected);
    an_administrator_through_a_group(&path.join("x.db"));
    let listed: Value = serde_json::from_str(&good(path, &with(&["admin", "list", "--json"]))).unwrap();
    assert_eq!(
        listed[1]["through"],
        serde_json::json!(["Dashboard Admin", "Dashboard Admin (group Operators)"])
    );
    assert_eq!(listed[0]["through"], serde_json::json!(["Dashboard Admin"]));

    let address = format!("127.0.0.1:{port}");
    let _server = start(path, &with(&["serve", "--http", &address]));
    let begin = Instant::now();
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not serve");
        std::thread::sleep(Duration::from_millis(10));
    }
    let query = format!(
        "/authorize?client_id=chancery-dashboard&response_type=code&redirect_uri={origin}/dashboard/\
         &scope=openid&audience={origin}/api/v2/&code_challenge=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk\
         &code_challenge_method=S256"
    );
    let answer = ask(&address, &query);
    assert!(answer.contains("302") && answer.contains("location: /u/login?state="), "{answer}");
}

/// The flag, then the environment, then the file.
#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("c.toml"), "database = \"sqlite:file.db\"").unwrap();
    let migrate = |flag: Option<&str>, variable: Option<&str>, expected: &str| {
        let arguments = ["migrate", "--config", "c.toml", "--json"];
        let mut command = chancery(path, &arguments);
        command.args(flag.into_iter().flat_map(|url| ["--database", url]));
        command.envs(variable.map(|url| ("CHANCERY_DATABASE", url)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(path.join(expected).exists(), "{expected}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(migrate(Some("sqlite:flag.db"), Some("sqlite:environment.db"), "flag.db")["before"], 0);
    assert!(!path.join("environment.db").exists() && !path.join("file.db").exists());
    migrate(None, Some("sqlite:environment.db"), "environment.db");
    assert!(!path.join("file.db").exists());
    migrate(None, None, "file.db");
    let looked = chancery(path, &["migrate", "--check", "--database", "sqlite:none.db"]).output().unwrap();
    assert!(!looked.status.success() && !path.join("none.db").exists(), "looking makes nothing");
}

/// Wrong keys are told as such and nothing is served with them.
#[test]
fn another_master_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = dev(&folder, "ready.json");
    drop(server);
    let other = good(folder.path(), &["keys", "generate-master"]);
    let arguments = ["dev", "--http", "localhost:0", "--https", "localhost:0"];
    let output =
        chancery(folder.path(), &arguments).env("CHANCERY_MASTER_KEY", other.trim()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("master key"), "{said}");
}

#[test]
fn completions_are_offered() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(good(folder.path(), &["completions", shell]).contains("chancery"), "{shell}");
    }
}
