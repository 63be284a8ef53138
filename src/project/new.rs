//! The files of a new project, and how they get to their places: all of them or none.
//!
//! The files are first written completely into a hidden directory beside their places. A new
//! directory then appears with one rename. In a directory that exists, each file moves to its place
//! without replacing anything, `database.toml` last, because that file makes the directory a
//! project. If one of them cannot move, those that did go again.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use tempfile::TempPath;

use crate::postgres::sql::template::fill;
use crate::sys::error::{Error, IoContext, Kind, Result};
use crate::sys::process::{ActingAs, read_text};
use crate::sys::signal;

/// The file that makes a directory a project.
const LAST: &str = "database.toml";

/// A file of a new project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The path, which starts at the project's root.
    pub path: String,
    /// The text.
    pub text: String,
    /// Whether other programs use the file too. An existing one then stays as it is.
    pub is_shared: bool,
}

/// The files that now exist.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The new files, in alphabetical order. The paths start at the root.
    pub files: Vec<String>,
    /// The shared files that existed, each with the lines that they lack.
    pub kept: Vec<(String, Vec<String>)>,
}

impl NewFile {
    /// A file that must not exist yet.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), is_shared: false }
    }

    /// A file that other programs use too.
    pub fn shared(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { is_shared: true, ..Self::new(path, text) }
    }
}

/// The settings of a new project.
#[derive(Debug, Default)]
pub struct Settings {
    /// The role, as a URL writes it.
    pub role: String,
    /// The database, as a URL writes it.
    pub database: String,
    /// The libraries that the server loads.
    pub preload: Vec<String>,
    /// The bundle, unless it is the default one.
    pub bundle: Option<&'static str>,
    /// Differences that do not count, with the reasons.
    pub ignored: Vec<(String, &'static str)>,
}

impl Settings {
    /// The settings of a project whose role and database have this name.
    pub fn named(name: &str) -> Self {
        Self { role: name.to_owned(), database: name.to_owned(), ..Self::default() }
    }

    /// The role, the server and the database, as a URL writes them.
    fn place(&self) -> String {
        format!("{}@localhost/{}", self.role, self.database)
    }

