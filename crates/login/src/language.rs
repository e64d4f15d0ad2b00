//! Which language a page speaks.

/// A language the pages have complete texts in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, what is spoken when nothing else fits.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// Every language there are texts for.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The BCP 47 tag, as the `lang` attribute and the tenant's `enabled_locales` spell it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language of a tag; regions and scripts are ignored, so `de-AT` is German.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

/// The first language both sides speak: `ui_locales` of the request (OpenID Connect Core 3.1.2.1, in order of preference)
/// before the browser's `Accept-Language` (RFC 9110 section 12.5.4) before the tenant's first.
///
/// `enabled` are the tenant's `enabled_locales`; those there are no texts for do not count, and none at all means English.
pub fn pick_language(
    ui_locales: Option<&str>,
    accept_language: Option<&str>,
    enabled: &[String],
) -> Language {
    let enabled: Vec<Language> = enabled.iter().filter_map(|tag| Language::from_tag(tag)).collect();
    let default = enabled.first().copied().unwrap_or_default();
    let speaks = |tag: &str| Language::from_tag(tag).filter(|language| enabled.contains(language));

    let asked = ui_locales.unwrap_or_default().split_ascii_whitespace().find_map(speaks);
    let browser = || {
        let ranges = weighted_ranges(accept_language.unwrap_or_default());
        ranges.into_iter().find_map(|range| if range == "*" { Some(default) } else { speaks(range) })
    };
    asked.or_else(browser).unwrap_or(default)
}

/// The language ranges a person accepts, most wanted first. Of equal weights the earlier goes first.
fn weighted_ranges(accept_language: &str) -> Vec<&str> {
    let mut ranges: Vec<(&str, u32)> = accept_language.split(',').filter_map(weighted_range).collect();
    ranges.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    ranges.into_iter().map(|(range, _)| range).collect()
}

/// One range with its weight in thousandths; `None` where the weight is 0, which means "not this one", or malformed.
fn weighted_range(part: &str) -> Option<(&str, u32)> {
    let mut pieces = part.split(';').map(str::trim);
    let range = pieces.next().filter(|range| !range.is_empty())?;
    let weight = match pieces.find_map(|piece| piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q=")))
    {
        None => 1000,
        Some(weight) => thousandths(weight)?,
    };
    (weight > 0).then_some((range, weight))
}

/// `0`, `1`, or a decimal of up to three digits, as RFC 9110 section 12.4.2 writes weights.
fn thousandths(weight: &str) -> Option<u32> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = format!("{fraction:0<3}");
    if whole.len() != 1 || digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = whole.parse::<u32>().ok()? * 1000 + digits.parse::<u32>().ok()?;
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EN: Language = Language::English;
    const DE: Language = Language::German;

    #[test]
    fn languages_are_picked_in_order() {
        let both: &[&str] = &["en", "de"];
        let german_first: &[&str] = &["de", "en"];
        type Case = (Option<&'static str>, Option<&'static str>, &'static [&'static str], Language);
        let cases: [Case; 20] = [
            (None, None, both, EN),
            (None, None, german_first, DE),
            (None, None, &[], EN),
            (None, None, &["fr"], EN),
            (None, None, &["fr", "de"], DE),
            (Some("de"), None, both, DE),
            (Some("de-CH-1996"), None, both, DE),
            (Some("fr-CA fr de en"), None, both, DE),
            (Some("de"), Some("en"), both, DE),
            (Some("fr"), Some("de"), both, DE),
            (Some("de"), Some("de"), &["en"], EN),
            (Some("DE_at"), None, both, DE),
            (None, Some("de-AT,de;q=0.9,en;q=0.8"), both, DE),
            (None, Some("en;q=0.5, de;q=0.8"), both, DE),
            (None, Some("fr, de;q=0, *"), both, EN),
            (None, Some("fr, *;q=0.1"), german_first, DE),
            (None, Some("de;q=0.9,en;q=0.9"), both, DE),
            (None, Some("de;q=7,en;q=0.1"), both, EN),
            (None, Some("de;q=0.1234"), both, EN),
            (None, Some(";;,,q=1,=;q=,\u{fc}"), german_first, DE),
        ];
        for (ui_locales, accept, enabled, expected) in cases {
            let enabled: Vec<String> = enabled.iter().map(ToString::to_string).collect();
            assert_eq!(
                pick_language(ui_locales, accept, &enabled),
                expected,
                "ui_locales {ui_locales:?}, accept {accept:?}, enabled {enabled:?}"
            );
        }
    }
}
