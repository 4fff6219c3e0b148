//! Programs that confine themselves further, or use the means of it.

use crate::table::{Attack, Natively};

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("a program's own Landlock rules for TCP must hold it", "attack-confined landlock")
        .natively(Natively::Held),
    Attack::new("a program's own seccomp filter must hold it", "attack-confined seccomp").natively(Natively::Held),
    Attack::new("a second filter that returns USER_NOTIF, ERRNO, TRACE, TRAP, LOG", "attack-confined stacked"),
];
