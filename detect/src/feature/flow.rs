//! The columns of the flow view, once: their names, units and formulas. They are named as in CICIDS2017 and mean what a
//! proxy can know of a connection; `docs/FEATURES.md` says what each one is, and a test holds the two together. Whoever
//! serves the connection measures a [`Connection`]; it becomes a row only where a model asks. Related columns are
//! neighbours, as convolutions read them. Changing what a column means without changing its name calls for a new
//! [`VERSION`].

/// Raised when a column changes its meaning and keeps its name.
pub(super) const VERSION: u32 = 1;

/// Rates are counted over this many seconds at least: of a connection that has just begun a quotient says nothing.
const LEAST_AGE: f64 = 0.1;

/// What was measured of a connection so far, the request under judgement included. All times are milliseconds, all sizes
/// bytes. A packet is a read that brought bytes, or a write that took some.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connection {
    /// Seconds since it was accepted.
    pub age: f64,
    /// From the client.
    pub forward: Way,
    /// To the client.
    pub backward: Way,
    /// From the last write to the read that brought the next request, while nothing was under way.
    pub rests: Spread,
    /// From sending a request on to the head of the upstream's answer.
    pub waits: Spread,
    /// Sizes of the answers' bodies.
    pub bodies: Spread,
    /// Exchanges whose answer went out whole.
    pub whole: u32,
    /// Exchanges that ended before that.
    pub broken: u32,
    /// Requests with a body.
    pub pushed: u32,
    /// Requests that came while another was under way.
    pub overlapping: u32,
    /// How often a write had to wait for the client to read.
    pub held_up: u32,
    /// Answers with 429, or with 500 and above.
    pub overloaded: u32,
    /// Answers with 400 and above.
    pub errors: u32,
}

/// One direction of a connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Way {
    /// Bytes of each packet.
    pub sizes: Spread,
    /// Bytes of each head, as HTTP/1 writes it, whatever the protocol.
    pub heads: Spread,
    /// From each packet to the next one of this direction.
    pub gaps: Spread,
}

/// Count, mean, deviation and range of values of which none is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many.
    pub count: u32,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
    /// The least of them; 0 of none.
    pub least: f32,
    /// The most of them; 0 of none.
    pub most: f32,
}

/// How the values of a column are made: the logarithm of 1 and so many of what it says, but for shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowUnit {
    /// Bytes.
    Bytes,
    /// A count.
    Count,
    /// A second.
    Rate,
    /// Milliseconds.
    Ms,
    /// One by the other.
    Ratio,
    /// 0 to 1, as it is.
    Share,
}

/// A column of the flow view.
#[derive(Clone, Copy, Debug)]
pub struct FlowColumn {
    /// Its name.
    pub name: &'static str,
    /// How its values are made.
    pub unit: FlowUnit,
    of: fn(&Connection) -> f64,
}

/// How many columns the flow view has.
pub const FLOW_COLUMNS: usize = COLUMNS.len();

/// A connection as models read it.
pub type FlowRow = [f32; FLOW_COLUMNS];

macro_rules! columns {
    ($($name:literal $unit:ident $of:expr,)*) => {
        /// The columns in their order.
        const COLUMNS: [FlowColumn; [$($name),*].len()] =
            [$(FlowColumn { name: $name, unit: FlowUnit::$unit, of: $of }),*];
    };
}

