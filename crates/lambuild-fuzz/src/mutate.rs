//! Decides how a text is spoiled as a hand or a merge would spoil it: a word or a byte is
//! lost, doubled, changed or put somewhere else.

/// What may come into a text: words, brackets and signs of the language, and strangers.
const PIECES: [&str; 56] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "''",
    "${",
    "$",
    "=",
    "==",
    ",",
    ".",
    "..",
    "./",
    "../",
    "//",
    "++",
    "+",
    "-",
    "*",
    "/",
    "!",
    "?",
    ":",
    ";",
    "|",
    "||",
    "&&",
    "<",
    ">",
    "#",
    "\\",
    "\n",
    " ",
    "\t",
    "\r",
    "0",
    "9999999999999999999",
    "1.5",
    "if",
    "then",
    "else",
    "let",
    "in",
    "for",
    "or",
    "function",
    "stage",
    "inherit",
    "null",
    "é",
    "\u{feff}",
    "\u{202e}",
    "\u{0}",
];

/// One change; its numbers are taken modulo what there is to choose from.
#[derive(Debug, Clone, Copy)]
pub struct Edit {
    /// Which kind of change.
    pub how: u8,
    /// Where.
    pub at: u16,
    /// With what, or to where.
    pub with: u16,
}

/// The text after these changes, in order.
pub fn mutate(text: &str, edits: &[Edit]) -> String {
    edits
        .iter()
        .fold(text.to_owned(), |text, edit| once(&text, *edit))
}

fn once(text: &str, Edit { how, at, with }: Edit) -> String {
    let words = words(text);
    if words.is_empty() {
        return PIECES[usize::from(with) % PIECES.len()].to_owned();
    }
    let at = usize::from(at) % words.len();
    let other = words[usize::from(with) % words.len()];
    let piece = PIECES[usize::from(with) % PIECES.len()];
    let word = words[at];
    let instead = match how % 8 {
        0 => String::new(),
        1 => format!("{word}{word}"),
        2 => format!("{piece}{word}"),
        3 => piece.to_owned(),
        4 => other.to_owned(),
        5 => without_last(word),
        6 => format!("{word}{other}"),
        _ => return words[..at].concat(),
    };
    [&words[..at].concat(), &*instead, &words[at + 1..].concat()].concat()
}

fn without_last(word: &str) -> String {
    let mut letters = word.chars();
    letters.next_back();
    letters.as_str().to_owned()
}

/// The text in pieces: words, single signs, runs of blanks.
fn words(text: &str) -> Vec<&str> {
    let class = |letter: char| match letter {
        _ if letter.is_alphanumeric() || letter == '_' => 1,
        ' ' => 2,
        _ => 0,
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = |letter: char| class(letter) != 0 && class(letter) == class(first);
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, letter)| !same(*letter))
            .map_or(rest.len(), |(at, _)| at);
        let (word, after) = rest.split_at(end);
        found.push(word);
        rest = after;
    }
    found
}
