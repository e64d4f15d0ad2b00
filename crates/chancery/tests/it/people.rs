//! `chancery user` and `chancery role`, by the binary against a server.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::command_line::{good, refused, run};
use crate::process::{Running, ask, chancery, dev, post};

const API: &str = "https://contacts.example/api";

struct Server {
    folder: TempDir,
    authority: String,
    _running: Running,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (running, ready) = dev(&folder, "ready.json");
        let authority = ready.issuer.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { folder, authority, _running: running }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn good(&self, arguments: &[&str]) -> String {
        good(self.path(), &with(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(&[arguments, &["--json"]].concat())).unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        refused(self.path(), &with(arguments))
    }

    /// What it says to whoever sits at the terminal.
    fn talk(&self, arguments: &[&str]) -> String {
        let output = run(self.path(), &with(arguments));
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    fn typed(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let mut command = chancery(self.path(), &with(arguments));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that is refused before it reads has closed its end.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    }

    fn mails(&self, to: &str) -> Vec<String> {
        let answer = ask(&self.authority, "/dev/mail");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: Value =
            serde_json::from_str(&body[body.find('{').unwrap()..=body.rfind('}').unwrap()]).unwrap();
        let all = body["mails"].as_array().unwrap().iter().filter(|mail| mail["to"] == to);
        all.map(|mail| mail["subject"].as_str().unwrap().to_owned()).collect()
    }

    fn signs_in(&self, user: &str, password: &str) -> bool {
        let body = format!("grant_type=password&username={user}&password={password}&scope=openid");
        let ready = chancery::dev::ReadyFile::read(&self.path().join("ready.json")).unwrap();
        let web = ready.clients.web;
        let body = format!("{body}&client_id={}&client_secret={}", web.client_id, web.client_secret.unwrap());
        let answer = post(&self.authority, "/oauth/token", ("application/x-www-form-urlencoded", &body));
        answer.starts_with("HTTP/1.1 200")
    }
}

fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--ready-file", "ready.json"]].concat()
}

#[test]
fn a_user_is_made_found_blocked_and_deleted() {
    let server = Server::start();
    let create = ["user", "create", "lee@example.com", "--name", "Lee Miller", "--role", "contacts reader"];
    let made = server.json(&create);
    let (id, password) = (made["user_id"].as_str().unwrap(), made["password"].as_str().unwrap());
    assert!(password.len() > 20 && server.signs_in("lee@example.com", password));
    assert_eq!(server.mails("lee@example.com"), ["Confirm your email address - Contacts Demo"]);
    assert!(server.refused(&create).contains("already exists"));

    let table = server.good(&["user", "list", "lee@example"]);
    let mut lines = table.lines();
    assert_eq!(
        lines.next().unwrap().split_whitespace().collect::<Vec<_>>(),
        ["USER", "NAME", "LAST", "LOGIN", "BLOCKED", "ID"]
    );
    let line = lines.next().unwrap();
    assert!(line.starts_with("lee@example.com  Lee Miller") && line.ends_with(id), "{table}");
    assert_eq!(lines.next(), None);
    let shown = server.good(&["user", "show", "lee@example.com"]);
    assert!(
        shown.contains("lee@example.com  (not confirmed)") && shown.contains("Contacts Reader"),
        "{shown}"
    );
    assert!(!shown.contains("Blocked"), "{shown}");
    let roles = server.json(&["user", "roles", id]);
    assert_eq!((&roles[0]["name"], &roles[0]["sources"][0]), (&"Contacts Reader".into(), &"direct".into()));

    assert!(
        server.talk(&["user", "block", "lee@example.com"]).contains("is blocked and signed out everywhere")
    );
    assert!(!server.signs_in("lee@example.com", password));
    assert_eq!(server.json(&["user", "list", "blocked:true"])[0]["user_id"], id);
    assert!(server.good(&["user", "show", id]).contains("Blocked     by an administrator"));
    server.talk(&["user", "unblock", id]);
    assert!(server.signs_in("lee@example.com", password));
    // Wrong passwords block too, and the same command lets them in again.
    for _ in 0..12 {
        assert!(!server.signs_in("lee@example.com", "wrong"));
    }
    assert!(!server.signs_in("lee@example.com", password), "blocked by now");
    assert!(server.good(&["user", "show", id]).contains("after wrong passwords"));
    server.talk(&["user", "unblock", "lee@example.com"]);
    assert!(server.signs_in("lee@example.com", password));

    let said = server.refused(&["user", "delete", "lee@example.com"]);
    assert!(said.contains("--yes"), "nobody can be asked: {said}");
    assert!(
        server.talk(&["user", "delete", "lee@example.com", "--yes"]).contains(&format!("({id}) is deleted"))
    );
    for (named, why) in [
        ("lee@example.com", "no user has the address lee@example.com"),
        (id, "does not exist"),
        ("lee", "no user has the user name lee"),
    ] {
        assert!(server.refused(&["user", "delete", named, "--yes"]).contains(why), "{named}");
    }
}

#[test]
fn a_password_is_typed_mailed_or_made_up_and_never_an_argument() {
    let server = Server::start();
    let create = ["user", "create", "kim@example.com", "--verified", "--password-stdin"];
    let (weak, said) = server.typed(&create, "short\n");
    assert!(!weak && said.contains("too weak"), "{said}");
    let (made, said) = server.typed(&create, "Pass-4-Kim\nmore\n");
    assert!(made && !said.contains("Pass-4-Kim") && !said.contains("Password"), "{said}");
    assert!(server.signs_in("kim@example.com", "Pass-4-Kim"));
    assert!(server.mails("kim@example.com").is_empty(), "the address is known to be theirs");

    let password = ["user", "password", "kim@example.com"];
    let (set, said) = server.typed(&[&password[..], &["--password-stdin"]].concat(), "Other-4-Kim\n");
    assert!(set && said.contains("signed out everywhere") && !said.contains("Other-4"), "{said}");
    assert!(
        !server.signs_in("kim@example.com", "Pass-4-Kim")
            && server.signs_in("kim@example.com", "Other-4-Kim")
    );
    let made_up = server.json(&password)["password"].as_str().unwrap().to_owned();
    assert!(server.signs_in("kim@example.com", &made_up));
    server.talk(&[&password[..], &["--mail"]].concat());
    assert_eq!(server.mails("kim@example.com"), ["Choose a new password - Contacts Demo"]);
    let link = server.json(&[&password[..], &["--link"]].concat())["link"].as_str().unwrap().to_owned();
    let page = ask(&server.authority, link.split_once(&server.authority).unwrap().1);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("password"), "{page}");
    assert!(server.signs_in("kim@example.com", &made_up), "until they chose another one");

