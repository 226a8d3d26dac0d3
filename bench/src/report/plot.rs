//! A scenario as a plot: a bar for each variant's requests a second, with the spread over the rounds.

use super::summary::{Summary, short};

const WIDTH: f64 = 760.0;
const NAMES: f64 = 150.0;
const BARS: f64 = 400.0;
const ROW: f64 = 34.0;
const TOP: f64 = 44.0;

/// The plot.
pub fn svg(scenario: &str, summaries: &[Summary]) -> String {
    let highest = summaries.iter().map(|one| one.per_second[2]).fold(f64::MIN_POSITIVE, f64::max);
    let height = TOP + ROW * summaries.len() as f64 + 10.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"24\" font-size=\"16\">{scenario}: requests a second</text>\n"
    );
    for (row, one) in summaries.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let [median, low, high] = one.per_second.map(|value| value / highest * BARS);
        let colour = if one.variant.starts_with("platform") { "#2563eb" } else { "#9ca3af" };
        let (middle, base, right) = (y + 11.0, y + 16.0, NAMES + high + 10.0);
        let (from, to) = (NAMES + low, NAMES + high);
        let told = format!("{}, {} µs CPU", short(one.per_second[0]), short(one.cpu_us));
        text.push_str(&format!(
            "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{NAMES}\" y=\"{y}\" width=\"{median:.1}\" height=\"22\" fill=\"{colour}\"/>\n\
             <path d=\"M{from:.1} {middle}H{to:.1}M{from:.1} {y}v22M{to:.1} {y}v22\" stroke=\"#111\"/>\n\
             <text x=\"{right:.1}\" y=\"{base}\">{told}</text>\n",
            NAMES - 8.0,
            one.variant,
        ));
    }
    text.push_str("</svg>\n");
    text
}
