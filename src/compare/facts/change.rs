//! Describes a difference of an object in one line. Pure.

use super::Identity;

/// The number of characters of a value that are shown, and how many of them may precede the first
/// difference.
const EXCERPT: (usize, usize) = (60, 20);

/// The difference of an object between two descriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Only the second description has the object.
    Added,
    /// Only the first description has the object.
    Removed,
    /// A property differs.
    Changed {
        /// The property, such as `type` or `comment`.
        property: String,
        /// The value in the first description. `None` means the default value, or that the object
        /// has no such property.
        before: Option<String>,
        /// The value in the second description, likewise.
        after: Option<String>,
    },
}

impl What {
    /// Formats the difference: `+ table shop.orders`, `~ column shop.orders.total: type integer →
    /// bigint`.
    pub fn line(&self, identity: &Identity) -> String {
        match self {
            Self::Added => format!("+ {identity}"),
            Self::Removed => format!("- {identity}"),
            Self::Changed { property, before, after } => {
                let (before, after) = (shown(before.as_deref()), shown(after.as_deref()));
                let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
                let long = before.len().max(after.len()) > EXCERPT.0;
                let start = if long { same.saturating_sub(EXCERPT.1) } else { 0 };
                let (before, after) = (excerpt(&before, start), excerpt(&after, start));
                format!("~ {identity}: {property} {before} → {after}")
            }
        }
    }
}

/// Puts a value on one line.
fn shown(value: Option<&str>) -> Vec<char> {
    value.unwrap_or("none").replace('\n', "\\n").chars().collect()
}

/// A part of a value, beginning at `start`.
fn excerpt(value: &[char], start: usize) -> String {
    let end = value.len().min(start + EXCERPT.0);
    let part: String = value[start..end].iter().collect();
    let dots = |cut| if cut { "…" } else { "" };
    format!("{}{part}{}", dots(start > 0), dots(end < value.len()))
}
