//! Salsa20's stream for messages, four blocks at a time, and ahead of the messages: nonces are counted, so that the first blocks of the
//! next four are made together before it is known how long they are.

use wide::u32x4;
use zeroize::Zeroizing;

use super::keys::KEY_BYTES;

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 64;

/// Blocks made at a time.
const LANES: usize = 4;

type Blocks = [[u8; BLOCK_BYTES]; LANES];

/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646E, 0x7962_2D32, 0x6B20_6574];

/// The streams of one key, for nonces that mostly rise by one. All of it is wiped when it is dropped.
pub(super) struct Keystream {
    key: Zeroizing<[u32; KEY_BYTES / 4]>,
    first: Ahead,
    second: Ahead,
}

impl Keystream {
    pub(super) fn new(key: &[u8; KEY_BYTES]) -> Self {
        let mut words = Zeroizing::new([0; KEY_BYTES / 4]);
        for (word, bytes) in words.iter_mut().zip(key.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { key: words, first: Ahead::new(0), second: Ahead::new(1) }
    }

    /// A message's block 0.
    pub(super) fn first(&mut self, nonce: u64) -> &[u8; BLOCK_BYTES] {
        self.first.block(&self.key, nonce)
    }

    /// Adds a message's stream from block 1 on.
    pub(super) fn apply_from_second(&mut self, nonce: u64, text: &mut [u8]) {
        if text.is_empty() {
            return;
        }
        let (begin, rest) = text.split_at_mut(text.len().min(BLOCK_BYTES));
        add(begin, self.second.block(&self.key, nonce));
        if rest.is_empty() {
            return;
        }
        let mut blocks = Zeroizing::new([[0; BLOCK_BYTES]; LANES]);
        for (index, part) in rest.chunks_mut(LANES * BLOCK_BYTES).enumerate() {
            let first = 2 + (index * LANES) as u64;
            make(&self.key, [nonce; LANES], [first, first + 1, first + 2, first + 3], &mut blocks);
            add(part, blocks.as_flattened());
        }
    }
}

/// One block of each of several messages, of which mostly the next is asked for next.
struct Ahead {
    /// Which block.
    number: u64,
    /// The first nonce, and how far the others are from one to the next: not all messages are so long that they have a block 1.
    nonce: u64,
    stride: u64,
    /// Asked for last.
    last: u64,
    /// None were made yet.
    is_empty: bool,
    blocks: Zeroizing<Blocks>,
}

/// In a publication every second frame is the long one; with more short ones between, nothing is gained.
const STRIDE_MAX: u64 = 8;

impl Ahead {
    fn new(number: u64) -> Self {
        let blocks = Zeroizing::new([[0; BLOCK_BYTES]; LANES]);
        Self { number, nonce: 0, stride: 1, last: 0, is_empty: true, blocks }
    }

