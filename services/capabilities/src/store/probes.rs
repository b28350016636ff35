//! How probes went.

use database::Query;

use crate::probe::Probed;

/// Returns the statement that counts a probe.
pub(super) fn counted(probed: &Probed) -> Query {
    let succeeded = probed.error.is_none();
    let latency = probed.latency.map(|latency| latency.as_secs_f64() * 1e3);
    Query::new(
        "INSERT INTO probes (id, successes, failures, last_latency, last_status, last_error, last_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET
             successes = probes.successes + excluded.successes,
             failures = probes.failures + excluded.failures,
             last_latency = excluded.last_latency,
             last_status = excluded.last_status,
             last_error = excluded.last_error,
             last_time = excluded.last_time",
    )
    .bind(&probed.id)
    .bind(u8::from(succeeded))
    .bind(u8::from(!succeeded))
    .bind(latency)
    .bind(probed.status)
    .bind(probed.error.as_deref())
    .bind(probed.time)
}
