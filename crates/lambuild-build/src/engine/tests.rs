use super::*;
use crate::attempt::How;
use async_trait::async_trait;
use lambuild_action::store::Names;
use lambuild_action::{
    ActionCache, ActionResult, BlobStore, Command, ExecuteError, Executed, Isolation, PlannedAction, Request,
    Seen, Selection, Selector, SourceError, SourceKind, Step, StoreError, Work,
};
use lambuild_digest::{Digest, DigestFunction, Dir, Directories, Directory, Entry, Node, RelPath, TreeError};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::{FileId, Span};
use std::collections::BTreeMap;
use std::path::Path;

const F: DigestFunction = DigestFunction::Blake3;

/// Blobs, results and sources in memory. A source is a name and a text.
#[derive(Default)]
struct Memory {
    blobs: Mutex<BTreeMap<Digest, Vec<u8>>>,
    results: Mutex<BTreeMap<Digest, ActionResult>>,
    sources: Mutex<BTreeMap<String, String>>,
    ran: Mutex<Vec<String>>,
    /// Which bytes are lost in the moment in which an action starts.
    loses: Mutex<BTreeMap<String, String>>,
    /// Which bytes are lost in the moment in which a selector reads them.
    unread: Mutex<Option<String>>,
}

impl BlobStore for Memory {
    fn function(&self) -> DigestFunction {
        F
    }
    fn contains(&self, digest: &Digest) -> bool {
        self.blobs.lock().unwrap().contains_key(digest)
    }
    fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let mut unread = self.unread.lock().unwrap();
        if let Some(text) = unread.take_if(|text| F.digest(text.as_bytes()) == *digest) {
            self.blobs.lock().unwrap().remove(&F.digest(text.as_bytes()));
        }
        self.blobs
            .lock()
            .unwrap()
            .get(digest)
            .cloned()
            .ok_or(StoreError::NotFound(*digest))
    }
    fn write(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        self.blobs.lock().unwrap().insert(F.digest(bytes), bytes.to_vec());
        Ok(F.digest(bytes))
    }
}

impl ActionCache for Memory {
    fn result(&self, key: &ActionKey) -> Result<Option<ActionResult>, StoreError> {
        let found = self.results.lock().unwrap().get(&key.0).cloned();
        let is_whole = |result: &ActionResult| match result.out() {
            Some(Node::File { digest, .. }) => self.contains(digest),
            _ => true,
        };
        Ok(found.filter(is_whole))
    }
    fn record(&self, key: &ActionKey, result: &ActionResult) -> Result<(), StoreError> {
        self.results.lock().unwrap().insert(key.0, result.clone());
        Ok(())
    }
}

impl Directories for Memory {
    fn directory(&self, digest: &Digest) -> Result<Arc<Directory>, TreeError> {
        let bytes = BlobStore::read(self, digest);
        let bytes = bytes.map_err(|error| TreeError::Missing {
            digest: *digest,
            why: error.to_string(),
        })?;
        Directory::decode(&bytes).map(Arc::new)
    }
}

impl Sources for Memory {
    fn list(&self, _: &RelPath) -> Result<Names, SourceError> {
        Ok(Arc::new([]))
    }
    fn kind(&self, _: &RelPath) -> Option<SourceKind> {
        None
    }
    fn file(&self, path: &RelPath) -> Result<(Digest, bool), SourceError> {
        let text = self.sources.lock().unwrap().get(path.as_str()).cloned();
        text.map(|text| (F.digest(text.as_bytes()), false))
            .ok_or_else(|| SourceError::NotFound(path.clone()))
    }
    fn read(&self, path: &RelPath) -> Result<Arc<[u8]>, SourceError> {
        Err(SourceError::NotFound(path.clone()))
    }
    fn content(&self, path: &RelPath) -> Result<Entry, SourceError> {
        self.file(path)
            .map(|(digest, executable)| Entry::file(digest, executable))
    }
    fn provide(&self, digest: &Digest) -> Result<bool, SourceError> {
        let sources = self.sources.lock().unwrap().clone();
        let found = sources.values().find(|text| F.digest(text.as_bytes()) == *digest);
        Ok(found.is_some_and(|text| self.write(text.as_bytes()).is_ok()))
    }
}

