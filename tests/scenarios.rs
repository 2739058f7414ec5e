//! `switchyard test` from outside: what it prints, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const PASSING: &str = "workers: { Ann: {} }\nstory:\n  - create: T1\n  - expect: { T1: reserved for Ann }\n";
const FAILING: &str = "workers: { Ann: {} }\nstory:\n  - create: T1\n  - expect: { T1: pending }\n";

/// A directory with these files, gone after the test.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for (name, text) in files {
        let path: PathBuf = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The program in this folder, with an empty environment.
fn test(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command.arg("test").args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
    command.output().unwrap()
}

#[track_caller]
fn check(output: &Output, code: i32, stdout: &str, stderr: &str) {
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout);
    assert_eq!(String::from_utf8_lossy(&output.stderr), stderr);
    assert_eq!(output.status.code(), Some(code));
}

#[test]
fn all_files_below_a_directory_are_run_in_order_and_nothing_is_left_behind() {
    let folder = folder(&[("b/2.yaml", PASSING), ("a/1.yaml", PASSING), ("notes.txt", "no routing test")]);
    let output = test(folder.path(), &["."]);
    check(&output, 0, "ok    ./a/1.yaml\nok    ./b/2.yaml\n\n2 scenarios, all as expected\n", "");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "there is no database");
}

#[test]
fn a_failure_is_reported_and_ends_with_1() {
    let folder = folder(&[("good.yaml", PASSING), ("bad.yaml", FAILING)]);
    let report = "\
ok    good.yaml
FAIL  bad.yaml

bad.yaml:4:19: at 0s
    4 |   - expect: { T1: pending }
      |                   ^
  expected: T1 is pending
  instead:  T1 is reserved for Ann
  T1 is reserved for Ann in Everyone, step default, priority 0
  events since some were expected last:
    0s  task.created T1
    0s  workflow.entered T1 Assign to Anyone
    0s  workflow.target-matched T1 default
    0s  task-queue.entered T1 Everyone
    0s  reservation.created T1 Ann

2 scenarios, 1 failed
";
    check(&test(folder.path(), &["good.yaml", "bad.yaml"]), 1, report, "");
}

#[test]
fn what_cannot_be_read_ends_with_1() {
    let folder = folder(&[("bad.yaml", "story:\n  - acept: T1\n"), ("empty/notes.txt", "")]);
    let report = r#"FAIL  bad.yaml
FAIL  none.yaml
FAIL  empty

bad.yaml:2:5: "acept" is no step; did you mean "accept"?
    2 |   - acept: T1
      |     ^

none.yaml: No such file or directory (os error 2)

empty: there is no *.yaml in this directory

3 scenarios, 3 failed
"#;
    let output = test(folder.path(), &["bad.yaml", "none.yaml", "empty"]);
    check(&output, 1, report, "");
}

#[test]
fn programs_get_json() {
    let folder = folder(&[("bad.yaml", FAILING)]);
    let output = test(folder.path(), &["--format", "json", "bad.yaml"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["failed"], 1);
    let mismatch = json!({
        "line": 4, "column": 19, "expected": "T1 is pending", "instead": "T1 is reserved for Ann"
    });
    assert_eq!(report["scenarios"][0]["mismatches"], json!([mismatch]));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let folder = folder(&[("good.yaml", PASSING)]);
    for (arguments, problem) in [
        (&[][..], "error: the following required arguments were not provided:"),
        (&["--format", "xml", "good.yaml"], "error: invalid value 'xml' for --format: expected text or json"),
        (&["--formt", "json", "good.yaml"], "error: unexpected argument '--formt' found"),
    ] {
        let output = test(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().next(), Some(problem));
        assert!(output.stdout.is_empty());
    }
}