    /// The text of `database.toml`. Its strings are like those of JSON.
    fn toml(&self) -> String {
        use std::fmt::Write as _;
        let preload = Value::from(self.preload.clone()).to_string();
        let values = [("place", &*self.place()), ("preload", &*preload)];
        let mut text = fill(include_str!("../../nix/new/database.toml"), &values);
        if let Some(bundle) = self.bundle {
            let about =
                "\n# What db-tool puts into the schema hectic: `full`, `history` or `off`.\n";
            let _ = writeln!(text, "{about}bundle = \"{bundle}\"");
        }
        for (object, reason) in &self.ignored {
            let (object, reason) = (Value::from(object.as_str()), Value::from(*reason));
            let _ = write!(text, "\n[[diff.ignore]]\nobject = {object}\nreason = {reason}\n");
        }
        text
    }
}

/// The files of an empty project.
pub fn empty(settings: &Settings, with_nix: bool) -> Vec<NewFile> {
    let mut files = self::settings(settings, with_nix);
    files.extend([
        NewFile::new("db/src/entrypoint.sql", include_str!("../../nix/new/db/src/entrypoint.sql")),
        NewFile::new("db/test/test.sql", include_str!("../../nix/new/db/test/test.sql")),
    ]);
    files
}

/// The files of a project that hold no SQL.
pub fn settings(settings: &Settings, with_nix: bool) -> Vec<NewFile> {
    let envrc = match with_nix {
        true => include_str!("../../nix/new/envrc-nix"),
        false => include_str!("../../nix/new/envrc"),
    };
    let mut files = vec![
        NewFile::new(LAST, settings.toml()),
        NewFile::shared(".envrc", envrc),
        NewFile::shared(".gitignore", include_str!("../../nix/new/gitignore")),
    ];
    if with_nix {
        // the sample project's
        let flake = include_str!("../../nix/template/flake.nix");
        let flake = flake.replace("shop@localhost/shop", &settings.place());
        let flake =
            flake.replace("The shop's", "The project's").replace("shop-database", "database");
        files.push(NewFile::new("flake.nix", flake));
    }
    files
}

/// A name for the role and the database of the project in `root`: the directory's name, in letters
/// that need no quotes in SQL, in a URL or in Nix.
pub fn name_of(root: &Path) -> String {
    const LONGEST: usize = 40;
    let name = root.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(plain).take(LONGEST).collect();
    let name = name.trim_matches('_');
    let is_taken = ["postgres", "template0", "template1", "public", "none"].contains(&name)
        || name.starts_with("pg_");
    match name.starts_with(|c: char| c.is_ascii_lowercase()) && !is_taken {
        true => name.to_owned(),
        false => "app".to_owned(),
    }
}

/// Checks that the project can be made in `root`.
///
/// # Errors
/// `Conflict` (exit 2) that names every file in the way.
pub fn check_place(root: &Path, files: &[NewFile]) -> Result<()> {
    let _acting = ActingAs::controller_of(root)?;
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    if let Some(there) = root.ancestors().find(|above| is_there(above))
        && !there.is_dir()
    {
        return Err(Error::conflict(format!("{} is not a directory", there.display()))
            .hint("name a directory, or a path at which nothing exists yet"));
    }
    let mut obstacles: Vec<String> = Vec::new();
    for file in files {
        let path = root.join(&file.path);
        let above = above(&file.path).find(|above| {
            let above = root.join(above);
            is_there(&above) && !above.is_dir()
        });
        let obstacle = match above {
            Some(above) => above,
            None if is_there(&path) && !(file.is_shared && path.is_file()) => file.path.clone(),
            None => continue,
        };
        if !obstacles.contains(&obstacle) {
            obstacles.push(obstacle);
        }
    }
    if obstacles.is_empty() {
        return Ok(());
    }
    obstacles.sort();
    let what = if obstacles.len() == 1 { "this file exists" } else { "these files exist" };
    let error = Error::conflict(format!("{what} already in {}", root.display()))
        .hint("`database new` never replaces a file, and has written nothing")
        .hint("move them away, or name another directory");
    Err(obstacles.into_iter().fold(error, Error::detail))
}

/// The directories above a file, the uppermost first.
fn above(path: &str) -> impl Iterator<Item = String> {
    path.match_indices('/').map(|(at, _)| path[..at].to_owned())
}

/// Writes the project.
///
/// # Errors
/// See [`check_place`]. After any error, nothing is written.
pub fn write(root: &Path, files: &[NewFile]) -> Result<Written> {
    check_place(root, files)?;
    let _acting = ActingAs::controller_of(root)?;
    let is_new = !root.exists();
    let (kept, mut new): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| root.join(&file.path).exists());
    new.sort_by_key(|file| (file.path == LAST, &file.path));
    let kept = kept.into_iter().map(|file| Ok((file.path.clone(), lacking(root, file)?)));
    let kept = kept.collect::<Result<Vec<_>>>()?;
    let mut made = Made::default();
    let place = if is_new { root.parent().unwrap_or(root) } else { root };
    made.directories(place)?;
    let stage = tempfile::Builder::new().prefix(".new-").tempdir_in(place).on("write to", place);
    let stage = stage.map_err(unwritable)?;
    let staged = stage.path().join("project");
    std::fs::create_dir(&staged).on("create", &staged)?;
    for file in &new {
        write_file(&staged.join(&file.path), &file.text)?;
    }
    signal::check()?;
    match is_new {
        true => std::fs::rename(&staged, root).on("create", root)?,
        false => new.iter().try_for_each(|file| made.file(root, &staged, &file.path))?,
    }
    made.stay();
    let mut files: Vec<_> = new.into_iter().map(|file| file.path.clone()).collect();
    files.sort();
    Ok(Written { files, kept })
}

fn unwritable(error: Error) -> Error {
    error.hint("name a directory in which you may write")
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    let directory = path.parent().unwrap_or(path);
    std::fs::create_dir_all(directory).on("create", directory)?;
    let mut file = std::fs::File::create_new(path).on("create", path)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).on("write", path)
}

