//! Feeds `lambuild_fuzz::fmt` what libFuzzer thinks of.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambuild_fuzz::fmt(bytes));
