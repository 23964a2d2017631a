//! What the head of a Go file says: its package, its imports, what it embeds.
//! Reads no further than it must; whether the rest compiles is the compiler's
//! to say, so broken files give what could be read.

use super::lexer::{Lexer, Token};
use super::quote::unquote;

/// The head of one Go file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The name in the package clause; empty where there is none.
    pub package: String,
    /// The imports in the order of the file, `"C"` included.
    pub imports: Vec<Import>,
    /// The patterns of all `//go:embed` lines; only files that import `embed` can have them.
    pub embeds: Vec<Import>,
}

/// An import path or an embed pattern, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The path or pattern, unquoted.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
}

impl Head {
    /// Whether the file is for cgo.
    pub fn uses_c(&self) -> bool {
        self.imports.iter().any(|import| import.path == "C")
    }
}

/// Reads the head of a Go file. Any bytes are taken; reading ends at the first thing that is no import.
pub fn scan(source: &[u8]) -> Head {
    let mut scanner = Scanner {
        lexer: Lexer::new(source),
    };
    let Some(package) = scanner.package() else {
        return Head::default();
    };
    let mut head = Head {
        package,
        ..Head::default()
    };
    while scanner.declaration(&mut head.imports).is_some() {}
    if head.imports.iter().any(|import| import.path == "embed") {
        head.embeds = embeds(source);
    }
    head
}

struct Scanner<'a> {
    lexer: Lexer<'a>,
}

impl<'a> Scanner<'a> {
    /// The next token that is neither a comment nor a semicolon.
    fn next(&mut self) -> Option<Token<'a>> {
        self.lexer
            .find(|token| !matches!(token, Token::Comment(_) | Token::Other(b';')))
    }

    /// `package NAME`
    fn package(&mut self) -> Option<String> {
        match (self.next()?, self.next()?) {
            (Token::Word(b"package"), Token::Word(name)) => Some(String::from_utf8_lossy(name).into_owned()),
            _ => None,
        }
    }

    /// `import SPEC` or `import ( SPEC… )`
    fn declaration(&mut self, imports: &mut Vec<Import>) -> Option<()> {
        if self.next()? != Token::Word(b"import") {
            return None;
        }
        match self.next()? {
            Token::Other(b'(') => loop {
                match self.next()? {
                    Token::Other(b')') => return Some(()),
                    first => imports.push(self.spec(first)?),
                }
            },
            first => {
                imports.push(self.spec(first)?);
                Some(())
            }
        }
    }

    /// `[NAME | . ] "path"`, whose first token was read already
    fn spec(&mut self, first: Token<'a>) -> Option<Import> {
        let token = match first {
            Token::Word(_) | Token::Other(b'.') => self.next()?,
            token => token,
        };
        let Token::Text(literal) = token else { return None };
        let path = unquote(std::str::from_utf8(literal).ok()?)?;
        Some(Import {
            path,
            line: self.lexer.line(),
        })
    }
}

/// The patterns of all embed lines. Malformed lines are the compiler's to report, as in Go itself.
fn embeds(source: &[u8]) -> Vec<Import> {
    let mut lexer = Lexer::new(source);
    let mut found = Vec::new();
    while let Some(token) = lexer.next() {
        let Token::Comment(comment) = token else { continue };
        let line = lexer.line();
        let patterns = std::str::from_utf8(comment)
            .ok()
            .and_then(embed_patterns)
            .unwrap_or_default();
        found.extend(patterns.into_iter().map(|path| Import { path, line }));
    }
    found
}

/// `//go:embed PATTERN…`, where a pattern may be quoted to hold spaces
fn embed_patterns(comment: &str) -> Option<Vec<String>> {
    let mut rest = comment.strip_prefix("//go:embed")?;
    let mut patterns = Vec::new();
    while rest.starts_with(char::is_whitespace) {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let (pattern, tail) = pattern(rest)?;
        patterns.push(pattern);
        rest = tail;
    }
    rest.is_empty().then_some(patterns)
}

fn pattern(text: &str) -> Option<(String, &str)> {
    let length = match text.bytes().next()? {
        b'"' | b'`' => match Lexer::new(text.as_bytes()).next()? {
            Token::Text(literal) => literal.len(),
            _ => return None,
        },
        _ => text.find(char::is_whitespace).unwrap_or(text.len()),
    };
    let (head, tail) = text.split_at_checked(length)?;
    let pattern = if head.starts_with(['"', '`']) {
        unquote(head)?
    } else {
        head.to_owned()
    };
    Some((pattern, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(imports: &[Import]) -> Vec<(&str, u32)> {
        imports
            .iter()
            .map(|import| (import.path.as_str(), import.line))
            .collect()
    }

    #[test]
    fn every_form_of_import() {
        let head = scan(
            b"\xef\xbb\xbf// Package x. import \"no\"\npackage /* a */ x; import \"fmt\"\nimport (\n\t_ `embed`\n\t. \
              \"\\x61/b\" // c\n\n\talias /* d */ \"g\"; \"h\"\n)\nimport \"C\"\nvar _ = \"import\"\nimport \"late\"\n",
        );
        assert_eq!(head.package, "x");
        let expected = [("fmt", 2), ("embed", 4), ("a/b", 5), ("g", 7), ("h", 7), ("C", 9)];
        assert_eq!(paths(&head.imports), expected);
        assert!(head.uses_c());
    }

    #[test]
    fn embed_lines_in_all_forms_and_only_as_comments() {
        let head = scan(
            b"package x\nimport _ \"embed\"\n//go:embed a.txt \"b c\" `all:d e`\nvar a string\n\
              var b = `\n//go:embed no\n` // go:embed no\n/*\n//go:embed no\n*/\n//go:embedded no\n//go:embed \"bad\n",
        );
        assert_eq!(paths(&head.embeds), [("a.txt", 3), ("b c", 3), ("all:d e", 3)]);
    }

    #[test]
    fn without_the_import_nothing_is_embedded() {
        assert_eq!(scan(b"package x\n//go:embed a\nvar a string\n").embeds, []);
    }

    #[test]
    fn broken_files_give_what_was_read() {
        assert_eq!(scan(b""), Head::default());
        assert_eq!(scan(b"pack"), Head::default());
        let head = scan(b"package x\nimport (\n\"a\"\n\"b");
        assert_eq!(paths(&head.imports), [("a", 3)]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken(tail in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            scan(&tail);
            let mut file = b"package x\nimport \"embed\"\n//go:embed a\n".to_vec();
            file.extend(tail);
            assert_eq!(scan(&file).package, "x");
        }

        #[test]
        fn likely_bytes_are_taken(text in "(package |import |\\(|\\)|\"|`|'|\\\\|/|\\*|\n|//go:embed |[a-z]){0,40}") {
            scan(text.as_bytes());
        }
    }
}
