//! Built-in functions on text.

use super::Machine;
use super::builtin::Use;
use super::expression::ENTRY_BYTES;
use super::value::{Eval, Lazy, Shape};
use crate::codes;
use crate::diagnostic::Diagnostic;
use lambuild_digest::DigestFunction;
use std::sync::Arc;

impl Machine<'_> {
    pub(super) fn built_in_text(&mut self, call: &Use<'_>) -> Eval<Shape> {
        match call.name {
            "join" => self.join(call),
            "split" => self.split(call),
            "replace" => self.replace(call),
            "to_string" => self.string_of(call),
            "to_json" => self.json_of(call),
            "hash" => self.hash(call),
            "starts_with" | "ends_with" => {
                let (text, part) = (self.text_arg(call, 0)?, self.text_arg(call, 1)?);
                self.looked_at(part.len(), call.span)?;
                let starts = call.name == "starts_with";
                Ok(Shape::Bool(if starts {
                    text.starts_with(&*part)
                } else {
                    text.ends_with(&*part)
                }))
            }
            _ => self.rewrite(call),
        }
    }

    fn text(&mut self, text: &str, call: &Use<'_>) -> Eval<Shape> {
        self.text_bytes(text.len(), call.span)?;
        Ok(Shape::Str(Arc::from(text)))
    }

    /// `trim`, `upper`, `lower`
    fn rewrite(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let text = self.text_arg(call, 0)?;
        // Changing the letters is slower than looking at them.
        self.looked_at(text.len().saturating_mul(4), call.span)?;
        match call.name {
            "upper" => self.text(&text.to_uppercase(), call),
            "lower" => self.text(&text.to_lowercase(), call),
            _ => self.text(text.trim(), call),
        }
    }

    /// `join(separator, list)` of strings.
    fn join(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let separator = self.text_arg(call, 0)?;
        let list = self.arg(call, 1)?;
        let Shape::List(items) = &list.shape else {
            return Err(self.wrong_arg(call, 1, "a separator and a list", &list));
        };
        let mut pieces: Vec<Arc<str>> = Vec::with_capacity(items.len());
        for item in self.elements(items, call.context, call.args[1].1)? {
            match item.shape {
                Shape::Str(piece) => pieces.push(piece),
                _ => return Err(self.wrong_arg(call, 1, "a list of strings", &item)),
            }
        }
        let length = pieces.iter().map(|piece| separator.len() + piece.len());
        self.text_bytes(length.sum(), call.span)?;
        Ok(Shape::Str(Arc::from(pieces.join(&*separator))))
    }

    /// `split(separator, text)`
    fn split(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let (separator, text) = (self.text_arg(call, 0)?, self.text_arg(call, 1)?);
        if separator.is_empty() {
            return Err(self.empty_search(call, 0));
        }
        self.looked_at(text.len() + separator.len(), call.span)?;
        let count = text.matches(&*separator).count() + 1;
        self.bytes(count * ENTRY_BYTES + text.len(), call.span)?;
        let pieces = text.split(&*separator);
        Ok(Shape::List(
            pieces
                .map(|piece| self.known(Shape::Str(Arc::from(piece)).at(call.span)))
                .collect(),
        ))
    }

    /// `replace(text, from, to)`
    fn replace(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let text = self.text_arg(call, 0)?;
        let (from, to) = (self.text_arg(call, 1)?, self.text_arg(call, 2)?);
        if from.is_empty() {
            return Err(self.empty_search(call, 1));
        }
        self.looked_at(text.len() + from.len(), call.span)?;
        let count = text.matches(&*from).count();
        self.steps(count as u64 / 2, call.span)?;
        let longest = count.saturating_mul(to.len()).saturating_add(text.len());
        self.text_bytes(longest, call.span)?;
        Ok(Shape::Str(Arc::from(text.replace(&*from, &to))))
    }

    fn empty_search(&self, call: &Use<'_>, at: usize) -> super::value::Fail {
        let message = format!("`{}` cannot look for an empty text", call.name);
        let error = Diagnostic::error(codes::ARGUMENT_VALUE, message, call.args[at].1, "this is empty");
        self.fail(call.env, error)
    }

    /// `to_string(x)` of a string, a number or a boolean.
    fn string_of(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let value = self.arg(call, 0)?;
        match &value.shape {
            Shape::Str(text) => Ok(Shape::Str(Arc::clone(text))),
            Shape::Int(number) => self.text(&number.to_string(), call),
            Shape::Decimal(number) => self.text(&number.to_string(), call),
            Shape::Bool(value) => self.text(&value.to_string(), call),
            _ => Err(self.wrong_arg(call, 0, "a string, a number or a boolean", &value)),
        }
    }

    /// `hash(text)`: the SHA-256 of its UTF-8 bytes in hexadecimal, as `sha256sum` prints it.
    fn hash(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let text = self.text_arg(call, 0)?;
        // Without the processor's help it takes 5 ns a byte.
        self.looked_at(text.len().saturating_mul(8), call.span)?;
        self.text(&DigestFunction::Sha256.digest(text.as_bytes()).hex(), call)
    }

    /// `to_json(x)`: compact, keys in the order of writing.
    fn json_of(&mut self, call: &Use<'_>) -> Eval<Shape> {
        let value = self.arg(call, 0)?;
        let mut text = String::new();
        self.write_json(&value, call, &mut text)?;
        Ok(Shape::Str(Arc::from(text)))
    }

    fn write_json(&mut self, value: &Lazy, call: &Use<'_>, text: &mut String) -> Eval<()> {
        let before = text.len();
        match &value.shape {
            Shape::Null => text.push_str("null"),
            Shape::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Shape::Int(number) => text.push_str(&number.to_string()),
            Shape::Decimal(number) => text.push_str(&number.to_string()),
            Shape::Str(piece) => {
                self.looked_at(piece.len().saturating_mul(4), call.span)?;
                text.push_str(&serde_json::Value::from(&**piece).to_string());
            }
            Shape::List(items) => {
                text.push('[');
                for (at, item) in self.elements(items, call.context, call.span)?.iter().enumerate() {
                    text.push_str(if at > 0 { "," } else { "" });
                    self.deeper(call.span, |m| m.write_json(item, call, text))?;
                }
                text.push(']');
            }
            Shape::Set(slots) => {
                text.push('{');
                for (at, (name, slot)) in slots.iter().enumerate() {
                    text.push_str(if at > 0 { "," } else { "" });
                    text.push_str(&serde_json::Value::from(&**name).to_string());
                    text.push(':');
                    let item = self.force(slot.value, call.context, slot.key_span)?;
                    self.deeper(call.span, |m| m.write_json(&item, call, text))?;
                }
                text.push('}');
            }
            _ => return Err(self.wrong_arg(call, 0, "what JSON has", value)),
        }
        self.limit_text(text.len(), call.span)?;
        self.text_bytes(text.len() - before, call.span)
    }
}
