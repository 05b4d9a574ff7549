//! Files that are committed and generated: what is committed must be what the code generates.

use std::path::Path;

/// Compares a file of the working copy with what the code generates; writes it if `UPDATE_GENERATED=1`.
pub fn assert_generated(path: &str, generated: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_GENERATED").is_some_and(|value| value == "1") {
        std::fs::write(&file, generated).unwrap_or_else(|error| panic!("{path} cannot be written: {error}"));
        return;
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let advice = "run the tests with UPDATE_GENERATED=1 and commit it";
    assert!(committed == generated, "{path} is not what the code generates: {advice}");
}
