//! From what a failed command said to what is missing from its declaration: a file of
//! the workspace, or a program. Guesses from words, so it only says what it finds in the workspace.

use super::place::{MOUNTS, TOOLS};
use super::step::{Program, Run};
use super::words;
use crate::codes;
use lambuild_action::{SourceKind, Sources};
use lambuild_digest::RelPath;
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use std::collections::BTreeSet;

/// How tools say that a file is not there, in small letters.
const ABSENT: &[&str] = &[
    "no such file",
    "not found",
    "does not exist",
    "doesn't exist",
    "cannot open",
    "can't open",
    "cannot find",
    "can't find",
    "could not open",
    "could not find",
    "couldn't open",
    "couldn't find",
    "cannot read",
    "enoent",
    "not exist",
    "unable to open",
    "failed to open",
];
/// More would bury the first ones, and one missing line brings many messages.
const MOST: usize = 5;
/// What is looked at of a log: its end, where the failure is.
const LAST_LINES: usize = 200;

/// What a program that is not there is helped by.
pub fn add_program(name: &str) -> String {
    format!(
        "add what has it to `tools`; if it is a program of this machine: `toolchain sh {{ programs = [\"sh\", \"{name}\"] }}` \
         in the root's `lambda.build`, and `tools = [toolchain.sh]`"
    )
}

/// Everything of the workspace that the output names and the command does not have.
pub fn explain(run: &Run, log: &[u8], sources: &dyn Sources) -> Vec<Diagnostic> {
    let text = String::from_utf8_lossy(log);
    let mut lines: Vec<&str> = text.lines().rev().take(LAST_LINES).collect();
    lines.reverse();
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for line in lines {
        let small = line.to_lowercase();
        if !ABSENT.iter().any(|word| small.contains(word)) {
            continue;
        }
        if let Some(program) = program(line).filter(|program| told.insert((*program).to_owned())) {
            found.push(no_program(run, program));
            continue;
        }
        for token in tokens(line) {
            let missing = file(run, token, sources);
            let new = missing.filter(|missing| told.insert(missing.source.as_str().to_owned()));
            found.extend(new.map(|missing| no_file(run, &missing)));
        }
    }
    found.truncate(MOST);
    found
}

