//! How fast the language is, and how much memory it takes:
//! `cargo run --release -p lambuild-lang --example bench`.
//!
//! Workspaces of 1,000 and of 10,000 functions, ten to a file, are made in memory and
//! parsed, then evaluated for both architectures. The small one shows that the growth is
//! linear. Times are those of the processor, so other work on the machine does not
//! change them. After them come workspaces that multiply themselves, which must end in time.

#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

use lambuild_digest::RelPath;
use lambuild_lang::diagnostic::Severity;
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::value::TargetId;
use lambuild_lang::{MemoryFiles, Options, Schemas, SyntaxTree, evaluate};
use std::fmt::Write;
use std::fs;
use std::time::Duration;

const TEXT: Type = Type::Str { min: 0, max: 1000 };
const MAP: Type = Type::Map {
    key: |_| Ok(()),
    value: &TEXT,
};

static FUNCTION: Schema = Schema {
    name: "function",
    doc: "A function.",
    attributes: &[
        Attribute::new("function_name", TEXT, ""),
        Attribute::new("runtime", TEXT, ""),
        Attribute::new("handler", TEXT, ""),
        Attribute::new("role", TEXT, ""),
        Attribute::new("architecture", TEXT, ""),
        Attribute::new("description", TEXT, ""),
        Attribute::new("timeout", Type::Int { min: 1, max: 900 }, ""),
        Attribute::new(
            "memory_size",
            Type::Int {
                min: 128,
                max: 10_240,
            },
            "",
        ),
        Attribute::new("environment", MAP, ""),
        Attribute::new("tags", MAP, ""),
        Attribute::new(
            "layers",
            Type::List {
                item: &Type::Layer,
                max: 5,
            },
            "",
        ),
    ],
};
static LAYER: Schema = Schema {
    name: "layer",
    doc: "A layer.",
    attributes: &[Attribute::new("layer_name", TEXT, "")],
};
static STAGE: Schema = Schema {
    name: "stage",
    doc: "A stage.",
    attributes: &[
        Attribute::new("region", TEXT, ""),
        Attribute::new("role", TEXT, ""),
        Attribute::new("vars", Type::Any, ""),
        Attribute::new("overrides", Type::Any, ""),
    ],
};
static GO: Schema = Schema {
    name: "go",
    doc: "A Go program.",
    attributes: &[
        Attribute::new("main", Type::Path, ""),
        Attribute::new(
            "tags",
            Type::List {
                item: &TEXT,
                max: 100,
            },
            "",
        ),
        Attribute::new(
            "ldflags",
            Type::List {
                item: &TEXT,
                max: 100,
            },
            "",
        ),
    ],
};
static FILES: Schema = Schema {
    name: "files",
    doc: "Files.",
    attributes: &[Attribute::new(
        "content",
        Type::Map {
            key: |_| Ok(()),
            value: &Type::Content,
        },
        "",
    )],
};
static TOOLCHAIN: Schema = Schema {
    name: "go",
    doc: "Go.",
    attributes: &[Attribute::new("version", TEXT, "")],
};

const SCHEMAS: Schemas<'static> = Schemas {
    function: &FUNCTION,
    layer: &LAYER,
    stage: &STAGE,
    builders: &[&GO, &FILES],
    toolchains: &[&TOOLCHAIN],
};

const ROOT: &str = r#"workspace bench {
  architectures     = ["arm64", "x86_64"]
  function_name     = "${stage.name}-${target.name}"
  defaults.function = { runtime = "provided.al2023", tags.owner = "platform" }
}
toolchain go { version = "1.26.8" }
stage dev  { region = "eu-west-1", role = "arn:dev", vars = { prefix = "dev", level = "debug" } }
stage prod { region = "eu-west-1", role = "arn:prod", vars = { prefix = "prod", level = "info" } }
layer certs { content = { "etc/ssl/certs/ca.pem" = ./certs/ca.pem } }
"#;

const LIBRARY: &str = r#"
let flags(team) = [ "-X main.${k}=${v}" for k, v in { team = team.name, arch = arch.go } ]

let service(main, team, memory = 256, timeout = 10) = {
  build       = go { main = main, tags = ["lambda.norpc"], ldflags = flags(team) }
  memory_size = memory
  timeout     = timeout
  tags        = { team = team.name, cost = "cc-${team.cost}" }
  environment = {
    LOG_LEVEL = stage.vars.level
    TABLE     = "${stage.vars.prefix}-${team.table}"
    NAME      = target.name
  }
}
"#;