impl HostFolders for Memory {
    fn take(&self, _: &Path, _: fn(&RelPath) -> bool) -> Result<Digest, String> {
        Err("there is none".to_owned())
    }
    fn take_files(&self, _: &[lambuild_action::HostFile]) -> Result<Digest, String> {
        Err("there is none".to_owned())
    }
}

/// Joins the texts of all inputs; `fail` fails, text behind `#` is a comment.
#[async_trait]
impl Executor for Memory {
    async fn execute(&self, request: &Request) -> Result<Executed, ExecuteError> {
        let name = request.command.arguments[1].clone();
        self.ran.lock().unwrap().push(name.clone());
        if name.starts_with("hang") {
            std::future::pending::<()>().await;
        }
        if name.starts_with("fail") {
            return Err(ExecuteError::Failed {
                how: "exit code 1".to_owned(),
                log: b"no".to_vec(),
            });
        }
        if let Some(lost) = self.loses.lock().unwrap().remove(&name) {
            self.blobs.lock().unwrap().remove(&F.digest(lost.as_bytes()));
        }
        let mut text = String::new();
        for (_, node) in lambuild_digest::tree::walk(&request.input_root, self).unwrap() {
            let Node::File { digest, .. } = node else { continue };
            let part = String::from_utf8(BlobStore::read(self, &digest)?).unwrap();
            text.push_str(part.split('#').next().unwrap());
        }
        let digest = self.write(text.as_bytes())?;
        let result = ActionResult::of(
            Node::File {
                digest,
                executable: false,
            },
            None,
            Isolation::Strict,
        );
        Ok(Executed {
            result,
            log: Vec::new(),
        })
    }
}

struct Join {
    name: String,
    source: Option<String>,
}

impl Selector for Join {
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        let mut root = Dir::default();
        if let Some(source) = &self.source {
            let path = RelPath::new(source).unwrap();
            root.put(&path, seen.sources.content(&path).unwrap(), &())
                .unwrap();
        }
        for (at, output) in seen.outputs.iter().enumerate() {
            root.put(
                &RelPath::new(&format!("in{at}")).unwrap(),
                Entry::Node(output.clone()),
                &(),
            )
            .unwrap();
        }
        let command = Command {
            arguments: vec!["launch".into(), self.name.clone()],
            ..Command::default()
        };
        Ok(Step {
            command,
            input_root: root,
            timeout: None,
            hints: Default::default(),
        })
    }
}

fn graph(lines: &[(&str, Option<&str>, &[u32])]) -> Arc<ActionGraph> {
    let mut graph = ActionGraph::default();
    for (name, source, inputs) in lines {
        graph.add(PlannedAction {
            mnemonic: "join",
            subject: (*name).to_owned(),
            inputs: inputs.iter().map(|input| NodeId(*input)).collect(),
            work: Work::Select(Box::new(Join {
                name: (*name).into(),
                source: source.map(str::to_owned),
            })),
            span: Span::new(FileId(0), 0, 0),
        });
    }
    Arc::new(graph)
}

fn settings(keep_going: bool) -> Settings {
    Settings {
        jobs: NonZeroUsize::MIN,
        keep_going,
        cancel: CancellationToken::new(),
    }
}

async fn build(memory: &Arc<Memory>, graph: &Arc<ActionGraph>, settings: &Settings) -> Outcome {
    memory.ran.lock().unwrap().clear();
    let engine = Engine::new(memory.clone(), memory.clone(), memory.clone(), memory.clone());
    Arc::new(engine).run(graph.clone(), settings, Arc::new(())).await
}

