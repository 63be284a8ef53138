//! Statements that change privileges.
//!
//! If an object has no explicit ACL, PostgreSQL's built-in one applies: all privileges for the
//! owner and, for some kinds, some for PUBLIC. A new object gets the default privileges that hold
//! when it is made.

use crate::compare::facts::property;
use std::collections::BTreeMap;

use super::name::{OWNER, bare, called, container, items, own, role};
use crate::compare::facts::{Facts, Identity, Kind, Object};

/// The privileges of each grantee: their letters, each with its grant option.
pub(super) type Grants = BTreeMap<String, BTreeMap<char, bool>>;

/// The letters of privileges, as PostgreSQL writes them, and their names.
const PRIVILEGES: [(char, &str); 14] = [
    ('r', "SELECT"),
    ('a', "INSERT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('m', "MAINTAIN"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('c', "CONNECT"),
    ('T', "TEMPORARY"),
    ('s', "SET"),
];

/// Reads an ACL: `ann=arw*/bob, =r/bob`, or `nobody`.
pub(super) fn parse(acl: &str) -> Grants {
    let mut grants = Grants::new();
    for item in items(acl) {
        let at = match item.strip_prefix('"') {
            Some(rest) => rest.find("\"=").map(|at| at + 2),
            None => item.find('='),
        };
        let Some((grantee, rest)) = at.map(|at| (bare(&item[..at]), &item[at + 1..])) else {
            continue;
        };
        let those = grants.entry(grantee).or_default();
        let mut last = None;
        for c in rest.chars().take_while(|c| *c != '/') {
            match (c, last) {
                ('*', Some(letter)) => those.insert(letter, true),
                _ => those.insert(c, false),
            };
            last = Some(c);
        }
    }
    grants
}

/// The letters of the built-in privileges: those of the owner and those of PUBLIC.
fn letters(kind: Kind, release: u32) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        Kind::Table | Kind::View | Kind::MaterializedView | Kind::ForeignTable => {
            (if release < 17 { "arwdDxt" } else { "arwdDxtm" }, "")
        }
        Kind::Sequence => ("rwU", ""),
        Kind::Function | Kind::Procedure | Kind::Aggregate => ("X", "X"),
        Kind::Type | Kind::Domain | Kind::Enum => ("U", "U"),
        Kind::Schema => ("UC", ""),
        Kind::Language => ("U", "U"),
        Kind::ForeignDataWrapper | Kind::ForeignServer => ("U", ""),
        Kind::Column => ("", ""),
        Kind::Database => ("CTc", "Tc"),
        _ => return None,
    })
}

pub(super) fn natural(release: u32, kind: Kind, owner: &str) -> Option<Grants> {
    let (owners, everybodys) = letters(kind, release)?;
    let of = |letters: &str| letters.chars().map(|c| (c, false)).collect();
    let all = [(owner.to_owned(), of(owners)), (String::new(), of(everybodys))];
    Some(all.into_iter().filter(|(_, letters): &(_, BTreeMap<_, _>)| !letters.is_empty()).collect())
}

/// The explicit ACL, or the built-in one. A later release may give the owner more privileges than
/// db-tool knows; an explicit ACL on the other side shows them.
fn effective(
    acl: Option<&str>,
    other: Option<Grants>,
    natural: Option<Grants>,
    owner: &str,
) -> Option<Grants> {
    let mut natural = natural?;
    if let Some(acl) = acl {
        return Some(parse(acl));
    }
    if let (Some(mine), Some(theirs)) =
        (natural.get_mut(owner), other.and_then(|mut other| other.remove(owner)))
        && mine.keys().all(|letter| theirs.contains_key(letter))
    {
        mine.extend(theirs.keys().map(|letter| (*letter, false)));
    }
    Some(natural)
}

/// The object of a GRANT, as the statement writes it.
pub(super) struct Target {
    /// The text before GRANT: `ALTER DEFAULT PRIVILEGES …`, else nothing.
    pub(super) before: String,
    /// `TABLE shop.t`.
    pub(super) on: String,
    /// The column.
    pub(super) column: Option<String>,
}

impl Target {
    fn of(identity: &Identity, object: &Object) -> Self {
        let table = |name: &str| format!("TABLE {name}");
        let (on, column) = match identity.kind {
            Kind::Column => (table(container(object)), Some(own(identity, object).to_owned())),
            Kind::View | Kind::MaterializedView | Kind::ForeignTable => {
                (table(&identity.name), None)
            }
            Kind::ForeignServer => (format!("FOREIGN SERVER {}", identity.name), None),
            Kind::Aggregate => (format!("FUNCTION {}", identity.name), None),
            _ => (called(identity, object), None),
        };
        Self { before: String::new(), on, column }
    }

