//! Workspaces that multiply themselves, or make the evaluator look at much again and again.
//! What becomes of them is decided by those who evaluate them: a test with a small budget, and
//! the benchmark with the real one.

const HEAD: &str = "workspace w { architectures = [\"arm64\"] }\nstage dev { region = \"r\" }\n";
const TAIL: &str = "function f { build = files { content = { \"a\" = \"x\" } }, runtime = \"provided.al2023\", environment = { A = last } }\n";

/// A workspace, whose files are made when they are asked for.
pub struct Bomb {
    pub name: &'static str,
    root: Box<dyn Fn() -> String>,
    /// The path and text of a further file.
    data: Option<Box<dyn Fn() -> (String, String)>>,
}

impl Bomb {
    fn new(name: &'static str, root: impl Fn() -> String + 'static) -> Self {
        let root = Box::new(root);
        Bomb {
            name,
            root,
            data: None,
        }
    }

    /// The paths and texts of all files; the first is the root's `lambda.build`.
    pub fn files(&self) -> Vec<(String, String)> {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let mut files = vec![
            ("lambda.build".to_owned(), (self.root)()),
            file("data/text", &"0123456789".repeat(100)),
            file("data/one.json", "{\"a\": [1, 2.5, null]}"),
            file("data/one.yaml", "a: [1, 2]\n"),
        ];
        files.extend((0..100).map(|at| (format!("folder-{at}/file"), String::new())));
        files.extend(self.data.iter().map(|data| data()));
        files
    }
}

/// How large the bombs are.
#[derive(Clone, Copy)]
pub struct Size {
    /// Bytes of a root file that has much in it.
    pub text: usize,
    /// Bytes of a data file, or of one string in a root file.
    pub data: usize,
    /// Bytes of the string `big`: a power of two, 64 at least.
    pub string: usize,
}

/// Lets that have names for things that are large: `big` and `other` are strings as long as each
/// other that differ at their end only, `list` has 1,000 strings like `big`, `set` 1,000 entries.
fn large(size: Size) -> String {
    let doubled = size.string.trailing_zeros().saturating_sub(6);
    let mut text = format!("let b0 = \"{}\"\n", "x".repeat(64));
    for at in 1..=doubled {
        text.push_str(&format!("let b{at} = b{0} + b{0}\n", at - 1));
    }
    text.push_str(&format!(
        "let big = b{doubled} + \"1\"\nlet other = b{doubled} + \"2\"\n\
         let list = [other for x in range(1000)]\nlet set = {{ \"k${{x}}\" = x for x in range(1000) }}\n"
    ));
    text
}

