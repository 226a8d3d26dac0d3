//! A demo clip's caption: broken into lines, sized to fit, and handed to ffmpeg in files, because a caption may
//! contain anything and a filter's text may not.

use std::path::{Path, PathBuf};

use super::Clip;

/// Lines of a wide and of a tall picture: a tall one has room for more, shorter and so larger ones.
const WIDE: Shape = Shape { columns: 16, lines: 4 };
const TALL: Shape = Shape { columns: 13, lines: 5 };
/// Where the middle of the lines is, as a part of the height: above a player's own controls and texts.
const MIDDLE: f64 = 0.44;
const WIDTH_SHARE: f64 = 0.82;
const LARGEST_SHARE: f64 = 0.13;

#[derive(Clone, Copy)]
struct Shape {
    columns: usize,
    lines: usize,
}

/// The lines of a caption and their files. Invariant: the files go when this is dropped.
pub(super) struct Caption {
    lines: Vec<String>,
    files: Vec<PathBuf>,
    size: (u32, u32),
}

impl Caption {
    /// Writes one file a line into `folder`.
    pub(super) async fn write(clip: &Clip, folder: &Path) -> std::io::Result<Self> {
        let size = clip.size();
        let shape = if size.1 > size.0 { TALL } else { WIDE };
        let mut this = Self { lines: lines(&clip.caption, shape), files: Vec::new(), size };
        for line in &this.lines {
            // A plain name, unlike any other at work in the same folder.
            let name = format!("caption-{:016x}.txt", fastrand::u64(..));
            this.files.push(folder.join(name));
            tokio::fs::write(&this.files[this.files.len() - 1], line).await?;
        }
        Ok(this)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The filters that draw the lines, each beginning with a comma; ffmpeg must run in the files' folder.
    pub(super) fn filters(&self) -> String {
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        let widest = self.lines.iter().map(|line| ems(line)).fold(1.0, f64::max);
        let letters = (width * WIDTH_SHARE / widest).min(width.min(height) * LARGEST_SHARE);
        let padding = (letters * 0.28).round();
        let step = letters * 1.75;
        let top = height * MIDDLE - step * f64::from(u32::try_from(self.lines.len()).unwrap_or(0)) / 2.0;
        // Only one family can be named and ffmpeg looks no further for a glyph.
        let font =
            if self.lines.iter().any(|line| line.chars().any(is_wide)) { "Noto Sans CJK SC" } else { "Sans" };

        let mut filters = String::new();
        for (place, file) in (0_u32..).zip(&self.files) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let y = top + step * f64::from(place);
            filters += &format!(
                ",drawtext=textfile={name}:expansion=none:font='{font}':fontsize={letters:.0}:fontcolor=white:\
                borderw={border:.0}:bordercolor=white:box=1:boxcolor=black@0.55:boxborderw={padding}:\
                x=(w-text_w)/2:y='{y:.0}+{sway:.1}*sin(t*1.7)+({step:.0}-max_glyph_h)/2'",
                border = (letters * 0.02).max(1.0),
                sway = letters * 0.15,
            );
        }
        filters
    }
}

impl Drop for Caption {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Breaks a caption between words, inside one only when it is longer than a line, and ends with `…` what does
/// not fit.
fn lines(caption: &str, shape: Shape) -> Vec<String> {
    let drawable: String =
        caption.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let mut lines = vec![String::new()];
    for word in drawable.split_whitespace() {
        for piece in pieces(word, shape.columns) {
            let line = lines.last_mut();
            match line {
                Some(line) if line.is_empty() => *line = piece,
                Some(line) if columns(line) + 1 + columns(&piece) <= shape.columns => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                _ => lines.push(piece),
            }
        }
    }
    if lines.len() > shape.lines {
        lines.truncate(shape.lines);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// A word in pieces that fit a line.
fn pieces(word: &str, most: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for letter in word.chars().filter(|letter| is_drawable(*letter)) {
        if let Some(piece) = pieces.last_mut() {
            if columns(piece) + columns_of(letter) <= most {
                piece.push(letter);
                continue;
            }
            pieces.push(letter.to_string());
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Not pictograms and their joiners, which a plain font shows as boxes.
fn is_drawable(letter: char) -> bool {
    !matches!(u32::from(letter), 0x200b..=0x200f | 0x2028..=0x202f | 0xe000..=0xf8ff | 0xfe00..=0xfe0f | 0x1f000..=0x1ffff | 0xe0000..)
}

fn is_wide(letter: char) -> bool {
    matches!(u32::from(letter), 0x1100..=0x115f | 0x2e80..=0x9fff | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xff00..=0xff60 | 0x20000..=0x3ffff)
}

fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(letter: char) -> usize {
    if is_wide(letter) { 2 } else { 1 }
}

/// About how wide a text is in ems of a sans-serif font, rather more than less.
fn ems(text: &str) -> f64 {
    text.chars()
        .map(|letter| match letter {
            'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '!' | '|' => 0.43,
            'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' | '—' => 1.05,
            'A'..='Z' => 0.82,
            _ if letter < '\u{250}' => 0.7,
            _ if is_wide(letter) => 1.05,
            _ => 0.9,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::WIDE;

    fn lines(caption: &str) -> Vec<String> {
        super::lines(caption, WIDE)
    }

    #[test]
    fn captions_break_between_words() {
        assert_eq!(lines("a morning in the mountains"), ["a morning in the", "mountains"]);
        assert_eq!(lines("  \n\t "), Vec::<String>::new());
    }

    #[test]
    fn wide_letters_count_twice_and_long_words_are_cut() {
        assert_eq!(lines("今天天气很好我们去爬山"), ["今天天气很好我们", "去爬山"]);
        assert_eq!(lines("abcdefghijklmnopqrstuvwxyz"), ["abcdefghijklmnop", "qrstuvwxyz"]);
    }

    #[test]
    fn long_captions_end_with_dots_and_pictograms_go() {
        let long = lines(&"seventeen letters ".repeat(20));
        assert_eq!(long.len(), 4);
        assert!(long[3].ends_with('…'));
        assert_eq!(lines("fun \u{1f389}\u{fe0f} here"), ["fun here"]);
    }
}
