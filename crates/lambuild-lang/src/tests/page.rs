//! `docs/errors.md`: every code with its explanation and the cases of the gallery that show it.
//! `LAMBUILD_BLESS=1 cargo test -p lambuild-lang gallery` writes it.

use super::gallery::{Case, blessed, cases, read};
use crate::codes::{self, Code};
use std::fmt::Write;
use std::fs;
use std::path::Path;

const HEAD: &str = "\
# Errors and warnings

Everything that lambuild can find wrong in build files, with whole files and the whole of what it
says about them. The page is written by a test from the cases that it holds: what stands here is what
the program prints. `lambuild explain CODE` tells the same in a terminal.

An error (`E…`) ends the run with exit code 2 before anything is built; a warning (`W…`) does not,
unless `lambuild check --deny warnings` is asked. A run reports all that it can find. The line with
`-->` has the form `file:line:column` that editors parse, lines and columns from 1, columns in
characters. With `--json` each diagnostic is an object on a line of its own on stdout:
`event` (`\"diagnostic\"`), `code`, `severity`, `message`, `labels` (the main place first; each with `path`,
`line`, `column`, `end_line`, `end_column`, `text`), `notes`, `help` and `exit`. A code never changes its
meaning.

The cases are checked with smaller tables of attributes than the program's. Codes from `E0801` on are
about what is built and deployed; `lambuild explain` lists them too.
";

/// Compares the page with what codes and gallery say, or writes it; the gallery's own test
/// calls this when the gallery is as it should be.
pub(super) fn is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let page = page(&cases(&read("wrong.txt")));
    if blessed() {
        return fs::write(&path, page).unwrap();
    }
    let before = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        before == page,
        "docs/errors.md is not what codes and gallery say: LAMBUILD_BLESS=1 cargo test -p lambuild-lang gallery"
    );
}

#[test]
fn every_code_has_a_case_and_an_explanation() {
    let gallery = read("wrong.txt");
    let cases = cases(&gallery);
    assert!(cases.len() >= 60, "{} cases", cases.len());
    for Code { code, title, text } in codes::ALL {
        let own = cases.iter().any(|case| main_code(case.says) == *code);
        assert!(own, "{code} has no case of its own");
        assert!(
            title.len() > 8 && text.ends_with('.') && text.len() > 60,
            "{code}: {text}"
        );
    }
}

fn page(cases: &[Case<'_>]) -> String {
    let mut page = format!("{HEAD}\n| code | |\n| --- | --- |\n");
    for Code { code, title, .. } in codes::ALL {
        let anchor = anchor(&format!("{code}: {title}"));
        writeln!(page, "| [{code}](#{anchor}) | {title} |").unwrap();
    }
    for code in codes::ALL {
        section(&mut page, code, cases);
    }
    page
}

fn section(page: &mut String, Code { code, title, text }: &Code, cases: &[Case<'_>]) {
    writeln!(page, "\n## {code}: {title}\n\n{text}").unwrap();
    let (own, other): (Vec<_>, Vec<_>) = cases
        .iter()
        .filter(|case| case.says.contains(&format!("[{code}]")))
        .partition(|case| main_code(case.says) == *code);
    own.into_iter().for_each(|case| example(page, case));
    let links = other
        .iter()
        .map(|case| format!("[{}](#{})", case.title, anchor(case.title)));
    let links: Vec<String> = links.collect();
    if !links.is_empty() {
        writeln!(page, "\nSee also: {}.", links.join("; ")).unwrap();
    }
}

/// The code that a case says most often, of several the one that comes first.
fn main_code(says: &str) -> &str {
    let said = says.lines().filter_map(|line| {
        let rest = line.strip_prefix("error[").or(line.strip_prefix("warning["))?;
        rest.split_once(']').map(|(code, _)| code)
    });
    let said: Vec<&str> = said.collect();
    let often = |code: &str| said.iter().filter(|other| **other == code).count();
    let most = said.iter().map(|code| often(code)).max().unwrap_or(0);
    said.iter()
        .find(|code| often(code) == most)
        .copied()
        .unwrap_or_default()
}

fn example(page: &mut String, case: &Case<'_>) {
    writeln!(page, "\n### {}\n", first_upper(case.title)).unwrap();
    let (whole, empty): (Vec<_>, Vec<_>) = case
        .files
        .iter()
        .partition(|(_, text)| !text.trim_end().is_empty());
    for (path, text) in whole {
        let language = if path.ends_with(".build") {
            "lambda"
        } else {
            "text"
        };
        writeln!(page, "`{path}`\n```{language}\n{}\n```", text.trim_end()).unwrap();
    }
    let (asked, empty): (Vec<_>, Vec<_>) = empty.into_iter().partition(|(path, _)| path.starts_with('$'));
    let empty: Vec<String> = empty.iter().map(|(path, _)| format!("`{path}`")).collect();
    if !empty.is_empty() {
        writeln!(page, "Beside it: {}.", empty.join(", ")).unwrap();
    }
    let asked: String = asked.iter().map(|(command, _)| format!("{command}\n")).collect();
    writeln!(page, "\n```text\n{asked}{}\n```", case.says.trim_end()).unwrap();
}

fn first_upper(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// The anchor that renderers of Markdown give a heading.
fn anchor(heading: &str) -> String {
    let letters = heading.chars().filter_map(|letter| match letter {
        ' ' | '-' => Some('-'),
        _ if letter.is_alphanumeric() || letter == '_' => Some(letter.to_ascii_lowercase()),
        _ => None,
    });
    letters.collect()
}
