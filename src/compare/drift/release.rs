//! Comparison of different releases of PostgreSQL.

use crate::compare::facts::Facts;
use crate::compare::facts::property;

/// The first release with the privilege MAINTAIN on tables.
const MAINTAIN: u32 = 17;

/// Converts the privileges of an older side to those of the newer release. All privileges on a
/// table are `arwdDxt` up to PostgreSQL 16 and `arwdDxtm` from 17 on. A role that has all of them
/// on the older server counts as having MAINTAIN, too, because GRANT ALL in a dump would give it.
pub(super) fn aligned(a: Facts, b: Facts) -> (Facts, Facts) {
    match (a.release() < MAINTAIN, b.release() < MAINTAIN) {
        (true, false) => (with_maintain(&a), b),
        (false, true) => (a, with_maintain(&b)),
        _ => (a, b),
    }
}

fn with_maintain(facts: &Facts) -> Facts {
    let value = |property: &str, value: &str| match property {
        property::ACL => complete(value),
        _ => value.to_owned(),
    };
    facts.map(|identity| identity.name.clone(), value)
}

/// Adds MAINTAIN for each role that has all other privileges on a table, with grant option if
/// TRIGGER has it.
fn complete(acl: &str) -> String {
    // a slash precedes the grantor
    let segments: Vec<String> = acl
        .split('/')
        .map(|segment| {
            let letters = segment.rsplit_once('=').map_or("", |(_, letters)| letters);
            let more = match letters.replace('*', "") == "arwdDxt" {
                true if letters.ends_with('*') => "m*",
                true => "m",
                false => "",
            };
            format!("{segment}{more}")
        })
        .collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::complete;

    #[test]
    fn whoever_has_all_privileges_has_the_new_one() {
        for (before, after) in [
            ("(owner)=arwdDxt/(owner), =r/(owner)", "(owner)=arwdDxtm/(owner), =r/(owner)"),
            ("\"x=a\"=a*r*w*d*D*x*t*/o", "\"x=a\"=a*r*w*d*D*x*t*m*/o"),
            ("o=arwdxt/o, p=arwdDxt/o", "o=arwdxt/o, p=arwdDxtm/o"),
            ("x=r/arwdDxt", "x=r/arwdDxt"),
            ("nobody", "nobody"),
        ] {
            assert_eq!(complete(before), after);
        }
    }
}
