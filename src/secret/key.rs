//! The keys that seal secrets, and the file that holds them.
//!
//! A line of a key file is a key of 64 hexadecimal digits, a comment (`#`), or blank. The first key
//! seals, and all keys open. To rotate, db-tool adds a new key in front, seals all secrets with it,
//! and removes the old keys. The server reads the file, too (`hectic.secret_keys()`), so the file
//! belongs to the user who runs the server.
//!
//! The file changes in one step: it is written beside its place and then linked or renamed. So a
//! reader sees a complete file, and if two commands make one at the same time, one of them wins and
//! nothing is lost. Keys are overwritten in memory when they are dropped, and have no `Debug`.

mod file;

use std::path::Path;

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::sys::error::{Error, Result};
use file::{content, lock_directory, rewrite, sync_directory, write_beside};

/// The name of the file. It lies beside the data directory.
pub const FILE_NAME: &str = "hectic.key";

/// The largest key file, in bytes.
const MAX_FILE: u64 = 65_536;
const HEADER: &str = "# Keys of the sealed secrets of this database cluster; the first one seals.\n\
                      # Whoever has this file and the data can read the secrets.\n";

/// One key.
pub struct Key([u8; 32]);

/// The keys of a key file. The first one seals.
pub struct KeyRing {
    keys: Vec<Key>,
}

/// The user and group ids that a key file gets if it must not belong to the caller.
pub type Owner = (u32, u32);

impl Key {
    /// The id of the key, which a sealed value contains.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new().chain_update("hectic.secret.key-id:").chain_update(self.0);
        let mut id = [0; 4];
        id.copy_from_slice(&hash.finalize()[..4]);
        id
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl KeyRing {
    /// Makes a random key.
    pub fn generate() -> Result<Self> {
        let mut key = Key([0; 32]);
        random(&mut key.0)?;
        Ok(Self { keys: vec![key] })
    }

    /// Parses the content of a key file.
    ///
    /// # Errors
    /// They name the line, but never its content.
    pub fn parse(content: &[u8]) -> Result<Self> {
        let mut keys = Vec::new();
        for (index, line) in content.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let key = decode(line).ok_or_else(|| {
                Error::failed(format!("line {} is no key", index + 1)).hint(
                    "a line is a key of 64 hexadecimal digits, a comment that begins with \"#\", or blank",
                )
            })?;
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(Error::failed("there is no key in it"));
        }
        Ok(Self { keys })
    }

    /// Reads a key file. Fails if others than its owner may read it. Follows links.
    ///
    /// # Errors
    /// `Missing` if there is none.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&content(path)?)
            .map_err(|error| error.context(format!("cannot use the key file {}", path.display())))
    }

    /// Makes a key file with a new key. `owner` is its owner, if that is not the caller. Returns
    /// false if a file exists already, even if another command has just made it; that file stays
    /// unchanged.
    pub fn create(path: &Path, owner: Option<Owner>) -> Result<bool> {
        Self::create_with(path, &Self::generate()?, owner)
    }

    /// Makes a key file as [`Self::create`] does, with these keys.
    pub fn create_with(path: &Path, ring: &Self, owner: Option<Owner>) -> Result<bool> {
        let _lock = lock_directory(path)?;
        let beside = write_beside(path, &ring.text(), owner)?;
        let made = match beside.persist_noclobber(path) {
            Ok(_) => true,
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(Error::io("create", path, &error.error)),
        };
        sync_directory(path)?;
        Ok(made)
    }

    /// Puts a new key in front of the keys in the file. It seals from now on. Comments stay.
    pub fn add(path: &Path) -> Result<Self> {
        rewrite(path, |content| {
            let mut text = Self::generate()?.lines();
            text.push_str(&String::from_utf8_lossy(content));
            Ok(text)
        })
    }

    /// Puts the keys of `ring` in front of the keys in the file, unless its first key is there in
    /// front already.
    pub fn adopt(path: &Path, ring: &Self) -> Result<()> {
        let there = Self::read(path)?;
        if there.active().id() == ring.active().id() {
            return Ok(());
        }
        rewrite(path, |content| {
            let ids: Vec<[u8; 4]> = ring.keys.iter().map(Key::id).collect();
            let mut text = ring.text();
            for key in Self::parse(content)?.keys {
                if !ids.contains(&key.id()) {
                    text.push_str(&Self { keys: vec![key] }.lines());
                }
            }
            Ok(text)
        })
        .map(drop)
    }

    /// Removes the keys with these ids from the file. Values that are sealed with them never open
    /// again.
    pub fn drop_keys(path: &Path, ids: &[[u8; 4]]) -> Result<Self> {
        rewrite(path, |content| {
            let mut ring = Self::parse(content)?;
            ring.keys.retain(|key| !ids.contains(&key.id()));
            Ok(ring.text())
        })
    }

    /// The ids of all keys.
    pub fn ids(&self) -> Vec<[u8; 4]> {
        self.keys.iter().map(Key::id).collect()
    }

    /// Returns these keys, followed by those of `other`.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self
    }

    /// The key that seals.
    pub fn active(&self) -> &Key {
        &self.keys[0]
    }

    /// Returns only the key that seals.
    #[must_use]
    pub fn only_active(mut self) -> Self {
        self.keys.truncate(1);
        self
    }

    /// All keys. The first one seals.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys as lines of a key file.
    pub(super) fn lines(&self) -> Zeroizing<String> {
        // with its final capacity, the text never moves and leaves no copy of a key in memory
        let mut text = Zeroizing::new(String::with_capacity(MAX_FILE as usize));
        for key in &self.keys {
            for byte in key.0 {
                text.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
                text.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
            }
            text.push('\n');
        }
        text
    }

    fn text(&self) -> Zeroizing<String> {
        let mut text = self.lines();
        text.insert_str(0, HEADER);
        text
    }
}

