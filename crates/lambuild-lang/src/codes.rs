//! Every code that this crate gives to a diagnostic, with its explanation, as
//! data for `lambuild explain` and the reference page. A code never changes its meaning.

/// A stable code and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// Such as `E0102`.
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// One paragraph: what it means, why it is an error, what to do.
    pub text: &'static str,
}

/// The explanation of a code, however its letter is written.
pub fn explain(code: &str) -> Option<&'static Code> {
    ALL.iter().find(|known| known.code.eq_ignore_ascii_case(code))
}

macro_rules! codes {
    ($($name:ident $code:literal $title:literal $text:literal)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*

        /// All codes of this crate, in their order.
        pub const ALL: &[Code] = &[$(Code { code: $code, title: $title, text: $text }),*];
    };
}

codes! {
    SYNTAX "E0101" "the text does not follow the grammar"
        "At this place the language needs something else. Entries of a set end at a newline or a comma; a line goes on only when it ends in an operator, `=`, `,`, `then`, `else` or `in`, or when the next one begins with an operator, `or`, `then`, `else` or `in`. The rest of the file is read all the same, so further mistakes are reported in the same run."
    STRING "E0102" "a string does not end"
        "A string in `\"` ends on the line it begins on. Write `\\n` for a line break, or use an indented string in `''` for text of several lines. To write `${` itself, put a backslash before it (in an indented string, two quotes)."
    ESCAPE "E0103" "an unknown escape"
        "A backslash in a string begins an escape: `\\n`, `\\r`, `\\t`, `\\\\`, `\\\"`, `\\${` or `\\u{…}` with the number of a character in hexadecimal. To write a backslash itself, write two."
    NUMBER "E0104" "a number that cannot be read"
        "Numbers are integers of 64 bits, or exact decimals such as `1.5`, written in decimal digits. Text that begins with a digit is written in quotes."
    TOO_DEEP "E0105" "the text nests too deep"
        "Brackets, operators and conditions may nest a hundred levels deep, far more than anyone reads. Give a name to an inner part with `let` and use the name."
    CHARACTER "E0106" "a character that the language does not use"
        "This character has no meaning outside of strings and comments. Names are made of letters, digits, `_` and `-`; other text is written in quotes."
    DUPLICATE_KEY "E0107" "a key is set twice"
        "A set has each key once. Two dotted keys may share their beginning (`a.b = 1` and `a.c = 2` make one set `a`), but nothing may be set twice. To change a value of another set, use `merge(first, second)`."
    UNKNOWN_NAME "E0201" "an unknown name"
        "The name is neither a `let`, an `import` or a parameter that can be seen from here, nor a word of the language. Files see their own names only: to use those of another file, import it and write `file.name`."
    DUPLICATE_NAME "E0202" "a name is declared twice"
        "In one folder every function, layer and target has a name of its own, whatever its kind, since artifacts and addresses are made from it. The same holds for the names of `let` and `import` in one file, and for the stages and toolchains of a workspace."
    RESERVED_NAME "E0203" "a name with a meaning of its own"
        "Words such as `function` and `arch`, and the names of builders, always mean the same. Take another name."
    BAD_NAME "E0204" "a name with characters that names do not have"
        "The name of a function, layer or target becomes part of file names and addresses: it begins with a letter, a digit or `_`, and goes on with letters, digits, `.`, `_` and `-`."
    MISPLACED "E0205" "an item that may not stand here"
        "`workspace` stands once, in the root's `lambda.build`; `toolchain` and `stage` stand there or in a file that `workspace.include` names; functions, layers and targets stand in a folder's `lambda.build`, not in a library file."
    UNKNOWN_TARGET "E0206" "a reference to something that is not declared"
        "`function.x`, `layer.x` and `target.x` mean declarations of the same folder. For those of another folder, import it: `import ./dir as other`, then `other.layer.x`. `toolchain.x` means a toolchain of the workspace."
    IMPORT "E0207" "an import that cannot be followed"
        "An import names a folder with a `lambda.build`, or a library file whose name ends in `.build`, by a fixed path inside the workspace. A folder that belongs to another workspace, or is excluded, cannot be imported."
    UNKNOWN_BUILDER "E0208" "an unknown builder or kind of toolchain"
        "A name before `{` is a builder such as `go` or `files`. Some names are kept for builders that this version does not have yet. Templates are called with parentheses."
    NOT_CALLABLE "E0209" "something that cannot be called"
        "Only templates (`let name(parameters) = …`) and built-in functions can be called, by their name. A template is no value: it can be called, but not passed on."
    ARGUMENTS "E0210" "the wrong arguments"
        "A call gives each parameter at most once, by place or by name; parameters without a default must be given."
    RECURSION "E0211" "a template that calls itself"
        "Templates may call other templates, but never, by whatever detour, themselves: so every file comes to an end. Repetition is written with `for`."
    TYPE "E0301" "a value of the wrong kind"
        "The operator or function works on values of another kind. Nothing is converted silently: `to_string` makes text of a number, `\"${x}\"` puts it into text."
    NO_ATTRIBUTE "E0302" "an attribute that is not there"
        "The set has no such attribute. `a.b or default` gives a value for this case, `a ? b` asks."
    ARITHMETIC "E0303" "arithmetic without an answer"
        "Numbers have 64 bits, and a result beyond them is an error, as is a division by zero. Nothing is rounded: `/` is for divisions that a decimal answers exactly, such as `1 / 8`; `div` and `mod` give quotient and remainder of integers."
    CYCLE "E0304" "a value that depends on itself"
        "To know this value one would have to know it already. Each hop is shown with its place: take away one of them."
    CONTEXT "E0305" "`arch`, `stage` or `target.name` where it has no value"
        "Which targets exist, and the workspace, toolchains and stages, are the same for every architecture and stage. Build attributes are evaluated for each architecture, so that the same bytes go to every stage. Deploy attributes are evaluated for each stage."
    ASSERT "E0306" "an assertion does not hold"
        "The condition of an `assert` is false. The message is its author's, who thought of this case: change what it speaks of, or the assertion."
    NOT_YET "E0307" "something that this version does not have yet"
        "The language has it, this version of lambuild does not: its name is kept, so that files which use it in a later version mean one thing. Build it by other means for now, such as a `files` of what another tool made, or take a version that has it."
    ARGUMENT_VALUE "E0308" "a built-in function cannot take this value"
        "The value is of the right kind, but the function has no answer for it, such as the largest of no numbers. The message says which values it takes."
    COMPARE "E0309" "values that cannot be compared"
        "Products are known only once they are built, so they cannot be compared. `<` and its like compare two numbers or two strings."
    UNKNOWN_ATTRIBUTE "E0401" "an unknown attribute"
        "The declaration or builder has no attribute of this name. An unknown name is never ignored, since a typing error would then change nothing and say nothing."
    ATTRIBUTE_TYPE "E0402" "an attribute of the wrong kind"
        "The attribute takes another kind of value. The message says what it takes, what was found and where that comes from."
    RANGE "E0403" "a value out of range"
        "The value is beyond what AWS, or the builder, takes. `lambuild doc NAME` shows the range of every attribute."
    MISSING_ATTRIBUTE "E0404" "a missing attribute"
        "The attribute has no default and must be set. `lambuild doc NAME` shows what it takes; what many declarations share can stand in `workspace.defaults` or a stage's `defaults`."
    INVALID "E0405" "a value that is not valid"
        "The text is not of the form that is needed here. The message says which form that is."
    ARCHITECTURE "E0406" "an unknown architecture"
        "AWS Lambda runs functions on `arm64` and on `x86_64`. A function's `architecture` is one of those that it is built for."
    OVERRIDE "E0407" "a default or override that cannot hold"
        "`defaults` and `overrides` change deploy attributes of functions and layers. What is built is the same for every stage, so `build` and its like cannot be overridden."
    SAME_NAME "E0408" "two targets with one deployed name"
        "Two functions, or two layers, would have the same name in one account and region of a stage, and would overwrite each other. Give one of them another `function_name` or `layer_name`, or put the target's name into the workspace's pattern."
    DECLARATION "E0409" "a declaration without what it needs"
        "A function, layer or target is a set that says how it is built: `build = …`, or for a layer `content = …` or `arn = …`."
    MISSING_PATH "E0501" "a path that does not exist"
        "Nothing stands at this path, or it is ignored. Paths are relative to the file they are written in, also when a template gets them."
    OUTSIDE "E0502" "a path out of the workspace"
        "A path never leaves the workspace: what lies outside is not the same on every machine."
    UNREADABLE "E0503" "a file that cannot be read"
        "The file does not exist, is no UTF-8 text, is too large for a build file, or the system refuses to read it."
    NO_WORKSPACE "E0504" "no workspace"
        "The root of a workspace is the folder whose `lambda.build` has a `workspace` item. A folder that `members` lists needs one too."
    DATA "E0505" "a data file with mistakes"
        "`json`, `yaml` and `toml` read a source file as data. The message says what the format does not allow and where. Numbers are kept exactly, so one that has too many digits is refused: write it as a text."
    SECRET "E0506" "a secret where none may be"
        "A secret is fetched when the deployment runs, and is never text: it can be the whole value of a deploy attribute, such as a variable of `environment`. It is not part of other text, and nothing that is built holds one, since artifacts are kept and shared."
    VERSION "E0601" "another version of lambuild is needed"
        "The workspace says which versions of lambuild can build it, and this one is not among them."
    PARAM "E0602" "a parameter without a value"
        "The file reads `param(\"name\")`, which has no default, and the command line gives no `--param name=…`; or its text cannot be read as what the default is."
    UNKNOWN_STAGE "E0603" "an unknown stage"
        "No stage of this name is declared for the target's workspace. A folder that is a workspace of its own has its own stages, and the root's where it has none of that name. Correct the name, or declare the stage."
    PATTERN "E0604" "a target that does not exist"
        "A word that names targets is `dir:name`, `:name` or `name` for one in the current folder, `dir:*` for all of a folder, or `dir/...` for all below it."
    BUDGET "E0701" "evaluation takes too much"
        "Evaluation has a budget of steps, memory and depth, generous for any real workspace, so that a mistake ends in this error and not in a machine that stands still."
    LOST_KEYS "W0301" "`//` that loses keys of a nested set"
        "`left // right` takes each entry of the right set as a whole: where both have a set under one key, the keys that only the left one has are gone. `merge(left, right)` keeps them. Where the loss is meant, set the key to `null` first: `(left // { key = null }) // right`."
    UNFAMILIAR "W0401" "a value that this version does not know"
        "The value looks like those that are known, so a newer service may well take it. This version of lambuild knows nothing of it, so nothing else about it is checked."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn explain_finds_a_code() {
        assert_eq!(
            explain("e0304").map(|code| code.title),
            Some("a value that depends on itself")
        );
        assert!(explain("E9999").is_none());
    }
}
