//! The examples of `docs/routing-tests.md` give the reports that stand below them.

use std::fs;
use std::path::Path;

use scenarios::{Report, run_text};

#[test]
fn the_examples_of_the_documentation_give_the_reports_below_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/routing-tests.md");
    let page = fs::read_to_string(path).expect("the page");
    let mut n_examples = 0;
    // A file begins with a comment that names it; what it says follows in the next block.
    for part in page.split("```yaml\n# ").skip(1) {
        let (file, rest) = part.split_once("```\n").expect("the end of the file");
        let (name, _) = file.split_once('\n').expect("its name");
        let (_, console) = rest.split_once("```console\n$ switchyard test ").expect("its report");
        let (console, _) = console.split_once("\n```").expect("the end of the report");
        let (named, expected) = console.split_once('\n').expect("the command line");
        assert_eq!(named, name);
        let report = Report { outcomes: vec![run_text(name, format!("# {file}"))] }.to_string();
        assert_eq!(report, expected, "\n--- {name} should say:\n{report}");
        n_examples += 1;
    }
    assert!(n_examples >= 6, "only {n_examples} examples were found");
}
