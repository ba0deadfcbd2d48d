//! The house rules that no lint knows: how long a file may be, who may name the browser, what no file may hold.

use std::fs;

use crate::error::{Result, Told};
use crate::step;
use crate::workspace::Workspace;

/// A file longer than this is about more than one thing.
const LINES: usize = 450;
const LIMITED: [&str; 4] = ["src/", "instance/", "xtask/", "www/"];
const SOURCE: [&str; 7] = [".rs", ".js", ".mjs", ".ts", ".css", ".html", ".sql"];

/// Folders that are somebody's machine rather than anybody's. In parts, or this file would break its own rule.
const MACHINE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];

/// A sentence for each rule that a tracked file breaks.
pub fn broken(workspace: &Workspace) -> Result<Vec<String>> {
    let mut git = std::process::Command::new("git");
    let tracked = step::output_of(git.arg("ls-files").current_dir(&workspace.root))?;
    let mut broken = Vec::new();
    for name in tracked.lines() {
        let path = workspace.root.join(name);
        // A link, a file not yet committed as removed: no text to look at.
        if !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).told("read", &path)?;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            broken.extend(broken_by(name, text));
        }
    }
    Ok(broken)
}

fn broken_by(name: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let lines = text.lines().count();
    if is_limited(name) && lines > LINES {
        broken.push(format!("{name} has {lines} lines: give its ideas a file each ({LINES} at most)"));
    }
    if let Some(line) = line_with(text, names_machine) {
        broken.push(format!("{name}:{line} names a folder of one machine"));
    }
    if is_outside(name, &["src/browser/"]) && line_with_code(text, "web_sys").is_some() {
        broken.push(format!("{name} names web_sys: only src/browser/ speaks to the browser"));
    }
    if is_outside(name, &["src/browser/", "src/bindings/"]) && line_with_code(text, "js_sys").is_some() {
        broken.push(format!("{name} names js_sys: only src/browser/ and src/bindings/ know JavaScript"));
    }
    broken
}

fn is_limited(name: &str) -> bool {
    LIMITED.iter().any(|folder| name.starts_with(folder)) && SOURCE.iter().any(|ending| name.ends_with(ending))
}

/// A source of the client that is not in one of these rooms, nor the file that opens one.
fn is_outside(name: &str, rooms: &[&str]) -> bool {
    let in_room = |room: &&str| name.starts_with(*room) || name == format!("{}.rs", room.trim_end_matches('/'));
    name.starts_with("src/") && name.ends_with(".rs") && !rooms.iter().any(in_room)
}

/// Whether a path begins with such a folder: in the middle of a longer path or an address it is nobody's.
fn names_machine(line: &str) -> bool {
    let inside = |before: char| before.is_alphanumeric() || "./_-#~".contains(before);
    MACHINE.iter().any(|folder| {
        line.match_indices(folder)
            .any(|(at, _)| !line.get(..at).and_then(|text| text.chars().last()).is_some_and(inside))
    })
}

fn line_with_code(text: &str, word: &str) -> Option<usize> {
    line_with(text, |line| line.contains(word) && !line.trim_start().starts_with("//"))
}

fn line_with(text: &str, holds: impl Fn(&str) -> bool) -> Option<usize> {
    text.lines().position(holds).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::{LINES, MACHINE, broken_by};

    #[test]
    fn the_browser_is_named_in_its_room_only() {
        let code = "use web_sys::console;";
        assert_eq!(broken_by("src/browser/http.rs", code), Vec::<String>::new());
        assert_eq!(broken_by("src/browser.rs", code), Vec::<String>::new());
        assert_eq!(broken_by("src/engine/mod.rs", code).len(), 1);
        assert_eq!(broken_by("src/lib.rs", "//! the one room that names web_sys").len(), 0);
        assert_eq!(broken_by("src/bindings/mod.rs", "use js_sys::Promise;").len(), 0);
    }

    #[test]
    fn a_file_has_one_idea() {
        let long = "x\n".repeat(LINES + 1);
        assert_eq!(broken_by("www/app.js", &long).len(), 1);
        assert_eq!(broken_by("Cargo.lock", &long).len(), 0);
    }

    #[test]
    fn no_file_knows_a_machine() {
        assert_eq!(
            broken_by("README.md", &format!("see {}me/notes", MACHINE[0])),
            ["README.md:1 names a folder of one machine"]
        );
        let address = format!("go('#{}orders')", MACHINE[0]);
        assert_eq!(broken_by("www/app.js", &address).len(), 0);
    }
}
