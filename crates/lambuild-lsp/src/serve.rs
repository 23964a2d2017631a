//! The loop of a session: one thread reads, one evaluates, this one answers. Decides that answers do not
//! wait for evaluation, and that only the newest state of a workspace is evaluated.

use crate::analyse::{Analysis, analyse};
use crate::server::{Host, Job, Server};
use crate::wire::{self, Incoming, MAX_MALFORMED};
use lambuild_lang::doc::entries;
use lambuild_lang::{Options, Schemas};
use lsp_server::{Message, RequestId};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// The stack of the thread that evaluates: as deep as a main thread's.
const STACK: usize = 8 << 20;

/// What the answering thread hears of.
enum Event {
    Came(Incoming),
    /// A workspace's root, the state that was analysed, and what was found: nothing where the analysis
    /// ran into a mistake of its own.
    Analysed(PathBuf, u64, Option<Analysis>),
}

/// Serves one client until it says `exit` or closes the stream; the answer is whether it ended in order.
///
/// The reading thread is left behind when the client says `exit` but does not close its end.
pub fn serve(
    input: impl BufRead + Send + 'static,
    mut output: impl Write,
    host: &dyn Host,
    schemas: &Schemas<'_>,
    options: &Options,
) -> bool {
    let (heard, events) = channel();
    let reader = heard.clone();
    thread::spawn(move || listen(input, &reader));
    thread::scope(|scope| {
        let (jobs, waiting) = channel();
        let worker = thread::Builder::new().stack_size(STACK);
        let started = worker.spawn_scoped(scope, move || work(&waiting, &heard, schemas, options));
        if started.is_err() {
            return false;
        }
        answer(&events, &jobs, &mut output, Server::new(host, entries(schemas)))
    })
}

/// Reads messages to the end of the stream.
fn listen(mut input: impl BufRead, heard: &Sender<Event>) {
    let mut malformed = 0;
    loop {
        let incoming = wire::read(&mut input);
        malformed = match incoming {
            Incoming::Malformed(_) => malformed + 1,
            _ => 0,
        };
        let end = matches!(incoming, Incoming::End) || malformed > MAX_MALFORMED;
        let incoming = if end { Incoming::End } else { incoming };
        if heard.send(Event::Came(incoming)).is_err() || end {
            return;
        }
    }
}

/// Analyses what is waiting: of each workspace the newest state.
fn work(waiting: &Receiver<Job>, heard: &Sender<Event>, schemas: &Schemas<'_>, options: &Options) {
    while let Ok(first) = waiting.recv() {
        let mut newest: BTreeMap<PathBuf, Job> = BTreeMap::new();
        for job in std::iter::once(first).chain(waiting.try_iter()) {
            newest.insert(job.terms.root.clone(), job);
        }
        for (root, job) in newest {
            let made = || analyse(&job.files, schemas, options, &job.terms);
            let analysis = catch_unwind(AssertUnwindSafe(made)).ok();
            if heard.send(Event::Analysed(root, job.state, analysis)).is_err() {
                return;
            }
        }
    }
}

/// Answers in the order of asking; what was cancelled before its turn is not thought about.
fn answer(
    events: &Receiver<Event>,
    jobs: &Sender<Job>,
    output: &mut impl Write,
    mut server: Server<'_>,
) -> bool {
    let mut queue: VecDeque<Event> = VecDeque::new();
    loop {
        if queue.is_empty() {
            match events.recv() {
                Ok(event) => queue.push_back(event),
                Err(_) => return false,
            }
        }
        queue.extend(events.try_iter());
        let Some(event) = queue.pop_front() else { continue };
        let mut heard = true;
        match event {
            Event::Came(Incoming::End) => return false,
            Event::Came(Incoming::Malformed(why)) => heard = wire::refuse(output, &why),
            Event::Came(Incoming::Message(message)) => match cancelled(&message, &queue) {
                Some(id) => server.cancel(id),
                None => server.take(message),
            },
            Event::Analysed(root, state, Some(analysis)) => server.analysed(&root, state, analysis),
            Event::Analysed(_, _, None) => {
                server.log(
                    "lambuild ran into a mistake of its own while it checked the files. Please report it",
                );
            }
        }
        for message in server.out.drain(..) {
            heard &= wire::write(output, &message);
        }
        if let Some(orderly) = server.ended() {
            return orderly;
        }
        if !heard {
            return false;
        }
        if queue.is_empty() {
            for job in server.jobs() {
                // The worker ends after this loop does.
                let _ = jobs.send(job);
            }
        }
    }
}

/// The id of a request whose cancellation is already waiting.
fn cancelled(message: &Message, queue: &VecDeque<Event>) -> Option<RequestId> {
    let Message::Request(request) = message else {
        return None;
    };
    let id = serde_json::to_value(&request.id).ok()?;
    let is_for_it = |event: &Event| match event {
        Event::Came(Incoming::Message(Message::Notification(waiting))) => {
            waiting.method == "$/cancelRequest" && waiting.params.get("id") == Some(&id)
        }
        _ => false,
    };
    queue.iter().any(is_for_it).then(|| request.id.clone())
}
