//! What a process says, within bounds: the beginning and the end are kept.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

/// How much of the beginning and how much of the end is kept, in bytes each: 16 MiB in all.
const KEPT: usize = 8 << 20;

/// How much has been heard so far, for whoever watches from another thread.
#[derive(Debug, Default)]
pub struct Heard(AtomicU64);

impl Heard {
    /// All bytes, kept or not.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// As [`read_bounded`], counting.
///
/// # Errors
/// The system's.
pub fn read_counted(from: &mut impl Read, heard: &Heard) -> io::Result<Vec<u8>> {
    read_within(&mut Counting { from, heard }, KEPT)
}

struct Counting<'a, R> {
    from: &'a mut R,
    heard: &'a Heard,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.heard.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

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
