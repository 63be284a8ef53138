//! Seals values with AES-256-GCM, each for one name.
//!
//! ```text
//! 0x01 | key id (4 bytes) | nonce (12) | cipher text | tag (16)
//! ```
//!
//! The tag authenticates the value and its name (`hectic.secret.v1:NAME` is the additional data).
//! So a sealed value that somebody changed, or moved to another name, does not open. If the key is
//! missing, the key id lets the error name it. Nonces are random; with 96 bits, a key is good for
//! 2^32 values. `sql/bundle/20-secret.sql` makes and reads the same bytes, and one set of test
//! vectors tests both (`tests/fixture/gcm`).

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Tag};
use zeroize::Zeroizing;

use super::Secret;
use super::key::{Key, KeyRing};
use crate::sys::digest::hex;
use crate::sys::error::{Error, Result};

/// The version of the format, in its first byte.
const VERSION: u8 = 1;
/// The position of the nonce, after version and key id.
const NONCE: usize = 5;
/// The position of the cipher text.
const CIPHER_TEXT: usize = NONCE + 12;
/// The length of the tag, which comes last.
const TAG: usize = 16;
/// The largest value, in bytes.
const MAX_VALUE: usize = 65_536;

impl KeyRing {
    /// Seals `value` for `name` with the first key. Two seals of the same value are different
    /// bytes.
    pub fn seal(&self, name: &str, value: &Secret) -> Result<Vec<u8>> {
        let mut nonce = [0; 12];
        super::key::random(&mut nonce)?;
        seal_with(self.active(), name, value, nonce)
    }

    /// Seals `value`. If `before` is the same value, sealed with the first key, returns `before`
    /// unchanged.
    pub fn reseal(&self, name: &str, value: &Secret, before: Option<&[u8]>) -> Result<Vec<u8>> {
        let is_same = |sealed: &&[u8]| {
            sealed.get(1..NONCE) == Some(&self.active().id()[..])
                && self.open(name, sealed).is_ok_and(|opened| opened == *value)
        };
        before.filter(is_same).map_or_else(|| self.seal(name, value), |same| Ok(same.to_vec()))
    }

    /// Opens a value that was sealed for `name` with any of the keys.
    ///
    /// # Errors
    /// No message contains a part of the value, and of a key only its id.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret> {
        if sealed.len() < CIPHER_TEXT + TAG || sealed[0] != VERSION {
            return Err(Error::failed(format!(
                "secret \"{name}\" has a format that this tool does not know"
            )));
        }
        let id = &sealed[1..NONCE];
        let mut keys = self.keys().iter().filter(|key| key.id() == id).peekable();
        if keys.peek().is_none() {
            return Err(unknown_key(name, id));
        }
        let plain = keys.find_map(|key| open_with(key, name, sealed)).ok_or_else(|| {
            Error::failed(format!(
                "secret \"{name}\" does not open: its sealed value was changed, or belongs to another name"
            ))
            .hint("load the secrets again")
        })?;
        match std::str::from_utf8(&plain) {
            Ok(text) => Ok(Secret::new(text)),
            Err(_) => Err(Error::failed(format!("secret \"{name}\" is not UTF-8"))),
        }
    }
}

fn unknown_key(name: &str, id: &[u8]) -> Error {
    let id = hex(id);
    Error::failed(format!(
        "secret \"{name}\" is sealed with key {id}, which the key file does not hold"
    ))
    .hint("add that key as a further line of the key file, or load the secrets again")
}

fn seal_with(key: &Key, name: &str, value: &Secret, nonce: [u8; 12]) -> Result<Vec<u8>> {
    let plain = value.expose().as_bytes();
    if plain.len() > MAX_VALUE {
        return Err(Error::failed(format!(
            "the value of secret \"{name}\" is larger than {MAX_VALUE} bytes"
        )));
    }
    let mut sealed = Vec::with_capacity(CIPHER_TEXT + plain.len() + TAG);
    sealed.push(VERSION);
    sealed.extend(key.id());
    sealed.extend(nonce);
    sealed.extend(plain);
    let tag = cipher(key)
        .encrypt_inout_detached(&nonce.into(), &data(name), (&mut sealed[CIPHER_TEXT..]).into())
        .map_err(|_| Error::unexpected("a value of this size cannot be sealed"))?;
    sealed.extend(tag);
    Ok(sealed)
}

/// The value. `None` if the tag is wrong. The caller has checked the format.
fn open_with(key: &Key, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (head, tag) = sealed.split_at(sealed.len() - TAG);
    let nonce = head[NONCE..CIPHER_TEXT].try_into().ok()?;
    let tag: &Tag = tag.try_into().ok()?;
    let mut text = Zeroizing::new(head[CIPHER_TEXT..].to_vec());
    cipher(key).decrypt_inout_detached(nonce, &data(name), text.as_mut_slice().into(), tag).ok()?;
    Some(text)
}

fn cipher(key: &Key) -> Aes256Gcm {
    Aes256Gcm::new(key.bytes().into())
}

