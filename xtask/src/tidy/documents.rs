//! Decides whether the documents lead where they say: paths in backticks, links with their
//! headings, the numbers of the decisions. Knows nothing of what they say.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, finding};

/// How a path of the repository begins where a document names one.
const FOLDERS: [&str; 8] = [
    "crates/",
    "docs/",
    "editors/",
    "examples/",
    "fuzz/",
    "launcher/",
    "tests/",
    "xtask/",
];

/// Where the decisions lie.
const DECISIONS: &str = "docs/decisions/";

/// Paths that a document names in backticks and that are not there.
pub fn dead_paths(name: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let quoted = text.split('`').skip(1).step_by(2);
    let paths = quoted.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)));
    let whole = paths.filter(|path| {
        path.chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
    });
    whole
        .filter(|path| !exists(path))
        .map(|path| finding(name, &format!("names `{path}`, which is not there")))
        .collect()
}

/// Links between documents, by path and text, that lead to no file or to no heading of it.
pub fn dead_links(documents: &BTreeMap<String, String>, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in documents {
        for link in links(text) {
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let to = if path.is_empty() {
                name.clone()
            } else {
                beside(name, path)
            };
            let leads = if heading.is_empty() {
                exists(&to)
            } else {
                documents
                    .get(&to)
                    .is_some_and(|text| headings(text).contains(heading))
            };
            if !leads {
                findings.push(finding(name, &format!("links to `{link}`, which is not there")));
            }
        }
    }
    findings
}

/// Decisions whose number is another one's, leaves a gap, or is not that of their first line.
pub fn decisions(documents: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let all = documents.iter().filter_map(|(path, text)| {
        let name = path.strip_prefix(DECISIONS)?;
        (name != "README.md").then_some((path, name, text))
    });
    for (at, (path, name, text)) in all.enumerate() {
        let number = format!("{:04}", at + 1);
        if !name.starts_with(&format!("{number}-")) {
            findings.push(finding(
                path,
                &format!("should have the number {number}: one for each decision, in order, without gaps"),
            ));
        } else if !text.starts_with(&format!("# {number}: ")) {
            findings.push(finding(path, &format!("does not start with `# {number}: `")));
        }
    }
    findings
}

/// The targets of the links of a document that stay in the repository.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text).join("\n");
    let targets = prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(str::to_owned)
        .collect()
}

/// The anchors of a document's headings, as GitHub makes them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in fenced_out(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let anchor = anchor(title.trim());
        let again = (1..).map(|count| format!("{anchor}-{count}"));
        let mut names = std::iter::once(anchor.clone()).chain(again);
        if let Some(new) = names.find(|name| !found.contains(name)) {
            found.insert(new);
        }
    }
    found
}

/// Letters, digits, `-` and `_` stay, spaces become `-`, all else goes.
fn anchor(title: &str) -> String {
    let kept = title.chars().flat_map(char::to_lowercase);
    kept.filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The lines of a document without what stands in backticks.
fn prose(text: &str) -> Vec<String> {
    let without_code = |line: &str| line.split('`').step_by(2).collect::<Vec<_>>().join("");
    fenced_out(text).map(without_code).collect()
}

/// The lines of a document that are not in a fenced block of code.
fn fenced_out(text: &str) -> impl Iterator<Item = &str> {
    let mut fence: Option<usize> = None;
    text.lines().filter(move |line| {
        let line = line.trim_start();
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            None => return true,
            Some(open) if ticks >= open => fence = None,
            Some(_) => {}
        }
        false
    })
}

/// The path that a link in the document `name` leads to, from the repository's root.
fn beside(name: &str, link: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_only_what_is_there() {
        let text = "see `crates/a/src/b.rs`, `crates/*/x` and `docs/`";
        let found = |exists: bool| dead_paths("README.md", text, |_| exists).len();
        assert_eq!((found(true), found(false)), (0, 2));
        let expected = "README.md: names `crates/a/src/b.rs`, which is not there";
        assert_eq!(
            dead_paths("README.md", text, |path| path == "docs/")[0].to_string(),
            expected
        );
    }

    fn documents(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn links_lead_to_files_and_their_headings() {
        let all = documents(&[
            (
                "docs/a.md",
                "[b](b.md) [no](c.md) [up](../README.md#two-words) [no](../README.md#one) [far](https://x.y)\n\
                 # Of `code`, twice\n# Of `code`, twice\n[here](#of-code-twice-1) [no](#of-code-twice-2)\n\
                 ````\n```\n[no link](d.md)\n# no heading\n````\n`[nor](this.md)` [no](#no-heading)\n",
            ),
            ("docs/b.md", ""),
            ("README.md", "## Two words\n#three\n"),
        ]);
        let found: Vec<String> = dead_links(&all, |path| all.contains_key(path))
            .iter()
            .map(Finding::to_string)
            .collect();
        let dead = ["c.md", "../README.md#one", "#of-code-twice-2", "#no-heading"];
        assert_eq!(
            found,
            dead.map(|link| format!("docs/a.md: links to `{link}`, which is not there"))
        );
    }

    #[test]
    fn each_decision_has_a_number_of_its_own() {
        let of = |all: &[(&str, &str)]| -> Vec<String> {
            decisions(&documents(all))
                .iter()
                .map(Finding::to_string)
                .collect()
        };
        let one = ("docs/decisions/0001-a.md", "# 0001: a");
        let readme = ("docs/decisions/README.md", "# Decisions");
        assert!(of(&[one, ("docs/decisions/0002-b.md", "# 0002: b"), readme]).is_empty());
        let numbered = "should have the number 0002: one for each decision, in order, without gaps";
        for wrong in ["docs/decisions/0001-b.md", "docs/decisions/0003-b.md"] {
            assert_eq!(of(&[one, (wrong, "# 0002: b")]), [format!("{wrong}: {numbered}")]);
        }
        let wrong = of(&[one, ("docs/decisions/0002-b.md", "# 0001: b")]);
        assert_eq!(
            wrong,
            ["docs/decisions/0002-b.md: does not start with `# 0002: `"]
        );
    }
}
