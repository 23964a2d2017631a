//! Which files a `//go:embed` pattern takes. Knows Go's pattern syntax and what
//! it refuses to embed, not which patterns a package has.

use std::collections::BTreeSet;

use lambuild_digest::RelPath;

use super::sources::{GoFiles, Kind, begins_module, kind_of};

/// The files that one pattern of the package in `package` takes.
///
/// # Errors
/// Why Go refuses the pattern, as the end of a sentence. Rules: package `embed`,
/// section "Directives", and `resolveEmbed` in `cmd/go` 1.26.
pub fn embedded(files: &dyn GoFiles, package: &RelPath, pattern: &str) -> Result<BTreeSet<RelPath>, String> {
    let (all, glob) = pattern
        .strip_prefix("all:")
        .map_or((false, pattern), |glob| (true, glob));
    let mut taken = BTreeSet::new();
    for found in matches(files, package, &parse(glob)?) {
        check_place(files, package, &found)?;
        match kind_of(files, &found) {
            Some(Kind::File) => {
                taken.insert(found);
            }
            Some(Kind::Dir) => taken.extend(files_below(files, package, &found, all)?),
            _ => {
                return Err(format!(
                    "`{}` is a link or no regular file",
                    below(package, &found)
                ));
            }
        }
    }
    if taken.is_empty() {
        return Err("it matches no file".into());
    }
    Ok(taken)
}

fn below(package: &RelPath, path: &RelPath) -> RelPath {
    path.below(package).unwrap_or_else(|| path.clone())
}

/// Refuses what could not be part of the module when it is published: nested modules, links and odd names on the way.
fn check_place(files: &dyn GoFiles, package: &RelPath, found: &RelPath) -> Result<(), String> {
    let mut step = package.clone();
    for name in below(package, found).parts() {
        step = step.child(name).map_err(|error| error.to_string())?;
        let shown = below(package, &step);
        if begins_module(files, &step) {
            return Err(format!(
                "`{shown}` belongs to another module, for it holds a go.mod"
            ));
        }
        if step != *found && kind_of(files, &step) != Some(Kind::Dir) {
            return Err(format!(
                "`{shown}` is a link, and embedding does not follow links to folders"
            ));
        }
        if is_bad_name(name) {
            return Err(format!("`{shown}` has a name that Go does not embed"));
        }
    }
    Ok(())
}

/// All embeddable files of a folder: hidden ones only with `all:`, none of nested modules, no links.
fn files_below(
    files: &dyn GoFiles,
    package: &RelPath,
    top: &RelPath,
    all: bool,
) -> Result<BTreeSet<RelPath>, String> {
    let mut taken = BTreeSet::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for (name, kind) in files.list(&folder).unwrap_or_default() {
            if is_hidden(&name) && (!all || is_bad_name(&name)) || is_bad_name(&name) && kind == Kind::Dir {
                continue;
            }
            if is_bad_name(&name) {
                return Err(format!(
                    "`{}/{name}` has a name that Go does not embed",
                    below(package, &folder)
                ));
            }
            let Ok(path) = folder.child(&name) else { continue };
            match kind {
                Kind::File => {
                    taken.insert(path);
                }
                Kind::Dir if !begins_module(files, &path) => folders.push(path),
                Kind::Dir | Kind::Link => {}
            }
        }
    }
    if taken.is_empty() {
        return Err(format!(
            "the folder `{}` holds no file that can be embedded",
            below(package, top)
        ));
    }
    Ok(taken)
}

fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

/// Names that cannot be part of a published module. Source: `module.CheckFilePath` and `isBadEmbedName` of Go 1.26.
fn is_bad_name(name: &str) -> bool {
    const RESERVED: &[&str] = &[
        "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
        "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
    ];
    let allowed = |c: char| {
        c.is_ascii_alphanumeric() || "!#$%&()+,-.=@[]^_{}~ ".contains(c) || !c.is_ascii() && c.is_alphabetic()
    };
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    name.ends_with('.')
        || name.is_empty()
        || !name.chars().all(allowed)
        || RESERVED.contains(&stem.as_str())
        || [".bzr", ".hg", ".git", ".svn"].contains(&name)
}

/// What matches a pattern, in the order of the bytes.
fn matches(files: &dyn GoFiles, package: &RelPath, pattern: &[Vec<Piece>]) -> BTreeSet<RelPath> {
    let mut found = BTreeSet::from([package.clone()]);
    for element in pattern {
        let children = found.iter().flat_map(|folder| children(files, folder, element));
        found = children.collect();
    }
    found
}

fn children(files: &dyn GoFiles, folder: &RelPath, element: &[Piece]) -> Vec<RelPath> {
    let entries = files.list(folder).unwrap_or_default();
    let names = entries.iter().filter(|(name, _)| takes(element, name));
    names.filter_map(|(name, _)| folder.child(name).ok()).collect()
}

/// A part of a pattern for one name.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// `*`
    Any,
    /// `?`
    One,
    /// A character that stands for itself.
    Char(char),
    /// `[a-z]` or `[^a-z]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Cuts a pattern into its names and these into pieces. Syntax: Go's `path.Match`.
