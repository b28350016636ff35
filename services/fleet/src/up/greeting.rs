//! What the fleet prints when it has started.

use std::fmt::Write;

use crate::{
    roster::Member,
    show::{Cell, Paint, Table, Tint},
};

/// A request worth trying: the service that must run, and what to get there.
const TRY: [(&str, &str, &str); 5] = [
    (
        "web",
        "/api/v1/training/overview",
        "one request through the gateway, over two services",
    ),
    (
        "web",
        "/api/v1/providers/burst?prompt=hello",
        "ask the simulated model",
    ),
    (
        "web",
        "/api/v1/system/fleet",
        "what every layer of every service is doing",
    ),
    (
        "training",
        "/api/v1/system/observability",
        "the same, of one service",
    ),
    ("training", "/metrics", "for Prometheus"),
];

pub(super) fn greet(members: &[&Member], paint: Paint) -> String {
    let mut services = Table::new(vec![
        Cell::text("service"),
        Cell::text("address"),
        Cell::text("does"),
    ]);
    for member in members {
        services.push(vec![
            Cell::text(member.name()).tinted(Tint::Bold),
            Cell::text(&member.url()),
            Cell::text(member.definition.summary),
        ]);
    }
    let mut text = services.render(paint);
    let mut attempts = Table::new(vec![Cell::text("try"), Cell::text("")]);
    for (name, path, why) in TRY {
        if let Some(member) = members.iter().find(|member| member.name() == name) {
            let command = format!("curl '{}{path}'", member.url());
            attempts.push(vec![
                Cell::text(&command),
                Cell::text(why).tinted(Tint::Dim),
            ]);
        }
    }
    if let Some(web) = members.iter().find(|member| member.name() == "web") {
        attempts.push(vec![
            Cell::text(&format!("{}/", web.url())),
            Cell::text("the dashboard, in a browser").tinted(Tint::Dim),
        ]);
    }
    write!(text, "\n{}\n", attempts.render(paint)).expect("writing to a String does not fail");
    text.push_str("`tooloo status` shows how they are doing, `tooloo trace ID` where a request went; Ctrl-C stops them.\n");
    text
}
