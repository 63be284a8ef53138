//! SHA-256 digests and hexadecimal digits.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::sys::error::{IoContext, Result};

/// The bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Reads hexadecimal digits of either case. `None` if there is another character or an odd number of
/// digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// The digest of `bytes`, as hexadecimal digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// The digest of a regular file, as hexadecimal digits.
pub fn sha256_of_file(file: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    let mut input = crate::sys::process::open_regular(file).on("read", file)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match input.read(&mut buffer).on("read", file)? {
            0 => return Ok(hex(&digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_for_the_bytes() {
        let all: Vec<u8> = (0..=255).collect();
        let expected: String = all.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex(&all), expected);
        assert_eq!(unhex(&expected), Some(all.clone()));
        assert_eq!(unhex(&expected.to_uppercase()), Some(all));
        for bad in ["0", "000", "0g", "+f", "é"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("large");
        let bytes = vec![b'x'; 100_000];
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(sha256_of_file(&file).unwrap(), sha256(&bytes));
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), known);
        assert!(sha256_of_file(directory.path()).is_err());
    }
}
