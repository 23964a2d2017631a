//! `file:` addresses ↔ paths. Knows no files.

use std::path::{Path, PathBuf};

/// The path of a `file:` address; `None` for any other, and for one on another machine.
pub fn path(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let text = decoded(rest)?;
    text.starts_with('/').then(|| PathBuf::from(text))
}

/// The address of an absolute path.
pub fn uri(path: &Path) -> String {
    let mut uri = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// The text with every `%41` replaced by what it stands for.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_the_way_there_and_back() {
        for text in ["/a/b", "/with space/é/100%/#?", "/"] {
            assert_eq!(path(&uri(Path::new(text))).as_deref(), Some(Path::new(text)));
        }
        assert_eq!(uri(Path::new("/a b")), "file:///a%20b");
        assert_eq!(path("file:///a%20b%C3%A9"), Some(PathBuf::from("/a bé")));
    }

    #[test]
    fn what_is_no_file_of_this_machine_has_no_path() {
        for uri in [
            "untitled:1",
            "file://other/x",
            "file:///%4",
            "file:///%ff",
            "http://x/y",
        ] {
            assert_eq!(path(uri), None, "{uri}");
        }
    }
}
