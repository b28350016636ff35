//! PostgreSQL's plans: `EXPLAIN (FORMAT JSON)`, whose conditions hold values.

use serde_json::Value as Json;

use super::{Plan, Scan, redacted};
use crate::{ErrorKind, QueryError, Row};

/// How deep a plan is shown.
const DEEPEST: usize = 64;

pub(super) fn plan(rows: &[Row]) -> Result<Plan, QueryError> {
    let row = rows.first();
    let json: Option<Json> = row.map(|row| row.get(0)).transpose()?;
    let root = json.as_ref().and_then(|json| json.get(0)?.get("Plan"));
    let root = root.ok_or_else(|| QueryError::new(ErrorKind::Other, "a plan without a root"))?;
    let (mut lines, mut scans) = (Vec::new(), Vec::new());
    visit(root, 0, &mut lines, &mut scans);
    Ok(Plan {
        text: lines.join("\n"),
        scans,
    })
}

fn visit(node: &Json, depth: usize, lines: &mut Vec<String>, scans: &mut Vec<Scan>) {
    let text = |name: &str| node.get(name).and_then(Json::as_str);
    let kind = text("Node Type").unwrap_or("?");
    let mut line = format!("{}{kind}", "  ".repeat(depth));
    if let Some(index) = text("Index Name") {
        line.extend([" using ", index]);
    }
    if let Some(table) = text("Relation Name") {
        line.extend([" on ", table]);
    }
    for name in [
        "Index Cond",
        "Recheck Cond",
        "Hash Cond",
        "Merge Cond",
        "Join Filter",
        "Filter",
    ] {
        if let Some(condition) = text(name) {
            line.extend([", ", &name.to_lowercase(), ": ", &redacted(condition)]);
        }
    }
    lines.push(line);
    let alias = text("Alias").or(text("Relation Name"));
    if let Some(alias) = alias.filter(|_| kind == "Seq Scan" && text("Filter").is_some()) {
        scans.push(Scan {
            alias: alias.to_lowercase(),
        });
    }
    let children = node.get("Plans").and_then(Json::as_array);
    if depth < DEEPEST {
        for child in children.into_iter().flatten() {
            visit(child, depth + 1, lines, scans);
        }
    }
}