    server.good(&["user", "create", "max@example.com", "--mail"]);
    assert_eq!(
        server.mails("max@example.com"),
        ["Choose a new password - Contacts Demo"],
        "one mail is enough"
    );
    let made = server.json(&["user", "create", "eve@example.com", "--link"]);
    assert!(made["link"].as_str().unwrap().contains("/u/reset-verify?ticket=") && made["password"].is_null());
    let both = run(server.path(), &with(&["user", "create", "x@example.com", "--mail", "--link"]));
    assert_eq!(both.status.code(), Some(2));
}

/// What cannot be had as a whole is not had at all.
#[test]
fn a_user_without_their_roles_is_not_made() {
    let server = Server::start();
    let said = server.refused(&["user", "create", "lee@example.com", "--role", "Nobody"]);
    assert!(said.contains("there is no role Nobody") && said.contains("chancery role list"), "{said}");
    let said = server.refused(&["user", "create", "lee@example.com", "--connection", "nowhere"]);
    assert!(said.contains("Connection does not exist"), "{said}");
    assert_eq!(server.json(&["user", "list", "lee@example.com"]), serde_json::json!([]));
}

#[test]
fn a_role_is_made_given_and_taken() {
    let server = Server::start();
    let grant = format!("{API}=read:contacts");
    let made = server.json(&["role", "create", "Clerk", "--description", "Looks", "--grant", &grant]);
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["permissions"][0]["permission_name"], "read:contacts");
    assert!(server.refused(&["role", "create", "Clerk"]).contains("already exists"));
    let wrong = format!("{API}=none:such");
    let said = server.refused(&["role", "create", "Other", "--grant", &grant, "--grant", &wrong]);
    assert!(said.contains("no role was made") && said.contains("none:such"), "{said}");
    let list = server.good(&["role", "list"]);
    assert!(list.contains("Clerk") && !list.contains("Other"), "{list}");

    server.good(&["role", "add-scope", "clerk", API, "delete:contacts"]);
    let shown = server.good(&["role", "show", id]);
    assert!(shown.contains(&format!("Gives        {API}  delete:contacts read:contacts\n")), "{shown}");
    assert!(shown.contains("Users        0\n"), "{shown}");
    let said = server.refused(&["role", "remove-scope", "Clerk", API, "read:contacts", "x"]);
    assert!(said.contains("does not give x") && said.contains("nothing was changed"), "{said}");
    let left = server.json(&["role", "remove-scope", "Clerk", API, "read:contacts"]);
    assert_eq!(left["permissions"].as_array().unwrap().len(), 1);

    let said = server.refused(&["role", "give", "Clerk", "jane@example.com", "no@example.com"]);
    assert!(said.contains("no user has the address no@example.com"), "{said}");
    assert_eq!(
        server.json(&["role", "users", "Clerk"]),
        serde_json::json!([]),
        "one keeps the others from it"
    );
    server.talk(&["role", "give", "Clerk", "jane@example.com", "sam@example.com"]);
    let users = server.good(&["role", "users", "Clerk"]);
    assert!(users.contains("jane@example.com") && users.lines().count() == 3, "{users}");
    let access = server.good(&["explain", "access", "--user", "jane@example.com"]);
    assert!(access.contains("delete:contacts  role Clerk"), "{access}");
    let said = server.refused(&["role", "take", "Clerk", "jane@example.com", "admin@example.com"]);
    assert!(said.contains("admin@example.com") && said.contains("nothing was changed"), "{said}");
    server.talk(&["role", "take", "Clerk", "jane@example.com"]);
    assert_eq!(server.json(&["role", "users", id]).as_array().unwrap().len(), 1);

    assert!(server.refused(&["role", "delete", "Clerk"]).contains("--yes"));
    assert!(server.talk(&["role", "delete", "Clerk", "-y"]).contains("The role Clerk is deleted"));
    assert!(server.refused(&["role", "show", id]).contains("there is no role"));
}

