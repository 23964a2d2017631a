//! The text of a JSON, YAML or TOML file as plain data. The only module that knows
//! their parsers; which files are read, and what the data is for, is decided elsewhere.
//!
//! Each parser has limits of its own for depth (64 to 128) and for YAML's aliases, so that
//! a file cannot bring down what reads it; what its values take is counted while they are read. Numbers are exact as everywhere in the language: one that the parser has rounded is refused.

use crate::decimal::Decimal;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use toml::de::{DeTable, DeValue};

/// Digits of a decimal that survive the way through a binary number (`DBL_DIG` of IEEE 754).
const EXACT_DIGITS: usize = 15;

/// Bytes that a value takes beside its text: while it is read, and as a value of the language.
const VALUE_BYTES: usize = 256;

/// Characters of TOML of which one stands before each value.
const BEFORE_VALUES: [char; 4] = ['=', ',', '[', '{'];

/// The memory that a file's data may still take, and takes ever more of.
pub(crate) struct Room(Cell<usize>);

impl Room {
    /// So many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Room(Cell::new(bytes))
    }

    /// What was left in the end; 0 when it was too little.
    pub(crate) fn left(&self) -> usize {
        self.0.get()
    }

    /// Takes what a value of that much text needs.
    fn take(&self, text: usize) -> Result<(), String> {
        self.0
            .set(self.left().saturating_sub(VALUE_BYTES.saturating_add(text)));
        match self.left() {
            0 => Err("it holds too much".to_owned()),
            _ => Ok(()),
        }
    }
}

/// What a file holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(String),
    List(Vec<Tree>),
    /// In the order of writing, each key once.
    Set(Vec<(String, Tree)>),
}

/// Reads JSON.
///
/// # Errors
/// What is wrong and where, in words.
pub(crate) fn json(text: &str, room: &Room) -> Result<Tree, String> {
    let mut from = serde_json::Deserializer::from_str(text);
    let tree = Reader { room }.deserialize(&mut from);
    let tree = tree.and_then(|tree| from.end().map(|()| tree));
    tree.map_err(|error| error.to_string())
}

/// Reads one YAML document, with the scalars of YAML 1.2: `yes` and `no` are texts.
///
/// # Errors
/// What is wrong and where, in words.
pub(crate) fn yaml(text: &str, room: &Room) -> Result<Tree, String> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let read = |from: serde_saphyr::Deserializer<'_, '_>| Reader { room }.deserialize(from);
    serde_saphyr::with_deserializer_from_str_with_options(text, options, read)
        .map_err(|error| error.render_with_formatter(&serde_saphyr::UserMessageFormatter))
}

/// Reads TOML; dates and times become texts.
///
/// # Errors
/// What is wrong and where, in words.
pub(crate) fn toml(text: &str, room: &Room) -> Result<Tree, String> {
    // This parser reads all before it gives a part, so what it may find is paid for before.
    text.matches(BEFORE_VALUES).try_for_each(|_| room.take(0))?;
    room.take(text.len())?;
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("{} at line {line}", error.message())
    })?;
    of_table(table.into_inner())
}

fn of_table(table: DeTable<'_>) -> Result<Tree, String> {
    let entry = |(key, value): (toml::Spanned<_>, toml::Spanned<DeValue<'_>>)| {
        let key: std::borrow::Cow<'_, str> = key.into_inner();
        Ok((key.into_owned(), of_value(value.into_inner())?))
    };
    let entries: Result<Vec<_>, String> = table.into_iter().map(entry).collect();
    entries.map(Tree::Set)
}

