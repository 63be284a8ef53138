//! Cached states as a file, which takes them to another machine.
//!
//! The file is a tar archive that zstd has compressed. It holds the directories of states as they
//! are in the cache. States with sealed values stay at home: whoever has such a state and its key can
//! read the secrets. An import believes nothing that it can check: the names, the kinds of the
//! files, and every digest. It cannot check what the states do, because a database can hold any
//! code.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tar::{Archive, Builder, EntryType};

use super::description::{DESCRIPTION, Description};
use super::manifest::MANIFEST;
use super::manifest::Manifest;
use super::trim::Template;
use crate::cluster::Lock;
use crate::cluster::files::{
    private_directory, read_small, remove_tree, replace_file, sync_file_system,
};
use crate::cluster::layout::lock_of;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::signal;

/// The level of compression, at which a state takes a fraction of a second.
const LEVEL: i32 = 3;

/// What a transfer has done with each state.
#[derive(Debug, Default)]
pub struct Transferred {
    /// The names of the states that were written or taken in.
    pub done: Vec<String>,
    /// The names of the others, with the reasons.
    pub left: Vec<(String, &'static str)>,
}

/// Writes the states among `templates` that belong to `project` into a new file.
pub fn export(templates: &[Template], project: Option<&Path>, file: &Path) -> Result<Transferred> {
    // a state holds all rows of its database
    let target = File::options().write(true).create_new(true).mode(0o600).open(file);
    let target = target.on("create", file)?;
    let written = write(templates, project, target);
    if written.is_err() {
        let _ = std::fs::remove_file(file);
    }
    written
}

fn write(templates: &[Template], project: Option<&Path>, file: File) -> Result<Transferred> {
    let encoder = zstd::Encoder::new(file, LEVEL).on("compress", Path::new("the states"))?;
    let mut archive = Builder::new(encoder);
    // the holes of the write-ahead log compress to nothing
    archive.sparse(false);
    let mut transferred = Transferred::default();
    for template in templates {
        let Some(description) = template.description() else { continue };
        if project.is_some() && description.project.as_deref() != project {
            continue;
        }
        if description.sealed {
            transferred.left.push((template.name(), "it holds secrets"));
            continue;
        }
        signal::check()?;
        make_lasting(&template.path)?;
        let _lock = Lock::share(&lock_of(&template.path))?;
        archive.append_dir_all(template.name(), &template.path).on("read", &template.path)?;
        transferred.done.push(template.name());
    }
    let finish = || archive.into_inner()?.finish()?.sync_all();
    finish().on("write", Path::new("the states"))?;
    Ok(transferred)
}

/// Gives the manifest of a template its digests and waits until the template is on the disk, so that
/// it also holds on another machine. Meanwhile, other commands can clone it.
pub fn make_lasting(template: &Path) -> Result<()> {
    let lock = lock_of(template);
    let list = template.join(MANIFEST);
    let read = || crate::sys::process::read_text(&list).unwrap_or_default();
    let (text, lasting) = {
        let _shared = Lock::share(&lock)?;
        let text = read();
        let manifest = Manifest::parse(&text).filter(Manifest::holds);
        let Some(manifest) = manifest.filter(|manifest| manifest.boot.is_some()) else {
            return Ok(());
        };
        let lasting = Manifest::of(&template.join("data"), &manifest.version)?;
        sync_file_system(template)?;
        (text, lasting)
    };
    let _lock = Lock::wait(&lock)?;
    // another command may have replaced the template in between
    if read() == text { replace_file(&list, &lasting.render()) } else { Ok(()) }
}

/// Takes the states of a file into `cache`. States that are there stay as they are.
///
/// # Errors
/// `Failed` for a file that is no such archive, and for a state that differs from its manifest.
pub fn import(cache: &Path, file: &Path) -> Result<Transferred> {
    private_directory(cache)?;
    let source = crate::sys::process::open_regular(file).on("read", file)?;
    let decoder = zstd::Decoder::new(source).on("read", file)?;
    let mut import = Import { cache, open: None, transferred: Transferred::default() };
    let mut archive = Archive::new(decoder);
    for entry in archive.entries().on("read", file)? {
        signal::check()?;
        import.take(entry.on("read", file)?).map_err(|error| error.context(shown(file)))?;
    }
    import.finish().map_err(|error| error.context(shown(file)))?;
    Ok(import.transferred)
}

fn shown(file: &Path) -> String {
    format!("cannot import {}", file.display())
}

/// A state that is being taken in, beside its place.
struct Incoming {
    name: String,
    place: PathBuf,
    directory: PathBuf,
    _lock: Lock,
}

struct Import<'a> {
    cache: &'a Path,
    /// The state whose files come now. Its directory is `None` if the state is left out.
    open: Option<(String, Option<Incoming>)>,
    transferred: Transferred,
}

