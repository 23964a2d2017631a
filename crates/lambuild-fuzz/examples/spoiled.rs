//! Shows what lambuild says to files that were spoiled by one change each, to be read as a user
//! would: `cargo run -p lambuild-fuzz --example spoiled -- FIRST COUNT FILE…`.
#![expect(clippy::print_stdout, reason = "this is for people at a terminal")]

use lambuild_fuzz::mutate::{Edit, mutate};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [first, count, files @ ..] = &words[..] else {
        println!("spoiled FIRST COUNT FILE…");
        return;
    };
    let (first, count) = (first.parse().unwrap_or(0), count.parse().unwrap_or(0u64));
    let texts: Vec<String> = files
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect();
    for seed in first..first + count {
        show(&texts, seed);
    }
}

fn show(texts: &[String], seed: u64) {
    // Any odd number far from a power of two scatters neighbouring seeds.
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let mixed = mixed.wrapping_mul(0xD134_2543_DE82_EF95);
    let Some(text) = texts.get(mixed as usize % texts.len().max(1)) else {
        return;
    };
    let edit = Edit {
        how: (mixed >> 8) as u8,
        at: (mixed >> 16) as u16,
        with: (mixed >> 32) as u16,
    };
    let spoiled = mutate(text, &[edit]);
    println!("==== {seed}");
    let after: Vec<&str> = spoiled.lines().collect();
    for (at, line) in text.lines().enumerate() {
        if after.get(at) != Some(&line) {
            println!("- {line}\n+ {}", after.get(at).unwrap_or(&"(nothing)"));
            break;
        }
    }
    if let Some((found, sources)) = lambuild_fuzz::problems(&spoiled) {
        for made in &found {
            println!("{}\n", lambuild_lang::render(made, &sources, false));
        }
    }
}