/// One expression each, evaluated for ever more `x`.
const AGAIN: [(&str, &str); 49] = [
    ("a list of long strings is searched", "contains(list, big)"),
    ("a long string is searched", "contains(big, \"y\")"),
    ("a long string is searched for a long one", "contains(big, other)"),
    ("long starts are compared", "starts_with(big, other)"),
    ("long ends are compared", "ends_with(big, other)"),
    ("long strings are compared", "big == other"),
    ("long strings are told apart", "big != other"),
    ("long strings are ordered", "big < other"),
    ("lists of long strings are compared", "list == list"),
    ("long strings are sorted", "len(sort(list))"),
    ("long strings are made unique", "len(unique(list))"),
    ("letters are counted", "len(big)"),
    ("long strings in capitals", "len(upper(big))"),
    ("long strings in small letters", "len(lower(big))"),
    ("long strings are trimmed", "len(trim(big))"),
    ("long strings are hashed", "hash(big)"),
    ("long strings are split", "len(split(\"y\", big))"),
    ("long strings are split to pieces", "len(split(\"x\", big))"),
    ("nothing is replaced", "len(replace(big, \"y\", \"z\"))"),
    ("letters are doubled", "len(replace(big, \"x\", \"zz\"))"),
    ("letters vanish", "len(replace(big, \"x\", \"\"))"),
    ("long strings are joined", "len(join(big, list))"),
    (
        "short strings are joined",
        "len(join(\"\", [\"a\" for y in range(1000)]))",
    ),
    ("long strings become JSON", "len(to_json(big))"),
    ("sets become JSON", "len(to_json(set))"),
    ("long strings become text", "len(to_string(big))"),
    ("long strings in strings", "\"${big}${x}\""),
    ("long strings are added", "len(big + other)"),
    ("long keys are looked for", "contains(set, big)"),
    ("long keys are made", "{ \"${big}\" = x }"),
    ("keys are listed", "len(keys(set))"),
    ("values are listed", "len(values(set))"),
    ("the least is looked for", "min([y for y in range(1000)])"),
    ("the most of a set", "max(values(set))"),
    ("sets are merged", "len(merge(set, set))"),
    ("sets are updated", "len(set // { a = x })"),
    ("sets are compared", "set == set"),
    (
        "sets are filtered",
        "len({ \"${k}\" = v for k, v in set if v == x })",
    ),
    ("lists are filtered", "len([y for y in list if x == y])"),
    ("lists are numbered", "len([i for i, y in list])"),
    ("folders are listed", "len(dirs(./.))"),
    ("folders are searched", "len(glob(./., \"**/*\"))"),
    (
        "patterns are read",
        "len(glob(./data, [\"a*b*${y}\" for y in range(50)], allow_empty = true))",
    ),
    ("a file is read", "len(read(./data/text))"),
    ("data is read", "json(./data/one.json)"),
    ("other data is read", "yaml(./data/one.yaml)"),
    ("last parts of long texts", "basename(big)"),
    ("paths are put together", "basename(sub(./data, \"a/${x}\"))"),
    ("long texts as paths", "sub(./data, join(\"/\", list))"),
];

/// Each value is made of the one before, `PREVIOUS`; its number is `AT`.
const CHAINS: [(&str, &str, &str); 11] = [
    ("lists", "[1]", "PREVIOUS ++ PREVIOUS"),
    ("nested lists", "[1]", "[PREVIOUS, PREVIOUS, PREVIOUS]"),
    ("texts", "\"x\"", "\"${PREVIOUS}${PREVIOUS}\""),
    ("sums of texts", "\"x\"", "PREVIOUS + PREVIOUS + PREVIOUS"),
    ("joined texts", "\"x\"", "join(PREVIOUS, [PREVIOUS, PREVIOUS])"),
    ("replacing", "\"xx\"", "replace(PREVIOUS, \"x\", \"xxxxxxxx\")"),
    (
        "sets",
        "{ a = 1 }",
        "{ a = PREVIOUS, b = PREVIOUS, c = PREVIOUS }",
    ),
    (
        "merges",
        "{ a = 1 }",
        "merge({ xAT = PREVIOUS, y = PREVIOUS }, PREVIOUS)",
    ),
    ("JSON in JSON", "\"\\\"\"", "to_json(PREVIOUS)"),
    (
        "conditions",
        "1",
        "if [PREVIOUS, PREVIOUS] == [PREVIOUS, 1] then [PREVIOUS] else [PREVIOUS, PREVIOUS]",
    ),
    (
        "long numbers of one another",
        "[[1]]",
        "[x for x in PREVIOUS ++ PREVIOUS if x == x]",
    ),
];

