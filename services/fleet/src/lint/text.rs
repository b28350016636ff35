//! A report to read.

use tooloo_query::Severity;

use super::report::Report;
use crate::show::{Paint, Tint, printable};

/// Writes each finding in a line that editors understand, and what to do below it.
pub(super) fn draw(report: &Report, paint: Paint) -> String {
    let mut text = String::new();
    for found in &report.findings {
        let finding = &found.finding;
        let tint = match finding.severity {
            Severity::Error => Tint::Bad,
            Severity::Warning => Tint::Warning,
            _ => Tint::Dim,
        };
        let place = format!("{}:{}", printable(&found.file), finding.place);
        text.extend([
            &paint.paint(Tint::Bold, &place),
            ": ",
            &paint.paint(tint, &finding.severity.to_string()),
            ": ",
            &printable(&finding.message),
            " [",
            finding.rule.id(),
            "]\n    ",
            &paint.paint(Tint::Dim, finding.advice),
            "\n",
        ]);
    }
    let count = |severity| {
        let same = report
            .findings
            .iter()
            .filter(|found| found.finding.severity == severity);
        same.count()
    };
    let counts = [Severity::Error, Severity::Warning, Severity::Hint].map(|severity| {
        let count = count(severity);
        format!("{count} {severity}{}", if count == 1 { "" } else { "s" })
    });
    if !report.findings.is_empty() {
        text.extend([&counts.join(", "), "\n"]);
    }
    text
}
