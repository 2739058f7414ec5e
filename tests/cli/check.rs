//! `switchyard check`: faults and warnings of routing documents, as people and programs read them.

use std::fs;

use serde_json::{Value, json};

use super::{Folder, refusal, stderr, stdout};

const QUEUE: &str = "WQ11111111111111111111111111111111";

/// A document without anything to remark on.
fn good() -> Value {
    json!({ "task_routing": {
        "filters": [{
            "filter_friendly_name": "Support",
            "expression": "type == 'support'",
            "targets": [
                { "queue": QUEUE, "timeout": "30", "priority": 5, "expression": "worker.skills HAS task.skill" },
                { "skip_if": "workers.available == 0", "order_by": "worker.level DESC" },
                {},
            ],
        }],
        "default_filter": { "queue": QUEUE },
    } })
}

/// A document with two faults, one of them in an expression.
fn faulty() -> Value {
    json!({ "task_routing": {
        "filters": [{
            "expression": "type == 'support'",
            "targets": [
                { "queue": "support", "timeout": 30 },
                { "queue": QUEUE, "expression": "worker.level > 3\nAND worker.skill-level > 3" },
            ],
        }],
    } })
}

/// A document with warnings alone.
fn suspicious() -> Value {
    json!({ "task_routing": {
        "filters": [{
            "expression": "type == 'support'",
            "targets": [{ "queue": QUEUE, "expression": "worker.sid NOT IN task.excluded" }],
            "timeout": 30,
        }],
    } })
}

#[test]
fn a_good_document_is_passed() {
    let folder = Folder::new();
    fs::write(folder.0.join("good.json"), good().to_string()).unwrap();
    let text = folder.run(&["check", "good.json"]);
    assert_eq!((stdout(&text), text.status.code()), ("1 file: 0 errors, 0 warnings\n".to_owned(), Some(0)));
    assert_eq!(stderr(&text), "");
    assert_eq!(folder.names(), ["good.json"], "neither key nor database");

    let json = folder.run(&["check", "--format", "json", "good.json"]);
    assert_eq!(stdout(&json), "{\"files\":[{\"file\":\"good.json\",\"errors\":[],\"warnings\":[]}]}\n");
}

