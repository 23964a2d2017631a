//! What multiplies itself, and whether it ends within the budget's 2 s and 256 MB.

use crate::clock::{forget_peak, milliseconds, peak, processor_time};
use crate::schema::SCHEMAS;
use lambuild_digest::RelPath;
use lambuild_lang::diagnostic::Severity;
use lambuild_lang::{MemoryFiles, Options, evaluate};
use std::time::Duration;

/// Workspaces that multiply themselves; each must end in an error, in time and in little memory.
fn bombs() -> Vec<(&'static str, String)> {
    let head = "workspace w { architectures = [\"arm64\"] }\nstage dev { region = \"r\" }\n";
    let tail = "function f { build = files { content = { \"a\" = \"x\" } }, environment = { A = last } }\n";
    let chain = |first: &str, step: fn(usize) -> String, last: usize| {
        let lines: String = (1..=last).map(|at| step(at) + "\n").collect();
        format!("{head}{first}\n{lines}let last = to_json(v{last})\n{tail}")
    };
    vec![
        (
            "lists",
            chain(
                "let v0 = [1]",
                |at| format!("let v{at} = v{0} ++ v{0}", at - 1),
                60,
            ),
        ),
        (
            "nested lists",
            chain(
                "let v0 = [1]",
                |at| format!("let v{at} = [{0}, {0}, {0}]", format!("v{}", at - 1)),
                60,
            ),
        ),
        (
            "texts",
            chain(
                "let v0 = \"x\"",
                |at| format!("let v{at} = \"${{v{0}}}${{v{0}}}\"", at - 1),
                60,
            ),
        ),
        (
            "templates",
            format!(
                "{head}let v0(x) = [x]\n{}let last = to_json(v60(1))\n{tail}",
                (1..=60)
                    .map(|at| format!("let v{at}(x) = v{0}(x) ++ v{0}(x)\n", at - 1))
                    .collect::<String>()
            ),
        ),
        (
            "a range",
            format!("{head}let last = to_json(range(100000000000))\n{tail}"),
        ),
        (
            "a comprehension",
            format!(
                "{head}let last = to_json([[[x + y + z for x in range(9000)] for y in range(9000)] for z in range(9000)])\n{tail}"
            ),
        ),
        (
            "comparisons",
            format!("{head}let last = to_json(unique([[x] for x in range(30000)]))\n{tail}"),
        ),
        (
            "replacing",
            chain(
                "let v0 = \"xx\"",
                |at| format!("let v{at} = replace(v{}, \"x\", \"xxxxxxxx\")", at - 1),
                60,
            ),
        ),
        (
            "sets",
            chain(
                "let v0 = { a = 1 }",
                |at| format!("let v{at} = {{ a = v{0}, b = v{0}, c = v{0} }}", at - 1),
                60,
            ),
        ),
        (
            "merges",
            chain(
                "let v0 = { a = 1 }",
                |at| format!("let v{at} = merge({{ x{at} = v{0}, y = v{0} }}, v{0})", at - 1),
                60,
            ),
        ),
        (
            "targets",
            format!(
                "{head}for a in range(3000) {{ for b in range(3000) {{ target \"t${{a}}-${{b}}\" = ./. }} }}\n"
            ),
        ),
        (
            "targets that work",
            format!(
                "{head}let slow(n) = len([x for x in range(200000) if x == n])\nfor a in range(5000) {{ target \"t${{a}}\" = files {{ content = {{ \"a\" = \"${{slow(a)}}\" }} }} }}\n"
            ),
        ),
        (
            "dead weight",
            format!("{head}let last = [ \"${{x}}\" for x in range(3000000) ]\n{tail}"),
        ),
    ]
}

/// Runs each and prints what it took; whether all held.
pub fn measure_bombs() -> bool {
    let mut fine = true;
    for (name, text) in bombs() {
        let mut files = MemoryFiles::default();
        files.insert(RelPath::new("lambda.build").expect("a clean path"), &text);
        forget_peak();
        let before = peak();
        let start = processor_time();
        let errors = evaluate(&files, &SCHEMAS, &Options::default()).check();
        let time = processor_time() - start;
        let memory = peak() - before;
        let ended = errors.iter().any(|error| error.severity == Severity::Error);
        let good = ended && time < Duration::from_secs(2) && memory < 256;
        fine = fine && good;
        let first = errors.first().map_or("no error", |error| &error.message);
        println!(
            "  {name:18} {:>10} {memory:>4} MB  {}{first}",
            milliseconds(time),
            if good { "" } else { "NOT IN TIME: " }
        );
    }
    fine
}
