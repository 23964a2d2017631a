//! Decides what a built `bootstrap` meets when it starts: a Lambda Runtime API on a
//! loopback port that hands out one event and waits for the answer.
//!
//! Protocol: "Lambda runtime API" of the AWS documentation, version 2018-06-01. Knows
//! nothing of how the program was built.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::{Arch, Program, Tool, Tools};

/// How long a bootstrap may take to answer, in seconds. An emulated program on a busy
/// machine needs several; a test that waits this long has failed.
const PATIENCE: u64 = 60;

/// The most bytes of one answer: Lambda's own limit for a synchronous answer is 6 MB.
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;

/// Runs a bootstrap with one event and returns its answer; the error is what it said instead.
pub fn run_bootstrap(path: &Path, arch: Arch, event: &str) -> Result<String, String> {
    Bootstrap::new(path, arch).invoke(event)
}

/// A bootstrap about to be invoked.
#[derive(Debug)]
pub struct Bootstrap {
    path: PathBuf,
    arch: Arch,
    env: Vec<(String, String)>,
    patience: Duration,
}

impl Bootstrap {
    /// The bootstrap at `path`, a program for `arch`; its folder becomes the task root.
    pub fn new(path: impl Into<PathBuf>, arch: Arch) -> Self {
        Self {
            path: path.into(),
            arch,
            env: Vec::new(),
            patience: Duration::from_secs(PATIENCE),
        }
    }

    /// Sets a variable of the function's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives up after this time instead of a minute.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts the program, hands it the event and ends it after the answer.
    ///
    /// The error tells what the function reported, or how the program died, or that
    /// time ran out; with everything that it printed.
    pub fn invoke(&self, event: &str) -> Result<String, String> {
        let (news, inbox) = channel();
        let server = Server::start(event, self.patience, news.clone())
            .map_err(|e| format!("no loopback port: {e}"))?;
        let child = self
            .program(server.address)
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = Ended(child.map_err(|e| format!("{} cannot be started: {e}", self.path.display()))?);
        watch(&mut child.0, news);
        outcome(&inbox, self.patience)
    }

    fn program(&self, api: SocketAddr) -> Program {
        let task_root = self.path.parent().unwrap_or(Path::new("/"));
        let program = if self.arch.is_native() {
            Program::new(&self.path, task_root)
        } else {
            Program::new(Tools::find().require(Tool::Qemu), task_root).arg(&self.path)
        };
        let program = program
            .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
            .env("LAMBDA_TASK_ROOT", task_root);
        program
            .envs(LAMBDA_ENVIRONMENT.iter().copied())
            .envs(self.env.iter().map(|(name, value)| (name, value)))
    }
}

/// What Lambda sets for every function, with this test's values.
const LAMBDA_ENVIRONMENT: &[(&str, &str)] = &[
    ("_HANDLER", "bootstrap"),
    ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ("AWS_LAMBDA_FUNCTION_NAME", "probe"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_REGION", "eu-west-1"),
    ("LANG", "en_US.UTF-8"),
    ("TZ", ":UTC"),
];

/// What happens while a bootstrap runs.
enum News {
    /// The function answered the event.
    Answer(Vec<u8>),
    /// The function, or its start, reported an error.
    Failure(String),
    /// One stream of the program came to its end, with this text.
    Closed(&'static str, String),
}

/// Waits for the answer, or for the end of both streams of the program.
fn outcome(inbox: &Receiver<News>, patience: Duration) -> Result<String, String> {
    let deadline = Instant::now() + patience;
    let (mut printed, mut closed) = (String::new(), 0);
    loop {
        match inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(News::Answer(bytes)) => {
                return String::from_utf8(bytes).map_err(|e| format!("not UTF-8: {e}"));
            }
            Ok(News::Failure(text)) => return Err(text),
            Ok(News::Closed(stream, text)) => {
                let _ = write!(printed, "\n--- {stream}\n{}", text.trim_end());
                closed += 1;
                if closed == 2 {
                    return Err(format!("the program ended without an answer{printed}"));
                }
            }
            Err(_) => return Err(format!("no answer within {} s{printed}", patience.as_secs())),
        }
    }
}

/// Reads both streams to their ends, so that the program never blocks on a full pipe.
fn watch(child: &mut Child, news: Sender<News>) {
    if let Some(stdout) = child.stdout.take() {
        drain("standard output", stdout, news.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        drain("standard error", stderr, news);
    }
}

fn drain(name: &'static str, mut stream: impl Read + Send + 'static, news: Sender<News>) {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let _ = news.send(News::Closed(name, String::from_utf8_lossy(&bytes).into_owned()));
    });
}

