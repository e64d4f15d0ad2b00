//! `chancery explain unused`: what could be taken away, and the file that `chancery plan` reads to do it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::table::printable;
use crate::cli::UnusedArgs;
use crate::deploy::yaml_text;
use crate::management::Management;
use crate::output::Output;

pub(super) async fn run(management: &Management, args: &UnusedArgs, out: &mut Output) -> Result<ExitCode> {
    let told = management.own_get(&format!("/explain/unused?days={}", args.days)).await?;
    let unused = Unused::all(&told);
    if out.json || args.all {
        let rows: Vec<_> = unused.iter().map(Unused::row).collect();
        out.table(&told, &["OF", "NAME", "API", "SCOPE", "LAST ISSUED"], &rows)?;
    } else {
        for line in summary(&unused, args.days) {
            out.line(&line)?;
        }
    }
    if let Some(young) = told["recently_given"].as_u64().filter(|young| *young > 0) {
        out.say(&format!(
            "{} given within {} {} left out: nobody can say yet whether {} needed.",
            counted(usize::try_from(young).unwrap_or(usize::MAX), "scope"),
            counted(args.days as usize, "day"),
            if young == 1 { "is" } else { "are" },
            if young == 1 { "it is" } else { "they are" },
        ));
    }
    if told["is_complete"] != true {
        let since = told["since"].as_str().unwrap_or("today");
        out.say(&format!("Uses are noted since {since} only: what was issued before that is not known."));
    }
    if let Some(path) = args.write.as_deref() {
        write_patch(&told, path)?;
        out.say(&format!(
            "{} takes it away, but for what this application holds itself. See whom that touches: chancery plan {0}",
            path.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// A scope that somebody holds and nobody was issued.
struct Unused {
    kind: &'static str,
    holder: String,
    api: String,
    scope: String,
    last: Option<String>,
}

impl Unused {
    fn all(told: &Value) -> Vec<Self> {
        let mut all = Vec::new();
        let lists = [("client grant", "client_grants", "client_name"), ("role", "roles", "name")];
        for (kind, list, name) in lists {
            for holder in told[list].as_array().into_iter().flatten() {
                for unused in holder["unused"].as_array().into_iter().flatten() {
                    all.push(Self {
                        kind,
                        holder: text(&holder[name]),
                        api: text(&unused["audience"]),
                        scope: text(&unused["scope"]),
                        last: unused["last_used"].as_str().map(printable),
                    });
                }
            }
        }
        all
    }

    fn row(&self) -> Vec<String> {
        let last = self.last.as_deref().unwrap_or("never");
        [self.kind, &self.holder, &self.api, &self.scope, last].map(str::to_owned).to_vec()
    }
}

/// A count in all, then for each API who holds what. The one with most comes last, where it does not hide the others: an
/// application that manages the tenant holds hundreds of scopes.
fn summary(unused: &[Unused], days: u32) -> Vec<String> {
    if unused.is_empty() {
        return vec![format!(
            "No scope is granted and was not issued within {}.",
            counted(days as usize, "day")
        )];
    }
    let of = |kind: &str| unused.iter().filter(|unused| unused.kind == kind).count();
    let mut lines = vec![format!(
        "{} granted and not issued within {}: {} by client grants, {} by roles.",
        counted(unused.len(), "scope"),
        counted(days as usize, "day"),
        of("client grant"),
        of("role")
    )];
    let mut apis = grouped(unused.iter(), |unused| unused.api.as_str());
    apis.sort_by_key(|(_, held)| held.len());
    let mut is_cut = false;
    for (api, held) in apis {
        lines.extend([String::new(), format!("{api}  {}", counted(held.len(), "scope"))]);
        for ((kind, holder), scopes) in
            grouped(held.into_iter(), |unused| (unused.kind, unused.holder.as_str()))
        {
            let shown: Vec<_> = scopes.iter().take(FEW).map(|unused| shown(unused)).collect();
            let more = scopes.len() - shown.len();
            is_cut |= more > 0;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            lines.push(format!("  {kind} {holder}: {}{more}", shown.join(", ")));
        }
    }
    if is_cut {
        lines.extend([String::new(), "All of them: --all, or --json.".to_owned()]);
    }
    lines
}

/// How many scopes of one holder a line names.
const FEW: usize = 8;

fn shown(unused: &Unused) -> String {
    match &unused.last {
        Some(last) => format!("{} (last {last})", unused.scope),
        None => unused.scope.clone(),
    }
}

/// In the order in which the keys come first.
fn grouped<'a, K: PartialEq>(
    all: impl Iterator<Item = &'a Unused>,
    key: impl Fn(&'a Unused) -> K,
) -> Vec<(K, Vec<&'a Unused>)> {
    let mut groups: Vec<(K, Vec<&Unused>)> = Vec::new();
    for unused in all {
        let key = key(unused);
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, group)) => group.push(unused),
            None => groups.push((key, vec![unused])),
        }
    }
    groups
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn write_patch(told: &Value, path: &Path) -> Result<()> {
    let Some(patch) = told["patch"].as_object() else { bail!("the server answered with no patch") };
    let shown = path.display();
    if !path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
        bail!("{shown} is no name for the file: it ends in .yaml");
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .with_context(|| format!("the file {shown}"))?;
    std::io::Write::write_all(&mut file, yaml_text(patch).as_bytes())
        .with_context(|| format!("the file {shown}"))
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_unused_is_told_api_by_api() {
        let many: Vec<Value> =
            (0..10).map(|n| json!({ "audience": "https://big/", "scope": format!("s:{n}") })).collect();
        let told = json!({
            "client_grants": [{ "client_name": "Tool", "unused": many }],
            "roles": [{ "name": "Clerk", "unused": [
                { "audience": "https://small/", "scope": "read:x", "last_used": "2026-01-02" },
                { "audience": "https://small/", "scope": "write:x" },
            ]}],
        });
        let expected = [
            "12 scopes granted and not issued within 90 days: 10 by client grants, 2 by roles.",
            "",
            "https://small/  2 scopes",
            "  role Clerk: read:x (last 2026-01-02), write:x",
            "",
            "https://big/  10 scopes",
            "  client grant Tool: s:0, s:1, s:2, s:3, s:4, s:5, s:6, s:7 and 2 more",
            "",
            "All of them: --all, or --json.",
        ];
        assert_eq!(summary(&Unused::all(&told), 90), expected);
        assert_eq!(summary(&[], 1), ["No scope is granted and was not issued within 1 day."]);
    }
}
