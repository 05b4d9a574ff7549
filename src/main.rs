//! The one binary; see `cli` for its commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    kurskoll::cli::main()
}
