//! The change that a diagnostic proposes: its "did you mean". Knows no protocol.

use lambuild_lang::diagnostic::Diagnostic;

/// The text that takes the place of the diagnostic's main span, where its help names one.
pub fn proposal(diagnostic: &Diagnostic, text: &str) -> Option<String> {
    let rest = diagnostic.help.as_ref()?.strip_prefix("did you mean `")?;
    let (name, end) = rest.split_once('`')?;
    let word = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let bare = |text: &str| !text.is_empty() && text.chars().all(word);
    if !end.starts_with('?') || !bare(name) {
        return None;
    }
    let span = diagnostic.labels.first()?.span;
    let (before, written) = (
        text.get(..span.start as usize)?,
        text.get(span.start as usize..span.end as usize)?,
    );
    let name = without_what_stands_there(name, before);
    let inner = written.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match inner {
        Some(inner) if bare(inner) => Some(format!("\"{name}\"")),
        None if bare(written) => Some(name.to_owned()),
        _ => None,
    }
}

/// `lib.service` without `lib.`, where that stands before the span already.
fn without_what_stands_there<'n>(name: &'n str, before: &str) -> &'n str {
    let cuts = name.match_indices('.').map(|(at, _)| at + 1);
    let mut there = cuts.filter(|cut| name.get(..*cut).is_some_and(|begin| before.ends_with(begin)));
    there.next_back().and_then(|cut| name.get(cut..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambuild_lang::source::{FileId, Span};

    /// What is proposed for the place of `wrong` in a text.
    fn proposed(text: &str, wrong: &str, help: &str) -> Option<String> {
        let start = text.find(wrong).unwrap();
        let span = Span::new(FileId(0), start as u32, (start + wrong.len()) as u32);
        proposal(&Diagnostic::error("E0201", "", span, "").help(help), text)
    }

    #[test]
    fn only_a_word_takes_the_place_of_a_word() {
        let help = "did you mean `memory_size`?";
        assert_eq!(proposed("{ memry = 1 }", "memry", help).unwrap(), "memory_size");
        assert_eq!(
            proposed("{ \"memry\" = 1 }", "\"memry\"", help).unwrap(),
            "\"memory_size\""
        );
        assert_eq!(proposed("f(a b)", "a b", help), None);
        assert_eq!(proposed("x", "x", "write `let x = …`"), None);
        assert_eq!(proposed("x", "x", "did you mean `a b`?"), None);
    }

    #[test]
    fn what_stands_before_the_word_is_not_repeated() {
        let help = "did you mean `lib.layer.certs`?";
        assert_eq!(proposed("lib.layer.cers", "cers", help).unwrap(), "certs");
        assert_eq!(proposed("lib.layr", "layr", help).unwrap(), "layer.certs");
        assert_eq!(proposed("cers", "cers", help).unwrap(), "lib.layer.certs");
    }
}
