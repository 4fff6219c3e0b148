//! The functions that execute programs, with the types of the C library (exec(3), posix_spawn(3)). In a child of vfork(2) they
//! run on the memory of the parent, in a signal handler or a thread perhaps on a small stack: nothing large is kept there.

use crate::exec::{Before, before};
use crate::program::{Program, with_found};
use crate::sys::call::{Result, raw};
use crate::sys::errno::failed;
use crate::sys::next::{self, Texts};
use crate::sys::{as_it_is, number};
use chbind_policy::Errno;
use chbind_policy::wire::VARIABLE;
use core::ffi::{CStr, c_char, c_int, c_void};
use libc::pid_t;

/// ld.so(8), and what is in it where the shim is.
const PRELOAD: &[u8] = b"LD_PRELOAD";
const FILE: &[u8] = b"libchbind_preload.so";

unsafe extern "C" {
    static environ: Texts;
}

fn own_environment() -> Texts {
    // SAFETY: the C library's own.
    unsafe { environ }
}

/// Where execvp(3) looks.
fn own_path<'a>() -> Option<&'a [u8]> {
    // SAFETY: the environment is an array of texts (environ(7)).
    unsafe { value(own_environment(), b"PATH") }
}

/// A text; empty where there is none.
///
/// # Safety
///
/// `text` is null or ends with a zero byte.
unsafe fn text<'a>(text: *const c_char) -> &'a CStr {
    if text.is_null() {
        return c"";
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }
}

/// The texts of an array.
///
/// # Safety
///
/// `texts` is null or ends with a null pointer.
unsafe fn each(texts: Texts) -> impl Iterator<Item = *const c_char> {
    let mut at = texts;
    core::iter::from_fn(move || {
        if at.is_null() {
            return None;
        }
        // SAFETY: as the caller promises: the last one was not null.
        let text = unsafe { at.read() };
        // SAFETY: the same.
        at = unsafe { at.add(1) };
        if text.is_null() { None } else { Some(text) }
    })
}

fn value_of<'a>(entry: &'a CStr, name: &[u8]) -> Option<&'a [u8]> {
    entry.to_bytes().strip_prefix(name)?.strip_prefix(b"=")
}

/// # Safety
///
/// `environment` as execve(2) asks for.
unsafe fn value<'a>(environment: Texts, name: &[u8]) -> Option<&'a [u8]> {
    // SAFETY: as the caller promises.
    let mut all = unsafe { each(environment) };
    // SAFETY: texts of an environment end with zero bytes.
    all.find_map(|entry| value_of(unsafe { text(entry) }, name))
}

/// Room for texts, and the null pointer behind them: memory from the kernel, given back when this is dropped.
struct Array {
    at: *mut *const c_char,
    bytes: usize,
    len: usize,
}

impl Array {
    fn new(len: usize) -> Result<Self> {
        let bytes = (len + 1) * size_of::<*const c_char>();
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory, all zero, where there is none.
        let at = unsafe { raw(libc::SYS_mmap, [0, bytes, number(access), number(kind), usize::MAX, 0]) }?;
        Ok(Array { at: at as *mut *const c_char, bytes, len: 0 })
    }

    fn push(&mut self, text: *const c_char) {
        if (self.len + 1) * size_of::<*const c_char>() < self.bytes {
            // SAFETY: there is room for it, and for the null pointer behind.
            unsafe { self.at.wrapping_add(self.len).write(text) };
            self.len += 1;
        }
    }

    fn texts(&self) -> Texts {
        self.at
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody has it after this.
        let _ = unsafe { raw(libc::SYS_munmap, [self.at as usize, self.bytes, 0, 0, 0, 0]) };
    }
}

/// Executes with the environment that goes with the program.
///
/// # Safety
///
/// `environment` as execve(2) asks for.
unsafe fn prepared(
    program: Option<Program>,
    environment: Texts,
    execute: impl FnOnce(Texts) -> c_int,
) -> Result<c_int> {
    // SAFETY: as the caller promises.
    let names_context = unsafe { value(environment, VARIABLE.as_bytes()) }.is_some();
    // SAFETY: as the caller promises.
    let preloaded = unsafe { value(environment, PRELOAD) }.unwrap_or_default();
    let names_shim = preloaded.windows(FILE.len()).any(|part| part == FILE);
    if before(program, names_context && names_shim) == Before::Nothing {
        return Ok(execute(environment));
    }
    // SAFETY: as the caller promises.
    let mut kept = Array::new(unsafe { each(environment) }.count())?;
    // SAFETY: as the caller promises.
    for entry in unsafe { each(environment) } {
        // SAFETY: texts of an environment end with zero bytes.
        let of = unsafe { text(entry) };
        if [VARIABLE.as_bytes(), PRELOAD].iter().all(|name| value_of(of, name).is_none()) {
            kept.push(entry);
        }
    }
    Ok(execute(kept.texts()))
}

