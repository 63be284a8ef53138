//! How much a difference matters.

use super::name::{NAME, NOT_NULL};
use super::order::ORDER;
use super::role::is_owner;
use super::tokens::same_tokens;
use crate::compare::facts::{Identity, Kind, What};

/// A class of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The databases do not do the same.
    Semantic,
    /// Columns stand in another order.
    Order,
    /// The same thing under another name.
    NameOnly,
    /// The same tokens, other blanks or comments.
    Cosmetic,
    /// Who may do what.
    Security,
    /// Whose it is.
    Owner,
    /// Another version of an extension or of the bundle.
    Extension,
    /// One side lacks the bundle.
    Bundle,
    /// Settings and locale, and whether a materialised view was filled.
    Environment,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Semantic,
        Self::Order,
        Self::NameOnly,
        Self::Cosmetic,
        Self::Security,
        Self::Owner,
        Self::Extension,
        Self::Bundle,
        Self::Environment,
    ];

    /// Those that count unless somebody says otherwise.
    pub const DEFAULT: [Self; 4] = [Self::Semantic, Self::Security, Self::Extension, Self::Bundle];

    /// As people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Semantic => "semantic",
            Self::Order => "order",
            Self::NameOnly => "name-only",
            Self::Cosmetic => "cosmetic",
            Self::Security => "security",
            Self::Owner => "owner",
            Self::Extension => "extension",
            Self::Bundle => "bundle",
            Self::Environment => "environment",
        }
    }
}

/// The class of a difference.
pub fn of(identity: &Identity, what: &What) -> Class {
    let What::Changed { property, before, after } = what else { return of_kind(identity.kind) };
    match property.as_str() {
        "acl" | "row security" | "forced row security" => Class::Security,
        label if label.starts_with("security label") => Class::Security,
        owner if is_owner(owner) => Class::Owner,
        // a row of the type means something else
        ORDER if identity.kind == Kind::Type => Class::Semantic,
        ORDER => Class::Order,
        // whoever may not read it knows nothing of it
        "version" if [before, after].iter().any(|v| v.as_deref() == Some("unreadable")) => {
            Class::Environment
        }
        NAME | NOT_NULL => Class::NameOnly,
        "populated" => Class::Environment,
        "comment" => Class::Cosmetic,
        "version" if matches!(identity.kind, Kind::Extension | Kind::Bundle) => Class::Extension,
        "definition" => match (before, after) {
            (Some(before), Some(after)) if same_tokens(before, after) => Class::Cosmetic,
            _ => Class::Semantic,
        },
        _ => of_kind(identity.kind),
    }
}

/// The class of whatever has none by its property.
fn of_kind(kind: Kind) -> Class {
    match kind {
        Kind::Policy | Kind::DefaultPrivileges | Kind::Privileges => Class::Security,
        Kind::Database | Kind::DatabaseSetting | Kind::RoleSetting => Class::Environment,
        Kind::Bundle => Class::Bundle,
        _ => Class::Semantic,
    }
}
