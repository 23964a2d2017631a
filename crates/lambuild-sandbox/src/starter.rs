//! Starts helpers, one for each sandbox. To load lambuild's program anew for each would cost as much as all
//! that a sandbox needs of the kernel: so it is loaded once, and that process, which has one thread and does
//! nothing else, doubles itself.

use crate::helper;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::process::{Pid, PidfdFlags};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How long lambuild waits for the end of all helpers.
const DYING: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

/// What a test of this crate runs as the helper, since the test itself is none.
static OTHER: OnceLock<PathBuf> = OnceLock::new();

/// Names the program that is started as the helper instead of this one. For tests; the first call counts.
pub fn use_helper(program: &Path) {
    let _ = OTHER.set(program.to_owned());
}

fn program() -> &'static Path {
    OTHER.get().map_or(Path::new("/proc/self/exe"), |path| path)
}

/// Starts helpers; the process that does it is started when the first is wanted.
#[derive(Debug, Default)]
pub struct Starter(Mutex<Option<Arc<Running>>>);

impl Starter {
    /// Starts a helper that takes its orders from one end of `control`, of which the other is answered, and
    /// whose words, and those of all inside, go to `log`.
    ///
    /// # Errors
    /// Where no process can be started.
    pub fn start(&self, log: io::PipeWriter) -> io::Result<UnixStream> {
        let (control, theirs) = UnixStream::pair()?;
        let running = self.running()?;
        if running.ask(theirs.as_fd(), log.as_fd()).is_err() {
            // Somebody ended it: another one does.
            self.forget(&running);
            self.running()?.ask(theirs.as_fd(), log.as_fd())?;
        }
        Ok(control)
    }

    fn running(&self) -> io::Result<Arc<Running>> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*running {
            Some(running) => Ok(running.clone()),
            None => Ok(running.insert(Arc::new(Running::start()?)).clone()),
        }
    }

    fn forget(&self, which: &Arc<Running>) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.take_if(|running| Arc::ptr_eq(running, which));
    }
}

/// The process that doubles itself, as long as this lives.
#[derive(Debug)]
struct Running {
    orders: UnixStream,
    process: Child,
}

impl Running {
    /// This program itself. Its file may have been replaced meanwhile; the one that runs is meant.
    #[expect(clippy::disallowed_methods, reason = "this is where sandboxes are started")]
    fn start() -> io::Result<Self> {
        use std::os::unix::process::CommandExt;
        let (orders, theirs) = UnixStream::pair()?;
        let mut command = std::process::Command::new(program());
        command.arg0("lambuild").arg(helper::COMMAND).env_clear();
        command.current_dir("/").stdin(OwnedFd::from(theirs));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: Ctrl-C on a terminal reaches lambuild alone, which then ends this in order.
        let process = command.process_group(0).spawn()?;
        Ok(Running { orders, process })
    }

    fn ask(&self, control: BorrowedFd<'_>, log: BorrowedFd<'_>) -> io::Result<()> {
        let both = [control, log];
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut message = SendAncillaryBuffer::new(&mut room);
        message.push(SendAncillaryMessage::ScmRights(&both));
        rustix::net::sendmsg(
            &self.orders,
            &[IoSlice::new(b"o")],
            &mut message,
            SendFlags::NOSIGNAL,
        )?;
        Ok(())
    }
}

/// No more orders: it ends when all that it started has ended.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.orders.shutdown(Shutdown::Both);
        let mut ended = || -> io::Result<()> {
            let process = rustix::process::pidfd_open(Pid::from_child(&self.process), PidfdFlags::empty())?;
            // Nobody is kept from leaving by a process that waits for a dead disk.
            let mut wanted = [PollFd::new(&process, PollFlags::IN)];
            poll(&mut wanted, Some(&DYING))?;
            self.process.try_wait().map(drop)
        };
        if let Err(error) = ended() {
            tracing::debug!(%error, "nobody knows how the helpers' parent ended");
        }
    }
}
