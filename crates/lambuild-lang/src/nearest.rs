//! "Did you mean": the known name that a misspelt one most likely stands for.

/// How many candidates are compared with: among more, the nearest is hardly the one that was meant.
const MAX_CANDIDATES: usize = 1000;

/// The candidate nearest to `name`; `None` when none is near enough to be worth saying.
///
/// Near is at most a third of the longer name's letters changed, swapped, added
/// or left out, and at least one; of equally near ones the first is taken. Only the first 1,000
/// candidates that are about as long are looked at.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 3 * name.len() + 3 && name.len() <= 3 * candidate.len() + 3)
        .take(MAX_CANDIDATES)
        .filter_map(|candidate| {
            let distance = distance(name, candidate);
            let allowed = (name.chars().count().max(candidate.chars().count()) / 3).max(1);
            (distance <= allowed && distance < candidate.chars().count()).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters that differ, without regard to case. Names beyond 100 bytes are not
/// compared: the work grows with the square of the length.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 100 || b.len() > 100 {
        return usize::MAX;
    }
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_nearest_and_only_a_near_one() {
        let known = ["memory_size", "timeout", "runtime"];
        assert_eq!(nearest("memroy_size", known), Some("memory_size"));
        assert_eq!(nearest("Timeout", known), Some("timeout"));
        assert_eq!(nearest("handler", known), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest(&"t".repeat(1 << 20), known), None);
    }
}
