//! Passwords as they are kept: argon2id (RFC 9106) with the settings that OWASP recommends. Both functions take some ten
//! milliseconds and as many megabytes on purpose; they are for a thread of their own.

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use recado_proto::Password;

use super::secret::PasswordHash;
use crate::limits::{PASSWORD_HASH_BYTES_MAX, PASSWORD_MEMORY_KIB, PASSWORD_PASSES};

/// The hash of a password, with 16 random bytes that no other password has.
pub fn hash(password: &Password, salt: [u8; 16]) -> PasswordHash {
    let hash: phc::PasswordHash = hasher()
        .hash_password_with_salt(password.as_str().as_bytes(), &salt)
        .expect("the parameters are within argon2's bounds");
    PasswordHash::from_phc(&hash.to_string())
}

/// Whether this is the password of which `kept` is the hash. Of a user without one, or of nobody, `kept` is `None`: that
/// takes as long, and is false.
pub fn verify(password: &Password, kept: Option<&PasswordHash>) -> bool {
    let nobodys = PasswordHash::from_phc(NOBODYS);
    let against = kept.unwrap_or(&nobodys);
    let is_it = against.as_str().len() <= PASSWORD_HASH_BYTES_MAX
        && phc::PasswordHash::new(against.as_str())
            .is_ok_and(|against| hasher().verify_password(password.as_str().as_bytes(), &against).is_ok());
    is_it && kept.is_some()
}

/// Of no password that anybody knows: its output was chosen, not computed.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keS0w$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn hasher() -> Argon2<'static> {
    let params = Params::new(PASSWORD_MEMORY_KIB, PASSWORD_PASSES, 1, None);
    let params = params.expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::phc;
    use recado_proto::Password;

    use super::{NOBODYS, hash, verify};
    use crate::access::PasswordHash;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[test]
    fn a_password_is_verified_against_its_hash() {
        let kept = hash(&password("correct horse"), [7; 16]);
        assert!(kept.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.as_str());
        assert!(verify(&password("correct horse"), Some(&kept)));
        assert!(!verify(&password("correct horsf"), Some(&kept)));
        assert!(!verify(&password("correct horse"), None));
        assert_ne!(hash(&password("correct horse"), [8; 16]), kept);
    }

    #[test]
    fn nobodys_hash_costs_as_much_as_anybodys() {
        let nobodys = phc::PasswordHash::new(NOBODYS).unwrap();
        let anybodys = hash(&password("correct horse"), [7; 16]);
        let anybodys = phc::PasswordHash::new(anybodys.as_str()).unwrap();
        assert_eq!((nobodys.algorithm, nobodys.version), (anybodys.algorithm, anybodys.version));
        assert_eq!(nobodys.params.to_string(), anybodys.params.to_string());
        assert_eq!(nobodys.hash.map(|hash| hash.len()), anybodys.hash.map(|hash| hash.len()));
    }

    #[test]
    fn what_is_no_hash_fits_no_password() {
        for kept in ["", "x", "$argon2id$", &format!("{NOBODYS}{}", "A".repeat(100_000))] {
            assert!(!verify(&password("correct horse"), Some(&PasswordHash::from_phc(kept))));
        }
    }
}
