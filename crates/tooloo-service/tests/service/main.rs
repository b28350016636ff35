//! What clients and operators of a service see, through real sockets.

mod config;
mod drain;
mod peers;
mod problems;
mod running;
mod slow_clients;
mod store;
mod system;
