//! The moving pictures of demo clips: generators drawn small, tinted with a palette, a glow drifting across.

use fastrand::Rng;

use super::FRAMES_PER_SECOND;

/// Dark, middle and light tones, then the glow's colour.
type Palette = [[u8; 3]; 4];

const PALETTES: [Palette; 8] = [
    [[0x2d, 0x1e, 0x6b], [0xff, 0x5f, 0x6d], [0xff, 0xc3, 0x71], [0xff, 0xf1, 0xd0]],
    [[0x03, 0x25, 0x4c], [0x11, 0x81, 0xb2], [0x76, 0xe4, 0xf7], [0xff, 0xe0, 0x8a]],
    [[0x0b, 0x3d, 0x2e], [0x2a, 0x9d, 0x5c], [0xc6, 0xef, 0x8b], [0xfd, 0xf6, 0xd8]],
    [[0x5b, 0x1a, 0x8b], [0xff, 0x61, 0xa6], [0xff, 0xd1, 0xe8], [0x7d, 0xf9, 0xff]],
    [[0x1b, 0x1b, 0x3a], [0x69, 0x36, 0x68], [0xe0, 0x60, 0x7e], [0xff, 0xd2, 0x9d]],
    [[0x12, 0x3c, 0x69], [0x2b, 0xb7, 0xa9], [0xb8, 0xf2, 0xe6], [0xff, 0x9f, 0x80]],
    [[0x2b, 0x0a, 0x0a], [0xc1, 0x44, 0x0e], [0xff, 0xb3, 0x47], [0xff, 0xf3, 0xb0]],
    [[0x1f, 0x06, 0x37], [0x7b, 0x2c, 0xbf], [0xc7, 0x7d, 0xff], [0xff, 0xe6, 0xa7]],
];

/// Edges of the Mandelbrot set that stay full of detail while one falls into them.
const DEPTHS: [(f64, f64); 4] =
    [(-0.743_643_887, -0.131_825_904), (-0.101_096_4, 0.956_286_5), (-1.256_8, 0.380_0), (0.275_8, 0.006_9)];

#[derive(Clone, Copy)]
enum Kind {
    Drift,
    Plasma,
    Ripples,
    Kaleidoscope,
    Fractal,
    Life,
    Weave,
    Carpet,
}

/// Invariant: the clip's seed alone decides all of it.
pub(super) struct Scene {
    kind: Kind,
    palette: Palette,
    frames: u32,
}

impl Scene {
    pub(super) fn choose(chance: &mut Rng, seconds: u32) -> Self {
        use Kind::{Carpet, Drift, Fractal, Kaleidoscope, Life, Plasma, Ripples, Weave};
        let kinds = [Drift, Plasma, Ripples, Kaleidoscope, Fractal, Life, Weave, Carpet];
        Self {
            kind: kinds[chance.usize(..kinds.len())],
            palette: PALETTES[chance.usize(..PALETTES.len())],
            frames: seconds * FRAMES_PER_SECOND,
        }
    }

    /// A filter graph whose last filter's output is the picture, smaller than `width` x `height` but of its shape.
    pub(super) fn graph(&self, chance: &mut Rng, width: u32, height: u32) -> String {
        let (width, height) = (even(width / 4), even(height / 4));
        let ground = self.ground(chance, width, height);
        let glow = self.glow(chance, width.min(height));
        let pace = 0.6 + chance.f64();
        let phase = chance.f64() * 6.3;
        format!(
            "{ground},scale={width}:{height}:flags=bicubic,format=gbrp[ground];{glow}[glow];\
            [ground][glow]overlay=format=gbrp:x='(W-w)/2+W*0.42*sin(t*{pace:.2}+{phase:.2})'\
            :y='(H-h)/2+H*0.40*cos(t*{:.2}+{phase:.2})'",
            pace * 0.77
        )
    }

