//! The items of a file, and of a workspace. Knows no protocol.

use crate::view::View;
use lambuild_lang::RelPath;
use lambuild_lang::index::{Definition, Index};

/// The items of a text, in their order.
pub fn items(text: &str) -> Vec<Definition> {
    let mut found = Index::of(text).definitions;
    found.retain(|definition| definition.is_item);
    found.sort_by_key(|definition| definition.whole.start);
    found
}

/// The items of all files whose names have the letters of `query` in this order, by file.
pub fn search(view: &View<'_>, query: &str) -> Vec<(RelPath, Definition)> {
    let mut found = Vec::new();
    for file in &view.facts.files {
        let text = view.text_of(file).unwrap_or_default();
        let matching = items(&text).into_iter().filter(|item| has(&item.name, query));
        found.extend(matching.map(|item| (file.clone(), item)));
    }
    found
}

/// Whether a name has these letters in this order, large or small.
fn has(name: &str, query: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    query
        .chars()
        .flat_map(char::to_lowercase)
        .all(|wanted| name.any(|letter| letter == wanted))
}