impl Import<'_> {
    fn take<R: std::io::Read>(&mut self, mut entry: tar::Entry<'_, R>) -> Result<()> {
        let path = entry.path().on("read", Path::new("a name"))?.into_owned();
        let (name, below) = parts(&path).ok_or_else(|| strange(&path))?;
        if self.open.as_ref().is_none_or(|(open, _)| *open != name) {
            self.finish()?;
            let incoming = self.begin(&name)?;
            self.open = Some((name, incoming));
        }
        let Some((_, Some(incoming))) = &self.open else { return Ok(()) };
        let target = incoming.directory.join(&below);
        match entry.header().entry_type() {
            EntryType::Directory if below.as_os_str().is_empty() => Ok(()),
            EntryType::Directory => private_directory(&target),
            EntryType::Regular => entry.unpack(&target).map(drop).on("write", &target),
            _ => Err(strange(&path)),
        }
    }

    fn begin(&mut self, name: &str) -> Result<Option<Incoming>> {
        let place = self.cache.join(name);
        let lock = Lock::wait(&lock_of(&place))?;
        if place.exists() {
            self.transferred.left.push((name.to_owned(), "it is in the cache already"));
            return Ok(None);
        }
        let directory = place.with_extension("new");
        remove_tree(&directory)?;
        private_directory(&directory)?;
        Ok(Some(Incoming { name: name.to_owned(), place, directory, _lock: lock }))
    }

    fn finish(&mut self) -> Result<()> {
        let Some((_, Some(incoming))) = self.open.take() else { return Ok(()) };
        incoming.verify()?;
        std::fs::rename(&incoming.directory, &incoming.place).on("write", &incoming.place)?;
        self.transferred.done.push(incoming.name.clone());
        Ok(())
    }
}

impl Incoming {
    /// Compares the files with the manifest, and gives them its times.
    fn verify(&self) -> Result<()> {
        let wrong = |what: &str| Error::failed(format!("{} {what}", self.name));
        let text = crate::sys::process::read_text(self.directory.join(MANIFEST));
        let manifest = text.ok().and_then(|text| Manifest::parse(&text));
        let manifest = manifest.ok_or_else(|| wrong("has no manifest"))?;
        let description = read_small(&self.directory.join(DESCRIPTION)).unwrap_or_default();
        let description: Option<Description> = serde_json::from_slice(&description).ok();
        if description.is_none_or(|description| description.sealed) {
            return Err(wrong("is no state that may travel"));
        }
        let data = self.directory.join("data");
        let found = Manifest::list(&data)?;
        let names = |manifest: &Manifest| {
            let mut names: Vec<_> =
                manifest.files.iter().map(|entry| (entry.path.clone(), entry.mode)).collect();
            names.sort();
            names
        };
        if names(&found) != names(&manifest) || !manifest.files.iter().all(|e| e.is_intact(&data)) {
            return Err(wrong("differs from its manifest"));
        }
        for entry in &manifest.files {
            let path = data.join(&entry.path);
            let nanoseconds = u64::try_from(entry.modified).unwrap_or_default();
            let time = UNIX_EPOCH + Duration::from_nanos(nanoseconds);
            let file = File::options().write(true).open(&path).on("write", &path)?;
            file.set_modified(time).on("write", &path)?;
        }
        Ok(())
    }
}

impl Drop for Incoming {
    /// After a success there is nothing under this name.
    fn drop(&mut self) {
        let _ = remove_tree(&self.directory);
    }
}

/// The name of the state, and the path of a file in it. `None` for a path that leads elsewhere.
fn parts(path: &Path) -> Option<(String, PathBuf)> {
    let mut components = path.components();
    let Component::Normal(name) = components.next()? else { return None };
    let name = name.to_str()?.to_owned();
    let (hash, word) = name.split_once('-')?;
    let is_name = hash.len() == 32
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let below: PathBuf = components.clone().collect();
    let is_plain = components.all(|component| matches!(component, Component::Normal(_)));
    (is_name && is_plain).then_some((name, below))
}

fn strange(path: &Path) -> Error {
    Error::failed(format!("{} is no file of a cached state", path.display()))
        .hint("`database cache export FILE` writes such files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_into_a_state() {
        let state = format!("{}-patched", "0a".repeat(16));
        let (name, below) = parts(Path::new(&format!("{state}/data/base/1"))).expect("a file");
        assert_eq!((name, below), (state.clone(), "data/base/1".into()));
        for wrong in ["/etc/passwd", "../x-y", "x-patched/a", "", "digest.key"] {
            assert!(parts(Path::new(wrong)).is_none(), "{wrong}");
        }
        assert!(parts(Path::new(&format!("{state}/../x"))).is_none());
    }
}
