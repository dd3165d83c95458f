//! How the three programs are linked for Lambda: a panic ends them, so they need nothing by which a stack is unwound.
//! That is a tenth of a package. A panic still says what it was and where; without symbols its trace would say nothing.

fn main() -> Result<(), std::env::VarError> {
    println!("cargo::rerun-if-changed=no-unwinding.ld");
    // CARGO_CFG_PANIC is of no use: it says "unwind" whatever the profile says.
    let for_lambda = std::env::var("PROFILE")? == "release";
    if for_lambda && std::env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        // From the workspace's root, where Cargo starts the linker: a longer path would go wrong in a target folder that was
        // moved, or kept for another machine.
        println!("cargo::rustc-link-arg-bins=-Wl,-T,functions/no-unwinding.ld");
    }
    Ok(())
}
