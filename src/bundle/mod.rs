//! The hectic bundle: the SQL files that make the schema `hectic`, with an order and a version.
//!
//! The files are under `sql/bundle`, and any psql can run them. The program contains them. This
//! module puts the version into their placeholders and joins them into scripts of one transaction.
//! It connects to no server. `apply` asks a database for its bundle with the two queries below,
//! and [`Status`] says how that bundle relates to this one.

mod apply;
pub mod inherits;
mod kind;

use std::cmp::Ordering;

use sha2::{Digest, Sha256};

use crate::sys::digest::hex;

pub use apply::{apply, status, upgrade};
pub use kind::{Kind, is_off};

/// The version of the bundle; no other place states it. Raise it with every change of the objects
/// that the files make, and add an upgrade under `sql/upgrade`.
pub const VERSION: &str = "0.5.3";

/// The parameter that lists the schemas in which tables need not inherit.
pub const EXCLUDED_SCHEMAS: &str = "hectic.inheritance_extra_excluded_schemas";

/// Returns one row of booleans: `has_schema`, `has_version`, `has_objects`, `has_rules`,
/// `is_enforced`.
pub const OBJECTS_QUERY: &str = sql!("bundle/objects");

/// Returns at most one row: `version text`. Fails unless `has_version` is true.
pub const VERSION_QUERY: &str = sql!("bundle/version");

const PLACEHOLDER: &str = "@HECTIC_VERSION@";

/// The file with the parent tables and their rules, which only [`Kind::Full`] has.
const RULES: &str = "40-inheritance.sql";

const FILES: [(&str, &str); 5] = [
    ("10-version.sql", include_str!("../../sql/bundle/10-version.sql")),
    ("15-aes-gcm.sql", include_str!("../../sql/bundle/15-aes-gcm.sql")),
    ("20-secret.sql", include_str!("../../sql/bundle/20-secret.sql")),
    ("30-migration.sql", include_str!("../../sql/bundle/30-migration.sql")),
    ("40-inheritance.sql", include_str!("../../sql/bundle/40-inheritance.sql")),
];

const BEFORE_FROM_0_1_0: &str = include_str!("../../sql/upgrade/0.1.0/10-before.sql");
const BEFORE_FROM_0_2_0: &str = include_str!("../../sql/upgrade/0.2.0/10-before.sql");
const BEFORE_FROM_0_3_0: &str = include_str!("../../sql/upgrade/0.3.0/10-before.sql");
const BEFORE_FROM_0_4_0: &str = include_str!("../../sql/upgrade/0.4.0/10-before.sql");
const BEFORE_FROM_0_5_0: &str = include_str!("../../sql/upgrade/0.5.0/10-before.sql");
const BEFORE_FROM_0_5_1: &str = include_str!("../../sql/upgrade/0.5.1/10-before.sql");
const BEFORE_FROM_0_5_2: &str = include_str!("../../sql/upgrade/0.5.2/10-before.sql");
const BEFORE_EVENT_TRIGGERS: &str = include_str!("../../sql/upgrade/event-triggers/10-before.sql");
const BEFORE_IMMUTABLE_TRIGGERS: &str =
    include_str!("../../sql/upgrade/immutable-triggers/10-before.sql");
const BEFORE_MIGRATION_STATE: &str =
    include_str!("../../sql/upgrade/migration-state/10-before.sql");
const AFTER_MIGRATION_STATE: &str = include_str!("../../sql/upgrade/migration-state/20-after.sql");
const BEFORE_PLAIN_SECRETS: &str = include_str!("../../sql/upgrade/plain-secret/10-before.sql");
const AFTER_PLAIN_SECRETS: &str = include_str!("../../sql/upgrade/plain-secret/20-after.sql");

const BEGIN: &str = sql!("bundle/begin");
const COMMIT: &str = "COMMIT;\n";

/// One file of the bundle, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The file's name under `sql/bundle`; names sort in the order of application.
    pub name: &'static str,
    /// The file's SQL with the version filled in. It has no `BEGIN` and no `COMMIT`.
    pub sql: String,
}

/// The files of this kind in the order in which they are applied.
pub fn files(kind: Kind) -> Vec<File> {
    let is_of_kind = |name: &str| kind == Kind::Full || name != RULES;
    let of_kind = FILES.iter().filter(|(name, _)| is_of_kind(name));
    of_kind.map(|&(name, sql)| File { name, sql: sql.replace(PLACEHOLDER, VERSION) }).collect()
}

/// The SHA-256 of the names and contents of the files of this kind, in lower-case hexadecimal. Two
/// bundles with equal digests make equal objects.
pub fn digest(kind: Kind) -> String {
    let mut hash = Sha256::new();
    for file in files(kind) {
        // A length in front of each field keeps fields apart: without it, bytes could move from one
        // to the next unnoticed.
        for field in [file.name, &file.sql] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
    }
    hex(&hash.finalize())
}

