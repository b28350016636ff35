//! `tooloo lint`, as a shell sees it.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const BAD: &str = "SELECT id\nFROM users\nWHERE name = NULL;\n";
const FINE: &str = "SELECT id FROM users WHERE name IS NULL;\n";

fn lint(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tooloo"))
        .arg("lint")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("it has an input");
    // One that was told of files does not read it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn shown(output: &Output) -> (Option<i32>, &str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).expect("it prints text");
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_finding_is_printed_with_its_line_and_column_and_fails() {
    let output = lint(&["-"], BAD);
    let (code, stdout, stderr) = shown(&output);
    assert_eq!((code, stderr), (Some(1), ""));
    assert!(stdout.starts_with("stdin:3:7: error: "), "{stdout}");
    assert!(
        stdout.contains("[equals-null]\n    Use IS NULL"),
        "{stdout}"
    );
    assert!(
        stdout.ends_with("1 error, 0 warnings, 0 hints\n"),
        "{stdout}"
    );
    assert!(!stdout.contains('\x1b'), "a pipe has no colours");
}

#[test]
fn what_is_fine_is_printed_in_no_words() {
    assert_eq!(shown(&lint(&[], FINE)), (Some(0), "", ""));
    assert_eq!(
        shown(&lint(&["--dialect", "sqlite"], "")),
        (Some(0), "", "")
    );
}

#[test]
fn findings_below_the_severity_are_printed_and_do_not_fail() {
    let warning = "SELECT * FROM users WHERE id = $1";
    assert_eq!(lint(&[], warning).status.code(), Some(1));
    let output = lint(&["--severity", "error"], warning);
    let (code, stdout, _) = shown(&output);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("[select-star]"), "{stdout}");
    let hint = "SELECT id, name FROM users ORDER BY 2";
    assert_eq!(lint(&[], hint).status.code(), Some(0));
    assert_eq!(lint(&["--severity", "hint"], hint).status.code(), Some(1));
}

#[test]
fn what_is_no_sql_or_no_file_is_trouble_and_the_rest_is_looked_at() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("bad.sql"), BAD).expect("it can be written");
    fs::write(path("broken.sql"), "SELECT id,\nFROM users WHERE (").expect("it can be written");
    fs::write(path("bytes.sql"), [0xff, 0xfe]).expect("it can be written");
    let files = ["bad.sql", "broken.sql", "bytes.sql", "missing.sql"].map(path);
    let output = lint(&files.each_ref().map(String::as_str), "");
    let (code, stdout, stderr) = shown(&output);
    assert_eq!(code, Some(2));
    assert!(stdout.contains("bad.sql:3:7: error: "), "{stdout}");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{stderr}");
    assert!(lines[0].contains("broken.sql:2:"), "{stderr}");
    assert!(
        lines[1].contains("bytes.sql: not text in UTF-8"),
        "{stderr}"
    );
    assert!(lines[2].contains("missing.sql: "), "{stderr}");
}

#[test]
fn json_holds_the_same_as_text() {
    let output = lint(&["--format", "json"], BAD);
    let json: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let finding = &json["findings"][0];
    assert_eq!(finding["file"], "stdin");
    assert_eq!(finding["rule"], "equals-null");
    assert_eq!(finding["severity"], "error");
    assert_eq!(
        (&finding["place"]["line"], &finding["place"]["column"]),
        (&3.into(), &7.into())
    );
    assert_eq!(json["troubles"], Value::Array(Vec::new()));
}

#[test]
fn sarif_names_its_rules_places_and_troubles() {
    let output = lint(&["--format", "sarif"], BAD);
    let log: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().expect("a rule's index"));
    let rule = &run["tool"]["driver"]["rules"][index.expect("a small number")];
    assert_eq!(
        (&rule["id"], &result["ruleId"]),
        (&"equals-null".into(), &"equals-null".into())
    );
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "stdin");
    assert_eq!(place["region"]["startLine"], 3);
    assert_eq!(place["region"]["startColumn"], 7);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);

    let output = lint(&["--format", "sarif"], "SELECT id,\nFROM users WHERE (");
    assert_eq!(output.status.code(), Some(2));
    let log: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(
        invocation["toolExecutionNotifications"][0]["level"],
        "error"
    );
}
