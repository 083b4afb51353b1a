//! The one program, `recado`: parses the command line and dispatches to the parts.

fn main() {}
