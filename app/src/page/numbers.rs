//! Numbers as text.

/// "12 s", "3 min 20 s", "1 h 5 min".
pub fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

pub fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// "12 kB", "3.4 MB".
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 / 1e6 {
        megabytes if megabytes >= 0.95 => format!("{megabytes:.1} MB"),
        megabytes => format!("{:.0} kB", (1000.0 * megabytes).ceil()),
    }
}

/// What stands where there is no number.
pub const NONE: &str = "\u{2013}";
