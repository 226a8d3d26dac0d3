//! The sound of a demo clip: a soft chord that breathes.

use std::fmt::Write;

use fastrand::Rng;

/// Semitones above the root: two major, one minor, one open.
const CHORDS: [[u32; 4]; 4] = [[0, 4, 7, 12], [0, 4, 9, 14], [0, 3, 7, 10], [0, 7, 12, 16]];
const LOWEST_HERTZ: f64 = 130.81;

/// A filter graph that ends in one stereo stream of `seconds`.
pub(super) fn graph(chance: &mut Rng, seconds: u32) -> String {
    let chord = CHORDS[chance.usize(..CHORDS.len())];
    let root = chance.u32(0..12);
    let pulse = 0.5 + chance.f64() * 2.5;
    let mut graph = String::new();
    for (voice, semitones) in chord.iter().enumerate() {
        let hertz = LOWEST_HERTZ * 2f64.powf(f64::from(root + semitones) / 12.0);
        // Each voice swells at its own pace, so that the chord is never still.
        let swell = pulse / f64::from(u32::try_from(voice).unwrap_or(0) + 1);
        let _ = write!(
            graph,
            "sine=frequency={hertz:.2}:sample_rate=44100,tremolo=f={:.2}:d=0.8[voice{voice}];",
            swell.max(0.1)
        );
    }
    for voice in 0..chord.len() {
        let _ = write!(graph, "[voice{voice}]");
    }
    let voices = chord.len();
    let end = f64::from(seconds) - 0.5;
    let _ = write!(
        graph,
        "amix=inputs={voices},volume=3,afade=t=in:d=0.4,afade=t=out:st={end}:d=0.5,aformat=channel_layouts=stereo"
    );
    graph
}
