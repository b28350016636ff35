//! Watches the protocol go by: whether a transaction is open, and whether anything is unanswered.
//!
//! The client library keeps that to itself. PostgreSQL's protocol, version 3, tells it in the byte of each
//! `ReadyForQuery`, of which there is one for each `Query`, `Sync` and `FunctionCall`.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

const IDLE: u8 = b'I';

/// What is known of a connection's protocol state.
#[derive(Debug)]
pub(super) struct Wire {
    asked: AtomicU32,
    answered: AtomicU32,
    status: AtomicU8,
}

/// A stream whose messages are watched.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    wire: Arc<Wire>,
    sent: Messages,
    received: Messages,
}

/// Finds where messages begin in a stream of bytes.
#[derive(Debug)]
struct Messages {
    // A byte for the kind and four for the length; the very first message of a client has no kind.
    head: [u8; 5],
    known: usize,
    // Of the body.
    left: usize,
}

impl Wire {
    pub(super) fn new() -> Self {
        Self {
            asked: AtomicU32::new(0),
            answered: AtomicU32::new(0),
            status: AtomicU8::new(IDLE),
        }
    }

    /// Returns whether all that was sent is answered, and no transaction is open.
    pub(super) fn is_clean(&self) -> bool {
        // Answers are read first: what is asked meanwhile does not make the connection look clean.
        let answered = self.answered.load(Ordering::Acquire);
        answered == self.asked.load(Ordering::Acquire) && !self.is_in_transaction()
    }

    pub(super) fn is_in_transaction(&self) -> bool {
        self.status.load(Ordering::Acquire) != IDLE
    }

    fn ask(&self) {
        self.asked.fetch_add(1, Ordering::AcqRel);
    }

    fn answer(&self, status: u8) {
        self.status.store(status, Ordering::Release);
        self.answered.fetch_add(1, Ordering::AcqRel);
    }
}

impl<S> Watched<S> {
    /// Watches a stream from its first message on.
    pub(super) fn new(stream: S, wire: Arc<Wire>) -> Self {
        Self {
            stream,
            wire,
            sent: Messages::of_client(),
            received: Messages::of_server(),
        }
    }

    fn watch_sent(&mut self, bytes: &[u8]) {
        let wire = &self.wire;
        self.sent.feed(bytes, |kind, _| {
            // The first message, of no kind, is answered like a query.
            if matches!(kind, 0 | b'Q' | b'S' | b'F') {
                wire.ask();
            }
        });
    }

    fn watch_received(&mut self, bytes: &[u8]) {
        let wire = &self.wire;
        self.received.feed(bytes, |kind, body| {
            if kind == b'Z' {
                wire.answer(body.unwrap_or(IDLE));
            }
        });
    }
}

impl Messages {
    const fn of_server() -> Self {
        Self {
            head: [0; 5],
            known: 0,
            left: 0,
        }
    }

    const fn of_client() -> Self {
        Self {
            // The kind counts as known, and as 0.
            known: 1,
            ..Self::of_server()
        }
    }

    /// Takes the next bytes, and tells the kind and the first byte of the body of each message: as soon as that byte
    /// is there, or as soon as it is known that there is none.
    fn feed(&mut self, mut bytes: &[u8], mut tell: impl FnMut(u8, Option<u8>)) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.known < self.head.len() {
                self.head[self.known] = first;
                self.known += 1;
                bytes = rest;
                if self.known == self.head.len() {
                    self.left = self.body();
                    if self.left == 0 {
                        tell(self.head[0], None);
                        self.known = 0;
                    }
                }
            } else {
                if self.left == self.body() {
                    tell(self.head[0], Some(first));
                }
                let step = self.left.min(bytes.len());
                self.left -= step;
                bytes = &bytes[step..];
                if self.left == 0 {
                    self.known = 0;
                }
            }
        }
    }

    /// Returns the length of the body; the one in the head counts its own four bytes.
    fn body(&self) -> usize {
        let [_, length @ ..] = self.head;
        (u32::from_be_bytes(length) as usize).saturating_sub(4)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.watch_received(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.watch_sent(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    proptest! {
        #[test]
        fn messages_are_found_however_the_stream_is_cut(
            bodies in prop::collection::vec((1..=u8::MAX, prop::collection::vec(any::<u8>(), 0..20)), 1..20),
            piece in 1..30_usize,
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|(kind, body)| message(*kind, body)).collect();
            let mut found = Vec::new();
            let mut messages = Messages::of_server();
            for piece in stream.chunks(piece) {
                messages.feed(piece, |kind, body| found.push((kind, body)));
            }
            let expected: Vec<_> = bodies.iter().map(|(kind, body)| (*kind, body.first().copied())).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_connection_is_clean_once_all_is_answered_outside_of_a_transaction() {
        let wire = Arc::new(Wire::new());
        let mut watched = Watched::new((), Arc::clone(&wire));
        watched.watch_sent(&message(0, b"user")[1..]);
        assert!(!wire.is_clean());
        watched.watch_received(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat());
        assert!(wire.is_clean());

        let pipelined = [
            message(b'P', b"x"),
            message(b'S', b""),
            message(b'Q', b"BEGIN\0"),
        ];
        watched.watch_sent(&pipelined.concat());
        watched.watch_received(&message(b'Z', b"I"));
        assert!(!wire.is_clean(), "one of two is answered");
        watched.watch_received(&message(b'Z', b"T"));
        assert!(!wire.is_clean() && wire.is_in_transaction());
        watched.watch_sent(&message(b'Q', b"ROLLBACK\0"));
        watched.watch_received(&message(b'Z', b"I"));
        assert!(wire.is_clean());
    }
}
