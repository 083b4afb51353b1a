//! A text as a QR code that a telephone reads off a terminal: two modules to a character, one above the other.

use qrcode::{Color, EcLevel, QrCode};

/// Modules of nothing around the code, which readers need.
const QUIET: usize = 4;

/// Black on white whatever the terminal's colours are: many readers do not take white on black.
const BEGIN: &str = "\x1b[38;5;16;48;5;231m";
const END: &str = "\x1b[0m";

/// The code in lines, each with its colours and a line feed; none if the text is too long for one.
pub(super) fn half_blocks(text: &str) -> Option<String> {
    // A screen is not scratched, and a smaller code fits into more terminals.
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let is_dark = |row: usize, column: usize| {
        let place = row.checked_sub(QUIET).zip(column.checked_sub(QUIET));
        place.is_some_and(|(row, column)| {
            row < width && column < width && modules[row * width + column] == Color::Dark
        })
    };
    let mut lines = String::new();
    for row in (0..width + 2 * QUIET).step_by(2) {
        lines.push_str(BEGIN);
        lines.extend((0..width + 2 * QUIET).map(|column| {
            match (is_dark(row, column), is_dark(row + 1, column)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            }
        }));
        lines.push_str(END);
        lines.push('\n');
    }
    Some(lines)
}

/// How many columns lines like these take.
pub(crate) fn columns(lines: &str) -> usize {
    lines.lines().map(|line| line.chars().count() - BEGIN.len() - END.len()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, columns, half_blocks};

    const LINK: &str = "RECADO://192.168.100.200:5555,5558/0123456789ABCDEFGHJKMNPQRSTVWXYZ0123456789ABCDEFGHJK/0123456789ABCDEF";

    #[test]
    fn a_link_fits_into_a_usual_terminal() {
        let lines = half_blocks(LINK).unwrap();
        assert!(columns(&lines) <= 49 && lines.lines().count() <= 25, "{lines}");
    }

    #[test]
    fn the_code_has_its_corners_and_nothing_around_it() {
        let lines = half_blocks("RECADO").unwrap();
        let rows: Vec<Vec<char>> = lines
            .lines()
            .map(|line| line.strip_prefix(BEGIN).unwrap().strip_suffix(END).unwrap().chars().collect())
            .collect();
        let width = rows[0].len();
        assert_eq!(width, 21 + 8);
        assert!(rows[..2].iter().flatten().all(|cell| *cell == ' '));
        assert!(rows.iter().all(|row| row[..4].iter().chain(&row[width - 4..]).all(|cell| *cell == ' ')));
        // The frame of a corner: a line of seven, then its sides.
        assert_eq!(rows[2][4..11], ['█', '▀', '▀', '▀', '▀', '▀', '█']);
        assert_eq!(rows[2][width - 11..width - 4], ['█', '▀', '▀', '▀', '▀', '▀', '█']);
    }

    #[test]
    fn what_is_too_long_has_none() {
        assert_eq!(half_blocks(&"x".repeat(10_000)), None);
    }
}