/// The lines of `file` that the existing one lacks.
fn lacking(root: &Path, file: &NewFile) -> Result<Vec<String>> {
    let path = root.join(&file.path);
    let there = read_text(&path).on("read", &path)?;
    let has = |line: &&str| there.lines().any(|other| other.trim() == line.trim());
    let lines = file.text.lines().filter(|line| !line.starts_with('#') && !has(line));
    Ok(lines.map(str::to_owned).collect())
}

/// The files and directories that were made so far. Dropping the value removes them.
#[derive(Debug, Default)]
struct Made {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

impl Made {
    /// Makes a directory, with those above it.
    fn directories(&mut self, path: &Path) -> Result<()> {
        let missing: Vec<&Path> = path.ancestors().take_while(|above| !above.exists()).collect();
        for directory in missing.into_iter().rev() {
            std::fs::create_dir(directory).on("create", directory).map_err(unwritable)?;
            self.directories.push(directory.to_owned());
        }
        Ok(())
    }

    /// Moves a file from `staged` to its place in `root`, if nothing is there.
    fn file(&mut self, root: &Path, staged: &Path, path: &str) -> Result<()> {
        let (from, to) = (staged.join(path), root.join(path));
        self.directories(to.parent().unwrap_or(root))?;
        let staged = TempPath::try_from_path(from).on("read", staged)?;
        let moved = staged.persist_noclobber(&to);
        moved.map_err(|error| error.error).on("create", &to).map_err(|error| {
            if to.symlink_metadata().is_ok() { error.with_kind(Kind::Conflict) } else { error }
        })?;
        self.files.push(to);
        Ok(())
    }

    /// Lets all of it stay.
    fn stay(mut self) {
        self.files.clear();
        self.directories.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        for directory in self.directories.iter().rev() {
            // one that somebody else has begun to use stays
            let _ = std::fs::remove_dir(directory);
        }
    }
}

/// The project above `root`, if there is one.
pub fn project_above(root: &Path) -> Option<&Path> {
    root.ancestors().skip(1).find(|above| above.join(LAST).symlink_metadata().is_ok())
}

/// Resolves `..` and the links of the part of a path that exists.
pub fn resolved(path: &Path) -> PathBuf {
    let mut rest = PathBuf::new();
    for above in path.ancestors() {
        if let Ok(real) = std::fs::canonicalize(above) {
            // without a slash at the end
            return real.join(rest).components().collect();
        }
        match above.components().next_back() {
            Some(Component::Normal(name)) => rest = Path::new(name).join(rest),
            _ => return path.to_owned(),
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_no_quotes() {
        for (directory, name) in [
            ("/a/shop", "shop"),
            ("/a/My Shop/", "my_shop"),
            ("/a/caf\u{e9}", "caf"),
            ("/a/größe-2", "gr__e_2"),
            ("/a/日本", "app"),
            ("/a/2nd", "app"),
            ("/a/postgres", "app"),
            ("/a/pg_x", "app"),
            ("/", "app"),
        ] {
            assert_eq!(name_of(Path::new(directory)), name, "{directory}");
        }
    }

    #[test]
    fn a_file_that_cannot_move_takes_the_others_with_it() {
        let place = tempfile::tempdir().expect("temporary directory");
        let (root, staged) = (place.path().join("root"), place.path().join("staged"));
        for path in ["staged/a/b", "staged/c", "root/c"] {
            write_file(&place.path().join(path), "text").expect("written");
        }
        let mut made = Made::default();
        made.file(&root, &staged, "a/b").expect("moved");
        let error = made.file(&root, &staged, "c").expect_err("in the way");
        assert_eq!(error.kind(), Kind::Conflict);
        drop(made);
        assert!(!root.join("a").exists() && root.join("c").exists());
    }

    #[test]
    fn the_flake_has_the_projects_name() {
        let files = empty(&Settings::named("cafe"), true);
        let flake = files.iter().find(|file| file.path == "flake.nix").expect("a flake");
        assert!(flake.text.contains("cafe@localhost/cafe") && !flake.text.contains("shop"));
    }
}
