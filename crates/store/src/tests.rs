//! The store against a real database, a fresh one for each test.
