//! How the commands show things: colours, widths, tables, figures.

mod figures;
mod paint;
mod table;
mod width;

use std::io::{self, ErrorKind, Write};

pub(crate) use self::{
    figures::{count, duration, rate, uptime},
    paint::{Paint, Tint},
    table::{Cell, Table},
    width::{fit, pad, printable, terminal_columns, width},
};

/// Prints to standard output; a reader that has seen enough, as `head` has, is no error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
