//! Everything that is not a test: format, lints, docs, the house rules, the package's sizes and whether others can use it.

use std::process::Command;

use crate::build;
use crate::error::{Error, Result};
use crate::package;
use crate::rules;
use crate::setup;
use crate::sizes;
use crate::step;
use crate::tools::WASM;
use crate::workspace::Workspace;

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
    if let Err(error) = package(workspace, &mut unmet) {
        eprintln!("{error}");
        unmet.push("the package".into());
    }
    if unmet.is_empty() {
        step::say("All checks hold.");
        return Ok(());
    }
    Err(Error::Unmet { what: unmet.join("; ") })
}

fn commands(workspace: &Workspace) -> [(&'static str, Command); 5] {
    let cargo = |words: &[&str]| {
        let mut cargo = workspace.cargo();
        cargo.args(words);
        cargo
    };
    let strict = ["--", "-D", "warnings"];
    let host = ["clippy", "--workspace", "--all-targets", "--all-features"];
    // Tests of the rest run on this machine, and use what has no Wasm.
    let both = ["clippy", "--package", "landfall", "--package", "landfall-consumer"];
    let wasm = [&both[..], &["--lib", "--test", "web_*", "--all-features", "--target", WASM]].concat();
    let mut docs = cargo(&["doc", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    let mut wasm_docs = cargo(&["doc", "--package", "landfall", "--no-deps", "--target", WASM]);
    wasm_docs.env("RUSTDOCFLAGS", "-D warnings");
    [
        ("Format", cargo(&["fmt", "--all", "--check"])),
        ("Lints on this machine", cargo(&[&host[..], &strict].concat())),
        ("Lints for Wasm", cargo(&[&wasm[..], &strict].concat())),
        ("Docs", docs),
        ("Docs for Wasm", wasm_docs),
    ]
}

/// The package's sizes against their budgets, and what others' tools say of it.
fn package(workspace: &Workspace, unmet: &mut Vec<String>) -> Result<()> {
    let package = build::package(workspace)?;
    unmet.extend(sizes::over_budget(workspace, &package)?);
    package::check(workspace, &package)
}
