//! Forms in pages, read without knowing the page: the first form, where it goes, what it holds.

/// A form as a browser sees it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Form {
    /// Where it is sent; empty for the page's own address.
    pub(crate) action: String,
    /// Fields with their preset values: hidden, text, password, checked boxes.
    pub(crate) fields: Vec<(String, String)>,
    /// Buttons that carry a name and a value.
    pub(crate) buttons: Vec<(String, String)>,
}

impl Form {
    /// The first form with `method="post"` of a page.
    pub(crate) fn find(page: &str) -> Option<Self> {
        let mut rest = page;
        loop {
            let start = find_ignoring_case(rest, "<form")?;
            rest = &rest[start..];
            let end = find_ignoring_case(rest, "</form").unwrap_or(rest.len());
            let inside = &rest[..end];
            rest = &rest[end..];
            let mut tags = tags(inside);
            let form = tags.next()?;
            if form.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("post")) {
                return Some(Self::of(&form, tags));
            }
        }
    }

    /// Sets a field, adding it when the form does not have it.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|field| field.0 == name) {
            Some(field) => value.clone_into(&mut field.1),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Whether it has a field of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.0 == name)
    }

    fn of<'a>(form: &Tag, tags: impl Iterator<Item = Tag<'a>>) -> Self {
        let mut found = Self { action: form.attribute("action").unwrap_or_default(), ..Self::default() };
        for tag in tags {
            let Some(name) = tag.attribute("name") else { continue };
            let kind = tag.attribute("type").unwrap_or_default().to_ascii_lowercase();
            let value = tag.attribute("value");
            match (tag.name.to_ascii_lowercase().as_str(), kind.as_str()) {
                ("button", _) | ("input", "submit") => found.buttons.push((name, value.unwrap_or_default())),
                ("input", "checkbox" | "radio") if tag.attribute("checked").is_none() => {}
                ("input", "checkbox" | "radio") => {
                    found.fields.push((name, value.unwrap_or_else(|| "on".to_owned())));
                }
                ("input", _) => found.fields.push((name, value.unwrap_or_default())),
                _ => {}
            }
        }
        found
    }
}

struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<String> {
        let found = self.attributes.iter().find(|attribute| attribute.0.eq_ignore_ascii_case(name))?;
        Some(decoded(found.1))
    }
}

/// Opening tags in order.
fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('<')? + 1..];
            if rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
                let (tag, after) = tag(rest);
                rest = after;
                return Some(tag);
            }
        }
    })
}

/// One tag, from its name on, and what follows it.
fn tag(text: &str) -> (Tag<'_>, &str) {
    let ends_name = |c: char| c.is_ascii_whitespace() || c == '>' || c == '/';
    let (name, mut rest) = text.split_at(text.find(ends_name).unwrap_or(text.len()));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (Tag { name, attributes }, rest);
        }
        let end = rest.find(|c: char| ends_name(c) || c == '=').unwrap_or(rest.len());
        // A stray `=` has no name before it: step over it, or this would never end.
        let (key, after) = rest.split_at(end.max(1));
        let after = after.trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else {
            attributes.push((key, ""));
            rest = after;
            continue;
        };
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value
                .split_at(value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len())),
        };
        attributes.push((key, value));
        rest = after;
    }
}

fn decoded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        match rest.find(';').and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((character, end)) => {
                plain.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_post_form_with_its_fields_and_buttons() {
        let page = r#"<html><form action="/search"><input name=q></form>
            <FORM class='a > b' method="POST" action='/u/login?state=a&amp;x=1'>
              <input type="hidden" name="state" value="hKF&#x2F;o&#39;&lt;"/>
              <input id=username name=username autocomplete="username" required>
              <input type="checkbox" name="remember" checked> <input type=checkbox name=other value=1>
              <button type="submit" name="action" value="default" data-x>Continue</button>
            </FORM><input name="outside">"#;
        let form = Form::find(page).unwrap();
        assert_eq!(form.action, "/u/login?state=a&x=1");
        let fields: Vec<_> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("state", "hKF/o'<"), ("username", ""), ("remember", "on")]);
        assert_eq!(form.buttons, [("action".to_owned(), "default".to_owned())]);
        assert!(form.has("username") && !form.has("other"));
    }

    #[test]
    fn broken_pages_end() {
        for page in [
            "",
            "<form",
            "<form method=post = =",
            "<form method='post",
            "<form method=post><input name=\"a",
            "& <form method=post action=&amp>",
        ] {
            let _ = Form::find(page);
        }
        assert_eq!(decoded("a &b; &#0x; &"), "a &b; &#0x; &");
    }
}
