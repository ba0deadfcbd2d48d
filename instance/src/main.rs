//! The program.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use landfall_instance::{ServeError, Server, Settings};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(&Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing more can be done if even this cannot be written.
            let _ = writeln!(std::io::stderr(), "landfall-instance: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> Result<(), ServeError> {
    let server = Server::bind(settings).await?;
    // Whoever started this waits for the line; that nobody reads it is no reason to stop.
    let _ = writeln!(std::io::stdout(), "listening on {}", server.url());
    let _ = std::io::stdout().flush();
    server.run(told_to_stop()).await
}

/// Resolves at SIGTERM or SIGINT.
async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without signals, only killing stops it.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
