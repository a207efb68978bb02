//! The TCP tap: real clients against a real server, and single links against peers that misbehave.

mod clients;
mod http_clients;
mod links;
mod observe;
mod redis;
mod shapes;
mod splits;