columns! {
    "total_length_of_fwd_packets" Bytes |flow| flow.forward.sizes.sum,
    "fwd_packet_length_max" Bytes |flow| flow.forward.sizes.most(),
    "fwd_packet_length_min" Bytes |flow| flow.forward.sizes.least(),
    "fwd_packet_length_mean" Bytes |flow| flow.forward.sizes.mean(),
    "fwd_packet_length_std" Bytes |flow| flow.forward.sizes.deviation(),
    "packet_length_mean" Bytes |flow| flow.packets().mean(),
    "total_length_of_bwd_packets" Bytes |flow| flow.backward.sizes.sum,
    "bwd_packet_length_max" Bytes |flow| flow.backward.sizes.most(),
    "bwd_packet_length_min" Bytes |flow| flow.backward.sizes.least(),
    "bwd_packet_length_mean" Bytes |flow| flow.backward.sizes.mean(),
    "bwd_packet_length_std" Bytes |flow| flow.backward.sizes.deviation(),
    "packet_length_std" Bytes |flow| flow.packets().deviation(),
    "fwd_header_length" Bytes |flow| flow.forward.heads.sum,
    "fwd_header_length_max" Bytes |flow| flow.forward.heads.most(),
    "fwd_header_length_min" Bytes |flow| flow.forward.heads.least(),
    "fwd_header_length_mean" Bytes |flow| flow.forward.heads.mean(),
    "fwd_header_length_std" Bytes |flow| flow.forward.heads.deviation(),
    "fwd_header_share" Share |flow| flow.forward.head_share(),
    "bwd_header_length" Bytes |flow| flow.backward.heads.sum,
    "bwd_header_length_max" Bytes |flow| flow.backward.heads.most(),
    "bwd_header_length_min" Bytes |flow| flow.backward.heads.least(),
    "bwd_header_length_mean" Bytes |flow| flow.backward.heads.mean(),
    "bwd_header_length_std" Bytes |flow| flow.backward.heads.deviation(),
    "bwd_header_share" Share |flow| flow.backward.head_share(),
    "total_fwd_packets" Count |flow| flow.forward.sizes.count(),
    "total_backward_packets" Count |flow| flow.backward.sizes.count(),
    "flow_bytes_s" Rate |flow| flow.a_second(flow.packets().sum),
    "flow_packets_s" Rate |flow| flow.a_second(flow.packets().count()),
    "fwd_packets_s" Rate |flow| flow.a_second(flow.forward.sizes.count()),
    "bwd_packets_s" Rate |flow| flow.a_second(flow.backward.sizes.count()),
    "syn_flag_count" Count |flow| flow.forward.heads.count(),
    "ack_flag_count" Count |flow| flow.backward.heads.count(),
    "fin_flag_count" Count |flow| f64::from(flow.whole),
    "rst_flag_count" Count |flow| f64::from(flow.broken),
    "psh_flag_count" Count |flow| f64::from(flow.pushed),
    "urg_flag_count" Count |flow| f64::from(flow.overlapping),
    "cwe_flag_count" Count |flow| f64::from(flow.held_up),
    "ece_flag_count" Count |flow| f64::from(flow.overloaded),
    "flow_duration" Ms |flow| flow.age * 1000.0,
    "fwd_iat_mean" Ms |flow| flow.forward.gaps.mean(),
    "fwd_iat_std" Ms |flow| flow.forward.gaps.deviation(),
    "fwd_iat_max" Ms |flow| flow.forward.gaps.most(),
    "fwd_iat_min" Ms |flow| flow.forward.gaps.least(),
    "bwd_iat_mean" Ms |flow| flow.backward.gaps.mean(),
    "bwd_iat_std" Ms |flow| flow.backward.gaps.deviation(),
    "bwd_iat_max" Ms |flow| flow.backward.gaps.most(),
    "bwd_iat_min" Ms |flow| flow.backward.gaps.least(),
    "response_status" Share |flow| quotient(f64::from(flow.errors), flow.backward.heads.count()),
    "response_time" Ms |flow| flow.waits.mean(),
    "response_length" Bytes |flow| flow.bodies.mean(),
    "down_up_ratio" Ratio |flow| quotient(flow.backward.sizes.sum, flow.forward.sizes.sum),
    "idle_mean" Ms |flow| flow.rests.mean(),
}

impl FlowColumn {
    /// All columns, in order.
    pub const ALL: &'static [FlowColumn] = &COLUMNS;

    fn value(&self, flow: &Connection) -> f32 {
        let value = (self.of)(flow).max(0.0);
        match self.unit {
            FlowUnit::Share => value.min(1.0) as f32,
            _ => value.ln_1p() as f32,
        }
    }
}

impl FlowUnit {
    /// The word for it, as documents and schemas have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::Rate => "rate",
            Self::Ms => "ms",
            Self::Ratio => "ratio",
            Self::Share => "share",
        }
    }
}

impl Connection {
    /// What models read of it. No value is NaN or infinite.
    pub fn row(&self) -> FlowRow {
        COLUMNS.map(|column| column.value(self))
    }

    /// Packets both ways.
    fn packets(&self) -> Spread {
        let (one, other) = (&self.forward.sizes, &self.backward.sizes);
        Spread {
            count: one.count.saturating_add(other.count),
            sum: one.sum + other.sum,
            squares: one.squares + other.squares,
            least: one.least.min(other.least),
            most: one.most.max(other.most),
        }
    }

    fn a_second(&self, value: f64) -> f64 {
        value / self.age.max(LEAST_AGE)
    }
}

impl Way {
    /// The share of its bytes that is heads. HTTP/2 packs these, so that they may be more than all that was sent.
    fn head_share(&self) -> f64 {
        quotient(self.heads.sum, self.sizes.sum)
    }
}

