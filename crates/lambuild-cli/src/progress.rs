//! What a person sees while a build goes on: on a terminal a line for each running
//! action and a count, elsewhere a line for each action that ran.

use crate::exit;
use crate::talk::{Talk, duration};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lambuild_action::{ExecuteError, NodeId};
use lambuild_build::{Event, How, Reporter};
use lambuild_graph::ActionGraph;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Shows the progress of one build.
pub struct Progress {
    talk: Talk,
    graph: Arc<ActionGraph>,
    live: Option<Mutex<Live>>,
}

struct Live {
    bars: MultiProgress,
    count: ProgressBar,
    running: BTreeMap<NodeId, ProgressBar>,
}

impl Progress {
    /// For a build of this graph.
    pub fn new(talk: Talk, graph: Arc<ActionGraph>) -> Self {
        let live = talk.live.then(|| {
            let bars = MultiProgress::new();
            let count = bars.add(ProgressBar::new(graph.len() as u64));
            count.set_style(style("{pos}/{len} actions, {elapsed}"));
            count.enable_steady_tick(Duration::from_secs(1));
            Mutex::new(Live {
                bars,
                count,
                running: BTreeMap::new(),
            })
        });
        Progress { talk, graph, live }
    }

    fn name(&self, node: NodeId) -> String {
        let action = self.graph.action(node);
        format!("{} {}", action.mnemonic, action.subject)
            .trim_end()
            .to_owned()
    }

    /// Takes the rewritten lines away.
    pub fn clear(&self) {
        if let Some(live) = &self.live {
            let live = live.lock().unwrap_or_else(PoisonError::into_inner);
            // A terminal that cannot be cleared keeps the last state.
            let _ = live.bars.clear();
        }
    }

    fn show_live(&self, live: &Mutex<Live>, event: &Event<'_>) {
        let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { .. } | Event::Waiting { .. } => {}
            Event::Started { node } => {
                let bar = live.bars.insert_before(&live.count, ProgressBar::new_spinner());
                bar.set_style(style("  {spinner} {msg}  {elapsed}"));
                bar.set_message(self.name(*node));
                bar.enable_steady_tick(Duration::from_millis(100));
                live.running.insert(*node, bar);
            }
            Event::Finished { node, .. } | Event::Failed { node, .. } => {
                live.count.inc(1);
                if let Some(bar) = live.running.remove(node) {
                    bar.finish_and_clear();
                }
            }
        }
    }

    fn line(&self, event: &Event<'_>) -> Option<String> {
        match event {
            Event::Finished {
                node,
                how: How::Executed,
                took,
                ..
            } => Some(format!("{}  {}", self.name(*node), duration(*took))),
            Event::Waiting { node, by } => {
                Some(format!("{}  waits for {by}, which runs it", self.name(*node)))
            }
            Event::Finished { node, how, .. } if self.talk.verbose > 0 => {
                let word = if *how == How::Cached { "reused" } else { "taken" };
                Some(format!("{}  {word}", self.name(*node)))
            }
            _ => None,
        }
    }

    fn show_json(&self, event: &Event<'_>) {
        let object = match event {
            Event::Planned { actions } => json!({"event": "planned", "actions": actions}),
            Event::Started { node } => json!({"event": "started", "action": self.name(*node)}),
            Event::Waiting { node, by } => {
                json!({"event": "waiting", "action": self.name(*node), "for": by})
            }
            Event::Finished { node, how, took, .. } => json!({
                "event": "finished",
                "action": self.name(*node),
                "how": match how { How::Cached => "cached", How::Executed => "executed", How::Taken => "taken" },
                "seconds": took.as_secs_f64(),
            }),
            Event::Failed {
                node,
                failure: lambuild_build::Failure::Execute { error, .. },
            } => json!({
                "event": "failed",
                "action": self.name(*node),
                "error": error.to_string(),
                "log": log_of(error).map(|log| String::from_utf8_lossy(log).into_owned()),
            }),
            Event::Failed { node, .. } => json!({"event": "failed", "action": self.name(*node)}),
        };
        self.talk.data(&object.to_string());
    }
}

fn style(template: &str) -> ProgressStyle {
    // A template that cannot be read would be a mistake in this file; plain bars are then good enough.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Reporter for Progress {
    fn report(&self, event: &Event<'_>) {
        if self.talk.json {
            self.show_json(event);
        }
        if let Some(live) = &self.live {
            self.show_live(live, event);
        }
        if let Some(line) = self.line(event).filter(|_| !self.talk.json) {
            match &self.live {
                Some(live) => {
                    let live = live.lock().unwrap_or_else(PoisonError::into_inner);
                    live.bars.suspend(|| self.talk.say(&line));
                }
                None => self.talk.say(&line),
            }
        }
    }
}

/// What the tool of a failed action said.
pub fn log_of(error: &ExecuteError) -> Option<&[u8]> {
    match error {
        ExecuteError::Failed { log, .. } => Some(log),
        _ => None,
    }
}

/// Shows an action that has no output: what, how, and what the tool itself said.
/// The exit code.
pub fn failed(talk: &Talk, what: &str, error: &ExecuteError, arguments: &[String]) -> u8 {
    talk.error(&format!("{what} failed: {error}"));
    if let Some(log) = log_of(error) {
        talk.error_text(&visible(&String::from_utf8_lossy(log)));
        if talk.verbose > 0 {
            talk.say(&format!("the command was: {}", arguments.join(" ")));
        }
    }
    match error {
        ExecuteError::Lock(_) => exit::LOCK,
        ExecuteError::Interrupted => exit::INTERRUPTED,
        _ => exit::FAILED,
    }
}

/// A tool's text with control characters made visible that could rewrite the terminal;
/// line ends, tabs and colours stay.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_control() && c != '\n' && c != '\t') {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let length = color_length(from);
        if length > 0 {
            shown.push_str(&from[..length]);
            rest = &from[length..];
            continue;
        }
        let mut chars = from.chars();
        shown.extend(chars.next().into_iter().flat_map(char::escape_default));
        rest = chars.as_str();
    }
    shown.push_str(rest);
    shown
}

/// The length of the colour sequence (`ESC [ … m`) that a text begins with; 0 for none.
fn color_length(text: &str) -> usize {
    let Some(inner) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let end = inner.find(|c: char| !c.is_ascii_digit() && c != ';');
    end.filter(|end| inner[*end..].starts_with('m'))
        .map_or(0, |end| end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_other_control_sequences_are_shown() {
        assert_eq!(visible("a\x1b[1;31mb\x1b[0m\tc\n"), "a\x1b[1;31mb\x1b[0m\tc\n");
        assert_eq!(visible("a\x1b[2Jb\rc\x07"), "a\\u{1b}[2Jb\\rc\\u{7}");
        assert_eq!(visible("end \x1b["), "end \\u{1b}[");
    }
}
