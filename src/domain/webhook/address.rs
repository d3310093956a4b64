//! Which addresses of the network are public: whoever lets strangers name a host must not be sent to its own neighbours (SSRF).
//!
//! By the registries of special addresses that RFC 6890 began (iana.org/assignments/iana-ipv4-special-registry and
//! iana-ipv6-special-registry). Where a registry calls a part of a block global, such as an anycast address of a protocol, nobody's
//! endpoint lies there, and the whole block is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of IPv4 addresses: the first one, and the bits that they share.
type Block4 = (Ipv4Addr, u32);

/// What is not public of IPv4.
const SPECIAL_4: [Block4; 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network (RFC 791)
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private (RFC 1918)
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // behind the NAT of a carrier (RFC 6598)
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback (RFC 1122)
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local (RFC 3927), metadata of clouds among them
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocols of the IETF (RFC 6890)
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation (RFC 5737)
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays of 6to4 (RFC 7526)
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks (RFC 2544)
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast (RFC 5771)
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved (RFC 1112), broadcast among them
];

/// A block of IPv6 addresses.
type Block6 = (Ipv6Addr, u32);

/// Where all public addresses of IPv6 lie (RFC 4291, 2.4; iana.org/assignments/ipv6-unicast-address-assignments). Loopback, link-local,
/// unique local (RFC 4193), multicast, addresses that carry one of IPv4 (mapped, and those of NAT64, RFC 6052) lie elsewhere.
const GLOBAL_UNICAST: Block6 = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not public in there.
const SPECIAL_6: [Block6; 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocols of the IETF (RFC 2928), Teredo among them
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation (RFC 3849)
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4 (RFC 3056): carries an address of IPv4
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation (RFC 9637)
];

fn lies_in_4(address: Ipv4Addr, (first, bits): Block4) -> bool {
    (address.to_bits() ^ first.to_bits()) >> (32 - bits) == 0
}

fn lies_in_6(address: Ipv6Addr, (first, bits): Block6) -> bool {
    (address.to_bits() ^ first.to_bits()) >> (128 - bits) == 0
}

/// Whether anybody on the internet would reach the same host by this address.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_4.into_iter().any(|block| lies_in_4(address, block)),
        IpAddr::V6(address) => lies_in_6(address, GLOBAL_UNICAST) && !SPECIAL_6.into_iter().any(|block| lies_in_6(address, block)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn global(text: &str) -> bool {
        is_global(text.parse().expect(text))
    }

    #[test]
    fn neighbours_of_the_blocks_are_public_and_their_ends_are_not() {
        // The last address before each block, both ends of it, and the first one behind it; "-" where that lies in another block.
        for [before, first, last, behind] in [
            ["-", "0.0.0.0", "0.255.255.255", "1.0.0.0"],
            ["9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"],
            ["100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"],
            ["126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"],
            ["169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"],
            ["172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"],
            ["191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"],
            ["192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"],
            ["192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"],
            ["192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"],
            ["198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"],
            ["198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"],
            ["203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"],
            ["223.255.255.255", "224.0.0.0", "255.255.255.255", "-"],
            ["2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"],
            ["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"],
            ["2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"],
            ["3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"],
            ["-", "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"],
            ["3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"],
        ] {
            assert!([before, behind].iter().all(|address| *address == "-" || global(address)), "{before} and {behind}");
            assert!(!global(first) && !global(last), "{first} to {last}");
        }
    }

    #[test]
    fn hosts_that_everybody_knows_are_public() {
        for address in ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:831::200e"] {
            assert!(global(address), "{address}");
        }
    }

    #[test]
    fn addresses_with_one_of_ipv4_inside_are_not() {
        for address in
            ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378::"]
        {
            assert!(!global(address), "{address}");
        }
    }

    proptest! {
        #[test]
        fn what_the_standard_library_calls_special_is_never_public(bits in any::<u32>(), block in 0..SPECIAL_4.len(), wide in any::<u128>()) {
            // Random addresses, and those that share the first bits of a block.
            let (first, shared) = SPECIAL_4[block];
            for address in [Ipv4Addr::from_bits(bits), Ipv4Addr::from_bits(first.to_bits() | bits.checked_shr(shared).unwrap_or(0))] {
                let special = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_multicast()
                    || address.is_broadcast() || address.is_documentation() || address.is_unspecified();
                prop_assert!(!(special && is_global(address.into())), "{address}");
                prop_assert!(!is_global(address.to_ipv6_mapped().into()), "{address}");
            }
            let address = Ipv6Addr::from_bits(wide);
            let special = address.is_loopback() || address.is_multicast() || address.is_unspecified() || address.is_unique_local()
                || address.is_unicast_link_local() || address.to_ipv4().is_some();
            prop_assert!(!(special && is_global(address.into())), "{address}");
        }
    }
}
