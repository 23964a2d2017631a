//! The first process inside: starts the program, takes in what it leaves behind, watches what it
//! uses, and tells how it ended. When this process ends the kernel kills all others of its pid
//! namespace, so that nothing is left whatever happened.

use crate::apply::{self, Trouble};
use crate::spec::{Report, Spec};
use crate::sys::{self, Forked};
use crate::usage::{Usage, Watch};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

/// How often the use is looked at and the dead are taken in, in nanoseconds.
const TICK: i64 = 200_000_000;

/// Runs the program to its end and answers over `control`. Never returns.
pub fn run(spec: &Spec, control: &UnixStream) -> ! {
    let report = live(spec, control).unwrap_or_else(|trouble| Some(trouble.report()));
    if let Some(report) = report {
        tell(control, &report);
    }
    sys::exit_now(0)
}

/// One line of JSON. Nobody to read it means that lambuild is gone, which ends everything anyway.
pub fn tell(mut control: &UnixStream, report: &Report) {
    let line = serde_json::to_string(report).unwrap_or_default() + "\n";
    let _ = control.write_all(line.as_bytes());
}

fn live(spec: &Spec, control: &UnixStream) -> Result<Option<Report>, Trouble> {
    let plain = |step: &'static str| move |error: rustix::io::Errno| Trouble::at(step)(error.into());
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(plain("ask to die with lambuild"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(plain("hide from the program"))?;
    let watch = Watch::open(spec);
    apply::enter(spec)?;
    if spec.arguments.is_empty() {
        return trial(spec).map(Some);
    }
    match sys::fork().map_err(Trouble::at("start a process"))? {
        Forked::Child => become_program(spec, control),
        Forked::Parent(program) => {
            attend(program, control, watch).map_err(Trouble::at("wait for the program"))
        }
    }
}

/// All steps but the program itself.
fn trial(spec: &Spec) -> Result<Report, Trouble> {
    apply::restrict_process(spec)?;
    Ok(Report::Ended(0))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where an action's program is started"
)]
fn become_program(spec: &Spec, control: &UnixStream) -> ! {
    let trouble = match apply::restrict_process(spec) {
        Err(trouble) => trouble,
        Ok(()) => {
            let (program, arguments) = spec
                .arguments
                .split_first()
                .map_or(("", &[][..]), |(first, rest)| (first, rest));
            let mut command = std::process::Command::new(program);
            command.args(arguments).env_clear().envs(&spec.environment);
            command.current_dir(&spec.folder).stdin(Stdio::null());
            // Comes back only with an error.
            let error = command.exec();
            Trouble::at(format!("start `{program}`"))(error)
        }
    };
    tell(control, &trouble.report());
    sys::exit_now(NOT_STARTED)
}

/// The exit code of a program that has told by itself why it did not start.
const NOT_STARTED: i32 = 127;

/// Until the program has ended, a limit is crossed, or lambuild wishes an end (`None`).
fn attend(program: Pid, control: &UnixStream, mut watch: Watch) -> io::Result<Option<Report>> {
    let ended = rustix::process::pidfd_open(program, PidfdFlags::empty())?;
    loop {
        if !wait(&ended, control)? {
            return Ok(None);
        }
        if let Some(report) = take_in(program)? {
            return Ok(Some(report));
        }
        if let Usage::Beyond(what) = watch.look() {
            return Ok(Some(Report::Limit(what)));
        }
    }
}

/// Waits for the program or a moment; `false` when lambuild has closed its side.
fn wait(ended: &OwnedFd, control: &UnixStream) -> io::Result<bool> {
    let tick = Timespec {
        tv_sec: 0,
        tv_nsec: TICK,
    };
    let mut wanted = [
        PollFd::new(ended, PollFlags::IN),
        PollFd::new(control, PollFlags::IN | PollFlags::RDHUP),
    ];
    match poll(&mut wanted, Some(&tick)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {
            Ok(wanted.get(1).is_none_or(|control| control.revents().is_empty()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes in all that have ended; the program's report when it is among them.
fn take_in(program: Pid) -> io::Result<Option<Report>> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == program => return Ok(Some(report(status))),
            Ok(Some(_)) => {}
            Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(None),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn report(status: WaitStatus) -> Report {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Report::Ended(code),
        (None, Some(signal)) => Report::Killed(signal),
        (None, None) => Report::Ended(-1),
    }
}
