//! What a borrower sees.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod fake;

use std::{error::Error as _, time::Duration};

use fake::{Server, config, nonzero, snapshot, with_times};
use tokio::time::{Instant, advance, sleep, timeout};
use tooloo_pool::{Lease, Nested, Pool, Refusal, Share};

const SOON: Duration = Duration::from_secs(60);

/// Fails a test that would hang.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(SOON, future).await.expect("it ends")
}

/// Lets tasks run until all of them wait.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

async fn lease_all(pool: &Pool<fake::Fake>, count: usize) -> Vec<Lease<fake::Fake>> {
    let mut leases = Vec::new();
    for _ in 0..count {
        leases.push(soon(pool.get()).await.unwrap());
    }
    leases
}

#[tokio::test(start_paused = true)]
async fn serves_whoever_waited_longest_and_lets_nobody_overtake() {
    let pool = Server::new().pool(config(1));
    let mut held = soon(pool.get()).await.unwrap();
    let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..5 {
        let (pool, told) = (pool.clone(), told.clone());
        tokio::spawn(async move {
            let lease = pool.get().await.unwrap();
            told.send(number).unwrap();
            tokio::task::yield_now().await;
            drop(lease);
        });
        settle().await;
    }
    // The one who gives back and asks again goes to the end.
    drop(held);
    held = soon(pool.get()).await.unwrap();
    drop(held);
    let mut served = Vec::new();
    for _ in 0..5 {
        served.push(soon(order.recv()).await.unwrap());
    }
    assert_eq!(served, [0, 1, 2, 3, 4]);
    assert_eq!(snapshot(&pool).created, 1);
}

#[tokio::test(start_paused = true)]
async fn lends_the_connection_that_was_used_last() {
    let server = Server::new();
    let pool = server.pool(config(3));
    let mut leases = lease_all(&pool, 3).await;
    let last = leases.remove(1);
    let number = last.number;
    drop(leases);
    settle().await;
    drop(last);
    assert_eq!(soon(pool.get()).await.unwrap().number, number);
}

#[tokio::test(start_paused = true)]
async fn gives_up_at_the_deadline_and_says_why() {
    let server = Server::new();
    server.set_refusing(true);
    let pool = server.pool(config(2).with_acquire_timeout(Duration::from_secs(2)));
    let start = Instant::now();
    let error = soon(pool.get()).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    assert_eq!(error.refusal(), Refusal::TimedOut);
    assert!(error.is_temporary());
    assert_eq!(
        error.source().unwrap().to_string(),
        "the fake server refuses"
    );
    assert_eq!(snapshot(&pool).timeouts, 1);
    assert_eq!(snapshot(&pool).waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn refuses_more_waiters_than_it_may_have() {
    let pool = Server::new().pool(config(1).with_max_waiting(1));
    let lease = soon(pool.get()).await.unwrap();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.get().await.map(drop) }
    });
    settle().await;
    let error = soon(pool.get()).await.unwrap_err();
    assert_eq!(error.refusal(), Refusal::QueueFull);
    assert_eq!(snapshot(&pool).refused, 1);
    drop(lease);
    soon(waiting).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn checks_what_was_idle_for_long_and_nothing_else() {
    let server = Server::new();
    let pool = server.pool(config(1));
    drop(soon(pool.get()).await.unwrap());
    advance(Duration::from_millis(499)).await;
    drop(soon(pool.get()).await.unwrap());
    assert_eq!(server.checks(), 0);
    advance(Duration::from_millis(500)).await;
    drop(soon(pool.get()).await.unwrap());
    assert_eq!(server.checks(), 1);
    drop(soon(pool.get()).await.unwrap());
    assert_eq!(server.checks(), 1);
}