/// # Safety
///
/// As execve(2) asks for.
unsafe fn run(path: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    // SAFETY: as the caller promises.
    let program = Program::at(unsafe { text(path) });
    let execute = |environment: Texts| match next::execve() {
        // SAFETY: as the caller promises.
        Some(next) => unsafe { next(path, arguments, environment) },
        None => failed(Errno::ENOSYS),
    };
    // SAFETY: as the caller promises.
    unsafe { prepared(Some(program), environment, execute) }.unwrap_or_else(failed)
}

/// # Safety
///
/// As execvpe(3) asks for.
unsafe fn run_found(file: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    let execute = |environment: Texts| match next::execvpe() {
        // SAFETY: as the caller promises.
        Some(next) => unsafe { next(file, arguments, environment) },
        None => failed(Errno::ENOSYS),
    };
    // SAFETY: as the caller promises.
    let name = unsafe { text(file) };
    // SAFETY: as the caller promises.
    with_found(name, own_path(), |path| unsafe { prepared(path.map(Program::at), environment, execute) })
        .unwrap_or_else(failed)
}

/// execve(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn execve(path: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    // SAFETY: execve(2) asks for the same.
    unsafe { run(path, arguments, environment) }
}

/// execv(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn execv(path: *const c_char, arguments: Texts) -> c_int {
    // SAFETY: execv(3) asks for the same.
    unsafe { run(path, arguments, own_environment()) }
}

/// execvp(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn execvp(file: *const c_char, arguments: Texts) -> c_int {
    // SAFETY: execvp(3) asks for the same.
    unsafe { run_found(file, arguments, own_environment()) }
}

/// execvpe(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn execvpe(file: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    // SAFETY: execvpe(3) asks for the same.
    unsafe { run_found(file, arguments, environment) }
}

/// fexecve(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn fexecve(fd: c_int, arguments: Texts, environment: Texts) -> c_int {
    let execute = |environment: Texts| match next::fexecve() {
        // SAFETY: fexecve(3) asks for the same.
        Some(next) => unsafe { next(fd, arguments, environment) },
        None => failed(Errno::ENOSYS),
    };
    // SAFETY: fexecve(3) asks for the same.
    unsafe { prepared(Some(Program { directory: fd, path: c"" }), environment, execute) }.unwrap_or_else(failed)
}

/// execveat(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn execveat(
    fd: c_int,
    path: *const c_char,
    arguments: Texts,
    environment: Texts,
    flags: c_int,
) -> c_int {
    // SAFETY: execveat(2) asks for the same.
    let program = Program { directory: fd, path: unsafe { text(path) } };
    let execute = |environment: Texts| {
        let args = [number(fd), path as usize, arguments as usize, environment as usize, number(flags), 0];
        as_it_is(libc::SYS_execveat, args).map_or_else(failed, |_| 0)
    };
    // SAFETY: execveat(2) asks for the same.
    unsafe { prepared(Some(program), environment, execute) }.unwrap_or_else(failed)
}

/// posix_spawn(3): the answer is an errno.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_spawn(
    pid: *mut pid_t,
    path: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    arguments: Texts,
    environment: Texts,
) -> c_int {
    // SAFETY: posix_spawn(3) asks for the same.
    let program = Program::at(unsafe { text(path) });
    let spawn = |environment: Texts| match next::posix_spawn() {
        // SAFETY: as above.
        Some(next) => unsafe { next(pid, path, actions, attributes, arguments, environment) },
        None => libc::ENOSYS,
    };
    // SAFETY: as above.
    unsafe { prepared(Some(program), environment, spawn) }.unwrap_or_else(|errno| errno.0)
}

