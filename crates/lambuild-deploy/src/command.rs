//! One call of the AWS CLI as a value: written into the script and listed in
//! the manifest from the same words. Knows no function and no layer.

use crate::word::Word;
use serde::Serialize;

/// A call: its words in lines, an option and its value on one, further values
/// of a list on their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    lines: Vec<Vec<Word>>,
    /// Texts that the CLI would take for the name of a file; see [`Command::text`].
    input: serde_json::Map<String, serde_json::Value>,
}

impl Command {
    /// `aws SERVICE OPERATION`.
    pub fn new(service: &str, operation: &str) -> Self {
        Command {
            lines: vec![vec![service.into(), operation.into()]],
            input: serde_json::Map::new(),
        }
    }

    /// A waiter of the Lambda API.
    pub fn wait(waiter: &str, function: &str) -> Self {
        let mut command = Command::new("lambda", "wait");
        if let Some(line) = command.lines.first_mut() {
            line.push(waiter.into());
        }
        command.option("--function-name", function)
    }

    /// `--flag value`; a value that begins with `-` is joined by `=`, since it would be taken for a flag.
    #[must_use]
    pub fn option(mut self, flag: &str, value: impl Into<Word>) -> Self {
        let value = value.into();
        let dashed = value.texts().next().is_some_and(|text| text.starts_with('-'));
        self.lines.push(match dashed {
            true => vec![Word::from(format!("{flag}=")).then(value)],
            false => vec![flag.into(), value],
        });
        self
    }

    /// `--flag` with a value for people, which may look like anything: one that
    /// begins like a file or an address (`https://…` in a licence) is passed as
    /// JSON, since the CLI would read the file or the page instead.
    #[must_use]
    pub fn text(mut self, flag: &str, member: &str, value: &str) -> Self {
        if ["file://", "fileb://", "http://", "https://"]
            .iter()
            .any(|scheme| value.starts_with(scheme))
        {
            self.input.insert(member.to_owned(), value.into());
            return self;
        }
        self.option(flag, value)
    }

    /// `--flag` with a structure.
    #[must_use]
    pub fn json(self, flag: &str, value: &impl Serialize) -> Self {
        self.option(flag, json(value))
    }

    /// `--flag` with a list of words; an empty list is `[]`.
    #[must_use]
    pub fn list(mut self, flag: &str, values: Vec<Word>) -> Self {
        let values = if values.is_empty() {
            vec!["[]".into()]
        } else {
            values
        };
        self.lines
            .push(std::iter::once(flag.into()).chain(values).collect());
        self
    }

    /// Every word, in order.
    pub fn words(&self) -> Vec<Word> {
        self.all_lines().into_iter().flatten().collect()
    }

    /// The call in the script's words: `run lambda …`, one option a line,
    /// further values of a list below the first, no line end after the last.
    pub fn shell(&self, verb: &str, indent: usize) -> String {
        let mut text = verb.to_owned();
        for (number, line) in self.all_lines().iter().enumerate() {
            for (place, word) in line.iter().enumerate() {
                let before = match (number, place) {
                    (0, _) | (_, 1) => " ".to_owned(),
                    (_, 0) => format!(" \\\n{:indent$}  ", ""),
                    _ => format!(" \\\n{:indent$}    ", ""),
                };
                text = text + &before + &word.shell();
            }
        }
        text
    }

    fn all_lines(&self) -> Vec<Vec<Word>> {
        let mut lines = self.lines.clone();
        if !self.input.is_empty() {
            lines.push(vec!["--cli-input-json".into(), json(&self.input).into()]);
        }
        lines
    }
}

/// JSON on one line, for a command line: the two characters that shells and
/// JMESPath quote with are written as their codes, so that it stays readable.
/// Nothing that we pass has a key that is no text, which alone could fail.
pub(crate) fn json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    json.replace('\'', "\\u0027").replace('`', "\\u0060")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_option_stands_on_a_line() {
        let command = Command::new("lambda", "publish-layer-version")
            .option("--layer-name", "certs")
            .option("--function-name", "-x")
            .text("--description", "Description", "it's new")
            .text(
                "--license-info",
                "LicenseInfo",
                "https://opensource.org/license/mit",
            )
            .list(
                "--compatible-runtimes",
                vec!["python3.13".into(), "python3.14".into()],
            )
            .list("--layers", Vec::new());
        insta::assert_snapshot!(command.shell("run", 2), @r#"
        run lambda publish-layer-version \
            --layer-name certs \
            '--function-name=-x' \
            --description "it's new" \
            --compatible-runtimes python3.13 \
              python3.14 \
            --layers '[]' \
            --cli-input-json '{"LicenseInfo":"https://opensource.org/license/mit"}'
        "#);
    }
}