    fn privileges(&self, letters: &[char]) -> String {
        let name = |letter: &char| {
            let name = PRIVILEGES.iter().find(|(known, _)| known == letter);
            let name = name.map_or("ALL", |(_, name)| name);
            match &self.column {
                Some(column) => format!("{name} ({column})"),
                None => name.to_owned(),
            }
        };
        letters.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn statements(&self, from: &Grants, to: &Grants) -> Vec<String> {
        let (mut revoked, mut granted) = (Vec::new(), Vec::new());
        let none = BTreeMap::new();
        let mut names: Vec<&String> = from.keys().chain(to.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (had, has) = (from.get(name).unwrap_or(&none), to.get(name).unwrap_or(&none));
            let those = |wanted: &dyn Fn(char) -> bool| -> Vec<char> {
                let mut all: Vec<char> = had.keys().chain(has.keys()).copied().collect();
                all.sort_by_key(|c| PRIVILEGES.iter().position(|(letter, _)| letter == c));
                all.dedup();
                all.retain(|c| wanted(*c));
                all
            };
            let add = |list: &mut Vec<String>, verb: &str, letters: Vec<char>, tail: &str| {
                if !letters.is_empty() {
                    let (before, on) = (&self.before, &self.on);
                    let what = self.privileges(&letters);
                    let who = role(name);
                    let tail = tail.replace("who", &who);
                    list.push(format!("{before}{verb}{what} ON {on} {tail};"));
                }
            };
            add(
                &mut revoked,
                "REVOKE ",
                those(&|c| had.contains_key(&c) && !has.contains_key(&c)),
                "FROM who",
            );
            let stays = |c| had.get(&c) == Some(&true) && has.get(&c) == Some(&false);
            add(&mut revoked, "REVOKE GRANT OPTION FOR ", those(&stays), "FROM who");
            let is_new = |c| has.get(&c) == Some(&false) && !had.contains_key(&c);
            add(&mut granted, "GRANT ", those(&is_new), "TO who");
            let passes = |c| has.get(&c) == Some(&true) && had.get(&c) != Some(&true);
            add(&mut granted, "GRANT ", those(&passes), "TO who WITH GRANT OPTION");
        }
        revoked.extend(granted);
        revoked
    }
}

fn owner_of(object: &Object) -> &str {
    object.get(property::OWNER).unwrap_or(OWNER)
}

/// The statements that lead from the privileges on one side to those on the other.
pub(super) fn change(
    facts: &Facts,
    identity: &Identity,
    before: &Object,
    after: &Object,
) -> Option<Vec<String>> {
    let [from, to] = both(facts, identity, before, after)?;
    Some(Target::of(identity, after).statements(&from, &to))
}

/// The privileges on one side and on the other. A new owner takes over the old one's.
pub(super) fn both(
    facts: &Facts,
    identity: &Identity,
    before: &Object,
    after: &Object,
) -> Option<[Grants; 2]> {
    let natural = |owner: &str| natural(facts.release(), identity.kind, owner);
    let (old, new) = (before.get(property::ACL), after.get(property::ACL));
    let (owner, heir) = (owner_of(before), owner_of(after));
    let mut from = effective(old, new.map(parse), natural(owner), owner)?;
    if owner != heir
        && let Some(own) = from.remove(owner)
    {
        from.entry(heir.to_owned()).or_default().extend(own);
    }
    let to = effective(new, old.map(parse), natural(heir), heir)?;
    Some([from, to])
}

/// Gives a new object its privileges. It begins with the default privileges of `from`.
pub(super) fn begin(from: &Facts, identity: &Identity, object: &Object) -> Option<Vec<String>> {
    let owner = owner_of(object);
    let mut has = initial(from, identity)?;
    if owner != OWNER
        && let Some(own) = has.remove(OWNER)
    {
        has.entry(owner.to_owned()).or_default().extend(own);
    }
    let natural = |owner| natural(from.release(), identity.kind, owner);
    let acl = object.get(property::ACL);
    if natural(OWNER)? == has && acl.is_none() {
        return Some(Vec::new());
    }
    let wanted = effective(acl, Some(has.clone()), natural(owner), owner)?;
    Some(Target::of(identity, object).statements(&has, &wanted))
}

pub(super) fn initial(from: &Facts, identity: &Identity) -> Option<Grants> {
    let word = match identity.kind {
        Kind::Table | Kind::View | Kind::MaterializedView | Kind::ForeignTable => "tables",
        Kind::Sequence => "sequences",
        Kind::Function | Kind::Procedure | Kind::Aggregate => "functions",
        Kind::Type | Kind::Domain | Kind::Enum => "types",
        Kind::Schema => "schemas",
        _ => return natural(from.release(), identity.kind, OWNER),
    };
    let acl = |place: String| {
        let name = format!("for role {OWNER}{place} on {word}");
        let object = from.get(&Identity { kind: Kind::DefaultPrivileges, name });
        object.map(|object| object.get(property::ACL).map(parse).unwrap_or_default())
    };
    let mut grants =
        acl(String::new()).or_else(|| natural(from.release(), identity.kind, OWNER))?;
    let schema = super::mention::chains(&identity.name).into_iter().next().unwrap_or_default();
    let schema = schema.split('.').next().unwrap_or_default().to_owned();
    for (grantee, letters) in acl(format!(" in schema {schema}")).unwrap_or_default() {
        grants.entry(grantee).or_default().extend(letters);
    }
    Some(grants)
}

/// Changes default privileges from one ACL to another. `None` means that the side has no entry.
pub(super) fn defaults(
    facts: &Facts,
    identity: &Identity,
    before: Option<&Object>,
    after: Option<&Object>,
) -> Option<Vec<String>> {
    let (head, word) = identity.name.strip_prefix("for role ")?.rsplit_once(" on ")?;
    let (who, schema) = match head.split_once(" in schema ") {
        Some((who, schema)) => (who, Some(schema)),
        None => (head, None),
    };
    let kind = match word {
        "tables" => Kind::Table,
        "sequences" => Kind::Sequence,
        property::FUNCTIONS => Kind::Function,
        "types" => Kind::Type,
        "schemas" => Kind::Schema,
        _ => return None,
    };
    let side = |object: Option<&Object>, other: Option<&Object>| match (schema, object) {
        (_, Some(object)) => Some(object.get(property::ACL).map(parse).unwrap_or_default()),
        (Some(_), None) => Some(Grants::new()),
        (None, None) => {
            let other = other.and_then(|other| other.get(property::ACL)).map(parse);
            let who = bare(who);
            effective(None, other, natural(facts.release(), kind, &who), &who)
        }
    };
    let mut before_grant = "ALTER DEFAULT PRIVILEGES ".to_owned();
    if who != OWNER {
        before_grant.push_str(&format!("FOR ROLE {who} "));
    }
    if let Some(schema) = schema {
        before_grant.push_str(&format!("IN SCHEMA {schema} "));
    }
    let target = Target { before: before_grant, on: word.to_uppercase(), column: None };
    Some(target.statements(&side(before, after)?, &side(after, before)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(acl: Option<&str>) -> Object {
        let acl = acl.map(|acl| ("acl".to_owned(), acl.to_owned()));
        let owner = Some(("owner".to_owned(), OWNER.to_owned()));
        Object { container: None, properties: owner.into_iter().chain(acl).collect() }
    }

    fn changed_in(release: u32, before: Option<&str>, after: Option<&str>) -> Vec<String> {
        let identity = Identity { kind: Kind::Table, name: "s.t".to_owned() };
        let facts = Facts::default().of_release(release);
        change(&facts, &identity, &table(before), &table(after)).expect("known")
    }

    fn changed(before: Option<&str>, after: Option<&str>) -> Vec<String> {
        changed_in(15, before, after)
    }

    #[test]
    fn privileges_come_and_go() {
        let acl = "(owner)=arwdDxt/(owner), \"A, b\"=r*w/(owner), =r/(owner)";
        assert_eq!(
            changed(None, Some(acl)),
            [
                "GRANT SELECT ON TABLE s.t TO PUBLIC;",
                "GRANT UPDATE ON TABLE s.t TO \"A, b\";",
                "GRANT SELECT ON TABLE s.t TO \"A, b\" WITH GRANT OPTION;",
            ]
        );
        assert_eq!(
            changed(Some(acl), None),
            [
                "REVOKE SELECT ON TABLE s.t FROM PUBLIC;",
                "REVOKE SELECT, UPDATE ON TABLE s.t FROM \"A, b\";",
            ]
        );
        let plain = acl.replace('*', "");
        let expected = ["REVOKE GRANT OPTION FOR SELECT ON TABLE s.t FROM \"A, b\";"];
        assert_eq!(changed(Some(acl), Some(&plain)), expected);
    }

    #[test]
    fn an_owner_keeps_what_later_releases_give() {
        assert_eq!(changed(Some("(owner)=arwdDxtm/(owner)"), None), [""; 0]);
        let revoked = ["REVOKE TRUNCATE ON TABLE s.t FROM CURRENT_USER;"];
        assert_eq!(changed(None, Some("(owner)=arwdxt/(owner)")), revoked);
    }

    #[test]
    fn an_owner_has_maintain_since_17() {
        let maintain = |verb| [format!("{verb} CURRENT_USER;")];
        let without = Some("(owner)=arwdDxt/(owner)");
        assert_eq!(changed_in(17, None, without), maintain("REVOKE MAINTAIN ON TABLE s.t FROM"));
        assert_eq!(changed_in(17, without, None), maintain("GRANT MAINTAIN ON TABLE s.t TO"));
        assert_eq!(changed_in(16, None, without), [""; 0]);
        let revoked = changed_in(17, None, Some("nobody"));
        assert!(revoked[0].contains(", MAINTAIN ON"), "{revoked:?}");
    }

    #[test]
    fn default_privileges_of_a_schema_begin_with_nothing() {
        let name = "for role (owner) in schema part on tables".to_owned();
        let identity = Identity { kind: Kind::DefaultPrivileges, name };
        let acl = table(Some("ann=r/(owner)"));
        let expected =
            ["ALTER DEFAULT PRIVILEGES IN SCHEMA part GRANT SELECT ON TABLES TO \"ann\";"];
        assert_eq!(
            defaults(&Facts::default(), &identity, None, Some(&acl)).expect("known"),
            expected
        );
    }
}
