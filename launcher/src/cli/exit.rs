//! Exit statuses, other than the command's own. They are those of env(1), nice(1) and timeout(1).

/// chbind or chbindctl failed before anything was run.
pub const FAILED: u8 = 125;
/// The command was found and cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// The command was not found.
pub const NOT_FOUND: u8 = 127;
/// There is no such context.
pub const NO_CONTEXT: u8 = 1;
