//! How large the module is on disk and on the wire.

use std::fs;
use std::path::Path;

use crate::error::{Result, Told};
use crate::step;
use crate::workspace::Workspace;

/// Node has both compressors, and is needed anyway.
const COMPRESS: &str = "
    const zlib = require('node:zlib'), bytes = require('node:fs').readFileSync(process.argv[1]);
    const gzip = zlib.gzipSync(bytes, { level: 9 }), brotli = zlib.brotliCompressSync(bytes);
    console.log(gzip.length, brotli.length)";

pub struct Sizes {
    pub raw: u64,
    pub gzip: u64,
    pub brotli: u64,
}

pub fn of(workspace: &Workspace, file: &Path) -> Result<Sizes> {
    let raw = fs::metadata(file).told("read", file)?.len();
    let printed = step::output_of(workspace.node().args(["-e", COMPRESS]).arg(file))?;
    let mut sizes = printed.split(' ').map(|size| size.parse().unwrap_or(u64::MAX));
    let mut next = || sizes.next().unwrap_or(u64::MAX);
    Ok(Sizes { raw, gzip: next(), brotli: next() })
}

pub fn print(workspace: &Workspace, file: &Path) -> Result<()> {
    let sizes = of(workspace, file)?;
    let name = file.strip_prefix(&workspace.root).unwrap_or(file).display();
    step::say(format!(
        "{name}: {}, gzip {}, brotli {}",
        kilobytes(sizes.raw),
        kilobytes(sizes.gzip),
        kilobytes(sizes.brotli)
    ));
    Ok(())
}

pub fn kilobytes(bytes: u64) -> String {
    format!("{}.{} KB", bytes / 1000, bytes % 1000 / 100)
}
