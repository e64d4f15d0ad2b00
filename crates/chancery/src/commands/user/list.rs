//! `chancery user list`.

use anyhow::Result;
use form_urlencoded::Serializer;
use serde_json::Value;

use super::{name, text};
use crate::cli::UserList;
use crate::management::Management;
use crate::output::Output;

pub(super) async fn run(args: UserList, out: &mut Output) -> Result<()> {
    let management = Management::connect(args.server).await?;
    let query = args.query.as_deref().map(lucene);
    let limit = args.limit as usize;
    let (mut users, mut total) = (Vec::new(), 0);
    for page in 0..limit.div_ceil(PAGE) {
        let part = management.get(&at(query.as_deref(), page)).await?;
        total = part["total"].as_u64().unwrap_or_default();
        let found = part["users"].as_array().cloned().unwrap_or_default();
        let is_last = found.len() < PAGE;
        users.extend(found);
        if is_last {
            break;
        }
    }
    users.truncate(limit);
    let rows: Vec<_> = users.iter().map(row).collect();
    out.table(&users, &["USER", "NAME", "LAST LOGIN", "BLOCKED", "ID"], &rows)?;
    if total > users.len() as u64 {
        out.say(&format!(
            "These are {} of {total}: a word or a query finds others, --limit takes more.",
            users.len()
        ));
    }
    Ok(())
}

const PAGE: usize = 100;

fn at(query: Option<&str>, page: usize) -> String {
    let mut encoded = Serializer::new(String::new());
    encoded.append_pair("per_page", &PAGE.to_string()).append_pair("page", &page.to_string());
    encoded.append_pair("include_totals", "true");
    if let Some(query) = query {
        encoded.append_pair("search_engine", "v3").append_pair("q", query);
    }
    format!("/users?{}", encoded.finish())
}

fn row(user: &Value) -> Vec<String> {
    let named = user["email"].as_str().or(user["username"].as_str()).unwrap_or_default();
    let day = text(user, "last_login").chars().take(10).collect();
    let blocked = if user["blocked"] == true { "yes" } else { "" };
    vec![named.to_owned(), name(user), day, blocked.to_owned(), text(user, "user_id")]
}

/// What names a field is a query already; else it is how an address, an id or any value begins.
fn lucene(words: &str) -> String {
    let is_query = words.split_whitespace().any(|word| {
        let word = word.trim_start_matches(['(', '-', '+', '!']);
        word.split_once(':').is_some_and(|(field, value)| is_field(field) && !value.is_empty())
    });
    let words = words.trim();
    if is_query || words.is_empty() {
        return words.to_owned();
    }
    let mut beginning = String::new();
    for c in words.chars() {
        if !c.is_alphanumeric() && c != '_' {
            beginning.push('\\');
        }
        beginning.push(c);
    }
    match (words.contains('@'), words.contains('|')) {
        (true, _) => format!("email:{beginning}*"),
        (_, true) => format!("user_id:{beginning}*"),
        _ => format!("{beginning}*"),
    }
}

fn is_field(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_queries() {
        for (typed, query) in [
            ("ada", "ada*"),
            ("Ada Lovelace", "Ada\\ Lovelace*"),
            ("ada@acme", "email:ada\\@acme*"),
            ("auth0|1", "user_id:auth0\\|1*"),
            ("blocked:true", "blocked:true"),
            ("ada AND (email:*@acme.example)", "ada AND (email:*@acme.example)"),
            ("note: this", "note\\:\\ this*"),
        ] {
            assert_eq!(lucene(typed), query);
        }
    }
}
