//! Counts what test runners say of themselves: libtest, wasm-bindgen-test (the same words), and node's.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl Counts {
    pub fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

#[derive(Default)]
pub struct Tally(Counts);

impl Tally {
    /// Takes note of one line of a runner's output.
    pub fn hear(&mut self, line: &str) {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result: ") {
            // "ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s"
            for part in rest.split(['.', ';']) {
                if let Some((number, word)) = part.trim().split_once(' ') {
                    self.add(word, number);
                }
            }
        } else if let Some((word, number)) = line.strip_prefix("ℹ ").and_then(|rest| rest.split_once(' ')) {
            // "ℹ pass 3"
            self.add(word, number);
        }
    }

    pub fn counts(&self) -> Counts {
        self.0
    }

    fn add(&mut self, word: &str, number: &str) {
        let number = number.parse().unwrap_or(0);
        match word {
            "passed" | "pass" => self.0.passed += number,
            "failed" | "fail" | "cancelled" => self.0.failed += number,
            "ignored" | "skipped" | "todo" => self.0.skipped += number,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Tally};

    fn tally(lines: &[&str]) -> Counts {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.hear(line));
        tally.counts()
    }

    #[test]
    fn libtest_lines_add_up() {
        let counts = tally(&[
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.52s\n",
            "test a_case ... ok\n",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 filtered out",
        ]);
        assert_eq!(counts, Counts { passed: 7, failed: 3, skipped: 1 });
    }

    #[test]
    fn node_lines_add_up() {
        let counts =
            tally(&["ℹ tests 4", "ℹ suites 0", "ℹ pass 2", "ℹ fail 1", "ℹ cancelled 0", "ℹ skipped 1", "ℹ todo 0"]);
        assert_eq!(counts, Counts { passed: 2, failed: 1, skipped: 1 });
    }
}
