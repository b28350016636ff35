//! SQLite's plans: `EXPLAIN QUERY PLAN`, whose lines hold no values.

use super::{Plan, Scan};
use crate::{QueryError, Row};

/// Reads the lines of a plan, each with its number, its parent's, and a text.
pub(super) fn plan(rows: &[Row]) -> Result<Plan, QueryError> {
    let mut depths: Vec<(i64, usize)> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    let mut scans = Vec::new();
    for row in rows {
        let (id, parent): (i64, i64) = (row.get(0)?, row.get(1)?);
        let line: String = row.get(3)?;
        let above = depths.iter().find(|(other, _)| *other == parent);
        let depth = above.map_or(0, |(_, depth)| depth + 1);
        depths.push((id, depth));
        scans.extend(scan(&line));
        lines.push(format!("{}{line}", "  ".repeat(depth)));
    }
    Ok(Plan {
        text: lines.join("\n"),
        scans,
    })
}

/// Reads a line such as `SCAN users` or `SCAN u USING INDEX users_by_name`.
fn scan(line: &str) -> Option<Scan> {
    let rest = line.strip_prefix("SCAN ")?;
    let name = rest.split_whitespace().next()?;
    // Parts of the query itself are in brackets, or numbered.
    let stored = !name.starts_with('(') && name != "CONSTANT" && !rest.contains("VIRTUAL TABLE");
    stored.then(|| Scan {
        alias: name.rsplit('.').next().unwrap_or(name).to_lowercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stored_tables_are_scanned() {
        let alias = |line| scan(line).map(|scan| scan.alias);
        assert_eq!(alias("SCAN users").as_deref(), Some("users"));
        assert_eq!(alias("SCAN U USING INDEX by_name").as_deref(), Some("u"));
        for line in [
            "SEARCH users USING INDEX by_name (name=?)",
            "SCAN CONSTANT ROW",
            "SCAN (subquery-1)",
            "SCAN json_each VIRTUAL TABLE INDEX 1:",
            "USE TEMP B-TREE FOR ORDER BY",
        ] {
            assert_eq!(alias(line), None, "{line}");
        }
    }
}
