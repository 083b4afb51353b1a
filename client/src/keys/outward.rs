//! By which address others reach this machine, as far as it can tell by itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// The address that this machine would use towards others, or else one of an interface that is up. Only those that are accepted count; IPv4 comes
/// first. None if there is no address but loopback.
pub fn outward(accepts: impl Fn(&IpAddr) -> bool) -> Option<IpAddr> {
    let routed = [routed_v4(), routed_v6()].into_iter().flatten();
    best(routed, &accepts).or_else(|| best(of_interfaces(), &accepts))
}

/// Connecting a UDP socket sends nothing; the address is one that is kept for documents (RFC 5737).
fn routed_v4() -> Option<IpAddr> {
    routed((Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::new(192, 0, 2, 1), 9).into())
}

/// As with IPv4 (RFC 3849).
fn routed_v6() -> Option<IpAddr> {
    let there = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);
    routed((Ipv6Addr::UNSPECIFIED, 0).into(), (there, 9).into())
}

fn routed(here: std::net::SocketAddr, there: std::net::SocketAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(here).ok()?;
    socket.connect(there).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

fn of_interfaces() -> impl Iterator<Item = IpAddr> {
    let is_up = InterfaceFlags::IFF_UP;
    // A system that does not say which it has leaves loopback.
    getifaddrs().into_iter().flatten().filter_map(move |interface| {
        let address = interface.address.filter(|_| interface.flags.contains(is_up))?;
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    })
}

/// The first of the best kind: an address of the link alone is better than none, and one of IPv6 takes a zone, which no link has.
fn best(addresses: impl Iterator<Item = IpAddr>, accepts: &impl Fn(&IpAddr) -> bool) -> Option<IpAddr> {
    let kind = |address: &IpAddr| match address {
        _ if address.is_loopback() || address.is_unspecified() || !accepts(address) => None,
        IpAddr::V4(v4) if v4.is_link_local() => Some(2),
        IpAddr::V4(_) => Some(0),
        IpAddr::V6(v6) if v6.is_unicast_link_local() || v6.to_ipv4_mapped().is_some() => None,
        IpAddr::V6(_) => Some(1),
    };
    addresses
        .filter_map(|address| kind(&address).map(|kind| (kind, address)))
        .min_by_key(|(kind, _)| *kind)
        .map(|(_, address)| address)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{best, of_interfaces};

    fn check(addresses: &[&str], expect: Option<&str>) {
        let parsed = addresses.iter().map(|text| text.parse::<IpAddr>().unwrap());
        let expect = expect.map(|text| text.parse().unwrap());
        assert_eq!(best(parsed, &|_| true), expect, "{addresses:?}");
    }

    #[test]
    fn an_address_that_others_reach_comes_first_and_loopback_never() {
        check(&[], None);
        check(&["127.0.0.1", "::1", "0.0.0.0", "fe80::1", "::ffff:127.0.0.1"], None);
        check(&["127.0.0.1", "10.77.0.1"], Some("10.77.0.1"));
        check(&["169.254.3.4", "10.77.0.1", "192.168.1.2"], Some("10.77.0.1"));
        check(&["fd00::7", "169.254.3.4"], Some("fd00::7"));
        check(&["fd00::7", "192.168.1.2"], Some("192.168.1.2"));
        check(&["169.254.3.4"], Some("169.254.3.4"));
        let all = ["10.77.0.1", "fd00::7"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(best(all.into_iter(), &IpAddr::is_ipv6), Some(all[1]));
    }

    #[test]
    fn this_machines_interfaces_are_told() {
        assert!(of_interfaces().any(|address| address.is_loopback()), "every machine has a loopback");
    }
}
