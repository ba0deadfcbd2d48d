//! Everything that is not a test: format, lints, docs, the house rules, the module's size.

use std::process::Command;

use crate::build::{self, MODULE};
use crate::error::{Error, Result};
use crate::rules;
use crate::setup;
use crate::sizes::{self, kilobytes};
use crate::step;
use crate::tools::WASM;
use crate::workspace::Workspace;

/// What the module may weigh on the wire, gzipped: just above what it weighs now, so that growth is seen.
const BUDGET: u64 = 745_000;

pub fn run(workspace: &Workspace) -> Result<()> {
    setup::for_build(workspace)?;
    let mut unmet = Vec::new();
    // All of them, whatever fails: a reader wants to mend everything in one go.
    for (name, command) in &mut commands(workspace) {
        if let Err(error) = step::run(name, command) {
            eprintln!("{error}");
            unmet.push((*name).to_owned());
        }
    }
    step::say("House rules");
    for broken in rules::broken(workspace)? {
        println!("    {broken}");
        unmet.push(broken);
    }
    if let Err(error) = within_budget(workspace) {
        eprintln!("{error}");
        unmet.push("size of the module".into());
    }
    if unmet.is_empty() {
        step::say("All checks hold.");
        return Ok(());
    }
    Err(Error::Unmet { what: unmet.join("; ") })
}

fn commands(workspace: &Workspace) -> [(&'static str, Command); 4] {
    let cargo = |words: &[&str]| {
        let mut cargo = workspace.cargo();
        cargo.args(words);
        cargo
    };
    let strict = ["--", "-D", "warnings"];
    let host = ["clippy", "--workspace", "--all-targets", "--all-features"];
    // Tests of the rest run on this machine, and use what has no Wasm.
    let wasm = ["clippy", "--package", "landfall", "--lib", "--test", "web_*", "--all-features", "--target", WASM];
    let mut docs = cargo(&["doc", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    [
        ("Format", cargo(&["fmt", "--all", "--check"])),
        ("Lints on this machine", cargo(&[&host[..], &strict].concat())),
        ("Lints for Wasm", cargo(&[&wasm[..], &strict].concat())),
        ("Docs", docs),
    ]
}

fn within_budget(workspace: &Workspace) -> Result<()> {
    let module = build::package(workspace)?.join(MODULE);
    let sizes = sizes::of(workspace, &module)?;
    let weighs = kilobytes(sizes.gzip);
    let budget = kilobytes(BUDGET);
    if sizes.gzip > BUDGET {
        return Err(Error::Unmet { what: format!("the module weighs {weighs} gzipped, over its budget of {budget}") });
    }
    step::say(format!("The module weighs {weighs} gzipped, of {budget} at most"));
    Ok(())
}
