//! The `cutover` command; everything it does lives in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    cutover::cli::main(std::env::args_os())
}
