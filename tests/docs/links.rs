//! Links between the documents.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::page::{self, Page};

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let pages = page::all();
    let dead: Vec<String> = pages.iter().flat_map(|page| dead_links(page, &pages)).collect();
    assert!(dead.is_empty(), "{} dead links\n{}", dead.len(), dead.join("\n"));
}

#[test]
fn a_dead_link_is_found() {
    let page = |text: &str| Page { path: "docs/a.md".into(), text: text.into() };
    let pages = [page("# A b\n## C `d`, (e)\n## A b\n")];
    for alive in ["[x](../README.md)", "[x](a.md#c-d-e)", "[x](#a-b-1)", "[x](https://a.b/c)"] {
        assert_eq!(dead_links(&page(alive), &pages), [""; 0], "{alive}");
    }
    for dead in ["[x](absent.md)", "[x](a.md#d)", "[x](#a-b-2)", "[x](../../x.md)"] {
        assert_eq!(dead_links(&page(&format!("\n{dead}")), &pages).len(), 1, "{dead}");
    }
    assert_eq!(dead_links(&page("```text\n[x](nowhere)\n```\n`[x](nowhere)`\n"), &pages), [""; 0]);
}

/// The links of `page` that lead nowhere, each with its line.
fn dead_links(page: &Page, pages: &[Page]) -> Vec<String> {
    let mut dead = Vec::new();
    for (line, text) in page.prose() {
        for target in targets(text) {
            if !target.contains("://")
                && !target.starts_with("mailto:")
                && !lives(page, &target, pages)
            {
                dead.push(format!("{}:{line}: {target}", page.path));
            }
        }
    }
    dead
}

fn lives(page: &Page, target: &str, pages: &[Page]) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => PathBuf::from(&page.path),
        file => match normal(&Path::new(&page.path).with_file_name(file)) {
            Some(path) => path,
            None => return false,
        },
    };
    if anchor.is_empty() {
        return page::root().join(&path).exists();
    }
    let other = pages.iter().find(|other| Path::new(&other.path) == path);
    other.is_some_and(|other| anchors(other).contains(&anchor.to_owned()))
}

/// `path` without `..`; `None` when it leads out of the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut parts: Vec<&std::ffi::OsStr> = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part),
            Component::ParentDir => drop(parts.pop()?),
            _ => {}
        }
    }
    Some(parts.iter().collect())
}

/// The targets of the links in a line: `[text](target)` outside code.
fn targets(line: &str) -> Vec<String> {
    let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let after = plain.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')').map(|(target, _)| target.to_owned())).collect()
}

/// The anchors that a forge gives the headings of a page.
fn anchors(page: &Page) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = page.prose().into_iter().filter_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.strip_prefix(' ')).flatten()
    });
    let anchors = headings.map(|title| {
        let kept = title.to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = seen.entry(anchor.clone()).or_default();
        *count += 1;
        if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
    });
    anchors.collect()
}
