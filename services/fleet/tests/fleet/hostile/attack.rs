//! Requests that mean harm.

use super::operations::Operation;

/// What any refusal of ours may be.
const REFUSALS: &[u16] = &[
    400, 402, 404, 405, 406, 409, 411, 413, 414, 415, 422, 429, 431,
];
/// What a body may be told that is none of what was asked for; some are not even let in.
const UNREADABLE: &[u16] = &[400, 403, 415, 422];
/// What may also come of a request that does no harm after all.
const ANSWERS: &[u16] = &[
    200, 201, 202, 204, 400, 401, 402, 403, 404, 405, 409, 413, 414, 415, 422, 429, 431,
];

const LARGE: usize = 1_500_000;
const VALUES: [&str; 9] = [
    "null",
    "-1",
    "1e308",
    "1e999",
    "\"\"",
    "{}",
    "[[]]",
    "true",
    "\"\\u0000\\ud83d\\ude00\"",
];

/// One request, and the statuses that may answer it.
#[derive(Debug)]
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) request: Vec<u8>,
    pub(super) allowed: &'static [u16],
}

impl Attack {
    fn new(name: &'static str, allowed: &'static [u16], request: impl Into<Vec<u8>>) -> Self {
        Self {
            name,
            request: request.into(),
            allowed,
        }
    }

    /// Shows as much of the request as tells it from others.
    pub(super) fn shown(&self) -> String {
        let text =
            String::from_utf8_lossy(&self.request[..self.request.len().min(400)]).into_owned();
        text.replace("\r\n", " | ")
    }
}

/// Makes the attacks on one operation.
pub(super) fn on(operation: &Operation) -> Vec<Attack> {
    let Operation { method, path, .. } = operation;
    let path = &path.replace(['{', '}'], "");
    let mut attacks = vec![
        Attack::new(
            "a broken percent-encoding",
            ANSWERS,
            head(method, &format!("{path}/%zz%"), ""),
        ),
        Attack::new(
            "a path that is no UTF-8",
            ANSWERS,
            head(method, &format!("{path}%ff%fe"), ""),
        ),
        Attack::new(
            "an encoded slash and dots",
            ANSWERS,
            head(method, &format!("{path}/..%2f..%00"), ""),
        ),
        Attack::new(
            "a query of rubbish",
            ANSWERS,
            head(method, &format!("{path}?=&&a=%ff&%00=%zz&a[]=1"), ""),
        ),
        Attack::new(
            "a long query",
            ANSWERS,
            head(method, &format!("{path}?a={}", "x".repeat(7_000)), ""),
        ),
        Attack::new(
            "a target that is too long",
            REFUSALS,
            head(method, &format!("{path}?a={}", "x".repeat(30_000)), ""),
        ),
        Attack::new(
            "a head that is too large",
            REFUSALS,
            head(method, path, &format!("x: {}\r\n", "y".repeat(100_000))),
        ),
        Attack::new(
            "too many fields",
            REFUSALS,
            head(method, path, &"x: y\r\n".repeat(500)),
        ),
        Attack::new(
            "a traceparent of rubbish",
            ANSWERS,
            head(
                method,
                path,
                "traceparent: 00-zz\r\ntracestate: =,=\r\nbaggage: \x01\r\n"
                    .replace('\x01', "%")
                    .as_str(),
            ),
        ),
        Attack::new(
            "a range and conditions of rubbish",
            ANSWERS,
            head(
                method,
                path,
                "range: bytes=9-1\r\nif-none-match: \"\r\naccept: ;q=9\r\naccept-encoding: ,;\r\n",
            ),
        ),
    ];
    attacks.extend(with_methods(operation, path));
    attacks.extend(with_parameters(operation, path));
    if let Some(members) = &operation.body {
        attacks.extend(with_bodies(method, path, members));
    }
    attacks
}

/// Makes the attacks on a server as such.
pub(super) fn on_any() -> Vec<Attack> {
    vec![
        Attack::new(
            "an unknown route",
            &[404],
            head("GET", "/api/v9/nowhere", ""),
        ),
        Attack::new(
            "an unknown route with a body",
            &[404],
            with_body("POST", "/nowhere", "application/json", b"{\"a\":"),
        ),
        Attack::new(
            "an absolute target",
            ANSWERS,
            head("GET", "http://elsewhere/livez", ""),
        ),
        Attack::new("two slashes", &[404], head("GET", "//livez//", "")),
        Attack::new("an asterisk", ANSWERS, head("OPTIONS", "*", "")),
        Attack::new("a tunnel", REFUSALS, head("CONNECT", "elsewhere:80", "")),
        Attack::new(
            "an upgrade",
            ANSWERS,
            head(
                "GET",
                "/livez",
                "upgrade: websocket\r\nconnection: upgrade\r\n",
            ),
        ),
    ]
}