/// Recurses no deeper than the parser did.
fn of_value(value: DeValue<'_>) -> Result<Tree, String> {
    Ok(match value {
        DeValue::String(text) => Tree::Text(text.into_owned()),
        DeValue::Boolean(value) => Tree::Bool(value),
        DeValue::Datetime(time) => Tree::Text(time.to_string()),
        DeValue::Integer(number) => {
            let read = i64::from_str_radix(number.as_str(), number.radix());
            Tree::Number(read.map_err(|_| inexact(&number))?.into())
        }
        DeValue::Float(number) => {
            let text = number.as_str();
            let read = match text.contains(['e', 'E']) {
                true => text.parse().ok().and_then(rounded),
                false => Decimal::parse(text.trim_start_matches('+')),
            };
            Tree::Number(read.ok_or_else(|| inexact(text))?)
        }
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| of_value(item.into_inner()));
            Tree::List(items.collect::<Result<_, String>>()?)
        }
        DeValue::Table(table) => of_table(table)?,
    })
}

/// The decimal that was written where a parser gives a binary number; `None` when that cannot be told.
fn rounded(number: f64) -> Option<Decimal> {
    let text = number.to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.trim_matches('0').len() > EXACT_DIGITS {
        return None;
    }
    match text.contains('.') {
        true => Decimal::parse(&text),
        false => text.parse().ok().map(|number: i64| number.into()),
    }
}

fn inexact(number: impl fmt::Display) -> String {
    format!("the number {number} cannot be kept exactly; write it as a text")
}

