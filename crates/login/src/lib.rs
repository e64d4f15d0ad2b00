//! Hosted pages: what people see while they sign in.
//!
//! A page is a struct of plain values with one method, `render`, which takes the texts of a language. Everything that
//! comes from a tenant, an application or a person is escaped by the templates, addresses are let through only where
//! [`pages::Link`] admits them, and no page holds inline script or style, so that [`csp()`] can forbid both.

pub mod assets;
pub mod consent_lines;
pub mod csp;
pub mod language;
pub mod pages;
pub mod texts;
pub mod theme;

pub use csp::csp;
pub use language::{Language, pick_language};
pub use texts::{TextCatalog, Texts};
pub use theme::Accent;
