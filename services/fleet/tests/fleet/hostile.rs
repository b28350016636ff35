//! Hostile input to every operation of every service: answered, never with a 5xx, never in silence.

mod attack;
mod operations;

use futures_util::{StreamExt, stream};
use tooloo_testkit::client::Client;

use self::attack::Attack;
use crate::{ROOMY, SERVICES, fleet, wire};

const AT_ONCE: usize = 8;

#[tokio::test]
async fn nothing_a_client_sends_makes_a_server_error() {
    let fleet = fleet(&format!("drain_grace = '0s'\n{ROOMY}")).start().await;
    let client = Client::new();
    let mut attacks = Vec::new();
    for service in SERVICES.into_iter().chain(["simulator"]) {
        let document = client.get(fleet.url(service, "/openapi.json")).await.json();
        let operations = operations::all(&document);
        assert!(operations.len() >= 5, "{service} has operations");
        for operation in &operations {
            attacks.extend(
                attack::on(operation)
                    .into_iter()
                    .map(|attack| (fleet.port(service), service, attack)),
            );
        }
        attacks.extend(
            attack::on_any()
                .into_iter()
                .map(|attack| (fleet.port(service), service, attack)),
        );
        if operations::is_passed_on(service) {
            // The same through the gateway.
            for operation in operations
                .iter()
                .filter(|operation| !operation.path.starts_with("/api/v1/system"))
            {
                attacks.extend(
                    attack::on(operation)
                        .into_iter()
                        .map(|attack| (fleet.port("web"), "web", attack)),
                );
            }
        }
    }
    assert!(attacks.len() > 1_000, "{}", attacks.len());
    let failures: Vec<_> = stream::iter(attacks)
        .map(async |(port, service, attack)| failure(port, service, &attack).await)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |failure| failure)
        .collect()
        .await;
    let stderr = fleet.stderr();
    assert!(
        failures.is_empty(),
        "{} attacks did harm:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
    for service in SERVICES {
        assert_eq!(
            client.get(fleet.url(service, "/readyz")).await.status,
            200,
            "{service}"
        );
    }
}

/// Sends one attack and says what is wrong with the answer.
async fn failure(port: u16, service: &str, attack: &Attack) -> Option<String> {
    let what = || format!("{service}: {}: {}", attack.name, attack.shown());
    let answer = match wire::exchange(port, &attack.request).await {
        Ok(answer) => answer,
        Err(error) => return Some(format!("{}: {error}", what())),
    };
    let status = answer.status;
    // Of many at once some are told to come back: that is the crowd's doing, not the input's.
    let later = status == 503 && answer.header("retry-after").is_some();
    if !attack.allowed.contains(&status) && !later {
        return Some(format!(
            "{}: it was answered {status}: {}",
            what(),
            answer.text()
        ));
    }
    if service == "simulator" && answer.is_provider_error() {
        return None;
    }
    let flaw = (status >= 400).then(|| answer.flaw()).flatten()?;
    Some(format!(
        "{}: it was answered {status}, and {flaw}: {}",
        what(),
        answer.text()
    ))
}
