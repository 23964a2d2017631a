//! Which targets a word of the command line, or a `targets` pattern of a stage,
//! means. Knows addresses only.

use crate::codes;
use crate::diagnostic::{Diagnostic, Exit, Severity};
use crate::nearest;
use crate::target::Target;
use crate::value::TargetId;
use lambuild_digest::RelPath;

/// The targets that `words` mean, as typed in the folder `current`; no words mean
/// everything. In the order of the targets, without duplicates.
///
/// A word is `dir:name`, `:name` or `name` for the current folder, `dir:*` (a `*`
/// stands for any part of a name), `dir/...` for everything at or below a folder,
/// or a folder with a `/` in it. Folders are relative to the current one; a word
/// that means nothing there is tried from the root, so that a printed address works everywhere.
///
/// # Errors
/// One for each word that is badly formed or matches nothing, with the nearest address.
pub fn select(
    targets: &[Target],
    words: &[String],
    current: &RelPath,
) -> Result<Vec<TargetId>, Vec<Diagnostic>> {
    if words.is_empty() {
        return Ok(targets.iter().map(|target| target.id).collect());
    }
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for word in words {
        match select_word(targets, word, current) {
            Ok(more) => found.extend(more),
            Err(error) => errors.push(error),
        }
    }
    found.sort_unstable();
    found.dedup();
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn select_word(targets: &[Target], word: &str, current: &RelPath) -> Result<Vec<TargetId>, Diagnostic> {
    let mut reason = None;
    for base in [current, &RelPath::root()] {
        match Pattern::parse(word, base) {
            Ok(pattern) => {
                let found: Vec<_> = targets.iter().filter(|target| pattern.matches(target)).collect();
                if !found.is_empty() {
                    return Ok(found.into_iter().map(|target| target.id).collect());
                }
            }
            Err(why) => reason = reason.or(Some(why)),
        }
    }
    Err(match reason {
        Some(why) => without_place(format!("`{word}` names no target: {why}")),
        None => no_match(targets, word),
    })
}

fn no_match(targets: &[Target], word: &str) -> Diagnostic {
    let error = without_place(format!("no target matches `{word}`"));
    match near(targets, word) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None if targets.is_empty() => error.note("the workspace declares no targets"),
        None => error,
    }
}

/// The address that was most likely meant.
fn near(targets: &[Target], word: &str) -> Option<String> {
    let addresses: Vec<String> = targets.iter().map(Target::address).collect();
    let near = nearest(word, addresses.iter().map(String::as_str));
    let by_name = || {
        targets
            .iter()
            .find(|target| nearest(word, [&*target.name]).is_some())
            .map(Target::address)
    };
    near.map(str::to_owned).or_else(by_name)
}

fn without_place(message: String) -> Diagnostic {
    Diagnostic {
        code: codes::PATTERN,
        severity: Severity::Error,
        message,
        labels: Vec::new(),
        notes: Vec::new(),
        help: None,
        exit: Exit::Usage,
    }
}

/// A folder or a subtree, and which names in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    dir: RelPath,
    below: bool,
    /// May hold `*`.
    name: String,
}

