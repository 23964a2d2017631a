//! What stands at a path in an output: the meaning of `sub(product, "path")`.
//! Looks into stored folders and copies nothing.

use crate::{codes, content};
use lambuild_digest::{Directories, Directory, Node, RelPath};
use lambuild_lang::diagnostic::{Diagnostic, Exit};
use lambuild_lang::nearest;
use lambuild_lang::source::Span;

/// Links that are followed on the way before it counts as a circle, as on Linux.
const MAX_LINKS: usize = 40;

/// The file or folder at `path` in an output; links on the way and at its end are followed.
pub fn of(
    output: &Node,
    path: &RelPath,
    trees: &dyn Directories,
    span: Span,
) -> Result<Node, Box<Diagnostic>> {
    let mut path = path.clone();
    for _ in 0..=MAX_LINKS {
        match step(output, &path, trees, span)? {
            Found::Node(node) => return Ok(node),
            Found::Link(other) => path = other,
        }
    }
    let message = format!("links in the product lead in a circle from `{path}`");
    Err(Box::new(missing(message, span)))
}

enum Found {
    Node(Node),
    /// A link stands in the way; with it resolved, this is the path.
    Link(RelPath),
}

fn step(
    output: &Node,
    path: &RelPath,
    trees: &dyn Directories,
    span: Span,
) -> Result<Found, Box<Diagnostic>> {
    let (mut node, mut at) = (output.clone(), RelPath::root());
    let parts: Vec<&str> = path.parts().collect();
    for (depth, name) in parts.iter().enumerate() {
        let Node::Directory(digest) = &node else {
            let message = format!("`{at}` in the product is a file, so there is no `{path}`");
            return Err(Box::new(missing(message, span)));
        };
        let folder = trees
            .directory(digest)
            .map_err(|error| content::tree(&error, span))?;
        let next = folder
            .get(name)
            .ok_or_else(|| nothing_there(&at, name, &folder, span))?;
        if let Node::Symlink { target } = next {
            let rest = parts[depth + 1..].join("/");
            let led = at.resolve(&format!("{target}/{rest}"));
            return led
                .map(Found::Link)
                .map_err(|_| Box::new(leaves(&at, name, span)));
        }
        node = next.clone();
        at = at.child(name).map_err(|_| Box::new(leaves(&at, name, span)))?;
    }
    Ok(Found::Node(node))
}

fn nothing_there(at: &RelPath, name: &str, folder: &Directory, span: Span) -> Box<Diagnostic> {
    let message = match at.is_root() {
        true => format!("there is no `{name}` in the product"),
        false => format!("there is no `{name}` in `{at}` of the product"),
    };
    let error = missing(message, span);
    let names: Vec<&str> = folder.nodes().map(|(name, _)| name).collect();
    Box::new(match nearest(name, names.iter().copied()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None if names.is_empty() => error.note("the folder is empty"),
        None => error.note(format!("it has `{}`", names[..names.len().min(6)].join("`, `"))),
    })
}

fn leaves(at: &RelPath, name: &str, span: Span) -> Diagnostic {
    missing(format!("the link `{name}` in `{at}` leaves the product"), span)
}

/// Found out when what it is a part of was built, so the build failed.
fn missing(message: String, span: Span) -> Diagnostic {
    Diagnostic::error(codes::PART, message, span, "this part is needed").exit(Exit::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, Trees};

    fn site() -> Bench {
        Bench::new(&[
            ("site/a/b/c.txt", "c"),
            ("site/a/d.txt", "d"),
            ("site/e.txt", "e"),
        ])
    }

    fn listing(part: &str) -> String {
        let bench = site();
        let step = bench.step(&format!(
            "files {{ content = {{ \"x\" = sub(files {{ content = ./site }}, {part}) }} }}"
        ));
        bench.listing(&step)
    }

    #[test]
    fn a_part_is_a_folder_or_a_file() {
        assert_eq!(listing("\"a\""), "x/b/c.txt \"c\"\nx/d.txt \"d\"");
        assert_eq!(listing("\"a/b/c.txt\""), "x \"c\"");
        assert_eq!(
            listing("\".\""),
            "x/a/b/c.txt \"c\"\nx/a/d.txt \"d\"\nx/e.txt \"e\""
        );
    }

    #[test]
    fn what_is_outside_of_the_part_is_not_in_the_input() {
        let root = |bench: Bench| {
            bench
                .step("files { content = { \"x\" = sub(files { content = ./site }, \"a\") } }")
                .input_root
        };
        let other = Bench::new(&[
            ("site/a/b/c.txt", "c"),
            ("site/a/d.txt", "d"),
            ("site/e.txt", "E"),
            ("site/f", ""),
        ]);
        assert_eq!(root(site()), root(other));
    }

    #[test]
    fn a_part_that_is_not_there_is_named() {
        let bench = site();
        let message = |part: &str| {
            bench.message(&format!(
                "files {{ content = {{ \"x\" = sub(files {{ content = ./site }}, {part}) }} }}"
            ))
        };
        insta::assert_snapshot!(message("\"a/dd.txt\""), @r#"
        error[E1005]: there is no `dd.txt` in `a` of the product
         --> lambda.build:2:38
          |
        2 | target t = files { content = { "x" = sub(files { content = ./site }, "a/dd.txt") } }
          |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this part is needed
          |
          = help: did you mean `d.txt`?
        "#);
        insta::assert_snapshot!(message("\"e.txt/x\""), @r#"
        error[E1005]: `e.txt` in the product is a file, so there is no `e.txt/x`
         --> lambda.build:2:38
          |
        2 | target t = files { content = { "x" = sub(files { content = ./site }, "e.txt/x") } }
          |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this part is needed
        "#);
    }

    #[test]
    fn links_are_followed_inside_of_the_product() {
        use lambuild_digest::{DigestFunction, Dir, Entry};
        let bench = site();
        let file = DigestFunction::Blake3.digest(b"c");
        let mut made = Dir::default();
        made.file(&RelPath::new("lib/real").unwrap(), file, false)
            .unwrap();
        made.put(&RelPath::new("current").unwrap(), Entry::symlink("lib"), &())
            .unwrap();
        made.put(&RelPath::new("loop").unwrap(), Entry::symlink("loop"), &())
            .unwrap();
        made.put(&RelPath::new("out").unwrap(), Entry::symlink("../etc"), &())
            .unwrap();
        let output = Node::Directory(bench.store.keep(&made));
        let span = Span::new(lambuild_lang::source::FileId(0), 0, 0);
        let part = |path: &str| of(&output, &RelPath::new(path).unwrap(), &bench.store, span);
        let real = Node::File {
            digest: file,
            executable: false,
        };
        assert_eq!(part("current/real").unwrap(), real);
        assert_eq!(
            part("loop").unwrap_err().message,
            "links in the product lead in a circle from `loop`"
        );
        assert_eq!(
            part("out/passwd").unwrap_err().message,
            "the link `out` in `.` leaves the product"
        );
    }
}