fn ran(memory: &Memory) -> Vec<String> {
    memory.ran.lock().unwrap().clone()
}

fn edit(memory: &Memory, name: &str, text: &str) {
    memory
        .sources
        .lock()
        .unwrap()
        .insert(name.to_owned(), text.to_owned());
}

#[tokio::test]
async fn a_second_build_runs_nothing_and_an_edit_runs_what_depends_on_it() {
    let memory = Arc::new(Memory::default());
    edit(&memory, "a", "A");
    edit(&memory, "b", "B");
    let graph = graph(&[
        ("lib", Some("a"), &[]),
        ("one", None, &[0]),
        ("two", Some("b"), &[]),
    ]);
    build(&memory, &graph, &settings(false)).await;
    assert_eq!(ran(&memory).len(), 3);
    let second = build(&memory, &graph, &settings(false)).await;
    assert_eq!(ran(&memory), [""; 0]);
    assert!(
        second
            .done
            .iter()
            .all(|done| done.as_ref().unwrap().how == How::Cached)
    );
    edit(&memory, "a", "AA");
    let third = build(&memory, &graph, &settings(false)).await;
    assert_eq!(ran(&memory), ["lib", "one"]);
    let Node::File { digest, .. } = third.done(NodeId(1)).unwrap().out else {
        panic!("no file")
    };
    assert_eq!(BlobStore::read(&*memory, &digest).unwrap(), b"AA");
}

#[tokio::test]
async fn what_is_lost_while_a_build_runs_is_made_again_within_it() {
    let memory = Arc::new(Memory::default());
    edit(&memory, "a", "A# of a");
    let graph = graph(&[
        ("lib", Some("a"), &[]),
        ("middle", None, &[0]),
        ("one", None, &[1]),
        ("two", None, &[0]),
    ]);
    // When `one` starts, the output of `lib`, which is that of `middle`, too, has gone.
    memory
        .loses
        .lock()
        .unwrap()
        .insert("one".to_owned(), "A".to_owned());
    let outcome = build(&memory, &graph, &settings(false)).await;
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    assert!(outcome.done.iter().all(Option::is_some));
    assert_eq!(ran(&memory).iter().filter(|name| *name == "one").count(), 2);
    assert_eq!(ran(&memory).iter().filter(|name| *name == "lib").count(), 2);
}

#[tokio::test]
async fn a_rebuild_that_yields_equal_bytes_stops_the_wave() {
    let memory = Arc::new(Memory::default());
    edit(&memory, "a", "A# first");
    let graph = graph(&[("lib", Some("a"), &[]), ("one", None, &[0])]);
    build(&memory, &graph, &settings(false)).await;
    edit(&memory, "a", "A# second");
    build(&memory, &graph, &settings(false)).await;
    assert_eq!(ran(&memory), ["lib"]);
}

#[tokio::test]
async fn equal_actions_are_one() {
    let memory = Arc::new(Memory::default());
    edit(&memory, "a", "A");
    let graph = graph(&[("same", Some("a"), &[]), ("same", Some("a"), &[])]);
    let parallel = Settings {
        jobs: NonZeroUsize::new(4).unwrap(),
        ..settings(false)
    };
    build(&memory, &graph, &parallel).await;
    assert_eq!(ran(&memory), ["same"]);
}

#[tokio::test]
async fn a_failure_stops_or_is_worked_around_and_is_never_cached() {
    let memory = Arc::new(Memory::default());
    edit(&memory, "a", "A");
    let graph = graph(&[
        ("fail", None, &[]),
        ("after", None, &[0]),
        ("other", Some("a"), &[]),
    ]);
    let stopped = build(&memory, &graph, &settings(false)).await;
    assert_eq!(stopped.failed.len(), 1);
    let outcome = build(&memory, &graph, &settings(true)).await;
    assert_eq!(outcome.skipped, 1);
    assert!(outcome.done(NodeId(2)).is_some());
    assert!(ran(&memory).contains(&"fail".to_owned()));
}

