//! `lambuild __sandbox`: the process between lambuild and a sandbox. It has one thread, as the
//! kernel demands of whoever leaves a user namespace; it reads a [`Spec`] from its standard input,
//! makes the namespaces, and lives until all inside are dead.

use crate::apply::{self, Trouble};
use crate::init;
use crate::spec::{Namespace, Spec};
use crate::sys::{self, Forked};
use rustix::process::{Pid, WaitOptions};
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// The hidden command by which the program is started as this helper.
pub const COMMAND: &str = "__sandbox";

/// Runs the helper. Standard input is a socket: one line with the spec comes in, one line with the
/// report goes out; when the other side closes it, everything inside is killed.
pub fn main() -> ExitCode {
    let Ok(control) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else {
        return ExitCode::FAILURE;
    };
    match read(&control).and_then(|spec| run(&spec, &control)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            init::tell(&control, &trouble.report());
            ExitCode::FAILURE
        }
    }
}

fn read(control: &UnixStream) -> Result<Spec, Trouble> {
    let mut line = String::new();
    BufReader::new(control)
        .read_line(&mut line)
        .and_then(|_| Ok(serde_json::from_str(&line)?))
        .map_err(Trouble::at("read what to do"))
}

fn run(spec: &Spec, control: &UnixStream) -> Result<(), Trouble> {
    if rustix::process::geteuid().is_root() {
        // The groups of whoever called root are no business of an action. Without them nothing is lost.
        let _ = rustix::thread::set_thread_groups(&[]);
    }
    sys::unshare(&spec.namespaces).map_err(Trouble::at(format!(
        "make new namespaces ({})",
        names(&spec.namespaces)
    )))?;
    if spec.namespaces.contains(&Namespace::User) {
        apply::map_ids(spec.inside, spec.outside)?;
    }
    match sys::fork().map_err(Trouble::at("start the first process"))? {
        Forked::Child => init::run(spec, control),
        Forked::Parent(init) => outlive(init).map_err(Trouble::at("wait for the first process")),
    }
}

fn names(namespaces: &[Namespace]) -> String {
    let names: Vec<&str> = namespaces.iter().map(|namespace| namespace.name()).collect();
    names.join(", ")
}

/// The kernel lets the first process of a pid namespace end only after all others have.
fn outlive(init: Pid) -> io::Result<()> {
    loop {
        match rustix::process::waitpid(Some(init), WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}
