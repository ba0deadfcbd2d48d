//! Arbitrary and spoiled input, led by what code it reaches, into everything that reads what others wrote.
//!
//! libFuzzer needs code that counts where it has been. The compiler's pass for that takes its flags on any toolchain;
//! it is `-Zsanitizer`, which finds nothing in safe code, that only a nightly one has.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::error::{Error, Result, Told};
use crate::step;
use crate::workspace::Workspace;

/// As cargo-fuzz gives them.
const COUNTING: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

#[derive(clap::Args)]
pub struct Options {
    /// Run only this one (default: all, one after the other)
    target: Option<Target>,
    /// How long each runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// Encoded queries
    Query,
    /// One answer of an instance, read by everything that reads answers
    Answer,
    /// An app and its syncs over a line that spoils what it carries
    History,
    /// Calls over stored rows that are not what they were
    Stored,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Answer => "answer",
            Self::History => "history",
            Self::Stored => "stored",
        }
    }
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if !step::succeeds(Command::new("c++").arg("--version")) {
        return Err(Error::Missing {
            what: "A C++ compiler, for libFuzzer,".into(),
            run: "apt-get install g++".into(),
        });
    }
    let host = host()?;
    let folder = workspace.target.join("fuzz");
    let mut build = workspace.cargo();
    build.args(["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", &host]);
    build.arg("--target-dir").arg(&folder).env("RUSTFLAGS", COUNTING);
    step::run("Fuzz targets, built to count where they have been: some minutes the first time", &mut build)?;
    let targets = options.target.map_or_else(|| Target::value_variants().to_vec(), |target| vec![target]);
    for target in targets {
        let name = target.name();
        let program = folder.join(&host).join("release").join(name);
        fuzz(workspace, &folder, name, Command::new(program), options.seconds)?;
    }
    Ok(())
}

fn fuzz(workspace: &Workspace, folder: &Path, name: &str, mut program: Command, seconds: u32) -> Result<()> {
    let (corpus, found) = (folder.join("corpus").join(name), folder.join("found"));
    for place in [&corpus, &found] {
        fs::create_dir_all(place).told("make", place)?;
    }
    let log = folder.join(format!("{name}.log"));
    program.arg(format!("-max_total_time={seconds}")).args([
        "-max_len=2048",
        "-len_control=0",
        "-timeout=30",
        "-print_final_stats=1",
    ]);
    program.arg(format!("-artifact_prefix={}/{name}-", found.display()));
    // What is new is kept in the first; the second is where it begins.
    program.arg(corpus).arg(workspace.root.join("fuzz/seeds").join(name));
    program.stdout(Stdio::null()).stderr(File::create(&log).told("write", &log)?);
    let ended = step::run_silent(&format!("Fuzzing {name} for {seconds} s"), &mut program);
    let said = fs::read(&log).told("read", &log)?;
    let worth = ["DONE", "stat::number_of_executed", "panicked", "ERROR", "ALARM", "Test unit written"];
    for line in String::from_utf8_lossy(&said).lines().filter(|line| worth.iter().any(|word| line.contains(word))) {
        println!("    {line}");
    }
    if ended.is_err() {
        println!(
            "    Copy the unit to fuzz/seeds/{name}/: `cargo test --test nonsense` then plays it. Log: {}",
            log.display()
        );
    }
    ended
}

/// The machine this is built on. Named, so that the flags do not reach build scripts and macros.
fn host() -> Result<String> {
    let said = step::output_of(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or(Error::Unmet { what: "rustc -vV does not name its host".into() })
}
