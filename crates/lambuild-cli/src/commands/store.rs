//! `lambuild store`: what the store holds, making it smaller, checking it.

use crate::args::{Common, Gc, StoreCommand, StoreVerify};
use crate::environment::Environment;
use crate::exit;
use crate::talk::{Talk, count};
use crate::workspace::store_folder;
use lambuild_action::StoreError;
use lambuild_digest::{Digest, DigestFunction};
use lambuild_store::collect::{Collected, Policy, Step, collect};
use lambuild_store::statistics::{Statistics, statistics};
use lambuild_store::verify::{Check, Found, verify};
use serde_json::json;
use std::path::Path;
use std::sync::Mutex;

const BLAKE3: DigestFunction = DigestFunction::Blake3;
/// What nothing needs stays so many seconds, unless everything is to go.
const GRACE: i64 = 3600;

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(
    command: &StoreCommand,
    common: &Common,
    environment: &Environment,
    talk: &Talk,
) -> Result<(), u8> {
    let failed = |message: String| {
        talk.error(&message);
        exit::FAILED
    };
    let root = store_folder(common, environment).map_err(failed)?;
    let told = |error: StoreError| failed(error.to_string());
    if !root.join("FORMAT").is_file() {
        return Err(failed(format!("there is no store in {}", root.display())));
    }
    match command {
        StoreCommand::Stat => {
            let found = statistics(&root, BLAKE3).map_err(told)?;
            show_statistics(&root, &found, talk);
            Ok(())
        }
        StoreCommand::Gc(options) => {
            let done = gc(&root, options, talk).map_err(told)?;
            show_collected(&done, talk);
            Ok(())
        }
        StoreCommand::Verify(options) => {
            let found = check(&root, options, talk).map_err(told)?;
            show_found(&root, &found, options, talk);
            if found.is_sound() {
                Ok(())
            } else {
                Err(exit::FAILED)
            }
        }
        StoreCommand::Path { digest } => path(&root, digest.as_deref(), talk),
    }
}

fn show_statistics(root: &Path, found: &Statistics, talk: &Talk) {
    if talk.json {
        let object = json!({
            "store": root, "objects": found.objects, "bytes": found.bytes, "results": found.results,
            "trees": found.trees, "sessions": found.sessions, "quarantined": found.quarantined, "free": found.free,
        });
        return talk.data(&object.to_string());
    }
    talk.data(&format!(
        "{}\n{} in {}, {}, {}\n{} open, {} in quarantine, {} free on the disk",
        root.display(),
        human(found.bytes),
        count(found.objects as usize, "object"),
        count(found.results as usize, "result"),
        count(found.trees as usize, "laid-out tree"),
        count(found.sessions as usize, "session"),
        count(found.quarantined as usize, "object"),
        human(found.free),
    ));
}

fn gc(root: &Path, options: &Gc, talk: &Talk) -> Result<Collected, StoreError> {
    let everything = options.max_size == Some(0) || options.keep_days == Some(0);
    let policy = Policy {
        max_size: options.max_size,
        keep_days: options.keep_days,
        grace: if everything { 0 } else { GRACE },
    };
    let mut progress = Progress::new(talk);
    let done = collect(root, BLAKE3, &policy, &mut |step| match step {
        Step::Listing => progress.tell("listing the store"),
        Step::Marking(done, all) => progress.part("marking results", done, all),
        Step::Removing(done, all) => progress.part("removing objects", done, all),
    });
    progress.clear();
    done
}

fn show_collected(done: &Collected, talk: &Talk) {
    if talk.json {
        let object = json!({
            "objects": done.objects, "bytes": done.bytes, "results": done.results,
            "removedObjects": done.removed_objects, "removedBytes": done.removed_bytes,
            "removedResults": done.removed_results, "removedTrees": done.removed_trees,
            "deadSessions": done.dead_sessions,
        });
        return talk.data(&object.to_string());
    }
    talk.data(&format!(
        "removed {} in {} and {}; {} in {} and {} stay",
        human(done.removed_bytes),
        count(done.removed_objects as usize, "object"),
        count(done.removed_results as usize, "result"),
        human(done.bytes.saturating_sub(done.removed_bytes)),
        count((done.objects - done.removed_objects) as usize, "object"),
        count((done.results - done.removed_results) as usize, "result"),
    ));
}

fn check(root: &Path, options: &StoreVerify, talk: &Talk) -> Result<Found, StoreError> {
    let check = Check {
        per_mille: options.sample.unwrap_or(1000),
        seed: options.seed,
        repair: options.repair,
    };
    let progress = Mutex::new(Progress::new(talk));
    let lock = || progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let found = verify(root, BLAKE3, &check, &|done, all| {
        lock().part("hashing objects", done, all)
    });
    lock().clear();
    found
}