impl Spread {
    /// Takes a value in.
    pub fn add(&mut self, value: f64) {
        let single = value as f32;
        self.least = if self.count == 0 {
            single
        } else {
            self.least.min(single)
        };
        self.most = self.most.max(single);
        self.count = self.count.saturating_add(1);
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(&self) -> f64 {
        quotient(self.sum, self.count())
    }

    /// The standard deviation of the whole, 0 of fewer than two.
    fn deviation(&self) -> f64 {
        let mean = self.mean();
        let variance = quotient(self.squares, self.count()) - mean * mean;
        variance.max(0.0).sqrt()
    }

    fn count(&self) -> f64 {
        f64::from(self.count)
    }

    fn least(&self) -> f64 {
        f64::from(self.least)
    }

    fn most(&self) -> f64 {
        f64::from(self.most)
    }
}

/// One by the other; 0 by nothing.
fn quotient(one: f64, other: f64) -> f64 {
    if other > 0.0 { one / other } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(values: &[f64]) -> Spread {
        let mut spread = Spread::default();
        values.iter().for_each(|value| spread.add(*value));
        spread
    }

    #[test]
    fn columns_say_what_was_measured() {
        let flow = Connection {
            age: 2.0,
            forward: Way {
                sizes: spread(&[100.0, 300.0]),
                heads: spread(&[100.0, 60.0]),
                gaps: spread(&[1500.0]),
            },
            backward: Way {
                sizes: spread(&[800.0]),
                heads: spread(&[150.0]),
                ..Way::default()
            },
            rests: spread(&[1400.0]),
            waits: spread(&[20.0]),
            bodies: spread(&[650.0]),
            whole: 1,
            pushed: 1,
            errors: 1,
            ..Connection::default()
        };
        let row = flow.row();
        for (name, expected) in [
            ("total_length_of_fwd_packets", 401_f32.ln()),
            ("fwd_packet_length_max", 301_f32.ln()),
            ("fwd_packet_length_min", 101_f32.ln()),
            ("fwd_packet_length_mean", 201_f32.ln()),
            ("fwd_packet_length_std", 101_f32.ln()),
            ("packet_length_mean", 401_f32.ln()),
            // Of 100, 300 and 800: √(740000 / 3 − 400²).
            ("packet_length_std", (1.0 + 86_666.67_f32.sqrt()).ln()),
            ("fwd_header_length", 161_f32.ln()),
            ("fwd_header_length_min", 61_f32.ln()),
            ("fwd_header_share", 0.4),
            ("bwd_header_share", 150.0 / 800.0),
            ("total_fwd_packets", 3_f32.ln()),
            ("flow_bytes_s", 601_f32.ln()),
            ("fwd_packets_s", 2_f32.ln()),
            ("syn_flag_count", 3_f32.ln()),
            ("ack_flag_count", 2_f32.ln()),
            ("rst_flag_count", 0.0),
            ("flow_duration", 2001_f32.ln()),
            ("fwd_iat_mean", 1501_f32.ln()),
            ("fwd_iat_std", 0.0),
            ("bwd_iat_max", 0.0),
            ("response_status", 1.0),
            ("response_time", 21_f32.ln()),
            ("response_length", 651_f32.ln()),
            ("down_up_ratio", 3_f32.ln()),
            ("idle_mean", 1401_f32.ln()),
        ] {
            let at = COLUMNS.iter().position(|column| column.name == name);
            let value = row[at.unwrap()];
            assert!(
                (value - expected).abs() < 1e-4,
                "{name}: {value} {expected}"
            );
        }
    }

    #[test]
    fn there_are_52_columns_and_none_is_ever_no_number() {
        assert_eq!(FLOW_COLUMNS, 52);
        assert_eq!(Connection::default().row(), [0.0; 52]);
        let huge = spread(&[f64::from(f32::MAX), 0.0]);
        let way = Way {
            sizes: huge,
            heads: huge,
            gaps: huge,
        };
        let flow = Connection {
            forward: way.clone(),
            backward: way,
            rests: huge,
            errors: u32::MAX,
            ..Connection::default()
        };
        assert!(flow.row().iter().all(|value| value.is_finite()));
    }

    #[test]
    fn the_documentation_lists_the_columns_in_order() {
        let text = include_str!("../../../docs/FEATURES.md");
        let (_, mut rest) = text.split_once("## View `flow`").unwrap();
        for (number, FlowColumn { name, unit, .. }) in COLUMNS.iter().enumerate() {
            let row = format!("| {number} | `{name}` | {} |", unit.as_str());
            let found = rest.split_once(&row);
            (_, rest) = found.unwrap_or_else(|| panic!("{row} is not listed, or out of order"));
        }
    }
}
