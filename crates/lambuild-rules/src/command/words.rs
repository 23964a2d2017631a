//! From strings that hold content to the text that a command is given: every path or
//! product gets a place, and the text names it.

use super::LONGEST;
use super::place::{MOUNTS, ROOT, plain};
use crate::codes;
use crate::content::{self, Placed, Planned};
use lambuild_action::message::OUT;
use lambuild_action::{NodeId, Planner};
use lambuild_digest::RelPath;
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::Span;
use lambuild_lang::value::{Data, Piece, Value};

/// Content named so far, each once, in the order of appearance.
#[derive(Debug, Default)]
pub struct Mounts(Vec<(String, Placed)>);

impl Mounts {
    /// Shell text; `$out` is left to the shell.
    pub fn text(
        &mut self,
        value: &Value,
        inputs: &mut Vec<NodeId>,
        planner: &mut dyn Planner,
    ) -> Result<String, Box<Diagnostic>> {
        let text = self.pieces(value, inputs, planner)?;
        fits(&text, value.span)?;
        Ok(text)
    }

    /// A word or a variable's value, in which `$out` is replaced, since no shell reads it.
    pub fn word(
        &mut self,
        value: &Value,
        inputs: &mut Vec<NodeId>,
        planner: &mut dyn Planner,
    ) -> Result<String, Box<Diagnostic>> {
        let text = with_out(&self.pieces(value, inputs, planner)?);
        fits(&text, value.span)?;
        Ok(text)
    }

    /// The content with its places.
    pub fn placed(self) -> Vec<(String, Placed)> {
        self.0
    }

    fn pieces(
        &mut self,
        value: &Value,
        inputs: &mut Vec<NodeId>,
        planner: &mut dyn Planner,
    ) -> Result<String, Box<Diagnostic>> {
        match &value.data {
            Data::Str(text) => {
                check(text, value.span)?;
                Ok(text.to_string())
            }
            Data::Template(pieces) => {
                let mut made = String::new();
                for piece in pieces.iter() {
                    match piece {
                        Piece::Text(text) => {
                            check(text, value.span)?;
                            made.push_str(text);
                        }
                        Piece::Content(content) => made.push_str(&self.mount(content, inputs, planner)?),
                    }
                }
                Ok(made)
            }
            _ => self.mount(value, inputs, planner),
        }
    }

    /// The path of content, which gets its place with its first appearance.
    fn mount(
        &mut self,
        value: &Value,
        inputs: &mut Vec<NodeId>,
        planner: &mut dyn Planner,
    ) -> Result<String, Box<Diagnostic>> {
        let known = inputs.len();
        let placed = content::plan(value, inputs, planner)?;
        if let Some(same) = self.same(&placed.planned, inputs) {
            inputs.truncate(known);
            return Ok(format!("{ROOT}/{same}"));
        }
        let place = format!("{MOUNTS}/{}/{}", self.0.len(), plain(&planner.name(value)));
        let text = format!("{ROOT}/{place}");
        self.0.push((place, placed));
        Ok(text)
    }

    /// The place of equal content.
    fn same(&self, wanted: &Planned, inputs: &[NodeId]) -> Option<&str> {
        let node = |at: usize| inputs.get(at);
        let equal = |other: &Planned| match (wanted, other) {
            (Planned::Known(one), Planned::Known(other)) => one == other,
            (Planned::Input(one, path), Planned::Input(other, other_path)) => {
                node(*one) == node(*other) && path == other_path
            }
            _ => false,
        };
        let mut all = self.0.iter();
        all.find(|(_, placed)| equal(&placed.planned))
            .map(|(place, _)| &**place)
    }
}

/// What the user wrote must not hold what only lambuild may write.
pub fn check(text: &str, span: Span) -> Result<(), Box<Diagnostic>> {
    let wrong = |message: &str, help: &str| {
        Err(Box::new(
            Diagnostic::error(codes::COMMAND, message, span, "in here").help(help),
        ))
    };
    if text.contains(ROOT) {
        return wrong(
            "`{root}` in a command would be replaced by the path of its input root",
            "write it in two parts, such as `'{ro''ot}'` in a shell; paths of inputs are relative to where the command starts",
        );
    }
    if text.contains('\0') {
        return wrong(
            "a command cannot hold a zero byte",
            "give it as a file, through `inputs`",
        );
    }
    Ok(())
}

fn fits(text: &str, span: Span) -> Result<(), Box<Diagnostic>> {
    if text.len() < LONGEST {
        return Ok(());
    }
    let message = format!(
        "this is {} bytes, and Linux takes less than {LONGEST} as one argument",
        text.len()
    );
    Err(Box::new(
        Diagnostic::error(codes::COMMAND, message, span, "too long")
            .help("put the text into a file of the workspace, and run that"),
    ))
}

/// `$out` as the path of the output, where it is a whole name.
fn with_out(text: &str) -> String {
    const NAME: &str = "$out";
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(NAME) {
        let (before, from) = rest.split_at(at);
        let after = from.get(NAME.len()..).unwrap_or_default();
        made.push_str(before);
        if after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            made.push_str(NAME);
        } else {
            made.push_str(&format!("{ROOT}/{OUT}"));
        }
        rest = after;
    }
    made.push_str(rest);
    made
}

/// The workspace's path of a mount, if it is one.
pub fn source(placed: &Placed) -> Option<&RelPath> {
    match &placed.planned {
        Planned::Known(lambuild_action::Content::Source(path)) => Some(path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_is_replaced_where_it_is_a_whole_name() {
        assert_eq!(
            with_out("--to=$out/x $outer $out_a$out"),
            "--to={root}/out/x $outer $out_a{root}/out"
        );
    }
}