/// The additional data, which the tag authenticates with the value.
fn data(name: &str) -> Vec<u8> {
    [b"hectic.secret.v1:", name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        crate::sys::digest::unhex(hex).unwrap()
    }

    fn ring(digit: &str) -> KeyRing {
        KeyRing::parse(digit.repeat(64).as_bytes()).unwrap()
    }

    /// The lines of a table of test vectors.
    fn figures(text: &str) -> impl Iterator<Item = Vec<&str>> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split('|').map(str::trim).collect())
    }

    #[test]
    fn nist_agrees() {
        let mut failing = 0;
        for case in figures(include_str!("../../tests/fixture/gcm/cavs.txt")) {
            let [key, nonce, data, plain, sealed] = case[..].try_into().unwrap();
            let (nonce, sealed) = (bytes(nonce), bytes(sealed));
            let cipher = Aes256Gcm::new_from_slice(&bytes(key)).unwrap();
            let nonce = nonce.as_slice().try_into().unwrap();
            let (text, tag) = sealed.split_at(sealed.len() - TAG);
            let tag: &Tag = tag.try_into().unwrap();
            let mut opened = text.to_vec();
            let result = cipher
                .decrypt_inout_detached(nonce, &bytes(data), opened.as_mut_slice().into(), tag)
                .ok();
            if plain == "FAIL" {
                assert_eq!(result, None, "{case:?}");
                failing += 1;
                continue;
            }
            assert!(result.is_some() && opened == bytes(plain), "{case:?}");
            let made = cipher
                .encrypt_inout_detached(nonce, &bytes(data), opened.as_mut_slice().into())
                .unwrap();
            assert_eq!((opened.as_slice(), &made), (text, tag), "{case:?}");
        }
        assert!(failing >= 10, "{failing} cases to refuse");
    }

    #[test]
    fn the_database_makes_the_same_bytes() {
        use sha2::{Digest, Sha256};
        for case in figures(include_str!("../../tests/fixture/gcm/sealed.txt")) {
            let [key, name, nonce, size, digest] = case[..].try_into().unwrap();
            let ring = KeyRing::parse(key.as_bytes()).unwrap();
            let pattern = b"abcdefghijklmnopqrstuvwxy".iter().cycle();
            let value: Vec<u8> = pattern.take(size.parse().unwrap()).copied().collect();
            let value = Secret::new(String::from_utf8(value).unwrap());
            let nonce = bytes(nonce).try_into().unwrap();
            let sealed = seal_with(ring.active(), name, &value, nonce).unwrap();
            assert_eq!(Sha256::digest(&sealed)[..], bytes(digest), "{size} bytes");
            assert_eq!(ring.open(name, &sealed).unwrap(), value, "{size} bytes");
        }
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let ring = ring("a");
        let sealed = ring.seal("A", &Secret::new("thirteen byte")).unwrap();
        assert_eq!(sealed.len(), 33 + 13);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x10;
            assert!(ring.open("A", &changed).is_err(), "byte {at}");
        }
        for short in 0..sealed.len() {
            assert!(ring.open("A", &sealed[..short]).is_err(), "{short} bytes");
        }
        assert!(ring.open("A", &[&sealed[..], &[0]].concat()).is_err(), "a byte too many");
    }

    #[test]
    fn a_value_opens_under_its_name_and_key_only() {
        let (one, other) = (ring("a"), ring("b"));
        let value = Secret::new("s3cr3t");
        let sealed = one.seal("A", &value).unwrap();
        let message = |result: Result<Secret>| result.unwrap_err().message().to_owned();
        assert!(message(one.open("B", &sealed)).contains("belongs to another name"));
        assert!(message(other.open("A", &sealed)).contains("is sealed with key "));
        let version = [&[2], &sealed[1..]].concat();
        assert!(message(one.open("A", &version)).contains("a format that this tool"));

        let both = [other.lines(), one.lines()].map(|lines| lines.to_string()).concat();
        assert_eq!(KeyRing::parse(both.as_bytes()).unwrap().open("A", &sealed).unwrap(), value);
    }

    #[test]
    fn sealing_never_repeats_and_is_limited() {
        let ring = ring("c");
        let seal = |size: usize| ring.seal("A", &Secret::new("x".repeat(size)));
        assert_ne!(seal(1).unwrap(), seal(1).unwrap());
        assert_eq!(seal(65_536).unwrap().len(), 65_569);
        assert!(seal(65_537).unwrap_err().message().contains("larger than 65536"));
        let binary = seal_raw(&ring, &[0xff, 0xfe]);
        let refused = ring.open("A", &binary).unwrap_err();
        assert_eq!(refused.message(), "secret \"A\" is not UTF-8");
    }

    /// Seals bytes that need not be text.
    fn seal_raw(ring: &KeyRing, plain: &[u8]) -> Vec<u8> {
        let key = ring.active();
        let mut sealed = [&[VERSION], &key.id()[..], &[7; 12], plain].concat();
        let nonce = [7; 12].into();
        let text = (&mut sealed[CIPHER_TEXT..]).into();
        let tag = cipher(key).encrypt_inout_detached(&nonce, &data("A"), text).unwrap();
        sealed.extend(tag);
        sealed
    }
}
