//! One session with an editor: which files are open, which workspaces they are in, what each request
//! asks. Knows no threads and no streams: a message in, messages and jobs out.

use crate::address;
use crate::analyse::{Analysis, Terms, full, syntax};
use crate::answer;
use crate::lines::{Encoding, Lines};
use crate::snapshot::{Remembered, SharedFiles, Snapshot};
use crate::view::{Facts, View};
use gen_lsp_types as lsp;
use lambuild_lang::doc::Entry;
use lambuild_lang::files::BUILD_FILE;
use lambuild_lang::{MemoryFiles, RelPath, has_workspace};
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The machine around the server; reads, never writes.
pub trait Host: Sync {
    /// The text of a file.
    fn text(&self, file: &Path) -> Option<String>;
    /// The path without links, where it exists.
    fn real(&self, path: &Path) -> Option<PathBuf>;
    /// The files of the workspace at `root`, as they are now.
    fn files(&self, root: &Path) -> SharedFiles;
}

/// A text in the editor.
#[derive(Debug, Clone)]
struct Document {
    /// As the editor calls it.
    uri: String,
    version: i32,
    text: Arc<str>,
    /// Its workspace's root and its path there; a text without is judged by its syntax alone.
    place: Option<(PathBuf, RelPath)>,
}

/// A workspace that a file is open of.
struct Project {
    disk: Arc<Remembered>,
    facts: Facts,
    /// Counts the changes; an analysis of an older state is not shown.
    state: u64,
    /// The files with diagnostics in the editor.
    shown: BTreeSet<RelPath>,
    /// Whether it was changed since the last job.
    changed: bool,
}

/// A workspace to be analysed.
pub struct Job {
    /// How the answer is told.
    pub terms: Terms,
    /// Its files.
    pub files: Snapshot,
    /// The state that they are.
    pub state: u64,
}

/// Where the session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before `initialize`.
    New,
    Running,
    /// After `shutdown`.
    Down,
    /// After `exit`.
    Ended {
        orderly: bool,
    },
}

/// The session.
pub struct Server<'s> {
    host: &'s dyn Host,
    entries: Vec<Entry>,
    encoding: Encoding,
    /// Whether the client tells changes on disk when it is asked to.
    watches: bool,
    phase: Phase,
    documents: BTreeMap<String, Document>,
    projects: BTreeMap<PathBuf, Project>,
    states: u64,
    /// What is to be sent.
    pub out: Vec<Message>,
}

/// Why a request is not answered.
pub struct Refusal {
    code: ErrorCode,
    message: String,
}

impl Refusal {
    /// The request is in order, but cannot be done.
    pub fn failed(message: impl Into<String>) -> Self {
        Refusal {
            code: ErrorCode::RequestFailed,
            message: message.into(),
        }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Refusal {
            code: ErrorCode::InvalidParams,
            message: message.into(),
        }
    }
}

impl<'s> Server<'s> {
    /// A session that has not begun.
    pub fn new(host: &'s dyn Host, entries: Vec<Entry>) -> Self {
        Server {
            host,
            entries,
            encoding: Encoding::default(),
            watches: false,
            phase: Phase::New,
            documents: BTreeMap::new(),
            projects: BTreeMap::new(),
            states: 0,
            out: Vec::new(),
        }
    }

    /// Whether the session has ended, and in order.
    pub fn ended(&self) -> Option<bool> {
        match self.phase {
            Phase::Ended { orderly } => Some(orderly),
            _ => None,
        }
    }

    /// Takes one message. What goes wrong inside is answered or said, and the session goes on.
    pub fn take(&mut self, message: Message) {
        match message {
            Message::Request(request) => {
                let id = request.id.clone();
                let answered = catch_unwind(AssertUnwindSafe(|| self.request(request)));
                let response = match answered {
                    Ok(Ok(value)) => Response::new_ok(id, value),
                    Ok(Err(refusal)) => Response::new_err(id, refusal.code as i32, refusal.message),
                    Err(_) => Response::new_err(id, ErrorCode::InternalError as i32, CRASHED.to_owned()),
                };
                self.out.push(response.into());
            }
            Message::Notification(notification) => {
                let method = notification.method.clone();
                match catch_unwind(AssertUnwindSafe(|| self.notification(notification))) {
                    Ok(Ok(())) => {}
                    Ok(Err(refusal)) => self.log(&format!("{method}: {}", refusal.message)),
                    Err(_) => self.log(&format!("{method}: {CRASHED}")),
                }
            }
            // Answers to registrations: a client that does not watch is served all the same.
            Message::Response(_) => {}
        }
    }

