//! Values made of a fuzzer's bytes. When they are used up everything is zero, so that every input is a whole one.

use crate::meant::MEANT;
use chbind_policy::sockaddr::{encode, with_scope};
use chbind_policy::{Family, Socket, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The bytes that are left.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, left) = self.0.split_at(count.min(self.0.len()));
        self.0 = left;
        taken
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.bytes(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    pub fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    pub fn number(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub fn bit(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }

    pub fn port(&mut self) -> u16 {
        match self.byte() % 6 {
            0 => 0,
            1 => 53,
            2 => 80,
            3 => 7000,
            _ => u16::from_le_bytes(self.array()),
        }
    }

    /// Any address, as it is written.
    pub fn ip(&mut self) -> IpAddr {
        match usize::from(self.byte()) {
            254 => IpAddr::V4(Ipv4Addr::from(self.array::<4>())),
            255 => IpAddr::V6(Ipv6Addr::from(self.array::<16>())),
            // All of them parse: every run with a corpus goes through here.
            n => MEANT[n % MEANT.len()].parse().expect("an address"),
        }
    }

    pub fn address(&mut self) -> SocketAddr {
        let (ip, port) = (self.ip(), self.port());
        let scope = self.of(&[0, 0, 2, 3]);
        with_scope(ip, port, scope)
    }

    /// An address as a program gives it: mostly one that the kernel would read, or that with another family, cut or made
    /// longer; otherwise bytes as they are.
    pub fn given(&mut self) -> Vec<u8> {
        let shape = self.byte();
        if shape % 4 == 3 {
            let len = usize::from(self.byte()) % 160;
            return self.bytes(len).to_vec();
        }
        let mut bytes = encode(self.address()).bytes().to_vec();
        if shape & 0x10 != 0 {
            let label = u16::from(self.byte() % 64);
            bytes[..2].copy_from_slice(&label.to_ne_bytes());
        }
        if shape & 0x20 != 0 {
            bytes.resize(usize::from(self.byte()) % 160, 0xa5);
        }
        bytes
    }

    pub fn socket(&mut self) -> Socket {
        let family = self.of(&[Family::V4, Family::V6]);
        let transport = self.of(&[Transport::Tcp, Transport::Udp, Transport::Ping, Transport::RawIcmp]);
        // As the kernel makes them: of the last two those of IPv6 speak it alone.
        let alone = matches!(transport, Transport::Ping | Transport::RawIcmp);
        let v6only = self.bit() || alone;
        Socket { family, transport, v6only: family == Family::V6 && v6only }
    }

    /// What a socket may have as its local address, in the form of its family: none, an own one, or what it was given
    /// outside of the context.
    pub fn bound(&mut self, socket: &Socket) -> SocketAddr {
        let none = match socket.family {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        if self.bit() {
            return SocketAddr::new(none, 0);
        }
        let address = self.address();
        match (socket.family, address.ip().to_canonical()) {
            (Family::V4, IpAddr::V4(ip)) => SocketAddr::new(ip.into(), address.port()),
            (Family::V6, IpAddr::V4(ip)) if !socket.v6only => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), address.port())
            }
            (Family::V6, IpAddr::V6(_)) => address,
            _ => SocketAddr::new(none, address.port()),
        }
    }
}
