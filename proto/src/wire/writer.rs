//! Writes MessagePack. Every map whose keys the protocol names is small, so its count is filled in when it is complete.

use rmp::Marker;
use rmp::encode;

/// Appends values to a buffer.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

/// Appends the pairs of a map of at most 15.
pub(crate) struct MapWriter<'a> {
    writer: Writer<'a>,
    pairs: u8,
}

const PAIRS_MAX: u8 = 15;
const NEVER_FAILS: &str = "writing to a buffer in memory never fails";

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        encode::write_bool(self.out, value).expect(NEVER_FAILS);
    }

    pub(crate) fn unsigned(&mut self, value: u64) {
        encode::write_uint(self.out, value).expect(NEVER_FAILS);
    }

    pub(crate) fn integer(&mut self, value: i64) {
        encode::write_sint(self.out, value).expect(NEVER_FAILS);
    }

    pub(crate) fn text(&mut self, value: &str) {
        encode::write_str(self.out, value).expect(NEVER_FAILS);
    }

    pub(crate) fn binary(&mut self, value: &[u8]) {
        encode::write_bin(self.out, value).expect(NEVER_FAILS);
    }

    /// A value that is encoded already.
    pub(crate) fn encoded(&mut self, value: &[u8]) {
        self.out.extend_from_slice(value);
    }

    /// So many values are to follow.
    pub(crate) fn array(&mut self, count: usize) {
        let count = u32::try_from(count).expect("a list in memory is shorter than 2^32");
        encode::write_array_len(self.out, count).expect(NEVER_FAILS);
    }

    /// So many pairs are to follow, each a key and a value: for maps whose keys are data.
    pub(crate) fn pairs(&mut self, count: usize) {
        let count = u32::try_from(count).expect("a map in memory has fewer than 2^32 pairs");
        encode::write_map_len(self.out, count).expect(NEVER_FAILS);
    }

    pub(crate) fn texts<T: AsRef<str>>(&mut self, values: &[T]) {
        self.array(values.len());
        for value in values {
            self.text(value.as_ref());
        }
    }

    pub(crate) fn map(&mut self, fill: impl FnOnce(&mut MapWriter<'_>)) {
        let head = self.out.len();
        self.out.push(Marker::FixMap(0).to_u8());
        let mut map = MapWriter { writer: Writer { out: self.out }, pairs: 0 };
        fill(&mut map);
        let pairs = map.pairs;
        assert!(pairs <= PAIRS_MAX, "no message of ours has more than {PAIRS_MAX} keys");
        self.out[head] = Marker::FixMap(pairs).to_u8();
    }
}

impl<'a> MapWriter<'a> {
    /// Writes the key; exactly one value is to follow.
    pub(crate) fn key(&mut self, key: &str) -> &mut Writer<'a> {
        self.pairs += 1;
        self.writer.text(key);
        &mut self.writer
    }
}

#[cfg(test)]
mod tests {
    use super::Writer;

    #[test]
    fn numbers_take_as_few_bytes_as_they_can() {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.integer(5);
        writer.integer(-5);
        writer.integer(1_700_000_000);
        writer.unsigned(200);
        assert_eq!(out, b"\x05\xfb\xce\x65\x53\xf1\x00\xcc\xc8");
    }

    #[test]
    fn maps_count_their_pairs() {
        let mut out = Vec::new();
        Writer::new(&mut out).map(|outer| {
            outer.key("a").map(|_| {});
            outer.key("b").map(|inner| inner.key("c").boolean(true));
        });
        assert_eq!(out, b"\x82\xa1a\x80\xa1b\x81\xa1c\xc3");
    }
}