/// Whole root files, after the head.
const FILES: [(&str, &str); 22] = [
    ("a range", "let last = to_json(range(100000000000))\n"),
    (
        "a range of ranges",
        "let last = to_json([range(1000) for x in range(1000000)])\n",
    ),
    (
        "a comprehension",
        "let last = to_json([[[x + y + z for x in range(9000)] for y in range(9000)] for z in range(9000)])\n",
    ),
    (
        "comparisons",
        "let last = to_json(unique([[x] for x in range(30000)]))\n",
    ),
    ("dead weight", "let last = [ \"${x}\" for x in range(600000) ]\n"),
    (
        "an overflowing set",
        "let last = to_json({ \"k${x}\" = [x] for x in range(600000) })\n",
    ),
    (
        "targets",
        "for a in range(3000) { for b in range(3000) { target \"t${a}-${b}\" = ./. } }\nlet last = \"\"\n",
    ),
    (
        "targets that work",
        "let slow(n) = len([x for x in range(100000) if x == n])\nlet last = \"\"\n\
         for a in range(5000) { target \"t${a}\" = files { content = { \"a\" = \"${slow(a)}\" } } }\n",
    ),
    (
        "functions that are wrong",
        "for a in range(100000) { function \"f${a}\" { build = 1, memory_size = \"x\", wrong = a } }\nlet last = \"\"\n",
    ),
    (
        "functions that are not there",
        "for a in range(100000) { function \"f${a}\" = function.none }\nlet last = \"\"\n",
    ),
    (
        "names that are wrong",
        "for a in range(100000) { function \"-${a}\" = 1 }\nlet last = \"\"\n",
    ),
    (
        "names that are the same",
        "for a in range(100000) { target t = ./. }\nlet last = \"\"\n",
    ),
    (
        "stages",
        "for a in range(100000) { stage \"s${a}\" { region = \"r\" } }\nlet last = \"\"\n",
    ),
    (
        "stages and targets",
        "for a in range(2000) { stage \"s${a}\" { region = \"r\" } }\nlet last = \"\"\n\
         for a in range(2000) { function \"f${a}\" { build = ./., runtime = \"provided.al2023\" } }\n",
    ),
    (
        "overrides",
        "stage many { region = \"r\", overrides = [{ targets = \"f*\", set = { timeout = 1 } } for x in range(100000)] }\n\
         for a in range(2000) { function \"f${a}\" { build = ./., runtime = \"provided.al2023\" } }\nlet last = \"\"\n",
    ),
    (
        "files of a product",
        "target t = files { content = { \"a${x}\" = \"text\" for x in range(1000000) } }\nlet last = \"\"\n",
    ),
    (
        "variables that are wrong",
        "function g { build = ./., runtime = \"provided.al2023\", environment = { \"A ${x}\" = x for x in range(300000) } }\nlet last = \"\"\n",
    ),
    (
        "paths that are not there",
        "for a in range(100000) { target \"t${a}\" = ./\"none-${a}\" }\nlet last = \"\"\n",
    ),
    (
        "updates that lose",
        "let last = to_json([len({ a = { b = x } } // { a = { c = x } }) for x in range(600000)])\n",
    ),
    (
        "templates that call templates",
        "let a(x) = [x, x]\nlet b(x) = a(a(a(a(a(x)))))\nlet c(x) = b(b(b(b(x))))\nlet last = to_json(c(c(c(1))))\n",
    ),
    (
        "a long message",
        "let t(n) = join(\"\", [\"0123456789\" for x in range(n)])\nlet last = \"\"\n\
         for a in range(2000) { assert a < 0, t(50000) }\n",
    ),
    (
        "content in strings",
        "let t0 = \"${./.}\"\nlet t1 = \"${t0}${t0}${t0}${t0}${t0}${t0}${t0}${t0}${t0}${t0}\"\n\
         let t2 = \"${t1}${t1}${t1}${t1}${t1}${t1}${t1}${t1}${t1}${t1}\"\n\
         let last = to_json([len([\"${t2}${t2}${t2}\" != \"\"]) for x in range(1000000)])\n\
         for a in range(100000) { target \"t${a}\" = files { content = { \"a\" = \"${t2}${t2}\" } } }\n",
    ),
];

/// Data files of much text or many parts: what reads them, what one part is, what stands around.
const DATA: [(&str, &str, [&str; 3]); 10] = [
    ("a list of lists", "json", ["[", "[],", "1]"]),
    ("a list of numbers", "json", ["[", "1,", "1]"]),
    ("a list of texts", "json", ["[", "\"\",", "1]"]),
    ("a list of sets", "json", ["[", "{\"a\":1},", "1]"]),
    ("one long text", "json", ["\"", "0123456789", "\""]),
    ("a list", "yaml", ["", "- 1\n", "- 2\n"]),
    ("a flow of lists", "yaml", ["[", "[],", "1]"]),
    (
        "aliases",
        "yaml",
        ["a: &a [1, 2, 3, 4, 5, 6, 7, 8]\nb: [", "*a,", "1]\n"],
    ),
    ("a list", "toml", ["a = [", "1,", "1]\n"]),
    ("tables", "toml", ["", "[[a]]\n", "\n"]),
];

