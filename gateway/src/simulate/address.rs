//! Where clients come from: homes, mobile carriers whose customers share a few addresses, offices behind one, hosting.
//! All addresses lie in 240.0.0.0/4, which is reserved (RFC 1112), and 2001:db8::/32, which is for documentation
//! (RFC 3849): nobody real is ever limited or banned for a simulated client. Attackers use the same networks as everyone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::random::{Draw, mix};

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    /// A line of one household.
    Home,
    /// A mobile carrier: some hundred addresses for everybody.
    Carrier,
    /// A company: one address for all its people.
    Office,
    /// Rented servers, and the exits of private networks.
    Hosting,
    /// Where honest crawlers come from.
    Crawler,
}

/// An address and who operates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub address: IpAddr,
    /// A number for private use (RFC 6996) that stands for the network's operator.
    pub operator: u32,
    /// A country's code, of those that are reserved for private use (ISO 3166).
    pub country: &'static str,
}

impl Net {
    /// The place of `number` in this kind of network: the same number is the same place.
    pub fn place(self, seed: u64, number: u64) -> Place {
        let mut draw = Draw::of(mix(seed, self as u64), number);
        let operators = match self {
            Self::Home => 40,
            Self::Carrier => 6,
            Self::Office => 60,
            Self::Hosting => 24,
            Self::Crawler => 3,
        };
        let operator = draw.popular(operators) as u32;
        let host = match self {
            // 64 exits per carrier, popular ones more than others.
            Self::Carrier => draw.popular(64) as u64,
            Self::Office => 1 + draw.whole(0, 8),
            Self::Crawler => draw.whole(0, 40),
            Self::Home | Self::Hosting => draw.whole(0, 65_000),
        };
        let six = match self {
            Self::Home => draw.chance(0.3),
            Self::Hosting => draw.chance(0.1),
            Self::Carrier | Self::Office | Self::Crawler => false,
        };
        let bits = draw.bits();
        let address = if six {
            self.six(operator, host, bits)
        } else {
            self.four(operator, host)
        };
        let code = 64_512 + self as u32 * 100 + operator;
        Place {
            address,
            operator: code,
            country: COUNTRIES[mix(u64::from(code), 1) as usize % COUNTRIES.len()],
        }
    }

    fn four(self, operator: u32, host: u64) -> IpAddr {
        let first = 241 + self as u8;
        IpAddr::V4(Ipv4Addr::new(
            first,
            operator as u8,
            (host >> 8) as u8,
            host as u8,
        ))
    }

    fn six(self, operator: u32, host: u64, bits: u64) -> IpAddr {
        let site = (self as u16) << 8 | operator as u16;
        let [a, b, c, d] = [48, 32, 16, 0].map(|shift| (bits >> shift) as u16);
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, site, host as u16, a, b, c, d))
    }
}

const COUNTRIES: [&str; 12] = [
    "XA", "XB", "XC", "XD", "XE", "XF", "XG", "XH", "XI", "XJ", "XL", "XM",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn distinct(net: Net, count: u64) -> usize {
        (0..count)
            .map(|n| net.place(1, n).address)
            .collect::<HashSet<_>>()
            .len()
    }

    #[test]
    fn nobody_real_has_such_an_address() {
        for net in [
            Net::Home,
            Net::Carrier,
            Net::Office,
            Net::Hosting,
            Net::Crawler,
        ] {
            for number in 0..500 {
                let place = net.place(9, number);
                let reserved = match place.address {
                    IpAddr::V4(four) => four.octets()[0] >= 240 && four.octets()[0] < 255,
                    IpAddr::V6(six) => six.segments()[..2] == [0x2001, 0xdb8],
                };
                assert!(reserved && place.country.starts_with('X'), "{place:?}");
                assert_eq!(place, net.place(9, number));
            }
        }
    }

    #[test]
    fn carriers_share_addresses_and_homes_do_not() {
        assert!(distinct(Net::Carrier, 10_000) < 400);
        assert!(distinct(Net::Home, 10_000) > 9_500);
    }
}
