//! Where a trace's requests are kept: in memory if there are not too many, else in a temporary file that nobody else
//! sees and that goes with the program.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use super::TraceRequest;

/// Requests of a trace that is kept in memory, at most: 16 MiB of them.
const MOST_IN_MEMORY: usize = 1 << 20;
/// Bytes of a request in a file.
const BYTES: usize = 16;
/// Requests read from a file at once.
const READ_AT_ONCE: u64 = 4096;

/// The requests of a trace.
#[derive(Clone, Debug)]
pub(super) enum Store {
    Memory(Arc<[TraceRequest]>),
    Spooled(Arc<Spooled>),
    /// Nowhere: the trace comes from a saved result, see [`super::saved`].
    NotKept,
}

/// Requests in a temporary file.
#[derive(Debug)]
pub(super) struct Spooled {
    file: File,
}

/// A request as its bytes in a file.
pub(super) fn to_bytes(request: &TraceRequest) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&request.arrival.to_le_bytes());
    bytes[8..12].copy_from_slice(&request.prompt_tokens.to_le_bytes());
    bytes[12..].copy_from_slice(&request.output_tokens.to_le_bytes());
    bytes
}

fn from_bytes(bytes: &[u8; BYTES]) -> TraceRequest {
    let [a, b, c, d, e, f, g, h, p0, p1, p2, p3, o0, o1, o2, o3] = *bytes;
    TraceRequest {
        arrival: i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        prompt_tokens: u32::from_le_bytes([p0, p1, p2, p3]),
        output_tokens: u32::from_le_bytes([o0, o1, o2, o3]),
    }
}

impl Spooled {
    /// Reads requests from number `first` on into `requests`, as many as are read at once; at least one.
    ///
    /// # Panics
    /// The file, which is open and which nobody else can change, does not give back what was written.
    pub(super) fn read(&self, first: u64, len: u64, requests: &mut Vec<TraceRequest>) {
        let count = READ_AT_ONCE.min(len - first) as usize;
        let mut bytes = vec![0; count * BYTES];
        if let Err(error) = read_exact_at(&self.file, &mut bytes, first * BYTES as u64) {
            panic!("the temporary file of a trace cannot be read: {error}");
        }
        requests.clear();
        requests.extend(bytes.as_chunks::<BYTES>().0.iter().map(from_bytes));
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    use std::io::{Error, ErrorKind};
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        match file.seek_read(bytes, offset)? {
            0 => return Err(Error::from(ErrorKind::UnexpectedEof)),
            count => {
                bytes = &mut bytes[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

/// Collects the requests of a trace, in order.
#[derive(Debug)]
pub(super) struct Builder<'n> {
    name: &'n str,
    requests: Vec<TraceRequest>,
    most_in_memory: usize,
    spool: Option<BufWriter<File>>,
    len: u64,
    first: i64,
    last: i64,
}

impl<'n> Builder<'n> {
    pub(super) fn new(name: &'n str) -> Builder<'n> {
        Builder { name, requests: Vec::new(), most_in_memory: MOST_IN_MEMORY, spool: None, len: 0, first: 0, last: 0 }
    }

    /// Keeps fewer requests in memory than usual.
    #[cfg(test)]
    pub(super) fn spool_from(&mut self, requests: usize) {
        self.most_in_memory = requests;
    }

    /// Adds the next request.
    pub(super) fn push(&mut self, request: TraceRequest) -> Result<(), String> {
        if self.len == 0 {
            self.first = request.arrival;
        }
        self.last = request.arrival;
        self.len += 1;
        if self.spool.is_none() && self.requests.len() == self.most_in_memory {
            let mut spool = BufWriter::with_capacity(1 << 18, tempfile::tempfile().map_err(|e| self.unspoolable(&e))?);
            for request in std::mem::take(&mut self.requests) {
                spool.write_all(&to_bytes(&request)).map_err(|error| self.unspoolable(&error))?;
            }
            self.spool = Some(spool);
        }
        match &mut self.spool {
            Some(spool) => spool.write_all(&to_bytes(&request)).map_err(|error| self.unspoolable(&error)),
            None => {
                self.requests.push(request);
                Ok(())
            }
        }
    }

    fn unspoolable(&self, error: &std::io::Error) -> String {
        format!("{}: it is too long for memory, and cannot be kept in a temporary file: {error}", self.name)
    }

    /// The requests, their number, and nanoseconds from the first to the last.
    pub(super) fn finish(mut self) -> Result<(Store, u64, i64), String> {
        let recorded = self.last - self.first;
        let store = match self.spool.take() {
            Some(spool) => {
                let file = spool.into_inner().map_err(|error| self.unspoolable(error.error()))?;
                Store::Spooled(Arc::new(Spooled { file }))
            }
            None => Store::Memory(self.requests.into()),
        };
        Ok((store, self.len, recorded))
    }
}
