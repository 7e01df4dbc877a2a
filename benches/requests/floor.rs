//! The yardstick: the least work that any simulation of a request does. One arrival gap, two lognormal lengths, one
//! power-of-two route over 64 replicas, one departure through a 4-ary heap, three histogram records. It models nothing
//! else, and shares nothing with the program, so that the program's own changes don't move it.

use std::hint::black_box;

/// Xoshiro256++ (Blackman and Vigna 2019).
struct Generator([u64; 4]);

impl Generator {
    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64)
    }

    /// Two normal numbers by Marsaglia's polar method.
    fn two_normals(&mut self) -> (f64, f64) {
        loop {
            let (a, b) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = a * a + b * b;
            if s < 1.0 && s > 0.0 {
                let m = (-2.0 * s.ln() / s).sqrt();
                return (a * m, b * m);
            }
        }
    }
}

fn push(heap: &mut Vec<u128>, entry: u128) {
    let mut place = heap.len();
    heap.push(entry);
    while place > 0 {
        let parent = (place - 1) / 4;
        if heap[parent] <= entry {
            break;
        }
        heap[place] = heap[parent];
        place = parent;
    }
    heap[place] = entry;
}

fn pop(heap: &mut Vec<u128>) -> Option<u128> {
    let entry = heap.pop()?;
    let Some(top) = heap.first().copied() else { return Some(entry) };
    let (mut place, len) = (0, heap.len());
    loop {
        let first = 4 * place + 1;
        if first >= len {
            break;
        }
        let mut least = first;
        for child in first + 1..(first + 4).min(len) {
            if heap[child] < heap[least] {
                least = child;
            }
        }
        if heap[least] >= entry {
            break;
        }
        heap[place] = heap[least];
        place = least;
    }
    heap[place] = entry;
    Some(top)
}

fn record(histogram: &mut [u32], value: f64) {
    let bucket = (value.to_bits() >> 45) as usize % histogram.len();
    histogram[bucket] += 1;
}

/// Does the work for so many requests.
pub fn floor(requests: u64) -> u64 {
    let mut generator = Generator([1, 0x9E37_79B9_7F4A_7C15, 3, 4]);
    let mut departures: Vec<u128> = Vec::with_capacity(1 << 16);
    let mut load = [0_u32; 64];
    let mut histograms = vec![vec![0_u32; 4096]; 3];
    let (mut now, mut arrival, mut done) = (0.0_f64, 0.0_f64, 0);
    while done < requests {
        if departures.first().is_none_or(|departure| arrival.to_bits() < (departure >> 64) as u64) {
            now = arrival;
            arrival = now - generator.uniform().ln() * 0.01;
            let (a, b) = generator.two_normals();
            let (prompt, output) = ((6.0 + a).exp(), (2.0 + 0.7 * b).exp());
            let bits = generator.next();
            let (i, j) = ((bits & 63) as usize, (bits >> 6 & 63) as usize);
            let replica = if load[i] <= load[j] { i } else { j };
            load[replica] += 1;
            let departure = now + output + prompt * 1e-4;
            push(&mut departures, u128::from(departure.to_bits()) << 64 | replica as u128);
            record(&mut histograms[0], prompt);
        } else if let Some(departure) = pop(&mut departures) {
            now = f64::from_bits((departure >> 64) as u64);
            load[(departure & 63) as usize] -= 1;
            record(&mut histograms[1], now);
            record(&mut histograms[2], now - arrival);
            done += 1;
        }
    }
    black_box((now, &histograms));
    requests
}
