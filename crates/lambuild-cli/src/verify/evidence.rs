//! What a difference is likely to come from, by what stands in the differing bytes. The second build
//! had surroundings with distinctive names, so whoever leaks one of them is recognised by it.

use super::moment::{self, Moment};
use lambuild_sandbox::Conditions;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ops::Range;

/// Where a difference comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The folder of the build.
    Path,
    /// The time of the build.
    Time,
    /// The time zone.
    TimeZone,
    /// The locale.
    Locale,
    /// The user's or group's name or number.
    User,
    /// The host's name.
    Host,
    /// Mode bits, such as those that the umask leaves.
    Mode,
    /// How many processors there are.
    Jobs,
    /// The number of a process.
    Process,
    /// The same things in another order.
    Order,
    /// A linker's build id, and nothing else.
    BuildId,
    /// What version control says of the source.
    VcsStamp,
    /// Random numbers.
    Random,
    /// None of these.
    Unknown,
}

impl Cause {
    /// What the output depends on, as the end of "it depends on …".
    pub fn words(self) -> &'static str {
        match self {
            Cause::Path => "the folder in which it is built",
            Cause::Time => "the time of the build",
            Cause::TimeZone => "the time zone",
            Cause::Locale => "the locale",
            Cause::User => "the user who builds",
            Cause::Host => "the host's name",
            Cause::Mode => "the umask",
            Cause::Jobs => "the number of processors",
            Cause::Process => "the number of a process",
            Cause::Order => "the order in which things are found or done",
            Cause::BuildId => "a build id",
            Cause::VcsStamp => "a stamp of version control",
            Cause::Random => "random numbers",
            Cause::Unknown => "something that its bytes do not tell",
        }
    }

    /// What to do about it.
    pub fn help(self) -> &'static str {
        match self {
            Cause::Path => {
                "use relative paths, or map the folder away (-trimpath, -ffile-prefix-map, --remap-path-prefix)"
            }
            Cause::Time => {
                "take the time from $SOURCE_DATE_EPOCH (`date -u -d \"@$SOURCE_DATE_EPOCH\"`), or leave it out (`gzip -n`)"
            }
            Cause::TimeZone => "write times in UTC: `date -u`, `TZ=UTC program`",
            Cause::Locale => "set the locale for the program that reads it: `LC_ALL=C sort`",
            Cause::User => {
                "leave the user out of what is written (`tar --owner=0 --group=0 --numeric-owner`)"
            }
            Cause::Host => "leave the host's name out of what is written",
            Cause::Mode => "set modes explicitly (`chmod`, `tar --mode=…`, `install -m`)",
            Cause::Jobs => {
                "give the program a fixed number of jobs, or one whose output does not depend on it"
            }
            Cause::Process => "name temporary files by `mktemp` and leave their names out of what is written",
            Cause::Order => {
                "sort what is listed (`find … | sort`), and join parallel results in a fixed order"
            }
            Cause::BuildId => "tell the linker to leave it out (`-Wl,--build-id=none`, `-ldflags=-buildid=`)",
            Cause::VcsStamp => "leave it out (`-buildvcs=false`), or hand the version in as an input",
            Cause::Random => "give the generator a fixed seed, or derive the value from the inputs",
            Cause::Unknown => "`--keep DIR` writes both versions: compare them with diffoscope",
        }
    }
}

/// What is known of the two builds.
#[derive(Debug, Clone)]
pub struct Known {
    /// What only the second build may have written, and the cause that it gives away.
    markers: Vec<(Cause, String)>,
    /// Whole words of the first build with the second's in their place.
    swaps: Vec<(Cause, String, String)>,
    /// How the path of a folder begins in which either was built, where there is no sandbox.
    folders: Vec<String>,
    /// When the second build ran, in seconds since 1970.
    pub second: Range<i64>,
    /// By how much its clock on the wall was ahead.
    shift: i64,
    process: Option<u32>,
}

/// The zone of [`Conditions::changed`]: `NPT-5:45` is ahead of UTC.
const SHIFT: i64 = (5 * 60 + 45) * 60;
/// So many short words differ in random bytes that were written as text.
const MANY: usize = 4;
/// So many processes of an action may be told by their number.
const PROCESSES: u32 = 1000;

