//! The kinds of objects, in the order in which reports list them.

use Kind::*;

/// The kind of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Database,
    DatabaseSetting,
    RoleSetting,
    /// The hectic bundle, of which only the version is compared.
    Bundle,
    Extension,
    Language,
    AccessMethod,
    ForeignDataWrapper,
    ForeignServer,
    UserMapping,
    Schema,
    DefaultPrivileges,
    /// Privileges on an object that is not compared itself.
    Privileges,
    Collation,
    Conversion,
    /// A base, composite, range or shell type.
    Type,
    Domain,
    Enum,
    Function,
    Procedure,
    Aggregate,
    Operator,
    OperatorFamily,
    OperatorClass,
    /// A member of an operator family.
    FamilyOperator,
    /// A member of an operator family.
    FamilyFunction,
    Cast,
    Transform,
    TextSearchParser,
    TextSearchTemplate,
    TextSearchDictionary,
    TextSearchConfiguration,
    Sequence,
    Table,
    ForeignTable,
    View,
    MaterializedView,
    /// A column of a table, a view or a composite type.
    Column,
    /// A constraint of a table or a domain.
    Constraint,
    Index,
    Statistics,
    Trigger,
    Rule,
    Policy,
    EventTrigger,
    Publication,
    Subscription,
    CronJob,
    /// All large objects together, because they have no names.
    LargeObjects,
    /// An object of a kind that db-tool does not model. Its name begins with the server's word for
    /// the kind.
    Unmodelled,
}

/// The names of kinds in the server and in the queries. If a kind has several, reports use the
/// first.
const NAMES: &[(&str, Kind)] = &[
    ("database", Database),
    ("database setting", DatabaseSetting),
    ("role setting", RoleSetting),
    ("bundle", Bundle),
    ("extension", Extension),
    ("language", Language),
    ("access method", AccessMethod),
    ("foreign-data wrapper", ForeignDataWrapper),
    ("server", ForeignServer),
    ("user mapping", UserMapping),
    ("schema", Schema),
    ("default privileges", DefaultPrivileges),
    ("default acl", DefaultPrivileges),
    ("privileges", Privileges),
    ("collation", Collation),
    ("conversion", Conversion),
    ("type", Type),
    ("composite type", Type),
    ("domain", Domain),
    ("enum", Enum),
    ("function", Function),
    ("procedure", Procedure),
    ("aggregate", Aggregate),
    ("operator", Operator),
    ("operator family", OperatorFamily),
    ("operator class", OperatorClass),
    ("operator of access method", FamilyOperator),
    ("function of access method", FamilyFunction),
    ("cast", Cast),
    ("transform", Transform),
    ("text search parser", TextSearchParser),
    ("text search template", TextSearchTemplate),
    ("text search dictionary", TextSearchDictionary),
    ("text search configuration", TextSearchConfiguration),
    ("sequence", Sequence),
    ("table", Table),
    ("foreign table", ForeignTable),
    ("view", View),
    ("materialized view", MaterializedView),
    ("column", Column),
    ("constraint", Constraint),
    ("index", Index),
    ("statistics object", Statistics),
    ("trigger", Trigger),
    ("rule", Rule),
    ("policy", Policy),
    ("event trigger", EventTrigger),
    ("publication", Publication),
    ("subscription", Subscription),
    ("cron job", CronJob),
    ("large objects", LargeObjects),
    ("unmodelled", Unmodelled),
];

impl Kind {
    /// Finds a kind by its name. `None` for an unknown word.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The name of the kind in reports.
    pub fn label(self) -> &'static str {
        NAMES.iter().find(|(_, kind)| *kind == self).map_or("object", |(name, _)| name)
    }
}
