//! The HTTP and WebSocket floor, over real sockets, with a toy schema and a toy gate: what is tested here does
//! not depend on what Switchyard routes.

mod fixture;
mod health_and_shutdown;
mod limits;
mod over_http;
mod over_websocket;
mod shared;
mod slow_peers;
