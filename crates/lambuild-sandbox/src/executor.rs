//! Runs actions in a sandbox where this machine allows one, else as the user chose.

use crate::conditions::Conditions;
use crate::go_cache::{GoCaches, Session};
use crate::layout;
use crate::local::{self, LocalExecutor};
use crate::machine;
use crate::run;
use crate::spec::{Ids, Limits, Mount, Namespace, Protections, Report, Spec, devices, small_files};
use crate::starter::Starter;
use async_trait::async_trait;
use lambuild_action::{ExecuteError, Executed, Executor, GoCache, Isolation, Request, StoreError};
use lambuild_store::DiskStore;
use lambuild_store::compile_cache::entries::Entries;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// How much isolation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Strict where the machine allows it, else weak.
    Auto,
    /// Strict, or nothing runs.
    Strict,
    /// Weak.
    Weak,
}

/// Runs actions on this machine.
#[derive(Debug)]
pub struct SandboxExecutor {
    store: Arc<DiskStore>,
    weak: LocalExecutor,
    wanted: Wanted,
    limits: Limits,
    conditions: Conditions,
    starter: Starter,
    /// How many actions were laid out: each takes the next processors.
    laid_out: AtomicUsize,
    go_caches: GoCaches,
    /// Why there is no sandbox here; looked for when the first action needs to know.
    missing: OnceLock<Option<String>>,
}

impl SandboxExecutor {
    /// Inputs come from, and outputs go to, this store.
    pub fn new(store: Arc<DiskStore>, wanted: Wanted, limits: Limits) -> Self {
        SandboxExecutor {
            weak: LocalExecutor::new(store.clone()),
            store,
            wanted,
            limits,
            conditions: Conditions::default(),
            starter: Starter::default(),
            laid_out: AtomicUsize::new(0),
            go_caches: GoCaches::default(),
            missing: OnceLock::new(),
        }
    }

    /// With other surroundings for the actions.
    #[must_use]
    pub fn under(mut self, conditions: Conditions) -> Self {
        self.weak = self.weak.under(conditions.clone());
        self.conditions = conditions;
        self
    }

    /// What was found missing, if anybody had to look and it made a difference: actions ran with
    /// copied inputs instead.
    pub fn fell_back(&self) -> Option<&str> {
        let missing = self.missing.get()?.as_deref();
        missing.filter(|_| self.wanted == Wanted::Auto)
    }

    /// Why there is no sandbox on this machine. Tries once, which takes some milliseconds.
    fn missing(&self) -> Option<&str> {
        let find = || machine::missing(&self.starter, self.store.root());
        self.missing.get_or_init(find).as_deref()
    }

    /// Whether actions run in a sandbox.
    fn is_strict(&self) -> bool {
        match self.wanted {
            Wanted::Strict => true,
            Wanted::Weak => false,
            Wanted::Auto => self.missing().is_none(),
        }
    }

    async fn strict(&self, request: &Request) -> Result<Executed, ExecuteError> {
        let wanted = request.hints.go_cache.as_ref();
        let Some(wanted) = wanted.filter(|_| self.conditions.shared_caches) else {
            return self.run(request, None).await;
        };
        let entries = self.go_caches.entries(&self.store, &wanted.name)?;
        let turn = self.go_caches.turn(wanted, &entries).await;
        let done = self.run(request, Some((wanted.clone(), entries))).await;
        drop(turn);
        done
    }

    async fn run(
        &self,
        request: &Request,
        go_cache: Option<(GoCache, Arc<Entries>)>,
    ) -> Result<Executed, ExecuteError> {
        let stage = self.store.stage()?;
        let (store, owned, at) = (self.store.clone(), request.clone(), stage.path().to_owned());
        let (limits, conditions) = (self.limits, self.conditions.clone());
        let prepared = local::blocking(&stage, move || {
            let mut spec = prepare(&store, &owned, &at, limits, &conditions)?;
            let session =
                go_cache.map(|(wanted, entries)| open(&mut spec, entries, &at).map(|it| (wanted, it)));
            Ok((spec, session.transpose()?))
        });
        let (mut spec, session) = prepared.await?;
        if self.conditions.half_the_processors {
            spec.processors = half_the_processors(self.laid_out.fetch_add(1, Ordering::Relaxed));
        }
        let ended = run::run(&self.starter, &spec, &stage, request.timeout).await?;
        let log = judge(ended)?;
        let (store, command) = (self.store.clone(), request.command.clone());
        let work = stage.path().join("work");
        local::blocking(&stage, move || {
            let done = local::collect(&store, &command, &work, log, Isolation::Strict)?;
            promote(&spec);
            if let Some((wanted, session)) = session {
                session.keep(&wanted);
            }
            Ok(done)
        })
        .await
    }
}

#[async_trait]
impl Executor for SandboxExecutor {
    async fn execute(&self, request: &Request) -> Result<Executed, ExecuteError> {
        if !self.is_strict() {
            return self.weak.execute(request).await;
        }
        match self.missing() {
            Some(why) => Err(ExecuteError::Refused(why.to_owned())),
            None => self.strict(request).await,
        }
    }

