//! Whether a file still holds what an object of git does, without asking git.

use std::io::{self, Read};

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Digits of an id by SHA-256; by SHA-1 it has forty.
const LONG_ID: usize = 64;

/// Computes the id of the object that `contents`, `size` bytes, would be. `like` is any id of the repository.
pub(crate) fn id_of(contents: &mut dyn Read, size: u64, like: &str) -> io::Result<String> {
    if like.len() == LONG_ID {
        digest(Sha256::new(), contents, size)
    } else {
        digest(Sha1::new(), contents, size)
    }
}

fn digest<D: Digest>(mut digest: D, contents: &mut dyn Read, size: u64) -> io::Result<String> {
    digest.update(format!("blob {size}\0"));
    let mut piece = vec![0; 64 * 1024];
    loop {
        match contents.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => digest.update(&piece[..read]),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    let digits = digest.finalize();
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    let bytes = digits.iter();
    Ok(bytes
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_of_is_what_git_says() {
        // From `git hash-object` in repositories of both formats.
        let table: [(&[u8], &str); 4] = [
            (b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
            (b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"),
            (
                b"",
                "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
            ),
            (
                b"hello\n",
                "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4",
            ),
        ];
        for (contents, expected) in table {
            let size = contents.len() as u64;
            let id = id_of(&mut &*contents, size, expected).expect("memory can be read");
            assert_eq!(id, expected, "the id of {contents:?}");
        }
    }
}
