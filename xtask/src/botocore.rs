//! Decides what is new in the Lambda API since the pinned botocore, and moves the pin.
//!
//! The pin is a line of `xtask/test-tools.txt`. What the API takes is listed beside our
//! tables; a test compares the list with the pinned botocore, another the tables with the list.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{process, tools};

/// Where the members of the API are listed, relative to the repository.
pub const LIST: &str = "crates/lambuild-deploy/src/schema/api/lambda-api.txt";
/// What prints the list, run by a Python that has botocore.
pub const PROGRAM: &str = "xtask/lambda_api.py";

const PINS: &str = "xtask/test-tools.txt";
const PACKAGE: &str = "botocore";

/// Prints what the newest botocore's API has that the list has not, and the reverse.
///
/// # Errors
/// Where the newest botocore cannot be installed.
pub fn compare(root: &Path) -> Result<()> {
    newest(root).map(drop)
}

/// As [`compare`]; then the pin is the newest version, the tools are installed, and the list is
/// theirs. What the tables lack, the tests of `lambuild-deploy` say.
///
/// # Errors
/// As [`compare`], and where a file cannot be written.
pub fn move_pin(root: &Path) -> Result<()> {
    let (version, list) = newest(root)?;
    let pins = root.join(PINS);
    let text = fs::read_to_string(&pins).with_context(|| format!("{PINS} cannot be read"))?;
    fs::write(&pins, pinned(&text, &version)?).with_context(|| format!("{PINS} cannot be written"))?;
    fs::write(root.join(LIST), list).with_context(|| format!("{LIST} cannot be written"))?;
    println!("{PINS} names {PACKAGE} {version}; next: cargo xtask tools && cargo test -p lambuild-deploy");
    Ok(())
}

/// The newest version and its list, after printing the difference.
fn newest(root: &Path) -> Result<(String, String)> {
    let folder = root.join("target/test-tools/newest");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    tools::make_venv(&folder, &["--upgrade", PACKAGE])?;
    let python = folder.join("venv/bin/python");
    let python = python.to_str().context("the repository's path is not UTF-8")?;
    let list = process::read(root, &[python, PROGRAM])?;
    let version = "import botocore; print(botocore.__version__)";
    let version = process::read(root, &[python, "-c", version])?.trim().to_owned();
    let known = fs::read_to_string(root.join(LIST)).with_context(|| format!("{LIST} cannot be read"))?;
    println!("{PACKAGE} {version}");
    print!("{}", difference(&known, &list));
    Ok((version, list))
}

/// The text of the pins with another version of botocore.
fn pinned(text: &str, version: &str) -> Result<String> {
    let begin = format!("{PACKAGE}==");
    if !text.lines().any(|line| line.starts_with(&begin)) {
        bail!("{PINS} has no line `{begin}…`");
    }
    let line = |line: &str| match line.starts_with(&begin) {
        true => format!("{begin}{version}\n"),
        false => format!("{line}\n"),
    };
    Ok(text.lines().map(line).collect())
}

/// What is new, gone or changed, a line each; values of an enum one by one.
fn difference(known: &str, newest: &str) -> String {
    let (known, newest) = (members(known), members(newest));
    let mut text = String::new();
    for (path, takes) in &newest {
        match known.get(path) {
            None => text.push_str(&format!("new      {path} {takes}\n")),
            Some(before) if before != takes => {
                text.push_str(&format!("changed  {path}{}\n", change(before, takes)));
            }
            Some(_) => {}
        }
    }
    let gone = known.keys().filter(|path| !newest.contains_key(*path));
    text.extend(gone.map(|path| format!("gone     {path}\n")));
    if text.is_empty() {
        text.push_str("nothing new\n");
    }
    text
}

/// Members by path; what each takes as one text.
fn members(list: &str) -> BTreeMap<&str, &str> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).collect()
}

fn change(before: &str, after: &str) -> String {
    let words = |text: &str| -> Vec<String> {
        text.split([' ', ','])
            .map(|word| word.replace("enum=", ""))
            .collect()
    };
    let (before, after) = (words(before), words(after));
    let only = |sign: &str, some: &[String], others: &[String]| -> String {
        let missing = some.iter().filter(|word| !others.contains(word));
        missing.map(|word| format!(" {sign}{word}")).collect()
    };
    only("-", &before, &after) + &only("+", &after, &before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str =
        "# botocore 1\nF structure\nF.A string enum=x,y\nF.B integer min=1 max=5\nF.C boolean\n";

    #[test]
    fn what_differs_is_told_by_member_and_by_value() {
        let newest = "# botocore 2\nF structure\nF.A string enum=x,z\nF.B integer min=1 max=9\nF.D blob\n";
        assert_eq!(
            difference(KNOWN, newest),
            "changed  F.A -y +z\nchanged  F.B -max=5 +max=9\nnew      F.D blob\ngone     F.C\n"
        );
        assert_eq!(difference(KNOWN, KNOWN), "nothing new\n");
    }

    #[test]
    fn only_the_pin_of_botocore_moves() {
        assert_eq!(
            pinned("# x\nbotocore==1.2\nmoto==5\n", "1.3").unwrap(),
            "# x\nbotocore==1.3\nmoto==5\n"
        );
        assert!(pinned("moto==5\n", "1.3").is_err());
    }
}
