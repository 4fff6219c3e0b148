//! What is asked for, resolved: everything that can be wrong with it is found here, before anything is set up.

pub mod address;
pub mod command;
mod conflict;
mod error;
mod request;
mod resolve;
mod resolvers;
pub mod rules;
pub mod shim;

pub use conflict::Conflict;
pub use error::Error;
pub use request::{Enforcement, Request, RuleTexts};
pub use resolve::{Plan, resolve};
