//! Why a disk tier cannot be opened.

use std::{error, fmt, io, path::PathBuf};

/// A disk tier cannot be opened. What lies in its folder is never the reason.
#[derive(Debug)]
#[non_exhaustive]
pub enum DiskError {
    /// Another process, or another tier of this one, has the folder open.
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder cannot be made or used.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No thread can be started.
    Thread(io::Error),
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { folder } => write!(
                f,
                "the cache folder {} is in use by another process",
                folder.display()
            ),
            Self::Folder { folder, .. } => {
                write!(f, "the cache folder {} cannot be used", folder.display())
            }
            Self::Thread(_) => f.write_str("a disk tier's thread cannot be started"),
        }
    }
}

impl error::Error for DiskError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Locked { .. } => None,
            Self::Folder { source, .. } | Self::Thread(source) => Some(source),
        }
    }
}
