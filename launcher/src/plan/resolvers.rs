//! The host's name servers on loopback addresses (row 37: docs/semantics.md#row-37).

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

/// Where systemd-resolved answers, whatever resolv.conf says (nss-resolve does not read it).
const SYSTEMD_RESOLVED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));

/// The loopback addresses that resolv.conf(5) names, and that of systemd-resolved.
pub(super) fn on_loopback() -> Vec<IpAddr> {
    // A host without the file resolves by other means.
    let mut found = named(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
    if !found.contains(&SYSTEMD_RESOLVED) {
        found.push(SYSTEMD_RESOLVED);
    }
    found
}

fn named(resolv_conf: &str) -> Vec<IpAddr> {
    resolv_conf
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("nameserver"))
        .filter(|rest| rest.starts_with([' ', '\t']))
        .filter_map(|rest| rest.split_whitespace().next()?.parse::<IpAddr>().ok())
        .map(|ip| ip.to_canonical())
        .filter(IpAddr::is_loopback)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_count() {
        let text = "# nameserver 127.0.0.9\nnameserver 127.0.0.1\nnameserver 192.0.2.1\n  nameserver\t::1 # x\nnameservers 127.0.0.8\n";
        assert_eq!(named(text), ["127.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
    }
}
