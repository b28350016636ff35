//! A report for code scanners: SARIF 2.1.0 (OASIS).

use serde_json::{Value, json};
use tooloo_query::{Place, Rule, Severity};

use super::report::Report;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes a log of one run.
pub(super) fn log(report: &Report) -> Value {
    let rules: Vec<Value> = Rule::ALL.iter().map(|rule| self::rule(*rule)).collect();
    let results = report.findings.iter().map(|found| {
        let finding = &found.finding;
        let index = Rule::ALL.iter().position(|rule| *rule == finding.rule);
        json!({
            "ruleId": finding.rule.id(),
            "ruleIndex": index,
            "level": level(finding.severity),
            "message": { "text": format!("{}. {}", finding.message, finding.advice) },
            "locations": [location(&found.file, Some(finding.place))],
        })
    });
    let troubles = report.troubles.iter().map(|trouble| {
        json!({
            "level": "error",
            "message": { "text": trouble.message },
            "locations": [location(&trouble.file, trouble.place)],
        })
    });
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tooloo",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": report.troubles.is_empty(),
                "toolExecutionNotifications": troubles.collect::<Vec<_>>(),
            }],
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn rule(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "help": { "text": rule.advice() },
        "defaultConfiguration": { "level": level(rule.severity()) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        _ => "note",
    }
}

fn location(file: &str, place: Option<Place>) -> Value {
    let mut location = json!({ "artifactLocation": { "uri": uri(file) } });
    if let Some(place) = place {
        location["region"] = json!({
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        });
    }
    json!({ "physicalLocation": location })
}

/// Writes a path as a reference that is relative to where the command runs (RFC 3986), or absolute.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(byte.into());
            }
            byte => {
                let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
                uri.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("sql/my file.sql"), "sql/my%20file.sql");
        assert_eq!(uri("/srv/ä.sql"), "file:///srv/%C3%A4.sql");
    }
}
