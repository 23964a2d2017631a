//! `lambuild __sandbox`: the processes between lambuild and its sandboxes. One waits for orders and doubles
//! itself for each. The double has one thread, as the kernel demands of whoever leaves a user namespace; it
//! reads a [`Spec`], makes the namespaces, and lives until all inside are dead.

use crate::apply::{self, Trouble};
use crate::init;
use crate::spec::{Namespace, Spec};
use crate::sys::{self, Forked};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use rustix::process::{Pid, WaitOptions};
use std::io::{self, BufRead, BufReader, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// The hidden command by which the program is started as this helper.
pub const COMMAND: &str = "__sandbox";

/// Takes orders until lambuild has gone: standard input is a socket on which each order is one byte with two
/// descriptors, a socket and the log. For each order this process doubles itself; see [`help`].
pub fn main() -> ExitCode {
    let orders = io::stdin();
    while let Ok(Some(order)) = receive(orders.as_fd()) {
        match sys::fork() {
            Ok(Forked::Child) => return order.follow(),
            Ok(Forked::Parent(_)) => {}
            Err(error) => {
                let trouble = Trouble::at("start a helper")(error);
                init::tell(&order.control, &trouble.report());
            }
        }
        // Takes in those that have ended.
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
    }
    // The others see by their own sockets that lambuild has gone.
    while matches!(
        rustix::process::wait(WaitOptions::empty()),
        Ok(_) | Err(Errno::INTR)
    ) {}
    ExitCode::SUCCESS
}

/// One sandbox that is wanted.
struct Order {
    control: UnixStream,
    log: OwnedFd,
}

/// The next order; `None` when there will be none.
fn receive(orders: BorrowedFd<'_>) -> io::Result<Option<Order>> {
    let mut byte = [0];
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut message = RecvAncillaryBuffer::new(&mut room);
    let mut into = [IoSliceMut::new(&mut byte)];
    let got = loop {
        match rustix::net::recvmsg(orders, &mut into, &mut message, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            got => break got?,
        }
    };
    if got.bytes == 0 {
        return Ok(None);
    }
    let mut descriptors = message.drain().flat_map(|part| match part {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    match (descriptors.next(), descriptors.next()) {
        (Some(control), Some(log)) => Ok(Some(Order {
            control: control.into(),
            log,
        })),
        _ => Err(io::Error::other("an order came without its descriptors")),
    }
}

impl Order {
    /// In the new process: nothing of the others' stays in reach.
    fn follow(self) -> ExitCode {
        let own = || -> io::Result<()> {
            rustix::process::setpgid(None, None)?;
            rustix::stdio::dup2_stdin(&self.control)?;
            rustix::stdio::dup2_stdout(&self.log)?;
            Ok(rustix::stdio::dup2_stderr(&self.log)?)
        };
        let Order { control, .. } = match own() {
            Ok(()) => self,
            Err(error) => {
                init::tell(&self.control, &Trouble::at("become a helper")(error).report());
                return ExitCode::FAILURE;
            }
        };
        help(&control)
    }
}

/// Runs one sandbox. One line with the spec comes in over `control`, one line with the report goes out; when
/// the other side closes it, everything inside is killed. It is closed here when all inside are dead.
fn help(control: &UnixStream) -> ExitCode {
    match read(control).and_then(|spec| run(&spec, control)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            init::tell(control, &trouble.report());
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
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}
