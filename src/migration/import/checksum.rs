//! The checksums that other tools keep in their tables.

use std::hash::{Hash, Hasher};

use flate2::Crc;
use sha1::Sha1;
use sha2::{Digest, Sha384};
use siphasher::sip::SipHasher13;

use crate::sys::digest::hex;

/// sqlx: SHA-384 of the file's bytes.
pub fn sha384(bytes: &[u8]) -> String {
    hex(&Sha384::digest(bytes))
}

/// SHA-1 of `bytes`: graphile-migrate and sqitch.
pub fn sha1(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

/// Flyway: CRC-32 of the lines without their ends, as a signed number.
pub fn crc32_of_lines(text: &str) -> String {
    let mut crc = Crc::new();
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.lines().for_each(|line| crc.update(line.as_bytes()));
    crc.sum().cast_signed().to_string()
}

/// refinery: `SipHash` of the name, the version and the text. The version has 32 bits, or 64 with a
/// feature of the crate.
pub fn refinery(name: &str, version: i64, text: &str) -> Vec<String> {
    let hash = |version: &dyn Fn(&mut SipHasher13)| {
        let mut hasher = SipHasher13::new();
        name.hash(&mut hasher);
        version(&mut hasher);
        text.hash(&mut hasher);
        hasher.finish().to_string()
    };
    let long = hash(&|hasher| version.hash(hasher));
    let short = i32::try_from(version).ok().map(|version| hash(&|hasher| version.hash(hasher)));
    short.into_iter().chain([long]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_do_not_count_for_flyway() {
        // CRC-32 of "123456789" is known
        assert_eq!(crc32_of_lines("12345\r\n6789\n"), 0xcbf4_3926_u32.cast_signed().to_string());
        assert_eq!(crc32_of_lines("12345\r\n6789\n"), crc32_of_lines("12345\n6789"));
    }

    #[test]
    fn refinery_itself_writes_this_hash() {
        let hashes = refinery("initial", 1, "CREATE TABLE a (id int[], n int);\n");
        assert_eq!(hashes[0], "17815812526549940177");
        assert_eq!(hashes.len(), 2, "a version of 64 bits has another");
    }

    #[test]
    fn sha_1_is_the_known_one() {
        assert_eq!(sha1(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
