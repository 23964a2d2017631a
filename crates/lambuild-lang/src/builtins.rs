//! What each built-in function takes and gives, in words for an editor. What they do is decided in
//! `machine`; a test holds the two lists together.

/// A built-in function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// A call with its parameters.
    pub usage: &'static str,
    /// One line of text.
    pub doc: &'static str,
}

const fn builtin(name: &'static str, usage: &'static str, doc: &'static str) -> Builtin {
    Builtin { name, usage, doc }
}

/// All of them, sorted by name.
pub const BUILTINS: &[Builtin] = &[
    builtin(
        "at",
        "at(\"arm64\", x)",
        "What `x` is for the other architecture.",
    ),
    builtin("basename", "basename(x)", "The last part of a path or string."),
    builtin(
        "contains",
        "contains(x, y)",
        "Whether a list has the element, a set the key or a string the part `y`.",
    ),
    builtin("dirname", "dirname(x)", "A path or string without its last part."),
    builtin(
        "dirs",
        "dirs(path)",
        "The folders in a folder, sorted; ignored ones are left out.",
    ),
    builtin("div", "div(a, b)", "The quotient of two integers."),
    builtin(
        "ends_with",
        "ends_with(text, part)",
        "Whether a string ends with another.",
    ),
    builtin(
        "glob",
        "glob(dir, patterns, exclude = [], allow_empty = false)",
        "The files of a folder that match, as paths, sorted. Finding none is an error unless `allow_empty`.",
    ),
    builtin(
        "hash",
        "hash(x)",
        "64 hexadecimal digits that differ where `x` differs.",
    ),
    builtin(
        "join",
        "join(separator, list)",
        "The strings of a list, put together.",
    ),
    builtin(
        "json",
        "json(path)",
        "The value that a JSON file of the sources holds.",
    ),
    builtin("keys", "keys(set)", "The keys of a set, in the order of writing."),
    builtin(
        "len",
        "len(x)",
        "How many elements, entries or characters there are.",
    ),
    builtin("lower", "lower(text)", "The text in small letters."),
    builtin("max", "max(…)", "The greatest of the arguments or of one list."),
    builtin(
        "merge",
        "merge(a, b, …)",
        "The sets put together, deeply; the later one wins.",
    ),
    builtin("min", "min(…)", "The smallest of the arguments or of one list."),
    builtin(
        "mod",
        "mod(a, b)",
        "The remainder of two integers, never negative.",
    ),
    builtin(
        "param",
        "param(\"name\", default = x)",
        "What `--param name=…` says, read as what the default is; without a default it must be given.",
    ),
    builtin(
        "range",
        "range(from, to)",
        "The integers from `from` (or 0) to before `to`.",
    ),
    builtin("read", "read(path)", "The text of a source file."),
    builtin(
        "replace",
        "replace(text, from, to)",
        "The text with every `from` replaced.",
    ),
    builtin(
        "secret",
        "secret(\"ssm:/a/b\")",
        "Stands for a secret, from `ssm:…` or `env:NAME`; only for deploy attributes, never text.",
    ),
    builtin(
        "sort",
        "sort(list)",
        "A list of strings or numbers in order; strings by bytes.",
    ),
    builtin(
        "split",
        "split(separator, text)",
        "The parts of a text between separators.",
    ),
    builtin(
        "starts_with",
        "starts_with(text, part)",
        "Whether a string begins with another.",
    ),
    builtin(
        "sub",
        "sub(x, \"rel/path\")",
        "A part of a path or product; only that part is depended on.",
    ),
    builtin("to_json", "to_json(x)", "The value as compact JSON."),
    builtin(
        "to_string",
        "to_string(x)",
        "The text of a string, number or boolean.",
    ),
    builtin(
        "toml",
        "toml(path)",
        "The value that a TOML file of the sources holds.",
    ),
    builtin("trim", "trim(text)", "The text without blanks at its ends."),
    builtin(
        "unique",
        "unique(list)",
        "The list with the first of each element.",
    ),
    builtin("upper", "upper(text)", "The text in capital letters."),
    builtin(
        "values",
        "values(set)",
        "The values of a set, in the order of writing.",
    ),
    builtin(
        "yaml",
        "yaml(path)",
        "The value that a YAML file of the sources holds.",
    ),
];

/// The words that begin an item, the kinds of declaration first.
pub fn item_words() -> Vec<&'static str> {
    let kinds = crate::syntax::ast::DeclareKind::ALL;
    kinds
        .iter()
        .map(|kind| kind.word())
        .chain(crate::syntax::ITEM_WORDS)
        .collect()
}

/// The builders that the language names, those included that this version does not have.
pub fn builder_words() -> &'static [&'static str] {
    &crate::syntax::BUILDERS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_described_and_no_other() {
        let described: Vec<&str> = BUILTINS.iter().map(|builtin| builtin.name).collect();
        assert_eq!(described, crate::machine::BUILTIN_NAMES);
        let calls = |builtin: &&Builtin| builtin.usage.starts_with(&format!("{}(", builtin.name));
        assert_eq!(BUILTINS.iter().find(|builtin| !calls(builtin)), None);
    }
}
