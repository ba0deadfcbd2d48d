//! The npm package: `pkg/`, laid out by hand around what wasm-bindgen makes.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::error::{Error, Result, Told};
use crate::files;
use crate::setup::{self, BuildTools};
use crate::sizes;
use crate::step;
use crate::tools::WASM;
use crate::workspace::Workspace;

pub const MODULE: &str = "wasm_bg.wasm";
/// Where the module lies, only the entry `landfall` says: a bundler would take it along with `landfall/slim`, too, and a
/// classic script may not even have `import.meta` in it.
const BOUND: [&str; 7] = [
    "--target",
    "web",
    "--no-typescript",
    "--out-name",
    "wasm",
    "--omit-default-module-path",
    "--experimental-reset-state-function",
];
/// What is on its way to an instance that has crashed (an event, a timer, an answer) is to come to nothing, from that very
/// moment on. wasm-bindgen's glue knows of it later, and then throws: an error on the app's page for each.
const STALE: [(&str, &str); 2] = [
    ("if (state.instance !== __wbg_instance_id)", "if (isDead() || state.instance !== __wbg_instance_id)"),
    ("throw new Error('Cannot invoke closure from previous WASM instance');", "return;"),
];
const IS_DEAD: &str = "import { isDead } from \"./crash.js\";\n";
const CLASSIC: &str = "service-worker.classic.js";

/// Builds `pkg/` and says where it is.
pub fn package(workspace: &Workspace) -> Result<PathBuf> {
    let tools = setup::for_build(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--lib", "--package", "landfall", "--target", WASM]);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", nameless(workspace));
    step::run("The Wasm module", &mut cargo)?;

    let made = bound(workspace, &tools)?;
    let package = assembled(workspace, &made)?;
    classic(&tools, &package)?;
    sizes::print(workspace, &package)?;
    Ok(package)
}

/// Panic messages name source files. Without the folders of this machine they are shorter, the same wherever the module
/// is built, and nobody's business.
fn nameless(workspace: &Workspace) -> String {
    let remap = |folder: PathBuf, name: &str| format!("--remap-path-prefix={}={name}", folder.display());
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let crates = cargo.map(|home| remap(home.join("registry/src"), "crates"));
    let own = remap(workspace.root.clone(), "landfall");
    crates.into_iter().chain([own]).collect::<Vec<_>>().join(" ")
}

/// wasm-bindgen and wasm-opt, whose work is kept as long as the compiler's output stays the same.
fn bound(workspace: &Workspace, tools: &BuildTools) -> Result<PathBuf> {
    let compiled = workspace.target.join(WASM).join("release/landfall.wasm");
    let made = workspace.target.join("package");
    let stamp = made.join("made-from");
    let bytes = fs::read(&compiled).told("read", &compiled)?;
    let from = files::hash_of((bytes, tools.bindgen.bindgen.as_path(), BOUND, STALE));
    if fs::read_to_string(&stamp).is_ok_and(|last| last == from) {
        return Ok(made);
    }
    files::empty(&made)?;
    let mut bindgen = Command::new(&tools.bindgen.bindgen);
    bindgen.args(BOUND).arg("--out-dir").arg(&made).arg(&compiled);
    step::run_silent("wasm-bindgen", &mut bindgen)?;
    let glue = made.join("wasm.js");
    files::write(&glue, silenced(fs::read_to_string(&glue).told("read", &glue)?)?)?;

    let module = made.join(MODULE);
    let mut opt = tools.npm.tool("wasm-opt");
    // No feature is named: the module says itself what the compiler counted on, and allowed more, wasm-opt would make
    // use of what a browser may lack.
    opt.args(["-Oz", "--strip-producers"]).arg(&module).arg("-o").arg(&module);
    step::run_silent("wasm-opt", &mut opt)?;
    files::write(&stamp, from)?;
    Ok(made)
}

fn silenced(mut glue: String) -> Result<String> {
    for (words, others) in STALE {
        if !glue.contains(words) {
            return Err(Error::Unmet { what: format!("wasm-bindgen's glue should have `{words}` in it") });
        }
        glue = glue.replace(words, others);
    }
    Ok(format!("{IS_DEAD}{glue}"))
}

fn assembled(workspace: &Workspace, made: &Path) -> Result<PathBuf> {
    let package = workspace.root.join("pkg");
    let by_hand = workspace.root.join("src/bindings/js");
    if !by_hand.is_dir() {
        return Err(Error::NotInCheckout { path: by_hand });
    }
    files::empty(&package)?;
    files::copy_below(made, &package)?;
    fs::remove_file(package.join("made-from")).told("remove", &package)?;
    files::copy_below(&by_hand, &package)?;
    for name in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        let page = workspace.root.join(name);
        if page.exists() {
            fs::copy(&page, package.join(name)).told("copy", &page)?;
        }
    }
    files::write(&package.join("package.json"), manifest(workspace)?)?;
    Ok(package)
}

/// What classic scripts are given is made of the same files as the rest, in place of the one that names them.
fn classic(tools: &BuildTools, package: &Path) -> Result<()> {
    let mut esbuild = tools.npm.tool("esbuild");
    esbuild.args([CLASSIC, "--bundle", "--minify", "--format=iife", "--global-name=landfall", "--log-level=warning"]);
    esbuild.args(["--allow-overwrite", &format!("--outfile={CLASSIC}")]).current_dir(package);
    step::run_silent("The classic script", &mut esbuild)
}

/// The package's manifest: what is the same in Cargo.toml is taken from there.
fn manifest(workspace: &Workspace) -> Result<String> {
    let described = step::output_of(workspace.cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let described: Value = serde_json::from_str(&described).unwrap_or_default();
    let packages = described.get("packages").and_then(Value::as_array);
    let landfall = packages.into_iter().flatten().find(|package| text(package, "name") == "landfall");
    let mut manifest = String::from(include_str!("package.json"));
    for field in ["version", "description", "license"] {
        let value = landfall.map(|package| text(package, field)).unwrap_or_default();
        manifest = manifest.replace(&format!("{{{field}}}"), value);
    }
    Ok(manifest)
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}
