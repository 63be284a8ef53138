//! The documents of the repository, whose examples `cargo x nix` evaluates.

use std::fs;
use std::path::Path;

use crate::failure::{On, Result};
use crate::place;

/// The texts of the Markdown files in the root of the repository and below `docs/`.
pub(crate) fn all() -> Result<Vec<String>> {
    let mut texts = Vec::new();
    collect(&place::root(), false, &mut texts)?;
    collect(&place::root().join("docs"), true, &mut texts)?;
    Ok(texts)
}

fn collect(directory: &Path, deep: bool, texts: &mut Vec<String>) -> Result<()> {
    let entries = fs::read_dir(directory).on("list", directory)?;
    for entry in entries {
        let path = entry.on("list", directory)?.path();
        if path.is_dir() {
            if deep {
                collect(&path, deep, texts)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            texts.push(fs::read_to_string(&path).on("read", &path)?);
        }
    }
    Ok(())
}
