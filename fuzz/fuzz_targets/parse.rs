//! Feeds `lambuild_fuzz::parse` what libFuzzer thinks of.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambuild_fuzz::parse(bytes));
