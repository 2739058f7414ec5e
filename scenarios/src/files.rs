//! Where scenarios are found.

use std::fs;
use std::path::{Path, PathBuf};

/// The file itself, or all `*.yaml` below a directory, in the order of their paths.
pub(crate) fn scenarios_in(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    collect(path, &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err("there is no *.yaml in this directory".to_owned());
    }
    Ok(files)
}

/// The text of a file, unless it is too long to be a routing test.
pub(crate) fn text_of(path: &Path, bytes_max: u64) -> Result<String, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.len() > bytes_max {
        return Err(format!("the file has {} bytes; a routing test has at most {bytes_max}", metadata.len()));
    }
    fs::read_to_string(path).map_err(|error| error.to_string())
}

/// Symbolic links to directories are not followed, so that there is no circle.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let problem = |error: std::io::Error| format!("{}: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(problem)?);
        if kind.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}
