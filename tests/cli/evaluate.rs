//! `switchyard evaluate`: the table of the expressions' own tests, through the program; and what is no expression.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::{Folder, refusal, stderr, stdout};

/// One JSON object per line: an expression, what it is evaluated against, what is expected and why.
const CASES: &str = include_str!("../../routing/tests/expression-cases.jsonl");

#[test]
fn every_case_of_the_table_holds_through_the_program() {
    let folder = Folder::new();
    let output = folder.run_on(&["evaluate"], CASES);
    assert_eq!(output.status.code(), Some(1), "some of the cases are errors");
    assert_eq!(stderr(&output), "");
    assert!(folder.names().is_empty(), "neither key nor database");

    let cases: Vec<Value> = CASES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answers: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() > 200);
    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(&answers) {
        match &case["expect"] {
            Value::Bool(expected) => assert_eq!(*answer, json!({ "result": expected }), "{case}"),
            _ => assert!(is_syntax_error(answer), "{case}: {answer}"),
        }
    }
}

fn is_syntax_error(answer: &Value) -> bool {
    let error = &answer["error"];
    error["message"].is_string() && error["line"].is_u64() && error["column"].is_u64()
}

#[test]
fn what_is_no_question_is_answered_with_the_number_of_its_line() {
    let lines = [
        (r#"{"kind": "constant", "expr": "1==1"}"#, r#"{"result":true}"#),
        ("no JSON", "expected ident, at column 2"),
        ("", "EOF while parsing a value, at column 0"),
        (r#"{"kind": "filter"}"#, "missing field `expr`, at column 18"),
        (
            r#"{"kind": "color", "expr": "1==1"}"#,
            "expected constant, filter, target, queue or skip_if, at column 16",
        ),
        (r#"{"kind": "filter", "expr": "a == 1", "task": [1]}"#, "attributes are a JSON object"),
        (
            r#"{"kind": "filter", "expr": "1==1", "at": "noon"}"#,
            "expected a time such as 2026-01-05T09:30:00Z",
        ),
        (r#"{"kind": "skip_if", "expr": "1==1", "workers": {"available": -1}}"#, "invalid value"),
        (r#"{"kind": "filter", "expr": "a == 1", "task": {"a": 1}}"#, r#"{"result":true}"#),
    ];
    let input: Vec<&str> = lines.iter().map(|(line, _)| *line).collect();
    let output = Folder::new().run_on(&["evaluate"], &input.join("\n"));
    assert_eq!(output.status.code(), Some(1));

    let answers = stdout(&output);
    assert_eq!(answers.lines().count(), lines.len());
    for (number, ((line, expected), answer)) in (1..).zip(lines.iter().zip(answers.lines())) {
        if expected.starts_with('{') {
            assert_eq!(answer, *expected, "{line}");
            continue;
        }
        let answer: Value = serde_json::from_str(answer).unwrap();
        let error = answer["error"].as_object().unwrap();
        assert_eq!(error.keys().collect::<Vec<_>>(), ["message"]);
        let message = error["message"].as_str().unwrap();
        let beginning = format!("line {number} of the input is no question: {expected}");
        assert!(message.starts_with(&beginning), "{line}: {message}");
    }
}

#[test]
fn all_is_well_when_all_lines_are_answered() {
    let folder = Folder::new();
    let of_lines = |lines: &str| folder.run_on(&["evaluate"], lines).status.code();
    assert_eq!(of_lines(""), Some(0));
    assert_eq!(of_lines("{\"kind\":\"constant\",\"expr\":\"1==2\"}\r\n"), Some(0), "false is an answer");
    assert_eq!(of_lines("{\"kind\":\"constant\",\"expr\":\"1==\"}"), Some(1));
    assert_eq!(of_lines("\n"), Some(1));
}

#[test]
fn a_line_is_answered_before_the_next_is_asked() {
    let folder = Folder::new();
    let mut command = folder.switchyard(&["evaluate"]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut questions = process.stdin.take().unwrap();
    let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
    for number in 0..3 {
        let question = json!({ "kind": "filter", "expr": "n == 1", "task": { "n": number } });
        writeln!(questions, "{question}").unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer, json!({ "result": number == 1 }));
    }
    drop(questions);
    assert!(process.wait().unwrap().success());
}

#[test]
fn one_expression_is_answered_on_the_command_line() {
    let folder = Folder::new();
    let fields =
        r#"{"sid": "WK1", "channels": {"chat": {"configured_capacity": 3, "accepted": 1, "pending": 1}}}"#;
    for (arguments, expected) in [
        (
            &[
                "--kind=target",
                r#"--task={"lang":"es"}"#,
                r#"--worker={"languages":["es"]}"#,
                "worker.languages HAS task.lang",
            ][..],
            "true",
        ),
        (&["--kind=filter", r#"--task={"lang":"es"}"#, "lang == 'fr'"], "false"),
        (
            &[
                "--kind=target",
                "--worker-fields",
                fields,
                "worker.channel.chat.available_capacity_percentage == 33 AND worker.sid == 'WK1'",
            ],
            "true",
        ),
        (&["--kind=queue", "sid == null"], "true"),
        (&["--kind=filter", "--at=2026-01-05T10:30:00+01:00", "taskrouter.currentTime == 0930"], "true"),
        (&["--kind=skip_if", r#"--workers={"by_activity":{"WA1":2}}"#, "workers.WA1 > 1"], "true"),
        (&["--kind=constant", r#"--task={"a":1}"#, "a == 1"], "false"),
    ] {
        let text = folder.run(&[&["evaluate"], arguments].concat());
        assert_eq!((stdout(&text), text.status.code()), (format!("{expected}\n"), Some(0)), "{arguments:?}");
        let json = folder.run(&[&["evaluate", "--format=json"], arguments].concat());
        assert_eq!(stdout(&json), format!("{{\"result\":{expected}}}\n"), "{arguments:?}");
        assert_eq!(json.status.code(), Some(0));
    }
}

#[test]
fn a_syntax_error_is_pointed_at() {
    let folder = Folder::new();
    let source = "worker.level > 3 AND\nworker.skill-level > 3";
    let message = "line 2, column 13: found \"-\", expected an operator (==, !=, <, <=, >, >=, CONTAINS, HAS, IN, \
                   NOT IN); a hyphen cannot be part of a key";

    let text = folder.run(&["evaluate", "--kind", "target", source]);
    assert_eq!(text.status.code(), Some(1));
    assert_eq!(stdout(&text), "");
    assert_eq!(stderr(&text), format!("error: {message}\n  worker.skill-level > 3\n              ^\n"));

    let json = folder.run(&["evaluate", "--kind", "target", "--format", "json", source]);
    assert_eq!(json.status.code(), Some(1));
    assert_eq!(stderr(&json), "");
    let answer: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(answer, json!({ "error": { "message": message, "line": 2, "column": 13 } }));
}

#[test]
fn a_wrong_command_line_is_refused() {
    let folder = Folder::new();
    for (arguments, message) in [
        (
            &["--kind=color", "1==1"][..],
            "error: invalid value 'color' for --kind: expected constant, filter, target, queue or skip_if",
        ),
        (
            &["--kind=filter", "--task=[]", "1==1"],
            "error: invalid value '[]' for --task: attributes are a JSON object",
        ),
        (
            &["--kind=filter", "--at=noon", "1==1"],
            "error: invalid value 'noon' for --at: expected a time such as 2026-01-05T09:30:00Z",
        ),
        (
            &["--kind=filter", "--format=xml", "1==1"],
            "error: invalid value 'xml' for --format: expected text or json",
        ),
        (&["1==1"], "error: the following required arguments were not provided:"),
        (&["--task={}"], "error: the following required arguments were not provided:"),
    ] {
        let output = folder.run(&[&["evaluate"], arguments].concat());
        assert_eq!(refusal(&output), message);
    }
}
