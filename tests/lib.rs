//! Nothing: this package is there for its tests, one binary in `it/`.
