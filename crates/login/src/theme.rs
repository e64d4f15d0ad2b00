//! A tenant's accent colour as a small style sheet of its own, since pages carry no inline style.
//!
//! Whatever colour a tenant picks, what is written in it or on it keeps the contrast WCAG 2.2 AA asks for: text 4.5 to 1.

use std::fmt;

/// The accent colour of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent {
    red: u8,
    green: u8,
    blue: u8,
}

/// Page and card of the light theme, as in `static/style.css`; text in the accent colour must be legible on both.
const LIGHT_SURFACE: Accent = Accent::new(0xf4, 0xf5, 0xf8);
/// The card of the dark theme, lighter than the page behind it.
const DARK_SURFACE: Accent = Accent::new(0x1b, 0x1e, 0x27);
const WHITE: Accent = Accent::new(0xff, 0xff, 0xff);
const BLACK: Accent = Accent::new(0, 0, 0);
/// What colours are darkened with; softer than black.
const INK: Accent = Accent::new(0x10, 0x13, 0x1a);

/// WCAG 2.2, success criterion 1.4.3.
const TEXT_CONTRAST: f64 = 4.5;

impl Accent {
    const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#rrggbb` or `#rgb`; other forms (gradients, names) have no accent, and the pages keep ours.
    pub fn parse(colour: &str) -> Option<Self> {
        let digits = colour.trim().strip_prefix('#')?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [_, high, middle, low] = value.to_be_bytes();
        match digits.len() {
            6 => Some(Self::new(high, middle, low)),
            3 => Some(Self::new((middle & 15) * 17, (low >> 4) * 17, (low & 15) * 17)),
            _ => None,
        }
    }

    /// The rules that replace ours where the accent shows: buttons, links, focus rings, tinted tiles.
    pub(crate) fn stylesheet(self) -> String {
        let on_light = self.until_legible_on(LIGHT_SURFACE, INK);
        let on_dark = self.until_legible_on(DARK_SURFACE, WHITE);
        // A fill nearly as dark as the dark card would hide the button's edge.
        let fill = self.fit_for_white();
        let dark_fill = self.until_contrast(DARK_SURFACE, WHITE, 3.0).fit_for_white();
        format!(
            "{}@media (prefers-color-scheme:dark){{{}}}\n",
            rules(fill, LIGHT_SURFACE, on_light),
            rules(dark_fill, DARK_SURFACE, on_dark)
        )
    }

    fn until_legible_on(self, surface: Self, towards: Self) -> Self {
        self.until_contrast(surface, towards, TEXT_CONTRAST)
    }

    /// This colour, mixed with `towards` only as far as the contrast asks.
    fn until_contrast(self, surface: Self, towards: Self, least: f64) -> Self {
        let steps = (0..=20_u16).map(|step| self.mixed(towards, step));
        steps.into_iter().find(|mixed| mixed.contrast(surface) >= least).unwrap_or(towards)
    }

    /// `step` twentieths of the way to another colour.
    fn mixed(self, other: Self, step: u16) -> Self {
        let mix = |from: u8, to: u8| {
            let twentieths = u16::from(from) * (20 - step) + u16::from(to) * step;
            u8::try_from(twentieths / 20).unwrap_or(u8::MAX)
        };
        Self::new(mix(self.red, other.red), mix(self.green, other.green), mix(self.blue, other.blue))
    }

    /// A colour that barely fails to carry white text, made as dark as that takes. Others stay.
    fn fit_for_white(self) -> Self {
        let steps = (0..=3).map(|step| self.mixed(INK, step));
        steps.into_iter().find(|mixed| WHITE.contrast(*mixed) >= TEXT_CONTRAST).unwrap_or(self)
    }

    /// White where it is legible on this colour, else black, which then is: no colour is too close to both.
    fn text_on(self) -> Self {
        if WHITE.contrast(self) >= TEXT_CONTRAST { WHITE } else { BLACK }
    }

    /// WCAG 2.2 contrast ratio, 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// WCAG 2.2 relative luminance, 0 to 1.
    fn luminance(self) -> f64 {
        let channel = |value: u8| {
            let part = f64::from(value) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(self.red) + 0.7152 * channel(self.green) + 0.0722 * channel(self.blue)
    }
}

/// Six lower-case hexadecimal digits.
impl fmt::Display for Accent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// The selectors are those of the accent in `static/style.css`.
fn rules(fill: Accent, surface: Accent, text: Accent) -> String {
    let on_fill = fill.text_on();
    // Hovering moves the fill away from its text, which keeps or raises the contrast.
    let hover = fill.mixed(if on_fill == WHITE { INK } else { WHITE }, 3);
    let tile = surface.mixed(text, 2);
    let on_tile = text.until_legible_on(tile, if surface == DARK_SURFACE { WHITE } else { INK });
    format!(
        ".primary{{background:#{fill};border-color:#{fill};color:#{on_fill}}}\
         .primary:hover{{background:#{hover};border-color:#{hover}}}\
         a,.reveal{{color:#{text}}}\
         .tile{{background:#{tile};color:#{on_tile}}}\
         .input:focus{{border-color:#{text};box-shadow:0 0 0 1px #{text}}}\
         a:focus,.button:focus,.reveal:focus{{outline-color:#{text}}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_both_hexadecimal_forms() {
        assert_eq!(Accent::parse("#3550C8").map(|a| a.to_string()), Some("3550c8".into()));
        assert_eq!(Accent::parse("#0fa").map(|a| a.to_string()), Some("00ffaa".into()));
        for bad in
            ["", "#", "#12", "#12345", "#1234567", "red", "3550c8", "#+550c8", "#fff;}", "linear-gradient()"]
        {
            assert_eq!(Accent::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_colour_keeps_the_contrast() {
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let accent = Accent::new(red, green, blue);
                    let on_light = accent.until_legible_on(LIGHT_SURFACE, INK);
                    let on_dark = accent.until_legible_on(DARK_SURFACE, WHITE);
                    assert!(
                        on_light.contrast(LIGHT_SURFACE) >= 4.5 && on_light.contrast(WHITE) >= 4.5,
                        "{accent}"
                    );
                    assert!(on_dark.contrast(DARK_SURFACE) >= 4.5, "{accent}");
                    for fill in [
                        accent.fit_for_white(),
                        accent.until_contrast(DARK_SURFACE, WHITE, 3.0).fit_for_white(),
                    ] {
                        let text = fill.text_on();
                        assert!(text.contrast(fill) >= 4.5, "{accent}");
                        let hover = fill.mixed(if text == WHITE { INK } else { WHITE }, 3);
                        assert!(text.contrast(hover) >= 4.5, "{accent} hovered");
                    }
                }
            }
        }
    }
}