fn parse(pattern: &str) -> Result<Vec<Vec<Piece>>, String> {
    let malformed = || "the pattern is malformed".to_owned();
    let names = pattern.split('/').map(|name| {
        if matches!(name, "" | "." | "..") {
            return Err(
                "it must name files below the package's folder, without `.`, `..` or a slash at an end"
                    .into(),
            );
        }
        pieces(name).ok_or_else(malformed)
    });
    names.collect()
}

fn pieces(name: &str) -> Option<Vec<Piece>> {
    let mut chars = name.chars().peekable();
    let mut pieces = Vec::new();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Char(chars.next()?),
            '[' => class(&mut chars)?,
            c => Piece::Char(c),
        });
    }
    Some(pieces)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn class(chars: &mut Chars<'_>) -> Option<Piece> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
        let low = class_char(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() {
            class_char(chars)?
        } else {
            low
        };
        ranges.push((low, high));
    }
    Some(Piece::Class { negated, ranges })
}

fn class_char(chars: &mut Chars<'_>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

/// Whether a pattern takes the whole name. Goes back to the last `*` only, which is enough and never explodes.
fn takes(pattern: &[Piece], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut piece, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(piece), name.get(at)) {
            (None, None) => return true,
            (Some(Piece::Any), _) => {
                star = Some((piece, at));
                piece += 1;
                continue;
            }
            (Some(one), Some(c)) if takes_char(one, *c) => {
                (piece, at) = (piece + 1, at + 1);
                continue;
            }
            _ => {}
        }
        match star {
            Some((any, from)) if from < name.len() => {
                star = Some((any, from + 1));
                (piece, at) = (any + 1, from + 1);
            }
            _ => return false,
        }
    }
}

fn takes_char(piece: &Piece, c: char) -> bool {
    match piece {
        Piece::Any | Piece::One => true,
        Piece::Char(own) => *own == c,
        Piece::Class { negated, ranges } => {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::go::testing::Memory;

    fn tree() -> Memory {
        Memory::new(&[
            ("p/a.txt", ""),
            ("p/.dot", ""),
            ("p/dir/b.txt", ""),
            ("p/dir/_c.txt", ""),
            ("p/dir/.git/x", ""),
            ("p/dir/sub/d.txt", ""),
            ("p/dir/nested/go.mod", ""),
            ("p/dir/nested/e.txt", ""),
            ("p/hidden/.only", ""),
            ("p/odd/a:b", ""),
        ])
        .link("p/link.txt")
    }

    fn embed(pattern: &str) -> Result<String, String> {
        let package = RelPath::new("p").unwrap();
        let files = embedded(&tree(), &package, pattern)?;
        Ok(files
            .iter()
            .map(|file| below(&package, file).to_string())
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn what_patterns_take() {
        for (pattern, files) in [
            ("a.txt", "a.txt"),
            ("[a-c].t?t", "a.txt"),
            ("dir", "dir/b.txt dir/sub/d.txt"),
            ("all:dir", "dir/_c.txt dir/b.txt dir/sub/d.txt"),
            ("dir/*.txt", "dir/_c.txt dir/b.txt"),
            ("*/sub/d.txt", "dir/sub/d.txt"),
            (".*", ".dot"),
            ("all:hidden", "hidden/.only"),
            ("di[^x]/\\b.txt", "dir/b.txt"),
        ] {
            assert_eq!(embed(pattern).as_deref(), Ok(files), "{pattern}");
        }
    }

    #[test]
    fn what_is_refused() {
        let why = |pattern: &str| embed(pattern).unwrap_err();
        assert_eq!(why("none.txt"), "it matches no file");
        assert_eq!(why("["), "the pattern is malformed");
        assert_eq!(
            why("../x"),
            "it must name files below the package's folder, without `.`, `..` or a slash at an end"
        );
        assert_eq!(
            why("hidden"),
            "the folder `hidden` holds no file that can be embedded"
        );
        assert_eq!(why("link.txt"), "`link.txt` is a link or no regular file");
        assert_eq!(
            why("dir/nested/e.txt"),
            "`dir/nested` belongs to another module, for it holds a go.mod"
        );
        assert_eq!(why("dir/.git/x"), "`dir/.git` has a name that Go does not embed");
        assert_eq!(why("odd"), "`odd/a:b` has a name that Go does not embed");
    }

    proptest::proptest! {
        #[test]
        fn a_star_takes_every_name(name in "[a-zé.]{0,20}", cut in 0usize..20) {
            let head: String = name.chars().take(cut).collect();
            assert!(takes(&pieces(&format!("{head}*")).unwrap(), &name));
            assert!(takes(&pieces("*").unwrap(), &name));
            assert!(!takes(&pieces(&format!("*{name}X")).unwrap(), &name));
        }

        #[test]
        fn any_pattern_is_taken(pattern in "[a-z*?\\[\\]^\\\\-]{0,30}", name in "[a-z]{0,40}") {
            if let Some(pieces) = pieces(&pattern) { takes(&pieces, &name); }
        }
    }
}