fn show_found(root: &Path, found: &Found, options: &StoreVerify, talk: &Talk) {
    if talk.json {
        let object = json!({
            "objects": found.objects, "bytes": found.bytes, "results": found.results,
            "damaged": found.damaged, "damagedResults": found.damaged_results,
            "incompleteResults": found.incomplete_results, "repaired": options.repair,
        });
        return talk.data(&object.to_string());
    }
    for path in found.damaged.iter().chain(&found.damaged_results) {
        talk.data(&format!("damaged: {}", root.join(path).display()));
    }
    let (objects, results) = (
        count(found.objects as usize, "object"),
        count(found.results as usize, "result"),
    );
    talk.data(&format!(
        "{} in {objects} and {results} checked",
        human(found.bytes)
    ));
    if !found.incomplete_results.is_empty() {
        let many = count(found.incomplete_results.len(), "result");
        talk.say(&format!(
            "{many} of which something has gone: the actions run again when they are needed"
        ));
    }
    match (found.is_sound(), options.repair) {
        (true, _) => {}
        (false, true) => talk.say("what is damaged was taken away; the next build makes it again"),
        (false, false) => talk.say("run `lambuild store verify --repair`: the next build makes it again"),
    }
}

fn path(root: &Path, digest: Option<&str>, talk: &Talk) -> Result<(), u8> {
    let Some(text) = digest else {
        talk.data(&root.display().to_string());
        return Ok(());
    };
    let hex = text.split('/').next().unwrap_or_default();
    if Digest::from_hex(hex, 0).is_none() {
        talk.error(&format!("`{text}` is no digest: write its 64 hexadecimal digits"));
        return Err(exit::USAGE);
    }
    let (shard, rest) = hex.split_at(2);
    let found = ["cas", "ac"].map(|area| root.join(area).join(shard).join(rest));
    match found.iter().find(|path| path.is_file()) {
        Some(path) => {
            talk.data(&path.display().to_string());
            Ok(())
        }
        None => {
            talk.error(&format!("the store has neither an object nor a result {hex}"));
            Err(exit::FAILED)
        }
    }
}

/// A line that is rewritten, on a terminal; nothing elsewhere.
struct Progress {
    live: bool,
    shown: String,
}

impl Progress {
    fn new(talk: &Talk) -> Self {
        Progress {
            live: talk.live,
            shown: String::new(),
        }
    }

    fn part(&mut self, what: &str, done: u64, all: u64) {
        let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
        self.tell(&format!("{what}: {percent} % of {all}"));
    }

    fn tell(&mut self, line: &str) {
        if self.live && line != self.shown {
            anstream::eprint!("\r\x1b[K{line}");
            line.clone_into(&mut self.shown);
        }
    }

    fn clear(&mut self) {
        if self.live {
            anstream::eprint!("\r\x1b[K");
        }
    }
}

/// Bytes as people say them, in powers of 1000.
fn human(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

/// Reads `10GB`, `500 MiB`, `1.5GB` or plain bytes.
///
/// # Errors
/// In the user's words.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write a number with or without a unit: 500MB, 10GiB, 0".to_owned();
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: u128 = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.len() > 18 || fraction.is_empty() || fraction.len() > 9 {
        return Err(wrong());
    }
    let whole: u128 = whole.parse().map_err(|_| wrong())?;
    let places = 10u128.pow(fraction.len() as u32);
    let fraction: u128 = fraction.parse().map_err(|_| wrong())?;
    u64::try_from(whole * unit + fraction * unit / places).map_err(|_| wrong())
}

/// Reads a share such as `1%` or `0.5%` as so many of a thousand.
///
/// # Errors
/// In the user's words.
pub fn share(text: &str) -> Result<u16, String> {
    let wrong = || "write a share such as 1% or 0.5%".to_owned();
    let number = text.trim().strip_suffix('%').ok_or_else(wrong)?;
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u16 = whole.parse().map_err(|_| wrong())?;
    let tenth: u16 = tenth.parse().map_err(|_| wrong())?;
    let share = whole.checked_mul(10).and_then(|share| share.checked_add(tenth));
    share
        .filter(|share| tenth < 10 && *share <= 1000)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("10GB", 10_000_000_000),
            ("10 GiB", 10 << 30),
            ("1.5MB", 1_500_000),
            ("0.5KiB", 512),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "-1", "1.GB", "1,5GB", "10gb", "99999999TB", "1.2.3"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_read_in_tenths_of_a_percent() {
        assert_eq!(share("100%"), Ok(1000));
        assert_eq!(share("0.5%"), Ok(5));
        for text in ["5", "101%", "0.55%", "-1%", "%"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_are_said_in_three_digits_or_so() {
        let said = [999, 1_000, 1_550_000, 12_345_678_901].map(human);
        assert_eq!(said, ["999 B", "1.0 kB", "1.5 MB", "12.3 GB"]);
    }
}