/// The SQL of the bundle as one transaction, for the simple query protocol. Run it outside a
/// transaction.
///
/// It can be repeated, and two sessions can run it at the same time. After an error, the session's
/// transaction is aborted: roll back or close the session, and the database is as before.
pub fn script(kind: Kind) -> String {
    transaction(files(kind).into_iter().map(|file| file.sql))
}

/// The transaction that upgrades a database from version `from` to [`VERSION`], with a bundle of
/// this kind. `None` unless `from` is a known older version. Run it in the same way as [`script`].
pub fn upgrade_script(from: &str, kind: Kind) -> Option<String> {
    let before = match from {
        "0.1.0" => BEFORE_FROM_0_1_0,
        "0.2.0" => BEFORE_FROM_0_2_0,
        "0.3.0" => BEFORE_FROM_0_3_0,
        "0.4.0" => BEFORE_FROM_0_4_0,
        "0.5.0" => BEFORE_FROM_0_5_0,
        "0.5.1" => BEFORE_FROM_0_5_1,
        "0.5.2" => {
            let parts = files(kind).into_iter().map(|file| file.sql);
            return Some(transaction([BEFORE_FROM_0_5_2.to_owned()].into_iter().chain(parts)));
        }
        _ => return None,
    };
    let event_triggers = if from == "0.5.1" { "" } else { BEFORE_EVENT_TRIGGERS };
    let before = [before, event_triggers, BEFORE_IMMUTABLE_TRIGGERS, BEFORE_MIGRATION_STATE]
        .map(str::to_owned)
        .into_iter();
    let bundle =
        files(kind).into_iter().map(|file| file.sql).chain([AFTER_MIGRATION_STATE.to_owned()]);
    if matches!(from, "0.4.0" | "0.5.0" | "0.5.1") {
        return Some(transaction(before.chain(bundle)));
    }
    // older versions kept secrets as plain text
    let [seal, after] = [BEFORE_PLAIN_SECRETS, AFTER_PLAIN_SECRETS].map(str::to_owned);
    Some(transaction(before.chain([seal]).chain(bundle).chain([after])))
}

/// Whether [`upgrade_script`] can start from this version.
pub fn known(version: &str) -> bool {
    upgrade_script(version, Kind::Full).is_some()
}

fn transaction(parts: impl Iterator<Item = String>) -> String {
    let mut script = BEGIN.to_owned();
    for part in parts {
        script.push_str(&part);
        script.push('\n');
    }
    script.push_str(COMMIT);
    script
}

/// The bundle of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its version, compared with this one.
    pub status: Status,
    /// Its kind, unless it is absent.
    pub kind: Option<Kind>,
}

/// The version of a database's bundle, compared with this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The database has no objects of the bundle. [`script`] makes them.
    Absent,
    /// The database has objects, but no version: somebody applied files by hand, without the
    /// version file. If the objects have the right shape, [`script`] records the version. Otherwise
    /// it raises `HC002`; then the objects are those of 0.1.0.
    Unversioned,
    /// The version of this program's bundle.
    Current,
    /// An older version, which [`upgrade_script`] can upgrade.
    Older(String),
    /// A newer version: this db-tool is too old for the database.
    Newer(String),
    /// A version that no release of db-tool has, as far as this one knows.
    Unknown(String),
}

impl Status {
    /// The status for the answers of [`OBJECTS_QUERY`] (`has_objects`) and [`VERSION_QUERY`].
    pub fn of(has_objects: bool, version: Option<&str>) -> Self {
        let Some(version) = version else {
            return if has_objects { Self::Unversioned } else { Self::Absent };
        };
        match numbers(version).map(|there| Some(there).cmp(&numbers(VERSION))) {
            Some(Ordering::Equal) => Self::Current,
            Some(Ordering::Greater) => Self::Newer(version.to_owned()),
            Some(Ordering::Less) if known(version) => Self::Older(version.to_owned()),
            Some(Ordering::Less) | None => Self::Unknown(version.to_owned()),
        }
    }
}

