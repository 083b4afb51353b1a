//! Reads MessagePack without recursion, without copying, and without trusting a declared length.

use rmp::Marker;

use super::value::{FormatError, Items, Value};

/// A place in a frame. After an error its place means nothing.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// Walks a map that was not gone past yet, so that what comes before a fault in it can still be read.
#[derive(Clone, Debug)]
pub(crate) struct MapReader<'a> {
    reader: Reader<'a>,
    pairs_left: usize,
}

/// A value's first byte with the length that follows it, and nothing of its content.
enum Head {
    Nil,
    Boolean(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(usize),
    Extension(usize),
    Array(usize),
    Map(usize),
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value, gone past whole.
    pub(crate) fn value(&mut self) -> Result<Value<'a>, FormatError> {
        Ok(match self.head()? {
            Head::Nil => Value::Nil,
            Head::Boolean(value) => Value::Boolean(value),
            Head::Unsigned(value) => Value::Unsigned(value),
            Head::Signed(value) => u64::try_from(value).map_or(Value::Negative(value), Value::Unsigned),
            Head::Float(value) => Value::Float(value),
            Head::Text(len) => Value::Text(self.take(len)?),
            Head::Extension(len) => {
                let [kind] = self.array()?;
                Value::Extension(kind as i8, self.take(len)?)
            }
            Head::Array(count) => Value::Array(Items { count, encoded: self.skip(count)? }),
            Head::Map(count) => Value::Map(Items { count, encoded: self.skip(count.saturating_mul(2))? }),
        })
    }