/// All of them.
pub fn bombs(size: Size) -> Vec<Bomb> {
    let again = AGAIN.map(|(name, expression)| {
        Bomb::new(name, move || {
            let last = format!("let last = to_json([{expression} for x in range(100000)])\n");
            format!("{HEAD}{}{last}{TAIL}", large(size))
        })
    });
    let chains = CHAINS.map(|(name, first, step)| Bomb::new(name, move || chain(first, step)));
    let whole = FILES.map(|(name, text)| Bomb::new(name, move || format!("{HEAD}{text}{TAIL}")));
    let data = DATA.map(|(name, format, parts)| data(name, format, parts, size));
    let all = again.into_iter().chain(chains).chain(whole).chain(data);
    all.chain(of_text(size)).collect()
}

fn chain(first: &str, step: &str) -> String {
    let one = |at: usize| {
        let step = step.replace("AT", &at.to_string());
        let previous = format!("v{}", at - 1);
        format!("let v{at} = {}\n", step.replace("PREVIOUS", &previous))
    };
    let chain: String = (1..=60).map(one).collect();
    format!("{HEAD}let v0 = {first}\n{chain}let last = to_json(v60)\n{TAIL}")
}

fn data(name: &'static str, format: &'static str, parts: [&'static str; 3], size: Size) -> Bomb {
    let [start, part, end] = parts;
    let path = format!("data/large.{format}");
    let root = format!("{HEAD}let last = to_json({format}(./{path}))\n{TAIL}");
    let mut bomb = Bomb::new(name, move || root.clone());
    bomb.data = Some(Box::new(move || {
        let count = size.data / part.len();
        (path.clone(), format!("{start}{}{end}", part.repeat(count)))
    }));
    bomb
}

/// Root files of much text: their names, what they begin with, what is repeated until the text
/// is long, with its number for `AT`, and how they end; `LAST` is the last number.
const TEXTS: [(&str, [&str; 3]); 5] = [
    (
        "many names in one block",
        [
            "let last = \"\"\nfor x in [1] {\n",
            "  let nAT = 1\n",
            "  target t = files { content = { \"a\" = to_json([nLAST for y in range(1000000)]) } }\n}\n",
        ],
    ),
    (
        "many unknown names",
        ["let last = \"\"\nlet known = [\n", "  nAT,\n", "]\n"],
    ),
    ("many elements", ["let last = to_json([", "1, ", "1])\n"]),
    (
        "many lets and what multiplies itself",
        [
            "let last = to_json([[x for x in range(1000)] for y in range(1000000)])\n",
            "let nAT = [1]\n",
            "",
        ],
    ),
    ("many targets", ["let last = \"\"\n", "target tAT = ./.\n", ""]),
];

/// Root files with a long string or word in them, in the same way.
const WORDS: [(&str, [&str; 3]); 3] = [
    (
        "a long string in the text",
        [
            "let t = \"",
            "xxxxxxxx",
            "\"\nlet last = to_json([\"${t}${x}\" for x in range(1000)])\n",
        ],
    ),
    (
        "a long literal in a string",
        [
            "let last = to_json([len(\"${x}",
            "xxxxxxxx",
            "\") for x in range(100000)])\n",
        ],
    ),
    (
        "a long key",
        [
            "let s = { a = 1 }\nlet last = to_json([s.a",
            "xxxxxxxx",
            " or 1 for x in range(1000000)])\n",
        ],
    ),
];

fn of_text(size: Size) -> impl Iterator<Item = Bomb> {
    let texts = TEXTS.into_iter().map(move |bomb| (size.text, bomb));
    let words = WORDS.into_iter().map(move |bomb| (size.data, bomb));
    texts.chain(words).map(|(size, (name, [start, part, end]))| {
        Bomb::new(name, move || {
            let count = size / (part.len() + 3);
            let parts: String = (0..count).map(|at| part.replace("AT", &at.to_string())).collect();
            let end = end.replace("LAST", &(count - 1).to_string());
            format!("{HEAD}{start}{parts}{end}{TAIL}")
        })
    })
}
