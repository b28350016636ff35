//! What it takes to look at a text: once for each, in the background.

use std::hint::black_box;

use benches::Rounds;
use rustix::time::ClockId;
use tooloo_query::{Dialect, Fingerprint, analyze};

use crate::{ROUNDS, STATEMENTS};

const TEXTS: [(&str, &str); 2] = [
    ("40 characters", "SELECT id, name FROM users WHERE id = $1"),
    (
        "156 characters",
        "SELECT u.id, u.name, count(p.id) AS posts FROM users AS u JOIN posts AS p ON p.user_id = u.id \
         WHERE u.team = $1 AND p.made > $2 GROUP BY u.id, u.name LIMIT 1",
    ),
];

/// Times the analysis and the fingerprint of a text; a text that is known needs neither.
pub(crate) fn measure() {
    for (size, text) in TEXTS {
        let mut rounds = Rounds::new(
            format!("a text of {size}, once for each text, CPU ns"),
            ClockId::ProcessCPUTime,
        );
        for _ in 0..ROUNDS {
            rounds.time("analysis", STATEMENTS, || {
                for _ in 0..STATEMENTS {
                    black_box(analyze(black_box(text), Dialect::Postgres)).expect("it is SQL");
                }
            });
            rounds.time("fingerprint", STATEMENTS, || {
                for _ in 0..STATEMENTS {
                    black_box(Fingerprint::of(black_box(text), Dialect::Postgres));
                }
            });
        }
        println!("{rounds}");
    }
}