#[tokio::test(start_paused = true)]
async fn checks_idle_connections_in_the_background() {
    let server = Server::new();
    let pool = server.pool(config(2).with_min(2));
    soon(pool.warm_up()).await.unwrap();
    server.restart();
    sleep(Duration::from_secs(33)).await;
    assert_eq!(server.made(), 4, "both were found broken and replaced");
    assert_eq!(snapshot(&pool).idle, 2);
    let checks = server.checks();
    drop(soon(pool.get()).await.unwrap());
    assert!(server.checks() <= checks + 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_costs_one_deadline_and_no_permit() {
    let server = Server::new();
    let pool = server.pool(config(3));
    drop(lease_all(&pool, 3).await);
    advance(Duration::from_secs(5)).await;
    server.set_silent(true);
    let start = Instant::now();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.get().await.map(drop) }
    });
    sleep(Duration::from_millis(999)).await;
    server.set_silent(false);
    soon(waiting).await.unwrap().unwrap();
    let waited = start.elapsed();
    assert!(waited < Duration::from_millis(1010), "{waited:?}");
    assert_eq!(snapshot(&pool).closed["silent"], 1);
    assert_eq!(
        snapshot(&pool).closed["stale"],
        2,
        "the others went with it"
    );
    let leases = lease_all(&pool, 3).await;
    assert_eq!(snapshot(&pool).in_use, 3);
    drop(leases);
    settle().await;
    soon(pool.close(SOON)).await.unwrap();
    assert_eq!(server.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_say_goodbye_is_dropped_at_a_deadline() {
    let server = Server::new();
    let pool = server.pool(config(1));
    drop(soon(pool.get()).await.unwrap());
    server.set_silent(true);
    let start = Instant::now();
    soon(pool.close(SOON)).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert_eq!((server.open(), server.closed_politely()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn closes_what_nobody_uses_down_to_the_least() {
    let server = Server::new();
    let pool = server.pool(config(4).with_min(1));
    drop(lease_all(&pool, 4).await);
    sleep(Duration::from_secs(602)).await;
    let figures = snapshot(&pool);
    assert_eq!((figures.size, figures.closed["idle"]), (1, 3));
    assert_eq!(server.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn lifetimes_end_apart() {
    let server = Server::new();
    let lifetime = Duration::from_secs(1000);
    let pool = server.pool(with_times(config(20).with_min(20), |times| {
        times.lifetime = Some(lifetime);
        times.idle = None;
    }));
    soon(pool.warm_up()).await.unwrap();
    sleep(lifetime.mul_f64(0.89)).await;
    assert_eq!(server.made(), 20, "none ends more than a tenth early");
    let mut made = Vec::new();
    for _ in 0..12 {
        sleep(lifetime / 100).await;
        made.push(server.made());
    }
    assert!(made[11] >= 40, "all have ended: {made:?}");
    let most = made.windows(2).map(|two| two[1] - two[0]).max().unwrap();
    assert!(most <= 8, "they end together: {made:?}");
}

#[tokio::test(start_paused = true)]
async fn makes_no_more_than_so_many_connections_at_once() {
    let server = Server::new();
    server.set_delay(Duration::from_millis(5));
    let pool = server.pool(config(10).with_max_connecting(nonzero(2)));
    let all = (0..10).map(|_| pool.get());
    let leases = soon(futures_util::future::join_all(all)).await;
    assert!(leases.iter().all(Result::is_ok));
    assert_eq!(server.made(), 10);
    assert_eq!(server.most_connecting(), 2);
}

#[tokio::test(start_paused = true)]
async fn gives_up_connecting_when_nobody_waits_any_more() {
    let server = Server::new();
    server.set_refusing(true);
    let pool = server.pool(config(4));
    let impatient = timeout(Duration::from_millis(5), pool.get()).await;
    assert!(impatient.is_err());
    sleep(Duration::from_secs(1)).await;
    let attempts = server.attempts();
    assert!(attempts <= 2, "{attempts} attempts for nobody");
    let figures = snapshot(&pool);
    assert_eq!((figures.connecting, figures.connects_elided), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_the_stale_go_and_the_first_success_serves_the_queue() {
    let server = Server::new();
    let pool = server.pool(config(4));
    drop(lease_all(&pool, 4).await);
    server.restart();
    server.set_refusing(true);
    advance(Duration::from_secs(1)).await;
    let waiting: Vec<_> = (0..12)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let lease = pool.get().await?;
                lease.ask().await.expect("nobody gets a stale connection");
                Ok::<_, tooloo_pool::PoolError>(())
            })
        })
        .collect();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(snapshot(&pool).size, 0);
    let attempts = server.attempts() - 4;
    assert!(attempts < 4 * 30, "{attempts} attempts in 2 seconds");
    server.set_refusing(false);
    let back = Instant::now();
    for waiting in waiting {
        soon(waiting).await.unwrap().unwrap();
    }
    let recovery = back.elapsed();
    assert!(recovery <= Duration::from_millis(250), "{recovery:?}");
    assert!(server.most_connecting() <= 4);
}

#[tokio::test(start_paused = true)]
async fn one_broken_connection_makes_the_others_prove_themselves() {
    let server = Server::new();
    let pool = server.pool(config(3));
    let mut leases = lease_all(&pool, 3).await;
    leases[0].broken = true;
    drop(leases);
    assert_eq!(snapshot(&pool).closed["broken"], 1);
    let leases = lease_all(&pool, 2).await;
    assert_eq!(server.checks(), 2);
    assert!(leases.iter().all(|lease| lease.number > 0));
    assert_eq!(server.made(), 3);
}

#[tokio::test(start_paused = true)]
async fn shrinks_and_grows_while_leases_are_out() {
    let server = Server::new();
    let pool = server.pool(config(4));
    let mut leases = lease_all(&pool, 4).await;
    pool.resize(0, nonzero(2));
    drop(leases.pop());
    drop(leases.pop());
    assert_eq!(snapshot(&pool).size, 2);
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.get().await }
    });
    settle().await;
    assert_eq!(snapshot(&pool).waiting, 1);
    pool.resize(0, nonzero(3));
    let third = soon(waiting).await.unwrap().unwrap();
    assert_eq!(snapshot(&pool).in_use, 3);
    drop((leases, third));
    pool.resize(0, nonzero(1));
    settle().await;
    let figures = snapshot(&pool);
    assert_eq!((figures.size, figures.idle, figures.max), (1, 1, 1));
    assert_eq!(figures.closed["shrunk"], 4);
    assert_eq!(server.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn invalidating_condemns_those_that_are_out_too() {
    let server = Server::new();
    let pool = server.pool(config(2));
    let mut leases = lease_all(&pool, 2).await;
    drop(leases.pop());
    pool.invalidate();
    drop(leases);
    settle().await;
    assert_eq!(server.open(), 0);
    assert_eq!(soon(pool.get()).await.unwrap().number, 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_borrower_leaves_behind_is_rolled_back() {
    let server = Server::new();
    let pool = server.pool(config(1));
    let mut lease = soon(pool.get()).await.unwrap();
    lease.in_transaction = true;
    drop(lease);
    let lease = soon(pool.get()).await.unwrap();
    assert!(!lease.in_transaction);
    assert_eq!((lease.number, server.resets()), (0, 1));
    assert_eq!(snapshot(&pool).dirty, 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_rolled_back_is_closed() {
    let server = Server::new();
    server.set_unresettable(true);
    let pool = server.pool(config(1));
    let mut lease = soon(pool.get()).await.unwrap();
    lease.in_transaction = true;
    drop(lease);
    assert_eq!(soon(pool.get()).await.unwrap().number, 1);
    assert_eq!(snapshot(&pool).closed["unreset"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_lease_is_held_resets_the_connection() {
    let server = Server::new();
    let pool = server.pool(config(1));
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let _lease = pool.get().await.unwrap();
            panic!("as the test wants it");
        }
    });
    assert!(soon(task).await.unwrap_err().is_panic());
    assert_eq!(soon(pool.get()).await.unwrap().number, 0);
    assert_eq!(server.resets(), 1);
}

#[tokio::test(start_paused = true)]
async fn resets_always_where_it_is_told_to() {
    let server = Server::new();
    let pool = server.pool(config(1).with_always_reset(true));
    drop(soon(pool.get()).await.unwrap());
    drop(soon(pool.get()).await.unwrap());
    settle().await;
    assert_eq!(server.resets(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_discarded_lease_is_closed_and_a_detached_one_is_kept() {
    let server = Server::new();
    let pool = server.pool(config(1));
    soon(pool.get()).await.unwrap().discard();
    let kept = soon(pool.get()).await.unwrap().detach();
    assert_eq!(kept.number, 1);
    assert_eq!(soon(pool.get()).await.unwrap().number, 2);
    let closed = snapshot(&pool).closed;
    assert_eq!((closed["discarded"], closed["detached"]), (1, 1));
    soon(pool.close(SOON)).await.unwrap();
    assert_eq!(server.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_lasts_names_the_place_that_took_it() {
    let pool = Server::new().pool(config(2));
    let line = line!() + 1;
    let lease = soon(pool.get()).await.unwrap();
    assert!(pool.handle().leaks().is_empty());
    sleep(Duration::from_secs(62)).await;
    let leaks = pool.handle().leaks();
    assert_eq!(leaks.len(), 1);
    assert_eq!(
        (leaks[0].place.file(), leaks[0].place.line()),
        (file!(), line)
    );
    assert!(leaks[0].held >= Duration::from_secs(60));
    assert_eq!(snapshot(&pool).leaks, 1, "it is reported once");
    drop(lease);
    assert!(pool.handle().leaks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_tenant_has_its_share_and_others_pass_it() {
    let share = Share::new(0.5).unwrap();
    let pool = Server::new().pool(config(4).with_tenant_share(share).with_max_waiting(4));
    let get = |tenant: &str| {
        let (pool, tenant) = (pool.clone(), tenant.into());
        tokio::spawn(async move { pool.get_for(tenant).await })
    };
    let first = soon(get("greedy")).await.unwrap().unwrap();
    let second = soon(get("greedy")).await.unwrap().unwrap();
    let third = get("greedy");
    settle().await;
    assert_eq!(
        snapshot(&pool).size,
        2,
        "no connection is made for whom may not have it"
    );
    let fourth = get("greedy");
    settle().await;
    let error = soon(get("greedy")).await.unwrap().unwrap_err();
    assert_eq!(error.refusal(), Refusal::TenantQueueFull);
    // Behind the greedy ones in the queue, and before them in its turn.
    let modest = soon(get("modest")).await.unwrap().unwrap();
    assert!(!third.is_finished());
    drop(modest);
    settle().await;
    assert_eq!((snapshot(&pool).idle, third.is_finished()), (1, false));
    drop(first);
    settle().await;
    assert!(third.is_finished() && !fourth.is_finished());
    drop(second);
    drop(soon(third).await.unwrap().unwrap());
    drop(soon(fourth).await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_nested_lease_of_a_full_pool_is_told_of() {
    let pool = Server::new().pool(config(1));
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let line = line!() + 1;
            let _outer = pool.get().await.unwrap();
            (pool.get().await.unwrap_err(), line)
        }
    });
    let (error, line) = soon(task).await.unwrap();
    assert_eq!(error.refusal(), Refusal::TimedOut);
    assert_eq!(error.held_at().unwrap().line(), line);
    assert!(error.to_string().contains("behavior.rs"), "{error}");
    assert_eq!(snapshot(&pool).nested, 1);
}

#[tokio::test(start_paused = true)]
async fn a_nested_lease_is_refused_at_once_where_it_is_told_to() {
    let pool = Server::new().pool(config(1).with_nested(Nested::Refuse));
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let _outer = pool.get().await.unwrap();
            let start = Instant::now();
            (pool.get().await.unwrap_err(), start.elapsed())
        }
    });
    let (error, waited) = soon(task).await.unwrap();
    assert_eq!(error.refusal(), Refusal::Nested);
    assert!(error.held_at().is_some());
    assert_eq!(waited, Duration::ZERO);
    drop(soon(pool.get()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn closing_turns_waiters_away_and_waits_for_leases() {
    let server = Server::new();
    let pool = server.pool(config(1));
    let lease = soon(pool.get()).await.unwrap();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.get().await.map(drop) }
    });
    settle().await;
    let unfinished = pool.close(Duration::from_secs(3)).await.unwrap_err();
    assert!(
        unfinished.to_string().contains("behavior.rs"),
        "{unfinished}"
    );
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert_eq!(error.refusal(), Refusal::Closed);
    assert_eq!(
        soon(pool.get()).await.unwrap_err().refusal(),
        Refusal::Closed
    );
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close(SOON).await }
    });
    settle().await;
    drop(lease);
    soon(closing).await.unwrap().unwrap();
    assert_eq!((server.open(), server.closed_politely()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_connections_that_are_being_made() {
    let server = Server::new();
    server.set_silent(true);
    let pool = server.pool(config(2).with_min(2));
    let warming = tokio::spawn({
        let pool = pool.clone();
        async move { pool.warm_up().await }
    });
    settle().await;
    let start = Instant::now();
    soon(pool.close(SOON)).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(10));
    assert_eq!(
        soon(warming).await.unwrap().unwrap_err().refusal(),
        Refusal::Closed
    );
}

#[tokio::test(start_paused = true)]
async fn warming_up_makes_the_least_number_or_says_why_not() {
    let server = Server::new();
    server.set_refusing(true);
    let pool = server.pool(config(8).with_min(3));
    let error = soon(pool.warm_up()).await.unwrap_err();
    assert_eq!(
        error.source().unwrap().to_string(),
        "the fake server refuses"
    );
    server.set_refusing(false);
    soon(pool.warm_up()).await.unwrap();
    assert_eq!((server.made(), snapshot(&pool).idle), (3, 3));
}

#[test]
fn a_pool_outlives_a_runtime_and_its_leases_may_end_outside_of_any() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    };
    let server = Server::new();
    let pool = server.pool(config(2));
    let first = runtime();
    let mut leases = first.block_on(lease_all(&pool, 2));
    leases[0].in_transaction = true;
    drop(first);
    // One of them would need a task to be reset: there is none to be had.
    drop(leases);
    assert_eq!(snapshot(&pool).closed["lost"], 1);
    let second = runtime();
    second.block_on(async {
        let leases = lease_all(&pool, 2).await;
        assert!(leases.iter().all(|lease| !lease.in_transaction));
        drop(leases);
        soon(pool.close(SOON)).await.unwrap();
    });
    assert_eq!(server.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn figures_have_the_names_that_services_show() {
    let pool = Server::new().pool(config(4).with_min(1));
    let lease = soon(pool.get()).await.unwrap();
    let json = serde_json::to_value(snapshot(&pool)).unwrap();
    for (name, value) in [
        ("size", 1),
        ("idle", 0),
        ("inUse", 1),
        ("waiting", 0),
        ("min", 1),
    ] {
        assert_eq!(json[name], value, "{name}");
    }
    assert_eq!(
        (&json["max"], &json["acquired"], &json["created"]),
        (&4.into(), &1.into(), &1.into())
    );
    assert_eq!(json["utilization"], 0.25);
    assert!(json["acquireP50"].is_number() && json["acquireP99"].is_number());
    assert!(json["closed"].is_object());
    drop(lease);

    let hub = tooloo_hub::Hub::new();
    hub.register("database", pool.handle(), &["pool"]);
    let page = hub.openmetrics().unwrap();
    for line in [
        r#"pool_leases_total{component="database"} 1"#,
        r#"pool_connections_by_state{state="idle",component="database"} 1"#,
        r#"pool_acquire_wait_seconds_count{component="database"} 1"#,
    ] {
        let labels_in_any_order = line.replace(
            r#"state="idle",component="database""#,
            r#"component="database",state="idle""#,
        );
        assert!(
            page.contains(line) || page.contains(&labels_in_any_order),
            "{line} is not in {page}"
        );
    }
}
