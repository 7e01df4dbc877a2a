//! The page's colours as custom properties of its style sheet: by day those of the charts for design reviews, by night
//! their counterparts of the same hues on a dark ground.

use crate::report::charts::theme::{self, Color};

/// Name of the property, its colour by day, its colour by night.
///
/// Text has a contrast of at least 4.5 to 1 with its ground in either.
const COLORS: [(&str, Color, Color); 13] = [
    ("ink", theme::INK, Color(0xe6, 0xeb, 0xf0)),
    ("muted", theme::MUTED, Color(0xa3, 0xb2, 0xc0)),
    ("grid", theme::GRID, Color(0x2d, 0x38, 0x43)),
    ("paper", theme::PAPER, Color(0x13, 0x19, 0x1f)),
    ("stable", theme::STABLE, Color(0x6c, 0x86, 0xa2)),
    ("stable-ink", theme::STABLE_INK, Color(0xa8, 0xc0, 0xd8)),
    ("stable-tint", theme::STABLE_TINT, Color(0x2a, 0x38, 0x47)),
    ("new", theme::NEW, Color(0x3d, 0xb3, 0xab)),
    ("new-tint", theme::NEW_TINT, Color(0x18, 0x45, 0x43)),
    ("costly", theme::COSTLY, Color(0xc9, 0x8a, 0x36)),
    ("costly-ink", theme::COSTLY_INK, Color(0xf0, 0xbf, 0x7d)),
    ("alert", theme::ALERT, Color(0xff, 0x7b, 0x72)),
    ("panel", Color(0xf6, 0xf8, 0xf9), Color(0x1b, 0x23, 0x2b)),
];

/// The rules that define the colours: by day, by night where the system or the reader asks for it, always by day in
/// print.
pub fn rules() -> String {
    let day = properties(|(_, day, _)| *day);
    let night = properties(|(_, _, night)| *night);
    format!(
        ":root{{color-scheme:light;{day}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{night}}}}}\n\
         @media screen{{:root[data-theme=dark]{{color-scheme:dark;{night}}}}}\n"
    )
}

fn properties(pick: impl Fn(&(&str, Color, Color)) -> Color) -> String {
    let property = |color: &(&str, Color, Color)| {
        let Color(red, green, blue) = pick(color);
        format!("--{}:#{red:02x}{green:02x}{blue:02x};", color.0)
    };
    COLORS.iter().map(property).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2's contrast ratio.
    fn contrast(one: Color, other: Color) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let luminance = |color: Color| 0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2);
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_can_be_read_by_day_and_by_night() {
        let find = |name: &str| COLORS.iter().find(|(other, ..)| *other == name).expect("a colour");
        for ground in ["paper", "panel"].map(find) {
            for text in ["ink", "muted", "stable-ink", "costly-ink", "alert"].map(find) {
                assert!(contrast(text.1, ground.1) >= 4.5, "{} on {} by day", text.0, ground.0);
                assert!(contrast(text.2, ground.2) >= 4.5, "{} on {} by night", text.0, ground.0);
            }
        }
    }
}