/// Reads a value, and pays for it.
#[derive(Clone, Copy)]
struct Reader<'r> {
    room: &'r Room,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        self.room.take(0).map_err(D::Error::custom)?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        let fits = i64::try_from(number).map_err(|_| E::custom(inexact(number)))?;
        Ok(Tree::Number(fits.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        let exact = rounded(number).ok_or_else(|| E::custom(inexact(number)))?;
        Ok(Tree::Number(exact))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        self.room.take(text.len()).map_err(E::custom)?;
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Tree, E> {
        self.room.take(text.len()).map_err(E::custom)?;
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut entries = indexmap::IndexMap::new();
        while let Some(key) = from.next_key::<String>()? {
            self.room.take(key.len()).map_err(A::Error::custom)?;
            let value = from.next_value_seed(self)?;
            if entries.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} stands twice")));
            }
            entries.insert(key, value);
        }
        Ok(Tree::Set(entries.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tree: &Tree) -> String {
        match tree {
            Tree::Null => "null".to_owned(),
            Tree::Bool(value) => value.to_string(),
            Tree::Number(number) => number.to_string(),
            Tree::Text(text) => format!("{text:?}"),
            Tree::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
            Tree::Set(entries) => {
                let entry = |(key, value): &(String, Tree)| format!("{key}={}", shown(value));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
            }
        }
    }

    fn json(text: &str) -> Result<Tree, String> {
        super::json(text, &Room::new(1 << 20))
    }

    fn yaml(text: &str) -> Result<Tree, String> {
        super::yaml(text, &Room::new(1 << 20))
    }

    fn toml(text: &str) -> Result<Tree, String> {
        super::toml(text, &Room::new(1 << 20))
    }

    fn read(tree: Result<Tree, String>) -> String {
        tree.map_or_else(|why| why, |tree| shown(&tree))
    }

    #[test]
    fn the_same_data_reads_the_same() {
        let same = "{z=1 a={b=[true null \"x\"] c=0.1 d=1000}}";
        assert_eq!(
            read(json(
                "{\"z\": 1, \"a\": {\"b\": [true, null, \"x\"], \"c\": 0.10, \"d\": 1e3}}"
            )),
            same
        );
        assert_eq!(
            read(yaml("z: 1\na:\n  b: [true, ~, x]\n  c: 0.10\n  d: 1e3\n")),
            same
        );
        assert_eq!(
            read(toml("z = 1\n[a]\nb = [true, \"x\"]\nc = 0.10\nd = 1e3\n")),
            same.replace("null ", "")
        );
    }

    #[test]
    fn yaml_has_no_surprises() {
        assert_eq!(
            read(yaml("[no, on, 012, 0o7, 12:30, 2024-01-01, .5, 'x']")),
            "[\"no\" \"on\" 12 7 \"12:30\" \"2024-01-01\" 0.5 \"x\"]"
        );
        assert_eq!(
            read(yaml("a: &x {p: 1}\nb: *x\n12: y\n")),
            "{a={p=1} b={p=1} 12=\"y\"}"
        );
        assert_eq!(read(yaml("")), "null");
    }

    #[test]
    fn toml_keeps_dates_as_text_and_decimals_as_written() {
        assert_eq!(
            read(toml(
                "d = 1979-05-27T07:32:00Z\nn = +0.123456789012345678\nh = 0xff\n"
            )),
            "{d=\"1979-05-27T07:32:00Z\" n=0.123456789012345678 h=255}"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        insta::assert_snapshot!([
            read(json("{\"a\": 1,\n \"a\": 2}")),
            read(json("[1, 2")),
            read(json("[12345678901234567890]")),
            read(json("[0.12345678901234567]")),
            read(yaml("a: 1\na: 2\n")),
            read(yaml("a: [1\nb: 2\n")),
            read(yaml("a: .nan")),
            read(yaml("a: 1\n---\nb: 2\n")),
            read(toml("a = 1\na = 2\n")),
            read(toml("a = inf\n")),
            read(toml("a = \n")),
        ].join("\n"), @r#"
        the key "a" stands twice at line 2 column 8
        EOF while parsing a list at line 1 column 5
        the number 12345678901234567890 cannot be kept exactly; write it as a text at line 1 column 21
        the number 0.12345678901234568 cannot be kept exactly; write it as a text at line 1 column 20
        duplicate mapping key `a` is not allowed here at line 2, column 1
        illegal placement of ':' indicator at line 2, column 2
        value `.nan` is not a finite number at line 1, column 4
        only single YAML document expected but multiple found at line 3, column 1
        duplicate key at line 2
        the number inf cannot be kept exactly; write it as a text
        string values must be quoted, expected literal string at line 1
        "#);
    }

    #[test]
    fn what_a_file_holds_is_paid_for_by_its_values() {
        let took = |read: fn(&str, &Room) -> Result<Tree, String>, text: &str| {
            let room = Room::new(1 << 20);
            read(text, &room).unwrap();
            (1 << 20) - room.left()
        };
        assert_eq!(
            took(super::json, "[1, 2, {\"a\": \"bc\"}]"),
            5 * VALUE_BYTES + 2 * VALUE_BYTES + 3
        );
        let once = took(super::yaml, "a: &a [1, 2, 3]\nb: 4\n");
        let again = took(super::yaml, "a: &a [1, 2, 3]\nb: *a\n");
        assert_eq!(
            again - once,
            3 * VALUE_BYTES,
            "an alias is paid for by what it stands for"
        );
        assert!(took(super::toml, "a = [1, 2]\n[b]\nc = 3\n") >= 5 * VALUE_BYTES);
        for read in [super::json, super::yaml] {
            let room = Room::new(10 * VALUE_BYTES);
            assert!(read(&format!("[{}1]", "1,".repeat(20)), &room).is_err());
            assert_eq!(room.left(), 0);
        }
        let room = Room::new(10 * VALUE_BYTES);
        assert!(super::toml(&format!("a = [{}1]", "1,".repeat(20)), &room).is_err());
        assert_eq!(room.left(), 0);
    }

    #[test]
    fn deep_and_multiplying_data_ends_in_an_error() {
        let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
        assert!(json(&deep("[", "]")).is_err());
        assert!(yaml(&deep("[", "]")).is_err());
        assert!(
            yaml(
                &(0..2000)
                    .map(|at| format!("{}- \n", " ".repeat(at)))
                    .collect::<String>()
            )
            .is_err()
        );
        assert!(toml(&format!("a = {}", deep("[", "]"))).is_err());
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..10 {
            let item = format!("*a{}, ", at - 1).repeat(9);
            bomb.push_str(&format!("a{at}: &a{at} [{item}]\n"));
        }
        assert!(yaml(&bomb).is_err());
    }
}
