//! The client: a few connections that stay open, each asking anew as soon as it has its answer.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

const CONNECTIONS: usize = 8;
/// A server that is silent for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);
const REQUEST: &[u8] =
    b"GET /page HTTP/1.1\r\nHost: a.example\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n";

/// The body that each answer has to have.
pub(crate) type Page = Vec<u8>;

/// Requests to one server.
pub(crate) struct Load<'a> {
    address: SocketAddr,
    page: &'a Page,
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Asks several times; a page that says how often it was made shows whether it was stored.
pub(crate) fn cached_page(address: SocketAddr) -> io::Result<Page> {
    let mut connection = Connection::open(address)?;
    // Some store behind the back of the first one.
    let mut page = connection.ask()?.to_vec();
    for _ in 0..50 {
        let next = connection.ask()?;
        if next == page {
            return Ok(page);
        }
        page = next.to_vec();
        thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::other("it makes its page for each request anew"))
}

impl<'a> Load<'a> {
    pub(crate) fn new(address: SocketAddr, page: &'a Page) -> Self {
        Self { address, page }
    }

    /// Asks so many times, over all connections at once.
    pub(crate) fn run(&self, requests: usize) -> io::Result<()> {
        let ask = || {
            let mut connection = Connection::open(self.address)?;
            for _ in 0..requests / CONNECTIONS {
                if connection.ask()? != self.page {
                    return Err(io::Error::other("the page is another one by now"));
                }
            }
            Ok(())
        };
        thread::scope(|scope| {
            let asking: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(ask)).collect();
            let mut results = asking.into_iter().map(ScopedJoinHandle::join);
            results.try_for_each(|result| result.expect("a client does not panic"))
        })
    }
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: vec![0; 16 << 10],
        })
    }

    /// Asks once, and returns the body of the answer.
    fn ask(&mut self) -> io::Result<&[u8]> {
        self.stream.write_all(REQUEST)?;
        let (mut filled, mut whole) = (0, None);
        while whole.is_none_or(|(_, end)| filled < end) {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            if whole.is_none() {
                whole = extent(&self.buffer[..filled])?;
            }
        }
        let (start, end) = whole.expect("the loop ends with it");
        Ok(&self.buffer[start..end])
    }
}

/// Returns where the body begins and ends, once the head is there.
fn extent(answer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let strange = || io::Error::other("no answer of this length was asked for");
    let text = std::str::from_utf8(&answer[..head]).map_err(io::Error::other)?;
    let mut lines = text.split("\r\n");
    if !lines
        .next()
        .is_some_and(|status| status.starts_with("HTTP/1.1 200"))
    {
        return Err(io::Error::other(text.to_owned()));
    }
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length
        .and_then(|(_, length)| length.trim().parse().ok())
        .ok_or_else(strange)?;
    Ok(Some((head + 4, head + 4 + length)))
}
