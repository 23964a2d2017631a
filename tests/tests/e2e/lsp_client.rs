//! An editor by script: starts the real `lambuild lsp`, speaks the protocol, and waits for answers with
//! a deadline instead of guessing.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use lambuild_testkit::TempWorkspace;
use serde_json::{Value, json};

use crate::harness::with_own_store;

/// Longer than any answer takes; only a server that hangs reaches it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A session with a server.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Value>,
    /// What came while something else was waited for.
    waiting: VecDeque<Value>,
    requests: i64,
}

impl Client {
    /// Starts the server in a workspace, and says nothing yet.
    pub fn start(workspace: &TempWorkspace) -> Self {
        let mut command = with_own_store(workspace).call(["lsp"]).command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("lambuild starts");
        let output = child.stdout.take().expect("its output");
        let (send, receive) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        Client {
            input: child.stdin.take(),
            child,
            output: receive,
            waiting: VecDeque::new(),
            requests: 0,
        }
    }

    /// Starts the server and begins the session; the encodings are those that the client offers.
    pub fn begin(workspace: &TempWorkspace, encodings: &[&str]) -> (Self, Value) {
        let mut client = Client::start(workspace);
        let capabilities = json!({"general": {"positionEncodings": encodings}});
        let result = client
            .request(
                "initialize",
                json!({"processId": null, "rootUri": null, "capabilities": capabilities}),
            )
            .expect("initialize");
        client.notify("initialized", json!({}));
        (client, result)
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &str) {
        let input = self.input.as_mut().expect("the stream is open");
        input
            .write_all(bytes.as_bytes())
            .and_then(|()| input.flush())
            .expect("the server reads");
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.send_raw(&format!("Content-Length: {}\r\n\r\n{text}", text.len()));
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request and waits for its answer; an error is its object.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let answer = self.wait(|message| message.get("method").is_none() && message["id"] == id);
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        }
    }

    /// The first message that fits; others wait for their turn.
    #[track_caller]
    pub fn wait(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(at).expect("it was just found");
        }
        loop {
            let message = self.output.recv_timeout(DEADLINE);
            let message =
                message.unwrap_or_else(|error| panic!("no answer ({error}); before: {:#?}", self.waiting));
            if fits(&message) {
                return message;
            }
            self.waiting.push_back(message);
        }
    }

    pub fn open(&mut self, file: &Path, text: &str) {
        let item = json!({"uri": uri(file), "languageId": "lambda-build", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": item}));
    }

    /// Replaces the whole text.
    pub fn replace(&mut self, file: &Path, version: i64, text: &str) {
        let document = json!({"uri": uri(file), "version": version});
        let changes = json!([{"text": text}]);
        self.notify(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": changes}),
        );
    }

    /// Replaces a piece: from and to are `(line, column)`, from 0.
    pub fn edit(&mut self, file: &Path, version: i64, from: (u64, u64), to: (u64, u64), text: &str) {
        let place = |(line, character)| json!({"line": line, "character": character});
        let changes = json!([{"range": {"start": place(from), "end": place(to)}, "text": text}]);
        let document = json!({"uri": uri(file), "version": version});
        self.notify(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": changes}),
        );
    }

    /// The diagnostics of this version of a file, as soon as they are there.
    #[track_caller]
    pub fn diagnostics(&mut self, file: &Path, version: Option<i64>) -> Vec<Value> {
        let uri = uri(file);
        let told = self.wait(|message| {
            let params = &message["params"];
            message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == uri
                && params.get("version").and_then(Value::as_i64) == version
        });
        told["params"]["diagnostics"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// A request about the place where `marked` has its `|` in `text`, which holds the rest of it once.
    #[track_caller]
    pub fn ask(&mut self, method: &str, file: &Path, text: &str, marked: &str) -> Result<Value, Value> {
        let (line, character) = place(text, marked);
        let position = json!({"line": line, "character": character});
        let context = json!({"includeDeclaration": true});
        self.request(
            method,
            json!({"textDocument": {"uri": uri(file)}, "position": position, "context": context}),
        )
    }

    /// The labels of what completion offers.
    #[track_caller]
    pub fn complete(&mut self, file: &Path, text: &str, marked: &str) -> Vec<String> {
        let found = self
            .ask("textDocument/completion", file, text, marked)
            .expect("an answer");
        let items = found["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| item["label"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Closes the stream and waits for the end of the process; its exit code.
    pub fn end(&mut self) -> Option<i32> {
        self.input = None;
        self.child.wait().expect("the process ends").code()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.input = None;
        // It has ended, or a test has failed while it ran.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Line and column, in UTF-16, of the `|` in `marked`.
#[track_caller]
pub fn place(text: &str, marked: &str) -> (usize, usize) {
    let at = marked.find('|').expect("a mark");
    let plain = marked.replacen('|', "", 1);
    assert_eq!(
        text.matches(&plain).count(),
        1,
        "`{plain}` stands once in\n{text}"
    );
    let before = &text[..text.find(&plain).expect("it stands there") + at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count(), line.encode_utf16().count())
}

pub fn uri(file: &Path) -> String {
    format!("file://{}", file.display())
}

fn read(stream: &mut BufReader<ChildStdout>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            header => {
                if let Some(number) = header.strip_prefix("Content-Length: ") {
                    length = number.parse().ok()?;
                }
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