/// Fills `bytes` with random numbers of the operating system.
pub(super) fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Error::failed(format!("the system has no random numbers: {error}")))
}

fn decode(line: &[u8]) -> Option<Key> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut key = Key([0; 32]);
    if line.len() != 64 {
        return None;
    }
    for (byte, digits) in key.0.iter_mut().zip(line.chunks(2)) {
        *byte = digit(digits[0])? << 4 | digit(digits[1])?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn place() -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        (directory, path)
    }

    fn ids(ring: &KeyRing) -> Vec<[u8; 4]> {
        ring.keys().iter().map(Key::id).collect()
    }

    fn message(result: Result<KeyRing>) -> String {
        let Err(error) = result else { panic!("accepted") };
        [&[error.message().to_owned()], error.hints()].concat().join(" | ")
    }

    #[test]
    fn a_file_has_keys_comments_and_blank_lines() {
        let (one, two) = ("0f".repeat(32), "A0".repeat(32));
        let ring = KeyRing::parse(format!("# c\n\n {one}\t\r\n{two}").as_bytes()).unwrap();
        assert_eq!(ring.keys().len(), 2);
        assert_eq!((ring.active().bytes(), ring.keys()[1].bytes()), (&[0x0f; 32], &[0xa0; 32]));
        assert_eq!(*ring.lines(), format!("{one}\n{}\n", two.to_lowercase()));
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line_only() {
        for bad in ["c0ffee", &"0g".repeat(32), &"0".repeat(65), "+f"] {
            let said = message(KeyRing::parse(format!("# c\n{bad}\n").as_bytes()));
            assert!(said.starts_with("line 2 is no key") && !said.contains(bad), "{said}");
        }
        assert!(message(KeyRing::parse(b"# none\n")).contains("no key in it"));
    }

    #[test]
    fn a_made_file_is_private_and_never_replaced() {
        let (_directory, path) = place();
        assert!(KeyRing::create(&path, None).unwrap());
        let made = std::fs::read(&path).unwrap();
        assert!(!KeyRing::create(&path, None).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), made);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(KeyRing::read(&path).unwrap().keys().len(), 1);
    }

    #[test]
    fn makers_that_race_leave_one_key() {
        let (_directory, path) = place();
        let made = std::thread::scope(|scope| {
            let racers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| KeyRing::create(&path, None).unwrap())).collect();
            racers.into_iter().map(|racer| usize::from(racer.join().unwrap())).sum::<usize>()
        });
        assert_eq!(made, 1);
    }

    #[test]
    fn a_file_open_to_others_is_refused() {
        let (_directory, path) = place();
        KeyRing::create(&path, None).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            for said in [message(KeyRing::read(&path)), message(KeyRing::add(&path))] {
                assert!(said.contains("is open to others (mode 0"), "{said}");
                assert!(said.contains("chmod 600 ") && said.contains(FILE_NAME), "{said}");
            }
        }
        assert!(
            message(KeyRing::read(&path.with_extension("none"))).contains("there is no key file")
        );
    }

    #[test]
    fn a_key_is_rotated() {
        let (directory, path) = place();
        KeyRing::create(&path, None).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let first = ids(&KeyRing::read(&link).unwrap());
        let both = ids(&KeyRing::add(&link).unwrap());
        assert_eq!(both[1..], first);
        assert_eq!(ids(&KeyRing::read(&path).unwrap()), both);
        assert!(std::fs::read_to_string(&path).unwrap().contains("# Whoever has"));
        assert_eq!(ids(&KeyRing::drop_keys(&path, &first).unwrap()), both[..1]);
        assert_eq!(ids(&KeyRing::read(&link).unwrap()), both[..1]);
        assert!(link.is_symlink());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn rotations_at_once_lose_no_key() {
        let (_directory, path) = place();
        KeyRing::create(&path, None).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| KeyRing::add(&path).map(drop).unwrap());
            }
        });
        assert_eq!(KeyRing::read(&path).unwrap().keys().len(), 7);
    }
}
