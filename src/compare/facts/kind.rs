//! The sorts of objects, in the order in which changes are listed.

use Kind::*;

/// What sort of object a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Database,
    DatabaseSetting,
    RoleSetting,
    /// The hectic bundle, of which the version counts.
    Bundle,
    Extension,
    Language,
    AccessMethod,
    ForeignDataWrapper,
    ForeignServer,
    UserMapping,
    Schema,
    DefaultPrivileges,
    /// On an object that is not compared by itself.
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
    /// Of a table, a view or a composite type.
    Column,
    /// Of a table or a domain.
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
    /// All of them: they have no names.
    LargeObjects,
    /// An object of a sort that is not known here; its name begins with the server's word for it.
    Unmodelled,
}

/// What the server or a query calls each kind; the first name is the one to show.
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
    /// The kind of that name; none for a word that is not known.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// What to call it.
    pub fn label(self) -> &'static str {
        NAMES.iter().find(|(_, kind)| *kind == self).map_or("object", |(name, _)| name)
    }
}
