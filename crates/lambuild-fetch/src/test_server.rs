//! A small HTTP server for the tests: it gives prepared answers, in turn or by path.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::client::{Client, Limits};

/// One prepared answer: the raw bytes of an HTTP response.
#[derive(Debug, Clone)]
pub struct Answer(Vec<u8>);

impl Answer {
    pub fn ok(body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        Answer::raw(&format!("200 OK\r\nContent-Length: {}", body.len()), body)
    }

    pub fn status(status: u16) -> Answer {
        Answer::raw(&format!("{status} X\r\nContent-Length: 0"), b"")
    }

    /// Announces more than it sends.
    pub fn truncated(body: &str) -> Answer {
        Answer::raw(
            &format!("200 OK\r\nContent-Length: {}", body.len() + 3),
            body.as_bytes(),
        )
    }

    pub fn without_length(body: &str) -> Answer {
        Answer::raw("200 OK", body.as_bytes())
    }

    pub fn redirect(to: &str) -> Answer {
        Answer::raw(&format!("302 Found\r\nContent-Length: 0\r\nLocation: {to}"), b"")
    }

    fn raw(head: &str, body: &[u8]) -> Answer {
        let mut bytes = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").into_bytes();
        bytes.extend_from_slice(body);
        Answer(bytes)
    }
}

/// Answers on a free port of this machine until it is dropped.
pub struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Gives these answers one after the other, then 404.
    pub fn start(answers: &[Answer]) -> Server {
        let answers = answers.to_vec();
        Server::serve(move |number, _| answers.get(number).cloned())
    }

    /// Gives each path its answer, and 404 for others.
    pub fn by_path(answers: BTreeMap<String, Answer>) -> Server {
        Server::serve(move |_, path| answers.get(path).cloned())
    }

    fn serve(answer: impl Fn(usize, &str) -> Option<Answer> + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stopped) = (requests.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                // A client that breaks off is part of the tests.
                let _ = respond(stream, |path| answer(count.fetch_add(1, Ordering::SeqCst), path));
            }
        });
        Server {
            address,
            requests,
            stop,
            thread: Some(thread),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread from waiting for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn respond(stream: TcpStream, answer: impl FnOnce(&str) -> Option<Answer>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let answer = answer(path).unwrap_or_else(|| Answer::status(404));
    reader.get_mut().write_all(&answer.0)
}

/// A client that does not wait between tries and uses no proxy.
pub fn client() -> Client {
    let limits = Limits {
        first_wait: Duration::ZERO,
        ..Limits::default()
    };
    Client::build(reqwest::Client::builder().no_proxy(), limits).unwrap()
}
