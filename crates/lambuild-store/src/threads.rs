//! Decides whether work on many things is worth more than one thread. Knows nothing of the work.

use rayon::prelude::*;

/// Fewer than this are done where they are asked for: to wake other threads costs more than a small file,
/// and they look for more work for a while before they sleep again.
const FEW: usize = 32;

/// `work` on each of `items`; the results in their order.
pub(crate) fn each<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    each_of(items, FEW, work)
}

/// As [`each`], where fewer than `few` are done by this thread alone.
pub(crate) fn each_of<T: Send, R: Send>(
    items: Vec<T>,
    few: usize,
    work: impl Fn(T) -> R + Sync + Send,
) -> Vec<R> {
    if items.len() < few {
        return items.into_iter().map(work).collect();
    }
    items.into_par_iter().map(work).collect()
}
