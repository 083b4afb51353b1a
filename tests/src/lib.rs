//! Whole-system tests: helpers that start the parts of Recado and other programs, and end them with the test.
