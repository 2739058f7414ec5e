//! House rules that no lint holds. Links nothing of the server.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules of `src/` a module may name by `crate::`. Imports point down.
const ALLOWED: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("telemetry", &["config"]),
    ("config", &["auth"]),
    ("auth", &[]),
    ("store", &[]),
    ("engine", &["store", "clock"]),
    ("caller", &["engine", "auth", "clock"]),
    ("graphql", &["caller", "auth"]),
    ("http", &["graphql", "caller", "auth"]),
];

#[test]
fn imports_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut n_imports = 0;
    for file in files(&root, "rs") {
        let inside = file.strip_prefix(&root).expect("a file of src");
        let module = inside.components().next().expect("a name").as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs");
        if matches!(module, "main" | "lib" | "cli") {
            continue; // They wire everything together.
        }
        let allowed = ALLOWED.iter().find(|(name, _)| *name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("say in tests/tidy.rs what `{module}` may use"));
        let text = fs::read_to_string(&file).expect("a readable file");
        for (number, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                n_imports += 1;
                let names = used.strip_prefix('{').unwrap_or(used);
                let used = names.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                assert!(
                    used == module || allowed.contains(&used) || line.trim_start().starts_with("//"),
                    "{}:{}: `{module}` may use {allowed:?}, not `{used}`:\n{line}",
                    inside.display(),
                    number + 1
                );
            }
        }
    }
    assert!(n_imports > 50, "the imports were found");
}

#[test]
fn the_paths_in_architecture_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let paths: BTreeSet<&str> =
        text.split('`').skip(1).step_by(2).filter(|word| word.contains('/') && !word.contains(' ')).collect();
    assert!(paths.len() > 20, "the paths were found");
    for path in paths {
        assert!(root.join(path).exists(), "ARCHITECTURE.md names `{path}`, which does not exist");
    }
}

#[test]
fn nothing_names_a_machine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own_folders = ["src", "routing", "entity", "migration", "scenarios", "tests", "docs", ".ci"];
    let mut found: Vec<PathBuf> =
        own_folders.iter().flat_map(|folder| files(&root.join(folder), "")).collect();
    found.extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "Cargo.toml"].map(|name| root.join(name)));
    assert!(found.len() > 50, "the files were found");
    for file in found {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for word in [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("../sha", "red")] {
            assert!(!text.contains(word), "{} names {word}", file.display());
        }
    }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target" && name != "node_modules") {
                found.extend(files(&path, extension));
            }
        } else if extension.is_empty() || path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}
