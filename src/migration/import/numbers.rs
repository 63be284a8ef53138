//! Gives each migration of another tool a version of ours: one number that keeps the order.

use crate::migration::name::TIMESTAMP;

/// The versions of ours, in the order of the given ones.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) numbers: Vec<i64>,
    /// Every version is a time, `YYYYMMDDHHMMSS`.
    pub(super) are_times: bool,
    /// How the numbers come about, unless they are the versions themselves.
    pub(super) mapping: Option<&'static str>,
}

/// Numbers versions that are in the order of their tool. Each has its parts, which are digits.
pub(super) fn number(versions: &[&[String]]) -> Numbers {
    let single = versions.iter().all(|parts| parts.len() == 1);
    if single && let Some(numbers) = increasing(versions.iter().map(|parts| parts[0].parse().ok()))
    {
        let are_times = versions.iter().all(|parts| parts[0].len() == TIMESTAMP);
        return Numbers { numbers, are_times, mapping: None };
    }
    let others = [
        (single.then(|| padded(versions)).flatten(), "the digits, with zeros to the same length"),
        (joined(versions), "the parts between the dots, each with zeros to the same length"),
    ];
    for (numbers, mapping) in others {
        if let Some(numbers) = numbers {
            return Numbers { numbers, are_times: false, mapping: Some(mapping) };
        }
    }
    let numbers = (1..).take(versions.len()).collect();
    Numbers { numbers, are_times: false, mapping: Some("the place in the order") }
}

/// The numbers, if each is greater than the one before it. A first zero becomes one, because our
/// zero means that nothing is applied.
fn increasing(numbers: impl Iterator<Item = Option<i64>>) -> Option<Vec<i64>> {
    let mut numbers: Vec<i64> = numbers.collect::<Option<_>>()?;
    if let Some(first) = numbers.first_mut().filter(|first| **first == 0) {
        *first = 1;
    }
    let is_sorted = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    (is_sorted && numbers.first().is_none_or(|first| *first > 0)).then_some(numbers)
}

/// Fills digits with zeros on the right: times with and without parts of a second.
fn padded(versions: &[&[String]]) -> Option<Vec<i64>> {
    let width = versions.iter().map(|parts| parts[0].len()).max()?;
    increasing(versions.iter().map(|parts| format!("{:0<width$}", parts[0]).parse().ok()))
}

/// Joins the parts of dotted versions, each filled with zeros on the left.
fn joined(versions: &[&[String]]) -> Option<Vec<i64>> {
    let count = versions.iter().map(|parts| parts.len()).max()?;
    let rest = versions.iter().flat_map(|parts| parts.iter().skip(1));
    let width = rest.map(|part| part.trim_start_matches('0').len()).max()?.max(1);
    increasing(versions.iter().map(|parts| {
        let part = |at: usize| parts.get(at).map_or("", |part| part.trim_start_matches('0'));
        let joined = (1..count).map(|at| format!("{:0>width$}", part(at))).collect::<String>();
        format!("{:0>1}{joined}", part(0)).parse().ok()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(versions: &[&str]) -> (Vec<i64>, bool) {
        let parts: Vec<Vec<String>> = versions
            .iter()
            .map(|version| version.split('.').map(str::to_owned).collect())
            .collect();
        let numbers = number(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        (numbers.numbers, numbers.are_times)
    }

    #[test]
    fn versions_stay_or_keep_their_order() {
        for (versions, expected, are_times) in [
            (&["1", "2", "30"][..], &[1, 2, 30][..], false),
            (
                &["20240101000000", "20240102000000"],
                &[20_240_101_000_000, 20_240_102_000_000],
                true,
            ),
            (&["00000000000000", "20240102000000"], &[1, 20_240_102_000_000], true),
            (&["0", "1"], &[1, 2], false),
            (&["1.1", "1.2", "1.10", "2"], &[101, 102, 110, 200], false),
            (&["1.0.1", "1.1"], &[101, 110], false),
            (&["202301", "20230201"], &[202_301, 20_230_201], false),
            (
                &["20240101000000", "202402010000000000", "20240301000000"],
                &[202_401_010_000_000_000, 202_402_010_000_000_000, 202_403_010_000_000_000],
                false,
            ),
            (&["1", "10", "2"], &[1, 2, 3], false),
            (&["9223372036854775808"], &[1], false),
            (&[], &[], true),
        ] {
            assert_eq!(numbered(versions), (expected.to_vec(), are_times), "{versions:?}");
        }
    }
}
