//! Compares two versions of a file: where they differ first, what stands there, and what that is likely
//! to come from. Looks into archives and gzip streams. Pure.

use super::elf;
use super::evidence::{Cause, Known, settle};
use lambuild_package::archive::{self, Item, Limits};
use std::collections::BTreeSet;
use std::ops::Range;

/// What is different between two versions of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What was looked into on the way: names in archives, outermost first.
    pub inside: Vec<String>,
    /// Where the first differing byte is, in the innermost file.
    pub offset: usize,
    /// What stands there in the first version, for people.
    pub first: String,
    /// And in the second.
    pub second: String,
    /// The likely causes of all differences that were looked at.
    pub causes: BTreeSet<Cause>,
}

/// So many differences of a file are looked at, and so much of it.
const LOOKS: usize = 64;
const LARGEST: usize = 256 << 20;
/// Archives in archives are looked into so deep.
const DEEPEST: usize = 4;
/// The most that is shown of a place.
const SHOWN: usize = 100;
/// Printable bytes count as text when there are so many of them in a row.
const TEXT: usize = 4;

/// Compares two versions; `None` where they are equal.
pub fn compare(first: &[u8], second: &[u8], known: &Known) -> Option<Difference> {
    within(first, second, known, 0)
}

fn within(first: &[u8], second: &[u8], known: &Known, depth: usize) -> Option<Difference> {
    if first == second {
        return None;
    }
    if depth < DEEPEST
        && let Some(made) =
            in_gzip(first, second, known, depth).or_else(|| in_archive(first, second, known, depth))
    {
        return Some(made);
    }
    Some(plain(first, second, known))
}

/// Two gzip streams: their headers, else what is in them.
fn in_gzip(first: &[u8], second: &[u8], known: &Known, depth: usize) -> Option<Difference> {
    let is_gzip = |bytes: &[u8]| bytes.starts_with(b"\x1f\x8b");
    if !is_gzip(first) || !is_gzip(second) {
        return None;
    }
    // Ten bytes, of which four are the time.
    let (one, two) = (first.get(..10)?, second.get(..10)?);
    if one.get(4..8) != two.get(4..8) {
        return Some(plain(one, two, known));
    }
    let limits = Limits::default();
    let inner = |bytes| archive::gunzip(bytes, &limits).ok();
    entered(
        within(&inner(first)?, &inner(second)?, known, depth + 1)?,
        "(gzip)",
    )
}

fn entered(mut made: Difference, name: &str) -> Option<Difference> {
    made.inside.insert(0, name.to_owned());
    Some(made)
}

/// Two zips or tars: the order of their entries, else what is in them.
fn in_archive(first: &[u8], second: &[u8], known: &Known, depth: usize) -> Option<Difference> {
    let (one, two) = (entries(first)?, entries(second)?);
    if one.len() > 1 && one != two && sorted(&one) == sorted(&two) {
        let at = one.iter().zip(&two).position(|(one, two)| one != two)?;
        let name =
            |entries: &[(String, Item)]| entries.get(at).map(|(name, _)| format!("entry {at}: {name}"));
        return Some(Difference {
            inside: Vec::new(),
            offset: common(first, second),
            first: name(&one)?,
            second: name(&two)?,
            causes: [Cause::Order].into(),
        });
    }
    let differs = |((one, a), (two, b)): &(&(String, Item), &(String, Item))| one == two && a != b;
    let ((name, one), (_, two)) = one.iter().zip(&two).find(differs)?;
    match (one, two) {
        (Item::File { content: one, .. }, Item::File { content: two, .. }) => {
            entered(within(one, two, known, depth + 1)?, name)
        }
        _ => None,
    }
}

fn entries(bytes: &[u8]) -> Option<Vec<(String, Item)>> {
    let mut all = Vec::new();
    let mut take = |path: &lambuild_digest::RelPath, item| -> Result<(), ()> {
        all.push((path.as_str().to_owned(), item));
        Ok(())
    };
    archive::form(bytes).ok()?;
    archive::read(bytes, &Limits::default(), &mut take).ok()?;
    Some(all)
}

fn sorted(entries: &[(String, Item)]) -> Vec<(&str, String)> {
    let mut all: Vec<(&str, String)> = entries
        .iter()
        .map(|(name, item)| (&**name, format!("{item:?}")))
        .collect();
    all.sort();
    all
}

/// As text, else as bytes.
fn plain(first: &[u8], second: &[u8], known: &Known) -> Difference {
    let offset = common(first, second);
    let (one, two) = (head(first), head(second));
    if let (Ok(one), Ok(two)) = (std::str::from_utf8(one), std::str::from_utf8(two))
        && !one.contains('\0')
    {
        return text(one, two, offset, known);
    }
    binary(one, two, offset, known)
}

fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..LARGEST).unwrap_or(bytes)
}

fn common(first: &[u8], second: &[u8]) -> usize {
    first
        .iter()
        .zip(second)
        .take_while(|(one, two)| one == two)
        .count()
}