/// A role within an organization counts there alone.
#[test]
fn a_role_is_given_within_an_organization() {
    let server = Server::start();
    server.good(&["role", "create", "Clerk", "--grant", &format!("{API}=delete:contacts")]);
    server.good(&["api", "call", "POST", "/organizations", "--body", r#"{"name":"acme"}"#]);
    let organization = server.json(&["api", "call", "GET", "/organizations/name/acme"]);
    let id = organization["id"].as_str().unwrap();
    let jane = server.json(&["user", "show", "jane@example.com"])["user_id"].as_str().unwrap().to_owned();
    let give = ["role", "give", "Clerk", "jane@example.com", "sam@example.com", "--organization", "acme"];
    let roles = || server.json(&["api", "call", "GET", &format!("/organizations/{id}/members/{jane}/roles")]);

    let members = format!("/organizations/{id}/members");
    server.good(&["api", "call", "POST", &members, "--body", &format!(r#"{{"members":["{jane}"]}}"#)]);
    let said = server.refused(&give);
    assert!(said.contains("sam@example.com") && said.contains("is no member of acme"), "{said}");
    assert_eq!(roles(), serde_json::json!([]), "one keeps the others from it");
    let said = server.talk(&["role", "give", "Clerk", "jane@example.com", "--organization", id]);
    assert!(said.contains("holds the role Clerk in acme"), "{said}");
    assert_eq!(roles()[0]["name"], "Clerk");
    assert_eq!(server.json(&["role", "users", "Clerk"]), serde_json::json!([]), "there alone");
    let said = server.refused(&["role", "give", "Clerk", "jane@example.com", "--organization", "nowhere"]);
    assert!(said.contains("the organization nowhere"), "{said}");

    let take = ["role", "take", "Clerk", "jane@example.com", "--organization", "acme"];
    assert!(server.talk(&take).contains("in acme no more"));
    assert_eq!(roles(), serde_json::json!([]));
    assert!(server.refused(&take).contains("nothing was changed"));
}

#[test]
fn an_application_is_shown_given_a_new_secret_and_deleted() {
    let server = Server::start();
    let grant = format!("{API}=read:contacts");
    let made = server.json(&["client", "create", "Job", "--type", "m2m", "--grant", &grant]);
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let ready = chancery::dev::ReadyFile::read(&server.path().join("ready.json")).unwrap();
    let may = |secret: &str| {
        let body =
            format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&audience={API}");
        let answer = post(&server.authority, "/oauth/token", ("application/x-www-form-urlencoded", &body));
        answer.starts_with("HTTP/1.1 200")
    };
    assert!(may(secret));

    let shown = server.good(&["client", "show", "Job"]);
    assert!(shown.contains(&format!("May ask    {API}  read:contacts\n")), "{shown}");
    assert!(!shown.contains(secret) && shown.contains("non_interactive"), "{shown}");
    let shown = server.json(&["client", "show", id]);
    assert!(shown["client_secret"].is_null() && shown["client_grants"][0]["audience"] == API, "{shown}");

    let said = server.refused(&["client", "rotate-secret", "Job"]);
    assert!(said.contains("--yes"), "nobody can be asked: {said}");
    assert!(may(secret), "nothing was changed");
    let rotated = server.json(&["client", "rotate-secret", "Job", "--yes"]);
    let rotated = rotated["client_secret"].as_str().unwrap();
    assert!(!may(secret) && may(rotated));
    let said = server.refused(&["client", "rotate-secret", &ready.clients.spa.client_id, "--yes"]);
    assert!(said.contains("public application") && said.contains("nothing was changed"), "{said}");

    assert!(server.refused(&["client", "delete", "Job"]).contains("--yes"));
    assert!(may(rotated));
    assert!(server.talk(&["client", "delete", id, "-y"]).contains(&format!("Job ({id}) is deleted")));
    assert!(!may(rotated));
    for command in ["show", "delete"] {
        let said = server.refused(&["client", command, "Job"]);
        assert!(said.contains("there is no application Job") && said.contains("client list"), "{said}");
    }
}

/// A token that was refused something is explained with what gives it, as a request that nobody made is.
#[test]
fn a_token_of_earlier_says_what_would_give_more() {
    let server = Server::start();
    let ready = chancery::dev::ReadyFile::read(&server.path().join("ready.json")).unwrap();
    let m2m = ready.clients.m2m;
    let body = serde_json::json!({
        "grant_type": "client_credentials", "client_id": m2m.client_id, "client_secret": m2m.client_secret,
        "audience": API, "scope": "read:contacts delete:contacts",
    });
    let answer = post(&server.authority, "/oauth/token", ("application/json", &body.to_string()));
    let head = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
    let explain = || {
        let output = run(server.path(), &with(&["explain", "token", head]));
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let said = explain();
    let command = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("chancery "))
        .unwrap_or_else(|| panic!("{said}"));
    let words = command.replace('\'', "");
    server.good(&words.split(' ').collect::<Vec<_>>());
    let told = run(server.path(), &with(&["explain", "token", head, "--json"]));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["decision"], &told["now"]["decision"]), (&"denied".into(), &"issued".into()));
    assert_eq!(told["now"]["scope"], "read:contacts delete:contacts");
    let said = explain();
    assert!(said.contains("delete:contacts  no ") && said.contains("it would be granted now"), "{said}");
}
