//! The priority of this process.

/// The lowest priority that nothing else can starve: beside one busy process per processor, this
/// one still gets a tenth.
const STEP: i32 = 10;

/// Lets all other processes go first. The children of this process inherit that.
pub fn yield_to_others() {
    // a system that refuses does no harm
    let _ = rustix::process::nice(STEP);
}
