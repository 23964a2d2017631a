//! Decides how a test gets an AWS of its own: a moto server on a free loopback port,
//! with a record of every request that it answered. Knows nothing of deployments.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Program, Tool, Tools};

/// How long the server may take to start, and to log a request, in seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running moto server, ended when dropped.
#[derive(Debug)]
pub struct Moto {
    server: Child,
    log: Receiver<String>,
    port: u16,
}

/// One request that the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`…
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
}

impl Moto {
    /// Starts a server with nothing in it and waits until it listens. All that is in it
    /// belongs to the account with this number of twelve digits.
    ///
    /// # Panics
    /// Where moto is not installed or does not start, with what it printed.
    #[track_caller]
    pub fn start(tools: &Tools, account: &str) -> Self {
        // Port 0: the system chooses a free one and the server prints it, so that no
        // other program can take it in between.
        let program = Program::new(tools.require(Tool::Moto), "/").args(["-H", "127.0.0.1", "-p", "0"]);
        let mut command = program
            .env("PYTHONUNBUFFERED", "1")
            .env("MOTO_ACCOUNT_ID", account)
            .command();
        let mut server = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto's server starts");
        let log = follow(&mut server);
        let port = listening_port(&log);
        Self {
            server,
            log,
            port: port.unwrap_or_else(|text| panic!("moto's server did not start:\n{text}")),
        }
    }

    /// The address of the server, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests answered since the last call of this function, in order.
    ///
    /// # Panics
    /// Where the server no longer answers.
    #[track_caller]
    pub fn requests(&self) -> Vec<Request> {
        const MARK: &str = "/moto-api/?end-of-requests";
        self.get(MARK);
        let deadline = Instant::now() + PATIENCE;
        let mut requests = Vec::new();
        loop {
            let patience = deadline.saturating_duration_since(Instant::now());
            let line = self
                .log
                .recv_timeout(patience)
                .expect("moto's server logs what it answers");
            match Request::read(&line) {
                Some(request) if request.path == MARK => return requests,
                Some(request) => requests.push(request),
                None => {}
            }
        }
    }

    /// Asks for a page and waits for the whole answer.
    #[track_caller]
    fn get(&self, path: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("moto's server listens");
        let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("moto's server takes a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("moto's server answers");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Request {
    /// Whether the request may have changed something: everything but `GET` and `HEAD`.
    /// (Lambda's API is RESTful in that; IAM's and STS's use `POST` for all.)
    pub fn is_write(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// Reads a line of the server's log: `127.0.0.1 - - [date] "GET /path HTTP/1.1" 200 -`.
    fn read(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once("] \"")?;
        let (request, status) = rest.rsplit_once("\" ")?;
        let (method, rest) = request.split_once(' ')?;
        let (path, _version) = rest.rsplit_once(' ')?;
        let status = status.split(' ').next()?.parse().ok()?;
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            status,
        })
    }
}

/// The server's log as a channel of lines. Terminal colours are taken out: the server
/// paints lines by their status.
fn follow(server: &mut Child) -> Receiver<String> {
    let (lines, log) = channel();
    if let Some(stream) = server.stderr.take() {
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = lines.send(without_colours(&line));
            }
        });
    }
    log
}

/// Takes the sequences `ESC [ … m` out of a line.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}

/// Waits for the line ` * Running on http://127.0.0.1:PORT`; the error is the log so far.
fn listening_port(log: &Receiver<String>) -> Result<u16, String> {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = String::new();
    loop {
        let Ok(line) = log.recv_timeout(deadline.saturating_duration_since(Instant::now())) else {
            return Err(seen);
        };
        if let Some((_, port)) = line.split_once("Running on http://127.0.0.1:") {
            return port.trim().parse().map_err(|_| line.clone());
        }
        seen = seen + &line + "\n";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Aws;

    #[test]
    fn a_line_of_the_log_is_a_request() {
        let line =
            r#"127.0.0.1 - - [21/Nov/2026 10:00:00] "POST /2015-03-31/functions?a=b c HTTP/1.1" 201 -"#;
        let expected = Request {
            method: "POST".into(),
            path: "/2015-03-31/functions?a=b c".into(),
            status: 201,
        };
        assert_eq!(Request::read(line), Some(expected));
        assert_eq!(Request::read("Press CTRL+C to quit"), None);
        assert_eq!(without_colours("a \u{1b}[33mGET\u{1b}[0m b"), "a GET b");
    }

    #[test]
    fn the_real_cli_talks_to_a_server_of_the_tests_own() {
        let tools = Tools::find();
        let moto = Moto::start(&tools, "111122223333");
        let aws = Aws::new(&tools, &moto);
        assert_eq!(
            aws.json(["sts", "get-caller-identity"])["Account"],
            "111122223333"
        );
        assert_eq!(moto.requests().len(), 1);
        assert_eq!(
            aws.json(["lambda", "list-functions"]),
            serde_json::json!({ "Functions": [] })
        );
        let requests = moto.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert!(requests[0].path.starts_with("/2015-03-31/functions") && !requests[0].is_write());
        let missing = aws.run(["lambda", "get-function", "--function-name", "absent"]);
        assert!(missing.code != Some(0), "{missing}");
        missing.says("ResourceNotFoundException");
        assert_eq!(
            moto.requests().iter().map(|r| r.status).collect::<Vec<_>>(),
            [404]
        );
    }
}
