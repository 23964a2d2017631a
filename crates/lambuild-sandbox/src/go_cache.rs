//! Compiled Go packages for an action in a sandbox: opens a session that `go` talks to, keeps
//! what it was given until the action has succeeded, and decides who compiles what is missing.
//!
//! The program that `go` starts inside (`launcher/gocache.c`) only hands its pipes over; all that
//! is decided is decided here, outside. The action sees files read-only and speaks the protocol.

use crate::spec::Mount;
use lambuild_action::{GoCache, StoreError};
use lambuild_store::DiskStore;
use lambuild_store::compile_cache::entries::{Entries, Id};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

mod connection;
mod protocol;

/// The program that hands pipes over, for the processor that this is compiled for.
#[cfg(target_arch = "x86_64")]
const PROGRAM: &[u8] = include_bytes!("../../../launcher/gocache-linux-x86_64");
#[cfg(target_arch = "aarch64")]
const PROGRAM: &[u8] = include_bytes!("../../../launcher/gocache-linux-aarch64");

/// Where caches are seen inside; the program has it built in.
const CACHES: &str = "/cache";

/// What `go` makes folders in, though it then keeps nothing there.
const UNUSED_BYTES: u64 = 4 << 20;

/// The caches of one lambuild process.
#[derive(Debug, Default)]
pub struct GoCaches {
    open: Mutex<BTreeMap<String, Arc<Entries>>>,
    /// The groups in which something is being compiled.
    compiled_now: Mutex<BTreeSet<String>>,
    ended: tokio::sync::Notify,
}

impl GoCaches {
    /// A cache by its name.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn entries(&self, store: &DiskStore, name: &str) -> Result<Arc<Entries>, StoreError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = open.get(name) {
            return Ok(entries.clone());
        }
        let entries = Arc::new(Entries::new(store.compile_cache(name)?));
        open.insert(name.to_owned(), entries.clone());
        Ok(entries)
    }

    /// Waits until nobody else compiles what this action would have to compile, and takes that
    /// on. Without it, actions that start together on an empty cache would each compile the
    /// standard library. Whoever waits holds nothing, so nobody waits for ever.
    pub async fn turn(&self, wanted: &GoCache, entries: &Entries) -> Turn<'_> {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if let Some(turn) = self.try_turn(wanted, entries) {
                return turn;
            }
            ended.await;
        }
    }

    fn try_turn(&self, wanted: &GoCache, entries: &Entries) -> Option<Turn<'_>> {
        let name = |group: &String| format!("{} {group}", wanted.name);
        let missing = wanted.units.iter().filter(|(unit, _)| !entries.knows(unit));
        let groups: BTreeSet<String> = missing.map(|(_, group)| name(group)).collect();
        let mut now = self.compiled_now();
        if !groups.is_disjoint(&now) {
            return None;
        }
        now.extend(groups.iter().cloned());
        Some(Turn { caches: self, groups })
    }

    fn compiled_now(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.compiled_now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to compile some groups; given back when dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    caches: &'a GoCaches,
    groups: BTreeSet<String>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.caches
            .compiled_now()
            .retain(|group| !self.groups.contains(group));
        self.caches.ended.notify_waiters();
    }
}

/// One action's use of a cache.
#[derive(Debug)]
pub struct Session {
    talk: Arc<Talk>,
    /// Closed when the session is to end.
    stop: Option<io::PipeWriter>,
    listener: Option<JoinHandle<()>>,
}

/// What the threads of a session share.
#[derive(Debug)]
struct Talk {
    entries: Arc<Entries>,
    /// The folder that is seen inside: program, socket, and what was put.
    folder: PathBuf,
    put: Mutex<BTreeMap<Id, Put>>,
}

/// An output that was put in this session.
#[derive(Debug, Clone, Copy)]
struct Put {
    output: Id,
    size: u64,
}

impl Talk {
    fn put(&self) -> std::sync::MutexGuard<'_, BTreeMap<Id, Put>> {
        self.put.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Begins one, in a folder below `stage`.
    ///
    /// # Errors
    /// The system's.
    pub fn open(entries: Arc<Entries>, stage: &Path) -> io::Result<Self> {
        let folder = stage.join("go-cache");
        fs::create_dir_all(folder.join(connection::PUT))?;
        let program = folder.join("program");
        fs::write(&program, PROGRAM)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o555))?;
        let listener = listen(&folder)?;
        let (stopped, stop) = io::pipe()?;
        let talk = Arc::new(Talk {
            entries,
            folder,
            put: Mutex::default(),
        });
        let shared = talk.clone();
        let accept = move || connection::accept(&listener, &Arc::new(stopped), &shared);
        let listener = std::thread::Builder::new()
            .name("go-cache".to_owned())
            .spawn(accept)?;
        Ok(Session {
            talk,
            stop: Some(stop),
            listener: Some(listener),
        })
    }

    /// What the action sees of it.
    pub fn mounts(&self) -> [Mount; 3] {
        let read = |from: &Path, at: &str| Mount::Read {
            from: from.to_owned(),
            at: format!("{CACHES}/{at}"),
        };
        [
            read(&self.talk.folder, connection::SEEN),
            read(self.talk.entries.folder(), connection::ENTRIES),
            Mount::Memory {
                at: format!("{CACHES}/unused"),
                bytes: UNUSED_BYTES,
            },
        ]
    }

    /// The environment by which `go` finds it.
    pub fn environment() -> [(String, String); 2] {
        [
            (
                "GOCACHEPROG".to_owned(),
                format!("{CACHES}/{}/program", connection::SEEN),
            ),
            ("GOCACHE".to_owned(), format!("{CACHES}/unused")),
        ]
    }

    /// Lets others see what the action put: it has succeeded, and nothing of it runs any more.
    /// Best effort: what is not kept is compiled again.
    pub fn keep(mut self, units: &GoCache) {
        self.end();
        let put = std::mem::take(&mut *self.talk.put());
        tracing::debug!(cache = %units.name, compiled = put.len(), "go put into its cache");
        let entries = &self.talk.entries;
        let kept = put.iter().try_for_each(|(action, put)| {
            let from = self.talk.folder.join(connection::put_place(&put.output));
            entries.keep(action, &put.output, put.size, &from)
        });
        let mut missing = units.units.keys().filter(|unit| !entries.knows(unit));
        let learnt = kept.and_then(|()| missing.try_for_each(|unit| entries.learn(unit)));
        if let Err(error) = learnt {
            tracing::debug!(%error, "a compile cache did not grow");
        }
    }

    fn end(&mut self) {
        self.stop.take();
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

/// A socket in a folder whose path may be longer than an address may be.
fn listen(folder: &Path) -> io::Result<UnixListener> {
    let held = fs::File::open(folder)?;
    UnixListener::bind(format!("/proc/self/fd/{}/socket", held.as_raw_fd()))
}
