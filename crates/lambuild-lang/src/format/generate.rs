//! Files without mistakes, made from random bytes: every form of the grammar, with line
//! breaks, comments and blanks wherever they may stand.

/// Each byte decides one thing; when they are used up, the simplest is taken.
pub(super) fn file(bytes: &[u8]) -> String {
    let mut maker = Maker {
        bytes,
        at: 0,
        names: 0,
        text: String::new(),
        free: Vec::new(),
    };
    while maker.at < bytes.len() {
        maker.item(4);
        maker.end_of_line();
    }
    maker.text
}

struct Maker<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Makes keys and names that do not come twice.
    names: usize,
    text: String,
    /// For each open bracket, whether newlines are spaces in it.
    free: Vec<bool>,
}

impl Maker<'_> {
    fn below(&mut self, count: u8) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte % count
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn pick(&mut self, texts: &[&str]) {
        let index = self.below(texts.len() as u8);
        self.put(texts[usize::from(index)]);
    }

    /// Where blanks may stand, and newlines only inside of brackets that do not mind.
    fn gap(&mut self) {
        if self.free.last() == Some(&true) {
            self.wide();
        } else {
            self.pick(&[" ", " ", "   ", "\t"]);
        }
    }

    /// Where newlines and comments may stand.
    fn wide(&mut self) {
        self.pick(&[
            " ",
            " ",
            " ",
            " ",
            "\n",
            "\n  ",
            " # c\n",
            "\n\n\n# own\n",
            " \r\n\t",
        ]);
    }

    fn end_of_line(&mut self) {
        self.pick(&[
            "\n",
            "\n",
            "\n\n",
            "\n\n\n",
            " # end\n",
            "\n# own\n",
            "\n\n# a\n# b\n\n",
        ]);
    }

    fn name(&mut self) {
        self.names += 1;
        let length = usize::from(self.below(20));
        let name = format!("n{}{}", "x".repeat(length), self.names);
        self.put(&name);
    }

    /// Also a word of the language, if that `may` be.
    fn key(&mut self, may: bool) {
        match self.below(6) {
            0..=2 => self.name(),
            3 => {
                self.put("\"");
                self.name();
                self.put(" é/${a}\"");
            }
            _ => {
                // Each comes once, so that no key does twice.
                const WORDS: [&str; 8] = ["in", "or", "then", "else", "if", "for", "let", "function"];
                self.names += 1;
                match WORDS.get(self.names) {
                    Some(word) if may => self.put(word),
                    _ => self.name(),
                }
            }
        }
    }

    fn item(&mut self, depth: u8) {
        match self.below(9) {
            0..=2 => {
                self.pick(&["function ", "layer  ", "target ", "toolchain "]);
                self.name();
                self.put(" ");
                self.set(depth);
            }
            3 => {
                self.put("stage ");
                self.key(true);
                self.value(depth);
            }
            4 => {
                self.put("let ");
                self.name();
                self.value(depth);
            }
            5 => {
                self.put("let ");
                self.name();
                self.brackets("(", ")", true, |m| {
                    m.name();
                    if m.below(2) == 1 {
                        m.value(1);
                    }
                });
                self.value(depth);
            }
            6 => {
                self.put("import  ./a/b as ");
                self.name();
            }
            7 => {
                self.put("assert  ");
                self.expression(depth.min(2));
                self.put(" ,");
                self.wide();
                self.expression(1);
            }
            _ => self.repeated(depth),
        }
    }

    fn repeated(&mut self, depth: u8) {
        if depth == 0 {
            return self.put("import ./a as b");
        }
        if self.below(2) == 0 {
            self.put("for k, v in  (");
            self.free.push(true);
            self.expression(1);
            self.free.pop();
            self.put(") ");
            return self.block(depth);
        }
        self.put("if a  ? b ");
        self.block(depth);
        if self.below(2) == 1 {
            self.wide();
            self.put("else ");
            self.block(depth);
        }
    }

    fn block(&mut self, depth: u8) {
        self.put("{");
        self.free.push(false);
        self.wide();
        for _ in 0..self.below(3) {
            self.item(depth - 1);
            self.separator(false);
        }
        self.free.pop();
        self.put("}");
    }

    fn separator(&mut self, comma: bool) {
        if comma || self.below(3) == 1 {
            self.put(",");
            self.wide();
        } else {
            self.end_of_line();
        }
    }

    fn value(&mut self, depth: u8) {
        self.gap();
        self.put("=");
        self.wide();
        self.expression(depth);
    }

    fn brackets(&mut self, open: &str, close: &str, many: bool, mut element: impl FnMut(&mut Self)) {
        self.put(open);
        self.free.push(true);
        self.wide();
        let count = if many { self.below(4) } else { 1 };
        for at in 0..count {
            if at > 0 {
                self.wide();
                self.put(",");
                self.wide();
            }
            element(self);
        }
        self.wide();
        if many && count > 0 && self.below(3) == 0 {
            self.put(",");
            self.wide();
        }
        self.free.pop();
        self.put(close);
    }

    fn set(&mut self, depth: u8) {
        self.put("{");
        self.free.push(false);
        self.wide();
        // A line that begins with a word such as `in` continues the one before.
        let commas = self.below(2) == 1;
        for _ in 0..self.below(4) {
            if self.below(8) == 7 {
                self.put("inherit ");
                self.name();
                self.put("  ");
                self.name();
            } else {
                self.key(commas);
                self.pick(&["", "", ".b"]);
                self.value(depth.saturating_sub(1));
            }
            self.separator(commas);
        }
        self.free.pop();
        self.put("}");
    }

    fn expression(&mut self, depth: u8) {
        if depth == 0 {
            return self.operand(0);
        }
        match self.below(8) {
            0 => self.condition(depth - 1),
            1 => self.let_in(depth - 1),
            2 => {
                self.put("assert ");
                self.operand(depth - 1);
                self.put(",");
                self.wide();
                self.operand(0);
                self.wide();
                self.put("in");
                self.wide();
                self.expression(depth - 1);
            }
            3 | 4 => {
                self.operand(depth - 1);
                for _ in 0..=self.below(2) {
                    self.operator(depth - 1);
                }
            }
            _ => self.operand(depth - 1),
        }
    }

    fn condition(&mut self, depth: u8) {
        self.put("if ");
        self.operand(depth);
        for word in ["then", "else"] {
            self.wide();
            self.put(word);
            self.wide();
            self.expression(depth);
        }
    }

    fn let_in(&mut self, depth: u8) {
        self.put("let ");
        let free = self.free.last() == Some(&true);
        for at in 0..=self.below(2) {
            if at > 0 && (free || self.below(2) == 0) {
                self.put(",");
                self.wide();
            } else if at > 0 {
                self.end_of_line();
            }
            self.name();
            self.value(depth);
        }
        self.wide();
        self.put("in");
        self.wide();
        self.expression(depth);
    }

    fn operator(&mut self, depth: u8) {
        if self.below(2) == 0 {
            self.wide();
            self.pick(&["//", "++", "+", "&&", "||"]);
        } else {
            self.gap();
            self.pick(&["//", "+", "- ", "*", "/"]);
        }
        self.put(" ");
        self.wide();
        self.operand(depth);
    }

    fn operand(&mut self, depth: u8) {
        match self.below(if depth == 0 { 9 } else { 17 }) {
            0 => self.pick(&[
                "1",
                "-1",
                "- 1",
                "!a",
                "- -1",
                "a ? b",
                "null",
                "9223372036854775807",
            ]),
            1 => self.pick(&[
                "\"text\"",
                "\"a ${ b } \\n\"",
                "\"\"",
                "\"a long text that takes its place on a line of code\"",
            ]),
            2 => self.pick(&[
                "./a",
                "../b.c",
                "./a/${ x }/c",
                "./\"odd name\"/x",
                "(./a)",
                "./.",
            ]),
            3 => self.pick(&["a.b . c", "a.b.c", "./a .b", "f(a).b or c", "a.\"b c\" or ./d"]),
            4 => self.pick(&[
                "''\n  one\n    ${ x }\n  two  \n''",
                "''short''",
                "'' ${\n # in\n a}''",
            ]),
            5 => self.put("true"),
            6 | 7 => self.name(),
            8 => self.put("a"),
            9 | 10 => self.brackets("[", "]", true, |m| m.expression(depth - 1)),
            11 => self.brackets("[", "]", false, |m| {
                m.expression(depth - 1);
                m.wide();
                m.put("for x in");
                m.wide();
                m.operand(0);
                m.wide();
                m.pick(&["", "if  a"]);
            }),
            12 => {
                self.put("{ ");
                self.free.push(false);
                self.put("\"${k}\" = v for k , v in ");
                self.operand(0);
                self.free.pop();
                self.wide();
                self.pick(&["", "if a"]);
                self.wide();
                self.put("}");
            }
            13 => {
                self.pick(&["go ", "files  ", ""]);
                self.set(depth);
            }
            14 => {
                self.pick(&["f", "f ", "a.merge"]);
                self.brackets("(", ")", true, |m| {
                    m.pick(&["", "", "key = "]);
                    m.expression(depth - 1);
                });
            }
            _ => self.brackets("(", ")", false, |m| m.expression(depth - 1)),
        }
    }
}
