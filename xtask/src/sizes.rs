//! How large each entry is on the wire, with all that it loads, and how large it may be.

use std::path::Path;

use crate::build::MODULE;
use crate::error::Result;
use crate::step;
use crate::workspace::Workspace;

/// What an entry may weigh: just above what it weighs now, so that growth is seen.
struct Budget {
    entry: &'static str,
    gzip: u64,
    brotli: u64,
}

const BUDGETS: [Budget; 5] = [
    Budget { entry: MODULE, gzip: 756_000, brotli: 576_000 },
    // With the module, which it names.
    Budget { entry: "landfall.js", gzip: 775_000, brotli: 592_500 },
    Budget { entry: "slim.js", gzip: 18_900, brotli: 15_900 },
    Budget { entry: "service-worker.js", gzip: 1_700, brotli: 1_400 },
    Budget { entry: "service-worker.classic.js", gzip: 12_200, brotli: 10_600 },
];

/// Node has both compressors, and is needed anyway. A server compresses each file by itself.
const WEIGH: &str = r#"
    const { readFileSync } = require('node:fs'), { join } = require('node:path'), zlib = require('node:zlib');
    const [folder, entry] = process.argv.slice(1), files = new Set([entry]), sizes = [0, 0, 0];
    for (const name of files) {
      const bytes = readFileSync(join(folder, name));
      const named = /(?:from |new URL\()"\.\/([^"]+)"/g;
      if (name.endsWith('.js')) for (const [, next] of String(bytes).matchAll(named)) files.add(next);
      const parts = [bytes, zlib.gzipSync(bytes, { level: 9 }), zlib.brotliCompressSync(bytes)];
      parts.forEach(({ length }, at) => (sizes[at] += length));
    }
    console.log(sizes.join(' '));"#;

struct Sizes {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// Prints what each entry of the package weighs.
pub fn print(workspace: &Workspace, package: &Path) -> Result<()> {
    for Budget { entry, .. } in &BUDGETS {
        let [raw, gzip, brotli] = of(workspace, package, entry)?.in_words();
        println!("    {entry:<26} {raw:>9}, gzip {gzip:>8}, brotli {brotli:>8}");
    }
    Ok(())
}

/// A sentence for each entry that weighs more than it may.
pub fn over_budget(workspace: &Workspace, package: &Path) -> Result<Vec<String>> {
    let mut over = Vec::new();
    for Budget { entry, gzip, brotli } in &BUDGETS {
        let sizes = of(workspace, package, entry)?;
        for (weighs, may, how) in [(sizes.gzip, *gzip, "gzipped"), (sizes.brotli, *brotli, "in Brotli")] {
            if weighs > may {
                over.push(format!("{entry} weighs {} {how}, over its budget of {}", kilobytes(weighs), kilobytes(may)));
            }
        }
    }
    Ok(over)
}

impl Sizes {
    fn in_words(&self) -> [String; 3] {
        [self.raw, self.gzip, self.brotli].map(kilobytes)
    }
}

fn of(workspace: &Workspace, package: &Path, entry: &str) -> Result<Sizes> {
    let printed = step::output_of(workspace.node().args(["-e", WEIGH]).arg(package).arg(entry))?;
    let mut sizes = printed.split(' ').map(|size| size.parse().unwrap_or(u64::MAX));
    let mut next = || sizes.next().unwrap_or(u64::MAX);
    Ok(Sizes { raw: next(), gzip: next(), brotli: next() })
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{} KB", bytes / 1000, bytes % 1000 / 100)
}
