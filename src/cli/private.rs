//! The files of the register are readable by their owner only.

use std::path::Path;

/// Makes all files that this process creates from here on readable by their owner only, whatever the machine's umask.
pub fn by_default() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Removes other users' access to the files of a SQLite register, and reports it.
#[cfg(unix)]
pub fn narrow(register: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = register.as_os_str().to_owned();
        name.push(suffix);
        let file = Path::new(&name);
        let Ok(metadata) = file.metadata() else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 == 0 {
            continue;
        }
        let file = file.display();
        match std::fs::set_permissions(&name, PermissionsExt::from_mode(mode & 0o700)) {
            Ok(()) => eprintln!("{file} was open to others on this machine ({mode:o}); it is not any more."),
            Err(error) => eprintln!(
                "{file} is open to others on this machine ({mode:o}), and cannot be closed to them: {error}. It holds \
                 personal data and secrets: have its owner run chmod 600 on it."
            ),
        }
    }
}

/// On other systems, a mode does not decide who may read a file.
#[cfg(not(unix))]
pub fn narrow(_: &Path) {}