fn text(first: &str, second: &str, offset: usize, known: &Known) -> Difference {
    let (one, two): (Vec<&str>, Vec<&str>) = (first.lines().collect(), second.lines().collect());
    let at = one.iter().zip(&two).take_while(|(one, two)| one == two).count();
    let line = |lines: &[&str]| {
        lines
            .get(at)
            .map_or_else(|| "(nothing)".to_owned(), |line| shown(line))
    };
    let causes = if reordered(&one, &two) || reordered(&pieces(first), &pieces(second)) {
        [Cause::Order].into()
    } else {
        of_lines(&one, &two, known)
    };
    Difference {
        inside: Vec::new(),
        offset,
        first: line(&one),
        second: line(&two),
        causes,
    }
}

fn pieces(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || c == ',').collect()
}

fn reordered(one: &[&str], two: &[&str]) -> bool {
    let sorted = |lines: &[&str]| {
        let mut all = lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        all.sort_unstable();
        all
    };
    one.len() > 1 && one.len() == two.len() && one != two && sorted(one) == sorted(two)
}

fn of_lines(one: &[&str], two: &[&str], known: &Known) -> BTreeSet<Cause> {
    let mut causes = BTreeSet::new();
    if one.len() == two.len() {
        let pairs = one.iter().zip(two).filter(|(one, two)| one != two);
        for (one, two) in pairs.take(LOOKS) {
            causes.extend(known.of_text(one, two));
        }
    } else {
        let before = one.iter().zip(two).take_while(|(one, two)| one == two).count();
        let rest = |lines: &[&str]| lines.get(before..).unwrap_or_default().join("\n");
        causes = known.of_text(&rest(one), &rest(two));
    }
    settle(causes)
}

fn binary(first: &[u8], second: &[u8], offset: usize, known: &Known) -> Difference {
    let mut causes = BTreeSet::new();
    if first.len() == second.len() {
        let ids = elf::build_ids(first);
        for range in ranges(first, second) {
            let in_id = |id: &Range<usize>| id.start <= range.start && range.end <= id.end;
            if ids.iter().any(in_id) {
                causes.insert(Cause::BuildId);
            } else {
                causes.extend(of_range(first, second, range, known));
            }
        }
    } else {
        let (one, two) = (printable(first, offset), printable(second, offset));
        causes.extend(known.of_text(&lossy(first, &one), &lossy(second, &two)));
    }
    // Checksums follow from what they are of.
    if causes.len() > 1 {
        causes.remove(&Cause::Random);
    }
    let (one, two) = (place(first, offset), place(second, offset));
    Difference {
        inside: Vec::new(),
        offset,
        first: one,
        second: two,
        causes: settle(causes),
    }
}

fn of_range(first: &[u8], second: &[u8], range: Range<usize>, known: &Known) -> BTreeSet<Cause> {
    let (one, two) = (printable(first, range.start), printable(second, range.start));
    // One of them may end before the difference does, where a field is filled up with zeros.
    if one.len() >= TEXT && two.len() >= TEXT {
        known.of_text(&lossy(first, &one), &lossy(second, &two))
    } else {
        known.of_bytes(first, second, range)
    }
}

/// Where two versions of equal length differ, a few equal bytes between two differences taken as part of one.
fn ranges(first: &[u8], second: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let differing = first
        .iter()
        .zip(second)
        .enumerate()
        .filter(|(_, (one, two))| one != two);
    for (at, _) in differing {
        let enough = found.len() == LOOKS;
        match found.last_mut() {
            Some(last) if joined(first.get(last.end..at)) => last.end = at + 1,
            _ if enough => break,
            _ => found.push(at..at + 1),
        }
    }
    found
}

/// Whether what stands between two differences belongs to both: little, and no end of a text.
fn joined(between: Option<&[u8]>) -> bool {
    between.is_some_and(|bytes| bytes.len() < 4 && !bytes.contains(&0))
}

/// The printable bytes around a place.
fn printable(bytes: &[u8], at: usize) -> Range<usize> {
    let at = at.min(bytes.len());
    let is_text = |byte: &&u8| matches!(**byte, b' '..=b'~' | b'\t');
    let before = bytes[..at]
        .iter()
        .rev()
        .take(4 * SHOWN)
        .take_while(is_text)
        .count();
    let behind = bytes[at..].iter().take(4 * SHOWN).take_while(is_text).count();
    at - before..at + behind
}

fn lossy(bytes: &[u8], range: &Range<usize>) -> String {
    String::from_utf8_lossy(bytes.get(range.clone()).unwrap_or_default()).into_owned()
}

/// What stands at a place: text in quotes, else bytes in hexadecimal digits.
fn place(bytes: &[u8], at: usize) -> String {
    let run = printable(bytes, at);
    if run.len() >= TEXT {
        return shown(&lossy(bytes, &run));
    }
    let some: Vec<String> = bytes
        .get(at..)
        .unwrap_or_default()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    match some.is_empty() {
        true => "(nothing)".to_owned(),
        false => format!("bytes {}", some.join(" ")),
    }
}

/// A text in quotes, shortened and with what a terminal would obey made visible.
fn shown(text: &str) -> String {
    let mut part: String = text.chars().take(SHOWN).collect();
    if part.len() < text.len() {
        part.push('…');
    }
    format!("{part:?}")
}
