//! The table of error codes in the README: each code that the source can give stands there, each that stands there some source
//! can give, and each has been met by some test.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Whoever has lost the lease begins anew: the app never hears of it.
const INSIDE: [&str; 1] = ["lease_lost"];
/// Defects. There is no known way to them that a test could go.
const NEVER_MET: [&str; 1] = ["internal"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn below(folder: &Path, wanted: &[&str]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            all.extend(below(&path, wanted));
        } else if wanted.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            all.push(path);
        }
    }
    all
}

fn is_code(text: &str) -> bool {
    text.len() > 3 && text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

/// The codes that stand right behind one of these.
fn behind(text: &str, before: &[&str]) -> Vec<String> {
    let mut codes = Vec::new();
    for before in before {
        for rest in text.split(before).skip(1) {
            let word = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            codes.extend(word.filter(|word| is_code(word)).map(str::to_owned));
        }
    }
    codes
}

/// All that the layers, their events, and the package's own JavaScript can give.
fn given() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for file in below(&root().join("src"), &[".rs", ".js"]) {
        let text = fs::read_to_string(&file).unwrap();
        if file.ends_with("error.rs") {
            codes.extend(behind(&text, &["=> "]));
        }
        if file.starts_with(root().join("src/bindings")) {
            codes.extend(behind(&text, &["Failure::new(", "Self::new(", "LandfallError("]));
        }
        for event in text.split("Event::Error {").skip(1) {
            codes.extend(behind(event.split('}').next().unwrap(), &["code: "]));
        }
    }
    codes
}

fn documented() -> BTreeSet<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split("\n## Error codes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let first_cells = table.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(1).unwrap());
    first_cells.flat_map(|cell| cell.split('`').filter(|word| is_code(word))).map(str::to_owned).collect()
}

#[test]
fn the_table_in_the_readme_has_all_codes_and_no_others() {
    let mut given = given();
    for inside in INSIDE {
        assert!(given.remove(inside), "{inside} is gone: take it from the list");
    }
    let documented = documented();
    assert!(documented.len() > 30, "{documented:?}");
    let missing: Vec<_> = given.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&given).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not in the table: {missing:?}; given nowhere: {unknown:?}");
}

#[test]
fn each_of_them_is_met_by_a_test() {
    let own = root().join(file!());
    let tests = below(&root().join("tests"), &[".rs", ".mjs"]).into_iter().filter(|path| *path != own);
    let tests: Vec<String> = tests.map(|path| fs::read_to_string(path).unwrap()).collect();
    let said = |code: &str| ["\"", "'", "Code: "].map(|before| format!("{before}{code}"));
    let is_met = |code: &str| said(code).iter().any(|said| tests.iter().any(|text| text.contains(said)));
    let documented = documented();
    let unmet: Vec<_> = documented.iter().map(String::as_str).filter(|code| !is_met(code)).collect();
    assert_eq!(unmet, NEVER_MET);
}
