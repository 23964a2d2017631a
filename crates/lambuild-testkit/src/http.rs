//! Decides what a test's own HTTP server does: it listens on a free loopback port, hands each
//! request to the test and sends back what that answers, byte by byte if need be.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A request without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// With its query: `/a/b?c=d`.
    pub path: String,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
}

/// What is sent back.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The length that is announced; the body's where it is not set.
    pub announced: Option<usize>,
}

impl HttpAnswer {
    /// 200 with a body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        HttpAnswer {
            status: 200,
            headers: Vec::new(),
            body: body.into(),
            announced: None,
        }
    }

    /// A status without a body.
    pub fn status(status: u16) -> Self {
        HttpAnswer {
            status,
            ..HttpAnswer::ok("")
        }
    }

    /// The same with another header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let length = self.announced.unwrap_or(self.body.len());
        let mut head = format!(
            "HTTP/1.1 {} X\r\nConnection: close\r\nContent-Length: {length}\r\n",
            self.status
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Serves until it is dropped.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<HttpRequest>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Answers every request by `answer`, which also gets the number of requests before it.
    ///
    /// # Panics
    /// Where no port is free.
    pub fn start(answer: impl Fn(usize, &HttpRequest) -> HttpAnswer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let requests: Arc<Mutex<Vec<HttpRequest>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, stopped) = (requests.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Some(request) = read(&stream) else { continue };
                let mut all = seen.lock().unwrap_or_else(PoisonError::into_inner);
                let answer = answer(all.len(), &request);
                all.push(request);
                // A client that breaks off is part of the tests.
                let _ = (&stream).write_all(&answer.bytes());
            }
        });
        HttpServer {
            address,
            requests,
            stop,
            thread: Some(thread),
        }
    }

    /// Gives each path its answer, and 404 for others.
    pub fn files(files: BTreeMap<String, Vec<u8>>) -> Self {
        HttpServer::start(move |_, request| match files.get(&request.path) {
            Some(body) => HttpAnswer::ok(body.clone()),
            None => HttpAnswer::status(404),
        })
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread from waiting for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(stream: &TcpStream) -> Option<HttpRequest> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    Some(HttpRequest { path, headers })
}
