//! Talks with one `go` process over the pipes that were handed over. What comes in was written
//! by an action, so nothing in it is believed: bytes are hashed, sizes bounded, and no read or
//! write waits longer than the action lives.

use super::protocol::{self, Request, Response};
use super::{CACHES, Put, Talk};
use lambuild_digest::{Digest, DigestFunction};
use lambuild_store::compile_cache::entries::Id;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::FileType;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::fs;
use std::io::{self, BufRead, BufReader, IoSliceMut, PipeReader, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

/// Where the session's folder is seen, below the folder of caches.
pub const SEEN: &str = "go";
/// Where the entries are seen.
pub const ENTRIES: &str = "go-entries";
/// Where outputs that were put lie, in the session's folder.
pub const PUT: &str = "put";
/// Processes that one action may connect; a build has one.
const CONNECTIONS: usize = 16;
/// Bytes of an output that is put. The largest archives are of some 100 MB.
const BODY: u64 = 1 << 30;
/// Bytes of a request without its body.
const LINE: u64 = 64 << 10;

/// Takes connections until the session stops; all of them have ended when this returns.
pub fn accept(listener: &UnixListener, stop: &Arc<PipeReader>, talk: &Arc<Talk>) {
    let mut threads = Vec::new();
    while threads.len() < CONNECTIONS && wait(listener, PollFlags::IN, stop).is_ok() {
        let Ok((stream, _)) = listener.accept() else { break };
        let (stop, talk) = (stop.clone(), talk.clone());
        let serve = move || {
            if let Err(error) = connection(&stream, &stop, &talk) {
                tracing::debug!(%error, "a talk with go ended early");
            }
        };
        threads.extend(
            std::thread::Builder::new()
                .name("go-cache".to_owned())
                .spawn(serve),
        );
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Waits for the file or the end of the session, which is an error.
fn wait(file: impl AsFd, flags: PollFlags, stop: &PipeReader) -> io::Result<()> {
    loop {
        let mut wanted = [
            PollFd::from_borrowed_fd(file.as_fd(), flags),
            PollFd::new(stop, PollFlags::IN),
        ];
        match poll(&mut wanted, None) {
            Err(rustix::io::Errno::INTR) => continue,
            answer => answer?,
        };
        if !wanted.last().is_none_or(|stop| stop.revents().is_empty()) {
            return Err(io::Error::other("the action has ended"));
        }
        if !wanted.first().is_none_or(|file| file.revents().is_empty()) {
            return Ok(());
        }
    }
}

/// The pipes from and to `go`. Anything but a pipe could be read without an end.
fn pipes(stream: &UnixStream, stop: &PipeReader) -> io::Result<(OwnedFd, OwnedFd)> {
    wait(stream, PollFlags::IN, stop)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0_u8];
    recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
    )?;
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(handed) = message {
            files.extend(handed);
        }
    }
    for file in &files {
        let mode = rustix::fs::fstat(file)?.st_mode;
        if FileType::from_raw_mode(mode) != FileType::Fifo {
            return Err(io::Error::other("what was handed over is not a pipe"));
        }
    }
    let mut files = files.into_iter();
    match (files.next(), files.next()) {
        (Some(from), Some(to)) => Ok((from, to)),
        _ => Err(io::Error::other("two pipes were not handed over")),
    }
}

/// Reads that end with the session.
struct FromGo<'a> {
    pipe: OwnedFd,
    stop: &'a PipeReader,
}

impl Read for FromGo<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait(&self.pipe, PollFlags::IN, self.stop)?;
        Ok(rustix::io::read(&self.pipe, buffer)?)
    }
}

/// A line of at most so many bytes; empty at the end.
fn line(from: &mut impl BufRead, most: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.take(most).read_until(b'\n', &mut line)?;
    if line.len() as u64 == most {
        return Err(io::Error::other("a line is too long"));
    }
    Ok(line)
}

fn connection(stream: &UnixStream, stop: &PipeReader, talk: &Talk) -> io::Result<()> {
    let (from, to) = pipes(stream, stop)?;
    let mut from = BufReader::with_capacity(64 << 10, FromGo { pipe: from, stop });
    let say = |response: &Response| -> io::Result<()> {
        let mut text = serde_json::to_vec(response)?;
        text.push(b'\n');
        // Shorter than what a pipe that is ready takes at once (PIPE_BUF), so this never blocks.
        wait(&to, PollFlags::OUT, stop)?;
        rustix::io::write(&to, &text)?;
        Ok(())
    };
    say(&Response {
        known: Some(["get", "put", "close"]),
        ..Response::default()
    })?;
    loop {
        let text = line(&mut from, LINE)?;
        if text.is_empty() {
            return Ok(());
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let request: Request = serde_json::from_slice(&text)?;
        match request.command.as_str() {
            "get" => say(&get(talk, &request)?)?,
            "put" => say(&put(talk, &request, &mut from)?)?,
            "close" => {
                return say(&Response {
                    id: request.id,
                    ..Response::default()
                });
            }
            _ => return Err(io::Error::other("go asks for what it was not offered")),
        }
    }
}

fn get(talk: &Talk, request: &Request) -> io::Result<Response> {
    let action = request.action()?;
    if let Some(put) = talk.put().get(&action) {
        return Ok(answer(request, put));
    }
    Ok(match talk.entries.get(&action) {
        Some(found) => Response::found(
            request.id,
            &found.output,
            found.size,
            format!("{CACHES}/{ENTRIES}/{}", found.at),
        ),
        None => Response {
            id: request.id,
            miss: true,
            ..Response::default()
        },
    })
}

fn put(talk: &Talk, request: &Request, from: &mut impl BufRead) -> io::Result<Response> {
    let (action, output, size) = (request.action()?, request.output()?, request.body_size);
    if size > BODY {
        return Err(io::Error::other("what is put is too large"));
    }
    let mut bytes = Vec::new();
    while size > 0 && bytes.trim_ascii().is_empty() {
        bytes = line(from, size.div_ceil(3) * 4 + LINE)?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let bytes = if size > 0 {
        protocol::body(&bytes, size)?
    } else {
        bytes
    };
    if *DigestFunction::Sha256.digest(&bytes).hash() != output {
        return Err(io::Error::other(
            "what is put has not the hash that it is put under",
        ));
    }
    let path = talk.folder.join(put_place(&output));
    if !path.exists() {
        // Named when it is whole: another process of the action may be told of it at once.
        let part = path.with_extension(format!("{}-part", request.id));
        fs::write(&part, &bytes)?;
        fs::rename(&part, &path)?;
    }
    let put = Put { output, size };
    talk.put().insert(action, put);
    Ok(answer(request, &put))
}

fn answer(request: &Request, put: &Put) -> Response {
    let path = format!("{CACHES}/{SEEN}/{}", put_place(&put.output));
    Response::found(request.id, &put.output, put.size, path)
}

/// Where an output that was put lies, in the session's folder.
pub fn put_place(output: &Id) -> String {
    format!("{PUT}/{}", Digest::new(*output, 0).hex())
}
