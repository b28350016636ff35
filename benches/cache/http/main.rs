//! Compares what one cached answer costs over HTTP: this layer, its tower peers and nginx.
//!
//! Each is a server of its own in a process of its own, with one thread that works. One client asks all of them, in
//! turns, for the same page of 4 KiB over connections that stay open; what counts is the processor time of the server
//! alone. Ratios are the middle ones of all rounds.

mod load;
mod nginx;
mod process;
mod serve;

use std::{env, net::SocketAddr, process::ExitCode};

use benches::Bound;

use self::{
    load::{Load, Page},
    process::Server,
};

/// Requests of one contender in one round: enough that the system's clock ticks of 10 ms do not show.
const REQUESTS: usize = 40_000;
const ROUNDS: usize = 7;
const OURS: &str = "tooloo-cache";
const NGINX: [&str; 2] = ["nginx", "nginx, open files kept"];

/// One that answers, and what each of its answers took in each round, in microseconds of processor time.
struct Contender {
    name: &'static str,
    server: Server,
    page: Page,
    times: Vec<f64>,
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip_while(|argument| argument != serve::ARGUMENT);
    if let (Some(_), Some(name)) = (arguments.next(), arguments.next()) {
        serve::run(&name);
        return ExitCode::SUCCESS;
    }
    let origin = Server::own(serve::ORIGIN).expect("a server starts");
    let mut contenders: Vec<Contender> = contenders(origin.address());
    for _ in 0..ROUNDS {
        for contender in &mut contenders {
            contender.round();
        }
    }
    println!("a cached page of 4 KiB, processor microseconds of its server");
    for contender in &contenders {
        let time = middle(contender.times.clone());
        let rate = 1e6 / time;
        println!(
            "  {:24} {time:>7.2}  {rate:>8.0} a core-second",
            contender.name
        );
    }
    println!();
    let bounds = bounds(&contenders);
    for bound in &bounds {
        println!("{bound}");
    }
    let all_ran = contenders.len() == serve::NAMES.len() + NGINX.len();
    if all_ran && bounds.iter().all(Bound::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Starts all contenders; says which do not start or do not cache, and leaves them out.
fn contenders(origin: SocketAddr) -> Vec<Contender> {
    let own = serve::NAMES.iter().map(|name| (*name, Server::own(name)));
    let nginx = NGINX.into_iter().zip(["", "open_file_cache max=64;"]);
    let nginx = nginx.map(|(name, setting)| (name, nginx::start(origin, setting)));
    let started = own.chain(nginx).filter_map(|(name, server)| {
        let contender = server.and_then(|server| Contender::new(name, server));
        contender
            .inspect_err(|error| println!("absent {name}: {error}"))
            .ok()
    });
    started.collect()
}

/// A core-second has 0.8 times as many hits as nginx's where a hit takes 1.25 times as long.
fn bounds(contenders: &[Contender]) -> Vec<Bound> {
    let Some(ours) = contenders.iter().find(|contender| contender.name == OURS) else {
        return Vec::new();
    };
    let peers = contenders.iter().filter(|peer| peer.name != OURS);
    let bounds = peers.map(|peer| {
        let most = if NGINX.contains(&peer.name) {
            1.25
        } else {
            1.0
        };
        let pairs = ours.times.iter().zip(&peer.times);
        let ratio = middle(pairs.map(|(ours, peer)| ours / peer).collect());
        Bound::new(format!("time of a hit / {}", peer.name), ratio, most)
    });
    bounds.collect()
}

impl Contender {
    fn new(name: &'static str, server: Server) -> std::io::Result<Self> {
        let page = load::cached_page(server.address())?;
        Ok(Self {
            name,
            server,
            page,
            times: Vec::new(),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean over many requests")]
    fn round(&mut self) {
        let load = Load::new(self.server.address(), &self.page);
        let before = self.server.processor_time();
        load.run(REQUESTS)
            .expect("the server answers with its page");
        let took = self.server.processor_time().saturating_sub(before);
        self.times.push(took.as_secs_f64() * 1e6 / REQUESTS as f64);
    }
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
