//! Where a request is in its trace, as it travels between processes: B3 (one header or several) and W3C.

use http::{HeaderMap, HeaderName, HeaderValue};

const B3: HeaderName = HeaderName::from_static("b3");
const B3_TRACE: HeaderName = HeaderName::from_static("x-b3-traceid");
const B3_SPAN: HeaderName = HeaderName::from_static("x-b3-spanid");
const B3_SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const B3_FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");
const W3C: HeaderName = HeaderName::from_static("traceparent");

/// Where a request is in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The trace, never 0; a caller's 64-bit id has zeros in front.
    pub trace: u128,
    /// The span everything that follows is a child of, never 0.
    pub span: u64,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

impl Context {
    /// What the headers say, in this order: W3C, B3 in one header, B3 in several. Nonsense is passed over.
    /// A caller that leaves the decision to us is recorded; one that decides without naming a trace (`b3: 0`)
    /// is not heard.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let one = |name: &HeaderName| {
            // Two values contradict each other, so neither is believed.
            let mut values = headers.get_all(name).iter();
            let value = values.next().filter(|_| values.next().is_none())?;
            value.to_str().ok().map(str::trim)
        };
        one(&W3C).and_then(w3c).or_else(|| one(&B3).and_then(b3)).or_else(|| {
            let decision = match (one(&B3_FLAGS), one(&B3_SAMPLED)) {
                (Some("1"), _) => Some("d"),
                (_, decision) => decision,
            };
            context(one(&B3_TRACE)?, one(&B3_SPAN)?, decision)
        })
    }

    /// Says it to whoever is called next, as B3 in one header and as W3C.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Self { trace, span, sampled } = *self;
        let decision = u8::from(sampled);
        for (name, text) in [
            (B3, format!("{trace:032x}-{span:016x}-{decision}")),
            (W3C, format!("00-{trace:032x}-{span:016x}-0{decision}")),
        ] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

/// `00-<32 hex>-<16 hex>-<2 hex>`; a later version may have more after that.
fn w3c(text: &str) -> Option<Context> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let known = match hex(version, 2)? {
        0x00 => parts.next().is_none(),
        0xff => false,
        _later => true,
    };
    if !known {
        return None;
    }
    let sampled = hex(flags, 2)? & 1 == 1;
    ids(hex(trace, 32)?, hex(span, 16)?, sampled)
}

/// `<32 or 16 hex>-<16 hex>`, then perhaps `-<decision>`, then perhaps `-<16 hex>`, the caller's own parent.
fn b3(text: &str) -> Option<Context> {
    let mut parts = text.split('-');
    let (trace, span, decision) = (parts.next()?, parts.next()?, parts.next());
    if let Some(parent) = parts.next() {
        hex(parent, 16)?;
    }
    if parts.next().is_some() {
        return None;
    }
    context(trace, span, decision)
}

fn context(trace: &str, span: &str, decision: Option<&str>) -> Option<Context> {
    let sampled = match decision {
        None | Some("1" | "d" | "true") => true,
        Some("0" | "false") => false,
        Some(_nonsense) => return None,
    };
    let trace = hex(trace, 32).or_else(|| hex(trace, 16))?;
    ids(trace, hex(span, 16)?, sampled)
}

fn ids(trace: u128, span: u128, sampled: bool) -> Option<Context> {
    let span = u64::try_from(span).ok()?;
    (trace != 0 && span != 0).then_some(Context { trace, span, sampled })
}

/// Lower-case hex of exactly this many digits; `from_str_radix` alone would take a sign.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = text.len() == digits && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
    const SPAN: u64 = 0xb7ad_6b71_6920_3331;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).expect("a header's value"));
        }
        headers
    }

    #[track_caller]
    fn read(lines: &[(&'static str, &str)], expected: Option<(u128, bool)>) {
        let expected = expected.map(|(trace, sampled)| Context { trace, span: SPAN, sampled });
        assert_eq!(Context::read(&headers(lines)), expected, "{lines:?}");
    }

    #[test]
    fn all_three_forms_are_read() {
        let (yes, no) = (Some((TRACE, true)), Some((TRACE, false)));
        let short = Some((TRACE & u128::from(u64::MAX), true));
        read(&[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")], yes);
        read(&[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")], no);
        read(&[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03")], yes);
        read(&[("traceparent", "42-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later")], yes);
        read(&[("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331")], yes);
        read(&[("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1")], yes);
        read(&[("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-d")], yes);
        read(&[("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0")], no);
        read(&[("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1-05e3ac9a4f6e3b90")], yes);
        read(&[("b3", "8448eb211c80319c-b7ad6b7169203331-1")], short);
        let multi =
            [("x-b3-traceid", "0af7651916cd43dd8448eb211c80319c"), ("x-b3-spanid", "b7ad6b7169203331")];
        read(&multi, yes);
        read(&[multi[0], multi[1], ("x-b3-sampled", "1")], yes);
        read(&[multi[0], multi[1], ("x-b3-sampled", "0")], no);
        read(&[multi[0], multi[1], ("x-b3-sampled", "false")], no);
        read(&[multi[0], multi[1], ("x-b3-flags", "1")], yes);
        read(&[("x-b3-traceid", "8448eb211c80319c"), multi[1]], short);
    }

    #[test]
    fn nonsense_is_passed_over() {
        for line in [
            ("traceparent", ""),
            ("traceparent", "00"),
            ("traceparent", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"),
            ("traceparent", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
            ("traceparent", "00-00000000000000000000000000000000-b7ad6b7169203331-01"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"),
            ("traceparent", "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x"),
            ("b3", "0"),
            ("b3", "1"),
            ("b3", "0af7651916cd43dd8448eb211c80319c"),
            ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-2"),
            ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1-xyz"),
            ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1-05e3ac9a4f6e3b90-1"),
            ("b3", "0000000000000000-b7ad6b7169203331-1"),
            ("x-b3-traceid", "0af7651916cd43dd8448eb211c80319c"),
        ] {
            read(&[line], None);
        }
        let twice = ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1");
        read(&[twice, twice], None);
    }

    #[test]
    fn the_next_form_speaks_when_one_is_nonsense() {
        let good = ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1");
        read(&[("traceparent", "00-what"), good], Some((TRACE, true)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for sampled in [true, false] {
            let context = Context { trace: 7, span: SPAN, sampled };
            let mut headers = headers(&[("b3", "stale"), ("traceparent", "stale")]);
            context.write(&mut headers);
            assert_eq!(Context::read(&headers), Some(context));
            headers.remove(W3C);
            assert_eq!(Context::read(&headers), Some(context));
        }
    }
}
