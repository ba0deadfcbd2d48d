//! What Debian ships: the browser, its driver, the database server.

use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result};
use crate::step;

pub const CHROMIUM: &str = "/usr/bin/chromium";
pub const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
pub const POSTGRES: &str = "/usr/lib/postgresql/15/bin/postgres";

/// Installs the packages whose file is not there.
pub fn debian(packages: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<_> =
        packages.iter().filter(|(_, file)| !Path::new(file).exists()).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(" ");
    let by_hand = || Error::Missing {
        what: format!("From Debian, {missing}"),
        run: format!("sudo apt-get install -y --no-install-recommends {missing}"),
    };
    let rights: &[&str] = if is_root() {
        &["env"]
    } else if step::succeeds(Command::new("sudo").args(["-n", "true"])) {
        &["sudo", "-n", "env"]
    } else {
        return Err(by_hand());
    };
    let script = format!("apt-get update -q && apt-get install -q -y --no-install-recommends {missing}");
    let mut apt = Command::new("env");
    apt.args(rights).args(["DEBIAN_FRONTEND=noninteractive", "sh", "-c", &script]);
    step::run(&format!("From Debian: {missing}"), &mut apt).map_err(|_| by_hand())
}

fn is_root() -> bool {
    step::output_of(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}