#[tokio::test]
async fn after_a_failure_nobody_who_waits_for_a_slot_gets_it() {
    let memory = Arc::new(Memory::default());
    let graph = graph(&[
        ("fail 1", None, &[]),
        ("fail 2", None, &[]),
        ("fail 3", None, &[]),
        ("after", None, &[2]),
    ]);
    let stopped = build(&memory, &graph, &settings(false)).await;
    assert_eq!(
        (ran(&memory).len(), stopped.failed.len(), stopped.skipped),
        (1, 1, 3)
    );
    let all = build(&memory, &graph, &settings(true)).await;
    assert_eq!((ran(&memory).len(), all.failed.len(), all.skipped), (3, 3, 1));
}

#[tokio::test]
async fn an_interrupted_run_ends_at_once() {
    let memory = Arc::new(Memory::default());
    let graph = graph(&[("hang", None, &[]), ("after", None, &[0])]);
    let settings = settings(false);
    let (cancel, watched) = (settings.cancel.clone(), memory.clone());
    let canceller = tokio::spawn(async move {
        while watched.ran.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    });
    let outcome = build(&memory, &graph, &settings).await;
    canceller.await.unwrap();
    assert!(outcome.interrupted);
    assert_eq!(outcome.skipped, 1);
}

/// What an action does that has optional inputs: asks for some of them, one round after the other.
struct Pick {
    join: Join,
    optional: Vec<NodeId>,
    rounds: Vec<Vec<usize>>,
}

impl Selector for Pick {
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        let mut outputs = seen.outputs.to_vec();
        outputs.extend(seen.optional.iter().flatten().cloned());
        self.join.select(&Seen {
            outputs: &outputs,
            ..*seen
        })
    }

    fn optional(&self) -> &[NodeId] {
        &self.optional
    }

    fn explore(&self, seen: &Seen<'_>) -> Result<Selection, Box<Diagnostic>> {
        let lacks = |places: &&Vec<usize>| {
            places
                .iter()
                .any(|at| !matches!(seen.optional.get(*at), Some(Some(_))))
        };
        match self.rounds.iter().find(lacks) {
            Some(places) => Ok(Selection::Wants(places.clone())),
            None => self.select(seen).map(|step| Selection::Step(Box::new(step))),
        }
    }
}

