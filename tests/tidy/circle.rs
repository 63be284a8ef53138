//! No circle between the files of `src/`: a reader can begin with a file that needs no other.
//!
//! A file needs another when it names something of it. A folder's `mod.rs` and the files below it
//! may name each other; a name that `mod.rs` exports again counts for the file that defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use super::path;
use super::source::Source;

/// A module's path without `crate`, such as `cluster::run::start`.
type Module = Vec<String>;

/// One violation for each circle, in its first file.
pub(crate) fn circles(sources: &[Source]) -> Vec<Violation> {
    let files: BTreeMap<Module, &Source> =
        sources.iter().filter_map(|source| Some((module(&source.path)?, source))).collect();
    let exports = files.iter().flat_map(|(own, source)| exports(own, source, &files)).collect();
    let needs: BTreeMap<&Module, BTreeSet<Module>> =
        files.iter().map(|(own, source)| (own, needs(own, source, &files, &exports))).collect();
    let circles = needs.keys().filter_map(|start| circle(start, &needs));
    let told = circles.map(|circle| {
        let names: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
        let what = format!("a circle: {}; move what they share below them", names.join(" → "));
        Violation::new(files[&circle[0]], 1, what)
    });
    told.collect()
}

/// The module that a file of `src/` is.
fn module(path: &str) -> Option<Module> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    let segments: Module = inside.split('/').map(String::from).collect();
    let counts = segments[0] != "bin" && segments[0] != "lib" && !inside.ends_with("/tests");
    counts.then_some(segments)
}

/// The names that a module exports again, each with the path that it stands for.
fn exports(
    own: &Module,
    source: &Source,
    files: &BTreeMap<Module, &Source>,
) -> Vec<(Module, Module)> {
    let statements = source.code.split("pub use ").skip(1);
    let statements = statements.filter_map(|rest| rest.split_once(';'));
    let paths = statements.flat_map(|(tree, _)| path::named(&format!("use {tree};")));
    let exports = paths.filter_map(|(_, path)| {
        let target = absolute(own, &path, files)?;
        let name = target.last()?.clone();
        Some(([own.as_slice(), &[name]].concat(), target))
    });
    exports.collect()
}

/// The other files that a file names, except for those above and below it.
fn needs(
    own: &Module,
    source: &Source,
    files: &BTreeMap<Module, &Source>,
    exports: &BTreeMap<Module, Module>,
) -> BTreeSet<Module> {
    let named = path::named(&source.code).into_iter();
    let targets = named.filter_map(|(_, path)| absolute(own, &path, files));
    let modules = targets.filter_map(|target| home(target, files, exports));
    modules.filter(|other| !own.starts_with(other) && !other.starts_with(own)).collect()
}

/// A path of this crate from its root; `None` for a path of another crate, or a local name.
fn absolute(own: &Module, path: &[String], files: &BTreeMap<Module, &Source>) -> Option<Module> {
    let ups = path.iter().take_while(|segment| *segment == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "super" if ups <= own.len() => Some([&own[..own.len() - ups], &path[ups..]].concat()),
        "self" => Some([own.as_slice(), &path[1..]].concat()),
        child => {
            let below = [own.as_slice(), &[child.to_owned()]].concat();
            files.contains_key(&below).then(|| [own.as_slice(), path].concat())
        }
    }
}

/// The file that defines the item of a path.
fn home(
    mut target: Module,
    files: &BTreeMap<Module, &Source>,
    exports: &BTreeMap<Module, Module>,
) -> Option<Module> {
    // few exports are exports of exports; a limit keeps a wrong one from looping
    for _ in 0..8 {
        let depth = (1..=target.len()).rev().find(|&n| files.contains_key(&target[..n]))?;
        let name = &target[..(depth + 1).min(target.len())];
        match exports.get(name).filter(|_| name.len() > depth) {
            Some(origin) => target = [origin.as_slice(), &target[name.len()..]].concat(),
            None => return Some(target[..depth].to_vec()),
        }
    }
    None
}

/// A path from `start` back to it. Each circle is reported once, at its first file.
fn circle(start: &Module, needs: &BTreeMap<&Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![start.clone()]];
    while let Some(way) = ways.pop() {
        for next in needs.get(&way[way.len() - 1])? {
            let longer = [way.as_slice(), std::slice::from_ref(next)].concat();
            match next.cmp(start) {
                std::cmp::Ordering::Equal => return Some(longer),
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Greater if seen.insert(next.clone()) => ways.push(longer),
                std::cmp::Ordering::Greater => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        circles(&sources).into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn a_circle_is_told_once() {
        let red = found(&[
            ("src/room/mod.rs", "mod a;\nmod b;\n"),
            ("src/room/a.rs", "use super::b::B;\n"),
            ("src/room/b.rs", "fn f() { crate::room::a::g() }\n"),
        ]);
        let what = "a circle: room::a → room::b → room::a; move what they share below them";
        assert_eq!(red, [what]);
    }

    #[test]
    fn an_export_counts_for_the_file_that_defines_it() {
        let red = found(&[
            ("src/room/mod.rs", "mod a;\nmod b;\npub use a::{A, C};\n"),
            ("src/room/a.rs", "use super::b::B;\n"),
            ("src/room/b.rs", "use super::A;\n"),
        ]);
        assert_eq!(red.len(), 1, "{red:?}");
    }

    #[test]
    fn parents_and_tests_make_no_circle() {
        let green = found(&[
            ("src/room/mod.rs", "mod a;\nmod b;\nuse a::A;\npub struct Room;\n"),
            ("src/room/a.rs", "use super::Room;\nuse super::b::B;\n"),
            ("src/room/b.rs", "#[cfg(test)]\nmod tests {\n    use crate::room::a::A;\n}\n"),
        ]);
        assert_eq!(green, [""; 0]);
    }
}
