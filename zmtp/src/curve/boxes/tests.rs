use super::{BoxKey, Nonce, SharedKey, TAG_BYTES};
use crate::curve::{PublicKey, SecretKey};

/// The example of "Cryptography in NaCl", which every implementation has in its tests.
const ALICE_PUBLIC: &str = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
const BOB_SECRET: &str = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
const BOB_PUBLIC: &str = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
const NONCE: &str = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
const FIRST_KEY: &str = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
const MESSAGE: &str = "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c6129\
                       6cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde\
                       048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705";
const BOX: &str = "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a\
                   c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae\
                   90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74\
                   e355a5";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn shared() -> SharedKey {
    let bob = SecretKey::from_bytes(&bytes(BOB_SECRET).try_into().unwrap());
    assert_eq!(bob.public().as_bytes()[..], bytes(BOB_PUBLIC));
    let alice = PublicKey::from_bytes(bytes(ALICE_PUBLIC).try_into().unwrap());
    SharedKey::agree(&bob, &alice).unwrap()
}

fn nonce() -> Nonce {
    let nonce = bytes(NONCE);
    Nonce {
        prefix: nonce[..16].try_into().unwrap(),
        rest: u64::from_be_bytes(nonce[16..].try_into().unwrap()),
    }
}

#[test]
fn nacls_example_is_sealed_and_opened() {
    assert_eq!(shared().0[..], bytes(FIRST_KEY));
    assert_eq!(shared().seal(&nonce(), &[&bytes(MESSAGE)]), bytes(BOX));
    assert_eq!(*shared().open(&nonce(), &bytes(BOX)).unwrap(), bytes(MESSAGE));
}

#[test]
fn the_parts_of_a_nonce_lie_as_rfc_26_has_them() {
    let counted = Nonce::counted(b"CurveZMQMESSAGEC", 0x0102);
    assert_eq!((&counted.prefix, counted.rest), (b"CurveZMQMESSAGEC", 0x0102));
    let random = Nonce::random(b"WELCOME-", b"0123456789abcdef");
    assert_eq!((&random.prefix, random.rest), (b"WELCOME-01234567", u64::from_be_bytes(*b"89abcdef")));
}

#[test]
fn every_length_comes_back() {
    let mut key = shared().box_key(b"CurveZMQMESSAGEC");
    for len in (0..200).chain([1_023, 1_024, 1_025, 65_537]) {
        let plain: Vec<u8> = (0..len).map(|byte| byte as u8).collect();
        let mut sealed = [&[0; TAG_BYTES][..], &plain].concat();
        key.seal(7, &mut sealed);
        assert!(len < 16 || !sealed.windows(16).any(|part| plain.starts_with(part)));
        assert!(!key.open(8, &mut sealed), "{len}: another nonce");
        assert!(key.open(7, &mut sealed));
        assert_eq!(sealed[TAG_BYTES..], plain);
    }
}

#[test]
fn a_box_with_any_bit_changed_does_not_open_and_stays_as_it_is() {
    let mut key: BoxKey = shared().box_key(b"CurveZMQMESSAGES");
    let mut sealed = [&[0; TAG_BYTES][..], b"oi"].concat();
    key.seal(0, &mut sealed);
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let before = changed.clone();
        assert!(!key.open(0, &mut changed), "bit {bit}");
        assert_eq!(changed, before);
    }
    for len in TAG_BYTES..sealed.len() {
        assert!(!key.open(0, &mut sealed[..len].to_vec()));
    }
}