impl Known {
    /// Of a build under the usual conditions and one under `other` ones, at `second`, on a machine with so
    /// many processors; `store` is below what actions without a sandbox see.
    pub fn new(other: &Conditions, second: Range<i64>, processors: usize, store: &str) -> Self {
        let usual = Conditions::default();
        let marker = |cause, text: &str| (cause, text.to_owned());
        let swap = |cause, first: &str, second: &str| (cause, first.to_owned(), second.to_owned());
        let mut swaps = vec![
            swap(Cause::TimeZone, "UTC", "NPT"),
            swap(Cause::Locale, "C", "C.UTF-8"),
        ];
        for (first, second) in [(usual.ids.uid, other.ids.uid), (usual.ids.gid, other.ids.gid)] {
            // As tar writes it.
            swaps.push((Cause::User, format!("{first:07o}"), format!("{second:07o}")));
        }
        for (first, second) in modes(usual.umask, other.umask) {
            swaps.push((Cause::Mode, first, second));
        }
        if processors > 1 {
            swaps.push((Cause::Jobs, processors.to_string(), (processors / 2).to_string()));
        }
        Known {
            markers: vec![
                marker(Cause::Path, &other.root),
                marker(Cause::Path, &other.caches),
                marker(Cause::Host, &other.hostname),
                marker(Cause::User, &other.user),
                marker(Cause::User, &other.ids.uid.to_string()),
                marker(Cause::User, &other.ids.gid.to_string()),
                marker(Cause::TimeZone, "NPT"),
                marker(Cause::TimeZone, "+0545"),
                marker(Cause::TimeZone, "+05:45"),
                marker(Cause::Locale, "C.UTF-8"),
            ],
            swaps,
            folders: vec![store.to_owned()],
            second,
            shift: SHIFT,
            process: other.first_process,
        }
    }

    /// The causes of a difference between two texts, such as a line in two versions.
    pub fn of_text(&self, first: &str, second: &str) -> BTreeSet<Cause> {
        if let Some(cause) = stamp(first, second) {
            return [cause].into();
        }
        let (mut causes, first, second) = self.without_times(first, second);
        let (one, two) = (words(&first), words(&second));
        if one.len() != two.len() {
            causes.extend(self.of_word(&first, &second));
            return settle(causes);
        }
        let differing: Vec<_> = one.iter().zip(&two).filter(|(one, two)| one != two).collect();
        for (one, two) in &differing {
            causes.extend(self.of_word(one, two));
        }
        if differing.len() >= MANY && causes == [Cause::Unknown].into() {
            return [Cause::Random].into();
        }
        settle(causes)
    }

    /// The causes of a difference between a few bytes that are no text: times in binary form, or
    /// random. `at` is where the first differs; both have equal lengths.
    pub fn of_bytes(&self, first: &[u8], second: &[u8], at: Range<usize>) -> BTreeSet<Cause> {
        let close = at.len() <= 8;
        let starts = at.start.saturating_sub(3)..=at.start;
        for start in starts.filter(|_| close) {
            let (Some(one), Some(two)) = (four(first, start), four(second, start)) else {
                continue;
            };
            for (one, two) in moment::binary(one).into_iter().zip(moment::binary(two)) {
                let (Some(one), Some(two)) = (one, two) else {
                    continue;
                };
                if one <= two && self.causes_of_times(one, two, 2).is_some() {
                    return [Cause::Time].into();
                }
            }
        }
        let cause = if at.len() >= 4 {
            Cause::Random
        } else {
            Cause::Unknown
        };
        [cause].into()
    }

    /// Takes out what both texts say of times; what those give away.
    fn without_times(&self, first: &str, second: &str) -> (BTreeSet<Cause>, String, String) {
        let mut causes = BTreeSet::new();
        let (one, two) = (moment::find(first), moment::find(second));
        if one.len() != two.len() {
            return (causes, first.to_owned(), second.to_owned());
        }
        let (mut first, mut second) = (first.to_owned(), second.to_owned());
        for (one, two) in one.into_iter().zip(two).rev() {
            if let Some(found) = self.of_times(&one, &two) {
                causes.extend(found);
                first.replace_range(one.at, " ");
                second.replace_range(two.at, " ");
            }
        }
        (causes, first, second)
    }

    fn of_times(&self, one: &Moment, two: &Moment) -> Option<BTreeSet<Cause>> {
        if one.seconds == two.seconds {
            return None;
        }
        if !one.dated || !two.dated {
            let ahead = (two.seconds - one.seconds).rem_euclid(86_400);
            let cause = if ahead == self.shift {
                Cause::TimeZone
            } else {
                Cause::Time
            };
            return Some([cause].into());
        }
        self.causes_of_times(one.seconds, two.seconds, two.grain)
    }

