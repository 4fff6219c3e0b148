//! The contexts by the names that the semantics give them. (Their rows are the table `compliance`.)

pub(crate) const S: &str = "--ip 10.0.0.1/24";
pub(crate) const M: &str = "--ip 10.0.0.1/24 --ip 10.0.0.2/24";
pub(crate) const D: &str = "--ip 10.0.0.1/24 --ip fd00:1::1/64";
pub(crate) const P: &str = "--ip fd00:1::1/64";
/// S with a number, and so with a loopback address, that is known: 127.3.232.1.
pub(crate) const S1000: &str = "--ip 10.0.0.1/24 --nid 1000";

/// The probe, and the same with bare system calls.
pub(crate) const PROBES: [&str; 2] = ["probe", "probe-raw"];
