//! What a process says, within bounds: the beginning and the end are kept.

use std::collections::VecDeque;
use std::io::{self, Read};

/// How much of the beginning and how much of the end is kept, in bytes each: 16 MiB in all.
const KEPT: usize = 8 << 20;

/// Reads to the end; what is too much is left out of the middle and said so.
///
/// # Errors
/// The system's.
pub fn read_bounded(from: &mut impl Read) -> io::Result<Vec<u8>> {
    read_within(from, KEPT)
}

fn read_within(from: &mut impl Read, kept: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut tail: VecDeque<u8> = VecDeque::new();
    let mut dropped = 0u64;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let for_head = read.min(kept - head.len());
        head.extend_from_slice(&buffer[..for_head]);
        tail.extend(&buffer[for_head..read]);
        let excess = tail.len().saturating_sub(kept);
        tail.drain(..excess);
        dropped += excess as u64;
    }
    if dropped > 0 {
        head.extend_from_slice(format!("\n… {dropped} bytes left out …\n").as_bytes());
    }
    head.extend(tail);
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_logs_are_whole_and_long_ones_keep_both_ends() {
        assert_eq!(read_within(&mut &b"0123456789"[..], 5).unwrap(), b"0123456789");
        let long = read_within(&mut &b"0123456789abc"[..], 5).unwrap();
        assert_eq!(
            String::from_utf8(long).unwrap(),
            "01234\n… 3 bytes left out …\n89abc"
        );
    }
}
