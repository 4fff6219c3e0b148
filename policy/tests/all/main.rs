//! The rules, one module a call; what they share is in `common`, and the naive model of the contract in `reference`.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod against_reference;
mod bind;
mod common;
mod confinement;
mod connect;
mod context;
mod control;
mod create;
mod listen;
mod local;
mod loopback_services;
mod name;
mod non_inet;
mod option;
mod perform;
mod reference;
mod rules;
mod rules_properties;
mod send;
mod sockaddr;

mod verdict;
mod wildcard_filter;
mod wire;