/// posix_spawnp(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_spawnp(
    pid: *mut pid_t,
    file: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    arguments: Texts,
    environment: Texts,
) -> c_int {
    let spawn = |environment: Texts| match next::posix_spawnp() {
        // SAFETY: posix_spawnp(3) asks for the same.
        Some(next) => unsafe { next(pid, file, actions, attributes, arguments, environment) },
        None => libc::ENOSYS,
    };
    // SAFETY: as above.
    let name = unsafe { text(file) };
    // SAFETY: as above.
    with_found(name, own_path(), |path| unsafe { prepared(path.map(Program::at), environment, spawn) })
        .unwrap_or_else(|errno| errno.0)
}

/// execl(3), execlp(3) and execle(3) have their arguments one by one: five in registers, the others on the stack.
#[cfg(target_arch = "x86_64")]
mod listed {
    use super::{Array, Texts, failed, own_environment, run, run_found};
    use core::arch::naked_asm;
    use core::ffi::{c_char, c_int};

    const IN_REGISTERS: usize = 5;

    /// Where the arguments after the path are.
    struct Listed {
        registers: Texts,
        stack: Texts,
    }

    impl Listed {
        /// # Safety
        ///
        /// There must be so many.
        unsafe fn at(&self, n: usize) -> *const c_char {
            match n.checked_sub(IN_REGISTERS) {
                // SAFETY: as the caller promises.
                Some(n) => unsafe { *self.stack.wrapping_add(n) },
                // SAFETY: the trampoline has put five there.
                None => unsafe { *self.registers.wrapping_add(n) },
            }
        }

        /// Executes with an array of them. After the null pointer that ends them there may be an environment.
        ///
        /// # Safety
        ///
        /// A null pointer ends them.
        unsafe fn execute(&self, execute: impl FnOnce(Texts, usize) -> c_int) -> c_int {
            // SAFETY: none before is null.
            let len = (0..).find(|n| unsafe { self.at(*n) }.is_null()).unwrap_or_default();
            let mut texts = match Array::new(len) {
                Ok(texts) => texts,
                Err(errno) => return failed(errno),
            };
            for n in 0..len {
                // SAFETY: as above.
                texts.push(unsafe { self.at(n) });
            }
            execute(texts.texts(), len)
        }
    }

    unsafe extern "C" fn path(path: *const c_char, registers: Texts, stack: Texts) -> c_int {
        // SAFETY: execl(3) asks for all that execve(2) asks for.
        let execute = |texts, _| unsafe { run(path, texts, own_environment()) };
        // SAFETY: and for a null pointer at their end.
        unsafe { Listed { registers, stack }.execute(execute) }
    }

    unsafe extern "C" fn file(file: *const c_char, registers: Texts, stack: Texts) -> c_int {
        // SAFETY: execlp(3) asks for all that execvpe(3) asks for.
        let execute = |texts, _| unsafe { run_found(file, texts, own_environment()) };
        // SAFETY: and for a null pointer at their end.
        unsafe { Listed { registers, stack }.execute(execute) }
    }

    unsafe extern "C" fn path_environment(path: *const c_char, registers: Texts, stack: Texts) -> c_int {
        let listed = Listed { registers, stack };
        let execute = |texts, len| {
            // SAFETY: execle(3) asks for the environment behind the null pointer.
            let environment = unsafe { listed.at(len + 1) };
            // SAFETY: and for all that execve(2) asks for.
            unsafe { run(path, texts, environment.cast()) }
        };
        // SAFETY: and for a null pointer at the end of the arguments.
        unsafe { listed.execute(execute) }
    }

    /// Puts the five behind each other, before the return address and the others, and says where both are. Five times eight
    /// bytes and the return address leave the stack aligned (System V ABI, 3.2.2).
    macro_rules! trampoline {
        ($name:ident, $to:ident, $page:literal) => {
            #[doc = $page]
            #[unsafe(no_mangle)]
            #[unsafe(naked)]
            unsafe extern "C" fn $name() {
                naked_asm!(
                    "push r9", "push r8", "push rcx", "push rdx", "push rsi",
                    "mov rsi, rsp", "lea rdx, [rsp + 48]",
                    "call {to}",
                    "add rsp, 40", "ret",
                    to = sym $to,
                )
            }
        };
    }

    trampoline!(execl, path, "execl(3)");
    trampoline!(execlp, file, "execlp(3)");
    trampoline!(execle, path_environment, "execle(3)");
}
