//! The properties that the code asks for by name.
//!
//! Each name is a column, or a key of an object of JSON, of a query in `sql/query/facts`. A look-up of
//! another name would never find anything, so a test compares the names with the queries. Some
//! properties have open names, such as `owner of TABLE`; these are not listed.

macro_rules! properties {
    ($($name:ident = $text:literal),* $(,)?) => {
        $(pub const $name: &str = $text;)*
        #[cfg(test)]
        const ALL: &[&str] = &[$($text),*];
    };
}

properties! {
    ACCESS_METHOD = "access method",
    ACL = "acl",
    ALL_TABLES = "all tables",
    ARGUMENTS = "arguments",
    CACHE = "cache",
    CANONICAL = "canonical",
    CATEGORY = "category",
    CLUSTERED = "clustered",
    COLLATE = "collate",
    COLLATION = "collation",
    COMBINE_FUNCTION = "combine function",
    COMMAND = "command",
    COMMENT = "comment",
    COMMUTATOR = "commutator",
    COMPRESSION = "compression",
    CONTEXT = "context",
    CTYPE = "ctype",
    CYCLE = "cycle",
    DEFAULT = "default",
    DEFINITION = "definition",
    DELIMITER = "delimiter",
    DESERIAL_FUNCTION = "deserial function",
    DETERMINISTIC = "deterministic",
    DIFFERENCE = "difference",
    ELEMENT = "element",
    ENABLED = "enabled",
    EVENT = "event",
    FAMILY = "family",
    FINAL_FUNCTION = "final function",
    FINAL_FUNCTION_OPTIONS = "final function options",
    FORCED_ROW_SECURITY = "forced row security",
    FOREIGN_OPTIONS = "foreign options",
    FORM = "form",
    FROM = "from",
    FROM_SQL = "from sql",
    FUNCTION = "function",
    FUNCTIONS = "functions",
    GENERATED = "generated",
    HANDLER = "handler",
    HASHES = "hashes",
    IDENTITY = "identity",
    INCREMENT = "increment",
    INHERITED = "inherited",
    INHERITS = "inherits",
    INITIAL = "initial",
    INITIAL_CONDITION = "initial condition",
    INLINE = "inline",
    JOIN = "join",
    KIND = "kind",
    LABELS = "labels",
    LAYOUT = "layout",
    LOCALE = "locale",
    MAXIMUM = "maximum",
    MEMBER_OF = "member of",
    MERGES = "merges",
    METHOD = "method",
    MINIMUM = "minimum",
    MOVING_FINAL_FUNCTION = "moving final function",
    MOVING_FINAL_FUNCTION_OPTIONS = "moving final function options",
    MOVING_INITIAL_CONDITION = "moving initial condition",
    MOVING_INVERSE_FUNCTION = "moving inverse function",
    MOVING_TRANSITION_FUNCTION = "moving transition function",
    MOVING_TRANSITION_SPACE = "moving transition space",
    MOVING_TRANSITION_TYPE = "moving transition type",
    MULTIRANGE = "multirange",
    NEGATOR = "negator",
    NOT_NULL = "not null",
    NOT_NULL_CONSTRAINT = "not null constraint",
    OF_TYPE = "of type",
    OPERATIONS = "operations",
    OPERATOR = "operator",
    OPTIONS = "options",
    OWNED_BY = "owned by",
    OWNER = "owner",
    PARALLEL = "parallel",
    PARSER = "parser",
    PARTITION_BOUND = "partition bound",
    PARTITION_KEY = "partition key",
    PART_OF = "part of",
    PERMISSIVE = "permissive",
    PERSISTENCE = "persistence",
    POPULATED = "populated",
    POSITION = "position",
    PROVIDER = "provider",
    REPLICA_IDENTITY = "replica identity",
    RESTRICTION = "restriction",
    ROLES = "roles",
    ROW_SECURITY = "row security",
    RULES = "rules",
    SCHEMA = "schema",
    SERIAL_FUNCTION = "serial function",
    SERVER = "server",
    SORT_FAMILY = "sort family",
    SORT_OPERATOR = "sort operator",
    START = "start",
    STATISTICS = "statistics",
    STORAGE = "storage",
    STORAGE_TYPE = "storage type",
    SUBTYPE = "subtype",
    SUBTYPE_CLASS = "subtype operator class",
    SUBTYPE_COLLATION = "subtype collation",
    TABLESPACE = "tablespace",
    TAGS = "tags",
    TEMPLATE = "template",
    TO = "to",
    TOAST_OPTIONS = "toast options",
    TO_SQL = "to sql",
    TRANSITION_FUNCTION = "transition function",
    TRANSITION_SPACE = "transition space",
    TRANSITION_TYPE = "transition type",
    TRUSTED = "trusted",
    TYPE = "type",
    USING = "using",
    VALIDATOR = "validator",
    VERSION = "version",
    VIA_ROOT = "via root",
    WITH_CHECK = "with check",
    WRAPPER = "wrapper",
}

#[cfg(test)]
mod tests {
    use super::ALL;
    use std::path::Path;

    #[test]
    fn a_query_returns_each_of_them() {
        let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/query/facts");
        let files = std::fs::read_dir(queries).expect("the queries");
        let text: String = files
            .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("readable"))
            .collect();
        for name in ALL {
            let forms = [format!("AS \"{name}\""), format!("'{name}',"), format!("AS {name},")];
            assert!(forms.iter().any(|form| text.contains(form)), "no query returns \"{name}\"");
        }
    }
}