/// The program of `sh: 1: sort: not found` and `sh: line 1: sort: command not found`.
fn program(line: &str) -> Option<&str> {
    let before = line
        .trim_end()
        .strip_suffix(": not found")
        .or_else(|| line.trim_end().strip_suffix(": command not found"))?;
    let mut parts = before.rsplit(": ");
    let name = parts.next()?;
    let numbered = parts.next()?.trim_start_matches("line ");
    let is_name = !name.is_empty() && !name.contains(['/', ' ']);
    (is_name && numbered.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

fn no_program(run: &Run, name: &str) -> Diagnostic {
    let message = format!("`{}` runs `{name}`, which is not among its tools", run.target);
    Diagnostic::error(codes::COMMAND, message, run.run, "run here")
        .help(add_program(name))
        .exit(Exit::Failed)
}

/// What in a line may be a path.
fn tokens(line: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || "'\"`‘’“”()<>[],;=:".contains(c);
    line.split(ends)
        .map(|token| token.trim_end_matches('.'))
        .filter(|token| !token.is_empty())
}

/// A file or folder of the workspace and where the command looked for it.
struct Missing {
    source: RelPath,
    wanted: RelPath,
}

/// The file of the workspace that a path in the output means.
fn file(run: &Run, token: &str, sources: &dyn Sources) -> Option<Missing> {
    wanted(token).find_map(|wanted| {
        let all = candidates(run, &wanted);
        let missing = |source: &RelPath| is_missing(run, source, sources);
        let source = all.into_iter().find(missing)?;
        Some(Missing { source, wanted })
    })
}

/// A path as the command may have meant it: an absolute one holds the place of the
/// input root, which is not known here, so each of its ends is one.
fn wanted(token: &str) -> impl Iterator<Item = RelPath> {
    let starts = token.match_indices('/').map(|(at, _)| at + 1);
    let absolute = token.starts_with('/');
    let starts: Vec<usize> = if absolute { starts.collect() } else { vec![0] };
    let ends = starts.into_iter().filter_map(move |at| token.get(at..));
    ends.filter_map(|end| RelPath::root().resolve(end).ok())
        .filter(|path| !path.is_root())
}

/// Where in the workspace it may stand, the likeliest first.
fn candidates(run: &Run, wanted: &RelPath) -> Vec<RelPath> {
    let mut all = Vec::new();
    // Beside something that is declared: `a/x.h` where `a/x.c` is an input.
    for (at, placed) in &run.inputs {
        let Some(source) = words::source(placed) else {
            continue;
        };
        all.extend(wanted.below(at).map(|below| source.join(&below)));
        if let (Some(folder), Some(above)) = (at.parent(), source.parent()) {
            all.extend(wanted.below(&folder).map(|below| above.join(&below)));
        }
    }
    for (place, placed) in &run.mounts {
        let (Some(source), Ok(place)) = (words::source(placed), RelPath::new(place)) else {
            continue;
        };
        all.extend(wanted.below(&place).map(|below| source.join(&below)));
        if let (Some(folder), Some(above)) = (place.parent(), source.parent()) {
            all.extend(wanted.below(&folder).map(|below| above.join(&below)));
            all.push(above.join(wanted));
        }
        all.push(source.join(wanted));
    }
    all.push(run.folder.join(wanted));
    all.push(wanted.clone());
    all
}

/// Whether it is in the workspace and not in what the command has.
fn is_missing(run: &Run, source: &RelPath, sources: &dyn Sources) -> bool {
    let declared = run.inputs.iter().map(|(_, placed)| placed);
    let mut declared = declared.chain(run.mounts.iter().map(|(_, placed)| placed));
    let has = declared.any(|placed| words::source(placed).is_some_and(|path| source.below(path).is_some()));
    !has && matches!(sources.kind(source), Some(SourceKind::File | SourceKind::Link))
}

fn no_file(run: &Run, missing: &Missing) -> Diagnostic {
    let message = format!(
        "`{}` reads `{}`, which is in the workspace, but not among its inputs",
        run.target, missing.source
    );
    let first = missing.wanted.parts().next().unwrap_or_default();
    // Paths in `_in` belong to lambuild: then the command is to name the file itself.
    let line = if [MOUNTS, TOOLS].contains(&first) {
        format!(
            "name it in `run`: ${{{0}}}, or name its folder there",
            from(&run.folder, &missing.source)
        )
    } else {
        format!(
            "add it: `inputs = {{ \"{}\" = {} }}`",
            missing.wanted,
            from(&run.folder, &missing.source)
        )
    };
    let span = match &run.program {
        Program::Named(_, span, _) => *span,
        _ => run.run,
    };
    Diagnostic::error(codes::UNDECLARED, message, span, "needed by this")
        .help(line)
        .exit(Exit::Failed)
}

/// A path as one writes it in the `lambda.build` of a folder.
fn from(folder: &RelPath, path: &RelPath) -> String {
    let mut base = folder.clone();
    let mut up = String::new();
    loop {
        if let Some(below) = path.below(&base) {
            let start = if up.is_empty() { "./" } else { &up };
            return format!("{start}{}", below.as_str());
        }
        up.push_str("../");
        match base.parent() {
            Some(parent) => base = parent,
            None => return format!("./{}", path.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_from_the_folder_of_the_build_file() {
        let path = |text: &str| RelPath::new(text).unwrap();
        assert_eq!(from(&RelPath::root(), &path("a/b")), "./a/b");
        assert_eq!(from(&path("a"), &path("a/b")), "./b");
        assert_eq!(from(&path("c/d"), &path("a/b")), "../../a/b");
    }

    #[test]
    fn programs_are_known_by_how_shells_say_it() {
        assert_eq!(program("sh: 1: sort: not found"), Some("sort"));
        assert_eq!(program("sh: line 12: sort: command not found"), Some("sort"));
        assert_eq!(program("a.proto: File not found."), None);
        assert_eq!(program("sh: 1: ./x y: not found"), None);
        assert_eq!(program("make: sort: not found"), None);
    }

    #[test]
    fn paths_are_found_in_what_tools_say() {
        let paths = |line| tokens(line).filter(|t| t.contains('.')).collect::<Vec<_>>();
        for line in [
            "cat: a/b.txt: No such file or directory",
            "python3: can't open file 'a/b.txt': [Errno 2] No such file or directory",
            "Error: ENOENT: no such file or directory, open 'a/b.txt'",
            "main.c:3:10: fatal error: a/b.txt: No such file or directory",
            "a/b.txt: File not found.",
        ] {
            assert!(paths(line).contains(&"a/b.txt"), "{line}");
        }
    }
}