#[test]
fn a_workflow_may_hold_its_document_as_a_text() {
    let folder = Folder::new();
    let whole = |configuration: Value| {
        json!({ "sid": "WW1", "friendly_name": "Assign", "configuration": configuration }).to_string()
    };
    for workflow in [whole(good().to_string().into()), whole(good())] {
        let output = folder.run_on(&["check", "-"], &workflow);
        assert_eq!(stdout(&output), "1 file: 0 errors, 0 warnings\n");
    }

    let output = folder.run_on(&["check", "-"], &whole("{\"task_routing\":".into()));
    assert_eq!(
        stdout(&output),
        "-: error: configuration: is not JSON: EOF while parsing a value at line 1 column 16\n\
         1 file: 1 error, 0 warnings\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn all_faults_are_reported_with_their_paths() {
    let folder = Folder::new();
    fs::write(folder.0.join("faulty.json"), faulty().to_string()).unwrap();
    fs::write(folder.0.join("good.json"), good().to_string()).unwrap();
    let operator =
        "an operator (==, !=, <, <=, >, >=, CONTAINS, HAS, IN, NOT IN); a hyphen cannot be part of a key";
    let queue = "\"support\" is not the id of a TaskQueue: expected WQ and 32 hex digits";
    let expression = format!("line 2, column 17: found \"-\", expected {operator}");

    let text = folder.run(&["check", "good.json", "faulty.json"]);
    assert_eq!(text.status.code(), Some(1));
    assert_eq!(
        stdout(&text),
        format!(
            "faulty.json: error: task_routing.filters.0.targets.0.queue: {queue}\n\
             faulty.json: error: task_routing.filters.0.targets.1.expression: {expression}\n\
             2 files: 2 errors, 0 warnings\n"
        )
    );

    let json = folder.run(&["check", "--format=json", "faulty.json"]);
    assert_eq!(json.status.code(), Some(1));
    let errors = json!([
        { "path": "task_routing.filters.0.targets.0.queue", "message": queue },
        {
            "path": "task_routing.filters.0.targets.1.expression",
            "message": expression,
            "line": 2,
            "column": 17,
        },
    ]);
    let report: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(report, json!({ "files": [{ "file": "faulty.json", "errors": errors, "warnings": [] }] }));
}

#[test]
fn warnings_fail_only_where_they_are_denied() {
    let folder = Folder::new();
    let document = suspicious().to_string();
    let text = folder.run_on(&["check", "-"], &document);
    assert_eq!(text.status.code(), Some(0));
    let message = "is false where there is no task.excluded: write (task.excluded == null OR … NOT IN task.excluded) \
                   to let it be missing";
    assert_eq!(
        stdout(&text),
        format!(
            "-: warning: task_routing.filters.0.timeout: has no effect in a filter: it belongs to a target \
             [UNKNOWN_KEY]\n\
             -: warning: task_routing.filters.0.targets.0.expression: line 1, column 12: {message} \
             [LIST_MAY_BE_MISSING]\n\
             1 file: 0 errors, 2 warnings\n"
        )
    );

    let denied = folder.run_on(&["check", "--deny-warnings", "--format=json", "-"], &document);
    assert_eq!(denied.status.code(), Some(1));
    let report: Value = serde_json::from_str(&stdout(&denied)).unwrap();
    assert_eq!(report["files"][0]["errors"], json!([]));
    assert_eq!(
        report["files"][0]["warnings"][1],
        json!({
            "code": "LIST_MAY_BE_MISSING",
            "path": "task_routing.filters.0.targets.0.expression",
            "message": message,
            "line": 1,
            "column": 12,
        })
    );
}

#[test]
fn what_is_no_routing_document_is_an_error() {
    let folder = Folder::new();
    for (input, error) in [
        ("", "is not JSON: EOF while parsing a value at line 1 column 0"),
        ("{\n  \"task_routing\": x }", "is not JSON: expected value at line 2 column 19"),
        ("[]", "expected a JSON object of at most 100 levels"),
        ("{}", "task_routing: is missing: expected an object with \"filters\" and \"default_filter\""),
    ] {
        let output = folder.run_on(&["check", "-"], input);
        assert_eq!(output.status.code(), Some(1), "{input}");
        assert_eq!(stdout(&output), format!("-: error: {error}\n1 file: 1 error, 0 warnings\n"), "{input}");
    }

    let absent = folder.run(&["check", "absent.json"]);
    assert_eq!(absent.status.code(), Some(1));
    assert!(stdout(&absent).starts_with("absent.json: error: cannot be read: "), "{}", stdout(&absent));

    let long = json!({ "task_routing": good()["task_routing"], "x": "x".repeat(65_536) }).to_string();
    let output = folder.run_on(&["check", "--workflow-configuration-bytes-max=65536", "-"], &long);
    let error = format!("-: error: the document has {} bytes, of at most 65536\n", long.len());
    assert!(stdout(&output).starts_with(&error), "{}", stdout(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_report_does_not_steer_the_terminal() {
    let folder = Folder::new();
    let document = json!({ "task_routing": { "default_filter": { "queue": QUEUE, "\u{1b}[2J\n": 1 } } });
    let output = folder.run_on(&["check", "-"], &document.to_string());
    assert_eq!(
        stdout(&output),
        "-: warning: task_routing.default_filter. [2J : has no effect in the default filter [UNKNOWN_KEY]\n\
         1 file: 0 errors, 1 warning\n"
    );
}

#[test]
fn a_wrong_command_line_is_refused() {
    let folder = Folder::new();
    assert_eq!(
        refusal(&folder.run(&["check"])),
        "error: the following required arguments were not provided:"
    );
    assert_eq!(
        refusal(&folder.run(&["check", "--format=xml", "-"])),
        "error: invalid value 'xml' for --format: expected text or json"
    );
}
