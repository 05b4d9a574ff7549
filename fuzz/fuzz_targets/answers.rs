#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kurskoll_fuzz::answers::read(bytes));
