//! The shape of bodies and queries: what the contract says about member names, types and limits, as data.
//!
//! Shapes are written in `shapes/*.shape`, one file per resource, in a notation made for reading:
//!
//! ```text
//! POST /roles {                 a body, closed: other members are refused
//!   name!: string(..200)        needed, at most 200 characters
//!   tags: [string](1..)?        a list of at least one, or null
//!   ...                         other members are welcome after all
//! }
//! GET /roles ? {page: int(0..)} a query
//! Colour = "red" | "blue"       a name for use further down
//! ```
//!
//! One reader, one checker and one translation to JSON Schema serve every operation.

mod check;
mod format;
mod json_schema;
mod parse;

use std::sync::Arc;

pub use check::{Fault, check};
pub use format::Format;
pub use json_schema::json_schema;
pub use parse::{Header, SyntaxError, parse};

/// What a value may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int(Range),
    /// A number.
    Number(Range),
    /// A text; the range counts characters.
    Text(Range, Option<Format>),
    /// One of these texts.
    Choice(Vec<String>),
    /// Only `true` (the contract's `enum: [true]`) or only `false`.
    Literal(bool),
    /// A list; the range counts items.
    List(Arc<Shape>, Range),
    /// An object.
    Object(Arc<Object>),
    /// Any of these.
    OneOf(Vec<Shape>),
    /// This, or null.
    Nullable(Arc<Shape>),
}

/// Bounds, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// At least.
    pub min: Option<i64>,
    /// At most.
    pub max: Option<i64>,
}

/// The members of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// In the order of the contract.
    pub members: Vec<Member>,
    /// The shape of members not named; `None` where there may be none.
    pub others: Option<Shape>,
    /// How many members there may be.
    pub count: Range,
}

/// One member.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// As on the wire.
    pub name: String,
    /// Whether it may not be left out.
    pub needed: bool,
    /// What it may be.
    pub shape: Shape,
}

impl Shape {
    /// The named member of an object shape, through `?`.
    pub fn member(&self, name: &str) -> Option<&Shape> {
        match self {
            Self::Object(object) => object.members.iter().find(|m| m.name == name).map(|m| &m.shape),
            Self::Nullable(inner) => inner.member(name),
            _ => None,
        }
    }

    /// The same for a PATCH, where null clears a member whatever it may be otherwise. What may not be missing is found
    /// out when the merged document is read.
    #[must_use]
    pub fn with_nulls(self) -> Self {
        let Self::Object(object) = self else { return self };
        let members = object.members.iter().map(|member| Member {
            shape: match &member.shape {
                nullable @ Self::Nullable(_) => nullable.clone(),
                other => Self::Nullable(Arc::new(other.clone())),
            },
            ..member.clone()
        });
        Self::Object(Arc::new(Object { members: members.collect(), ..Object::clone(&object) }))
    }

    /// The members of an object shape, through `?`; none for other shapes.
    pub fn members(&self) -> &[Member] {
        match self {
            Self::Object(object) => &object.members,
            Self::Nullable(inner) => inner.members(),
            _ => &[],
        }
    }
}
