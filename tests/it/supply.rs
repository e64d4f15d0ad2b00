//! What comes from others, as deny.toml allows it, held against the graph that Cargo resolved: cargo-deny takes long to build,
//! and where it is missing nothing else would look.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Of whatever index protocol: this is how Cargo writes it down.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn no_banned_crate_comes_in() {
    let (graph, rules) = (Graph::resolved(), rules());
    let bans = rules["bans"]["deny"].as_array().unwrap();
    assert!(!bans.is_empty());
    for ban in bans {
        let users = words(ban.get("wrappers"));
        for (package, banned) in graph.reachable().filter(|(_, package)| package.name == crate_of(ban)) {
            for user in graph.users(package) {
                let is_allowed = users.contains(graph.packages[user].name.as_str());
                assert!(is_allowed, "{} is banned: {} -> {0}", banned.name, graph.way(user));
            }
        }
    }
}

#[test]
fn every_licence_is_allowed() {
    let (graph, rules) = (Graph::resolved(), rules());
    let licences = &rules["licenses"];
    let allowed = words(licences.get("allow"));
    for (id, package) in graph.others() {
        let of_this = |list| entries(licences, list).find(|entry| crate_of(entry) == package.name);
        let clarified = of_this("clarify").map(|entry| entry["expression"].as_str().unwrap());
        let licence = clarified.or(package.licence.as_deref()).unwrap_or("(none)");
        let more = words(of_this("exceptions").and_then(|entry| entry.get("allow")));
        let is_allowed = |licence: &str| allowed.contains(licence) || more.contains(licence);
        assert!(is_satisfied(licence, &is_allowed), "{licence} is not allowed: {}", graph.way(id));
    }
}

#[test]
fn everything_comes_from_one_registry() {
    let graph = Graph::resolved();
    for (id, package) in graph.others() {
        let source = package.source.as_deref().unwrap_or("a folder");
        assert_eq!(source, CRATES_IO, "{} comes from elsewhere: {}", package.name, graph.way(id));
    }
}

#[test]
fn expressions_of_licences() {
    let allowed = |licence: &str| matches!(licence, "MIT" | "ISC" | "Apache-2.0 WITH LLVM-exception");
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT OR GPL-3.0-only", true),
        ("GPL-3.0-only/MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("MIT AND ISC", true),
        ("GPL-3.0-only AND ISC OR MIT", true),
        ("GPL-3.0-only AND (ISC OR MIT)", false),
        ("(GPL-3.0-only OR ISC) AND MIT", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0 WITH LLVM-exception AND MIT", true),
        ("Apache-2.0", false),
        ("MIT WITH LLVM-exception", false),
        ("MIT OR", false),
        ("MIT ISC", false),
        ("(MIT", false),
        ("", false),
        ("(none)", false),
    ] {
        assert_eq!(is_satisfied(expression, &allowed), expected, "{expression}");
    }
}

/// Whether an SPDX expression, or one of before with `/` for `OR`, can be met. One that cannot be read is not.
fn is_satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: VecDeque<&str> = spaced.split_whitespace().collect();
    either(&mut words, allowed) == Some(true) && words.is_empty()
}

/// `OR` binds loosest.
fn either(words: &mut VecDeque<&str>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = both(words, allowed)?;
    while words.front() == Some(&"OR") {
        words.pop_front();
        met |= both(words, allowed)?;
    }
    Some(met)
}

fn both(words: &mut VecDeque<&str>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = one(words, allowed)?;
    while words.front() == Some(&"AND") {
        words.pop_front();
        met &= one(words, allowed)?;
    }
    Some(met)
}

fn one(words: &mut VecDeque<&str>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let word = words.pop_front()?;
    if word == "(" {
        let met = either(words, allowed)?;
        return (words.pop_front()? == ")").then_some(met);
    }
    if words.front() != Some(&"WITH") {
        return Some(allowed(word));
    }
    words.pop_front();
    Some(allowed(&format!("{word} WITH {}", words.pop_front()?)))
}

fn rules() -> toml::Table {
    std::fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The tables of a list that may be missing.
fn entries<'a>(rules: &'a toml::Value, list: &str) -> impl Iterator<Item = &'a toml::Value> {
    rules.get(list).and_then(toml::Value::as_array).into_iter().flatten()
}

