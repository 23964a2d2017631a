//! One word of a command line: text, and variables that the shell fills in.
//! The one place that quotes. Knows no command.

use std::fmt;

/// A word; empty without pieces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Word(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

impl Word {
    /// A variable of the script or of the environment.
    pub fn variable(name: impl Into<String>) -> Self {
        Word(vec![Piece::Variable(name.into())])
    }

    /// A text in which each `${NAME}`, in capitals, stands for a variable of
    /// the environment. Everything else, a lone `$` too, is itself.
    pub fn with_placeholders(text: &str) -> Self {
        let mut word = Word::default();
        let mut rest = text;
        while let Some((before, name, after)) = split_placeholder(rest) {
            word = word.text(before).then(Word::variable(name));
            rest = after;
        }
        word.text(rest)
    }

    /// Adds text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(&text),
            _ if text.is_empty() => {}
            _ => self.0.push(Piece::Text(text)),
        }
        self
    }

    /// Adds another word without a blank.
    #[must_use]
    pub fn then(self, other: Word) -> Self {
        other.0.into_iter().fold(self, |mut word, piece| match piece {
            Piece::Text(text) => word.text(text),
            variable => {
                word.0.push(variable);
                word
            }
        })
    }

    /// The word with its texts changed and its variables kept.
    pub fn map_texts(&self, change: impl Fn(&str) -> String) -> Self {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => Piece::Text(change(text)),
            Piece::Variable(name) => Piece::Variable(name.clone()),
        });
        Word(pieces.collect())
    }

    /// The names of the variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The texts between the variables, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Variable(_) => None,
        })
    }

    /// The word as a POSIX shell must read it to get exactly this one word.
    pub fn shell(&self) -> String {
        if self.0.is_empty() {
            return quote("");
        }
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => quote(text),
            Piece::Variable(name) => format!("\"${{{name}}}\""),
        });
        pieces.collect()
    }
}

/// The library refuses one character only, NUL, which no shell can carry; the
/// schema has refused it before, with its place in the file.
fn quote(text: &str) -> String {
    let carried: String = text.chars().filter(|c| *c != '\0').collect();
    shlex::try_quote(&carried).map_or_else(|_| "''".to_owned(), |quoted| quoted.into_owned())
}

fn split_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices("${").find_map(|(start, _)| {
        let (name, after) = text[start + 2..].split_once('}')?;
        is_environment_name(name).then_some((&text[..start], name, after))
    })
}

fn is_environment_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

impl From<&str> for Word {
    fn from(text: &str) -> Self {
        Word::default().text(text)
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        Word::default().text(text)
    }
}

impl fmt::Display for Word {
    /// As it stands: variables as `${name}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Variable(name) => write!(f, "${{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    /// What a real shell makes of the words, one NUL-ended text each.
    #[expect(clippy::disallowed_methods, reason = "asks a real shell")]
    fn read_by_shell(words: &[Word], variable: &str) -> Vec<String> {
        let words: Vec<String> = words.iter().map(Word::shell).collect();
        let script = format!("printf '%s\\0' {}", words.join(" "));
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("NAME", variable)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Quoting loses and adds nothing, whatever the text.
        #[test]
        fn any_text_survives_the_shell(texts in proptest::collection::vec("[^\0]{0,12}|[ '\"$`\\\\!*~#;&|<>\n{}-]{0,9}", 1..6)) {
            let words: Vec<Word> = texts.iter().map(|text| Word::from(text.as_str())).collect();
            prop_assert_eq!(read_by_shell(&words, "unused"), texts);
        }

        /// A placeholder is filled in, and its value is not read again as code.
        #[test]
        fn placeholders_are_filled_in_safely(before in "[^\0${]{0,6}", value in "[^\0]{0,12}", after in "[^\0${]{0,6}") {
            let word = Word::with_placeholders(&format!("{before}${{NAME}}{after}"));
            prop_assert_eq!(word.variables().collect::<Vec<_>>(), ["NAME"]);
            prop_assert_eq!(read_by_shell(&[word], &value), [format!("{before}{value}{after}")]);
        }
    }

    #[test]
    fn only_names_in_capitals_are_placeholders() {
        let word = Word::with_placeholders("$5 ${a} ${A_1}${B}${");
        assert_eq!(word.variables().collect::<Vec<_>>(), ["A_1", "B"]);
        assert_eq!(word.to_string(), "$5 ${a} ${A_1}${B}${");
        assert_eq!(word.shell(), "'$5 ${a} '\"${A_1}\"\"${B}\"'${'");
    }
}
