//! End-to-end tests of the lambuild program; see tests/e2e.
