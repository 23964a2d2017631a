//! The printed table: what was asked, what was measured, whether it holds.

/// Rows in the order of measuring, printed at the end.
#[derive(Default)]
pub struct Table {
    lines: Vec<String>,
    failed: bool,
}

impl Table {
    pub fn title(&mut self, text: &str) {
        self.lines.push(format!("\n{text}"));
    }

    /// A figure with a goal.
    pub fn row(&mut self, name: &str, goal: &str, found: &str, holds: bool) {
        self.failed |= !holds;
        let word = if holds { "pass" } else { "FAIL" };
        self.lines
            .push(format!("  {name:38} {found:>26}   {goal:>10}  {word}"));
    }

    /// A figure without one.
    pub fn note(&mut self, name: &str, found: &str) {
        self.lines.push(format!("  {name:38} {found:>26}"));
    }

    /// Something could not be measured.
    pub fn failed(&mut self, why: &str) {
        self.failed = true;
        self.lines.push(format!("\nNOT MEASURED: {why}"));
    }

    pub fn passed(&self) -> bool {
        !self.failed
    }

    pub fn print(&self) {
        self.lines.iter().for_each(|line| println!("{line}"));
    }
}
