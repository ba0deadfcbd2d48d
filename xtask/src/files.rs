//! Folders copied, walked and hashed.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::error::{Result, Told};

/// Every file below `folder`, sorted, so that two runs see the same order.
pub fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).told("read", &dir)? {
            let path = entry.told("read", &dir)?.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

pub fn copy_below(from: &Path, to: &Path) -> Result<()> {
    for path in below(from)? {
        let place = to.join(path.strip_prefix(from).unwrap_or(&path));
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).told("make", parent)?;
        }
        fs::copy(&path, &place).told("copy", &path)?;
    }
    Ok(())
}

/// An empty folder, whatever was there.
pub fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).told("remove", folder)?;
    }
    fs::create_dir_all(folder).told("make", folder)
}

pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, content).told("write", path)
}

/// Names content, for caches. The standard hasher may change with the compiler, which costs one rebuild.
pub fn hash_of(content: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Names what a folder holds: the same files with the same bytes have the same name.
pub fn hash_below(folder: &Path) -> Result<String> {
    let mut parts = Vec::new();
    for path in below(folder)? {
        let bytes = fs::read(&path).told("read", &path)?;
        parts.push((path.strip_prefix(folder).unwrap_or(&path).to_path_buf(), bytes));
    }
    Ok(hash_of(parts))
}
