//! What something costs: processor time and memory of this process, and of the programs it starts.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often each figure is taken; the median counts.
pub const ROUNDS: usize = 7;

/// The processor time of this process since it was started, which other processes hardly change.
pub fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or_default(),
        time.tv_nsec.try_into().unwrap_or_default(),
    )
}

/// The median processor time of several runs. What a run makes is dropped after its measurement.
pub fn median<T>(mut work: impl FnMut() -> T) -> Duration {
    let runs = (0..ROUNDS).map(|_| {
        let start = processor_time();
        let made = work();
        let time = processor_time() - start;
        drop(made);
        time
    });
    middle(runs.collect())
}

pub fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The most memory that was in use since [`forget_peak`], in MB; 0 where Linux does not say.
pub fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

pub fn forget_peak() {
    // Without it the peaks are those of all that was measured before, too.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Processor and wall time of a program, and what it printed.
pub struct Run {
    pub cpu: Duration,
    pub wall: Duration,
    pub output: String,
}

/// Runs a program in a folder; an error is what it said.
pub fn run(folder: &Path, program: &str, args: &[String]) -> Result<Run, String> {
    let (before, start) = (children(), now());
    let output = command(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|why| format!("{program} cannot be started: {why}"))?;
    let (wall, cpu) = (start.elapsed(), children().saturating_sub(before));
    if !output.status.success() {
        return Err(format!(
            "{program} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(Run {
        cpu,
        wall,
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
    })
}

/// The medians of several runs.
pub fn medians(folder: &Path, program: &str, args: &[String]) -> Result<Run, String> {
    let runs: Vec<Run> = (0..ROUNDS)
        .map(|_| run(folder, program, args))
        .collect::<Result<_, _>>()?;
    Ok(Run {
        cpu: middle(runs.iter().map(|run| run.cpu).collect()),
        wall: middle(runs.iter().map(|run| run.wall).collect()),
        output: String::new(),
    })
}

/// Processor time of all children that have ended: fields 16 and 17 of `/proc/self/stat`, in
/// ticks of 10 ms on every Linux that Rust runs on.
fn children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark starts what it measures")]
fn command(program: &str) -> Command {
    Command::new(program)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}
