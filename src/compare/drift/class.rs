//! The classes of differences.

use super::name::{NAME, NOT_NULL};
use super::order::ORDER;
use super::role::is_owner;
use super::tokens::same_tokens;
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, What};

/// A class of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The databases behave differently.
    Semantic,
    /// The columns of a table have another order.
    Order,
    /// The object is the same but has another name.
    NameOnly,
    /// The definitions have the same tokens but differ in blanks or comments.
    Cosmetic,
    /// Privileges and row security.
    Security,
    /// The owner of an object.
    Owner,
    /// The version of an extension or of the bundle.
    Extension,
    /// One side does not have the bundle.
    Bundle,
    /// Settings, the locale, and whether a materialized view is populated.
    Environment,
}

impl Class {
    /// All classes.
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

    /// The classes that count by default.
    pub const DEFAULT: [Self; 4] = [Self::Semantic, Self::Security, Self::Extension, Self::Bundle];

    /// The name of the class in options, reports and rules.
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
        property::ACL | property::ROW_SECURITY | property::FORCED_ROW_SECURITY => Class::Security,
        label if label.starts_with("security label") => Class::Security,
        owner if is_owner(owner) => Class::Owner,
        // changing the attribute order changes the meaning of a row of the type
        ORDER if identity.kind == Kind::Type => Class::Semantic,
        ORDER => Class::Order,
        // "unreadable": the role may not read the version, so nothing is known about it
        property::VERSION if [before, after].iter().any(|v| v.as_deref() == Some("unreadable")) => {
            Class::Environment
        }
        NAME | NOT_NULL => Class::NameOnly,
        property::POPULATED => Class::Environment,
        // a child's own declaration of an inherited column has an effect only on later statements,
        // and ALTER TABLE ... INHERIT cannot make one as CREATE TABLE ... INHERITS does
        property::INHERITED if before.is_some() && after.is_some() => Class::Cosmetic,
        property::COMMENT => Class::Cosmetic,
        property::VERSION if matches!(identity.kind, Kind::Extension | Kind::Bundle) => {
            Class::Extension
        }
        property::DEFINITION => match (before, after) {
            (Some(before), Some(after)) if same_tokens(before, after) => Class::Cosmetic,
            _ => Class::Semantic,
        },
        _ => of_kind(identity.kind),
    }
}

/// The class of a difference whose property does not decide.
fn of_kind(kind: Kind) -> Class {
    match kind {
        Kind::Policy | Kind::DefaultPrivileges | Kind::Privileges => Class::Security,
        Kind::Database | Kind::DatabaseSetting | Kind::RoleSetting => Class::Environment,
        Kind::Bundle => Class::Bundle,
        _ => Class::Semantic,
    }
}