impl Pattern {
    /// Reads a word whose folders are relative to `base`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(word: &str, base: &RelPath) -> Result<Pattern, String> {
        let (dir, name) = match word.rsplit_once(':') {
            Some((dir, name)) => (dir, name),
            None if word == "..." || word.ends_with("/...") => (word, "*"),
            None if word.contains('/') || word == "." => (word, "*"),
            None => ("", word),
        };
        if name.is_empty() {
            return Err("there is no name after the `:`".to_owned());
        }
        let (dir, below) = match dir.strip_suffix("...") {
            Some(rest) if rest.is_empty() || rest.ends_with('/') => (rest, true),
            _ => (dir, false),
        };
        let dir = base.resolve(dir).map_err(|why| why.to_string())?;
        Ok(Pattern {
            dir,
            below,
            name: name.to_owned(),
        })
    }

    /// The address of a target that it was most likely meant for, where it matches none.
    pub(crate) fn near(&self, targets: &[Target]) -> Option<String> {
        let exact = !self.below && !self.name.contains('*');
        let by_name = || {
            let known = targets.iter().find(|target| *target.name == *self.name);
            known.map(Target::address)
        };
        let by_address = || near(targets, &format!("{}:{}", self.dir, self.name));
        exact.then(|| by_name().or_else(by_address)).flatten()
    }

    /// Whether it means this target.
    pub fn matches(&self, target: &Target) -> bool {
        let place = if self.below {
            target.dir.below(&self.dir).is_some()
        } else {
            target.dir == self.dir
        };
        place && matches_name(&self.name, &target.name)
    }
}

/// Whether `name` is `pattern`, where `*` stands for any text.
fn matches_name(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Span};
    use crate::target::TargetKind;

    fn targets() -> Vec<Target> {
        let all = [
            ("", "hello"),
            ("services/auth", "login"),
            ("services/auth", "logout"),
            ("services/pay", "charge"),
        ];
        let target = |(at, (dir, name)): (usize, (&str, &str))| Target {
            id: TargetId(at as u32),
            kind: TargetKind::Function,
            workspace: 0,
            dir: RelPath::new(dir).unwrap(),
            name: name.into(),
            span: Span::new(FileId(0), 0, 0),
            architectures: Vec::new(),
        };
        all.into_iter().enumerate().map(target).collect()
    }

    fn chosen(words: &[&str], current: &str) -> String {
        let targets = targets();
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        match select(&targets, &words, &RelPath::new(current).unwrap()) {
            Ok(ids) => ids
                .iter()
                .map(|id| targets[id.0 as usize].address())
                .collect::<Vec<_>>()
                .join(" "),
            Err(errors) => {
                let line = |e: &Diagnostic| format!("{} ({})", e.message, e.help.as_deref().unwrap_or("-"));
                errors.iter().map(line).collect::<Vec<_>>().join("; ")
            }
        }
    }

    #[test]
    fn words_mean_targets() {
        assert_eq!(
            chosen(&[], ""),
            ":hello services/auth:login services/auth:logout services/pay:charge"
        );
        assert_eq!(chosen(&["services/auth:login"], ""), "services/auth:login");
        assert_eq!(chosen(&[":hello", "hello"], ""), ":hello");
        assert_eq!(chosen(&["login"], "services/auth"), "services/auth:login");
        assert_eq!(
            chosen(&["services/..."], ""),
            "services/auth:login services/auth:logout services/pay:charge"
        );
        assert_eq!(
            chosen(&["..."], "services/auth"),
            "services/auth:login services/auth:logout"
        );
        assert_eq!(chosen(&["services/auth:log*t"], ""), "services/auth:logout");
        assert_eq!(chosen(&["../pay:charge"], "services/auth"), "services/pay:charge");
        assert_eq!(chosen(&["services/pay"], ""), "services/pay:charge");
    }

    #[test]
    fn a_printed_address_works_in_every_folder() {
        assert_eq!(
            chosen(&["services/pay:charge", ":hello"], "services/auth"),
            ":hello services/pay:charge"
        );
    }

    #[test]
    fn what_matches_nothing_is_an_error_with_the_nearest() {
        assert_eq!(
            chosen(
                &[
                    "services/auth:logon",
                    "helo",
                    "nothing-like-it",
                    "a:",
                    "../../x:y"
                ],
                ""
            ),
            "no target matches `services/auth:logon` (did you mean `services/auth:login`?); \
             no target matches `helo` (did you mean `:hello`?); \
             no target matches `nothing-like-it` (-); \
             `a:` names no target: there is no name after the `:` (-); \
             `../../x:y` names no target: `../../x` leaves the folder that it starts from (-)"
        );
    }
}
