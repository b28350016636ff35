//! What a key takes in memory, besides itself.

use std::{
    fs,
    io::{self, ErrorKind},
    mem,
    num::{NonZeroU32, NonZeroUsize},
};

use benches::Bound;
use governor::RateLimiter as Governor;
use tooloo_key::Key;
use tooloo_rate_limit::{Quota, RateLimitConfig, RateLimiter};

/// So many that what does not belong to a key weighs nothing.
const KEYS: usize = 1_000_000;

/// The bytes that a key may take.
const MOST: f64 = 64.0;

const PAGE: f64 = 4096.0;

/// Fills limiters with keys, and prints by how much the process grew.
pub(crate) fn measure() -> io::Result<Bound> {
    let keys: Vec<_> = (0..KEYS)
        .map(|n| Key::from(format!("client-{n:09}")))
        .collect();
    let limit = NonZeroU32::new(100).expect("it is not zero");

    let room = NonZeroUsize::new(2 * KEYS).expect("it is not zero");
    let config = RateLimitConfig::new(Quota::per_hour(limit)).with_max_keys(room);
    let limiter = RateLimiter::new(config);
    let ours = growth(&keys, |key| limiter.check(key).is_ok())?;
    let governor = Governor::dashmap(governor::Quota::per_hour(limit));
    let theirs = growth(&keys, |key| governor.check_key(key).is_ok())?;
    // Freed at the end only: no memory is used twice while it is measured.
    mem::forget((limiter, governor, keys));

    println!("bytes a key, of {KEYS}, besides the key: ours {ours:.1}, governor {theirs:.1}\n");
    Ok(Bound::new("bytes-per-key-besides-the-key", ours, MOST))
}

#[expect(clippy::cast_precision_loss, reason = "an average is shown")]
fn growth(keys: &[Key], admits: impl Fn(&Key) -> bool) -> io::Result<f64> {
    let before = resident_pages()?;
    for key in keys {
        assert!(admits(key), "each key has a hundred tokens");
    }
    let grown = (resident_pages()? - before) * PAGE / keys.len() as f64;
    // Its text is shared with the key that was made before; what names it is not.
    Ok(grown - size_of::<Key>() as f64)
}

fn resident_pages() -> io::Result<f64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, statm.clone()))
}
