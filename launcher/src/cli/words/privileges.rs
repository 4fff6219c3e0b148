//! What a process could not give up.

use super::form::Words;
use super::form::said;
use crate::privileges::Error;

impl Words for Error {
    fn sentence(&self) -> String {
        match self {
            Error::NoNewPrivs(errno) => format!("cannot set no_new_privs: {}", said(*errno)),
            Error::Undumpable(errno) => format!("cannot protect the supervisor: {}", said(*errno)),
            Error::Capabilities(cause) => format!("cannot give up capabilities: {cause}"),
            Error::Landlock(cause) => format!("cannot confine the command with Landlock: {cause}"),
            Error::NetworkOwner(errno) => format!("cannot find out who owns the network namespace: {}", said(*errno)),
        }
    }
}
