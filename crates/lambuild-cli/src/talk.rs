//! What is said to people on stderr, and data on stdout: one place for both, so
//! that colours, `-q` and `--json` are decided once.

use crate::args::{Color, Common};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::SourceMap;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

/// How to talk during this run.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    /// JSON on stdout instead of text.
    pub json: bool,
    /// Nothing but errors.
    pub quiet: bool,
    /// How much more than usual.
    pub verbose: u8,
    /// Colours on stderr.
    pub color: bool,
    /// Whether stderr is a terminal on which lines may be rewritten.
    pub live: bool,
}

impl Talk {
    /// As the options, the terminal and `NO_COLOR` say.
    pub fn new(common: &Common, no_color: bool, ci: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = match common.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color,
        };
        let live = terminal && !ci && !common.quiet && !common.json && common.verbose < 2;
        Talk {
            json: common.json,
            quiet: common.quiet,
            verbose: common.verbose,
            color,
            live,
        }
    }

    /// A line about what happens; silent with `-q`.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            self.error_stream(line);
        }
    }

    /// An error that has no place in a file.
    pub fn error(&self, message: &str) {
        if self.json {
            self.data(&json!({"event": "error", "message": message}).to_string());
        }
        let (open, close) = if self.color {
            ("\x1b[1;31m", "\x1b[0m")
        } else {
            ("", "")
        };
        self.error_stream(&format!("{open}error{close}: {message}"));
    }

    /// A warning that has no place in a file; silent with `-q`.
    pub fn warning(&self, message: &str) {
        let (open, close) = if self.color {
            ("\x1b[1;33m", "\x1b[0m")
        } else {
            ("", "")
        };
        self.say(&format!("{open}warning{close}: {message}"));
    }

    /// Errors and warnings with their places.
    pub fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &SourceMap) {
        for made in diagnostics {
            if self.json {
                let mut object = json!({"event": "diagnostic"});
                merge(&mut object, lambuild_lang::diagnostic_json(made, sources));
                self.data(&object.to_string());
            }
            self.error_stream(&format!(
                "{}\n",
                lambuild_lang::render(made, sources, self.color).trim_end()
            ));
        }
    }

    /// Data, on stdout.
    pub fn data(&self, line: &str) {
        // Nobody reads any more: the exit code still tells how it went.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// Data that is a whole text, on stdout, as it is.
    pub fn text(&self, text: &str) {
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }

    /// A tool's own text, on stderr.
    pub fn error_text(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        if !text.is_empty() && !text.ends_with('\n') {
            self.error_stream("");
        }
    }

    fn error_stream(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// A size for people: `812 B`, `3.4 kB`, `12 MB` (powers of ten).
pub fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 9.95);
    format!("{value:.digits$} {}", units[unit])
}

/// A duration for people: `20 ms`, `0.35 s`, `3.4 s`, `2 min 05 s`.
pub fn duration(took: std::time::Duration) -> String {
    let seconds = took.as_secs_f64();
    match seconds {
        _ if seconds < 0.1 => format!("{} ms", took.as_millis()),
        _ if seconds < 1.0 => format!("{seconds:.2} s"),
        _ if seconds < 60.0 => format!("{seconds:.1} s"),
        _ => format!("{} min {:02} s", took.as_secs() / 60, took.as_secs() % 60),
    }
}

/// `1 action`, `2 actions`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn sizes_and_durations_read_well() {
        let sizes: Vec<String> = [0, 999, 1000, 3_449_999, 9_949_999, 12_345_678]
            .into_iter()
            .map(size)
            .collect();
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "3.4 MB", "9.9 MB", "12 MB"]);
        assert_eq!(duration(Duration::from_millis(20)), "20 ms");
        assert_eq!(duration(Duration::from_millis(350)), "0.35 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 05 s");
        assert_eq!(
            (count(1, "action"), count(0, "action")),
            ("1 action".into(), "0 actions".into())
        );
    }
}