    /// The next value as its bytes.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], FormatError> {
        self.skip(1)
    }

    /// Opens a map without going past its content. `None`: the next value is something else.
    pub(crate) fn open_map(mut self) -> Result<Option<MapReader<'a>>, FormatError> {
        Ok(match self.head()? {
            Head::Map(pairs_left) => Some(MapReader { reader: self, pairs_left }),
            _ => None,
        })
    }

    /// Goes past this many values, however deep, and gives their bytes.
    fn skip(&mut self, values: usize) -> Result<&'a [u8], FormatError> {
        let start = self.rest;
        let mut pending = values;
        while pending > 0 {
            // Each value still to come takes a byte at least: a count that cannot be true ends here.
            if pending > self.rest.len() {
                return Err(FormatError::Truncated);
            }
            pending -= 1;
            match self.head()? {
                Head::Nil | Head::Boolean(_) | Head::Unsigned(_) | Head::Signed(_) | Head::Float(_) => {}
                Head::Text(len) => {
                    self.take(len)?;
                }
                Head::Extension(len) => {
                    self.take(len.saturating_add(1))?;
                }
                Head::Array(count) => pending = pending.saturating_add(count),
                Head::Map(count) => pending = pending.saturating_add(count.saturating_mul(2)),
            }
        }
        Ok(&start[..start.len() - self.rest.len()])
    }

    fn head(&mut self) -> Result<Head, FormatError> {
        let [first] = self.array()?;
        Ok(match Marker::from_u8(first) {
            Marker::FixPos(value) => Head::Unsigned(value.into()),
            Marker::FixNeg(value) => Head::Signed(value.into()),
            Marker::Null => Head::Nil,
            Marker::Reserved => return Err(FormatError::Reserved),
            Marker::False => Head::Boolean(false),
            Marker::True => Head::Boolean(true),
            Marker::U8 => Head::Unsigned(u8::from_be_bytes(self.array()?).into()),
            Marker::U16 => Head::Unsigned(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Head::Unsigned(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => Head::Unsigned(u64::from_be_bytes(self.array()?)),
            Marker::I8 => Head::Signed(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Head::Signed(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Head::Signed(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Head::Signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Head::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Head::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(len) => Head::Text(len.into()),
            Marker::Str8 | Marker::Bin8 => Head::Text(self.len8()?),
            Marker::Str16 | Marker::Bin16 => Head::Text(self.len16()?),
            Marker::Str32 | Marker::Bin32 => Head::Text(self.len32()?),
            Marker::FixExt1 => Head::Extension(1),
            Marker::FixExt2 => Head::Extension(2),
            Marker::FixExt4 => Head::Extension(4),
            Marker::FixExt8 => Head::Extension(8),
            Marker::FixExt16 => Head::Extension(16),
            Marker::Ext8 => Head::Extension(self.len8()?),
            Marker::Ext16 => Head::Extension(self.len16()?),
            Marker::Ext32 => Head::Extension(self.len32()?),
            Marker::FixArray(count) => Head::Array(count.into()),
            Marker::Array16 => Head::Array(self.len16()?),
            Marker::Array32 => Head::Array(self.len32()?),
            Marker::FixMap(count) => Head::Map(count.into()),
            Marker::Map16 => Head::Map(self.len16()?),
            Marker::Map32 => Head::Map(self.len32()?),
        })
    }

    fn len8(&mut self) -> Result<usize, FormatError> {
        self.array().map(|bytes| u8::from_be_bytes(bytes).into())
    }

    fn len16(&mut self) -> Result<usize, FormatError> {
        self.array().map(|bytes| u16::from_be_bytes(bytes).into())
    }

    fn len32(&mut self) -> Result<usize, FormatError> {
        // A length that this machine cannot address is one that the input does not have.
        self.array().map(|bytes| usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], FormatError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}

impl<'a> MapReader<'a> {
    /// The next key; its value is to be read before the next one. A key that is no text gives an empty one, which nobody
    /// knows. `None`: the map is complete.
    pub(crate) fn key(&mut self) -> Result<Option<&'a [u8]>, FormatError> {
        let Some(pairs_left) = self.pairs_left.checked_sub(1) else { return Ok(None) };
        self.pairs_left = pairs_left;
        Ok(Some(self.reader.value()?.as_key()))
    }

    pub(crate) fn value(&mut self) -> Result<Value<'a>, FormatError> {
        self.reader.value()
    }

    /// The value as its bytes.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], FormatError> {
        self.reader.raw()
    }

    /// Nothing follows the map. To be asked once it is complete.
    pub(crate) fn is_at_end(&self) -> bool {
        self.reader.is_at_end()
    }
}

impl<'a> Items<'a> {
    /// The pairs of a map. Keys that are no text come as empty ones.
    pub(crate) fn pairs(self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> {
        let mut reader = Reader::new(self.encoded);
        let mut next = move || Some((reader.value().ok()?.as_key(), reader.value().ok()?));
        (0..self.count).map_while(move |_| next())
    }

    /// The elements of an array.
    pub(crate) fn values(self) -> impl Iterator<Item = Value<'a>> {
        let mut reader = Reader::new(self.encoded);
        (0..self.count).map_while(move |_| reader.value().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::{FormatError, Items, Reader, Value};

    fn check(input: &[u8], expect: Result<Value<'_>, FormatError>) {
        let mut reader = Reader::new(input);
        assert_eq!(reader.value(), expect, "{input:02x?}");
        assert_eq!(Reader::new(input).raw().err(), expect.err(), "{input:02x?} as bytes");
    }

    #[test]
    fn every_kind_of_number() {
        check(b"\x07", Ok(Value::Unsigned(7)));
        check(b"\xff", Ok(Value::Negative(-1)));
        check(b"\xcc\xff", Ok(Value::Unsigned(255)));
        check(b"\xcd\x01\x00", Ok(Value::Unsigned(256)));
        check(b"\xce\0\0\0\x01", Ok(Value::Unsigned(1)));
        check(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", Ok(Value::Unsigned(u64::MAX)));
        check(b"\xd0\x80", Ok(Value::Negative(-128)));
        check(b"\xd1\0\x05", Ok(Value::Unsigned(5)));
        check(b"\xd2\xff\xff\xff\xfe", Ok(Value::Negative(-2)));
        check(b"\xd3\x80\0\0\0\0\0\0\0", Ok(Value::Negative(i64::MIN)));
        check(b"\xca\x3f\x80\0\0", Ok(Value::Float(1.0)));
        check(b"\xcb\x3f\xf8\0\0\0\0\0\0", Ok(Value::Float(1.5)));
    }

    #[test]
    fn every_other_kind() {
        check(b"\xc0", Ok(Value::Nil));
        check(b"\xc2", Ok(Value::Boolean(false)));
        check(b"\xc3", Ok(Value::Boolean(true)));
        check(b"\xa2hi", Ok(Value::Text(b"hi")));
        check(b"\xd9\x02hi", Ok(Value::Text(b"hi")));
        check(b"\xda\0\x02hi", Ok(Value::Text(b"hi")));
        check(b"\xdb\0\0\0\x02hi", Ok(Value::Text(b"hi")));
        check(b"\xc4\x02hi", Ok(Value::Text(b"hi")));
        check(b"\xc5\0\x02hi", Ok(Value::Text(b"hi")));
        check(b"\xc6\0\0\0\x02hi", Ok(Value::Text(b"hi")));
        check(b"\xd4\xffx", Ok(Value::Extension(-1, b"x")));
        check(b"\xd5\x01xy", Ok(Value::Extension(1, b"xy")));
        check(b"\xc7\x03\x09abc", Ok(Value::Extension(9, b"abc")));
        check(b"\xc8\0\x01\x09a", Ok(Value::Extension(9, b"a")));
        check(b"\xc9\0\0\0\0\x09", Ok(Value::Extension(9, b"")));
        check(b"\x92\x01\x91\x02", Ok(Value::Array(Items { count: 2, encoded: b"\x01\x91\x02" })));
        check(b"\xdc\0\x01\xc0", Ok(Value::Array(Items { count: 1, encoded: b"\xc0" })));
        check(b"\xdd\0\0\0\0", Ok(Value::Array(Items { count: 0, encoded: b"" })));
        check(b"\x81\x01\x80", Ok(Value::Map(Items { count: 1, encoded: b"\x01\x80" })));
        check(b"\xde\0\0", Ok(Value::Map(Items { count: 0, encoded: b"" })));
        check(b"\xdf\0\0\0\x01\xa1k\xc0", Ok(Value::Map(Items { count: 1, encoded: b"\xa1k\xc0" })));
        check(b"\xc1", Err(FormatError::Reserved));
        check(b"\x91\xc1", Err(FormatError::Reserved));
    }

    #[test]
    fn lengths_that_the_input_does_not_have_are_refused_at_once() {
        for input in [
            &b""[..],
            b"\xdb\xff\xff\xff\xffx",
            b"\xc6\x7f\xff\xff\xffx",
            b"\xc9\xff\xff\xff\xff\x01x",
            b"\xdd\xff\xff\xff\xff\xc0",
            b"\xdf\xff\xff\xff\xff\xc0\xc0",
            b"\x93\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff\xdf\xff\xff\xff\xff",
        ] {
            check(input, Err(FormatError::Truncated));
        }
    }

    #[test]
    fn depth_costs_nothing() {
        let shallow: [&[u8]; 4] = [b"\x91", b"\x81\xc0", b"\x81\xa1k", b"\xdc\0\x01"];
        for (depth, openings) in [(10_000, &shallow[..]), (1_000_000, &shallow[..1])] {
            for opening in openings {
                let mut input = opening.repeat(depth);
                check(&input, Err(FormatError::Truncated));
                input.push(0xc0);
                assert_eq!(Reader::new(&input).raw(), Ok(input.as_slice()));
            }
        }
    }
}