/// The numbers of a version: `[1, 20, 3]` for `1.20.3`. `None` for any other text.
fn numbers(version: &str) -> Option<Vec<u32>> {
    version
        .split('.')
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SQL without comments, because the comments may contain the word BEGIN.
    fn code(sql: &str) -> Vec<&str> {
        sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect()
    }

    #[test]
    fn files_are_in_order_and_carry_the_version() {
        let names: Vec<_> = files(Kind::Full).iter().map(|file| file.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        let placeholders: usize =
            FILES.iter().map(|(_, sql)| sql.matches(PLACEHOLDER).count()).sum();
        assert_eq!(placeholders, 2);
        assert!(files(Kind::Full).iter().all(|file| !file.sql.contains(PLACEHOLDER)));
        assert!(files(Kind::Full)[0].sql.contains("'0.5.3'"));
    }

    #[test]
    fn no_file_controls_transactions_or_makes_extensions() {
        for file in files(Kind::Full) {
            for line in code(&file.sql) {
                let line = line.trim().to_ascii_uppercase();
                assert!(
                    !["BEGIN;", "COMMIT;", "ROLLBACK;"].contains(&line.as_str()),
                    "{}: {line}",
                    file.name
                );
                assert!(!line.contains("CREATE EXTENSION"), "{}: {line}", file.name);
            }
        }
    }

    #[test]
    fn every_file_opens_with_prose_and_the_same_guard() {
        fn guard(sql: &str) -> &str {
            let from = sql.find("-- The schema, and one application").unwrap();
            let end = sql.find("$guard$;").unwrap();
            &sql[from..end]
        }
        for file in files(Kind::Full) {
            assert!(
                file.sql.starts_with("-- hectic.") || file.sql.starts_with("-- Inheritance"),
                "{}",
                file.name
            );
            assert_eq!(guard(&file.sql), guard(&files(Kind::Full)[0].sql), "{}", file.name);
        }
    }

    /// The rule of 15-aes-gcm.sql: the plan of a statement shows the values of its variables.
    #[test]
    fn no_statement_has_a_value_or_keys_in_it() {
        let statement =
            ["SELECT", "INSERT", "UPDATE", "DELETE", "PERFORM", "FROM", "WHERE", "VALUES"];
        let hidden = ["plain", "value", "v", "contents", "env_content", "keys", "keystream"];
        for (file, least) in files(Kind::Full)[1..3].iter().zip([0, 10]) {
            // every other piece is the body of a function
            let bodies = file.sql.split("$function$").skip(1).step_by(2);
            let lines = bodies.flat_map(code).map(|line| {
                let split = line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.');
                split.collect::<Vec<_>>()
            });
            let statements: Vec<_> =
                lines.filter(|words| words.iter().any(|word| statement.contains(word))).collect();
            assert!(statements.len() >= least && (least > 0 || statements.is_empty()));
            for words in statements {
                assert!(!words.iter().any(|word| hidden.contains(word)), "{words:?}");
            }
        }
    }

    #[test]
    fn scripts_are_one_transaction() {
        let upgrades = ["0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.5.1", "0.5.2"]
            .map(|from| upgrade_script(from, Kind::Full).unwrap());
        for script in upgrades.into_iter().chain([Kind::Full, Kind::History].map(script)) {
            assert!(code(&script)[0].starts_with("BEGIN ") && script.ends_with("\nCOMMIT;\n"));
            assert_eq!(script.matches("\nCOMMIT;").count(), 1);
        }
        assert!(upgrade_script("0.1.0", Kind::Full).unwrap().contains(&files(Kind::Full)[4].sql));
    }

    #[test]
    fn only_known_older_versions_are_upgraded() {
        assert!(known("0.1.0"));
        for other in [VERSION, "0.0.9", "0.1", "0.6.0", "", "banana"] {
            assert_eq!(upgrade_script(other, Kind::Full), None, "{other}");
        }
    }

    #[test]
    fn status_compares_numerically() {
        assert_eq!(Status::of(false, None), Status::Absent);
        assert_eq!(Status::of(true, None), Status::Unversioned);
        assert_eq!(Status::of(true, Some(VERSION)), Status::Current);
        assert_eq!(Status::of(true, Some("0.1.0")), Status::Older("0.1.0".into()));
        assert_eq!(Status::of(true, Some("0.10.0")), Status::Newer("0.10.0".into()));
        for unknown in ["0.1.7", "0.5.1-rc1", "", "+0.5.3", "99999999999.0"] {
            assert_eq!(
                Status::of(true, Some(unknown)),
                Status::Unknown(unknown.into()),
                "{unknown}"
            );
        }
    }

    #[test]
    fn history_is_full_without_the_rules() {
        let names = |kind| files(kind).into_iter().map(|file| file.name).collect::<Vec<_>>();
        let (full, history) = (names(Kind::Full), names(Kind::History));
        assert_eq!(full.last(), Some(&RULES));
        assert_eq!(full[..full.len() - 1], history);
        assert!(Kind::History < Kind::Full && digest(Kind::History) != digest(Kind::Full));
        for from in ["0.1.0", "0.5.1", "0.5.2"] {
            let script = upgrade_script(from, Kind::History).expect("a known version");
            assert!(!script.contains("CREATE EVENT TRIGGER"), "{from}");
        }
    }

    #[test]
    fn digest_is_sha256_and_stable() {
        assert_eq!(digest(Kind::Full).len(), 64);
        assert!(
            digest(Kind::Full)
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        );
        assert_eq!(digest(Kind::Full), digest(Kind::Full));
    }
}
