//! Builds MessagePack of any kind, also such as this crate would never write, and shows it as text.

use rmp::encode;

/// A value to encode.
#[derive(Clone, Debug)]
pub(crate) enum Pack {
    Nil,
    Boolean(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Array(Vec<Pack>),
    Map(Vec<(Pack, Pack)>),
    /// Bytes as they are.
    Encoded(Vec<u8>),
}

impl From<&str> for Pack {
    fn from(text: &str) -> Self {
        Pack::Text(text.as_bytes().to_vec())
    }
}

impl From<i64> for Pack {
    fn from(number: i64) -> Self {
        Pack::Integer(number)
    }
}

impl Pack {
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Pack::Nil => encode::write_nil(out).unwrap(),
            Pack::Boolean(value) => encode::write_bool(out, *value).unwrap(),
            Pack::Integer(value) => drop(encode::write_sint(out, *value).unwrap()),
            Pack::Unsigned(value) => drop(encode::write_uint(out, *value).unwrap()),
            Pack::Float(value) => encode::write_f64(out, *value).unwrap(),
            Pack::Text(value) => {
                encode::write_str_len(out, u32::try_from(value.len()).unwrap()).unwrap();
                out.extend_from_slice(value);
            }
            Pack::Binary(value) => encode::write_bin(out, value).unwrap(),
            Pack::Array(values) => {
                encode::write_array_len(out, u32::try_from(values.len()).unwrap()).unwrap();
                values.iter().for_each(|value| value.write(out));
            }
            Pack::Map(pairs) => {
                encode::write_map_len(out, u32::try_from(pairs.len()).unwrap()).unwrap();
                for (key, value) in pairs {
                    key.write(out);
                    value.write(out);
                }
            }
            Pack::Encoded(bytes) => out.extend_from_slice(bytes),
        }
    }
}

/// A map with text for keys.
pub(crate) fn map<const N: usize>(pairs: [(&str, Pack); N]) -> Pack {
    Pack::Map(pairs.into_iter().map(|(key, value)| (Pack::from(key), value)).collect())
}

/// `{"service": service, "data": data}`.
pub(crate) fn request<const N: usize>(service: &str, data: [(&str, Pack); N]) -> Pack {
    map([("service", service.into()), ("data", map(data))])
}

/// Every way to lose the end of some bytes.
pub(crate) fn shorter(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..bytes.len()).map(|len| &bytes[..len])
}