    fn block(&mut self, key: &[u32; KEY_BYTES / 4], nonce: u64) -> &[u8; BLOCK_BYTES] {
        let distance = nonce.wrapping_sub(self.nonce);
        let mut lane = distance / self.stride;
        if self.is_empty || lane >= LANES as u64 || !distance.is_multiple_of(self.stride) {
            self.stride = nonce.wrapping_sub(self.last).clamp(1, STRIDE_MAX);
            (self.nonce, self.is_empty, lane) = (nonce, false, 0);
            let nonces = [0, 1, 2, 3].map(|lane| nonce.wrapping_add(lane * self.stride));
            make(key, nonces, [self.number; LANES], &mut self.blocks);
        }
        self.last = nonce;
        &self.blocks[usize::try_from(lane).expect("it is one of four")]
    }
}

/// Salsa20's core (Bernstein, "The Salsa20 family of stream ciphers"), a nonce and a block's number for each lane.
fn make(key: &[u32; KEY_BYTES / 4], nonces: [u64; LANES], numbers: [u64; LANES], out: &mut Blocks) {
    // The nonce's bytes are the counter's, in network order; the number's are in the cipher's own.
    let (high, low) =
        (nonces.map(|nonce| half(nonce.swap_bytes(), 0)), nonces.map(|nonce| half(nonce.swap_bytes(), 32)));
    let key = |word: usize| u32x4::splat(key[word]);
    let constant = |word: usize| u32x4::splat(CONSTANTS[word]);
    let start = [
        constant(0),
        key(0),
        key(1),
        key(2),
        key(3),
        constant(1),
        u32x4::new(high),
        u32x4::new(low),
        u32x4::new(numbers.map(|number| half(number, 0))),
        u32x4::new(numbers.map(|number| half(number, 32))),
        constant(2),
        key(4),
        key(5),
        key(6),
        key(7),
        constant(3),
    ];
    let mut words = start;
    for _ in 0..10 {
        quarter(&mut words, [0, 4, 8, 12]);
        quarter(&mut words, [5, 9, 13, 1]);
        quarter(&mut words, [10, 14, 2, 6]);
        quarter(&mut words, [15, 3, 7, 11]);
        quarter(&mut words, [0, 1, 2, 3]);
        quarter(&mut words, [5, 6, 7, 4]);
        quarter(&mut words, [10, 11, 8, 9]);
        quarter(&mut words, [15, 12, 13, 14]);
    }
    for (at, (word, start)) in words.into_iter().zip(start).enumerate() {
        for (block, value) in out.iter_mut().zip((word + start).to_array()) {
            block[4 * at..4 * at + 4].copy_from_slice(&value.to_le_bytes());
        }
    }
}

/// 32 bits of a number.
fn half(number: u64, shift: u32) -> u32 {
    (number >> shift & u64::from(u32::MAX)) as u32
}

#[inline(always)]
fn quarter(words: &mut [u32x4; 16], [a, b, c, d]: [usize; 4]) {
    words[b] = step(words[b], words[a] + words[d], 7);
    words[c] = step(words[c], words[b] + words[a], 9);
    words[d] = step(words[d], words[c] + words[b], 13);
    words[a] = step(words[a], words[d] + words[c], 18);
}

#[inline(always)]
fn step(word: u32x4, sum: u32x4, by: u32) -> u32x4 {
    word ^ ((sum << by) | (sum >> (32 - by)))
}

/// Adds as much of the stream as there is text.
fn add(text: &mut [u8], stream: &[u8]) {
    text.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
}

#[cfg(test)]
mod tests {
    use salsa20::Salsa20;
    use salsa20::cipher::{KeyIvInit, StreamCipher};

    use super::{BLOCK_BYTES, Keystream};

    const KEY: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";

    fn stream(keystream: &mut Keystream, nonce: u64, len: usize) -> Vec<u8> {
        let mut stream = keystream.first(nonce).to_vec();
        stream.resize(len.max(BLOCK_BYTES), 0);
        keystream.apply_from_second(nonce, &mut stream[BLOCK_BYTES..]);
        stream.truncate(len);
        stream
    }

    #[track_caller]
    fn check(keystream: &mut Keystream, nonce: u64, len: usize) {
        let mut expect = vec![0; len];
        Salsa20::new((&KEY).into(), (&nonce.to_be_bytes()).into()).apply_keystream(&mut expect);
        assert!(stream(keystream, nonce, len) == expect, "nonce {nonce}, {len} bytes");
    }

    #[test]
    fn it_is_salsa20_for_every_length_and_order_of_nonces() {
        let mut keystream = Keystream::new(&KEY);
        for len in 0..700 {
            check(&mut keystream, len as u64 + 2, len);
        }
        check(&mut keystream, 1_000, 70_000);
        // Long ones among short ones, at all distances.
        let mut nonce = 2_000;
        for distance in (1..12).chain([9, 3, 3, 3, 1, 1, 2, 2, 2, 2, 2]).cycle().take(200) {
            for _ in 1..distance {
                check(&mut keystream, nonce, 20);
                nonce += 1;
            }
            check(&mut keystream, nonce, 90);
            nonce += 1;
        }
        let far = [
            0,
            1,
            1,
            5,
            4,
            3,
            7,
            8,
            1 << 32,
            (1 << 32) + 1,
            u64::MAX - 1,
            u64::MAX,
            0,
            0x0102_0304_0506_0708,
        ];
        for nonce in far {
            for len in [10, 200] {
                check(&mut keystream, nonce, len);
            }
        }
    }
}
