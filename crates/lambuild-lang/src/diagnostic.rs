//! What is said to a person about a `lambda.build` file: a value, drawn in one place.

use crate::source::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The run ends with a non-zero exit code.
    Error,
    /// The run goes on.
    Warning,
}

/// A place in the source and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; may be empty.
    pub text: String,
}

/// The exit code a diagnostic asks for (DESIGN, "Command line").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 2: what the build file alone shows to be wrong.
    Usage,
    /// 5: a lock lacks a line or is out of date.
    Lock,
    /// 1: a build failed.
    Failed,
}

/// One error or warning with its places and its hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, such as `E0102`; never used for another meaning again.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What happened, in the user's words, without a full stop.
    pub message: String,
    /// The main place first, then related ones (conflicting definition, call that led here).
    pub labels: Vec<Label>,
    /// Further facts, one line each.
    pub notes: Vec<String>,
    /// What to do next.
    pub help: Option<String>,
    /// The exit code it asks for.
    pub exit: Exit,
}

/// Bytes of a text of a diagnostic: what a file's own long strings would make longer is not read.
const MAX_WORDS: usize = 1000;

fn clipped(mut text: String) -> String {
    if text.len() > MAX_WORDS {
        text.truncate(text.floor_char_boundary(MAX_WORDS));
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

impl Diagnostic {
    /// An error at a place of the source.
    pub fn error(
        code: &'static str,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: clipped(message.into()),
            labels: vec![Label {
                span,
                text: clipped(label.into()),
            }],
            notes: Vec::new(),
            help: None,
            exit: Exit::Usage,
        }
    }

    /// A warning at a place of the source.
    pub fn warning(
        code: &'static str,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Self {
        Diagnostic {
            severity: Severity::Warning,
            ..Self::error(code, message, span, label)
        }
    }

    /// Adds a related place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: clipped(text.into()),
        });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(clipped(text.into()));
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(clipped(text.into()));
        self
    }

    /// Asks for another exit code than 2.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}
