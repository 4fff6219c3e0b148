//! Other entries of the kernel.

use crate::table::{Attack, Natively};

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("io_uring: socket, bind, connect, sendmsg", "attack-entries io_uring").refused_with("ENOSYS"),
    Attack::new("i386 calls and socketcall by `int 0x80`", "attack-entries int80").refused_with("ENOSYS"),
    Attack::new("a 32-bit program", "attack-i386"),
    Attack::new("x32 numbers", "attack-entries x32")
        .refused_with("ENOSYS")
        .natively(Natively::Unknown("few kernels have the x32 table")),
];
