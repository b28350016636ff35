//! A sink of OTLP spans: gRPC and HTTP with protobuf, on one port.

mod span;

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

pub use self::span::ReceivedSpan;

const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const HTTP_PATH: &str = "/v1/traces";
/// A gRPC message follows one byte of flags and four of length.
const GRPC_PREFIX: usize = 5;
const PATIENCE: Duration = Duration::from_secs(15);

/// Receives every span that is exported to it, with its resource.
///
/// It stops when dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    inbox: Inbox,
    running: AbortHandle,
}

#[derive(Clone, Debug)]
struct Inbox {
    spans: Arc<Mutex<Vec<ReceivedSpan>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Collector {
    /// Starts a collector on a free port of the loopback address.
    ///
    /// # Panics
    ///
    /// Panics where the address cannot be bound.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port on the loopback address");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let inbox = Inbox {
            spans: Arc::default(),
            count: Arc::new(watch::channel(0).0),
        };
        let running = tokio::spawn(accept(listener, inbox.clone())).abort_handle();
        Self {
            address,
            inbox,
            running,
        }
    }

    /// Returns the endpoint to export to, for either protocol.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the spans received so far.
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.inbox
            .spans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until `count` spans are here and returns all of them.
    ///
    /// # Panics
    ///
    /// Panics where they are not here within 15 seconds.
    pub async fn wait_for(&self, count: usize) -> Vec<ReceivedSpan> {
        let mut changes = self.inbox.count.subscribe();
        let arrived = timeout(PATIENCE, changes.wait_for(|received| *received >= count))
            .await
            .is_ok();
        let spans = self.spans();
        assert!(arrived, "{} of {count} spans came: {spans:#?}", spans.len());
        spans
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Inbox {
    fn put(&self, request: ExportTraceServiceRequest) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.extend(
            request
                .resource_spans
                .into_iter()
                .flat_map(ReceivedSpan::all),
        );
        self.count.send_replace(spans.len());
    }
}

async fn accept(listener: TcpListener, inbox: Inbox) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let inbox = inbox.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| receive(inbox.clone(), request));
            let server = auto::Builder::new(TokioExecutor::new());
            // An exporter that breaks off is the test's doing.
            drop(server.serve_connection(TokioIo::new(socket), service).await);
        });
    }
}

async fn receive(
    inbox: Inbox,
    request: Request<Incoming>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(refusal(StatusCode::BAD_REQUEST));
    };
    let body = body.to_bytes();
    let grpc = match head.uri.path() {
        GRPC_PATH if body.len() >= GRPC_PREFIX => true,
        HTTP_PATH => false,
        _ => return Ok(refusal(StatusCode::NOT_FOUND)),
    };
    let message = if grpc {
        body.slice(GRPC_PREFIX..)
    } else {
        body
    };
    let Ok(export) = ExportTraceServiceRequest::decode(message) else {
        return Ok(refusal(StatusCode::BAD_REQUEST));
    };
    inbox.put(export);
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    Ok(if grpc {
        grpc_answer(&answer)
    } else {
        http_answer(answer)
    })
}

fn http_answer(message: Vec<u8>) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::from(message).boxed_unsync());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-protobuf"),
    );
    response
}

fn grpc_answer(message: &[u8]) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let mut framed = BytesMut::with_capacity(GRPC_PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("an answer is far smaller than 4 GiB"));
    framed.put_slice(message);
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let body = Full::from(framed.freeze()).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(body.boxed_unsync());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    response
}

fn refusal(status: StatusCode) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, KeyValue, any_value::Value},
        resource::v1::Resource,
        trace::v1::{ResourceSpans, ScopeSpans, Span},
    };

    use super::*;
    use crate::Client;

    fn export() -> ExportTraceServiceRequest {
        let name = AnyValue {
            value: Some(Value::StringValue("training".to_owned())),
        };
        let name = KeyValue {
            key: "service.name".to_owned(),
            value: Some(name),
            ..KeyValue::default()
        };
        let span = Span {
            trace_id: vec![0xab; 16],
            span_id: vec![1; 8],
            name: "GET /".to_owned(),
            end_time_unix_nano: 7,
            ..Span::default()
        };
        let resource = Resource {
            attributes: vec![name],
            ..Resource::default()
        };
        let scope = ScopeSpans {
            spans: vec![span],
            ..ScopeSpans::default()
        };
        let spans = ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![scope],
            ..ResourceSpans::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![spans],
        }
    }

    #[tokio::test]
    async fn keeps_a_span_with_its_resource() {
        let collector = Collector::start().await;
        let body = Full::from(export().encode_to_vec());
        let request = Request::post(format!("{}{HTTP_PATH}", collector.endpoint()))
            .body(body)
            .unwrap();
        assert_eq!(Client::new().send(request).await.status, StatusCode::OK);
        let [span] = collector.wait_for(1).await.try_into().unwrap();
        assert_eq!(span.trace_id, "ab".repeat(16));
        assert_eq!((span.name.as_str(), span.duration), ("GET /", 7));
        assert_eq!(span.parent_span_id, None);
        assert_eq!(span.resource["service.name"], "training");
    }

    #[tokio::test]
    async fn refuses_what_is_no_export() {
        let collector = Collector::start().await;
        let request = Request::post(format!("{}{HTTP_PATH}", collector.endpoint()))
            .body(Full::from("{}"))
            .unwrap();
        assert_eq!(
            Client::new().send(request).await.status,
            StatusCode::BAD_REQUEST
        );
        assert!(collector.spans().is_empty());
    }
}
