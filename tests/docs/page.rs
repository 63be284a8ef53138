//! The Markdown files of the repository.

use std::path::{Path, PathBuf};

/// Directories without documents of ours.
const SKIPPED: [&str; 4] = ["target", ".git", "tests", "src"];

/// One document.
pub(crate) struct Page {
    /// Its path in the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every document of the repository.
pub(crate) fn all() -> Vec<Page> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    assert!(found.iter().any(|page| page.path == "README.md"), "the documents were not found");
    found
}

fn collect(directory: &Path, found: &mut Vec<Page>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(Page { text: std::fs::read_to_string(&path).unwrap(), path: name });
        }
    }
}

impl Page {
    /// The lines outside code blocks and HTML comments, each with its number.
    pub(crate) fn prose(&self) -> Vec<(usize, &str)> {
        let (mut in_code, mut prose) = (false, Vec::new());
        for (index, line) in self.text.lines().enumerate() {
            let fence = line.trim_start().starts_with("```");
            if !fence && !in_code && !line.starts_with("<!--") {
                prose.push((index + 1, line));
            }
            in_code ^= fence;
        }
        prose
    }
}
