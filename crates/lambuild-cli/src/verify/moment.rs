//! Finds times in a text or in four bytes. Reads them as they stand, whatever zone they were meant in.

use std::ops::Range;

/// A time that a text tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Where it stands, in bytes.
    pub at: Range<usize>,
    /// Seconds since 1970, or since midnight where there is no date.
    pub seconds: i64,
    /// Whether a date is part of it.
    pub dated: bool,
    /// To how many seconds it is exact.
    pub grain: i64,
}

const DAY: i64 = 86_400;
/// What counts as a time when it is a plain number: from 2001 to 2096.
const SECONDS: Range<i64> = 1_000_000_000..4_000_000_000;

/// All times in a text, from left to right.
pub fn find(text: &str) -> Vec<Moment> {
    let words = words(text);
    let mut found = Vec::new();
    let mut next = 0;
    while next < words.len() {
        match spelled(&words, next).or_else(|| written(&words, next)) {
            Some((moment, used)) => {
                found.push(moment);
                next += used;
            }
            None => {
                found.extend(words.get(next).into_iter().flat_map(digits));
                next += 1;
            }
        }
    }
    found
}

/// The numbers in a word that are times, such as in `log-1795649473.txt`.
fn digits<'a>(word: &Word<'a>) -> impl Iterator<Item = Moment> + use<'a> {
    let (at, text) = (word.at, word.text);
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(move |digits| {
            let (seconds, grain) = number(digits)?;
            let start = at + (digits.as_ptr() as usize - text.as_ptr() as usize);
            Some(Moment {
                at: start..start + digits.len(),
                seconds,
                dated: true,
                grain,
            })
        })
}

/// The readings of four bytes, each in its place: seconds in either byte order, DOS time and date.
pub fn binary(bytes: [u8; 4]) -> [Option<i64>; 3] {
    let seconds = |number: u32| Some(i64::from(number)).filter(|seconds| SECONDS.contains(seconds));
    [
        seconds(u32::from_le_bytes(bytes)),
        seconds(u32::from_be_bytes(bytes)),
        dos(bytes),
    ]
}

fn dos([a, b, c, d]: [u8; 4]) -> Option<i64> {
    let (time, date) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    let day = day(
        1980 + i64::from(date >> 9),
        i64::from(date >> 5 & 15),
        i64::from(date & 31),
    )?;
    let (hour, minute, second) = (time >> 11, time >> 5 & 63, (time & 31) * 2);
    (hour < 24 && minute < 60 && second < 60)
        .then(|| day * DAY + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
}

struct Word<'a> {
    at: usize,
    text: &'a str,
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

fn words(text: &str) -> Vec<Word<'_>> {
    let part = |c: char| !(c.is_alphanumeric() || ":-/+.".contains(c));
    text.split(part)
        .filter(|word| !word.is_empty())
        .map(|word| Word {
            at: word.as_ptr() as usize - text.as_ptr() as usize,
            text: word.trim_end_matches(['.', ':', '-', '/']),
        })
        .filter(|word| !word.text.is_empty())
        .collect()
}

