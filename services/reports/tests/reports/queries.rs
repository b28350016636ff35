//! What the reports ask their database.

use serde_json::json;

use crate::stand::{REPORTS, Stand, say, source};

#[tokio::test]
async fn no_statement_breaks_a_rule() {
    let training = source(vec![("/api/v1/training/overview", json!({}))]).await;
    let stand = Stand::new(&[("training", training.address())]).await;
    for report in REPORTS {
        stand.report(report).await;
    }
    // Now its last answer is asked for, and a snapshot that none is older than.
    say(&training, vec![]);
    stand.report("delta?since=2001-01-01T00:00:00Z").await;

    let queries = stand.app.hub().snapshot()["queries"].clone();
    let statements = queries["fingerprints"].as_array().unwrap();
    for table in ["copies", "snapshots"] {
        for verb in ["SELECT", "INSERT"] {
            let asked = |sql: &str| sql.contains(verb) && sql.contains(table);
            let asked = statements
                .iter()
                .any(|statement| statement["sql"].as_str().is_some_and(asked));
            assert!(asked, "{verb} {table}: {queries}");
        }
    }
    for statement in statements {
        assert_eq!(statement["findings"], json!([]), "{statement}");
    }
    // Nor is one asked again and again for a single request.
    assert_eq!(queries["findings"], json!([]));
}
