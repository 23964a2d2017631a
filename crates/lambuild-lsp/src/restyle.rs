//! What `lambuild fmt` changes in a text, as one small edit, so that the cursor keeps its place.

use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::format::format;
use std::ops::Range;

/// The piece that differs and what takes its place; `None` for a text in style.
///
/// # Errors
/// What keeps the text from being parsed.
pub fn restyle(text: &str) -> Result<Option<(Range<usize>, String)>, Vec<Diagnostic>> {
    let new = format(text)?;
    if new == text {
        return Ok(None);
    }
    let before = lines_alike(text.split_inclusive('\n'), new.split_inclusive('\n'));
    let (old_rest, new_rest) = (&text[before..], &new[before..]);
    let after = lines_alike(
        old_rest.split_inclusive('\n').rev(),
        new_rest.split_inclusive('\n').rev(),
    );
    let (old_end, new_end) = (text.len() - after, new.len() - after);
    Ok(Some((before..old_end, new[before..new_end].to_owned())))
}

/// The bytes of the lines that both begin with.
fn lines_alike<'t>(old: impl Iterator<Item = &'t str>, new: impl Iterator<Item = &'t str>) -> usize {
    let alike = old.zip(new).take_while(|(old, new)| old == new);
    alike.map(|(line, _)| line.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_replaced() {
        let text = "# é\nlet a = 1\nlet  b=2\nlet c = 3\n";
        let (span, new) = restyle(text).unwrap().unwrap();
        assert_eq!((&text[span], &*new), ("let  b=2\n", "let b = 2\n"));
        assert_eq!(restyle("let a = 1\n"), Ok(None));
        assert_eq!(restyle("let a = 1"), Ok(Some((0..9, "let a = 1\n".to_owned()))));
        assert_eq!(restyle("let a = (").unwrap_err().len(), 1);
    }

    #[test]
    fn the_edit_makes_the_formatted_text() {
        for text in [
            "a",
            "let a=1\n\n\n\nlet a=1",
            "let a=1\nlet a=1\n",
            "\n\nlet x = {\na=1\nb=2\n}\n\n",
        ] {
            let Ok(Some((span, new))) = restyle(text) else {
                continue;
            };
            let mut edited = text.to_owned();
            edited.replace_range(span, &new);
            assert_eq!(edited, format(text).unwrap());
        }
    }
}