    fn ground(&self, chance: &mut Rng, width: u32, height: u32) -> String {
        let rate = FRAMES_PER_SECOND;
        let seed = chance.u32(1..1_000_000);
        let (small_width, small_height) = (even(width / 2), even(height / 2));
        let tint = self.tint();
        let phase = chance.f64() * 6.3;
        let field = |formula: &str| {
            // A formula for each pixel is slow, and such shapes are smooth enough to be enlarged.
            let (width, height) = (even(width / 3), even(height / 3));
            format!("nullsrc=s={width}x{height}:r={rate},format=gray,geq=lum='{formula}',{tint}")
        };
        match self.kind {
            Kind::Drift => {
                let [dark, middle, light, glow] = self.palette.map(hex);
                format!(
                    "gradients=s={width}x{height}:r={rate}:n=4:c0={dark}:c1={middle}:c2={light}:c3={glow}\
                    :x0=0:y0=0:x1={width}:y1={height}:seed={seed}:speed=0.02"
                )
            }
            Kind::Plasma => field(&format!(
                "127+42*sin(X/W*7+T*1.3+{phase:.2})+42*sin(Y/H*9-T)+42*sin((X/W+Y/H)*6+T*0.8+2*sin(T*0.5+{phase:.2}))"
            )),
            Kind::Ripples => field(&format!(
                "127+60*sin(hypot(X/W-0.5-0.3*sin(T+{phase:.2}),(Y-H/2)/W)*26-T*4)\
                +60*sin(hypot(X/W-0.5,(Y-H/2)/W-0.5*cos(T*0.8))*20-T*3)"
            )),
            Kind::Kaleidoscope => field(&format!(
                "127+60*sin(6*atan2(Y-H/2,X-W/2)+T*1.5+{phase:.2})+60*cos(hypot((X-W/2)/W,(Y-H/2)/W)*18-T*3)"
            )),
            Kind::Fractal => {
                let (x, y) = DEPTHS[chance.usize(..DEPTHS.len())];
                let frames = self.frames;
                format!(
                    "mandelbrot=s={width}x{height}:r={rate}:maxiter=120:start_x={x}:start_y={y}:start_scale=1.6\
                    :end_scale=0.03:end_pts={frames}:inner=convergence,format=gray,{tint}"
                )
            }
            Kind::Life => {
                let [dark, middle, light, _] = self.palette.map(hex);
                format!(
                    "life=s={small_width}x{small_height}:r=10:mold=14:seed={seed}:ratio=0.28:life_color={light}\
                    :death_color={middle}:mold_color={dark},fps={rate}"
                )
            }
            Kind::Weave => {
                let rule = [30, 45, 73, 105, 110, 150][chance.usize(..6)];
                format!(
                    "cellauto=s={small_width}x{small_height}:r={rate}:rule={rule}:seed={seed},format=gray,{tint}"
                )
            }
            Kind::Carpet => {
                let shape = if chance.bool() { "carpet" } else { "triangle" };
                format!(
                    "sierpinski=s={width}x{height}:r={rate}:type={shape}:seed={seed}:jump=40,format=gray,{tint}"
                )
            }
        }
    }

    /// Turns grey into the palette: dark to middle to light.
    fn tint(&self) -> String {
        let [dark, middle, light, _] = self.palette;
        let curve = |channel: usize| {
            let (low, half, high) = (dark[channel], middle[channel], light[channel]);
            format!("if(lt(val,128),{low}+({half}-{low})*val/128,{half}+({high}-{half})*(val-128)/127)")
        };
        format!("format=gbrp,lutrgb=r='{}':g='{}':b='{}'", curve(0), curve(1), curve(2))
    }

    /// One soft round light, drawn once and repeated.
    fn glow(&self, chance: &mut Rng, room: u32) -> String {
        let side = even(room / 3 + chance.u32(0..=room / 4));
        let colour = hex(self.palette[3]);
        let rate = FRAMES_PER_SECOND;
        format!(
            "color=c={colour}:s={side}x{side}:r={rate},trim=end_frame=1,format=gbrap,\
            geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='225*pow(max(0,1-hypot(X-W/2,Y-H/2)/(W/2)),0.7)',\
            loop=loop=-1:size=1,setpts=N/{rate}/TB"
        )
    }
}

fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("0x{red:02x}{green:02x}{blue:02x}")
}

fn even(side: u32) -> u32 {
    (side / 2 * 2).max(8)
}
