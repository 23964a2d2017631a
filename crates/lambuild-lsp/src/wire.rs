//! Messages from and to the stream. Decides that one which cannot be read is answered, not fatal: only
//! the end of the stream ends reading. Knows no meaning of a message.

use lsp_server::Message;
use std::io::{self, BufRead, Write};

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Message),
    /// Something that is none, and why.
    Malformed(String),
    /// The end of the stream.
    End,
}

/// How many lines that belong to no message are passed over before the stream is given up.
pub const MAX_MALFORMED: usize = 1000;

/// The next message.
pub fn read(stream: &mut impl BufRead) -> Incoming {
    match Message::read(stream) {
        Ok(Some(message)) => Incoming::Message(message),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Incoming::Malformed(error.to_string()),
        Ok(None) | Err(_) => Incoming::End,
    }
}

/// Writes a message; the answer is whether anybody reads it.
pub fn write(stream: &mut impl Write, message: &Message) -> bool {
    message.write(stream).is_ok()
}

/// Answers what is no message: nobody knows which request it was.
pub fn refuse(stream: &mut impl Write, why: &str) -> bool {
    let error = serde_json::json!({
        "jsonrpc": "2.0",
        "id": null,
        "error": { "code": lsp_server::ErrorCode::ParseError as i32, "message": why },
    });
    let text = error.to_string();
    let written = write!(stream, "Content-Length: {}\r\n\r\n{text}", text.len());
    written.and_then(|()| stream.flush()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_hides_not_the_next() {
        let good = "Content-Length: 41\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":1}";
        let bad = "Content-Length: 3\r\n\r\n{a}nonsense\r\nContent-Length: x\r\n";
        let mut stream = io::Cursor::new(format!("{bad}{good}{good}"));
        let mut told = Vec::new();
        loop {
            match read(&mut stream) {
                Incoming::Message(_) => told.push("message"),
                Incoming::Malformed(_) => told.push("malformed"),
                Incoming::End => break,
            }
        }
        assert_eq!(
            told,
            ["malformed", "malformed", "malformed", "message", "message"]
        );
    }
}
