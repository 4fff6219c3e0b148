//! A source that a program names, in a control message or a socket option.

use crate::context::Context;
use crate::errno::Errno;
use crate::verdict::{Reason, Refusal, Verdict};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is to be named instead of `ip` (canonical); refused with `errno` where it may not be named.
fn name(context: &Context, ip: IpAddr, scope: u32, errno: Errno) -> Result<IpAddr, Refusal> {
    context.known_inside(ip, scope).ok_or(Refusal::new(errno, Reason::ForeignSource(ip)))
}

/// Judges a source in a `struct in_addr`, and writes the address that it stands for.
pub(crate) fn name_v4(context: &Context, field: &mut [u8; 4], errno: Errno) -> Verdict<()> {
    if let IpAddr::V4(own) = name(context, IpAddr::V4(Ipv4Addr::from(*field)), 0, errno)? {
        *field = own.octets();
    }
    Ok(())
}

/// The same for a `struct in6_pktinfo`, whose interface index a link-local address belongs to. The unspecified address
/// names none. `None` where the bytes are too short.
pub(crate) fn name_in6_pktinfo(context: &Context, bytes: &mut [u8]) -> Option<Verdict<()>> {
    let (field, rest) = bytes.split_first_chunk_mut::<16>()?;
    let scope = rest.first_chunk().map_or(0, |index| u32::from_ne_bytes(*index));
    let asked = IpAddr::V6(Ipv6Addr::from(*field));
    if asked.is_unspecified() {
        return Some(Ok(()));
    }
    let named = name(context, asked.to_canonical(), scope, Errno::EPERM).map(|own| match own {
        // Without an interface it is too short for the kernel.
        _ if rest.len() < 4 => {}
        IpAddr::V4(own) => *field = own.to_ipv6_mapped().octets(),
        IpAddr::V6(own) => *field = own.octets(),
    });
    Some(named)
}
