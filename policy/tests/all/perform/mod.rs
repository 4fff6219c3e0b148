//! How calls are carried out: which acts, in which order, and what is cleaned up after each that fails.

mod connect;
mod fake;
mod send;
