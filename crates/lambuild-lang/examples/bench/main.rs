//! How fast the language is, how much memory it takes, and how that compares with Nix:
//! `cargo xtask bench lang`.
//!
//! Workspaces of 1,000 and of 10,000 functions, ten to a file, with templates, imports and
//! comprehensions. The same workspace is written in Nix, and that both mean the same is
//! checked before anything is measured. Times are those of the processor, of one core, since
//! other work on the machine hardly changes them; each is the median of several runs.

#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

mod bombs;
mod clock;
mod disk;
mod model;
mod nix;
mod schema;
mod table;

use clock::{median, milliseconds, peak, processor_time};
use disk::Disk;
use lambuild_digest::RelPath;
use lambuild_lang::value::TargetId;
use lambuild_lang::{Cost, Evaluation, Files, MemoryFiles, Options, SyntaxTree, evaluate};
use schema::SCHEMAS;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use table::Table;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["alone", "parse", folder] => alone(|| parse_folder(Path::new(folder))),
        ["alone", "build", folder] => alone(|| drop(build_all(&Disk(folder.into())))),
        // For a profiler: `valgrind --tool=callgrind … alone memory 100` counts instructions.
        ["alone", "memory", count] => {
            let files = in_memory(count.parse().unwrap_or(100));
            alone(|| drop(build_all(&files)));
        }
        ["alone", "bomb", number] => bombs::one(number.parse().unwrap_or(usize::MAX)),
        ["large"] => println!("{:?}", check_all(&in_memory(1000)).cost()),
        ["bombs"] => return ExitCode::from(u8::from(!bombs::measure_bombs())),
        ["alone", "nothing"] => alone(|| ()),
        _ => return all(args.first().copied()),
    }
    ExitCode::SUCCESS
}

/// Does one thing in a process of its own and prints its processor time, the start's included,
/// in nanoseconds, and its peak of memory in MB.
fn alone(work: impl FnOnce()) {
    work();
    println!("{} {}", processor_time().as_nanos(), peak());
}

fn all(lambuild: Option<&str>) -> ExitCode {
    let mut table = Table::default();
    println!("what multiplies itself ends within 2 s and 256 MB:");
    let bombs_end = bombs::measure_bombs();
    println!();
    large_file(&mut table);
    let small = in_process(100);
    let large = in_process(1000);
    goals(&mut table, &small, &large);
    let folder = scratch();
    if let Err(why) = on_disk(&mut table, &folder, lambuild) {
        table.failed(&why);
    }
    let _ = fs::remove_dir_all(&folder);
    table.print();
    if table.passed() && bombs_end {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A folder beside this program.
fn scratch() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.parent().and_then(Path::parent).and_then(Path::parent);
    target.unwrap_or(Path::new(".")).join("bench-lang")
}

/// What a workspace takes within this process, its files in memory.
struct Taken {
    functions: usize,
    bytes: usize,
    parse: Duration,
    build: Duration,
    check: Duration,
    /// What the check takes of its budget's steps and bytes, in hundredths.
    budget: (u64, u64),
}

fn in_process(count: usize) -> Taken {
    let files = in_memory(count);
    let texts: Vec<String> = (0..count).map(model::service_file).collect();
    Taken {
        functions: count * 10,
        bytes: texts.iter().map(String::len).sum(),
        parse: median(|| SyntaxTree::parse_all(texts.iter().map(|text| &**text))),
        build: median(|| build_all(&files)),
        check: median(|| check_all(&files)),
        budget: share(check_all(&files).cost()),
    }
}

fn share(cost: Cost) -> (u64, u64) {
    (
        cost.steps * 100 / cost.most_steps,
        cost.bytes * 100 / cost.most_bytes,
    )
}

fn in_memory(count: usize) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    for (path, text) in model::files(count) {
        files.insert(RelPath::new(&path).expect("a clean path"), &text);
    }
    files
}

/// Everything that the build asks, for both architectures.
fn build_all(files: &dyn Files) -> Evaluation<'_> {
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
    evaluation
}

/// Everything there is, for both architectures and two stages.
fn check_all(files: &MemoryFiles) -> Evaluation<'_> {
    let mut evaluation = evaluate(files, &SCHEMAS, &Options::default());
    let errors = evaluation.check();
    assert!(errors.is_empty(), "{:?}", errors.first());
    evaluation
}

/// Parses all build files of a folder; as for Nix, their names are known.
fn parse_folder(folder: &Path) {
    let read = |path: &str| fs::read_to_string(folder.join(path)).ok();
    let mut texts: Vec<String> = ["lambda.build", "lib/service.build"]
        .map(read)
        .into_iter()
        .flatten()
        .collect();
    let services = (0..).map_while(|number| read(&format!("services/s{number:04}/lambda.build")));
    texts.extend(services);
    let tree = SyntaxTree::parse_all(texts.iter().map(|text| &**text));
    assert!(tree.errors.is_empty());
    // The process ends here; so does Nix's, with all it holds.
    std::mem::forget(tree);
}

