//! The text of `lambda.lock`: one pinned thing a line, sorted, so that Git merges two
//! branches' additions. Decides the format and what is wrong with a file; does not know
//! what is pinned, nor how a pin is found.
//!
//! ```text
//! # Written by `lambuild lock`. Commit it.
//! lambda.lock 1
//! toolchain go/1.26.8/linux-amd64 h1=h1:… origin=goproxy:golang.org/toolchain@v0.0.1-…
//! ```

use crate::codes;
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use lambuild_lang::source::{FileId, Span};
use std::collections::BTreeMap;
use std::collections::btree_map;

/// Its name, at the root of the workspace.
pub const FILE: &str = "lambda.lock";

/// The format's version. One that reads a higher number refuses the file; new kinds and keys
/// need no new number, since those that are not known are kept.
pub const VERSION: u32 = 1;

/// The most bytes that a lock may have: a thousand toolchains need a fifth of it.
pub const LARGEST: u64 = 1 << 20;

const FIRST: &str = "# Written by `lambuild lock`. Commit it.";
const WORD: &str = "lambda.lock";

/// What is pinned of one thing: keys and values, neither with a blank.
pub type Pinned = BTreeMap<String, String>;

/// Everything that a `lambda.lock` pins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    entries: BTreeMap<(String, String), Pinned>,
}

impl Lock {
    /// Reads a lock. An empty file is an empty lock.
    ///
    /// # Errors
    /// Every line that is wrong, at its place in `file`.
    pub fn parse(text: &str, file: FileId) -> Result<Lock, Vec<Diagnostic>> {
        let mut reading = Reading {
            file,
            lock: Lock::default(),
            places: BTreeMap::new(),
            versioned: false,
            wrong: Vec::new(),
        };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            reading.line(line.trim_end_matches(['\n', '\r']), start);
            if reading.is_hopeless() {
                break;
            }
            start += line.len();
        }
        match reading.wrong.is_empty() {
            true => Ok(reading.lock),
            false => Err(reading.wrong),
        }
    }

    /// The lock as text: the one canonical form.
    pub fn text(&self) -> String {
        let mut text = format!("{FIRST}\n{WORD} {VERSION}\n");
        for ((kind, name), pinned) in &self.entries {
            text.push_str(&format!("{kind} {name}"));
            for (key, value) in pinned {
                text.push_str(&format!(" {key}={value}"));
            }
            text.push('\n');
        }
        text
    }

    /// What is pinned of a thing.
    pub fn get(&self, kind: &str, name: &str) -> Option<&Pinned> {
        self.entries.get(&(kind.to_owned(), name.to_owned()))
    }

    /// Pins a thing, in place of what was pinned of it before.
    ///
    /// # Errors
    /// Where a word cannot stand in a lock: it is empty, or holds a blank or a control character.
    pub fn put(&mut self, kind: &str, name: &str, pinned: Pinned) -> Result<(), String> {
        if let Some(bad) = pinned.keys().find(|key| key.contains('=')) {
            return Err(format!("{bad:?} cannot be a key of {FILE}"));
        }
        let keys = pinned.keys().map(String::as_str);
        if let Some(bad) = [kind, name].into_iter().chain(keys).find(|word| {
            !is_word(word) || word.starts_with('#') || CONFLICT.iter().any(|m| word.starts_with(m))
        }) {
            return Err(format!("{bad:?} cannot be a word of {FILE}"));
        }
        if let Some(bad) = pinned.values().find(|value| !is_word(value)) {
            return Err(format!("{bad:?} cannot be a value of {FILE}"));
        }
        self.entries.insert((kind.to_owned(), name.to_owned()), pinned);
        Ok(())
    }

    /// Forgets things for which `keep` (by kind and name) is false.
    pub fn retain(&mut self, keep: impl Fn(&str, &str) -> bool) {
        self.entries.retain(|(kind, name), _| keep(kind, name));
    }

    /// Everything, sorted by kind and name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str, &Pinned)> {
        self.entries
            .iter()
            .map(|((kind, name), pinned)| (kind.as_str(), name.as_str(), pinned))
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A lock as far as it was read.
struct Reading {
    file: FileId,
    lock: Lock,
    /// Where each thing is pinned.
    places: BTreeMap<(String, String), Span>,
    versioned: bool,
    wrong: Vec<Diagnostic>,
}

impl Reading {
    /// Without a version that is known, nothing that follows can be judged.
    fn is_hopeless(&self) -> bool {
        !self.versioned && !self.wrong.is_empty()
    }

    fn span(&self, start: usize, length: usize) -> Span {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span::new(self.file, short(start), short(start + length))
    }

    fn fail(&mut self, message: String, span: Span, label: &str, help: &str) {
        let made = Diagnostic::error(codes::LOCK, message, span, label).exit(Exit::Lock);
        self.wrong.push(made.help(help));
    }

