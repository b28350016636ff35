//! HTTP as bytes on a socket, for what no client would send.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    body: Vec<u8>,
}

/// Sends `request` on a connection of its own and reads the answer, of a stream only its head.
///
/// The answer is read while the request is written: it may come before all of that is taken.
///
/// # Errors
///
/// Says what came instead of an answer.
pub(crate) async fn exchange(port: u16, request: &[u8]) -> Result<Answer, String> {
    let exchange = async {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .map_err(|error| error.to_string())?;
        let (mut reader, mut writer) = stream.into_split();
        let write = async {
            // A server that has answered may stop reading.
            let _ = writer.write_all(request).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = read(&mut reader) => answer,
            () = write => unreachable!("it never ends"),
        }
    };
    let answer = timeout(PATIENCE, exchange).await;
    answer.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
}

async fn read(reader: &mut (impl AsyncReadExt + Unpin)) -> Result<Answer, String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(answer) = Answer::parse(&bytes) {
            return answer;
        }
        let mut chunk = [0; 4096];
        let length = match reader.read(&mut chunk).await {
            Ok(0) => {
                return Err(format!(
                    "closed after {:?}",
                    String::from_utf8_lossy(&bytes)
                ));
            }
            Ok(length) => length,
            Err(error) => {
                return Err(format!(
                    "{error} after {:?}",
                    String::from_utf8_lossy(&bytes)
                ));
            }
        };
        bytes.extend_from_slice(&chunk[..length]);
    }
}

impl Answer {
    /// Reads an answer, or returns `None` where more of it must come.
    fn parse(bytes: &[u8]) -> Option<Result<Self, String>> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let Some(status) = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
        else {
            return Some(Err(format!("{head:?} is no answer")));
        };
        let body = bytes[end + 4..].to_vec();
        let answer = Self { status, head, body };
        let stream = answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/event-stream"));
        let whole = match answer
            .header("content-length")
            .and_then(|length| length.parse().ok())
        {
            Some(length) => answer.body.len() >= length,
            None if answer.header("transfer-encoding").is_some() => {
                answer.body.ends_with(b"0\r\n\r\n")
            }
            None => true,
        };
        (stream || whole).then_some(Ok(answer))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let mut fields = lines.filter_map(|line| line.split_once(':'));
        let (_, value) = fields.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(value.trim())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether this is an error as model providers make them, with a message.
    pub(crate) fn is_provider_error(&self) -> bool {
        let error = serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        let message = error["error"]["message"].as_str();
        message.is_some_and(|message| !message.is_empty())
    }

    /// Says what keeps a refusal from being the problem that it should be.
    pub(crate) fn flaw(&self) -> Option<String> {
        let kind = self.header("content-type").unwrap_or_default();
        if kind != "application/problem+json" {
            return Some(format!("its content type is {kind:?}"));
        }
        let problem: Value = match serde_json::from_slice(&self.body) {
            Ok(problem) => problem,
            Err(error) => return Some(format!("its body is no JSON: {error}")),
        };
        if problem["status"] != self.status {
            return Some("its status is another one".to_owned());
        }
        let silent = ["type", "title", "detail", "error", "code"];
        let silent = silent
            .iter()
            .find(|member| problem[**member].as_str().is_none_or(str::is_empty));
        silent.map(|member| format!("it has no {member}"))
    }
}
