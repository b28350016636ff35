//! A table with aligned columns and no borders.

use super::{Paint, Tint, pad, printable, width};

const GAP: &str = "  ";

/// One field: its text, its colour and the side it keeps to.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    tint: Tint,
    right: bool,
}

#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Cell {
    /// Creates a field that keeps to the left, as text does.
    pub(crate) fn text(text: &str) -> Self {
        Self {
            text: printable(text),
            tint: Tint::Plain,
            right: false,
        }
    }

    /// Creates a field that keeps to the right, as figures do.
    pub(crate) fn figure(text: &str) -> Self {
        Self {
            right: true,
            ..Self::text(text)
        }
    }

    /// Creates a figure, or a dash where it is not known.
    pub(crate) fn maybe(text: Option<String>) -> Self {
        text.map_or_else(
            || Self::figure("–").tinted(Tint::Dim),
            |text| Self::figure(&text),
        )
    }

    pub(crate) fn tinted(mut self, tint: Tint) -> Self {
        self.tint = tint;
        self
    }
}

impl Table {
    /// Creates a table whose columns keep to the sides that the heads keep to.
    pub(crate) fn new(heads: Vec<Cell>) -> Self {
        let heads = heads.into_iter().map(|head| head.tinted(Tint::Dim));
        Self {
            rows: vec![heads.collect()],
        }
    }

    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    pub(crate) fn render(&self, paint: Paint) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns).map(|column| self.width(column)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let fields = row
                .iter()
                .zip(&widths)
                .map(|(cell, &columns)| cell.render(columns, paint));
            text.push_str(fields.collect::<Vec<_>>().join(GAP).trim_end());
            text.push('\n');
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| width(&cell.text)).max().unwrap_or(0)
    }
}

impl Cell {
    fn render(&self, columns: usize, paint: Paint) -> String {
        let painted = paint.paint(self.tint, &self.text);
        let spaces = pad("", columns.saturating_sub(width(&self.text)));
        if self.right {
            spaces + &painted
        } else {
            painted + &spaces
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_text_to_the_left_and_figures_to_the_right() {
        let mut table = Table::new(vec![
            Cell::text("name"),
            Cell::figure("count"),
            Cell::text("note"),
        ]);
        table.push(vec![Cell::text("日本"), Cell::figure("7"), Cell::text("")]);
        table.push(vec![
            Cell::text("a\tb"),
            Cell::maybe(None),
            Cell::text("wide"),
        ]);
        let expected = "name  count  note\n日本      7\na\u{fffd}b       –  wide\n";
        assert_eq!(table.render(Paint::plain()), expected);
    }
}
