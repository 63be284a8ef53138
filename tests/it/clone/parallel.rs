//! Many clones at once.

use super::SOURCE;
use crate::support::finish;
use crate::support::project::deployed;

/// More callers than a server has connections. Two hundred do the same, and take longer.
const CALLERS: usize = 120;

#[test]
fn many_callers_at_once_get_clones_of_their_own() {
    let sandbox = deployed(SOURCE);
    let callers: Vec<_> = (0..CALLERS).map(|_| sandbox.spawn("database", ["clone"])).collect();
    let mut urls: Vec<_> =
        callers.into_iter().map(|caller| finish(caller, None).success().stdout).collect();
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len(), CALLERS);
    assert_eq!(sandbox.clones().len(), CALLERS);
    let templates = sandbox.databases_like("app\\_template\\_%");
    assert_eq!(templates.split(' ').count(), 1, "one of them has built it: {templates}");
}

#[test]
fn one_of_two_callers_gets_a_name() {
    let sandbox = deployed(SOURCE);
    sandbox.clone_with([]);
    let callers = [(); 4].map(|()| sandbox.spawn("database", ["clone", "--name", "mine"]));
    let mut codes = callers.map(|caller| finish(caller, None).code.unwrap());
    codes.sort_unstable();
    assert_eq!(codes, [0, 2, 2, 2]);
    assert_eq!(sandbox.databases_like("mine"), "mine");
    assert_eq!(sandbox.clones().len(), 1, "the losers leave nothing");
}
