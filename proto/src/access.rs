//! Who may take part: keys of devices, roles, codes to join with, passwords, and what administrators do. Only their form is
//! known here, not who has which.

mod admin;
mod device_key;
mod join_code;
mod lists;
mod password;
mod words;

pub use admin::{AdminAct, AdminKind};
pub use device_key::{DeviceKey, DeviceKeyError};
pub use join_code::{JoinCode, JoinCodeError};
pub use lists::{AuditEntry, KeyEntry, Members};
pub use password::{Password, PasswordError};
pub use words::{DeviceLabel, DeviceLabelError, Registration, Role};
