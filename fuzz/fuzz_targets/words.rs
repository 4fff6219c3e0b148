//! The words of the command line that make a context's addresses and rules: what is understood means, written out in full,
//! the same again.
#![no_main]

use chbind::cli::words::Words;
use chbind::plan::{address, rules};
use chbind_policy::rules::{ConnectRule, Ports, Service};
use std::net::IpAddr;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(ports) = rules::ports(text) {
        assert!(ports.first() > 0, "the kernel's choice is not to be ruled");
        assert_eq!(rules::ports(&of_ports(ports)), Ok(ports));
    }
    if let Ok(service) = rules::service(text) {
        assert_eq!(rules::service(&of_service(&service)), Ok(service));
    }
    match rules::peers(text) {
        Ok(rule) => {
            let is_mapped = |ip: IpAddr| ip != ip.to_canonical();
            assert!(rule.peers.is_none_or(|net| net == net.trunc() && !is_mapped(net.addr())), "{rule:?}");
            assert_eq!(rules::peers(&of_peers(&rule)), Ok(rule));
        }
        Err(fault) => assert!(!fault.sentence().is_empty()),
    }
    match address::assigned(text) {
        Ok(own) => {
            let ip = own.ip();
            assert!(ip == ip.to_canonical() && !ip.is_unspecified() && !ip.is_multicast(), "{ip}");
            assert!(own.subnet_contains(ip));
            assert_eq!(own.scope() != 0, matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()));
        }
        Err(error) => assert!(!error.sentence().is_empty()),
    }
});

fn of_ports(ports: Ports) -> String {
    match (1..=u16::MAX).rev().find(|port| ports.contains(*port)) {
        Some(last) if ports != Ports::ALL => format!("{}-{last}", ports.first()),
        _ => "any".to_owned(),
    }
}

fn of_service(service: &Service) -> String {
    let transport = service.transport.map_or(String::new(), |transport| format!("{}:", transport.name()));
    transport + &of_ports(service.ports)
}

fn of_peers(rule: &ConnectRule) -> String {
    let transport = rule.service.transport.map_or(String::new(), |transport| format!("{}:", transport.name()));
    let peers = match rule.peers {
        None => "any".to_owned(),
        Some(net) if net.addr().is_ipv4() => net.to_string(),
        Some(net) => format!("[{}]/{}", net.addr(), net.prefix_len()),
    };
    // Every port is what is meant where none is named.
    let ports =
        if rule.service.ports == Ports::ALL { String::new() } else { format!(":{}", of_ports(rule.service.ports)) };
    format!("{transport}{peers}{ports}")
}
