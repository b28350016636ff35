//! What caches are told about answers.

use crate::running::{get, start};

#[tokio::test]
async fn what_says_nothing_of_caches_is_not_kept() {
    let server = start(|_| {}).await;
    for path in ["/livez", "/api/v1/system/observability", "/nowhere"] {
        let reply = server.get(path).await;
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn who_has_the_document_is_told_so_in_few_bytes() {
    let server = start(|_| {}).await;
    let whole = server.get("/openapi.json").await;
    assert_eq!(whole.status, 200);
    assert_eq!(whole.header("cache-control"), Some("no-cache"));
    let etag = whole.header("etag").unwrap().to_owned();

    let ask = |etag: &str| {
        let end = format!("\r\nif-none-match: \"other\", {etag}\r\n\r\n");
        get("/openapi.json").trim_end().to_owned() + &end
    };
    let known = server.send(ask(&etag)).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(known.header("etag"), Some(&*etag));
    assert_eq!(known.header("content-type"), None);
    let other = server.send(ask("\"another\"")).await;
    assert_eq!(other.status, 200);
    assert_eq!(other.body, whole.body);
}