    fn line(&mut self, line: &str, start: usize) {
        if line.trim().is_empty() || line.starts_with('#') {
            return;
        }
        let span = self.span(start, line.len());
        if CONFLICT.iter().any(|mark| line.starts_with(mark)) {
            let message = format!("{FILE} has a merge conflict");
            self.fail(
                message,
                span,
                "left by a merge",
                "take the lines of both sides, or either side's, and run `lambuild lock`",
            );
        } else if self.versioned {
            self.entry(line, start, span);
        } else {
            self.version(line, span);
        }
    }

    fn version(&mut self, line: &str, span: Span) {
        let number = line.strip_prefix(WORD).map(str::trim).map(str::parse::<u32>);
        match number {
            Some(Ok(VERSION)) => self.versioned = true,
            Some(Ok(later)) if later > VERSION => self.fail(
                format!("{FILE} has the format {later}, and this lambuild knows formats up to {VERSION}"),
                span,
                "a later format",
                "use the version of lambuild that wrote it, or a newer one",
            ),
            _ => self.fail(
                format!("{FILE} does not begin with its version"),
                span,
                &format!("`{WORD} {VERSION}` is expected"),
                "remove the file and run `lambuild lock`",
            ),
        }
    }

    fn entry(&mut self, line: &str, start: usize, span: Span) {
        let mut words = line.split(' ').scan(start, |at, word| {
            let here = *at;
            *at += word.len() + 1;
            Some((word, here))
        });
        let (Some((kind, _)), Some((name, _))) = (words.next(), words.next()) else {
            return self.malformed("a line is a kind, a name and then `key=value` pairs", span);
        };
        if !is_word(kind) || !is_word(name) {
            return self.malformed("words are separated by one blank", span);
        }
        let mut pinned = Pinned::new();
        for (word, at) in words {
            let here = self.span(at, word.len());
            match word.split_once('=') {
                Some((key, value)) if is_word(key) && is_word(value) => match pinned.entry(key.to_owned()) {
                    btree_map::Entry::Vacant(free) => drop(free.insert(value.to_owned())),
                    btree_map::Entry::Occupied(_) => {
                        self.malformed(&format!("`{key}` stands twice in one line"), here);
                    }
                },
                _ => self.malformed("this is no `key=value`", here),
            }
        }
        self.add(kind, name, pinned, span);
    }

    fn malformed(&mut self, what: &str, span: Span) {
        let message = format!("a line of {FILE} cannot be read: {what}");
        self.fail(message, span, "here", "remove the line and run `lambuild lock`");
    }

    fn add(&mut self, kind: &str, name: &str, pinned: Pinned, span: Span) {
        let key = (kind.to_owned(), name.to_owned());
        match self.lock.entries.get(&key) {
            // What two branches pinned alike is no conflict.
            Some(known) if *known == pinned => {}
            Some(_) => {
                let first = self.places.get(&key).copied().unwrap_or(span);
                let message = format!("{FILE} pins `{kind} {name}` twice, and differently");
                let made = Diagnostic::error(codes::LOCK, message, span, "pinned again").exit(Exit::Lock);
                self.wrong.push(
                    made.label(first, "pinned first")
                        .help("remove both lines and run `lambuild lock`"),
                );
            }
            None => {
                self.places.insert(key.clone(), span);
                self.lock.entries.insert(key, pinned);
            }
        }
    }
}

/// What Git leaves in a file that it could not merge.
const CONFLICT: [&str; 3] = ["<<<<<<<", "=======", ">>>>>>>"];

#[cfg(test)]
mod tests {
    use super::*;
    use lambuild_digest::RelPath;
    use lambuild_lang::render;
    use lambuild_lang::source::SourceMap;
    use proptest::prelude::*;

    const FILE_ID: FileId = FileId(0);

    fn said(text: &str) -> String {
        let mut sources = SourceMap::default();
        let file = sources.add(RelPath::new(FILE).unwrap(), text.into());
        let wrong = Lock::parse(text, file).unwrap_err();
        assert!(wrong.iter().all(|made| made.exit == Exit::Lock));
        let shown: Vec<String> = wrong.iter().map(|made| render(made, &sources, false)).collect();
        shown.join("\n")
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let text = "# Written by `lambuild lock`. Commit it.\nlambda.lock 1\nlayer arn:x:1 sha256=abc\n\
                    toolchain go/1.26.8/linux-amd64 h1=h1:a= later=1\nzip format=2\n";
        let lock = Lock::parse(text, FILE_ID).unwrap();
        assert_eq!(lock.text(), text);
        assert_eq!(lock.get("layer", "arn:x:1").unwrap()["sha256"], "abc");
    }