/// Whom an entry is about, in both ways of writing it; versions are not looked at.
fn crate_of(entry: &toml::Value) -> &str {
    let name = entry.get("crate").or_else(|| entry.get("name")).unwrap_or(entry).as_str().unwrap();
    name.split(['@', ':']).next().unwrap()
}

fn words(list: Option<&toml::Value>) -> BTreeSet<&str> {
    list.and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_str).collect()
}

struct Package {
    name: String,
    told: Value,
    licence: Option<String>,
    source: Option<String>,
}

impl Package {
    /// Whether it really uses a crate. Cargo names one too that is only spoken of (`ring?/alloc`) and never built.
    fn builds(&self, name: &str, features: &Value) -> bool {
        let features = features.as_array().unwrap().iter().filter_map(Value::as_str);
        let turned_on = features.flat_map(|feature| self.told["features"][feature].as_array().unwrap());
        let turned_on: Vec<&str> = turned_on.filter_map(Value::as_str).collect();
        let ways = self.told["dependencies"].as_array().unwrap().iter().filter(|way| way["name"] == name);
        ways.into_iter().any(|way| {
            let key = way["rename"].as_str().unwrap_or(name);
            let turns_on = |item: &&str| item.strip_prefix("dep:").or(item.split('/').next()) == Some(key);
            way["optional"] == false || turned_on.iter().any(turns_on)
        })
    }
}

/// Packages by Cargo's id.
struct Graph {
    packages: BTreeMap<String, Package>,
    members: BTreeSet<String>,
    uses: BTreeMap<String, Vec<String>>,
    /// Who brings a package in first, for all that are reachable; nobody does for members.
    through: BTreeMap<String, Option<String>>,
}

impl Graph {
    /// With every feature, as deny.toml has it, for the system that the test runs on: what others need may not be here.
    fn resolved() -> Self {
        let told = cargo(&["-vV"]);
        let host = told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let fixed = ["metadata", "--locked", "--offline", "--format-version", "1", "--all-features"];
        let told = cargo(&[&fixed[..], &["--filter-platform", host]].concat());
        let told: Value = serde_json::from_str(&told).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let package = |package: &Value| {
            let optional = |name: &str| package[name].as_str().map(str::to_owned);
            let (licence, source) = (optional("license"), optional("source"));
            (
                text(&package["id"]),
                Package { name: text(&package["name"]), told: package.clone(), licence, source },
            )
        };
        let packages: BTreeMap<_, _> = told["packages"].as_array().unwrap().iter().map(package).collect();
        let node = |node: &Value| {
            let user = &packages[node["id"].as_str().unwrap()];
            let used = node["dependencies"].as_array().unwrap().iter().map(text);
            (
                text(&node["id"]),
                used.filter(|id| user.builds(&packages[id].name, &node["features"])).collect(),
            )
        };
        let uses = told["resolve"]["nodes"].as_array().unwrap().iter().map(node).collect();
        let mut graph = Self {
            packages,
            members: told["workspace_members"].as_array().unwrap().iter().map(text).collect(),
            uses,
            through: BTreeMap::new(),
        };
        graph.walk();
        assert!(graph.others().count() > 100, "the graph is not all there");
        graph
    }

    /// In breadth, so that the way told of is the shortest.
    fn walk(&mut self) {
        let mut next: VecDeque<String> = self.members.iter().cloned().collect();
        self.through.extend(next.iter().map(|id| (id.clone(), None)));
        while let Some(user) = next.pop_front() {
            for used in &self.uses[&user] {
                if !self.through.contains_key(used) {
                    self.through.insert(used.clone(), Some(user.clone()));
                    next.push_back(used.clone());
                }
            }
        }
    }

    fn reachable(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.through.keys().map(|id| (id.as_str(), &self.packages[id]))
    }

    /// Without those of this workspace.
    fn others(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.reachable().filter(|(id, _)| !self.members.contains(*id))
    }

    fn users(&self, package: &str) -> impl Iterator<Item = &str> {
        let uses = self.uses.iter().filter(move |(_, uses)| uses.iter().any(|used| used == package));
        uses.map(|(user, _)| user.as_str()).filter(|user| self.through.contains_key(*user))
    }

    /// `chancery-web -> hyper -> http`.
    fn way(&self, package: &str) -> String {
        let mut names = Vec::new();
        let mut at = Some(package);
        while let Some(id) = at {
            names.push(self.packages[id].name.as_str());
            at = self.through[id].as_deref();
        }
        names.reverse();
        names.join(" -> ")
    }
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