    /// `grain`: to how many seconds a time is exact.
    fn causes_of_times(&self, one: i64, two: i64, grain: i64) -> Option<BTreeSet<Cause>> {
        let during =
            |seconds: i64| seconds + grain >= self.second.start && seconds <= self.second.end + grain;
        if two - one == self.shift {
            Some([Cause::TimeZone].into())
        } else if during(two) {
            Some([Cause::Time].into())
        } else if during(two - self.shift) {
            Some([Cause::Time, Cause::TimeZone].into())
        } else {
            None
        }
    }

    fn of_word(&self, first: &str, second: &str) -> BTreeSet<Cause> {
        let mut causes = BTreeSet::new();
        for (cause, marker) in &self.markers {
            if second.contains(&**marker) && !first.contains(&**marker) {
                causes.insert(*cause);
            }
        }
        for (cause, one, two) in &self.swaps {
            if holds(first, one) && holds(second, two) && !holds(second, one) {
                causes.insert(*cause);
            }
        }
        let beneath = |folder: &String| first.contains(&**folder) && second.contains(&**folder);
        if self.folders.iter().any(beneath) {
            causes.insert(Cause::Path);
        }
        if causes.is_empty() {
            causes.insert(self.of_strange_word(first, second));
        }
        causes
    }

    fn of_strange_word(&self, first: &str, second: &str) -> Cause {
        if self.process.is_some_and(|from| is_process(first, second, from)) {
            return Cause::Process;
        }
        if first.is_ascii() != second.is_ascii() {
            // One of them was written by somebody who knows letters, the other by somebody who does not.
            return Cause::Locale;
        }
        let digits = |text: &str| text.chars().filter(char::is_ascii_hexdigit).count();
        if digits(first) >= 3 && digits(second) >= 3 || first.len() == second.len() && first.len() >= 6 {
            return Cause::Random;
        }
        Cause::Unknown
    }
}

/// Without what says nothing beside what says something.
pub fn settle(mut causes: BTreeSet<Cause>) -> BTreeSet<Cause> {
    for weak in [Cause::Unknown, Cause::BuildId] {
        if causes.len() > 1 {
            causes.remove(&weak);
        }
    }
    causes
}

/// What Go's linker writes into a program.
fn stamp(first: &str, second: &str) -> Option<Cause> {
    let both = |word: &str| first.contains(word) && second.contains(word);
    if both("vcs.revision") || both("vcs.time") || both("vcs.modified") {
        return Some(Cause::VcsStamp);
    }
    both("Go build ID:").then_some(Cause::BuildId)
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || "\"'=,;()<>[]{}|@".contains(c))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether a text holds a word that is not part of a longer one, or a number likewise: `-j2` holds 2.
fn holds(text: &str, word: &str) -> bool {
    let is_number = word.chars().all(|c| c.is_ascii_digit());
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let behind = text.get(at + word.len()..).and_then(|text| text.chars().next());
        let joins = |c: char| c.is_ascii_digit() || !is_number && (c.is_alphanumeric() || c == '_');
        !before.is_some_and(joins) && !behind.is_some_and(|c| joins(c) || c == '.')
    })
}

fn is_process(first: &str, second: &str, from: u32) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        text.split(|c: char| !c.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok())
            .collect()
    };
    let (one, two) = (numbers(first), numbers(second));
    let pairs = || one.iter().zip(&two).filter(|(one, two)| one != two);
    let ours = |(one, two): (&u32, &u32)| *one < from && (from..from + PROCESSES).contains(two);
    one.len() == two.len() && pairs().next().is_some() && pairs().all(ours)
}

/// The ways in which modes are written, under one umask and the other.
fn modes(first: u32, second: u32) -> Vec<(String, String)> {
    let mut pairs = vec![
        (format!("{first:o}"), format!("{second:o}")),
        (format!("{first:03o}"), format!("{second:03o}")),
        (format!("{first:04o}"), format!("{second:04o}")),
    ];
    for all in [0o666, 0o777] {
        let (one, two) = (all & !first, all & !second);
        for (kind, digits) in [("", "100"), ("d", "40"), ("-", "100")] {
            pairs.push((
                format!("{kind}{}", letters(one)),
                format!("{kind}{}", letters(two)),
            ));
            pairs.push((format!("{digits}{one:o}"), format!("{digits}{two:o}")));
        }
        pairs.push((format!("{one:o}"), format!("{two:o}")));
        pairs.push((format!("0{one:o}"), format!("0{two:o}")));
        // As tar writes it.
        pairs.push((format!("{one:07o}"), format!("{two:07o}")));
    }
    pairs
}

fn letters(mode: u32) -> String {
    (0..9)
        .rev()
        .map(|bit| match mode >> bit & 1 {
            1 => ["x", "w", "r"][bit % 3],
            _ => "-",
        })
        .collect()
}

fn four(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..at + 4)?.try_into().ok()
}
