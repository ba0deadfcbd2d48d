#![no_main]
#![allow(unused_imports, dead_code, reason = "the other targets use the rest")]

#[path = "../../tests/nonsense/drivers/mod.rs"]
mod drivers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drivers::history(bytes));