    /// Answers a request that was cancelled before its turn.
    pub fn cancel(&mut self, id: RequestId) {
        let message = "cancelled".to_owned();
        self.out
            .push(Response::new_err(id, ErrorCode::RequestCanceled as i32, message).into());
    }

    /// Says something in the client's log.
    pub fn log(&mut self, message: &str) {
        self.notify(
            "window/logMessage",
            json!({ "type": lsp::MessageType::Warning, "message": message }),
        );
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.out.push(Message::Notification(Notification {
            method: method.to_owned(),
            params,
        }));
    }

    fn request(&mut self, request: Request) -> Result<Value, Refusal> {
        match (self.phase, request.method.as_str()) {
            (Phase::New, "initialize") => self.initialize(parsed(request.params)?),
            (Phase::New, _) => Err(Refusal {
                code: ErrorCode::ServerNotInitialized,
                message: "the session begins with `initialize`".to_owned(),
            }),
            (Phase::Running, "shutdown") => {
                self.phase = Phase::Down;
                Ok(Value::Null)
            }
            (Phase::Running, "workspace/symbol") => self.workspace_symbols(parsed(request.params)?),
            (Phase::Running, "textDocument/codeAction") => {
                let params: lsp::CodeActionParams = parsed(request.params)?;
                Ok(answer::repairs(&params))
            }
            (Phase::Running, method) => self.about_a_file(method, request.params),
            (Phase::Down | Phase::Ended { .. }, _) => Err(Refusal {
                code: ErrorCode::InvalidRequest,
                message: "the session is shut down".to_owned(),
            }),
        }
    }

    /// A request about a file, or a place of one.
    fn about_a_file(&self, method: &str, params: Value) -> Result<Value, Refusal> {
        let Some(ask) = answer::of(method) else {
            return Err(Refusal {
                code: ErrorCode::MethodNotFound,
                message: format!("lambuild has no answer to `{method}`"),
            });
        };
        let of: lsp::TextDocumentIdentifier =
            parsed(params.get("textDocument").cloned().unwrap_or_default())?;
        let document = self.document(&of.uri.0)?;
        let lines = Lines::new(&document.text, self.encoding);
        let place = params
            .get("position")
            .cloned()
            .map(parsed::<lsp::Position>)
            .transpose()?;
        let question = answer::Question {
            offset: place.map_or(0, |place| lines.offset(place)),
            lines: &lines,
            terms: &self.terms(document),
            params: &params,
        };
        self.with_view(document, |view| ask(view, &question))
    }

    fn document(&self, uri: &str) -> Result<&Document, Refusal> {
        let found = self.documents.get(uri);
        found.ok_or_else(|| Refusal::invalid(format!("`{uri}` is not open")))
    }

