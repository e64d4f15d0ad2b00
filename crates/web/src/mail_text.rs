//! The words of a mail that are no HTML: for readers that show none, and for headers.

use std::borrow::Cow;

/// What a template's page says, without its markup: paragraphs apart, a link as its words and `<address>`. Whatever is
/// given is read somehow; what a browser would not show (styles, scripts, the title) is left out.
pub(crate) fn plain(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.say(&decoded(&rest[..at]));
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!')) {
            text.say("<");
            rest = &rest[1..];
            continue;
        }
        let end = tag_end(rest);
        let tag = Tag::of(&rest[1..end]);
        rest = rest[end..].strip_prefix('>').unwrap_or("");
        if HIDDEN.contains(&&*tag.name) && !tag.closes {
            rest = after_closing(rest, &tag.name);
        } else {
            text.mark(&tag);
        }
    }
    text.say(&decoded(rest));
    text.finish()
}

/// At most so many characters; no second header line can begin in them.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// Elements of which nothing is shown.
const HIDDEN: [&str; 4] = ["style", "script", "title", "template"];
/// A line of its own.
const LINES: [&str; 7] = ["br", "div", "li", "tr", "dt", "dd", "hr"];
/// A paragraph of its own.
const PARAGRAPHS: [&str; 13] =
    ["p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "section", "pre"];

#[derive(Default)]
struct Text {
    out: String,
    /// Line ends to be written before the next word.
    breaks: usize,
    space: bool,
    /// Where a link leads, and where its words begin.
    link: Option<(String, usize)>,
}

impl Text {
    /// White space is one space, as in a browser.
    fn say(&mut self, words: &str) {
        if words.starts_with(char::is_whitespace) {
            self.space = true;
        }
        for word in words.split_whitespace() {
            self.word(word);
            self.space = true;
        }
        if !words.is_empty() && !words.ends_with(char::is_whitespace) {
            self.space = false;
        }
    }

    fn word(&mut self, word: &str) {
        if self.out.is_empty() {
        } else if self.breaks > 0 {
            self.out.extend(std::iter::repeat_n('\n', self.breaks));
        } else if self.space {
            self.out.push(' ');
        }
        (self.breaks, self.space) = (0, false);
        self.out.push_str(word);
    }

    fn mark(&mut self, tag: &Tag) {
        let name = &*tag.name;
        if PARAGRAPHS.contains(&name) {
            self.breaks = 2;
        } else if LINES.contains(&name) {
            self.breaks = self.breaks.max(1);
        } else if matches!(name, "td" | "th") {
            self.space = true;
        } else if name == "a" {
            self.close_link();
            self.link = tag.href.clone().filter(|_| !tag.closes).map(|href| (href, self.out.len()));
        }
    }

    fn close_link(&mut self) {
        let Some((href, begin)) = self.link.take() else { return };
        let is_address = href.starts_with("http://") || href.starts_with("https://");
        if is_address && self.out[begin..].trim() != href {
            self.space = true;
            self.word(&format!("<{href}>"));
        }
    }

    fn finish(mut self) -> String {
        self.close_link();
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }
}

struct Tag {
    name: String,
    closes: bool,
    href: Option<String>,
}

impl Tag {
    /// Of what stands between `<` and `>`.
    fn of(inside: &str) -> Self {
        let bare = inside.trim_start_matches('/');
        let end = bare.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(bare.len());
        let name = bare[..end].to_ascii_lowercase();
        let href = (name == "a").then(|| attribute(&bare[end..], "href")).flatten();
        Self { name, closes: bare.len() < inside.len(), href }
    }
}

fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = rest[end..].trim_start();
        let Some(value) = rest.strip_prefix('=') else { continue };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (text, after) = match quote {
            Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(decoded(text).trim().to_owned());
        }
        rest = after.trim_start();
    }
    None
}

/// Where the tag ends that `text` begins with: at `>`, unless that is within quotes.
fn tag_end(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return at,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn after_closing<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
    }
    ""
}

/// Character references: the ones that mails have, and all numbers.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = rest[1..].split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        if let Some((character, after)) = known {
            out.push(character);
            rest = after;
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn character(name: &str) -> Option<char> {
    let number = match name.strip_prefix('#') {
        Some(hex) if hex.starts_with(['x', 'X']) => u32::from_str_radix(&hex[1..], 16).ok(),
        Some(decimal) => decimal.parse().ok(),
        None => None,
    };
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "mdash" => Some('\u{2014}'),
        "ndash" => Some('\u{2013}'),
        "hellip" => Some('\u{2026}'),
        "copy" => Some('\u{a9}'),
        _ => number.and_then(char::from_u32).filter(|c| !c.is_control()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_where_links_lead() {
        let page = "<html><head><title>T</title><style>p { a: b }</style></head><body>\n  <h1>Hi Jane,</h1>\
            <p>please <b>con</b>firm\n your&nbsp;address: <A HREF='https://a.example/?a=1&amp;b=2'>Confirm</A>.</p>\
            <!-- never > shown --><p>A &lt;b&gt; &#8364; 3 < 4 &c<br/>end</p><script>x</script></body></html>";
        assert_eq!(
            plain(page),
            "Hi Jane,\n\nplease confirm your address: Confirm <https://a.example/?a=1&b=2>.\n\n\
             A <b> \u{20ac} 3 < 4 &c\nend\n"
        );
        assert_eq!(plain("<a href=https://a.example/>https://a.example/</a>"), "https://a.example/\n");
        assert_eq!(plain("<a href=\"javascript:x\">no</a> <a>none</a>"), "no none\n");
    }

    #[test]
    fn anything_is_read_somehow() {
        for broken in [
            "",
            "<",
            "<a",
            "<a href=\"",
            "<!--",
            "&",
            "&#xffffffff;",
            "<style>",
            "</",
            "a<ä>",
            "<p",
            "<a href>",
        ] {
            let _ = plain(broken);
        }
        assert_eq!(plain("a <a href='https://x.example' title='>'>b"), "a b <https://x.example>\n");
    }
}