fn with_methods(operation: &Operation, path: &str) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for other in ["GET", "POST", "PUT", "PATCH", "DELETE", "BREW"] {
        if !operation.methods.iter().any(|known| known == other) {
            attacks.push(Attack::new(
                "another method",
                &[405],
                head(other, path, "content-length: 0\r\n"),
            ));
        }
    }
    attacks
}

fn with_parameters(operation: &Operation, path: &str) -> Vec<Attack> {
    let method = &operation.method;
    let mut attacks = Vec::new();
    for name in &operation.query {
        for value in [
            "",
            "-1",
            "99999999999999999999",
            "NaN",
            "%ff",
            "%00",
            "null",
            "2025-13-40T99:99:99Z",
        ] {
            let target = format!("{path}?{name}={value}");
            attacks.push(Attack::new(
                "a parameter of rubbish",
                ANSWERS,
                head(method, &target, ""),
            ));
        }
        let twice = format!("{path}?{name}=1&{name}=2");
        attacks.push(Attack::new(
            "a parameter twice",
            ANSWERS,
            head(method, &twice, ""),
        ));
    }
    attacks
}

fn with_bodies(method: &str, path: &str, members: &[String]) -> Vec<Attack> {
    const JSON: &str = "application/json";
    let json = |name, allowed, body: &[u8]| {
        Attack::new(name, allowed, with_body(method, path, JSON, body))
    };
    let deep = "[".repeat(20_000);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(LARGE));
    let mut attacks = vec![
        json("half a JSON", UNREADABLE, b"{\"a\":"),
        json("no UTF-8", UNREADABLE, b"{\"a\":\"\xff\xfe\"}"),
        json("deep JSON", UNREADABLE, deep.as_bytes()),
        json("a list", UNREADABLE, b"[1,2]"),
        json("null", ANSWERS, b"null"),
        json("a text", UNREADABLE, b"\"text\""),
        json("a number", UNREADABLE, b"-1e400"),
        json("two values", UNREADABLE, b"{} {}"),
        json("unknown members", ANSWERS, b"{\"__proto__\":{},\"\":1}"),
        json("too large a body", &[403, 413], large.as_bytes()),
        Attack::new(
            "too large a body in chunks",
            &[403, 413],
            chunked(method, path, &large),
        ),
        Attack::new(
            "a body of another kind",
            UNREADABLE,
            with_body(method, path, "text/plain", b"{}"),
        ),
        Attack::new(
            "a body of no kind",
            UNREADABLE,
            with_body(method, path, "", b"{}"),
        ),
        Attack::new(
            "a compressed body",
            UNREADABLE,
            with_body(
                method,
                path,
                "application/json\r\ncontent-encoding: gzip",
                b"\x1f\x8b\x08",
            ),
        ),
    ];
    for member in members {
        for value in VALUES {
            let body = format!("{{\"{member}\":{value}}}");
            attacks.push(json("a member of rubbish", ANSWERS, body.as_bytes()));
        }
        let twice = format!("{{\"{member}\":1,\"{member}\":1}}");
        attacks.push(json("a member twice", ANSWERS, twice.as_bytes()));
    }
    attacks
}

fn head(method: &str, target: &str, fields: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{fields}\r\n")
        .into_bytes()
}

fn with_body(method: &str, target: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let kind = if kind.is_empty() {
        String::new()
    } else {
        format!("content-type: {kind}\r\n")
    };
    let mut request = head(
        method,
        target,
        &format!("{kind}content-length: {}\r\n", body.len()),
    );
    request.extend_from_slice(body);
    request
}

fn chunked(method: &str, target: &str, body: &str) -> Vec<u8> {
    let mut request = head(
        method,
        target,
        "content-type: application/json\r\ntransfer-encoding: chunked\r\n",
    );
    request.extend_from_slice(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).as_bytes());
    request
}
