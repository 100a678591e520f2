//! The lines that git reads. Pure.

use super::entry::Item;

/// A line for `git update-index -z --index-info`.
pub(crate) fn push_line(lines: &mut Vec<u8>, item: &Item, path: &[u8]) {
    let Item { mode, id } = item;
    lines.extend(format!("{mode:o} {id} 0\t").as_bytes());
    push_path(lines, path);
}

pub(crate) fn push_path(paths: &mut Vec<u8>, path: &[u8]) {
    paths.extend(path);
    paths.push(0);
}

pub(crate) fn joined(paths: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        push_path(&mut bytes, path);
    }
    bytes
}

/// A path for a command that reads one a line: in quotes, as C has them, where it would be read as something else.
pub(crate) fn quoted(path: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f);
    if path.iter().all(is_plain) {
        return path.to_vec();
    }
    let mut text = vec![b'"'];
    for byte in path {
        if is_plain(byte) {
            text.push(*byte);
        } else {
            text.extend(format!("\\{byte:03o}").as_bytes());
        }
    }
    text.push(b'"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_leaves_plain_names_and_escapes_what_ends_a_line_or_a_quote() {
        let table: [(&[u8], &[u8]); 6] = [
            (b"a b*", b"a b*"),
            (b"\xff\xc3", b"\xff\xc3"),
            (b"a\nb", b"\"a\\012b\""),
            (b"\"", b"\"\\042\""),
            (b"\\", b"\"\\134\""),
            (b"a\r", b"\"a\\015\""),
        ];
        for (path, expected) in table {
            assert_eq!(quoted(path), expected, "{}", String::from_utf8_lossy(path));
        }
    }
}
