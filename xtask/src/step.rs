//! One step of a command: says what it does, shows its progress, says how long it took.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::tally::{Counts, Tally};

/// A child that prints nothing for this long is spoken for.
const SILENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

pub fn say(text: impl AsRef<str>) {
    println!("==> {}", text.as_ref());
    flush();
}

/// Runs a child that shows its own progress.
pub fn run(label: &str, command: &mut Command) -> Result<()> {
    say(label);
    let started = Instant::now();
    let status = spawn(command)?.wait().map_err(|source| not_started(command, source))?;
    succeed(command, status, started)
}

/// Runs a child that works in silence: a line every few seconds says that it still does.
pub fn run_silent(label: &str, command: &mut Command) -> Result<()> {
    say(label);
    let started = Instant::now();
    let mut child = spawn(command)?;
    let mut said = started;
    loop {
        if let Some(status) = child.try_wait().map_err(|source| not_started(command, source))? {
            return succeed(command, status, started);
        }
        if said.elapsed() >= SILENCE {
            said = Instant::now();
            println!("    still at it after {}", in_words(started.elapsed()));
            flush();
        }
        thread::sleep(POLL);
    }
}

/// Runs a test runner: shows what it prints and counts what it says passed and failed.
pub fn run_counted(label: &str, command: &mut Command) -> Result<(bool, Counts)> {
    say(label);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|source| not_started(command, source))?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        // Bytes, not lines: a test may print what is not UTF-8, and that is no reason to stop reading.
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let _ = std::io::stdout().write_all(&line);
            tally.hear(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    flush();
    let status = child.wait().map_err(|source| not_started(command, source))?;
    Ok((status.success(), tally.counts()))
}

/// What a child prints, when it succeeds.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| not_started(command, source))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(failed(command))
    }
}

/// Whether a child can be run at all and is content; what it prints is of no interest.
pub fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    command.stdin(Stdio::null()).spawn().map_err(|source| not_started(command, source))
}

fn succeed(command: &Command, status: ExitStatus, started: Instant) -> Result<()> {
    if status.success() {
        println!("    {}", in_words(started.elapsed()));
        flush();
        Ok(())
    } else {
        Err(failed(command))
    }
}

fn not_started(command: &Command, source: std::io::Error) -> Error {
    Error::NotStarted { program: command.get_program().to_string_lossy().into_owned(), source }
}

fn failed(command: &Command) -> Error {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    Error::Failed { command: words.join(" ") }
}

/// Where the output is a file or a pipe, our lines must not come after those of the children.
fn flush() {
    let _ = std::io::stdout().flush();
}