    #[test]
    fn branches_that_added_lines_merge_in_any_order() {
        let one = Lock::parse("lambda.lock 1\nb x k=1\na y k=2\nb x k=1\n", FILE_ID).unwrap();
        let other = Lock::parse("\n# c\nlambda.lock 1\r\na y k=2\r\nb x k=1", FILE_ID).unwrap();
        assert_eq!(one, other);
        assert_eq!(Lock::parse("", FILE_ID), Ok(Lock::default()));
    }

    #[test]
    fn every_wrong_line_is_told() {
        insta::assert_snapshot!(said("lambda.lock 1\nalone\ntoolchain go/1 h1\ntoolchain  go/1 h1=x\na b k=1 k=2\na b k=3\n"), @r#"
        error[E1021]: a line of lambda.lock cannot be read: a line is a kind, a name and then `key=value` pairs
         --> lambda.lock:2:1
          |
        2 | alone
          | ^^^^^ here
          |
          = help: remove the line and run `lambuild lock`
        error[E1021]: a line of lambda.lock cannot be read: this is no `key=value`
         --> lambda.lock:3:16
          |
        3 | toolchain go/1 h1
          |                ^^ here
          |
          = help: remove the line and run `lambuild lock`
        error[E1021]: a line of lambda.lock cannot be read: words are separated by one blank
         --> lambda.lock:4:1
          |
        4 | toolchain  go/1 h1=x
          | ^^^^^^^^^^^^^^^^^^^^ here
          |
          = help: remove the line and run `lambuild lock`
        error[E1021]: a line of lambda.lock cannot be read: `k` stands twice in one line
         --> lambda.lock:5:9
          |
        5 | a b k=1 k=2
          |         ^^^ here
          |
          = help: remove the line and run `lambuild lock`
        error[E1021]: lambda.lock pins `a b` twice, and differently
         --> lambda.lock:6:1
          |
        5 | a b k=1 k=2
          | ----------- pinned first
        6 | a b k=3
          | ^^^^^^^ pinned again
          |
          = help: remove both lines and run `lambuild lock`
        "#);
        insta::assert_snapshot!(said("lambda.lock 1\n<<<<<<< ours\na b k=1\n"), @r#"
        error[E1021]: lambda.lock has a merge conflict
         --> lambda.lock:2:1
          |
        2 | <<<<<<< ours
          | ^^^^^^^^^^^^ left by a merge
          |
          = help: take the lines of both sides, or either side's, and run `lambuild lock`
        "#);
    }

    #[test]
    fn a_later_format_and_no_format_end_it() {
        insta::assert_snapshot!(said("lambda.lock 2\nanything goes here\n"), @r#"
        error[E1021]: lambda.lock has the format 2, and this lambuild knows formats up to 1
         --> lambda.lock:1:1
          |
        1 | lambda.lock 2
          | ^^^^^^^^^^^^^ a later format
          |
          = help: use the version of lambuild that wrote it, or a newer one
        "#);
        insta::assert_snapshot!(said("toolchain go/1 h1=x\n"), @r#"
        error[E1021]: lambda.lock does not begin with its version
         --> lambda.lock:1:1
          |
        1 | toolchain go/1 h1=x
          | ^^^^^^^^^^^^^^^^^^^ `lambda.lock 1` is expected
          |
          = help: remove the file and run `lambuild lock`
        "#);
    }

    #[test]
    fn words_with_blanks_are_refused() {
        let mut lock = Lock::default();
        let pinned = |key: &str, value: &str| Pinned::from([(key.to_owned(), value.to_owned())]);
        assert!(lock.put("a b", "n", Pinned::new()).is_err());
        assert!(lock.put("#a", "n", Pinned::new()).is_err());
        assert!(lock.put("a", "", Pinned::new()).is_err());
        assert!(lock.put("a", "n", pinned("k", "v\n")).is_err());
        assert!(
            lock.put("a", "n", pinned("k=", "v")).is_err(),
            "`k==v` would be read as another pair"
        );
        assert_eq!(lock, Lock::default());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(entries in prop::collection::btree_map(
            ("[a-z][a-z-]{0,6}", "[!-~]{1,12}"),
            prop::collection::btree_map("[a-z0-9.]{1,6}", "[!-~]{1,20}", 0..4),
            0..6,
        )) {
            let mut lock = Lock::default();
            for ((kind, name), pinned) in entries {
                prop_assume!(!name.starts_with('#'));
                lock.put(&kind, &name, pinned).unwrap();
            }
            prop_assert_eq!(Lock::parse(&lock.text(), FILE_ID).unwrap(), lock);
        }

        #[test]
        fn nothing_that_is_written_makes_it_panic(text in "(lambda.lock 1\n)?[ -~\n\u{e9}=]{0,80}") {
            let _ = Lock::parse(&text, FILE_ID);
        }
    }
}