    fn accepts(&self, made: Isolation) -> bool {
        made != Isolation::Weak || !self.is_strict()
    }
}

/// Lays the inputs out below `stage` and says what the action sees.
///
/// # Errors
/// When an input is missing or damaged, or the file system refuses.
pub fn prepare(
    store: &DiskStore,
    request: &Request,
    stage: &Path,
    limits: Limits,
    conditions: &Conditions,
) -> Result<Spec, ExecuteError> {
    let root = &*conditions.root;
    let mut mounts = layout::lay_out(store, request, stage, root)?;
    let mut environment = local::environment(&request.command, root);
    conditions.apply(&mut environment);
    let folder = |name: &str| -> Result<_, StoreError> {
        let path = stage.join(name);
        fs::create_dir_all(&path).map_err(StoreError::io("create", &path))?;
        Ok(path)
    };
    for (variable, name) in &request.hints.accelerators {
        let at = format!("{}/{name}", conditions.caches);
        mounts.push(match conditions.shared_caches {
            true => cache(store, name, stage, &at)?,
            false => Mount::Write {
                from: folder(&format!("cache/{name}"))?,
                at: at.clone(),
            },
        });
        environment.insert(variable.clone(), at);
    }
    mounts.push(Mount::Write {
        from: folder("tmp")?,
        at: "/tmp".to_owned(),
    });
    Ok(Spec {
        arguments: local::arguments(&request.command, root)?,
        environment,
        folder: root.to_owned(),
        counted: vec![stage.to_owned()],
        limits,
        ..bare(folder("root")?, mounts, conditions)
    })
}

/// A spec that runs nothing, with all that does not depend on the action.
pub(crate) fn bare(new_root: std::path::PathBuf, mut mounts: Vec<Mount>, conditions: &Conditions) -> Spec {
    mounts.extend(devices());
    mounts.push(Mount::Proc);
    Spec {
        new_root,
        namespaces: Namespace::ALL.to_vec(),
        mounts,
        files: small_files(conditions),
        hostname: conditions.hostname.clone(),
        inside: conditions.ids,
        outside: Ids {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        },
        arguments: Vec::new(),
        environment: BTreeMap::new(),
        folder: "/".to_owned(),
        umask: conditions.umask,
        processors: Vec::new(),
        first_process: conditions.first_process,
        limits: Limits::default(),
        protections: Protections::default(),
        counted: Vec::new(),
    }
}

/// Half of the processors that this process may run on, other ones for each `turn`; none to choose from: all.
fn half_the_processors(turn: usize) -> Vec<usize> {
    let Ok(allowed) = rustix::thread::sched_getaffinity(None) else {
        return Vec::new();
    };
    let mut all: Vec<usize> = (0..rustix::thread::CpuSet::MAX_CPU)
        .filter(|processor| allowed.is_set(*processor))
        .collect();
    let half = all.len() / 2;
    if half > 0 {
        let first = turn * half % all.len();
        all.rotate_left(first);
        all.truncate(half);
    }
    all
}

/// A compile cache: what is there is seen, what is written goes beside it until the action has succeeded.
fn cache(store: &DiskStore, name: &str, stage: &Path, at: &str) -> Result<Mount, StoreError> {
    let lower = store.compile_cache(name)?;
    let beside = stage.join("cache").join(name);
    let (upper, work) = (beside.join("upper"), beside.join("work"));
    for folder in [&upper, &work] {
        fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
    }
    Ok(Mount::Over {
        lower,
        upper,
        work,
        at: at.to_owned(),
    })
}

/// Shows the action a cache of compiled Go packages, and begins to answer its questions.
fn open(spec: &mut Spec, entries: Arc<Entries>, stage: &Path) -> Result<Session, ExecuteError> {
    let session = Session::open(entries, stage).map_err(StoreError::io("open the Go cache of", stage))?;
    spec.mounts.extend(session.mounts());
    spec.environment.extend(Session::environment());
    Ok(session)
}

/// Moves what a successful action wrote into its compile caches to where others see it. Best
/// effort: what is not moved is compiled again.
fn promote(spec: &Spec) {
    for mount in &spec.mounts {
        if let Mount::Over { lower, upper, .. } = mount
            && let Err(error) = lambuild_store::compile_cache::promote(upper, lower)
        {
            tracing::debug!(%error, "a compile cache did not grow");
        }
    }
}

/// The log of a program that ended well.
fn judge(ended: run::Ended) -> Result<Vec<u8>, ExecuteError> {
    let failed = |how: String, log| Err(ExecuteError::Failed { how, log });
    match ended.report {
        Report::Ended(0) => Ok(ended.log),
        Report::Ended(code) => failed(format!("exit code {code}"), ended.log),
        Report::Killed(signal) => failed(format!("signal {signal}"), ended.log),
        Report::Limit(what) => failed(format!("a limit crossed: {what}"), ended.log),
        Report::Cannot { step, why, .. } => Err(ExecuteError::Refused(format!("cannot {step}: {why}"))),
    }
}
