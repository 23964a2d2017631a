//! `lambuild explain`: what an error code means.

use crate::exit;
use crate::talk::Talk;
use lambuild_lang::codes::Code;
use serde_json::json;

/// Every code of this program, in order.
pub fn all() -> impl Iterator<Item = &'static Code> {
    let tables: [&[Code]; 5] = [
        lambuild_lang::codes::ALL,
        lambuild_graph::codes::ALL,
        lambuild_deploy::codes::ALL,
        lambuild_rules::codes::ALL,
        crate::codes::ALL,
    ];
    tables.into_iter().flatten()
}

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(code: Option<&str>, talk: &Talk) -> Result<(), u8> {
    let Some(wanted) = code else {
        for code in all() {
            show(code, &format!("{}  {}", code.code, code.title), talk);
        }
        return Ok(());
    };
    let Some(code) = all().find(|code| code.code.eq_ignore_ascii_case(wanted)) else {
        talk.error(&format!(
            "there is no code `{wanted}`; `lambuild explain` lists all of them"
        ));
        return Err(exit::USAGE);
    };
    show(
        code,
        &format!("{}: {}\n\n{}", code.code, code.title, code.text),
        talk,
    );
    Ok(())
}

fn show(code: &Code, text: &str, talk: &Talk) {
    if talk.json {
        talk.data(&json!({"code": code.code, "title": code.title, "text": code.text}).to_string());
    } else {
        talk.data(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_code_has_two_meanings_and_each_is_explained() {
        let mut seen = BTreeSet::new();
        for code in all() {
            assert!(seen.insert(code.code), "{} stands twice", code.code);
            assert!(code.text.ends_with('.') && code.title.len() < 80, "{}", code.code);
        }
    }
}