fn large_file(table: &mut Table) {
    let text: String = (0..5_000)
        .map(|number| model::service_file(number).replace("import", "# import"))
        .collect();
    let time = median(|| SyntaxTree::parse(&text));
    let speed = text.len() as f64 / 1e6 / time.as_secs_f64();
    let name = format!("parse one file of {:.1} MB", text.len() as f64 / 1e6);
    table.row(&name, "≥ 50 MB/s", &format!("{speed:.0} MB/s"), speed >= 50.0);
}

fn goals(table: &mut Table, small: &Taken, large: &Taken) {
    let what = format!(
        "{} functions, {} files, {} KB",
        large.functions,
        large.functions / 10,
        large.bytes / 1000
    );
    table.title(&format!("{what}; within one process, files in memory"));
    for (name, goal, time) in [
        ("parse", Some(30), large.parse),
        ("parse + evaluate, 2 architectures", Some(200), large.build),
        ("  + check, 2 stages as well", None, large.check),
    ] {
        match goal {
            Some(goal) => table.row(
                name,
                &format!("≤ {goal} ms"),
                &milliseconds(time),
                time <= Duration::from_millis(goal),
            ),
            None => table.note(name, &milliseconds(time)),
        }
    }
    let (steps, bytes) = large.budget;
    let shown = format!("{steps} % of its steps, {bytes} % of its bytes");
    table.row(
        "  what that takes of the budget",
        "≤ 50 %",
        &shown,
        steps.max(bytes) <= 50,
    );
    table.title("growth: the time for each 1,000 of 10,000 functions over that of 1,000");
    for (name, few, many) in [
        ("parse", small.parse, large.parse),
        ("parse + evaluate, 2 architectures", small.build, large.build),
        ("  + check, 2 stages as well", small.check, large.check),
    ] {
        let each = |time: Duration, taken: &Taken| time.as_secs_f64() * 1e6 / taken.functions as f64;
        let (few, many) = (each(few, small), each(many, large));
        let ratio = many / few;
        let shown = format!("{ratio:.2} ({few:.2} → {many:.2} ms)");
        table.row(name, "≤ 1.25", &shown, ratio <= 1.25);
    }
}

/// What starts as a process of its own and reads a disk: ours, Nix's, and the whole program.
fn on_disk(table: &mut Table, folder: &Path, lambuild: Option<&str>) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    let (few, many) = (folder.join("few"), folder.join("many"));
    lay(&few, 100)?;
    lay(&many, 1000)?;
    let (small, large) = (ours("build", &few)?, ours("build", &many)?);
    table.title("a process of its own, files on disk, start included");
    table.note("an empty process", &milliseconds(ours("nothing", &many)?.0));
    table.row(
        "memory, parse + evaluate",
        "≤ 150 MB",
        &format!("{} MB", large.1),
        large.1 <= 150,
    );
    let ratio = large.1 as f64 / (small.1 as f64 * 10.0);
    let shown = format!("{ratio:.2} ({} → {} MB)", small.1, large.1);
    table.row(
        "  for each 1,000 of 10,000 over 1,000",
        "≤ 1.25",
        &shown,
        ratio <= 1.25,
    );
    if let Some(program) = lambuild {
        whole_program(table, &many, program)?;
    }
    nix::compare(table, &many)
}

/// Processor time and memory of one of our own runs: the median of several.
fn ours(what: &str, folder: &Path) -> Result<(Duration, u64), String> {
    let program = std::env::current_exe().map_err(|why| why.to_string())?;
    let program = program.to_string_lossy().into_owned();
    let args: Vec<String> = match what {
        "nothing" => vec!["alone".to_owned(), what.to_owned()],
        _ => vec![
            "alone".to_owned(),
            what.to_owned(),
            folder.to_string_lossy().into_owned(),
        ],
    };
    let (mut times, mut memory) = (Vec::new(), 0);
    for _ in 0..clock::ROUNDS {
        let output = clock::run(folder, &program, &args)?.output;
        let (time, peak) = output.trim().split_once(' ').unwrap_or_default();
        times.push(Duration::from_nanos(time.parse().unwrap_or(u64::MAX)));
        memory = memory.max(peak.parse().unwrap_or(u64::MAX));
    }
    Ok((clock::middle(times), memory))
}

fn whole_program(table: &mut Table, folder: &Path, program: &str) -> Result<(), String> {
    table.title("the program itself");
    let version = clock::medians(folder, program, &["--version".to_owned()])?;
    let wall = version.wall;
    table.row(
        "lambuild --version, wall",
        "≤ 5 ms",
        &milliseconds(wall),
        wall <= Duration::from_millis(5),
    );
    let check = clock::medians(folder, program, &["check".to_owned()])?;
    let shown = format!("{} (wall {})", milliseconds(check.cpu), milliseconds(check.wall));
    table.note("lambuild check, 10,000 functions", &shown);
    Ok(())
}

/// Writes a workspace, ours and Nix's.
fn lay(folder: &Path, count: usize) -> Result<(), String> {
    for (path, text) in model::files(count).into_iter().chain(model::nix_files(count)) {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|why| format!("{} cannot be written: {why}", path.display()))?;
    }
    Ok(())
}
