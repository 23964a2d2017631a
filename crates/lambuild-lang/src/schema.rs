//! The type of the tables that say which attributes a declaration or a builder
//! has. The tables stand beside each rule and are handed in.

/// The attributes of one declaration (`function`) or builder (`go`).
#[derive(Debug)]
pub struct Schema {
    /// The word in the language.
    pub name: &'static str,
    /// One line of text.
    pub doc: &'static str,
    /// In the order of the reference page.
    pub attributes: &'static [Attribute],
}

/// One attribute.
#[derive(Debug)]
pub struct Attribute {
    /// Its name, snake case.
    pub name: &'static str,
    /// What it takes.
    pub ty: Type,
    /// Whether it must be there.
    pub required: bool,
    /// The default as one would write it, for the reference page.
    pub default: Option<&'static str>,
    /// One line of text: meaning, unit, source of a range.
    pub doc: &'static str,
}

impl Attribute {
    /// An optional attribute without a default.
    pub const fn new(name: &'static str, ty: Type, doc: &'static str) -> Self {
        Attribute {
            name,
            ty,
            required: false,
            default: None,
            doc,
        }
    }

    /// Must be there.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Has a default.
    #[must_use]
    pub const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }
}

/// What an attribute takes. `null` is always taken and means "not given".
#[derive(Debug)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// An integer of this range, both ends included.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A string of this length in characters, both ends included.
    Str {
        /// Shortest.
        min: usize,
        /// Longest.
        max: usize,
    },
    /// A string that a function judges; it answers what is wrong.
    Checked(fn(&str) -> Result<(), String>),
    /// As [`Type::Checked`]; what is right may still deserve a warning.
    Advised {
        /// It answers what is wrong.
        check: fn(&str) -> Result<(), String>,
        /// It answers what is odd about a string that is right.
        advice: fn(&str) -> Option<String>,
        /// What it usually is, for those who offer a choice.
        known: &'static [&'static str],
    },
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A string that may interpolate content, which it keeps.
    Template,
    /// A path of the workspace.
    Path,
    /// Files: a path, a product, a reference to a target, or (as one file) a string.
    Content,
    /// A product, or what becomes one by `files` (a path, a reference).
    Product,
    /// `layer.x` or an ARN as a string.
    Layer,
    /// `toolchain.x`.
    Toolchain,
    /// What is run while something is built: a toolchain, or content, which is built
    /// for the platform that runs it.
    Tool,
    /// The first word of a command: the name of a program, or a [`Type::Tool`]; content in a string is one, too.
    Program,
    /// A list of at most `max` items.
    List {
        /// What an item is.
        item: &'static Type,
        /// The most items.
        max: usize,
    },
    /// A command as a list of at least one word.
    Words {
        /// What the first word is.
        first: &'static Type,
        /// What every other word is.
        rest: &'static Type,
        /// The most words.
        max: usize,
    },
    /// A set with free keys.
    Map {
        /// What a key must be; it answers what is wrong.
        key: fn(&str) -> Result<(), String>,
        /// What a value is.
        value: &'static Type,
    },
    /// A set with the attributes of another table.
    Set(&'static Schema),
    /// One of several forms, the usual one first.
    Either(&'static [Type]),
    /// Anything; whoever reads it checks it.
    Any,
}
