//! `/dev/mail`: the mail that would have been sent, newest first.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chancery_web::{App, Ctx, hosted, json};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::pages::letters;

#[derive(Template)]
#[template(path = "mail.html")]
struct Page {
    mails: Vec<Shown>,
}

struct Shown {
    to: String,
    subject: String,
    lines: Vec<Vec<Piece>>,
    /// Shown in a frame that runs nothing.
    html: String,
}

/// Text, or an address to click.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Link(String),
}

/// A page for browsers, JSON for everybody else. Only at hosts of ours (`Ctx`), so that no site reads it by pointing its own
/// name at this machine.
pub(super) async fn mail(State(app): State<Arc<App>>, _: Ctx, headers: HeaderMap) -> Response {
    let kept = app.outbox.kept();
    if !hosted::prefers_html(&headers) {
        let mails: Vec<_> = kept
            .iter()
            .map(|mail| json!({ "to": mail.to, "subject": mail.subject, "text": mail.text, "html": mail.html }))
            .collect();
        return json(StatusCode::OK, &json!({ "mails": mails }));
    }
    let mails = kept.into_iter().map(|mail| Shown {
        lines: mail.text.lines().map(pieces).collect(),
        to: mail.to,
        subject: mail.subject,
        html: mail.html,
    });
    letters(&Page { mails: mails.collect() })
}

fn pieces(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::<Piece>::new();
    for word in line.split_inclusive(' ') {
        let bare = word.trim_end();
        if let Some((link, after)) = bare.strip_prefix('<').and_then(|inner| inner.split_once('>'))
            && is_address(link)
        {
            pieces.push(Piece::Link(link.to_owned()));
            pieces.push(Piece::Text(after.to_owned() + &word[bare.len()..]));
        } else if is_address(bare) {
            pieces.push(Piece::Link(bare.to_owned()));
            pieces.push(Piece::Text(word[bare.len()..].to_owned()));
        } else if let Some(Piece::Text(text)) = pieces.last_mut() {
            text.push_str(word);
        } else {
            pieces.push(Piece::Text(word.to_owned()));
        }
    }
    pieces
}

fn is_address(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_links() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let link = Piece::Link("http://localhost:4000/x?y=1".to_owned());
        assert_eq!(pieces("Open http://localhost:4000/x?y=1 now"), [text("Open "), link, text(" now")]);
        let link = || Piece::Link("https://a.example/".to_owned());
        assert_eq!(pieces("Open <https://a.example/>."), [text("Open "), link(), text(".")]);
        assert_eq!(pieces(""), []);
        assert_eq!(pieces("javascript:alert(1)"), [text("javascript:alert(1)")]);
    }
}