/// A date in digits, with a time in the same or the next word; a time alone; a plain number.
fn written(words: &[Word<'_>], here: usize) -> Option<(Moment, usize)> {
    let word = words.get(here)?;
    let moment = |end: usize, seconds, dated, grain| Moment {
        at: word.at..end,
        seconds,
        dated,
        grain,
    };
    if let Some((seconds, grain)) = number(word.text) {
        return Some((moment(word.end(), seconds, true, grain), 1));
    }
    if let Some((time, grain)) = clock(word.text) {
        return Some((moment(word.end(), time, false, grain), 1));
    }
    let (date, rest) = word.text.split_once('T').unwrap_or((word.text, ""));
    let day = dashed(date)? * DAY;
    if let Some((time, grain)) = clock(rest) {
        return Some((moment(word.end(), day + time, true, grain), 1));
    }
    let next = words.get(here + 1).filter(|_| rest.is_empty());
    match next.and_then(|next| Some((next, clock(next.text)?))) {
        Some((next, (time, grain))) => Some((moment(next.end(), day + time, true, grain), 2)),
        None => Some((moment(word.end(), day, true, DAY), 1)),
    }
}

/// `Wed Nov 25 23:31:13 UTC 2026`, `25 Nov 2026 23:31`, `Nov 25 2026`: a month by name with what is around it.
fn spelled(words: &[Word<'_>], here: usize) -> Option<(Moment, usize)> {
    let near = words.get(here..)?.iter().take(7).enumerate();
    let month_at = near
        .clone()
        .take(3)
        .find_map(|(at, word)| Some((at, month(word.text)?)));
    let (month_at, month) = month_at?;
    // What stands before the month is a weekday or a day.
    let before = words.get(here..here + month_at)?;
    if !before
        .iter()
        .all(|word| is_weekday(word.text) || small(word.text).is_some())
    {
        return None;
    }
    let (mut day_of_month, mut year, mut time, mut used) = (None, None, None, month_at + 1);
    for (at, word) in near {
        if let Some(number) = small(word.text).filter(|_| day_of_month.is_none()) {
            day_of_month = Some(number);
        } else if let Some(clock) = clock(word.text).filter(|_| time.is_none()) {
            time = Some(clock);
        } else if let Some(number) = a_year(word.text).filter(|_| year.is_none()) {
            year = Some(number);
        } else if at > month_at && !is_zone(word.text) {
            break;
        } else {
            continue;
        }
        used = used.max(at + 1);
    }
    let days = day(year?, month, day_of_month?)?;
    let (seconds, grain) = time.unwrap_or((0, DAY));
    let end = words.get(here + used - 1)?.end();
    let moment = Moment {
        at: words.get(here)?.at..end,
        seconds: days * DAY + seconds,
        dated: true,
        grain,
    };
    Some((moment, used))
}

/// Seconds, or thousandths and so on of them; digits of a date; tar's octal digits.
fn number(text: &str) -> Option<(i64, i64)> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    if whole.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let seconds = |number: i64| SECONDS.contains(&number).then_some((number, 1));
    let digits = |from: usize, to: usize| whole.get(from..to)?.parse::<i64>().ok();
    match whole.len() {
        10 => seconds(number),
        11 if whole.starts_with('1') => seconds(i64::from_str_radix(whole, 8).ok()?),
        13 => seconds(number / 1000),
        16 => seconds(number / 1_000_000),
        19 => seconds(number / 1_000_000_000),
        8 => Some((day(digits(0, 4)?, digits(4, 6)?, digits(6, 8)?)? * DAY, DAY)),
        14 => {
            let day = day(digits(0, 4)?, digits(4, 6)?, digits(6, 8)?)?;
            let time = digits(8, 10)? * 3600 + digits(10, 12)? * 60 + digits(12, 14)?;
            Some((day * DAY + time, 1))
        }
        _ => None,
    }
}

/// `2026-11-25` or `2026/11/25`, in days since 1970.
fn dashed(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    match parts[..] {
        [year, month, of_month] if year.len() == 4 => {
            day(year.parse().ok()?, month.parse().ok()?, of_month.parse().ok()?)
        }
        _ => None,
    }
}

/// `23:31` or `23:31:13.5Z`, in seconds since midnight, and to how many seconds that is exact. What
/// stands behind, such as a zone, is passed over.
fn clock(text: &str) -> Option<(i64, i64)> {
    let text = text.split(['Z', '+', '-', '.']).next()?;
    let mut parts = text.split(':');
    let mut two = |below: i64| -> Option<i64> {
        let part = parts.next().filter(|part| part.len() == 2)?;
        part.parse().ok().filter(|number| (0..below).contains(number))
    };
    let (hour, minute) = (two(24)?, two(60)?);
    match two(61) {
        Some(second) => Some((hour * 3600 + minute * 60 + second, 1)),
        None => Some((hour * 3600 + minute * 60, 60)),
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// 1 to 12.
fn month(text: &str) -> Option<i64> {
    let name = text.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == name)?;
    let letters = text.chars().all(char::is_alphabetic);
    (letters && text.len() <= 9).then_some(at as i64 + 1)
}

fn is_weekday(text: &str) -> bool {
    let name = text.get(..3).map(str::to_ascii_lowercase);
    name.is_some_and(|name| WEEKDAYS.contains(&&*name)) && text.len() <= 9
}

fn is_zone(text: &str) -> bool {
    text.len() <= 6
        && text
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || "+-:".contains(c))
}

fn small(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    ((1..=31).contains(&number) && text.len() <= 2).then_some(number)
}

fn a_year(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    ((1970..2970).contains(&number) && text.len() == 4).then_some(number)
}

/// Days since 1970 of a date of the common calendar; `None` for what is none.
fn day(year: i64, month: i64, of_month: i64) -> Option<i64> {
    if !(1970..2970).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&of_month) {
        return None;
    }
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years: i64 = (1970..year).map(|year| 365 + i64::from(leap(year))).sum();
    let length = |month: i64| match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let months: i64 = (1..month).map(length).sum();
    (of_month <= length(month)).then_some(years + months + of_month - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Vec<(i64, bool)> {
        find(text)
            .into_iter()
            .map(|moment| (moment.seconds, moment.dated))
            .collect()
    }

    /// 2026-11-25 23:31:13 UTC.
    const THEN: i64 = 1_795_649_473;

    #[test]
    fn times_are_found_in_every_usual_form() {
        for text in [
            "Wed Nov 25 23:31:13 UTC 2026",
            "built on Wed Nov 25 23:31:13 2026.",
            "Wed, 25 Nov 2026 23:31:13 +0000",
            "2026-11-25T23:31:13Z",
            "at 2026-11-25 23:31:13.123 +0545",
            "2026/11/25 23:31:13",
            "20261125233113",
            "t=1795649473;",
            "1795649473.5",
            "log-1795649473.txt",
            "1795649473000",
            "1795649473000000000",
            "ustar 15301667701",
        ] {
            assert_eq!(seconds(text), [(THEN, true)], "{text}");
        }
        let day = THEN - THEN % DAY;
        for text in ["2026-11-25", "Nov 25 2026", "20261125", "25 November 2026"] {
            assert_eq!(seconds(text), [(day, true)], "{text}");
        }
        assert_eq!(seconds("at 23:31 sharp"), [(84_660, false)]);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "1234",
            "v1.2.3",
            "2026-13-01",
            "sep",
            "99:99",
            "may be 3 of 12345678901234567890",
        ] {
            assert_eq!(seconds(text), [], "{text}");
        }
    }

    #[test]
    fn four_bytes_are_read_in_every_form() {
        let number = THEN as u32;
        assert_eq!(binary(number.to_le_bytes())[0], Some(THEN));
        assert_eq!(binary(number.to_be_bytes())[1], Some(THEN));
        let (time, date) = (23u16 << 11 | 31 << 5 | 6, 46u16 << 9 | 11 << 5 | 25);
        let ([a, b], [c, d]) = (time.to_le_bytes(), date.to_le_bytes());
        assert_eq!(binary([a, b, c, d])[2], Some(THEN - 1));
    }
}
