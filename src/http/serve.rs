//! Sockets: accepts them, bounds them, and lets go of them in order.
//!
//! Why not `axum::serve`: it gives a client all the time in the world to send the head of a request, and
//! its graceful shutdown neither ends nor forgets WebSockets.
//!
//! Shutdown, when the token is cancelled:
//! 1. readiness fails (`health`), and the listener closes: no new connections;
//! 2. requests in progress are answered and their connections closed, idle ones at once;
//!    WebSockets are closed with 1001 (`websocket`);
//! 3. when all are gone, or after `Settings::drain_timeout`, [`serve`] returns; what is left is dropped.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use async_graphql::Executor;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Instant, Sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Front, Gate, Settings};

/// For the head of a request, or what has been read of a body at a time. A GET with a document of the largest
/// size, percent-encoded, fits.
const READ_BUFFER_BYTES_MAX: usize = 128 * 1024;

/// After `accept` failed, mostly for want of file descriptors: others must close first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown`, then drains. `connections` is the tracker that `front` was given.
pub async fn serve<E: Executor, G: Gate>(
    listener: TcpListener,
    front: Front<E, G>,
    settings: Settings,
    shutdown: CancellationToken,
    connections: TaskTracker,
) {
    let abandon = CancellationToken::new();
    let _abandon_on_return = abandon.clone().drop_guard();
    let mut refused = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if connections.len() >= settings.connections_max {
            if !std::mem::replace(&mut refused, true) {
                tracing::warn!(
                    maximum = settings.connections_max,
                    "too many connections: new ones are closed"
                );
            }
            continue;
        }
        refused = false;
        let connection = connection(stream, front.clone(), &settings, shutdown.clone());
        let abandon = abandon.clone();
        connections.spawn(async move {
            tokio::select! {
                () = connection => {}
                () = abandon.cancelled() => {}
            }
        });
    }
    drop(listener);

    connections.close();
    if tokio::time::timeout(settings.drain_timeout, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections were dropped that did not end in time");
    }
}

fn connection<E: Executor, G: Gate>(
    stream: TcpStream,
    front: Front<E, G>,
    settings: &Settings,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + use<E, G> {
    // A message is complete when it is written: waiting for more to fill a packet only delays it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a socket keeps Nagle's algorithm");
    }
    let stream = TokioIo::new(Unstalled::new(stream, settings.write_timeout));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_timeout)
        .max_buf_size(READ_BUFFER_BYTES_MAX)
        .serve_connection(stream, front)
        .with_upgrades();
    async move {
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // The client's doing: it went away, or did not speak HTTP.
            tracing::debug!(%error, "a connection broke");
        }
    }
}

/// A stream that fails when the other side does not take what is written for too long. Without it, a client
/// that asks and never reads would hold its answer in memory for ever.
struct Unstalled {
    stream: TcpStream,
    timeout: Duration,
    /// Runs while a write is waiting.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Unstalled {
    fn new(stream: TcpStream, timeout: Duration) -> Unstalled {
        Unstalled { stream, timeout, deadline: None }
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let timeout = self.timeout;
        let deadline =
            self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + timeout)));
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Unstalled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for Unstalled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
