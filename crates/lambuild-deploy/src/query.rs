//! JMESPath expressions that compare what AWS answers with what is wanted.
//! Knows no command.

use crate::command::json;
use crate::word::Word;
use serde::Serialize;

/// Conditions that must all hold.
#[derive(Debug, Default)]
pub(crate) struct Conditions(Vec<Word>);

impl Conditions {
    /// `place` has this value.
    #[must_use]
    pub fn equal(self, place: &str, value: &impl Serialize) -> Self {
        self.holds(place, literal(value))
    }

    /// `place`, or `absent` where AWS leaves it out or empty, has this value.
    #[must_use]
    pub fn equal_or(self, place: &str, absent: &impl Serialize, value: &impl Serialize) -> Self {
        let place = format!("({place} || {})", literal(absent));
        self.equal(&place, value)
    }

    /// `place` is this literal.
    #[must_use]
    pub fn holds(mut self, place: &str, literal: Word) -> Self {
        self.0.push(Word::from(format!("{place} == ")).then(literal));
        self
    }

    /// All of them as one expression, one condition a line.
    pub fn all(self) -> Word {
        let mut conditions = self.0.into_iter();
        let first = conditions.next().unwrap_or_else(|| literal(&true));
        conditions.fold(first, |all, condition| all.text("\n    && ").then(condition))
    }
}

/// A literal of the language: JSON in backquotes.
pub(crate) fn literal(value: &impl Serialize) -> Word {
    format!("`{}`", json(value)).into()
}

/// A string literal in which the shell fills in variables.
pub(crate) fn string(word: &Word) -> Word {
    Word::from("`").then(quoted(word)).text("`")
}

/// A literal list of strings in which the shell fills in variables.
pub(crate) fn strings(words: &[Word]) -> Word {
    let mut list = Word::from("`[");
    for (index, word) in words.iter().enumerate() {
        list = list.text(if index == 0 { "" } else { "," }).then(quoted(word));
    }
    list.text("]`")
}

fn quoted(word: &Word) -> Word {
    let inner = word.map_texts(|text| json(&text).trim_matches('"').to_owned());
    Word::from("\"").then(inner).text("\"")
}