/// A child that is ended, by its own id, when the test is done with it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The Runtime API: listens until it is dropped.
struct Server {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
}

/// What every connection needs to know.
struct Session {
    event: String,
    patience: Duration,
    handed_out: AtomicBool,
    news: Sender<News>,
}

impl Server {
    fn start(event: &str, patience: Duration, news: Sender<News>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let server = Self {
            address: listener.local_addr()?,
            closing: Arc::default(),
        };
        let session = Session {
            event: event.to_owned(),
            patience,
            handed_out: AtomicBool::new(false),
            news,
        };
        let (closing, session) = (server.closing.clone(), Arc::new(session));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if closing.load(Ordering::SeqCst) {
                    return;
                }
                let session = session.clone();
                thread::spawn(move || session.serve(stream));
            }
        });
        Ok(server)
    }
}

impl Drop for Server {
    /// Wakes the listener with one connection, so that its thread ends too.
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Session {
    /// Answers the requests of one connection until the program closes it.
    fn serve(&self, stream: TcpStream) {
        let Ok(mut writer) = stream.try_clone() else {
            return;
        };
        let mut reader = BufReader::new(stream);
        while let Ok(Some(request)) = HttpRequest::read(&mut reader) {
            let Some(answer) = self.answer(&request) else {
                let _ = io::copy(&mut reader, &mut io::sink()); // parked until the program ends
                return;
            };
            if writer.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    /// The answer to one request; none where the caller must wait for a next event.
    fn answer(&self, request: &HttpRequest) -> Option<String> {
        const BASE: &str = "/2018-06-01/runtime/";
        let Some(path) = request.path.strip_prefix(BASE) else {
            return Some(http("404 Not Found", "", "{}"));
        };
        match (request.method.as_str(), path) {
            ("GET", "invocation/next") if self.handed_out.swap(true, Ordering::SeqCst) => None,
            ("GET", "invocation/next") => Some(http("200 OK", &self.event_headers(), &self.event)),
            ("POST", path) => Some(self.report(path, &request.body)),
            _ => Some(http("404 Not Found", "", "{}")),
        }
    }

    fn report(&self, path: &str, body: &[u8]) -> String {
        let text = || String::from_utf8_lossy(body).into_owned();
        let news = match path {
            "invocation/probe-1/response" => News::Answer(body.to_vec()),
            "invocation/probe-1/error" => {
                News::Failure(format!("the function reported an error: {}", text()))
            }
            "init/error" => News::Failure(format!("the program failed to start: {}", text())),
            _ => return http("404 Not Found", "", "{}"),
        };
        let _ = self.news.send(news);
        http("202 Accepted", "", r#"{"status":"OK"}"#)
    }

    fn event_headers(&self) -> String {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let deadline = (now + self.patience).as_millis();
        format!(
            "Lambda-Runtime-Aws-Request-Id: probe-1\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:111122223333:function:probe\r\n\
             Lambda-Runtime-Trace-Id: Root=1-00000000-000000000000000000000000;Parent=0;Sampled=0\r\n"
        )
    }
}

fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// One request of HTTP/1.1, as far as runtimes use it.
#[derive(Debug, PartialEq, Eq)]
struct HttpRequest {
    method: String,
    path: String,
    body: Vec<u8>,
}

impl HttpRequest {
    /// Reads the next request; none where the connection was closed between two.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let start = line(reader)?;
        let mut words = start.split(' ');
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            return Ok(None);
        };
        let (mut length, mut chunked) = (0, false);
        loop {
            let header = line(reader)?.to_ascii_lowercase();
            match header.split_once(':').map(|(name, value)| (name, value.trim())) {
                None => break,
                Some(("content-length", value)) => length = value.parse().map_err(io::Error::other)?,
                Some(("transfer-encoding", value)) => chunked = value == "chunked",
                Some(_) => {}
            }
        }
        let body = if chunked {
            chunks(reader)?
        } else {
            bytes(reader, length)?
        };
        Ok(Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            body,
        }))
    }
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn bytes(reader: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    if length > LARGEST_ANSWER {
        return Err(io::Error::other("an answer over 6 MB"));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let header = line(reader)?;
        let length = usize::from_str_radix(&header, 16).map_err(io::Error::other)?;
        body.extend(bytes(reader, length)?);
        line(reader)?;
        if length == 0 || body.len() > LARGEST_ANSWER {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TempWorkspace;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const ANSWERS: &str = r#"
        api = os.environ["AWS_LAMBDA_RUNTIME_API"]
        event = urllib.request.urlopen(f"http://{api}/2018-06-01/runtime/invocation/next")
        request = event.headers["Lambda-Runtime-Aws-Request-Id"]
        body = (os.environ["GREETING"] + " " + json.load(event)["name"]).encode()
        urllib.request.urlopen(f"http://{api}/2018-06-01/runtime/invocation/{request}/KIND", body)
    "#;

    /// A bootstrap written in Python, which stands for any language's runtime client.
    fn bootstrap(body: &str) -> (TempWorkspace, Bootstrap) {
        let body: String = body
            .lines()
            .map(|line| line.trim_start().to_owned() + "\n")
            .collect();
        let script = format!("#!/usr/bin/env python3\nimport json, os, sys, urllib.request\n{body}");
        let workspace = TempWorkspace::with(&[("bootstrap", &script)]);
        fs::set_permissions(workspace.path("bootstrap"), fs::Permissions::from_mode(0o755)).unwrap();
        let native = if Arch::Arm64.is_native() {
            Arch::Arm64
        } else {
            Arch::X86_64
        };
        let bootstrap = Bootstrap::new(workspace.path("bootstrap"), native).env("GREETING", "Hello");
        (workspace, bootstrap)
    }

    #[test]
    fn the_answer_to_the_event_comes_back() {
        let (_workspace, bootstrap) = bootstrap(&ANSWERS.replace("KIND", "response"));
        assert_eq!(
            bootstrap.invoke(r#"{"name":"Jane"}"#),
            Ok("Hello Jane".to_owned())
        );
    }

    #[test]
    fn a_reported_error_is_no_answer() {
        let (_workspace, bootstrap) = bootstrap(&ANSWERS.replace("KIND", "error"));
        let error = bootstrap.invoke(r#"{"name":"Jane"}"#);
        assert_eq!(
            error,
            Err("the function reported an error: Hello Jane".to_owned())
        );
    }

    #[test]
    fn a_program_that_dies_tells_what_it_printed() {
        let (_workspace, bootstrap) = bootstrap("print('bye', flush=True); sys.exit('no handler')");
        let error = bootstrap.invoke("{}").unwrap_err();
        assert!(
            error.starts_with("the program ended without an answer"),
            "{error}"
        );
        assert!(error.contains("bye") && error.contains("no handler"), "{error}");
    }

    #[test]
    fn a_program_that_never_answers_is_ended() {
        let (_workspace, bootstrap) = bootstrap("import threading\nthreading.Event().wait()");
        let error = bootstrap.patience(Duration::from_millis(50)).invoke("{}");
        assert_eq!(error, Err("no answer within 0 s".to_owned()));
    }

    #[test]
    fn both_forms_of_a_body_are_read() {
        let whole = "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        let parts = "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        for text in [whole, parts] {
            let request = HttpRequest::read(&mut text.as_bytes()).unwrap();
            let expected = HttpRequest {
                method: "POST".into(),
                path: "/a".into(),
                body: b"abc".to_vec(),
            };
            assert_eq!(request, Some(expected));
        }
        assert_eq!(HttpRequest::read(&mut "".as_bytes()).unwrap(), None);
    }
}
