//! Shows MessagePack as the document writes it: JSON, and `h'…'` for binary.

use std::io::Read;

use rmp::Marker;
use rmp::decode;

/// The one value that these bytes are.
pub(crate) fn notation(bytes: &[u8]) -> String {
    let mut rest = bytes;
    let mut out = String::new();
    write_value(&mut rest, &mut out);
    assert!(rest.is_empty(), "bytes after the value: {rest:02x?}");
    out
}

/// What this crate writes, and no more: no extensions.
fn write_value(rest: &mut &[u8], out: &mut String) {
    match Marker::from_u8(rest[0]) {
        Marker::Null => {
            decode::read_nil(rest).unwrap();
            out.push_str("null");
        }
        Marker::True | Marker::False => out.push_str(&decode::read_bool(rest).unwrap().to_string()),
        Marker::F32 => out.push_str(&format!("{:?}", decode::read_f32(rest).unwrap())),
        Marker::F64 => out.push_str(&format!("{:?}", decode::read_f64(rest).unwrap())),
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
            let len = decode::read_str_len(rest).unwrap();
            out.push_str(&format!("{:?}", String::from_utf8(take(rest, len)).unwrap()));
        }
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
            let len = decode::read_bin_len(rest).unwrap();
            let hex: String = take(rest, len).iter().map(|byte| format!("{byte:02x}")).collect();
            out.push_str(&format!("h'{hex}'"));
        }
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
            let count = decode::read_array_len(rest).unwrap();
            out.push('[');
            for index in 0..count {
                out.push_str(if index > 0 { ", " } else { "" });
                write_value(rest, out);
            }
            out.push(']');
        }
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
            let count = decode::read_map_len(rest).unwrap();
            out.push('{');
            for index in 0..count {
                out.push_str(if index > 0 { ", " } else { "" });
                write_value(rest, out);
                out.push_str(": ");
                write_value(rest, out);
            }
            out.push('}');
        }
        _ => out.push_str(&decode::read_int::<i128, _>(rest).unwrap().to_string()),
    }
}

fn take(rest: &mut &[u8], len: u32) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(len).unwrap()];
    rest.read_exact(&mut bytes).unwrap();
    bytes
}
