//! Decides what to say to someone who writes another language's form where this one needs
//! something else. Knows no grammar: only the text at the place of the mistake.

/// What the language has instead of `found`; `glued` when it stands right behind what came before.
pub(super) fn hint(found: &str, glued: bool) -> Option<&'static str> {
    Some(match found {
        ";" => "entries and items end at a newline; in a set also at a comma",
        "'" | "`" | "“" | "”" | "‘" | "’" | "„" | "«" => {
            "strings are written in `\"`, those of several lines in `''`"
        }
        ":" => "a key and its value are joined by `=`",
        "&" | "and" => "`a && b` is true where both are",
        "|" => "`a || b` is true where one of them is",
        "^" => "there is no power or exclusive or; `a != b` compares booleans",
        "%" => "`mod(a, b)` gives the remainder",
        "\\" => "outside of strings a line needs no sign to go on: end it in an operator, or use parentheses",
        "not" => "`!a` is true where `a` is false",
        "elif" | "elsif" | "elseif" => "write `else if`",
        ">" => "a template is a named item: `let name(parameters) = …`",
        "=" => "`==` compares; `=` gives a value to a name",
        "[" if glued => "lists have no index; an entry of a set is `set.key` or `set.\"any key\"`",
        "..." | ".." => "there is no `...`: sets are joined by `merge(a, b)`, lists by `a ++ b`",
        _ => return None,
    })
}
