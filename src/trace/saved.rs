//! A trace in saved results: what reports say of it, without its requests.
//!
//! What was simulated is shown again, never simulated again, so that the requests, of which there may be millions, stay
//! in their file.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Trace;
use super::layout::Layout;
use super::store::Store;

/// What is kept of a trace.
#[derive(Serialize, Deserialize)]
struct Kept {
    len: u64,
    recorded: i64,
    digest: String,
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Kept { len: self.len, recorded: self.recorded, digest: self.digest.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Trace, D::Error> {
        let Kept { len, recorded, digest } = Kept::deserialize(deserializer)?;
        let (rate_counts, first_in_bin) = (Vec::new(), Vec::new());
        let (store, layout) = (Store::NotKept, Layout::Own);
        // At least two, as of every trace: its span divides by the gaps between them.
        let (len, is_whole) = (len.max(2), true);
        Ok(Trace { store, len, recorded, rate_counts, first_in_bin, digest, layout, is_whole })
    }
}