/// A name, its optional inputs, and the places of what is asked for in each round.
type Picks<'a> = (&'a str, &'a [u32], &'a [&'a [usize]]);

/// `lines` and behind them actions with optional inputs that ask for them in these rounds.
fn picking(lines: &[(&str, Option<&str>, &[u32])], picks: &[Picks<'_>]) -> Arc<ActionGraph> {
    let mut graph = Arc::into_inner(graph(lines)).unwrap();
    for (name, optional, rounds) in picks {
        graph.add(PlannedAction {
            mnemonic: "pick",
            subject: (*name).to_owned(),
            inputs: Vec::new(),
            work: Work::Select(Box::new(Pick {
                join: Join {
                    name: (*name).into(),
                    source: None,
                },
                optional: optional.iter().map(|input| NodeId(*input)).collect(),
                rounds: rounds.iter().map(|places| places.to_vec()).collect(),
            })),
            span: Span::new(FileId(0), 0, 0),
        });
    }
    Arc::new(graph)
}

fn sources(memory: &Memory) {
    for name in ["a", "b", "c"] {
        edit(memory, name, &name.to_uppercase());
    }
}

#[tokio::test]
async fn optional_inputs_run_when_they_are_asked_for_and_else_never() {
    let memory = Arc::new(Memory::default());
    sources(&memory);
    let graph = picking(
        &[
            ("tool", Some("a"), &[]),
            ("one", Some("b"), &[0]),
            ("two", Some("c"), &[0]),
            ("unused-tool", None, &[]),
            ("unused", None, &[3]),
        ],
        &[("app", &[1, 4, 2], &[&[0], &[0, 2]])],
    );
    let outcome = build(&memory, &graph, &settings(false)).await;
    assert_eq!(ran(&memory), ["tool", "one", "two", "app"]);
    assert_eq!(outcome.skipped, 0);
    let Node::File { digest, .. } = outcome.done(NodeId(5)).unwrap().out else {
        panic!("no file")
    };
    assert_eq!(BlobStore::read(&*memory, &digest).unwrap(), b"BACA");
    build(&memory, &graph, &settings(false)).await;
    assert_eq!(ran(&memory), [""; 0], "a second build");
}

#[tokio::test]
async fn an_optional_input_of_two_runs_once_and_fails_for_both() {
    let memory = Arc::new(Memory::default());
    sources(&memory);
    let both: &[Picks<'_>] = &[("x", &[0], &[&[0]]), ("y", &[0], &[&[0]]), ("z", &[0], &[])];
    build(
        &memory,
        &picking(&[("good", Some("a"), &[])], both),
        &settings(false),
    )
    .await;
    let mut names = ran(&memory);
    names.sort_unstable();
    assert_eq!(names, ["good", "x", "y", "z"]);
    let failing = picking(&[("fail", Some("a"), &[])], both);
    let outcome = build(&memory, &failing, &settings(true)).await;
    assert_eq!((outcome.failed.len(), outcome.skipped), (1, 2));
    assert!(outcome.done(NodeId(3)).is_some(), "who did not ask is built");
    let stopped = build(&memory, &failing, &settings(false)).await;
    assert_eq!(stopped.failed.len(), 1);
    assert!(stopped.done(NodeId(1)).is_none() && stopped.done(NodeId(2)).is_none());
}

#[tokio::test]
async fn an_optional_input_that_is_lost_is_made_again() {
    let memory = Arc::new(Memory::default());
    sources(&memory);
    edit(&memory, "a", "A# of a");
    let graph = picking(&[("one", Some("a"), &[])], &[("app", &[0], &[&[0]])]);
    memory.loses.lock().unwrap().insert("app".into(), "A".into());
    let outcome = build(&memory, &graph, &settings(false)).await;
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    assert_eq!(ran(&memory), ["one", "app", "one", "app"]);
}

#[tokio::test]
async fn who_asks_for_what_it_has_is_stopped() {
    let memory = Arc::new(Memory::default());
    sources(&memory);
    let graph = picking(&[("one", Some("a"), &[])], &[("app", &[0], &[&[0], &[0, 9]])]);
    let rounds = build(&memory, &graph, &settings(false)).await;
    assert_eq!(rounds.failed.len(), 1);
}

/// A selector that reads what it refers to, and tells what it cannot read as a mistake at its place.
struct Peek(Join);

impl Selector for Peek {
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>> {
        for output in seen.outputs {
            let Node::File { digest, .. } = output else {
                continue;
            };
            seen.blobs.read(digest).map_err(|error| {
                let span = Span::new(FileId(0), 0, 0);
                Box::new(Diagnostic::error("E1004", error.to_string(), span, "needed here"))
            })?;
        }
        self.0.select(seen)
    }
}

#[tokio::test]
async fn what_a_selector_cannot_read_is_made_again() {
    let memory = Arc::new(Memory::default());
    edit(&memory, "a", "A# of a");
    let mut graph = Arc::into_inner(graph(&[("lib", Some("a"), &[])])).unwrap();
    graph.add(PlannedAction {
        mnemonic: "peek",
        subject: "one".to_owned(),
        inputs: vec![NodeId(0)],
        work: Work::Select(Box::new(Peek(Join {
            name: "one".into(),
            source: None,
        }))),
        span: Span::new(FileId(0), 0, 0),
    });
    *memory.unread.lock().unwrap() = Some("A".to_owned());
    let outcome = build(&memory, &Arc::new(graph), &settings(false)).await;
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    assert_eq!(ran(&memory), ["lib", "lib", "one"]);
}
