//! The field app, served by a reference instance with a SQLite file.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::error::{Error, Result, Told};
use crate::instance;
use crate::step;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Options {
    /// Behave as ServiceNow does, without Landfall's extras
    #[arg(long)]
    plain: bool,
    /// Where to listen
    #[arg(long, default_value_t = 8600)]
    port: u16,
}

/// Passes on what the instance prints, and says where the app is once it listens. Deaf to Ctrl-C, which reaches it
/// too: it ends with the instance, after the instance's last words.
const TELL: &str = r#"trap '' INT TERM
while IFS= read -r line; do
  case $line in
    "listening on "*) echo "Landfall field app: ${line#listening on }  (Ctrl-C stops it)" ;;
    *) printf '%s\n' "$line" ;;
  esac
done"#;

pub fn serve(workspace: &Workspace, options: &Options) -> Result<()> {
    // Asked first, since the answer may come after minutes of building otherwise.
    if TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).is_err() {
        return Err(Error::PortTaken { port: options.port });
    }
    let site = instance::site(workspace)?;
    let binary = instance::binary(workspace)?;
    let data = workspace.target.join("demo");
    fs::create_dir_all(&data).told("make", &data)?;

    let mut command = Command::new(&binary);
    command
        .current_dir(&workspace.root)
        .args(["--listen", &format!("127.0.0.1:{}", options.port), "--seed", "demo", "--database"])
        .arg(format!("sqlite:{}", data.join("landfall.db").display()))
        .arg("--www")
        .arg(site);
    if options.plain {
        command.arg("--plain");
    }
    step::say("Starting the reference instance (the first time it also makes the demo's records)");
    let (heard, spoken) = io::pipe().map_err(|source| cannot("sh", source))?;
    Command::new("sh").args(["-c", TELL]).stdin(heard).spawn().map_err(|source| cannot("sh", source))?;
    // In this process's place: whoever ends the command, by whatever signal, ends the instance and leaves no orphan.
    let source = command.stdin(Stdio::null()).stdout(spoken).exec();
    Err(cannot(&binary.display().to_string(), source))
}

fn cannot(program: &str, source: io::Error) -> Error {
    Error::NotStarted { program: program.to_owned(), source }
}
