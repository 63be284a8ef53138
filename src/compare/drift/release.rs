//! Two releases of PostgreSQL.

use crate::compare::facts::Facts;

/// The first release with the privilege MAINTAIN on tables.
const MAINTAIN: u32 = 17;

/// Both sides in the words of the later release. All privileges on a table are `arwdDxt` up to
/// PostgreSQL 16 and `arwdDxtm` since: who has them all on the older server has MAINTAIN as well, as
/// a dump's GRANT ALL gives it.
pub(super) fn aligned(a: Facts, b: Facts) -> (Facts, Facts) {
    match (a.release() < MAINTAIN, b.release() < MAINTAIN) {
        (true, false) => (with_maintain(&a), b),
        (false, true) => (a, with_maintain(&b)),
        _ => (a, b),
    }
}

fn with_maintain(facts: &Facts) -> Facts {
    let value = |property: &str, value: &str| match property {
        "acl" => complete(value),
        _ => value.to_owned(),
    };
    facts.map(|identity| identity.name.clone(), value)
}

/// MAINTAIN for each who has all other privileges on a table; it may be passed on where TRIGGER may.
fn complete(acl: &str) -> String {
    // a slash comes before who granted them
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
