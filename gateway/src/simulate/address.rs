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

/// The networks that the operators of honest crawlers publish.
pub const CRAWLER_NETWORK: &str = "245.0.0.0/8";

impl Net {
    /// The place of `number` in this kind of network: the same number is the same place.
    pub fn place(self, seed: u64, number: u64) -> Place {
        self.place_where(seed, number, |_| true)
    }

    /// The place of `number` among the operators of a country, as far as it has any of this kind.
    pub fn place_in(self, seed: u64, number: u64, country: &str) -> Place {
        self.place_where(seed, number, |operator| {
            self.country_of(operator) == country
        })
    }

    /// The place of `number` at the operator of another place of this kind.
    pub fn place_beside(self, seed: u64, number: u64, other: &Place) -> Place {
        self.place_where(seed, number, |operator| {
            self.code(operator) == other.operator
        })
    }

    fn place_where(self, seed: u64, number: u64, fits: impl Fn(u32) -> bool) -> Place {
        let mut draw = Draw::of(mix(seed, self as u64), number);
        let operators = match self {
            Self::Home => 40,
            Self::Carrier => 6,
            Self::Office => 60,
            Self::Hosting => 24,
            Self::Crawler => 3,
        };
        let first = draw.popular(operators) as u32;
        let all = 0..operators as u32;
        // The nearest one that fits, from the one that chance chose.
        let operator = all
            .map(|step| (first + step) % operators as u32)
            .find(|operator| fits(*operator))
            .unwrap_or(first);
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
        let code = self.code(operator);
        Place {
            address,
            operator: code,
            country: self.country_of(operator),
        }
    }

    const fn code(self, operator: u32) -> u32 {
        64_512 + self as u32 * 100 + operator
    }

    /// Large operators are where most people are; servers are rented in other countries as well.
    const fn country_of(self, operator: u32) -> &'static str {
        let abroad = match self {
            Self::Home | Self::Carrier | Self::Office => 0,
            Self::Hosting => 3,
            Self::Crawler => 5,
        };
        COUNTRIES[(operator as usize + abroad) % COUNTRIES.len()]
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

/// The country of a person: that of the carrier of their telephone.
pub fn country(seed: u64, person: u64) -> &'static str {
    Net::Carrier.place(seed, person).country
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
    fn a_person_is_in_one_country() {
        let (mut same, mut all) = (0, 0);
        for person in 0..500 {
            let home = country(3, person);
            assert_eq!(
                Net::Carrier.place_in(3, person, home),
                Net::Carrier.place(3, person)
            );
            for net in [Net::Home, Net::Office] {
                all += 1;
                same += u32::from(net.place_in(3, person, home).country == home);
            }
            let place = Net::Carrier.place(3, person);
            assert_eq!(
                Net::Carrier.place_beside(3, person + 1, &place).operator,
                place.operator
            );
        }
        assert_eq!(same, all);
    }

    #[test]
    fn crawlers_crawl_from_where_they_say() {
        let network: ipnet::IpNet = CRAWLER_NETWORK.parse().unwrap();
        for number in 0..100 {
            for (net, inside) in [
                (Net::Crawler, true),
                (Net::Hosting, false),
                (Net::Home, false),
            ] {
                assert_eq!(network.contains(&net.place(4, number).address), inside);
            }
        }
    }

    #[test]
    fn carriers_share_addresses_and_homes_do_not() {
        assert!(distinct(Net::Carrier, 10_000) < 400);
        assert!(distinct(Net::Home, 10_000) > 9_500);
    }
}