/// A file with ten functions: five by a loop, five that differ.
fn service_file(number: usize) -> String {
    let mut text = format!(
        "import ../../lib/service.build as lib\nimport ../.. as root\n\n\
         let team = {{ name = \"team-{number}\", table = \"orders-{number}\", cost = {} }}\n\n\
         # One function for each program.\n\
         for dir in dirs(./cmd) {{\n  function \"s{number}-${{basename(dir)}}\" = lib.service(dir, team, memory = 512)\n}}\n",
        number % 97
    );
    for at in 0..5 {
        write!(
            text,
            "\nfunction s{number}-extra-{at} = merge(lib.service(./extra, team, timeout = {at} + 3), {{\n  \
               layers      = [root.layer.certs]\n  \
               environment = {{ INDEX = \"{at}\", QUEUES = join(\",\", [ \"q-${{n}}\" for n in range(3) if n != {at} ]) }}\n}})\n"
        )
        .expect("a string takes text");
    }
    text
}

fn workspace(count: usize) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    let mut add = |path: String, text: &str| files.insert(RelPath::new(&path).expect("a clean path"), text);
    add("lambda.build".to_owned(), ROOT);
    add("certs/ca.pem".to_owned(), "");
    add("lib/service.build".to_owned(), LIBRARY);
    for number in 0..count {
        let dir = format!("services/s{number:04}");
        add(format!("{dir}/lambda.build"), &service_file(number));
        add(format!("{dir}/extra/main.go"), "");
        for program in ["api", "worker", "cron", "stream", "admin"] {
            add(format!("{dir}/cmd/{program}/main.go"), "");
        }
    }
    files
}

/// The time that this process has had a processor, which other processes do not change;
/// 0 where Linux does not say.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = processor_time();
    let made = work();
    (made, processor_time() - start)
}

/// One run's part of several, since the kernel counts in steps of some milliseconds. What
/// the runs make is thrown away after the measurement.
fn mean<T>(runs: u32, mut work: impl FnMut() -> T) -> Duration {
    let (made, time) = timed(|| (0..runs).map(|_| work()).collect::<Vec<T>>());
    drop(made);
    time / runs
}

/// The most memory that was in use since [`forget_peak`], in MB; 0 where Linux does not say.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

fn forget_peak() {
    // Without it the peaks are those of all that was measured before, too.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Everything that the build asks, for both architectures.
fn build_all(files: &MemoryFiles) {
    let mut evaluation = evaluate(files, &SCHEMAS, &Options::default());
    assert!(
        evaluation.diagnostics.is_empty(),
        "{:?}",
        evaluation.diagnostics.first()
    );
    for index in 0..evaluation.targets().len() {
        let id = TargetId(index as u32);
        for arch in evaluation.target(id).architectures.clone() {
            assert!(evaluation.build(id, arch).is_ok());
        }
    }
}

/// Everything there is, for both architectures and two stages.
fn check_all(files: &MemoryFiles) {
    let errors = evaluate(files, &SCHEMAS, &Options::default()).check();
    assert!(errors.is_empty(), "{:?}", errors.first());
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn measure(count: usize) {
    let files = workspace(count);
    let texts: Vec<String> = (0..count).map(service_file).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let parse = mean(20, || SyntaxTree::parse_all(texts.iter().map(|text| &**text)));
    let build = mean(5, || build_all(&files));
    let check = mean(5, || check_all(&files));
    println!("{} functions in {count} files, {} KB", count * 10, bytes / 1000);
    println!("  parse                       {}", milliseconds(parse));
    println!("  + evaluate, 2 architectures {}", milliseconds(build));
    println!("  + check, 2 stages as well   {}", milliseconds(check));
}

/// Measured before all else, since memory that was freed may still count as used.
fn measure_memory(count: usize) {
    let files = workspace(count);
    forget_peak();
    let before = peak();
    check_all(&files);
    println!(
        "{} functions, checked: {} MB, of which {before} MB are files and program",
        count * 10,
        peak()
    );
}

fn one_large_file() {
    let text: String = (0..5_000)
        .map(|number| service_file(number).replace("import", "# import"))
        .collect();
    let time = mean(4, || SyntaxTree::parse(&text));
    let speed = text.len() as f64 / 1e6 / time.as_secs_f64();
    println!(
        "one file of {} MB: {}, {speed:.0} MB/s",
        text.len() / 1_000_000,
        milliseconds(time)
    );
}

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

fn measure_bombs() -> bool {
    let mut fine = true;
    for (name, text) in bombs() {
        let mut files = MemoryFiles::default();
        files.insert(RelPath::new("lambda.build").expect("a clean path"), &text);
        forget_peak();
        let before = peak();
        let (errors, time) = timed(|| evaluate(&files, &SCHEMAS, &Options::default()).check());
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

fn main() {
    measure_memory(100);
    measure_memory(1000);
    println!("what multiplies itself ends within 2 s and 256 MB:");
    let bombs_end = measure_bombs();
    one_large_file();
    measure(100);
    measure(1000);
    assert!(bombs_end, "a budget does not hold");
}