    fn with_view<T>(&self, document: &Document, ask: impl FnOnce(&View<'_>) -> T) -> T {
        let (root, file) = document
            .place
            .clone()
            .unwrap_or_else(|| (PathBuf::new(), alone()));
        let nothing = (MemoryFiles::default(), Facts::default());
        let project = self.projects.get(&root);
        let snapshot = project.map(|project| self.snapshot(&root, project));
        let view = View {
            file: &file,
            text: &document.text,
            files: match &snapshot {
                Some(snapshot) => snapshot,
                None => &nothing.0,
            },
            facts: project.map_or(&nothing.1, |project| &project.facts),
            entries: &self.entries,
        };
        ask(&view)
    }

    fn snapshot(&self, root: &Path, project: &Project) -> Snapshot {
        let open = self.documents.values().filter_map(|document| {
            let (at, file) = document.place.as_ref()?;
            (at == root).then(|| (file.clone(), document.text.clone()))
        });
        Snapshot {
            disk: project.disk.clone(),
            open: open.collect(),
        }
    }

    fn terms(&self, document: &Document) -> Terms {
        match &document.place {
            Some((root, _)) => self.terms_of(root),
            None => Terms {
                root: PathBuf::new(),
                encoding: self.encoding,
                uris: [(alone(), document.uri.clone())].into(),
            },
        }
    }

    fn terms_of(&self, root: &Path) -> Terms {
        let uris = self.documents.values().filter_map(|document| {
            let (at, file) = document.place.as_ref()?;
            (at == root).then(|| (file.clone(), document.uri.clone()))
        });
        Terms {
            root: root.to_owned(),
            encoding: self.encoding,
            uris: uris.collect(),
        }
    }

    fn initialize(&mut self, params: lsp::InitializeParams) -> Result<Value, Refusal> {
        let general = params.capabilities.general.as_ref();
        let offered = general.and_then(|general| general.position_encodings.clone());
        let offered = offered.unwrap_or_default();
        let wanted = [
            (lsp::PositionEncodingKind::UTF8, Encoding::Utf8),
            (lsp::PositionEncodingKind::UTF32, Encoding::Utf32),
        ];
        // Bytes are what the language counts in; whoever offers them gets them.
        let chosen = wanted.into_iter().find(|(kind, _)| offered.contains(kind));
        let (kind, encoding) = chosen.unwrap_or((lsp::PositionEncodingKind::UTF16, Encoding::Utf16));
        self.encoding = encoding;
        self.watches = params
            .capabilities
            .workspace
            .and_then(|workspace| workspace.did_change_watched_files)
            .and_then(|watched| watched.dynamic_registration)
            .unwrap_or(false);
        self.phase = Phase::Running;
        answered(lsp::InitializeResult {
            capabilities: answer::capabilities(kind),
            server_info: Some(lsp::ServerInfo {
                name: "lambuild".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        })
    }

    fn notification(&mut self, notification: Notification) -> Result<(), Refusal> {
        if notification.method == "exit" {
            self.phase = Phase::Ended {
                orderly: self.phase == Phase::Down,
            };
            return Ok(());
        }
        if self.phase != Phase::Running {
            return Ok(());
        }
        match notification.method.as_str() {
            "initialized" => self.watch(),
            "textDocument/didOpen" => self.open(parsed(notification.params)?),
            "textDocument/didChange" => return self.change(parsed(notification.params)?),
            "textDocument/didClose" => self.close(parsed(notification.params)?),
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.forget_the_disk(),
            // Others are for servers that do more, as the protocol allows.
            _ => {}
        }
        Ok(())
    }

    /// Asks to be told what changes on disk: any file may be a source.
    fn watch(&mut self) {
        if !self.watches {
            return;
        }
        let params = json!({ "registrations": [{
            "id": "files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": [{ "globPattern": "**/*" }] },
        }]});
        self.out.push(Message::Request(Request {
            id: RequestId::from("watch".to_owned()),
            method: "client/registerCapability".to_owned(),
            params,
        }));
    }

    fn open(&mut self, params: lsp::DidOpenTextDocumentParams) {
        let item = params.text_document;
        let place = self.place(&item.uri.0, &item.text);
        let document = Document {
            uri: item.uri.0.clone(),
            version: item.version,
            text: item.text.into(),
            place,
        };
        self.documents.insert(item.uri.0, document);
        self.forget_the_disk();
    }

    /// The workspace that a file is in: the nearest folder at or above it whose build file, as it is in
    /// the editor or on disk, has a `workspace` item.
    fn place(&self, uri: &str, text: &str) -> Option<(PathBuf, RelPath)> {
        let path = address::path(uri)?;
        let folder = path.parent()?;
        let real = self.host.real(folder).unwrap_or_else(|| folder.to_owned());
        let path = real.join(path.file_name()?);
        let has = |folder: &&Path| {
            let file = folder.join(BUILD_FILE);
            if file == path {
                return has_workspace(text);
            }
            let open = self.documents.values().find(|document| {
                let place = document.place.as_ref();
                place.is_some_and(|(root, rel)| full(root, rel) == file)
            });
            match open {
                Some(document) => has_workspace(&document.text),
                None => self.host.text(&file).is_some_and(|text| has_workspace(&text)),
            }
        };
        let root = real.ancestors().find(has)?;
        let below = path.strip_prefix(root).ok()?.to_str()?;
        Some((root.to_owned(), RelPath::new(below).ok()?))
    }

    fn change(&mut self, params: lsp::DidChangeTextDocumentParams) -> Result<(), Refusal> {
        let uri = params.text_document.text_document_identifier.uri.0;
        let mut text = self.document(&uri)?.text.to_string();
        for change in params.content_changes {
            match change {
                lsp::TextDocumentContentChangeEvent::TextDocumentContentChangePartial(change) => {
                    let span = Lines::new(&text, self.encoding).span(&change.range);
                    text.replace_range(span, &change.text);
                }
                lsp::TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change) => {
                    text = change.text;
                }
            }
        }
        // A file without a workspace may have got one.
        let homeless = self.document(&uri)?.place.is_none();
        let place = if homeless { self.place(&uri, &text) } else { None };
        if let Some(document) = self.documents.get_mut(&uri) {
            document.text = text.into();
            document.version = params.text_document.version;
            document.place = document.place.take().or(place);
        }
        if homeless {
            self.forget_the_disk();
        } else {
            self.changed(&uri);
        }
        Ok(())
    }

    /// Marks the workspace of a document.
    fn changed(&mut self, uri: &str) {
        self.states += 1;
        let place = self
            .documents
            .get(uri)
            .and_then(|document| document.place.clone());
        if let Some(project) = place.and_then(|(root, _)| self.projects.get_mut(&root)) {
            project.state = self.states;
            project.changed = true;
        } else {
            self.show_syntax(uri);
        }
    }

    fn close(&mut self, params: lsp::DidCloseTextDocumentParams) {
        let uri = params.text_document.uri.0;
        let Some(document) = self.documents.remove(&uri) else {
            return;
        };
        let last = document.place.is_none_or(|(root, file)| {
            let others = self.documents.values();
            let mut roots = others
                .filter_map(|other| other.place.as_ref())
                .map(|(root, _)| root);
            if let Some(project) = self.projects.get_mut(&root) {
                project.shown.remove(&file);
            }
            !roots.any(|other| *other == root)
        });
        self.publish(&uri, None, Vec::new());
        if last {
            self.drop_empty_projects();
        }
        self.forget_the_disk();
    }

    /// Nobody looks at a workspace any more of which no file is open: it takes its diagnostics along.
    fn drop_empty_projects(&mut self) {
        let used: BTreeSet<PathBuf> = self
            .documents
            .values()
            .filter_map(|document| document.place.as_ref().map(|(root, _)| root.clone()))
            .collect();
        let gone: Vec<PathBuf> = self
            .projects
            .keys()
            .filter(|root| !used.contains(*root))
            .cloned()
            .collect();
        for root in gone {
            let shown = self
                .projects
                .remove(&root)
                .map(|project| project.shown)
                .unwrap_or_default();
            for file in shown {
                self.publish(&address::uri(&full(&root, &file)), None, Vec::new());
            }
        }
    }

    /// The disk may be another: everything is looked at again.
    fn forget_the_disk(&mut self) {
        let uris: Vec<String> = self.documents.keys().cloned().collect();
        for uri in &uris {
            let found = self
                .documents
                .get(uri)
                .map(|document| (document.text.clone(), document.place.clone()));
            let Some((text, before)) = found else { continue };
            // A root that cannot be found because its file is just being written stays the root.
            let place = self.place(uri, &text).or(before);
            if let Some(document) = self.documents.get_mut(uri) {
                document.place = place;
            }
        }
        self.drop_empty_projects();
        self.states += 1;
        for document in self.documents.values() {
            let Some((root, _)) = &document.place else {
                continue;
            };
            let disk = || Arc::new(Remembered::new(self.host.files(root)));
            let project = self.projects.entry(root.clone()).or_insert_with(|| Project {
                disk: disk(),
                facts: Facts::default(),
                state: 0,
                shown: BTreeSet::new(),
                changed: true,
            });
            if project.state != self.states {
                project.disk = disk();
                project.state = self.states;
                project.changed = true;
            }
        }
        for uri in uris {
            if self
                .documents
                .get(&uri)
                .is_some_and(|document| document.place.is_none())
            {
                self.show_syntax(&uri);
            }
        }
    }

    /// The workspaces that have to be analysed.
    pub fn jobs(&mut self) -> Vec<Job> {
        let changed = self.projects.iter_mut().filter_map(|(root, project)| {
            let changed = std::mem::take(&mut project.changed);
            changed.then(|| root.clone())
        });
        let roots: Vec<PathBuf> = changed.collect();
        let job = |root: PathBuf| {
            let project = self.projects.get(&root)?;
            Some(Job {
                terms: self.terms_of(&root),
                files: self.snapshot(&root, project),
                state: project.state,
            })
        };
        roots.into_iter().filter_map(job).collect()
    }

    /// Shows what an analysis found, unless the workspace has changed since.
    pub fn analysed(&mut self, root: &Path, state: u64, analysis: Analysis) {
        let Some(project) = self
            .projects
            .get_mut(root)
            .filter(|project| project.state == state)
        else {
            return;
        };
        project.facts = analysis.facts;
        let wrong = analysis.diagnostics.iter().filter(|(_, found)| !found.is_empty());
        let wrong: BTreeSet<RelPath> = wrong.map(|(file, _)| file.clone()).collect();
        let before = std::mem::replace(&mut project.shown, wrong.clone());
        let open = self.open_files(root);
        let mut found = analysis.diagnostics;
        let told: BTreeSet<RelPath> = wrong
            .into_iter()
            .chain(before)
            .chain(open.keys().cloned())
            .collect();
        let terms = self.terms_of(root);
        for file in told {
            let version = open.get(&file).copied();
            let diagnostics = found.remove(&file).unwrap_or_default();
            self.publish(&terms.uri(&file), version, diagnostics);
        }
    }

    fn open_files(&self, root: &Path) -> BTreeMap<RelPath, i32> {
        let open = self.documents.values().filter_map(|document| {
            let (at, file) = document.place.as_ref()?;
            (at == root).then(|| (file.clone(), document.version))
        });
        open.collect()
    }

    /// What is wrong with a text that is in no workspace.
    fn show_syntax(&mut self, uri: &str) {
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let found = syntax(&alone(), &document.text, &self.terms(document));
        let version = document.version;
        self.publish(uri, Some(version), found);
    }

    fn publish(&mut self, uri: &str, version: Option<i32>, diagnostics: Vec<lsp::Diagnostic>) {
        let params = lsp::PublishDiagnosticsParams {
            uri: uri.into(),
            version,
            diagnostics,
        };
        let params = serde_json::to_value(params).unwrap_or_default();
        self.notify("textDocument/publishDiagnostics", params);
    }

    fn workspace_symbols(&self, params: lsp::WorkspaceSymbolParams) -> Result<Value, Refusal> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for document in self.documents.values() {
            let root = document.place.as_ref().map(|(root, _)| root.clone());
            if root.is_some_and(|root| seen.insert(root)) {
                let terms = self.terms(document);
                found.extend(self.with_view(document, |view| answer::search(view, &params.query, &terms)));
            }
        }
        answered(found)
    }
}

const CRASHED: &str = "lambuild ran into a mistake of its own; the session goes on. Please report it";

/// What a text without a workspace is called.
fn alone() -> RelPath {
    RelPath::root()
        .child(BUILD_FILE)
        .unwrap_or_else(|_| RelPath::root())
}

fn parsed<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params)
        .map_err(|error| Refusal::invalid(format!("the parameters cannot be read: {error}")))
}

/// An answer in JSON.
pub fn answered(value: impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| Refusal {
        code: ErrorCode::InternalError,
        message: error.to_string(),
    })
}
