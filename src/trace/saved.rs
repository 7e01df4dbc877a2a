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

#[cfg(test)]
mod tests {
    use super::super::{Reader, TraceRequest};
    use super::*;

    fn read_back() -> (Trace, Trace) {
        let requests = [0, 5, 9].map(|arrival| TraceRequest { arrival, prompt_tokens: 7, output_tokens: 8 });
        let trace = Trace::of(&requests, "a trace").expect("a trace");
        let read = rmp_serde::from_slice(&rmp_serde::to_vec_named(&trace).expect("bytes")).expect("a trace");
        (trace, read)
    }

    #[test]
    fn what_reports_say_of_a_trace_is_read_back() {
        let (trace, read) = read_back();
        let known = |trace: &Trace| (trace.len(), trace.recorded(), trace.span(), trace.digest().to_owned());
        assert_eq!(known(&read), known(&trace));
    }

    #[test]
    #[should_panic(expected = "it cannot be simulated")]
    fn its_requests_are_not() {
        let (_, read) = read_back();
        Reader::new(&read).get(0);
    }
}
