//! Faults of the disk, in a process that the test starts: see `tests/faults/shim.c`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// Kinds of calls, as a bit mask.
pub const WRITE: i64 = 1;
pub const SYNC: i64 = 2;
pub const OPEN: i64 = 4;
pub const TRUNCATE: i64 = 8;
pub const READ: i64 = 16;

/// How a call fails.
pub const EINTR: i64 = 4;
pub const EIO: i64 = 5;
pub const ENOSPC: i64 = 28;
/// Half of it is written, and the caller learns that.
pub const SHORT_WRITE: i64 = -1;
/// The process is killed, with a write half done.
pub const KILL: i64 = -2;

/// Which calls fail, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kinds: i64,
    /// The first call that fails, counted from 1 since it was armed.
    pub from: i64,
    /// How many fail; 0: until it is lifted.
    pub times: i64,
    pub how: i64,
}

const NUMBERS: usize = 8;
const PLANS: usize = 4;

/// The faults of one process, which the test arms and lifts while it runs.
#[derive(Debug)]
pub struct Faults {
    control: File,
    folder: TempDir,
}

impl Faults {
    pub fn none() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control");
        std::fs::write(&path, [0; PLANS * NUMBERS * 8]).expect("a file");
        let control = File::options().read(true).write(true).open(&path).expect("the file");
        Self { control, folder }
    }

    /// The variables that give a process these faults, on files whose path contains `files`.
    pub fn variables(&self, files: &str) -> [(&'static str, String); 3] {
        [
            ("LD_PRELOAD", shim().display().to_string()),
            ("KURSKOLL_FAULT_FILES", files.to_owned()),
            ("KURSKOLL_FAULT_CONTROL", self.folder.path().join("control").display().to_string()),
        ]
    }

    /// Lets a process of another user use them too.
    pub fn open_to_all(&self) {
        use std::os::unix::fs::PermissionsExt;
        let set =
            |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("its mode");
        set(self.folder.path(), 0o755);
        set(&self.folder.path().join("control"), 0o666);
        set(shim(), 0o755);
    }

    fn write(&self, plan: usize, numbers: [i64; NUMBERS]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        let at = plan * NUMBERS * 8;
        // The armed flag is written last.
        self.control.write_all_at(&bytes[8..], at as u64 + 8).expect("written");
        self.control.write_all_at(&bytes[..8], at as u64).expect("written");
    }

    /// Arms one of four plans.
    pub fn arm(&self, plan: usize, fault: Fault) {
        self.lift(plan);
        self.write(plan, [1, fault.kinds, fault.from, fault.times, fault.how, 0, 0, 0]);
    }

    /// Lifts the faults of this plan.
    pub fn lift(&self, plan: usize) {
        self.control.write_all_at(&0_i64.to_ne_bytes(), (plan * NUMBERS * 8) as u64).expect("written");
    }

    fn number(&self, plan: usize, place: usize) -> i64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, ((plan * NUMBERS + place) * 8) as u64).expect("read");
        i64::from_ne_bytes(bytes)
    }

    /// How many calls failed.
    pub fn failed(&self, plan: usize) -> i64 {
        self.number(plan, 6)
    }
}

/// The built shim; the machine's C compiler builds it once per run.
fn shim() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        // A place that a server of another user can read.
        let built = std::env::temp_dir().join(format!("kurskoll-faults-{}.so", std::process::id()));
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let mut compile = Command::new(&compiler);
        compile.args(["-shared", "-fPIC", "-O1", "-Wall", "-o"]).arg(&built).arg(source).arg("-ldl");
        let status = compile.status().unwrap_or_else(|error| panic!("the C compiler {compiler} is needed: {error}"));
        assert!(status.success(), "the shim does not compile");
        built
    })
}
