//! JSON cut where one answer differs from the next: at its whole numbers, its yes and no, and where an address
//! of ours begins. What lies between is written once and copied ever after.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

/// The fields that hold an address, to be serialised from its path on.
const ADDRESSES: [&str; 4] = ["avatar", "background_image", "play_url", "cover_url"];

/// Bytes set aside before serialising: a page of the feed fits.
const CAPACITY: usize = 16 * 1024;

/// What stands at a cut. In the text being cut each is a byte that JSON never holds: it escapes control
/// characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Number = 1,
    Flag = 2,
    Base = 3,
}

impl Cut {
    const fn marked(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Number),
            2 => Some(Self::Flag),
            3 => Some(Self::Base),
            0 | 4.. => None,
        }
    }
}

/// A JSON text and where it is cut.
#[derive(Debug)]
pub(crate) struct Template {
    text: Vec<u8>,
    /// By the end of the text before it.
    cuts: Vec<(usize, Cut)>,
    /// How many of them are for the base.
    bases: usize,
}

impl Template {
    /// Cuts the JSON of `value` at every `i64`, every `bool` and in front of every address.
    pub(crate) fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        let mut marked = Vec::with_capacity(CAPACITY);
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut marked, Marker::default()))?;
        let (mut text, mut cuts) = (Vec::with_capacity(marked.len()), Vec::new());
        let mut from = 0;
        for (at, byte) in marked.iter().enumerate() {
            let Some(cut) = Cut::marked(*byte) else { continue };
            text.extend_from_slice(&marked[from..at]);
            cuts.push((text.len(), cut));
            from = at + 1;
        }
        text.extend_from_slice(&marked[from..]);
        let bases = cuts.iter().filter(|(_, cut)| *cut == Cut::Base).count();
        Ok(Self { text, cuts, bases })
    }

    /// The JSON with addresses at `base` and these numbers, a yes being 1 and a no 0, all in the order of the
    /// text; none if there are fewer or more of them than cuts.
    pub(crate) fn fill(&self, base: &str, values: &[i64]) -> Option<Vec<u8>> {
        let base = serde_json::to_vec(base).ok()?;
        let base = base.get(1..base.len() - 1)?;
        let mut json = Vec::with_capacity(self.text.len() + self.cuts.len() * 6 + self.bases * base.len());
        let (mut values, mut digits) = (values.iter(), itoa::Buffer::new());
        let mut from = 0;
        for &(to, cut) in &self.cuts {
            json.extend_from_slice(&self.text[from..to]);
            json.extend_from_slice(match cut {
                Cut::Number => digits.format(*values.next()?).as_bytes(),
                Cut::Flag if *values.next()? == 0 => b"false",
                Cut::Flag => b"true",
                Cut::Base => base,
            });
            from = to;
        }
        json.extend_from_slice(&self.text[from..]);
        values.next().is_none().then_some(json)
    }

    /// What it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.capacity() + self.cuts.capacity() * size_of::<(usize, Cut)>()
    }
}

/// Writes marks instead of what stands at cuts.
#[derive(Default)]
struct Marker {
    in_key: bool,
    /// Whether the last key names an address.
    is_address: bool,
}

impl Formatter for Marker {
    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, _: i64) -> io::Result<()> {
        writer.write_all(&[Cut::Number as u8])
    }

    fn write_bool<W: ?Sized + Write>(&mut self, writer: &mut W, _: bool) -> io::Result<()> {
        writer.write_all(&[Cut::Flag as u8])
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.in_key = true;
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.in_key = false;
        Ok(())
    }

    fn begin_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\"")?;
        if self.is_address && !self.in_key { writer.write_all(&[Cut::Base as u8]) } else { Ok(()) }
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, part: &str) -> io::Result<()> {
        if self.in_key {
            self.is_address = ADDRESSES.contains(&part);
        }
        writer.write_all(part.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[derive(Serialize)]
    struct Shown {
        title: &'static str,
        count: i64,
        avatar: &'static str,
        is_new: bool,
        code: i32,
    }

    const SHOWN: Shown =
        Shown { title: "\u{1}\u{2}\u{3} avatar", count: 5, avatar: "/a", is_new: false, code: 7 };

    #[test]
    fn what_differs_is_filled_in_and_the_rest_stays() {
        let template = Template::of(&SHOWN).expect("JSON");
        let json = template.fill("http://\"x\"", &[-9, 1]).expect("fits");
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(
            json,
            json!({ "title": SHOWN.title, "count": -9, "avatar": "http://\"x\"/a", "is_new": true, "code": 7 })
        );
    }

    #[test]
    fn values_of_another_page_do_not_fit() {
        let template = Template::of(&SHOWN).expect("JSON");
        for values in [&[][..], &[1], &[1, 1, 1]] {
            assert_eq!(template.fill("", values), None);
        }
    }
}
