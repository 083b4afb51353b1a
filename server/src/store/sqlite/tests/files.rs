//! Files that are not ours, or not as they should be.
