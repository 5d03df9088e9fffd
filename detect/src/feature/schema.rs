//! The views by name, and the hash that ties a model to what it was trained on.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::{characters, flow, grams, table};
use crate::behaviour::History;
use crate::field::Location;

/// What a model reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Columns of the whole request and its most suspicious field.
    Request,
    /// Hashed columns of each judged field.
    Fields,
    /// Bytes of the most suspicious fields.
    Characters,
    /// A subject's windows.
    Behaviour,
    /// A subject's last requests.
    Sequence,
    /// A connection.
    Flow,
}

impl View {
    /// All views.
    pub const ALL: [View; 6] = [
        View::Request,
        View::Fields,
        View::Characters,
        View::Behaviour,
        View::Sequence,
        View::Flow,
    ];

    /// The name in commands and manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            View::Request => "request",
            View::Fields => "fields",
            View::Characters => "characters",
            View::Behaviour => "behaviour",
            View::Sequence => "sequence",
            View::Flow => "flow",
        }
    }

    /// The names of the view's columns, in order; none where columns have no names.
    pub fn names(self) -> Vec<&'static str> {
        match self {
            View::Request => table::Column::ALL.iter().map(|(name, _)| *name).collect(),
            View::Behaviour => History::NAMES.to_vec(),
            View::Sequence => History::STEP_NAMES.to_vec(),
            View::Flow => flow::FlowColumn::ALL
                .iter()
                .map(|column| column.name)
                .collect(),
            View::Fields | View::Characters => Vec::new(),
        }
    }

    /// Shape of what a model reads of one request; `None` of a view that models do not read as a tensor.
    pub const fn shape(self) -> Option<&'static [usize]> {
        match self {
            View::Request => Some(&[table::COUNT]),
            View::Characters => Some(&[characters::FIELDS, characters::CHARACTERS]),
            View::Behaviour => Some(&[History::COLUMNS]),
            View::Sequence => Some(&[History::LENGTH, History::STEP_COLUMNS]),
            View::Flow => Some(&[flow::FLOW_COLUMNS]),
            View::Fields => None,
        }
    }

    /// 16 hexadecimal digits that change with the meaning of the view.
    pub fn schema(self) -> String {
        let mut hasher = SipHasher13::new();
        hasher.write(self.description().as_bytes());
        format!("{:016x}", hasher.finish())
    }

    fn description(self) -> String {
        let name = self.as_str();
        match self {
            View::Request => format!(
                "{name} {} {} {}",
                table::VERSION,
                grams::VERSION,
                self.names().join(" ")
            ),
            View::Fields => {
                format!(
                    "{name} {} {} {:?}",
                    grams::VERSION,
                    grams::BITS,
                    Location::ALL
                )
            }
            View::Characters => format!(
                "{name} {} {} {}",
                characters::VERSION,
                characters::FIELDS,
                characters::CHARACTERS
            ),
            View::Behaviour | View::Sequence => {
                format!("{name} {} {}", History::VERSION, self.names().join(" "))
            }
            View::Flow => {
                let columns = flow::FlowColumn::ALL.iter();
                let columns =
                    columns.map(|column| format!("{} {}", column.name, column.unit.as_str()));
                let columns: Vec<String> = columns.collect();
                format!("{name} {} {}", flow::VERSION, columns.join(" "))
            }
        }
    }
}
