//! Decides which long-running suites there are: those that take minutes or more and so
//! are no part of `cargo xtask test`.

use anyhow::{Context, Result};

/// A suite that runs on demand.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// The word that starts it.
    pub name: &'static str,
    /// What it proves and how long it takes, in one line.
    pub about: &'static str,
    /// Runs it to its end.
    pub run: fn() -> Result<()>,
}

/// All suites. A new one is one line here and a module beside this one.
pub const SUITES: &[Suite] = &[];

/// The table of suites, for people.
pub fn list(suites: &[Suite]) -> String {
    if suites.is_empty() {
        return "there are no soak suites yet\n".to_owned();
    }
    let width = suites
        .iter()
        .map(|suite| suite.name.len())
        .max()
        .unwrap_or_default();
    suites
        .iter()
        .map(|suite| format!("{:width$}  {}\n", suite.name, suite.about))
        .collect()
}

/// Runs the suite of this name.
///
/// # Errors
/// Where there is none of that name, or the suite fails.
pub fn run(suites: &[Suite], name: &str) -> Result<()> {
    let suite = suites.iter().find(|suite| suite.name == name);
    let suite = suite.with_context(|| format!("`{name}` is no soak suite\n\n{}", list(suites)))?;
    (suite.run)()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[Suite] = &[
        Suite {
            name: "good",
            about: "always passes, at once",
            run: || Ok(()),
        },
        Suite {
            name: "worse",
            about: "never does",
            run: || anyhow::bail!("as expected"),
        },
    ];

    #[test]
    fn suites_are_listed_and_run_by_name() {
        assert_eq!(list(TWO), "good   always passes, at once\nworse  never does\n");
        assert!(run(TWO, "good").is_ok());
        assert_eq!(run(TWO, "worse").unwrap_err().to_string(), "as expected");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_list() {
        let error = run(&[], "store").unwrap_err().to_string();
        assert_eq!(
            error,
            "`store` is no soak suite\n\nthere are no soak suites yet\n"
        );
    }
}
