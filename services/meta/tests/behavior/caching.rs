//! What meta keeps of training's answers: as long as they are true, and no longer.

use http::StatusCode;
use serde_json::Value;

use crate::fleet::fleet;

#[tokio::test]
async fn a_round_is_seen_by_the_very_next_answer() {
    let fleet = fleet().await;
    for played in 0..4_u64 {
        for _ in 0..2 {
            let (status, report) = fleet.ask("report").await;
            assert_eq!(status, StatusCode::OK, "{report}");
            assert_eq!(report["coverage"]["rounds"], played, "{report}");
        }
        fleet.play("algorithms", "r").await;
    }
    let told = fleet.meta_observability().await;
    let cache = &told["cache"];
    assert!(cache["writes"].as_u64() > Some(0), "{told}");
    // Nothing was given without asking training, which says itself that nothing has changed.
    assert_eq!(cache["hits"], 0, "{cache}");
    let told = fleet.training_observability().await;
    let unchanged = |route: &&Value| {
        let overview = route["route"] == "/api/v1/training/overview";
        overview && route["byStatus"]["304"] == 4 && route["byStatus"]["200"] == 4
    };
    let routes = told["tracer"]["routes"]
        .as_array()
        .expect("routes are listed");
    assert_eq!(routes.iter().filter(unchanged).count(), 1, "{routes:?}");
}
