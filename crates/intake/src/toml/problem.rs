//! A problem of a file: its line, its place and its fault.

use std::fmt;

/// A place in a file: a path such as `requirement[0].audience.forms[1]`, where lists count from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    path: String,
    /// What people call the thing that the path leads into: a requirement's code.
    called: Option<String>,
}

impl Place {
    /// Empty for the file as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn key(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path, called: self.called.clone() }
    }

    pub(super) fn item(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), called: self.called.clone() }
    }

    pub(super) fn called(self, name: String) -> Self {
        Self { path: self.path, called: Some(name) }
    }
}

/// One thing that is wrong with a file. `F` is the faults of its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem<F> {
    /// What the file is: "profile".
    pub file: &'static str,
    /// `None` if the file as a whole is meant.
    pub line: Option<usize>,
    pub place: Place,
    pub fault: F,
}

impl<F: fmt::Display> fmt::Display for Problem<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(called) = &self.place.called {
            write!(f, " ({called})")?;
        }
        let path = if self.place.path.is_empty() { "the file" } else { &self.place.path };
        write!(f, ": {path} {}", self.fault)
    }
}

/// All that is wrong with a file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems<F>(pub Vec<Problem<F>>);

impl<F> Problems<F> {
    /// The one problem of a file that cannot be read any further.
    pub fn of_file(file: &'static str, line: Option<usize>, fault: F) -> Self {
        Self(vec![Problem { file, line, place: Place::default(), fault }])
    }
}

impl<F: fmt::Display> fmt::Display for Problems<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl<F: fmt::Debug + fmt::Display> std::error::Error for Problems<F> {}
