//! Leaving a service alone while it fails.

use tooloo_circuit_breaker::{
    ByStatus, CircuitBreaker, CircuitBreakerConfig, CircuitBreakerError, CircuitBreakerLayer,
    Control,
};
use tooloo_service::{Kit, Peer, PeerError};

/// Returns `service`, which is left alone while it fails.
///
/// Its circuit breaker is shown, and set by an administrator, as `name`: one that asks the same
/// service for several things that fail on their own has a name for each.
///
/// # Panics
///
/// Panics where the settings give no address of `service`.
pub fn guarded(
    kit: &mut Kit,
    service: &'static str,
    name: &str,
    config: &CircuitBreakerConfig,
) -> Peer {
    let breaker = CircuitBreaker::new(config.clone());
    let by_hand = breaker.clone();
    kit.circuit_breaker(name, breaker.handle(), move |control: Control| {
        by_hand.set(control);
    });
    let layer = CircuitBreakerLayer::new(breaker)
        .with_classifier(ByStatus::with_failures(Peer::is_failure));
    kit.peer(service).layered(&layer, move |error| match error {
        CircuitBreakerError::Refused(refused) => PeerError::refused(service, refused.retry_after()),
        CircuitBreakerError::Inner(error) => error,
    })
}
